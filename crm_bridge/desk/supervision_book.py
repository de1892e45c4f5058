"""The book of supervision: every act written down before it is tried, then how it came out.

Without a database that takes the line there is no act. What lasts (a supervisor at a call) and what
comes out later (the transfer of a take-over) is followed on the line and closed with Asterisk's own
times; an end that cannot be written at once is tried again.
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
from ivr.calls.call import Call, Transfer
from ivr.calls.supervising import Spying, supervisions
from ivr.events.types import Event

_log = structlog.get_logger(__name__)

T = TypeVar("T")

AGAIN: Final = 5.0
"""Seconds after which an end that could not be written down is tried again."""


@dataclass(slots=True)
class Attempt:
    """An act under way, and what its line is to say of it."""

    line: supervision_log.Line
    spying: Spying | None = None
    """What was begun, and goes on."""
    handed: tuple[Call, Transfer] | None = None
    """What was begun, and comes out later."""


class Book:
    """Who did what to whom, kept; one for the whole bridge."""

    def __init__(self, database: Database, line: Line, clock: Clock) -> None:
        self._database = database
        self._line = line
        self._clock = clock
        self._lasting: dict[str, Spying] = {}
        """Line of the log → what goes on."""
        self._handed: dict[str, tuple[Call, Transfer]] = {}
        """Line of the log → a take-over whose transfer has not come out."""
        self._ends: dict[str, dict[str, Any]] = {}
        """Line of the log → what is still to be written of it."""
        self._wake = asyncio.Event()
        line.on_call.append(self._heard)

    @property
    def open(self) -> bool:
        """Something goes on, or its end is not written yet."""
        return bool(self._lasting or self._handed or self._ends)

    async def load(self) -> None:
        """Takes up what went on when the desk was last here, and closes what has ended since."""
        async with self._database.reading() as connection:
            found = await supervision_log.lasting(connection)
        there = {(s.by, s.since): s for s in self._line.spyings()}
        for line in found:
            spying = there.get((line.by_extension or "", line.started_us))
            if spying is not None:
                self._lasting[line.id] = spying
            else:
                self._close(line.id, await self._call(line.call_id), line.started_us)

    async def _call(self, call_id: str | None) -> Call | None:
        live = self._line.live(call_id or "")
        if live is not None:
            return live[1].call
        stored = await load_call(self._database, call_id) if call_id else None
        return stored.call if stored is not None else None

    async def run(self) -> None:
        """Writes down what has ended, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.write_ends()
            except StorageError as error:
                _log.warning("the end of a supervision is not kept yet", why=str(error))
                asyncio.get_running_loop().call_later(AGAIN, self._wake.set)

    async def write_ends(self) -> None:
        """Writes down every end that was heard of and is not kept yet. Raises StorageError."""
        while self._ends:
            line_id, values = next(iter(self._ends.items()))
            await self._amend(line_id, values)
            if self._ends.get(line_id) is values:
                del self._ends[line_id]

    async def audited(
        self, line: supervision_log.Line, work: Callable[[Attempt], Awaitable[T]]
    ) -> T:
        """Writes the act down, does it, and writes down how it came out."""
        attempt = Attempt(line)
        async with self._database.writing() as connection:
            await supervision_log.begin(connection, line)
        try:
            done = await work(attempt)
        except Refused as refusal:
            await self._came(attempt, Came.REFUSED, refusal.code)
            raise
        except HotlineError:
            await self._came(attempt, Came.FAILED)
            raise
        await self._came(attempt, Came.DONE)
        return done

    async def _came(self, attempt: Attempt, how: Came, code: str | None = None) -> None:
        line_id = attempt.line.id
        values: dict[str, Any] = {"outcome": how.value, "refused_as": code}
        if attempt.spying is not None:
            values["started_us"] = attempt.spying.since
        elif attempt.handed is None:
            values["ended_us"] = self._clock.now_us()
        await self._amend(line_id, values)
        if attempt.spying is not None:
            self._lasting[line_id] = attempt.spying
        if attempt.handed is not None:
            self._handed[line_id] = attempt.handed
        self._look()

    async def _amend(self, line_id: str, values: dict[str, Any]) -> None:
        async with self._database.writing() as connection:
            await supervision_log.amend(connection, line_id, **values)

    # --- from Asterisk ---------------------------------------------------------------------------

    def _heard(self, _call: Call, _event: Event) -> None:
        """A call has changed: who is no longer at it, and whether a take-over has come out."""
        self._look()

    def _look(self) -> None:
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

    def _close(self, line_id: str, call: Call | None, since: int) -> None:
        """What goes on no longer: its end as the record has it, or that it was not heard."""
        there = supervisions(call) if call is not None else []
        until = next((one.until for one in there if one.since == since), None)
        heard = {"ended_us": until} if until is not None else {"outcome": Came.LOST.value}
        self._note(line_id, heard)

    def _note(self, line_id: str, values: dict[str, Any]) -> None:
        self._ends[line_id] = values
        self._wake.set()
