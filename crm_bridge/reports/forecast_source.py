"""What a forecast is made from, read from the figures: calls of past half-hours, and how they went.

Calls are queue passages, all of them, short ones too: `short` says what share those are. A day is
the office's; half-hours are counted from its midnight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases.working_days import Calendar, start_of
from crm_bridge.figures.forms import AGENTS, CALLS, QUEUES
from crm_bridge.figures.histogram import bucket, upper
from crm_bridge.figures.tallies import Tally
from crm_bridge.forecast.days import HALF_HOURS, PastDay, kind_of
from crm_bridge.records.figure_tables import FIGURES
from crm_bridge.reports.metrics import agent_figures, queue_figures
from crm_bridge.reports.reading import added_up, series
from ivr.calls.call import INBOUND, Micros

HISTORY: Final = timedelta(days=364)
"""A forecast looks no further back: every holiday once, and demand as it is these days."""
LATELY: Final = timedelta(days=56)
"""Handling times and patience are those of so many days."""
LEAST_ABANDONED: Final = 20
"""From fewer callers who hung up no patience is told."""

_HALF: Final = 1_800_000_000
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Lately:
    """How calls went in the last weeks; seconds."""

    first: date
    last: date
    handled: int
    handling: float | None
    """Mean of talk, hold and wrap-up; None where nobody handled a call."""
    abandoned: int
    patience: float | None
    """All waiting ÷ those who hung up: what exponential patience, cut off by answers, is most
    likely to be. None where too few did."""
    short: float
    """Share of the passages that are no callers to be served: hung up at once."""
    service_level: float | None
    """What was reached, for comparison."""


def works_in(calendar: Calendar) -> Callable[[date], bool]:
    """Whether offices work on a day; years the calendar does not know go by their weekdays."""

    def works(day: date) -> bool:
        known = calendar.first <= day <= calendar.last
        return calendar.working(day) if known else day.weekday() < 5

    return works


async def past_days(
    connection: AsyncConnection, works: Callable[[date], bool], first: date, last: date, queue: str
) -> list[PastDay]:
    """Every day from the first to the last; an empty `queue` is all of them."""
    since, until = start_of(first), start_of(last + _DAY)
    table = FIGURES[QUEUES]
    slot = ((table.c.from_us - since) // _HALF).label("slot")
    passages = sum((table.c[name] for name in QUEUES.counts[1:6]), start=table.c[QUEUES.counts[0]])
    query = (
        select(slot, func.sum(passages))
        .where(table.c.level == "quarter", table.c.from_us >= since, table.c.from_us < until)
        .group_by(slot)
    )
    if queue:
        query = query.where(table.c.queue == queue)
    length = (last - first).days + 1
    calls = [0] * (HALF_HOURS * length)
    for place, count in await connection.execute(query):
        calls[int(place)] = int(count)
    heard = await series(
        connection, CALLS, (), since=since, until=until, only={"direction": INBOUND}, spans=False
    )
    missed = {int(begun): _not_observed(tally) for (begun,), tally in heard.items()}
    found = []
    for n in range(length):
        day = first + timedelta(days=n)
        counts = tuple(calls[n * HALF_HOURS : (n + 1) * HALF_HOURS])
        found.append(PastDay(day, kind_of(day, works), counts, missed.get(start_of(day), 0.0)))
    return found


def _not_observed(tally: Tally) -> float:
    counts = dict(zip(CALLS.counts, tally.counts, strict=True))
    return counts["not_observed"] / counts["calls"] if counts["calls"] else 0.0


async def lately(
    connection: AsyncConnection, today: date, queue: str, *, short_us: Micros, target_us: Micros
) -> Lately:
    """The weeks before today; officers' handling of what came by a queue, or by this one."""
    first, last = today - LATELY, today - _DAY
    since, until = start_of(first), start_of(today)
    only = {"queue": queue} if queue else None
    parts = await added_up(
        connection, AGENTS, ("queue",), since=since, until=until, only=only, spans=False
    )
    handled = Tally.of(AGENTS)
    for (name,), tally in parts.items():
        if name:  # what came by no queue, as an officer's own call, is no load of one
            handled.add(tally)
    figures = agent_figures(handled)
    queues = await added_up(connection, QUEUES, (), since=since, until=until, only=only)
    tally = queues.get((), Tally.of(QUEUES))
    was = queue_figures(tally, short_us=short_us, target_us=target_us)
    waited = dict(zip(QUEUES.counts, tally.counts, strict=True))["waited_us"]
    limit = bucket(short_us)
    waited += sum(upper(n) * count for n, count in tally.spans[1].items() if n > limit)
    return Lately(
        first,
        last,
        figures.handled,
        None if figures.aht is None or figures.aht <= 0 else figures.aht / 1e6,
        was.abandoned,
        waited / was.abandoned / 1e6 if was.abandoned >= LEAST_ABANDONED else None,
        was.short / was.passages if was.passages else 0.0,
        was.service_level,
    )
