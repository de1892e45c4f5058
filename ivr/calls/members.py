"""Who serves which queue, paused or not and why, and how each telephone is; pure, fed by events.

It knows nothing of calls. Between a lost link and the end of the next snapshot it is not `known`:
what stood before may have changed unheard. What a snapshot does not show any more is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ivr.calls.call import Micros
from ivr.events import types as ev


class Presence(StrEnum):
    """How the telephones behind a number are."""

    FREE = "free"
    IN_USE = "in_use"
    RINGING = "ringing"
    ON_HOLD = "on_hold"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


_STATUS: Final = {
    0: Presence.FREE,
    1: Presence.IN_USE,
    2: Presence.IN_USE,
    4: Presence.UNAVAILABLE,
    8: Presence.RINGING,
    9: Presence.IN_USE,
    16: Presence.ON_HOLD,
    17: Presence.ON_HOLD,
}
"""Asterisk's number of an extension's state; 9 rings while in a call."""

OF_MEMBERS: Final = (ev.MemberTold, ev.MemberRemoved, ev.PresenceTold)
"""Events that are this module's and no call's."""

TO_BOTH: Final = (ev.LinkLost, ev.LinkUp, ev.SnapshotEnded, ev.ShutDown)
"""Events that say what is known, of members and of calls alike."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of one queue as Asterisk last told."""

    queue: str
    interface: str
    name: str
    state_interface: str | None
    paused: bool
    reason: str
    dynamic: bool | None
    changed_at: Micros
    """Since when it is so, as far as Asterisk tells; of what only a snapshot showed, the second in
    which the last pause began, or 0."""


class Members:
    """The members and the presence of one node."""

    def __init__(self) -> None:
        self.known = False
        """A snapshot has been taken whole and the link is up since."""
        self._members: dict[tuple[str, str], Member] = {}
        self._presence: dict[str, Presence] = {}
        self._devices: dict[str, tuple[str, ...]] = {}
        self._shown: set[tuple[str, str]] = set()
        self._told: set[str] = set()

    def apply(self, event: ev.Event) -> bool:
        """Takes one event in; tells whether anything that stands here has changed."""
        match event:
            case ev.MemberTold():
                return self._told_of(event)
            case ev.MemberRemoved():
                self._shown.discard((event.queue, event.interface))
                return self._members.pop((event.queue, event.interface), None) is not None
            case ev.PresenceTold():
                self._told.add(event.exten)
                self._devices[event.exten] = event.devices
                found = _STATUS.get(-1 if event.status is None else event.status, Presence.UNKNOWN)
                changed = self._presence.get(event.exten) is not found
                self._presence[event.exten] = found
                return changed
            case ev.LinkLost() | ev.ShutDown():
                was, self.known = self.known, False
                return was
            case ev.LinkUp():
                self.known = False
                self._shown.clear()
                self._told.clear()
                return False
            case ev.SnapshotEnded():
                for key in self._members.keys() - self._shown:
                    del self._members[key]
                for exten in self._presence.keys() - self._told:
                    del self._presence[exten]
                    self._devices.pop(exten, None)
                self._shown.clear()
                self.known = True
                return True
            case _:
                return False

    def _told_of(self, event: ev.MemberTold) -> bool:
        key = (event.queue, event.interface)
        self._shown.add(key)
        before = self._members.get(key)
        dynamic = event.dynamic
        state = event.state_interface
        at = event.at
        if before is not None:
            dynamic = before.dynamic if dynamic is None else dynamic
            state = before.state_interface if state is None else state
            if (before.paused, before.reason) == (event.paused, event.reason) and not event.added:
                at = before.changed_at
        member = Member(
            event.queue, event.interface, event.name, state, event.paused, event.reason, dynamic, at
        )
        self._members[key] = member
        return member != before

    def of(self, name: str) -> list[Member]:
        """The memberships of the officer of this id, in order of the queues' names."""
        return sorted((m for m in self if m.name == name), key=lambda m: m.queue)

    def presence(self, number: str) -> Presence:
        """How the telephones behind this number are; unknown while the link is not up."""
        return self._presence.get(number, Presence.UNKNOWN) if self.known else Presence.UNKNOWN

    def devices(self, number: str) -> tuple[str, ...]:
        """The telephones behind this number; none where the line has not told."""
        return self._devices.get(number, ())

    def numbers(self) -> list[str]:
        """Every number whose telephones the line tells of."""
        return sorted(self._presence)

    def __iter__(self) -> Iterator[Member]:
        return iter(list(self._members.values()))

    def __len__(self) -> int:
        return len(self._members)
