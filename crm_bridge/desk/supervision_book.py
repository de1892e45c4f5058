"""The book of supervision: every act written down before it is tried, then how it came out.

Without a database that takes the line there is no act. What lasts (a supervisor at a call) and what
comes out later (the transfer of a take-over) is followed on the line and written down with
Asterisk's own times, whatever the supervisor was told meanwhile: a telephone that was asked to be
at an officer's channel is waited for until that channel is gone. What the database does not take is
written again until it does.

Not in the book, but on the call's own record: what began after the bridge was started anew, and of
acts already told as refused what the database had not taken when it stopped. What began while the
line was not heard is nowhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog

from crm_bridge.clock import Clock
from crm_bridge.desk import supervision_log
from crm_bridge.desk.line import Line
from crm_bridge.desk.supervision_log import Came
from crm_bridge.errors import HotlineError, Refused, StorageError
from crm_bridge.records.calls import load_call
from crm_bridge.records.database import Database
from ivr.calls.call import Call, Micros, Transfer
from ivr.calls.supervising import Spying, supervisions
from ivr.events.types import Event

_log = structlog.get_logger(__name__)

T = TypeVar("T")

_CLOCKS: Final = 1_000_000
"""Microseconds by which Asterisk's clock may be behind ours."""
AGAIN: Final = 5.0
"""Seconds after which what could not be written down is tried again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A supervisor's telephone that Asterisk is asked to bring to an officer's channel."""

    by: str
    spied: str
    way: str


@dataclass(slots=True)
class Attempt:
    """An act under way, and what its line is to say of it."""

    line: supervision_log.Line
    asked: Asked | None = None
    """Set before Asterisk is asked: from then on it may begin, whatever is answered."""
    spying: Spying | None = None
    """What began of it; the book's to set."""
    handed: tuple[Call, Transfer] | None = None
    """What was begun, and comes out later."""


