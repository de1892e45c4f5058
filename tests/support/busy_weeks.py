"""Weeks of calls for tests of forecasts, put into the figures as rows: thousands at once."""

from __future__ import annotations

from datetime import date, timedelta

from crm_bridge.cases.working_days import build, start_of
from crm_bridge.figures.forms import AGENTS, CALLS, QUEUES
from crm_bridge.figures.histogram import bucket
from crm_bridge.figures.tallies import Tallies, Tally
from crm_bridge.records.database import Database
from crm_bridge.records.figures import Figures
from ivr.calls.call import INBOUND

SECOND = 1_000_000
HALF = 1_800 * SECOND
OFFICE = range(17, 33)
EACH = 30
"""Calls of a half-hour in office hours on a working day: 480 a day."""


async def busy_weeks(
    database: Database, last: date, days: int, *, queue: str = "information"
) -> None:
    """Days up to and with `last`: of 30 calls 28 answered after 10 s, one gone after 3, one after
    60; each of three minutes."""
    works = build(0, range(last.year - 2, last.year + 2)).working
    found = Tallies()
    for n in range(days):
        day = last - timedelta(days=n)
        midnight = start_of(day)
        slots = OFFICE if works(day) else range(24, 26)
        for slot in slots:
            passages = found.at(QUEUES, (midnight + slot * HALF, queue))
            passages.add(Tally([28, 2, 0, 0, 0, 0, 280 * SECOND], [_spans(10, 28), _GONE]))
        whole = len(slots) * EACH
        calls = found.at(CALLS, (midnight, INBOUND, queue, "th", "served"))
        calls.add(Tally([whole, 0, 0, whole * 200 * SECOND], [{}]))
        handled = found.at(AGENTS, (midnight, "1001", queue))
        handled.add(Tally([whole, whole * 150 * SECOND, 0, whole * 30 * SECOND], [{}]))
    async with database.writing() as connection:
        await connection.run_sync(lambda c: Figures(c.dialect).apply(c, found))


def _spans(seconds: int, times: int) -> dict[int, int]:
    return {bucket(seconds * SECOND): times}


_GONE = _spans(3, 1) | _spans(60, 1)
