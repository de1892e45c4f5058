"""What rules read of the records: service levels, limits of cases, what waits for other CRMs.

Read every few seconds, and only what a rule in use asks for; each question is bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.alerts.observation import Owed, Span
from crm_bridge.alerts.rules import TOGETHER
from crm_bridge.cases import calendars, reminders
from crm_bridge.cases.working_days import last_day, start_of
from crm_bridge.clock import Clock
from crm_bridge.config import Config, QueueSection
from crm_bridge.delivery.outbox import Behind, State
from crm_bridge.figures.forms import QUEUES
from crm_bridge.figures.levels import DAY, day_of
from crm_bridge.figures.tallies import Tally
from crm_bridge.records.desk_tables.connectors import connectors, outbox
from crm_bridge.records.figures_walk import whole
from crm_bridge.records.tables import calls, queue_passages
from crm_bridge.reports.metrics import queue_figures
from crm_bridge.reports.reading import added_up
from ivr.calls.call import INBOUND, Micros

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
TODAY: Final = 0
BEFORE: Final = 60 * MINUTE
"""A caller who joins a queue entered at most so long before."""
MOST_CASES: Final = 200
"""Cases looked at of those that are due, and of those that are overdue: the nearest ones."""
_OLDEST: Final = 400 * 86_400 * SECOND
_BREATH: Final = 500
"""Rows after which others have a turn: the line runs on the same loop."""
_WORKING: Final = 3
"""Days that hold one working day, at the most, long holidays aside."""
_SLACK: Final = 14 * 86_400 * SECOND


async def levels(
    connection: AsyncConnection, config: Config, windows: Collection[int], now: Micros
) -> Mapping[tuple[int, str], Span] | None:
    """The service level of each queue, and of all together, in each of these windows.

    Of minutes back: passages that began then, those of calls in progress too. Of today: calls that
    are over. `None` where not all calls are counted.
    """
    found: dict[tuple[int, str], Span] = {}
    if TODAY in windows:
        if not await whole(connection):
            return None
        today = day_of(now)
        rows = await added_up(connection, QUEUES, ("queue",), since=today, until=today + DAY)
        tallies = {str(queue): tally for (queue,), tally in rows.items()}
        found |= _spans(tallies, config, TODAY)
    for window in sorted(set(windows) - {TODAY}):
        tallies = await _passages(connection, now - window * MINUTE)
        found |= _spans(tallies, config, window)
    return found


async def _passages(connection: AsyncConnection, since: Micros) -> dict[str, Tally]:
    """Passages that began since then and whose end is known, as the figures count them."""
    table = queue_passages.c
    query = (
        select(table.queue, table.outcome, table.left_us - table.joined_us)
        .join(calls, calls.c.call_id == table.call_id)
        .where(
            # else a place was kept, and nobody was on the line
            or_(calls.c.direction == INBOUND, table.joined_us >= calls.c.answered_us),
            calls.c.entered_us >= since - BEFORE,
            table.joined_us >= since,
            table.outcome.in_(("answered", "abandoned")),
            table.left_us.is_not(None),
        )
    )
    found: dict[str, Tally] = {}
    answered = QUEUES.counts.index("answered"), QUEUES.spans.index("answered_after")
    abandoned = QUEUES.counts.index("abandoned"), QUEUES.spans.index("abandoned_after")
    for n, (queue, outcome, wait) in enumerate(await connection.execute(query), 1):
        if n % _BREATH == 0:
            await asyncio.sleep(0)
        tally = found.setdefault(queue, Tally.of(QUEUES))
        count, span = answered if outcome == "answered" else abandoned
        tally.counts[count] += 1
        tally.note(span, wait, 1)
    return found


def _spans(
    tallies: Mapping[str, Tally], config: Config, window: int
) -> dict[tuple[int, str], Span]:
    """Each queue by its own target; all together: those kept within their own, of all."""
    short = round(config.line.short_wait_seconds * SECOND)
    found: dict[tuple[int, str], Span] = {}
    kept, of_all = 0.0, 0
    for queue in {*tallies, *config.queue}:
        section = config.queue.get(queue) or QueueSection(service="information")
        target = round(section.service_level_seconds * SECOND)
        tally = tallies.get(queue) or Tally.of(QUEUES)
        figures = queue_figures(tally, short_us=short, target_us=target)
        found[window, queue] = Span(figures.service_level, figures.service_level_of)
        kept += (figures.service_level or 0.0) * figures.service_level_of
        of_all += figures.service_level_of
    found[window, TOGETHER] = Span(kept / of_all if of_all else None, of_all)
    return found


async def owed(
    connection: AsyncConnection, clock: Clock, within: int | None, *, overdue: bool
) -> tuple[Owed, ...]:
    """Cases due within so many working days (`None`: not asked for), and those that are overdue."""
    now = clock.now_us()
    calendar = await calendars.current(connection, clock)
    found: list[reminders.Deadline] = []
    if within is not None:
        until = start_of(last_day(now + 1)) + (within + 1) * _WORKING * 86_400 * SECOND + _SLACK
        found += await reminders.deadlines(connection, now + 1, until, most=MOST_CASES)
    if overdue:
        found += await reminders.deadlines(
            connection, now - _OLDEST, now, most=MOST_CASES, newest=True
        )
    return tuple(
        Owed(one.case.ticket, calendar.left(now, one.due_us), one.due_us <= now, one.agency)
        for one in found
    )


async def standing(connection: AsyncConnection) -> Mapping[str, Micros]:
    """CRMs for which something waits that may go, and since when nothing has gone there."""
    table = outbox.c
    active = select(connectors.c.name).where(connectors.c.active.is_(True))
    query = (
        select(table.connector, func.min(table.made_us))
        .where(
            table.connector.in_(active),
            table.state == State.WAITING,
            # what a dead one holds back waits for a person, not for the CRM
            or_(table.behind.is_(None), table.behind == Behind.WAITING),
        )
        .group_by(table.connector)
    )
    waiting = (await connection.execute(query)).all()
    return {name: max(oldest, await _last_gone(connection, name)) for name, oldest in waiting}


async def _last_gone(connection: AsyncConnection, connector: str) -> Micros:
    last = select(func.max(outbox.c.done_us)).where(outbox.c.connector == connector)
    return await connection.scalar(last) or 0