class Book:
    """Who did what to whom, kept; one for the whole bridge."""

    def __init__(self, database: Database, line: Line, clock: Clock) -> None:
        self._database = database
        self._line = line
        self._clock = clock
        self._attempts: dict[str, Attempt] = {}
        """Line of the log → an act under way, or one that was refused and may still begin."""
        self._lasting: dict[str, Spying] = {}
        """Line of the log → what goes on."""
        self._handed: dict[str, tuple[Call, Transfer]] = {}
        """Line of the log → a take-over whose transfer has not come out."""
        self._unwritten: dict[str, dict[str, Any]] = {}
        """Line of the log → what is still to be written of it."""
        self._writing = asyncio.Lock()
        self._wake = asyncio.Event()
        line.on_call.append(self._heard)

    @property
    def open(self) -> bool:
        """Something goes on, or is not written yet."""
        return bool(self._lasting or self._handed or self._unwritten)

    async def load(self) -> None:
        """Takes up what went on when the desk was last here, and closes what has ended since."""
        async with self._database.reading() as connection:
            found = await supervision_log.lasting(connection)
            cut_off = [
                (line, await supervision_log.page(connection, call_id=line.call_id, limit=1000))
                for line in await supervision_log.unsettled(connection)
            ]
        for line in found:
            await self._take_up(line, line.started_us)
        for line, beside in cut_off:
            await self._settle(line, beside)

    async def _settle(self, line: supervision_log.Line, beside: list[supervision_log.Line]) -> None:
        """An act that a stop cut off: whether it began, and when, stands on the call's record."""
        known = {one.started_us for one in beside}
        known.update(v["started_us"] for v in self._unwritten.values() if "started_us" in v)
        call = await self._call(line.call_id)
        wanted = (line.by_extension, line.act.value, line.to_extension)
        for one in supervisions(call) if call is not None else ():
            later = one.since >= line.started_us - _CLOCKS
            if (one.by, one.way, one.agent) == wanted and later and one.since not in known:
                self._note(line.id, _begun(one.since))
                await self._take_up(line, one.since)
                return

    async def _take_up(self, line: supervision_log.Line, since: Micros) -> None:
        for spying in self._line.spyings():
            if (spying.by, spying.since) == (line.by_extension, since):
                self._lasting[line.id] = spying
                return
        self._close(line.id, await self._call(line.call_id), since)

    async def _call(self, call_id: str | None) -> Call | None:
        live = self._line.live(call_id or "")
        if live is not None:
            return live[1].call
        stored = await load_call(self._database, call_id) if call_id else None
        return stored.call if stored is not None else None

    async def run(self) -> None:
        """Writes down what came out, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.write_down()
            except StorageError as error:
                _log.warning("an act of supervision is not kept yet", why=str(error))
                asyncio.get_running_loop().call_later(AGAIN, self._wake.set)

    async def write_down(self) -> None:
        """Writes down everything that is not kept yet. Raises StorageError."""
        while self._unwritten:
            await self._write(next(iter(self._unwritten)))

    async def _write(self, line_id: str) -> None:
        # one after the other: what was heard first must not be written over what came later
        async with self._writing:
            values = self._unwritten.get(line_id)
            if values is None:
                return
            async with self._database.writing() as connection:
                await supervision_log.amend(connection, self._clock.now_us(), line_id, **values)
            if self._unwritten.get(line_id) is values:
                del self._unwritten[line_id]

    async def audited(
        self, line: supervision_log.Line, work: Callable[[Attempt], Awaitable[T]]
    ) -> T:
        """Writes the act down, does it, and writes down how it came out.

        Raises StorageError only before it is tried; how it came out is kept later, if not now.
        """
        attempt = Attempt(line)
        async with self._database.writing() as connection:
            await supervision_log.begin(connection, line)
        self._attempts[line.id] = attempt
        try:
            done = await work(attempt)
        except Refused as refusal:
            await self._came(attempt, Came.REFUSED, refusal.code)
            raise
        except HotlineError:
            await self._came(attempt, Came.FAILED)
            raise
        finally:
            if attempt.asked is None:
                del self._attempts[line.id]
        await self._came(attempt, Came.DONE)
        return done

    async def _came(self, attempt: Attempt, how: Came, code: str | None = None) -> None:
        line_id = attempt.line.id
        self._look()
        if attempt.spying is None:
            values: dict[str, Any] = {"outcome": how.value, "refused_as": code}
            if attempt.handed is None:
                values["ended_us"] = self._clock.now_us()
            self._note(line_id, values)
        if attempt.handed is not None:
            self._handed[line_id] = attempt.handed
            self._look()
        try:
            await self._write(line_id)
        except StorageError as error:
            # what has happened has happened, and is told so; `run` writes it down
            _log.warning("an act of supervision is not kept yet", why=str(error))

    # --- from Asterisk ---------------------------------------------------------------------------

    def _heard(self, _call: Call, _event: Event) -> None:
        """A call has changed: who is at it or no longer, and whether a take-over has come out."""
        self._look()

    def _look(self) -> None:
        if self._attempts:
            self._look_for_begins()
        if not self._lasting and not self._handed:
            return
        now = {(s.spyer, s.since) for s in self._line.spyings()}
        for line_id, spying in list(self._lasting.items()):
            if (spying.spyer, spying.since) not in now:
                del self._lasting[line_id]
                self._close(line_id, spying.live.call, spying.since)
        for line_id, (call, transfer) in list(self._handed.items()):
            if transfer.outcome is not None or call.closed:
                del self._handed[line_id]
                came = transfer.outcome.value if transfer.outcome is not None else ""
                at = transfer.answered_at or transfer.ended_at
                self._note(line_id, {"detail": came, "ended_us": at})

    def _look_for_begins(self) -> None:
        """What has begun is the newest act's that asked for it."""
        followed = {(s.spyer, s.since) for s in self._lasting.values()}
        for spying in self._line.spyings():
            if (spying.spyer, spying.since) in followed:
                continue
            begun = Asked(spying.by, spying.spied, spying.way)
            for line_id, attempt in reversed(list(self._attempts.items())):
                if attempt.asked == begun:
                    attempt.spying = self._lasting[line_id] = spying
                    del self._attempts[line_id]
                    self._note(line_id, _begun(spying.since))
                    break
        for line_id, attempt in list(self._attempts.items()):
            if attempt.asked is not None and not self._there(attempt.asked.spied):
                del self._attempts[line_id]

    def _there(self, uniqueid: str) -> bool:
        return any(uniqueid in node.tracker.net.channels for node in self._line.nodes)

    def _close(self, line_id: str, call: Call | None, since: int) -> None:
        """What goes on no longer: its end as the record has it, or that it was not heard."""
        there = supervisions(call) if call is not None else []
        until = next((one.until for one in there if one.since == since), None)
        heard = {"ended_us": until} if until is not None else {"outcome": Came.LOST.value}
        self._note(line_id, heard)

    def _note(self, line_id: str, values: dict[str, Any]) -> None:
        """Is still to be written: beside what is, and in place of what it says otherwise."""
        self._unwritten[line_id] = self._unwritten.get(line_id, {}) | values
        self._wake.set()


def _begun(since: Micros) -> dict[str, Any]:
    """What goes on since then, whatever its line said before."""
    return {
        "outcome": Came.DONE.value, "refused_as": None, "started_us": since, "ended_us": None,
    }  # fmt: skip
