"""What a caller is told of a case, and whether it is his to hear.

All who ask at a moment are answered from one reading of the records: a hundred callers cost hardly
more than one, and a database that stands still holds one connection, not a hundred.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import select

from crm_bridge.cases import calendars
from crm_bridge.cases.ticket_number import NotATicket, parse
from crm_bridge.cases.workflow import OPEN, Act, State
from crm_bridge.cases.working_days import Calendar, office_day
from crm_bridge.clock import Clock
from crm_bridge.errors import StorageError
from crm_bridge.records.callers import normalise
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.cases import case_events, cases
from crm_bridge.records.tables import calls
from crm_bridge.selfservice.guesses import Guesses
from ivr.calls.call import Micros
from ivr.selfservice.port import Question, Slip, Status, Unanswered, Unproved

_log = structlog.get_logger(__name__)

ANSWER_WITHIN: Final = 1.4
"""Seconds in which a caller has his answer, or none."""
MOST: Final = 500
"""Questions that wait at a time; one more is not taken."""
TOLD_ACTS: Final = (
    "record", Act.TELL, Act.PROPOSE, Act.ASSIGN, Act.ANSWER, Act.ACCEPT, Act.GRANT_EXTENSION,
    Act.SETTLE, Act.CLOSE, Act.REOPEN, Act.CANCEL,
)  # fmt: skip
"""Acts that a complainant is told of; the others are the ministry's own affair."""

_LAST: Final = 4
_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class _Held:
    """A case as far as it matters here."""

    id: str
    kind: str
    state: State
    due_us: Micros | None
    complainant: str | None
    """The complainant's number, as written."""
    called: str | None
    """The number of the call that gave the case."""
    act: str | None = None
    act_us: Micros | None = None


@dataclass(frozen=True, slots=True)
class _Reading:
    """The cases asked for as they stood at one moment, by ticket number."""

    now: Micros
    calendar: Calendar
    cases: dict[str, _Held]


class CaseStatus:
    """Answers callers; `run` reads for them."""

    def __init__(
        self, database: Database, clock: Clock, *, answer_within: float = ANSWER_WITHIN
    ) -> None:
        self._database = database
        self._clock = clock
        self._within = answer_within
        self._guesses = Guesses()
        self._asked: list[tuple[str, asyncio.Future[_Reading]]] = []
        self._wake = asyncio.Event()

    def slip(self, ticket: str) -> Slip | None:
        """What is wrong with a number as keyed."""
        if len(ticket) != _DIGITS:
            return Slip.LENGTH
        try:
            parse(ticket)
        except NotATicket:
            return Slip.DIGIT
        return None

    async def status(self, question: Question) -> Status | Unproved:
        """The status, where the number or the digits prove the caller; raises Unanswered."""
        ticket = str(parse(question.ticket))
        number = normalise(question.number).e164 if question.number else None
        reading = await self._reading(ticket)
        held = reading.cases.get(ticket)
        if held is not None and number is not None and number in _numbers(held):
            return _status(held, reading)
        if question.last_four is None:
            return Unproved(held is not None)
        if not self._guesses.enter(self._clock, ticket, number):
            return Unproved(held is not None, shut=True)
        if held is None or question.last_four != _last_four(held):
            return Unproved(held is not None)
        self._guesses.right(ticket, number)
        return _status(held, reading)

    async def run(self) -> None:
        """Reads for those who ask, all at once, until cancelled."""
        await self._warm()
        while True:
            await self._wake.wait()
            self._wake.clear()
            asked, self._asked = self._asked, []
            waiting = [(ticket, answer) for ticket, answer in asked if not answer.done()]
            if not waiting:
                continue
            try:
                reading = await self._read(sorted({ticket for ticket, _ in waiting}))
            except StorageError as fault:
                _log.warning("callers were not told a status", what=fault.what, where=fault.where)
                for _, answer in waiting:
                    if not answer.done():
                        answer.set_exception(Unanswered())
                continue
            for _, answer in waiting:
                if not answer.done():
                    answer.set_result(reading)

    async def _warm(self) -> None:
        """What is loaded and reckoned once takes a second: no caller waits for that."""
        normalise("1203")
        with contextlib.suppress(StorageError):
            await self._read([])

    async def _reading(self, ticket: str) -> _Reading:
        if len(self._asked) >= MOST:
            raise Unanswered
        answer: asyncio.Future[_Reading] = asyncio.get_running_loop().create_future()
        self._asked.append((ticket, answer))
        self._wake.set()
        try:
            async with asyncio.timeout(self._within):
                return await answer
        except TimeoutError:
            raise Unanswered from None

    async def _read(self, tickets: Sequence[str]) -> _Reading:
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(
                    cases.c.ticket, cases.c.id, cases.c.kind, cases.c.state, cases.c.due_us,
                    cases.c.complainant_number, calls.c.caller_e164,
                )
                .outerjoin(calls, calls.c.call_id == cases.c.call_id)
                .where(cases.c.ticket.in_(tickets))
            )  # fmt: skip
            found = rows.all()
            events = await connection.execute(
                select(case_events.c.case_id, case_events.c.kind, case_events.c.at_us)
                .where(
                    case_events.c.case_id.in_([row.id for row in found]),
                    case_events.c.kind.in_(TOLD_ACTS),
                    case_events.c.internal.is_(False),
                )
                .order_by(case_events.c.case_id, case_events.c.ordinal)
            )
            last = {row.case_id: (row.kind, row.at_us) for row in events}
            calendar = await calendars.current(connection, self._clock)
        held = {
            row.ticket: _Held(
                row.id, row.kind, State(row.state), row.due_us, row.complainant_number,
                row.caller_e164, *last.get(row.id, (None, None)),
            )
            for row in found
        }  # fmt: skip
        return _Reading(self._clock.now_us(), calendar, held)


def _status(held: _Held, reading: _Reading) -> Status:
    due = held.due_us if held.state in OPEN else None
    return Status(
        held.kind,
        held.state.value,
        None if due is None else reading.calendar.left(reading.now, due),
        due is not None and reading.now >= due,
        held.act,
        None if held.act_us is None else office_day(held.act_us),
    )


def _numbers(held: _Held) -> set[str]:
    """Whose calls hear of it: the complainant's number, and the one that gave the case."""
    own = normalise(held.complainant).e164 if held.complainant else None
    return {number for number in (own, held.called) if number}


def _last_four(held: _Held) -> str | None:
    """The digits that prove a complainant who calls from elsewhere; None where there are none."""
    if not held.complainant:
        return None
    written = normalise(held.complainant).e164 or held.complainant
    digits = "".join(c for c in written if c.isdecimal())
    return digits[-_LAST:] if len(digits) >= _LAST else None
