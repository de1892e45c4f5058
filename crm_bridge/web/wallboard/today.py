"""The figures of today that stand on the wall, read from the database; never from single calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from crm_bridge.cases.deadlines import Deadlines, deadlines
from crm_bridge.clock import Clock
from crm_bridge.config import Config
from crm_bridge.desk.lost_calls import State, lost_calls
from crm_bridge.desk.wall_rows import Row, millis
from crm_bridge.records.database import Database
from crm_bridge.reports.overview import Overview, overview
from crm_bridge.reports.period import Period
from crm_bridge.web.pages import office_time
from ivr.calls.call import Micros

_MOST_LOST = 2_000
"""Lost calls of a day that are looked at, the newest."""


@dataclass(frozen=True, slots=True)
class Today:
    """What is so since midnight in Bangkok, as of `at`."""

    at: Micros
    figures: Overview
    callbacks: Mapping[State, int]
    """Numbers whose calls were lost today, by how far the calling back is."""
    cases: Deadlines


async def read_today(database: Database, config: Config, clock: Clock) -> Today:
    """Raises StorageError."""
    now = clock.now_us()
    day = office_time(now).date()
    period = Period(day, day)
    figures = await overview(database, config, period.since, period.until)
    async with database.reading() as connection:
        lost = await lost_calls(connection, clock, settled=True, days=1, limit=_MOST_LOST)
        due = await deadlines(connection, now)
    callbacks = Counter(line.state for line in lost if line.entered_us >= period.since)
    return Today(now, figures, callbacks, due)


def today_rows(today: Today | None, *, failed: bool) -> dict[str, Row]:
    """The section `today`; before the first reading, and after a failed one, it says so."""
    state = "failed" if failed else "ok" if today is not None else "reading"
    if today is None:
        return {"figures": {"state": state}, "callbacks": {}, "cases": {}}
    queues = [queue.figures for queue in today.figures.queues]
    of = sum(queue.service_level_of for queue in queues)
    kept = sum(round((q.service_level or 0.0) * q.service_level_of) for q in queues)
    aimed = sum(q.service_level_target * q.figures.service_level_of for q in today.figures.queues)
    return {
        "figures": {
            "state": state,
            "at": millis(today.at),
            "whole": today.figures.whole,
            "level": kept / of if of else None,
            "kept": kept,
            "of": of,
            "target": aimed / of if of else None,
            "answered": sum(queue.answered for queue in queues),
            "abandoned": sum(queue.abandoned for queue in queues),
            "short": sum(queue.short for queue in queues),
            "flowed": sum(queue.flowed_out for queue in queues),
            "unknown": sum(queue.unknown for queue in queues),
            "calls": today.figures.calls,
        },
        "callbacks": {state.value: today.callbacks.get(state, 0) for state in State},
        "cases": {"due": today.cases.today, "overdue": today.cases.overdue},
    }  # fmt: skip


def queue_cells(today: Today | None, name: str) -> Row:
    """What one queue did today, as cells of its row; nothing while that is not known."""
    if today is None:
        return {}
    queue = next((one for one in today.figures.queues if one.queue == name), None)
    if queue is None:
        return {"of": 0, "answered": 0, "abandoned": 0, "short": 0}
    n = queue.figures
    return {
        "level": n.service_level,
        "of": n.service_level_of,
        "target": queue.service_level_target,
        "answered": n.answered,
        "abandoned": n.abandoned,
        "short": n.short,
    }
