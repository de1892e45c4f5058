"""Cases found again: by number, by a word, by state, agency, lateness, owner; a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import BigInteger, ColumnElement, and_, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases.case import Assigned, Case, Extension, case_of, masked, of_person, seen_by
from crm_bridge.cases.ticket_number import NotATicket, parse
from crm_bridge.cases.workflow import OPEN, Assignment, State
from crm_bridge.plain_text import plain_line
from crm_bridge.records import audit
from crm_bridge.records.callers import normalise
from crm_bridge.records.desk_tables.cases import case_assignments, case_extensions, cases
from ivr.calls.call import Micros

NEVER: Final = 2**62
"""Sorts a case without a deadline behind all others."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for; every part narrows it."""

    text: str = ""
    states: frozenset[State] = frozenset()
    kind: str | None = None
    agency: str | None = None
    """Who must answer it; the centre's alone to ask, as are call and person."""
    owner: str | None = None
    overdue_at: Micros | None = None
    """Only open cases whose deadline is past at this moment."""
    call_id: str | None = None
    person_id: str | None = None
    untold: bool = False
    """Only cases whose number has not been told."""
    order: Literal["newest", "due"] = "newest"


Place = tuple[int, str]
"""Where a page begins: the sort key of the entry before it and its id."""


async def search(
    connection: AsyncConnection, by: Account, wanted: Wanted, *, limit: int, after: Place | None
) -> tuple[list[Case], Place | None]:
    """A page of cases this account may see, masked for it, and where the next page begins."""
    where = [seen_by(by), *_conditions(wanted, by)]
    key: ColumnElement[int]
    if wanted.order == "due":
        key = func.coalesce(_due(by), cast(NEVER, BigInteger))
        later = or_(key > after[0], and_(key == after[0], cases.c.id > after[1])) if after else None
        order = (key.asc(), cases.c.id.asc())
    else:
        key = cases.c.recorded_us
        later = or_(key < after[0], and_(key == after[0], cases.c.id < after[1])) if after else None
        order = (key.desc(), cases.c.id.desc())
    if later is not None:
        where.append(later)
    rows = (
        await connection.execute(
            select(cases, key.label("sort_key")).where(*where).order_by(*order).limit(limit + 1)
        )
    ).all()
    found = [masked(case_of(row), by) for row in rows[:limit]]
    audit.shows(*(f"case:{case.ticket}" for case in found))
    last = rows[limit - 1] if len(rows) > limit else None
    return found, None if last is None else (int(last.sort_key), str(last.id))


async def count(connection: AsyncConnection, by: Account, wanted: Wanted) -> int:
    """How many cases that is."""
    query = select(func.count()).select_from(cases)
    return (await connection.scalar(query.where(seen_by(by), *_conditions(wanted, by)))) or 0


async def agencies_of(
    connection: AsyncConnection, by: Account, found: Sequence[Case]
) -> dict[str, list[Assigned]]:
    """Who must answer each of these cases in its present round, by id of the case."""
    result: dict[str, list[Assigned]] = {case.id: [] for case in found}
    rounds = {case.id: case.round for case in found}
    if not rounds:
        return result
    table = case_assignments
    query = select(table).where(table.c.case_id.in_(list(rounds))).order_by(table.c.assigned_us)
    if by.outside:
        query = query.where(table.c.agency == by.agency)
    for row in await connection.execute(query):
        if row.round == rounds[row.case_id]:
            result[row.case_id].append(Assigned(**{**row._mapping, "state": Assignment(row.state)}))
    return result


def _due(by: Account) -> ColumnElement[int]:
    """The deadline that counts for this account: an agency's is its own."""
    if not by.outside:
        return cases.c.due_us
    return (
        select(func.max(case_assignments.c.due_us))
        .where(
            case_assignments.c.case_id == cases.c.id,
            case_assignments.c.agency == by.agency,
            case_assignments.c.round == cases.c.round,
        )
        .scalar_subquery()
    )


def _conditions(wanted: Wanted, by: Account) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if text := plain_line(wanted.text)[:200]:
        where.append(_matches(text, by))
    if wanted.states:
        where.append(cases.c.state.in_([s.value for s in wanted.states]))
    if wanted.kind is not None:
        where.append(cases.c.kind == wanted.kind)
    if wanted.owner is not None:
        where.append(cases.c.owner == wanted.owner)
    if wanted.call_id is not None and not by.outside:
        where.append(cases.c.call_id == wanted.call_id)
    if wanted.person_id is not None and not by.outside:
        where.append(of_person(cases.c.person_id, wanted.person_id))
    if wanted.untold:
        where.append(cases.c.told_us.is_(None))
    if wanted.overdue_at is not None:
        where.append(cases.c.state.in_([s.value for s in OPEN]))
        where.append(_due(by) <= wanted.overdue_at)
    if wanted.agency is not None and not by.outside:  # who else has it is not an agency's to know
        where.append(
            cases.c.id.in_(
                select(case_assignments.c.case_id).where(
                    case_assignments.c.agency == wanted.agency,
                    case_assignments.c.round == cases.c.round,
                    case_assignments.c.state != Assignment.RELEASED,
                )
            )
        )
    return where


def _matches(text: str, by: Account) -> ColumnElement[bool]:
    """A ticket number as anyone writes it, or a part of names, matter and product.

    The complainant's name and number are looked through for the centre only.
    """
    found: list[ColumnElement[bool]] = []
    number = None if by.outside else normalise(text).e164
    if number is not None:  # nine digits of a telephone may be those of a ticket as well
        found.append(cases.c.complainant_number == number)
    try:
        return or_(cases.c.ticket == str(parse(text)), *found)
    except NotATicket:
        pass
    columns = [cases.c.ticket, cases.c.title, cases.c.respondent, cases.c.product, cases.c.place]
    if not by.outside:
        columns += [cases.c.complainant_name, cases.c.complainant_number]
    return or_(*found, *(c.icontains(text, autoescape=True) for c in columns))


async def asked(connection: AsyncConnection) -> list[tuple[str, int, str, Extension]]:
    """Requests for time that await the Director, oldest first: ticket, version, title, request."""
    rows = await connection.execute(
        select(cases.c.ticket, cases.c.version, cases.c.title, case_extensions)
        .join(case_extensions, case_extensions.c.case_id == cases.c.id)
        .where(case_extensions.c.state == "asked")
        .order_by(case_extensions.c.asked_us, case_extensions.c.id)
        .limit(200)
    )
    names = Extension.__dataclass_fields__
    return [
        (row.ticket, row.version, row.title, Extension(**{n: getattr(row, n) for n in names}))
        for row in rows
    ]
