"""Weeks of calls for tests of forecasts, put into the figures as rows: thousands at once."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import insert

from crm_bridge.cases.working_days import build, start_of
from crm_bridge.figures.forms import AGENTS, CALLS, QUEUES
from crm_bridge.figures.histogram import bucket, encode
from crm_bridge.records.database import Database
from crm_bridge.records.figure_tables import FIGURES
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
    queues, calls, agents = [], [], []
    for n in range(days):
        day = last - timedelta(days=n)
        midnight = start_of(day)
        slots = OFFICE if works(day) else range(24, 26)
        for slot in slots:
            queues += [_passages(level, midnight + slot * HALF, queue) for level in ("quarter",)]
        queues.append(_passages("day", midnight, queue, len(slots)))
        whole = len(slots) * EACH
        calls += [
            {
                "level": level, "from_us": midnight, "direction": INBOUND, "service": queue,
                "language": "th", "outcome": "served", "calls": whole, "withheld": 0,
                "not_observed": 0, "length_us": whole * 200 * SECOND, "length": b"",
            }
            for level in ("quarter", "day")
        ]  # fmt: skip
        agents.append(
            {
                "level": "day", "from_us": midnight, "agent": "1001", "queue": queue,
                "parts": whole, "talk_us": whole * 150 * SECOND, "hold_us": 0,
                "wrap_us": whole * 30 * SECOND, "handled": b"",
            }
        )  # fmt: skip
    async with database.writing() as connection:
        for form, rows in ((QUEUES, queues), (CALLS, calls), (AGENTS, agents)):
            await connection.execute(insert(FIGURES[form]), rows)


def _passages(level: str, at: int, queue: str, times: int = 1) -> dict[str, object]:
    return {
        "level": level, "from_us": at, "queue": queue, "answered": 28 * times,
        "abandoned": 2 * times, "timeout": 0, "left": 0, "transferred": 0, "unknown": 0,
        "waited_us": 280 * SECOND * times,
        "answered_after": encode({bucket(10 * SECOND): 28 * times}),
        "abandoned_after": encode({bucket(3 * SECOND): times, bucket(60 * SECOND): times}),
    }  # fmt: skip
