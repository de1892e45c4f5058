"""What each of some calls adds to the figures, counted alone by the counting that made them.

A lost call and a repeated caller are told by other calls of the number as well: those are read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.figures.counting import count_call
from crm_bridge.figures.forms import CALLBACKS, REPEATS, Form, times
from crm_bridge.figures.levels import month_after, month_of
from crm_bridge.figures.tallies import Tallies
from crm_bridge.records.callback_figures import lost_alone
from crm_bridge.records.calls import StoredCall, snapshot
from crm_bridge.records.figure_tables import figures_callers, figures_state
from crm_bridge.records.tables import calls
from ivr.calls.call import INBOUND, Micros


async def each_alone(
    connection: AsyncConnection, form: Form, stored: Sequence[StoredCall]
) -> dict[str, Tallies]:
    """By call id what it adds; of what other calls decide only what this form counts."""
    found: dict[str, Tallies] = {}
    for one in stored:
        rows, alone = snapshot(one.call, one.steps), Tallies()
        count_call(alone, rows.call, rows.children)
        found[one.call.call_id] = alone
    if form is CALLBACKS:
        for call_id, more in (await connection.run_sync(lost_alone, list(found))).items():
            found[call_id].add(more)
    elif form is REPEATS:
        await _repeats(connection, found)
    return found


async def _repeats(connection: AsyncConnection, found: dict[str, Tallies]) -> None:
    """Each as one of the calls of its caller in its month; the last of them is the caller too."""
    months = {month for alone in found.values() for month, _ in alone.callers}
    if not months:
        return
    numbers = {number for alone in found.values() for _, number in alone.callers}
    last = await _last_of(connection, numbers, min(months), month_after(max(months)))
    table = figures_callers.c
    query = select(table.month_us, table.e164, table.calls).where(table.e164.in_(numbers))
    made = {(row.month_us, row.e164): row.calls for row in await connection.execute(query)}
    for call_id, alone in found.items():
        for caller, count in alone.callers.items():
            row = alone.at(REPEATS, (caller[0], times(made.get(caller, 0))))
            row.counts[_CALLS] += count
            row.counts[_CALLERS] += last.get(caller) == call_id


_CALLERS, _CALLS = (REPEATS.counts.index(name) for name in ("callers", "calls"))


async def _last_of(
    connection: AsyncConnection, numbers: Collection[str], since: Micros, until: Micros
) -> dict[tuple[Micros, str], str]:
    """By month and number its last call that is counted."""
    table = calls.c
    rows = await connection.execute(
        select(table.call_id, table.caller_e164, table.entered_us)
        .where(
            table.caller_e164.in_(numbers), table.direction == INBOUND, table.closed,
            table.counted == select(figures_state.c.generation).scalar_subquery(),
            table.entered_us >= since, table.entered_us < until,
        )
        .order_by(table.entered_us, table.call_id)
    )  # fmt: skip
    return {(month_of(row.entered_us), row.caller_e164): row.call_id for row in rows}
