"""Figures of a span of time, read from the tables of figures and added up by what is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.figures.histogram import decode
from crm_bridge.figures.tallies import Form, Tally
from crm_bridge.records.figure_tables import FIGURES
from ivr.calls.call import Micros

_BREATH: Final = 250
"""Rows, of some 14 µs each, after which others have a turn: the line runs on the same loop."""


async def added_up(
    connection: AsyncConnection,
    form: Form,
    by: Sequence[str],
    *,
    since: Micros | None = None,
    until: Micros | None = None,
    only: Mapping[str, str] | None = None,
) -> dict[tuple[str | int, ...], Tally]:
    """Rows of a table of figures added up by the columns `by`, in their order.

    Of rows that begin at or after `since` and before `until`, and whose keys are those of `only`.
    """
    table = FIGURES[form]
    bounds: list[ColumnElement[bool]] = []
    if since is not None:
        bounds.append(table.c.from_us >= since)
    if until is not None:
        bounds.append(table.c.from_us < until)
    bounds += [table.c[name] == value for name, value in (only or {}).items()]
    columns = (*by, *form.counts, *form.spans)
    query = select(*(table.c[name] for name in columns)).where(*bounds)
    found: dict[tuple[str | int, ...], Tally] = {}
    keys, counts = len(by), len(by) + len(form.counts)
    for n, row in enumerate(await connection.execute(query), 1):
        if n % _BREATH == 0:
            await asyncio.sleep(0)
        key = tuple(row[:keys])
        tally = found.get(key)
        if tally is None:
            tally = found[key] = Tally.of(form)
        tally.add(Tally(list(row[keys:counts]), [decode(data) for data in row[counts:]]))
    return dict(sorted(found.items()))
