"""A case as the desk reads it: the record, who must answer it, and who may see what of it.

An agency or provincial officer sees only the cases that the own agency has a part in, and of the
complainant only what was consented to: `seen_by` and `masked` are the only two doors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, exists, false, or_, select, true
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases.ticket_number import NotATicket, parse
from crm_bridge.cases.workflow import Assignment, State
from crm_bridge.errors import Refused
from crm_bridge.records.desk_tables.cases import case_assignments, case_extensions, cases
from crm_bridge.records.desk_tables.people import persons
from ivr.calls.call import Micros

KINDS: Final[dict[str, tuple[str, str]]] = {
    "complaint": ("เรื่องร้องเรียน", "Complaint"),
    "advice": ("เรื่องขอคำปรึกษา", "Request for advice"),
}
"""What a case is; both go the same way and are timed by the steps of the service `complaint`."""

IDENTITIES: Final[dict[str, tuple[str, str]]] = {
    "open": ("เปิดเผยชื่อแก่หน่วยงานได้", "May be disclosed to the agencies"),
    "concealed": ("ปกปิดชื่อต่อหน่วยงาน", "Concealed from the agencies"),
    "anonymous": ("ไม่ประสงค์แจ้งชื่อ", "Gives no name"),
}
"""How far the complainant is known."""

OUT_OF_IT: Final = frozenset({Assignment.DECLINED, Assignment.RELEASED})
"""An agency that need not answer any more has no part in the case."""


@dataclass(frozen=True, slots=True)
class Case:
    """One row of `cases`; times in microseconds since the epoch, UTC."""

    id: str
    ticket: str
    kind: str
    state: State
    round: int
    subject_id: str | None
    title: str
    facts: str
    wanted: str
    respondent: str
    respondent_contact: str
    place: str
    province: str | None
    product: str
    identity: str
    person_id: str | None
    complainant_name: str
    complainant_number: str | None
    complainant_email: str | None
    complainant_province: str | None
    notice_version: str | None
    consent: bool | None
    consent_how: str | None
    consent_us: Micros | None
    call_id: str | None
    opened_us: Micros | None
    recorded_us: Micros
    told_us: Micros | None
    told_how: str | None
    told_message: str | None
    proposed_us: Micros | None
    due_us: Micros | None
    calendar_version: int | None
    settled_us: Micros | None
    settlement: str | None
    closed_us: Micros | None
    owner: str
    created_by: str
    made_key: str | None
    updated_us: Micros
    version: int

    @property
    def hidden_complainant(self) -> bool:
        """Whether agencies are not to know who complains."""
        return self.identity != "open" or self.consent is not True or self.state is State.CANCELLED


@dataclass(frozen=True, slots=True)
class Assigned:
    """One row of `case_assignments`: an agency that must answer."""

    id: str
    case_id: str
    round: int
    agency: str
    state: Assignment
    instruction: str
    assigned_us: Micros
    assigned_by: str
    due_us: Micros
    answer: str | None
    answered_us: Micros | None
    answered_by: str | None


@dataclass(frozen=True, slots=True)
class Extension:
    """One row of `case_extensions`: time asked for."""

    id: str
    case_id: str
    assignment_id: str
    agency: str
    working_days: int
    reason: str
    state: str
    asked_us: Micros
    asked_by: str
    old_due_us: Micros
    new_due_us: Micros | None
    calendar_version: int | None
    decided_us: Micros | None
    decided_by: str | None
    decision: str | None


def case_of(row: Row[Any]) -> Case:
    """The case that a row of the table holds."""
    values = {name: getattr(row, name) for name in Case.__dataclass_fields__}
    return Case(**{**values, "state": State(row.state)})


def seen_by(by: Account) -> ColumnElement[bool]:
    """The condition under which this account sees a row of `cases`.

    An agency sees a case while it is ordered to answer it in the case's present round, and what it
    has answered there also afterwards; one that declined, was released or was asked in an earlier
    round only sees it no more.
    """
    if not by.outside:
        return true()
    if by.agency is None:
        return false()
    part = case_assignments.c
    return exists().where(
        part.case_id == cases.c.id,
        part.round == cases.c.round,
        part.agency == by.agency,
        part.state.not_in([state.value for state in OUT_OF_IT]),
    )


async def seen_of(connection: AsyncConnection, by: Account, tickets: Iterable[str]) -> set[str]:
    """Those of the tickets whose case this account may see."""
    query = select(cases.c.ticket).where(cases.c.ticket.in_(list(tickets)), seen_by(by))
    return set(await connection.scalars(query))


def masked(case: Case, by: Account) -> Case:
    """The case as this account may read it."""
    if not by.outside:
        return case
    shown = replace(
        case,
        person_id=None,
        call_id=None,
        made_key=None,
        told_message=None,
        settlement=None,  # every agency's answers together; the own one stands with the assignment
    )
    if not case.hidden_complainant:
        return shown
    return replace(
        shown,
        complainant_name="",
        complainant_number=None,
        complainant_email=None,
        complainant_province=None,
    )


def of_person(column: ColumnElement[str | None], person_id: str) -> ColumnElement[bool]:
    """The condition that a row is this person's, whatever was merged since it was written."""
    other = persons.alias()
    root = select(other.c.root_id).where(other.c.id == person_id).scalar_subquery()
    same = select(persons.c.id).where(persons.c.root_id == root)
    return or_(column == person_id, column.in_(same))


async def is_person(connection: AsyncConnection, person_id: str) -> bool:
    """Whether there is such a person, not erased, for a case or an appointment to be about."""
    query = select(persons.c.id).where(persons.c.id == person_id, persons.c.erased_us.is_(None))
    return await connection.scalar(query) is not None


def ticket_text(text: str) -> str:
    """The written form of a ticket number in a request; Refused (404) where it is none."""
    try:
        return str(parse(text[:60]))
    except NotATicket as error:
        raise Refused("no-such-case", error.th, error.en, 404) from None


async def find(connection: AsyncConnection, by: Account, ticket: str) -> Case:
    """The whole case, unmasked, if this account may see it; Refused (404) else.

    A case of another agency and one that is not there look the same.
    """
    number = ticket_text(ticket)
    row = (
        await connection.execute(select(cases).where(cases.c.ticket == number, seen_by(by)))
    ).one_or_none()
    if row is None:
        raise Refused(
            "no-such-case",
            f"ไม่พบเรื่องเลขที่ {number} หรือเรื่องนี้ไม่ได้อยู่ในความรับผิดชอบของท่าน",
            f"there is no case {number}, or it is not one of yours",
            404,
        )
    return case_of(row)


async def assignments(connection: AsyncConnection, case: Case) -> list[Assigned]:
    """Who must answer, of every round, in order."""
    table = case_assignments
    rows = await connection.execute(
        select(table)
        .where(table.c.case_id == case.id)
        .order_by(table.c.round, table.c.assigned_us, table.c.agency)
    )
    return [Assigned(**{**row._mapping, "state": Assignment(row.state)}) for row in rows]


async def extensions(connection: AsyncConnection, case: Case) -> list[Extension]:
    """Every request for time, in order."""
    table = case_extensions
    rows = await connection.execute(
        select(table).where(table.c.case_id == case.id).order_by(table.c.asked_us, table.c.id)
    )
    return [Extension(**row._mapping) for row in rows]


def own(assigned: Sequence[Assigned], by: Account) -> list[Assigned]:
    """The assignments this account may read: an outside one only its own, and not released."""
    if not by.outside:
        return list(assigned)
    return [a for a in assigned if a.agency == by.agency and a.state is not Assignment.RELEASED]
