"""How many cases are due, for the figures that are shown at a glance."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases.workflow import OPEN
from crm_bridge.cases.working_days import office_day, start_of
from crm_bridge.records.desk_tables.cases import cases
from ivr.calls.call import Micros

_DAY: Micros = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Open cases whose last day is today, and those whose last day is past."""

    today: int
    overdue: int


async def deadlines(connection: AsyncConnection, now: Micros) -> Deadlines:
    """As of `now`; a limit ends with the midnight after its last day."""
    midnight = start_of(office_day(now)) + _DAY
    due = cases.c.due_us
    query = select(
        func.count(),
        func.coalesce(func.sum(case((due <= now, 1), else_=0)), 0),
    ).where(cases.c.state.in_([state.value for state in OPEN]), due <= midnight)
    until_today, overdue = (await connection.execute(query)).one()
    return Deadlines(int(until_today) - int(overdue), int(overdue))
