"""Calls back the callers who keep their places in queues, each when it is his turn.

Turn: fewer wait before him than officers serve the queue. Then a Local channel stands there in his
place (`dialplan/callback.conf`), by the second in which he joined: Asterisk itself keeps the order,
rings the next free officer, and rings the number when he has answered. A try is on disk before it
is ordered, and how it came out is read from its call, or from Asterisk's own note that the number
answered: who was reached is never called again. Nothing here holds what must outlive the bridge.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeVar

import structlog

from crm_bridge.clock import Clock
from crm_bridge.config_selfservice import CallbackSection
from crm_bridge.desk import kept_places
from crm_bridge.desk.agent_states import WRAPUP
from crm_bridge.desk.kept_places import COUNTED, Came, Ended, Kept
from crm_bridge.desk.line import Line, LineNode
from crm_bridge.errors import Refused, StorageError
from crm_bridge.records.callers import normalise
from crm_bridge.records.database import Database
from ivr.ami import actions
from ivr.calls.call import INBOUND, OUTBOUND, Call, Micros, Outcome, PassageOutcome
from ivr.calls.live import Live
from ivr.calls.members import Presence
from ivr.events.types import Event

_log = structlog.get_logger(__name__)

T = TypeVar("T")

PLACE_CONTEXT: Final = "kept-place"
PARTY_CONTEXT: Final = "kept-called"
"""Contexts of `dialplan/callback.conf`: who stands in the queue, and who rings the number."""

ROUND: Final = 1.0
"""Seconds between two looks at who is next."""
IN_QUEUE: Final = 120
"""Seconds for which a place stands in its queue before it is looked at anew."""
SOON: Final = 5_000_000
"""µs until the next try where the last was no fault of the caller's."""
CLOCKS: Final = 2_000_000
"""µs by which Asterisk's clock may be behind ours."""
SHOWN_WITHIN: Final = 10_000_000
"""µs in which a try that was ordered is seen on the line; after that it is not there."""
TOLD_MOST: Final = 500
"""Calls that are over and are not on disk yet, kept in memory; past that the oldest goes: what it
was is then looked up as after a crash."""

_NATIONAL: Final = re.compile(r"0[2-9][0-9]{7,8}")
_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]{1,80}")
_DIALLED: Final = {
    "BUSY": Came.BUSY, "NOANSWER": Came.NO_ANSWER, "CANCEL": Came.OFFICER_LEFT,
    "ANSWER": Came.REACHED,
}  # fmt: skip
_DAYS: Final = 7
_DAY: Final = 86_400_000_000
_BY_OUTCOME: Final = {
    Came.BUSY.value: Ended.BUSY, Came.NO_ANSWER.value: Ended.NO_ANSWER,
    Came.UNREACHABLE.value: Ended.UNREACHABLE,
}  # fmt: skip


