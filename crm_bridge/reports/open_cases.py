"""Open cases as they stand now: how many by state, age and lateness, and which ones they are.

The dashboard counts by the same conditions by which the list is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases.case import OUT_OF_IT
from crm_bridge.cases.workflow import OPEN, State
from crm_bridge.figures.levels import DAY
from crm_bridge.records.desk_tables.cases import case_assignments, cases
from crm_bridge.reports.sheets import Words
from ivr.calls.call import Micros

AGES: Final[tuple[tuple[int | None, Words], ...]] = (
    (7, ("ไม่เกิน 7 วัน", "up to 7 days")),
    (15, ("8–15 วัน", "8–15 days")),
    (30, ("16–30 วัน", "16–30 days")),
    (60, ("31–60 วัน", "31–60 days")),
    (None, ("เกิน 60 วัน", "over 60 days")),
)
"""Calendar days since a case was recorded, each up to so many."""

Place = tuple[Micros, str]
"""Where a page ends: when the last case on it was recorded, and its id."""


@dataclass(frozen=True, slots=True)
class Open:
    """Which open cases; without anything all of them."""

    state: State | None = None
    age: int | None = None
    """Which of `AGES`."""
    overdue: bool = False

    def conditions(self, now: Micros) -> list[ColumnElement[bool]]:
        """What rows of `cases` meet."""
        states = OPEN if self.state is None else OPEN & {self.state}
        found: list[ColumnElement[bool]] = [cases.c.state.in_([s.value for s in states])]
        if self.age is not None:
            found += _aged(self.age, now)
        if self.overdue:
            found.append(_overdue(now))
        return found


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of open cases, the oldest first; `next` is where the next one begins."""

    total: int
    found: tuple[Any, ...]
    """Rows of `cases`, without what they say and of whom."""
    agencies: dict[str, tuple[str, ...]]
    """By id of a case who has a part in it."""
    next: Place | None


async def counted(connection: AsyncConnection, now: Micros) -> dict[State, list[int]]:
    """By state how many there are, how many are past their day, and how many of each age."""
    groups = [[_overdue(now)], *(_aged(n, now) for n in range(len(AGES)))]
    columns = [func.sum(case((and_(*group), 1), else_=0)) for group in groups]
    query = (
        select(cases.c.state, func.count(), *columns)
        .where(*Open().conditions(now))
        .group_by(cases.c.state)
    )
    rows = (await connection.execute(query)).all()
    found = {State(row[0]): [int(n) for n in row[1:]] for row in rows}
    return {state: found[state] for state in State if state in found}


async def listed(
    connection: AsyncConnection, wanted: Open, now: Micros, *, after: Place | None = None,
    limit: int = 50,
) -> Listed:  # fmt: skip
    """A page of these cases; raises StorageError."""
    table = cases.c
    where = wanted.conditions(now)
    total = await connection.scalar(select(func.count()).select_from(cases).where(*where))
    query = (
        select(
            table.id, table.ticket, table.kind, table.state, table.round, table.province,
            table.subject_id, table.recorded_us, table.due_us,
        )
        .where(*where)
        .order_by(table.recorded_us, table.id)
        .limit(limit + 1)
    )  # fmt: skip
    if after is not None:
        query = query.where(tuple_(table.recorded_us, table.id) > after)
    rows = (await connection.execute(query)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    place = None if last is None else (int(last.recorded_us), str(last.id))
    return Listed(total or 0, tuple(rows[:limit]), await _agencies(connection, rows), place)


async def _agencies(connection: AsyncConnection, rows: Any) -> dict[str, tuple[str, ...]]:
    table, rounds = case_assignments.c, {row.id: row.round for row in rows}
    query = (
        select(table.case_id, table.round, table.agency)
        .where(
            table.case_id.in_(list(rounds)), table.state.not_in([s.value for s in OUT_OF_IT])
        )
        .order_by(table.assigned_us, table.agency)
    )  # fmt: skip
    found: dict[str, tuple[str, ...]] = {}
    for row in await connection.execute(query):
        if row.round == rounds[row.case_id]:
            found[row.case_id] = (*found.get(row.case_id, ()), row.agency)
    return found


def _aged(age: int, now: Micros) -> list[ColumnElement[bool]]:
    upto, over = AGES[age][0], AGES[age - 1][0] if age else None
    found: list[ColumnElement[bool]] = []
    if upto is not None:
        found.append(cases.c.recorded_us > now - upto * DAY)
    if over is not None:
        found.append(cases.c.recorded_us <= now - over * DAY)
    return found


def _overdue(now: Micros) -> ColumnElement[bool]:
    return cases.c.due_us <= now
