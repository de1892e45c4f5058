"""What an agent is, and what Asterisk's queues must therefore say: pure, one table of rules.

| the desk's state | member of the session's queues | paused, with reason |
|---|---|---|
| ready | yes | no; `wrapup` while in a call, so that none comes when it ends |
| paused for REASON | yes | REASON |
| wrapup of CALL | yes | `wrapup` |
| signed out | added at run time: no; of the configuration: yes | `signed_out` |
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from ivr.calls.call import Micros
from ivr.calls.members import Member, Presence

WRAPUP: Final = "wrapup"
SIGNED_OUT: Final = "signed_out"
ELSEWHERE: Final = "elsewhere"
"""The reason of a pause made at the telephone system with none of the desk's reasons."""


class State(StrEnum):
    """What an agent is, by the desk."""

    READY = "ready"
    PAUSED = "paused"
    WRAPUP = "wrapup"


class Source(StrEnum):
    """Whose doing a state is."""

    DESK = "desk"
    CALL = "call"
    LINE = "line"
    SUPERVISOR = "supervisor"


@dataclass(frozen=True, slots=True)
class Whose:
    """A supervisor who put an officer into a state."""

    account_id: str
    name_th: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Sitting:
    """A person at an extension, in a state."""

    session_id: str
    account_id: str
    extension: str
    queues: tuple[str, ...]
    signed_in_at: Micros
    state_id: str
    state: State
    since: Micros
    source: Source = Source.DESK
    reason: str | None = None
    """Code of the pause's reason."""
    call_id: str | None = None
    """The call whose record is to be saved."""
    name_th: str = ""
    name_en: str = ""
    by: Whose | None = None
    """The supervisor whose doing the state is."""

    def to(
        self,
        state: State,
        at: Micros,
        source: Source,
        state_id: str,
        *,
        reason: str | None = None,
        call_id: str | None = None,
        by: Whose | None = None,
    ) -> Sitting:
        """The same person in another state."""
        return replace(
            self, state=state, since=at, source=source, state_id=state_id, reason=reason,
            call_id=call_id, by=by,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """What the members of an officer should be: paused or not, and why."""

    paused: bool
    reason: str = ""


def wish(sitting: Sitting, in_call: bool) -> Wish:
    """What Asterisk's queues should say of this officer."""
    if sitting.state is State.PAUSED:
        return Wish(True, sitting.reason or ELSEWHERE)
    if sitting.state is State.WRAPUP or in_call:
        return Wish(True, WRAPUP)
    return Wish(False)


@dataclass(frozen=True, slots=True)
class Orders:
    """What is to be sent so that the queues say what they should."""

    add: tuple[str, ...] = ()
    """Queues to be added to."""
    pause: Wish | None = None
    """To be set in all queues."""

    def __bool__(self) -> bool:
        return bool(self.add or self.pause)


def orders(sitting: Sitting, in_call: bool, members: Iterable[Member]) -> Orders:
    """What must be sent for these members to be what the desk wants."""
    wanted = wish(sitting, in_call)
    there = list(members)
    missing = [queue for queue in sitting.queues if queue not in {m.queue for m in there}]
    wrong = [
        m for m in there
        if m.paused != wanted.paused or (wanted.paused and m.reason != wanted.reason)
    ]  # fmt: skip
    return Orders(tuple(missing), wanted if wrong else None)


@dataclass(frozen=True, slots=True)
class Adopted:
    """A change made at the telephone system that the desk takes over."""

    state: State | None
    """`None`: taken out of every queue, signed out."""
    reason: str | None = None
    at: Micros = 0
    queues: tuple[str, ...] = ()
    """The queues still served."""


def adopted(
    sitting: Sitting,
    in_call: bool,
    members: Collection[Member],
    removed: Mapping[str, Micros],
    reasons: Collection[str],
) -> Adopted | None:
    """The change made elsewhere since this state began; `None` where there is none.

    `removed`: queues this officer was taken out of, and when. What is older than the desk's own
    state is not taken over: the desk's wish stands and is sent again. A pause is taken over with
    its reason, where that is one of the desk's.
    """
    gone = {queue for queue in sitting.queues if removed.get(queue, 0) > sitting.since}
    left = tuple(queue for queue in sitting.queues if queue not in gone)
    if gone and not left:
        return Adopted(None, at=max(removed[queue] for queue in gone))
    wanted = wish(sitting, in_call)
    newer = [m for m in members if m.queue in left and m.changed_at > sitting.since]
    changed = [m for m in newer if (m.paused, m.reason if m.paused else "") != (
        wanted.paused, wanted.reason)]  # fmt: skip
    if changed:
        last = max(changed, key=lambda m: m.changed_at)
        if not last.paused and not in_call:
            return Adopted(State.READY, at=last.changed_at, queues=left)
        if last.paused and last.reason != WRAPUP:
            reason = last.reason if last.reason in reasons else ELSEWHERE
            if sitting.state is not State.PAUSED or sitting.reason != reason:
                return Adopted(State.PAUSED, reason, last.changed_at, left)
    if gone:
        at = max(removed[queue] for queue in gone)
        return Adopted(sitting.state, sitting.reason, at, left)
    return None


@dataclass(frozen=True, slots=True)
class Seat:
    """An extension as screens show it: who sits there, in which state, how the telephone is."""

    extension: str
    known: bool
    """The line is connected: what is shown is true now."""
    presence: Presence
    sitting: Sitting | None = None
    in_call: str | None = None
    """The call the officer is in."""
    paused_in: tuple[str, ...] = field(default=())
    """Queues in which Asterisk has him paused."""
    queues: tuple[str, ...] = ()
    """Queues of which he is a member at Asterisk."""

    @property
    def state(self) -> str:
        """What to show: `unknown` while the line is not heard."""
        if self.sitting is None:
            return "signed_out"
        return self.sitting.state.value if self.known else "unknown"