class CallingBack:
    """Watches over the kept places; `run` until cancelled."""

    def __init__(
        self, database: Database, line: Line, clock: Clock, section: CallbackSection,
        closed: Callable[[], str | None],
    ) -> None:  # fmt: skip
        """`closed` tells why the office is, None while it is open or that is not known."""
        self._database = database
        self._line = line
        self._clock = clock
        self._section = section
        self._closed = closed
        self._over: dict[str, Call] = {}
        self._spoke: dict[str, Micros] = {}
        """Number that an officer spoke with → when that call began; on disk a moment later."""
        self._wake = asyncio.Event()
        self.on_change: Callable[[], None] = _nobody
        """Told where a place has ended or a try has begun."""
        line.on_call.append(self.heard)

    def heard(self, call: Call, _event: Event) -> None:
        """Takes in a call that is over: one that called a kept place back, and who was spoken to.

        Never waits or raises.
        """
        if not call.closed:
            return
        if call.direction == OUTBOUND and (lost := called_back(call)):
            _put(self._over, lost, call)
            self._wake.set()
        if call.agents and (number := normalise(call.caller_presented).e164):
            _put(self._spoke, number, call.entered_at)

    def wake(self) -> None:
        """Somebody has asked to be called back."""
        self._wake.set()

    async def run(self) -> None:
        """Looks who is next, again and again; a database that is down costs a round."""
        while True:
            try:
                await self.round()
            except StorageError as fault:
                _log.warning("kept places were not read", what=fault.what, where=fault.where)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND):
                    await self._wake.wait()
            self._wake.clear()

    async def round(self) -> None:
        """One look at every kept place, in their order."""
        async with self._database.reading() as connection:
            kept = await kept_places.kept_places(connection)
        under_way: Counter[str] = Counter()
        for one in kept:
            if one.trying is not None and not await self._came(one):
                under_way[one.queue] += 1
                await self._withdraw(one)
        for one in kept:
            if one.trying is not None:
                continue  # looked at anew in the next round
            if (reason := self._ended(one)) is not None:
                await self._end(one, reason)
            elif self._is_next(one, under_way[one.queue]):
                under_way[one.queue] += await self._try(one)

    async def _withdraw(self, kept: Kept) -> None:
        """Takes a place out of its queue that nobody is to be called for now.

        Not once an officer has it: he is then told how it comes out.
        """
        for node, live in self._line.lives():
            if not _stands(live, kept) or not node.known:
                continue
            if self._ended(kept) is None and not self._on_another_call(kept):
                continue
            with contextlib.suppress(Refused):  # the next round tries again
                await self._line.act(node, actions.hangup("", live.caller.name))

    # --- who is next -----------------------------------------------------------------------------

    def _ended(self, kept: Kept) -> Ended | None:
        """Why this place is called no more, if it is so."""
        now = self._clock.now_us()
        if kept.spoken or self._spoke.get(kept.number, 0) > kept.asked_us:
            return Ended.SPOKEN
        if kept.given_up:
            return Ended.GIVEN_UP
        if kept.tried >= self._section.tries:
            return _BY_OUTCOME.get(kept.last or "", Ended.NO_ANSWER)
        if now >= kept.until_us:
            return Ended.EXPIRED
        why = self._closed()
        return Ended.OFFICE_CLOSED if why is not None and why != "lunch" else None

    def _is_next(self, kept: Kept, under_way: int) -> bool:
        """His turn, and nothing speaks against it now."""
        if self._clock.now_us() < kept.next_us or self._closed() is not None:
            return False
        if self._on_another_call(kept):
            return False
        before = under_way
        for _, live in self._line.lives():
            since = _waits_since(live, kept.queue)
            before += since is not None and since // 1_000_000 < kept.place_us // 1_000_000
        return before < self._officers(kept.queue)

    def _on_another_call(self, kept: Kept) -> bool:
        """He is on the line just now, in or out, but for the call that is this place."""
        return any(
            called_back(live.call) != kept.call_id
            and normalise(live.call.caller_presented).e164 == kept.number
            for _, live in self._line.lives()
        )

    def _officers(self, queue: str) -> int:
        """Officers who serve the queue, those in a call too; one where there is none.

        So the first in line stands there when the first officer comes.
        """
        serving = {
            member.name
            for node in self._line.nodes
            if node.known
            for member in node.members
            if member.queue == queue
            and (not member.paused or member.reason == WRAPUP)
            and node.members.presence(member.name) is not Presence.UNAVAILABLE
        }
        return max(1, len(serving))

    # --- a try -----------------------------------------------------------------------------------

    async def _try(self, kept: Kept) -> bool:
        """Has the place stand in the queue; false where it could not be ordered."""
        number = "0" + kept.number.removeprefix("+66")
        node = self._node_of(kept)
        if node is None or not _NATIONAL.fullmatch(number) or not _PLAIN.fullmatch(kept.call_id):
            return False
        async with self._database.writing() as connection:
            ordinal = await kept_places.begin(connection, self._clock, kept.call_id)
        if ordinal is None:
            return False
        left = max(1, (kept.until_us - self._clock.now_us()) // 1_000_000)
        waits = min(IN_QUEUE, left)
        try:
            await self._line.act(
                node,
                actions.originate(
                    "", f"Local/{number}@{PLACE_CONTEXT}/n", PARTY_CONTEXT, number,
                    caller_id=f"{number} <{number}>", milliseconds=(waits + 60) * 1000,
                    variables={
                        "HOTLINE_FOR": kept.call_id, "HOTLINE_DAY": str(day_of(kept.asked_us)),
                        "HOTLINE_QUEUE": kept.queue, "HOTLINE_WAITS": str(waits),
                        "HOTLINE_PLACE": str(kept.place_us // 1_000_000),
                    },
                ),
            )  # fmt: skip
        except Refused as refused:
            if refused.code == "line-unconfirmed":
                return True  # it may have been taken: as after a crash, the line will show
            await self._write(kept, ordinal, Came.NOT_PLACED)
            return False
        self.on_change()
        return True

    def _node_of(self, kept: Kept) -> LineNode | None:
        """The Asterisk he called: his place is in its queue."""
        for node in self._line.nodes:
            if kept.call_id.startswith(f"{node.name}-"):
                return node if node.known else None
        return None

    async def _came(self, kept: Kept) -> bool:
        """Writes how the try under way came out; false while it is, or that is not known."""
        if kept.trying is None:
            return True
        call = self._over.get(kept.call_id)
        if call is not None and call.entered_at > kept.trying_us - CLOCKS:  # of no earlier try
            outcome = outcome_of(call)
        elif self._on_the_line(kept) or self._clock.now_us() - kept.trying_us < SHOWN_WITHIN:
            return False
        else:
            outcome = Came.UNKNOWN
        if outcome is not Came.REACHED and outcome not in COUNTED:
            answered = await self._answered(kept)
            if answered is None:
                return False
            outcome = Came.REACHED if answered else outcome
        await self._write(kept, kept.trying, outcome)
        self._over.pop(kept.call_id, None)  # not before it is on disk: a database may be away
        return True

    def _on_the_line(self, kept: Kept) -> bool:
        """Whether its call is on the line, or the line cannot be seen."""
        if self._node_of(kept) is None:
            return True
        return any(
            live.call.direction == OUTBOUND
            and (
                called_back(live.call) == kept.call_id
                or normalise(live.call.caller_presented).e164 == kept.number
            )
            for _, live in self._line.lives()
        )

    async def _answered(self, kept: Kept) -> bool | None:
        """Whether Asterisk has noted that the number answered; None where it cannot be asked."""
        node = self._node_of(kept)
        if node is None:
            return None
        family = f"called-back-{day_of(kept.asked_us)}"
        try:
            await self._line.act(node, actions.build("DBGet", "", Family=family, Key=kept.call_id))
        except Refused as refused:
            return False if refused.code == "line-refused" else None
        return True

    async def _write(self, kept: Kept, ordinal: int, outcome: Came) -> None:
        now = self._clock.now_us()
        again = round(self._section.again_minutes * 60_000_000) if outcome in COUNTED else SOON
        async with self._database.writing() as connection:
            await kept_places.came(
                connection, self._clock, kept.call_id, ordinal, outcome, now + again
            )
            if outcome is Came.REACHED:
                await kept_places.end(connection, self._clock, kept.call_id, Ended.REACHED)
        self.on_change()

    async def _end(self, kept: Kept, reason: Ended) -> None:
        async with self._database.writing() as connection:
            await kept_places.end(connection, self._clock, kept.call_id, reason)
        _log.info("a kept place has ended", call=kept.call_id, reason=reason.value)
        self.on_change()


def _put(into: dict[str, T], key: str, value: T) -> None:
    into[key] = value
    while len(into) > TOLD_MOST:
        del into[next(iter(into))]


def called_back(call: Call) -> str:
    """The id of the lost call that this one calls back; empty where there is none."""
    return next((mark.value for mark in call.marks if mark.name == "callback"), "")


def outcome_of(call: Call) -> Came:
    """How a try came out, from its call."""
    if call.outcome is Outcome.SERVED or call.agents:
        return Came.REACHED
    ended = [mark.value for mark in call.marks if mark.name == "callback_end"]
    if ended:
        return _DIALLED.get(ended[-1], Came.UNREACHABLE)
    return Came.UNKNOWN if call.outcome is Outcome.INTERRUPTED else Came.NO_OFFICER


def day_of(moment: Micros) -> int:
    """The day of the week (0 to 6) under which Asterisk notes that a number answered."""
    return moment // _DAY % _DAYS


def _stands(live: Live, kept: Kept) -> bool:
    """Whether this call is that place, waiting in its queue."""
    passage = live.passage
    return (
        live.keeps_place
        and called_back(live.call) == kept.call_id
        and passage is not None
        and passage.left_at is None
    )


def _waits_since(live: Live, queue: str) -> Micros | None:
    """When a caller who waits in this queue joined it; a moment outside it is no leaving."""
    call = live.call
    if call.direction != INBOUND or call.ended_at is not None or not call.passages:
        return None
    last = call.passages[-1]
    away = last.outcome is PassageOutcome.LEFT or (last.outcome is None and live.left_by_key)
    if last.queue != queue or (last.outcome is not None and not away):
        return None
    if last.outcome is None and last.left_at is not None and not away:
        return None
    since = last.joined_at
    for passage in reversed(call.passages[:-1]):
        if passage.queue != queue or passage.outcome is not PassageOutcome.LEFT:
            break
        since = passage.joined_at
    return since


def _nobody() -> None:
    pass
