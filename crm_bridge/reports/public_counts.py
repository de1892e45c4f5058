"""What is counted for the public statistics of a year: by month, nothing yet withheld."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

from sqlalchemy import Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.figures.forms import CALLS, STEPS
from crm_bridge.records.desk_tables.appointments import appointments
from crm_bridge.records.desk_tables.cases import case_steps, cases
from crm_bridge.records.figure_tables import FIGURES
from crm_bridge.reports.metrics import calls_counted, step_figures
from crm_bridge.reports.period import Period, month_of
from crm_bridge.reports.reading import added_up
from crm_bridge.written import office_time
from ivr.calls.call import INBOUND, Outcome

SETTLING: Final = timedelta(days=2)
"""After so long past its end a month is published: what began in it has ended and is counted."""

ANSWERED: Final = "answered"
WAITED: Final = "waited"
BEFORE: Final = "before"
OTHER: Final = "other"
BECAME: Final = {
    Outcome.SERVED.value: ANSWERED,
    Outcome.ABANDONED_QUEUE.value: WAITED,
    Outcome.QUEUE_TIMEOUT.value: WAITED,
    Outcome.ABANDONED_MENU.value: BEFORE,
    Outcome.SHORT.value: BEFORE,
}
"""What became of a call, as the public is told it; every other outcome is `other`."""

_BREATH: Final = 500
"""Cases after which others have a turn."""


@dataclass(slots=True)
class Month:
    """One month that is over."""

    first: date
    services: Counter[str] = field(default_factory=Counter)
    """Callers' calls, by service; empty where none was chosen."""
    became: Counter[str] = field(default_factory=Counter)
    """The same calls, by what became of them."""
    within: int = 0
    """Timings of steps kept within their standard."""
    over: int = 0
    complaints: Counter[str] = field(default_factory=Counter)
    """By the month in which they were recorded: within, over, open, cancelled."""
    appointments: int = 0
    """By the month in which they were asked for."""

    @property
    def calls(self) -> int:
        """Callers' calls."""
        return self.services.total()


def months_over(year: int, today: date, since: date) -> list[Period]:
    """The months of a year that may be published today, from the month `since` on."""
    found = [month_of(date(year, n, 1)) for n in range(1, 13)]
    return [m for m in found if m.first >= since and m.last + SETTLING < today]


async def first_month(connection: AsyncConnection) -> date | None:
    """The first day of the first month of which there are figures; of those before nothing is
    known, which is not none.
    """
    table = FIGURES[CALLS]
    first = await connection.scalar(
        select(func.min(table.c.from_us)).where(table.c.level == "month")
    )
    return None if first is None else office_time(first).date()


async def counted(connection: AsyncConnection, months: list[Period]) -> list[Month]:
    """The counts of each of these months."""
    found = []
    for month in months:
        made = Month(month.first)
        read = partial(added_up, connection, since=month.since, until=month.until)
        calls = await read(CALLS, ("service", "outcome"), only={"direction": INBOUND})
        for (service, outcome), tally in calls.items():
            many = calls_counted(tally)
            made.services[str(service)] += many
            made.became[BECAME.get(str(outcome), OTHER)] += many
        for tally in (await read(STEPS, ())).values():
            steps = step_figures(tally)
            made.within, made.over = steps.within, steps.over
        made.complaints = await _complaints(connection, month)
        made.appointments = await _appointments(connection, month)
        found.append(made)
        await asyncio.sleep(0)
    return found


def complaints_in(period: Period) -> Select[Any]:
    """Complaints recorded in these days: id, when, state, and the first round's end and due day."""
    settled = and_(
        case_steps.c.case_id == cases.c.id, case_steps.c.step == "resolve", case_steps.c.round == 1
    )
    return (
        select(
            cases.c.id, cases.c.recorded_us, cases.c.state, case_steps.c.ended_us,
            case_steps.c.due_us,
        )
        .select_from(cases.outerjoin(case_steps, settled))
        .where(
            cases.c.kind == "complaint",
            cases.c.recorded_us >= period.since,
            cases.c.recorded_us < period.until,
        )
    )  # fmt: skip


def appointments_in(period: Period) -> Select[Any]:
    """Appointments asked for in these days, by id and when."""
    table = appointments.c
    return select(table.id, table.saved_us).where(
        table.saved_us >= period.since, table.saved_us < period.until
    )


async def _complaints(connection: AsyncConnection, month: Period) -> Counter[str]:
    """By how the published 15 working days were kept the first time; extensions change nothing."""
    found: Counter[str] = Counter()
    rows = await connection.execute(complaints_in(month))
    for n, (_, _, state, ended, due) in enumerate(rows, 1):
        if n % _BREATH == 0:
            await asyncio.sleep(0)
        if ended is not None and due is not None:
            found["within" if ended < due else "over"] += 1
        else:
            found["cancelled" if state == "cancelled" else "open"] += 1
    return found


async def _appointments(connection: AsyncConnection, month: Period) -> int:
    query = select(func.count()).select_from(appointments_in(month).subquery())
    return await connection.scalar(query) or 0
