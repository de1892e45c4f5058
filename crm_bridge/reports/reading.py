"""Figures of a span of time, read from the tables of figures and added up by what is asked.

A span is made up of whole years, months, then dekads, days and quarters of an hour, or of a longer
one less some shorter (`levels.fewest`), so that a year costs one row a key, odd days of it some six
and a month to date one or a few.
The database adds counts up that are asked for alone; histograms come as they are stored, and are
added up when somebody looks at them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.figures.forms import Form
from crm_bridge.figures.levels import (
    DAY,
    EAST,
    QUARTER,
    TO_MONDAY,
    WEEK,
    Grain,
    Level,
    Tile,
    beginning,
    fewest,
    month_after,
    month_of,
)
from crm_bridge.figures.tallies import Tally
from crm_bridge.records.figure_tables import FIGURES
from crm_bridge.reports.sums import BEGINNING, Only, Start, Sums
from ivr.calls.call import Micros

_LONG: Final = 92 * DAY
"""A span of more months than a quarter of a year has."""
_UP_TO: Final[dict[Grain, tuple[Level, ...]]] = {
    "quarter": ("quarter",),
    "day": ("quarter", "day"),
    "week": ("quarter", "day"),
    "month": ("quarter", "day", "dekad", "month"),
}


async def added_up(
    connection: AsyncConnection,
    form: Form,
    by: Sequence[str],
    *,
    since: Micros | None = None,
    until: Micros | None = None,
    only: Only | None = None,
    spans: bool = True,
) -> dict[tuple[str | int, ...], Tally]:
    """What began at or after `since` and before `until`, added up by the columns `by`, in order.

    A bound within a row of the form's finest level counts that row to where it begins. Without
    `spans` the histograms are left out, which is quicker where there are many keys.
    """
    found = Sums(connection, form, by, only)
    for tile in fewest(form.levels, since, until):
        found.add(tile)
    return await found.read(spans=spans)


async def most_of(
    connection: AsyncConnection,
    form: Form,
    key: str,
    rank: Callable[[Tally], int],
    most: int,
    *,
    since: Micros,
    until: Micros,
    only: Only | None = None,
) -> tuple[dict[str, Tally], int]:
    """The same by one key, of the `most` values whose rank is the highest, and of how many.

    Only their histograms are read.
    """
    found = Sums(connection, form, (key,), only)
    for tile in fewest(form.levels, since, until):
        found.add(tile)
    await found.count()
    every = found.sorted()
    first = sorted(every, key=lambda value: -rank(every[value]))[:most]
    if len(first) < len(every):
        found.narrow(key, [str(value) for (value,) in first])
    await found.measure(counted=True)
    every = found.sorted()
    return {str(value[0]): every[value] for value in first}, len(every)


async def names_in(
    connection: AsyncConnection, form: Form, name: str, *, since: Micros, until: Micros
) -> set[str]:
    """The values of a key in the months that the span touches, the empty one left out.

    Where there are many of them and the span is long: in the years that it touches.
    """
    table = FIGURES[form]
    level: Level = "year" if "year" in form.levels and until - since > _LONG else "month"
    rows = await connection.execute(
        select(table.c[name]).distinct().where(
            table.c.level == level,
            table.c.from_us >= beginning(level, since),
            table.c.from_us < until,
            table.c[name] != "",
        )
    )  # fmt: skip
    return {str(value) for (value,) in rows}


async def series(
    connection: AsyncConnection,
    form: Form,
    by: Sequence[str],
    *,
    since: Micros,
    until: Micros,
    only: Only | None = None,
    grain: Grain = "day",
    spans: bool = True,
) -> dict[tuple[str | int, ...], Tally]:
    """The same by the beginning of each quarter, day, week (Monday) or month, which comes first.

    The first and the last hold what of them lies in the span; one in which nothing was is left
    out. ValueError where the form's finest level is coarser than that.
    """
    levels = tuple(level for level in form.levels if level in _UP_TO[grain])
    if not levels:
        raise ValueError(f"{form.name} is not kept by the {grain}")
    found = Sums(connection, form, by, only)
    for tile, start in _pieces(levels, since, until, grain):
        found.add(tile, start)
    return await found.read(spans=spans)


def _pieces(
    levels: Sequence[Level], since: Micros, until: Micros, grain: Grain
) -> Iterator[tuple[Tile, Start]]:
    """Tiles, and of what grain their rows are a part."""
    if grain != "month":
        yield from ((tile, _START[grain]) for tile in fewest(levels, since, until))
        return
    start = month_of(since)
    while start < until:
        after = month_after(start)
        if start >= since and after <= until:  # this and those behind it that are whole
            after = max(after, month_of(until))
            yield Tile("month", start, after), BEGINNING
        else:
            for tile in fewest(levels, max(start, since), min(after, until)):
                yield tile, start
        start = after


_START: Final[Mapping[Grain, Start]] = {
    "quarter": f"{BEGINNING} - {BEGINNING} % {QUARTER}",
    "day": f"{BEGINNING} - ({BEGINNING} + {EAST}) % {DAY}",
    "week": f"{BEGINNING} - ({BEGINNING} + {TO_MONDAY}) % {WEEK}",
}
