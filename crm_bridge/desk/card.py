"""The caller's card: who it is as our records know, looked up when the caller enters the line.

`Reader` answers questions one after another on one connection for all that wait, so that the card
is in memory before any telephone rings, and a busy or broken database delays nothing but cards.
Whatever else knows callers (another CRM, say) hands its own finding to the board the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.appointments.appointment import Appointment
from crm_bridge.appointments.appointments import open_appointments
from crm_bridge.cases.case import of_person
from crm_bridge.cases.case_steps import CaseStep, read
from crm_bridge.cases.complaints import CaseLine, open_cases
from crm_bridge.cases.workflow import OPEN, State
from crm_bridge.clock import Clock
from crm_bridge.errors import StorageError
from crm_bridge.people.matching import Contact, Match, last_contacts, match
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.agents import agent_sessions
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.records.tables import agent_parts, callers, calls

_log = structlog.get_logger(__name__)

DAY: Final = 24 * 3600 * 1_000_000
KNOWN_FOR: Final = 30 * DAY
_CONTACTS: Final = 4
_WAITING: Final = 5000
"""Questions that may wait; beyond, the oldest are given up: their callers have rung by then."""


@dataclass(frozen=True, slots=True)
class Question:
    """Who is this? Asked of every caller once, and again where the number changes."""

    call_id: str
    e164: str | None
    withheld: bool


@dataclass(frozen=True, slots=True)
class Made:
    """A case that was recorded in this call, and its timed steps."""

    ticket: str
    title: str
    state: State
    told: bool
    steps: tuple[CaseStep, ...]


@dataclass(frozen=True, slots=True)
class Knower:
    """Who of the desk knows the caller: recorded an open case of his, or spoke with him."""

    account_id: str
    why: str
    """`case` or `call`."""
    at_us: int


@dataclass(frozen=True, slots=True)
class Card:
    """What our records know of a caller."""

    match: Match
    contacts: tuple[Contact, ...] = ()
    cases: tuple[CaseLine, ...] = ()
    calls_before: int = 0
    calls_today: int = 0
    """In the 24 hours before this call."""
    made: tuple[Made, ...] = ()
    appointments: tuple[Appointment, ...] = ()
    """Still open, the next first."""
    knowers: tuple[Knower, ...] = ()
    """Of open cases first, then of calls of the last `KNOWN_FOR`; the latest first."""

    @property
    def level(self) -> str:
        """`known`, `maybe`, `new` or `withheld`."""
        return self.match.level


async def look_up(connection: AsyncConnection, clock: Clock, question: Question) -> Card:
    """The card of a caller: a few reads by index."""
    e164 = None if question.withheld else question.e164
    found = await match(connection, e164, withheld=question.withheld)
    made = await _made(connection, question.call_id)
    if e164 is None:
        return Card(found, made=made)
    person = found.persons[0].id if found.level == "known" else None
    contacts = await last_contacts(connection, [e164], person, _CONTACTS, without=question.call_id)
    known = await open_cases(connection, [e164], person, clock=clock)
    meetings = await open_appointments(connection, [e164], person)
    before = await connection.scalar(select(callers.c.calls).where(callers.c.e164 == e164)) or 0
    today = 0
    if contacts:
        today = (
            await connection.scalar(
                select(func.count())
                .select_from(calls)
                .where(
                    calls.c.caller_e164 == e164,
                    calls.c.entered_us > clock.now_us() - DAY,
                    calls.c.call_id != question.call_id,
                )
            )
            or 0
        )
    mine = {case.ticket for case in made}
    others = tuple(case for case in known if case.ticket not in mine)
    knowers = await _knowers(connection, clock, question.call_id, e164, person)
    return Card(found, tuple(contacts), others, before, today, made, tuple(meetings), knowers)


async def _knowers(
    connection: AsyncConnection, clock: Clock, call_id: str, e164: str, person: str | None
) -> tuple[Knower, ...]:
    """Accounts, not extensions: another person may sit there today."""
    whose: list[ColumnElement[bool]] = [cases.c.complainant_number == e164]
    if person is not None:
        whose.append(of_person(cases.c.person_id, person))
    of_cases = await connection.execute(
        select(cases.c.created_by, cases.c.recorded_us)
        .where(or_(*whose), cases.c.state.in_([state.value for state in OPEN]))
        .order_by(cases.c.recorded_us.desc())
        .limit(_CONTACTS)
    )
    sat = agent_sessions.c
    of_calls = await connection.execute(
        select(sat.account_id, agent_parts.c.connected_us)
        .select_from(calls)
        .join(agent_parts, agent_parts.c.call_id == calls.c.call_id)
        .join(
            agent_sessions,
            (sat.extension == agent_parts.c.agent)
            & (sat.started_us <= agent_parts.c.connected_us)
            & (sat.ended_us.is_(None) | (sat.ended_us >= agent_parts.c.connected_us)),
        )
        .where(
            calls.c.caller_e164 == e164, calls.c.call_id != call_id,
            calls.c.entered_us > clock.now_us() - KNOWN_FOR,
        )
        .order_by(calls.c.entered_us.desc(), agent_parts.c.connected_us.desc())
        .limit(_CONTACTS)
    )  # fmt: skip
    return (
        *(Knower(by, "case", at) for by, at in of_cases),
        *(Knower(by, "call", at) for by, at in of_calls),
    )


async def _made(connection: AsyncConnection, call_id: str) -> tuple[Made, ...]:
    query = (
        select(cases.c.id, cases.c.ticket, cases.c.title, cases.c.state, cases.c.told_us)
        .where(cases.c.call_id == call_id)
        .order_by(cases.c.recorded_us, cases.c.id)
    )
    return tuple(
        [
            Made(ticket, title, State(state), told is not None, tuple(await read(connection, id_)))
            for id_, ticket, title, state, told in (await connection.execute(query)).all()
        ]
    )


class Reader:
    """Looks cards up in the order in which they were asked for; `run` it as a task."""

    def __init__(
        self, database: Database, clock: Clock, found: Callable[[str, Card], None]
    ) -> None:
        """`found` is told the call's id and its card; must not wait or raise."""
        self._database = database
        self._clock = clock
        self._found = found
        self._waiting: dict[str, Question] = {}
        self._wake = asyncio.Event()

    def ask(self, question: Question) -> None:
        """Puts a question; a newer one about the same call takes the place of the older."""
        self._waiting.pop(question.call_id, None)
        self._waiting[question.call_id] = question
        if len(self._waiting) > _WAITING:
            self._waiting.pop(next(iter(self._waiting)))
        self._wake.set()

    def forget(self, call_id: str) -> None:
        """The call is over: nobody needs the answer."""
        self._waiting.pop(call_id, None)

    async def run(self) -> None:
        """Answers until cancelled."""
        while True:
            while not self._waiting:
                self._wake.clear()
                await self._wake.wait()
            try:
                await self._answer_all()
            except StorageError as error:
                _log.warning("no caller's card while the records cannot be read", error=str(error))
                await self._clock.sleep(1.0)

    async def _answer_all(self) -> None:
        async with self._database.reading() as connection:
            # those that come meanwhile are answered on the same connection, but not for ever:
            # it sees the records as they were when it was opened
            for question in list(self._waiting.values()):
                if self._waiting.get(question.call_id) is not question:
                    continue
                card = await self._answer(connection, question)
                if self._waiting.get(question.call_id) is question:
                    del self._waiting[question.call_id]
                    if card is not None:
                        self._found(question.call_id, card)

    async def _answer(self, connection: AsyncConnection, question: Question) -> Card | None:
        try:
            return await look_up(connection, self._clock, question)
        except StorageError:
            raise
        except Exception:
            # one caller whose card cannot be made must not cost all others theirs
            _log.exception("card not made", call=question.call_id)
            return None
