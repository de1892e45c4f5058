"""Figures of a span of time, read from the tables of figures and added up by what is asked.

A span is made up of whole years, months, then dekads, days and quarters of an hour, or of a longer
one less some shorter (`levels.fewest`), so that a year costs one row a key, odd days of it some six
and a month to date one or a few.
The database adds counts up that are asked for alone; histograms come as they are stored, and are
added up when somebody looks at them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.figures.forms import Form
from crm_bridge.figures.histogram import Packed
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
from ivr.calls.call import Micros

Only = Mapping[str, str | Collection[str]]
"""Columns of the key → the name it must be, or those it may be."""

_BREATH: Final = 2_000
"""Rows, of about a microsecond each, after which others have a turn: the line runs on this loop."""
_SOUGHT: Final = 400
"""So many beginnings are sought one by one, if rows of one officer are wanted."""
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
    found = _Sums(form, by, only)
    for tile in fewest(form.levels, since, until):
        found.add(tile)
    return await found.read(connection, spans=spans)


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
    found = _Sums(form, (key,), only)
    for tile in fewest(form.levels, since, until):
        found.add(tile)
    await found.count(connection)
    every = found.sorted()
    first = sorted(every, key=lambda value: -rank(every[value]))[:most]
    if len(first) < len(every):
        found.narrow(key, [str(value) for (value,) in first])
    await found.measure(connection, counted=True)
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
    found = _Sums(form, by, only)
    for tile, start in _pieces(levels, since, until, grain):
        found.add(tile, _start(FIGURES[form], grain) if start is None else literal(start))
    return await found.read(connection, spans=spans)


def _pieces(
    levels: Sequence[Level], since: Micros, until: Micros, grain: Grain
) -> Iterator[tuple[Tile, Micros | None]]:
    """Tiles, and the beginning of the month that one is a part of where it is not told by rows."""
    if grain != "month":
        yield from ((tile, None) for tile in fewest(levels, since, until))
        return
    start = month_of(since)
    while start < until:
        after = month_after(start)
        for tile in fewest(levels, max(start, since), min(after, until)):
            yield tile, start
        start = after


def _start(table: Table, grain: Grain) -> ColumnElement[int]:
    begun = table.c.from_us
    if grain == "quarter":
        return begun - begun % QUARTER
    if grain == "day":
        return begun - (begun + EAST) % DAY
    return begun - (begun + TO_MONDAY) % WEEK


class _Sums:
    """Tallies by key of the tiles that were added, read in one question.

    A question costs more than a hundred rows: each goes to the database's thread and back.
    """

    def __init__(self, form: Form, by: Sequence[str], only: Only | None) -> None:
        self._form = form
        self._table = FIGURES[form]
        self._by = [self._table.c[name] for name in by]
        self._only = [
            self._table.c[name] == value
            if isinstance(value, str)
            else self._table.c[name].in_(sorted(value))
            for name, value in (only or {}).items()
        ]
        self._one = not {form.keys[0], *form.index[:1]}.isdisjoint(only or ())
        """The rows asked for lie together at each beginning."""
        self._tiles: list[tuple[Tile, ColumnElement[int] | None]] = []
        self._counts: dict[tuple[Any, ...], list[int]] = {}
        self._parts: dict[tuple[Any, ...], list[list[bytes]]] = {}
        self._less: dict[tuple[Any, ...], list[list[bytes]]] = {}
        """The histograms to be taken away."""

    def add(self, tile: Tile, start: ColumnElement[int] | None = None) -> None:
        """The rows of a tile are to be read; with `start` that comes before their key."""
        self._tiles.append((tile, start))

    def narrow(self, name: str, values: Sequence[str]) -> None:
        """From here on only rows with one of these are read."""
        self._only.append(self._table.c[name].in_(sorted(values)))

    async def read(
        self, connection: AsyncConnection, *, spans: bool
    ) -> dict[tuple[str | int, ...], Tally]:
        """All of it, in order of the keys; without `spans` no histogram."""
        if spans and self._form.spans:
            await self.measure(connection, counted=False)
        else:
            await self.count(connection)
        return self.sorted()

    async def count(self, connection: AsyncConnection) -> None:
        """Reads the counts, added up by the database."""
        sums = [func.sum(self._table.c[name]) for name in self._form.counts]
        questions = []
        for tile, start in self._tiles:
            query = self._asked(tile, start, sums)
            # a beginning that is a literal is the same for all
            questions.append(query.group_by(*self._key(start)) if self._key(start) else query)
        width = self._width()
        for sign, *row in await _rows(connection, questions):
            if row[width] is None:  # the sum of no rows, where there is no key
                continue
            self._counted(tuple(row[:width]), sign, row[width:])

    async def measure(self, connection: AsyncConnection, *, counted: bool) -> None:
        """Reads the histograms, each as it is stored; and the counts, if they are not yet read."""
        spans = [self._table.c[name] for name in self._form.spans]
        names = () if counted else self._form.counts
        what = [*(self._table.c[name] for name in names), *spans]
        questions = [self._asked(tile, start, what) for tile, start in self._tiles]
        width = self._width()
        end = width + len(names)
        for n, (sign, *row) in enumerate(await _rows(connection, questions), 1):
            if n % _BREATH == 0:
                await asyncio.sleep(0)
            into = self._parts if sign > 0 else self._less
            key = tuple(row[:width])
            if not counted:
                self._counted(key, sign, row[width:end])
            parts = into.get(key)
            if parts is None:
                parts = into[key] = [[] for _ in spans]
            for part, data in zip(parts, row[end:], strict=True):
                part.append(data)

    def _counted(self, key: tuple[Any, ...], sign: int, counts: Sequence[Any]) -> None:
        more = [sign * int(count) for count in counts]
        held = self._counts.get(key)
        if held is None:
            self._counts[key] = more
        else:
            self._counts[key] = [a + b for a, b in zip(held, more, strict=True)]

    def _asked(
        self, tile: Tile, start: ColumnElement[int] | None, what: Sequence[ColumnElement[Any]]
    ) -> Select[Any]:
        sign = literal(-1 if tile.less else 1).label("sign")
        where = [self._table.c.level == tile.level, *self._within(tile), *self._only]
        return select(sign, *self._key(start), *what).where(*where)

    def _key(self, start: ColumnElement[int] | None) -> list[ColumnElement[Any]]:
        return [*self._by] if start is None else [start.label("start"), *self._by]

    def _width(self) -> int:
        return len(self._by) + any(start is not None for _, start in self._tiles)

    def _within(self, tile: Tile) -> list[ColumnElement[bool]]:
        begun = self._table.c.from_us
        if self._one and tile.since is not None and tile.until is not None:
            beginnings = tile.beginnings()
            if len(beginnings) <= _SOUGHT:  # each is found by the key: others' rows are not read
                return [begun.in_(beginnings)]
        bounds = []
        if tile.since is not None:
            bounds.append(begun >= tile.since)
        if tile.until is not None:
            bounds.append(begun < tile.until)
        return bounds

    def sorted(self) -> dict[tuple[str | int, ...], Tally]:
        """What was added and not taken away again, in order of the keys."""
        none: list[list[bytes]] = [[] for _ in self._form.spans]
        return {
            key: Tally(
                self._counts[key],
                [
                    Packed(b"".join(part), b"".join(less))
                    for part, less in zip(
                        self._parts.get(key, none), self._less.get(key, none), strict=True
                    )
                ],
            )
            for key in sorted(self._counts)
            if any(self._counts[key])
        }


async def _rows(connection: AsyncConnection, questions: Sequence[Select[Any]]) -> Sequence[Any]:
    if not questions:
        return ()
    asked = questions[0] if len(questions) == 1 else union_all(*questions)
    return (await connection.execute(asked)).all()
