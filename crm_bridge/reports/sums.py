"""Sums of rows of a table of figures, of the tiles that make up a span, in one question.

A question costs more than a hundred rows: it goes to the database's thread and back. And its
words cost more than the database's work, so that they are written here as they are sent: names are
those of `figures.forms`, whatever a caller asks for goes beside them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.figures.forms import Form
from crm_bridge.figures.histogram import Packed
from crm_bridge.figures.levels import Tile
from crm_bridge.figures.tallies import Tally
from ivr.calls.call import Micros

Only = Mapping[str, str | Collection[str]]
"""Columns of the key → the name it must be, or those it may be."""
Start = str | Micros | None
"""What comes before the key of a tile's rows: made of their beginning by SQL, or one moment."""
BEGINNING: Final = "from_us"

_BREATH: Final = 2_000
"""Rows, of about a microsecond each, after which others have a turn: the line runs on this loop."""
_SOUGHT: Final = 400
"""So many beginnings are sought one by one, if rows of one officer are wanted."""


class Sums:
    """Tallies by key of the tiles that were added."""

    def __init__(
        self, connection: AsyncConnection, form: Form, by: Sequence[str], only: Only | None
    ) -> None:
        """`by` and the names of `only` are keys of the form; ValueError of others."""
        if not {*by, *(only or ())}.issubset(form.keys):
            raise ValueError(f"{form.name} has no keys {by}, {tuple(only or ())}")
        self._connection = connection
        self._sqlite = connection.dialect.name == "sqlite"
        self._form = form
        self._by = [_quoted(name) for name in by]
        self._only = dict(only or {})
        self._one = not {form.keys[0], *form.index[:1]}.isdisjoint(self._only)
        """The rows asked for lie together at each beginning."""
        self._tiles: list[tuple[Tile, Start]] = []
        self._counts: dict[tuple[Any, ...], list[int]] = {}
        self._parts: dict[tuple[Any, ...], list[list[bytes]]] = {}
        self._less: dict[tuple[Any, ...], list[list[bytes]]] = {}
        """The histograms to be taken away."""

    def add(self, tile: Tile, start: Start = None) -> None:
        """The rows of a tile are to be read; with `start` that comes before their key.

        All of them are added with one, or none.
        """
        self._tiles.append((tile, start))

    def narrow(self, name: str, values: Sequence[str]) -> None:
        """From here on only rows with one of these are read."""
        self._only[name] = values

    async def read(self, *, spans: bool) -> dict[tuple[str | int, ...], Tally]:
        """All of it, in order of the keys; without `spans` no histogram."""
        if spans and self._form.spans:
            await self.measure(counted=False)
        else:
            await self.count()
        return self.sorted()

    async def count(self) -> None:
        """Reads the counts, added up by the database."""
        width = self._width()
        given: list[Any] = []
        sql = " UNION ALL ".join(
            self._asked(tile, start, self._summed(tile), given, grouped=True)
            for tile, start in self._tiles
        )
        if len(self._tiles) > 1:  # and those of a key of all tiles
            keys = [f"k{n}" for n in range(width)]
            sums = [f"sum(c{n})" for n in range(len(self._form.counts))]
            sql = f"SELECT {', '.join([*keys, *sums])} FROM ({sql}) AS tiles"  # noqa: S608  made above
            sql += f" GROUP BY {', '.join(keys)}" if keys else ""
        for row in await self._rows(sql, given):
            if row[width] is not None:  # the sum of no rows, where there is no key
                self._counts[tuple(row[:width])] = [int(count) for count in row[width:]]

    async def measure(self, *, counted: bool) -> None:
        """Reads the histograms, each as it is stored; and the counts, if they are not yet read."""
        counts = () if counted else self._form.counts
        width = self._width()
        end = width + len(counts)
        what = [_quoted(name) for name in (*counts, *self._form.spans)]
        given: list[Any] = []
        sql = " UNION ALL ".join(
            self._asked(tile, start, [*what, "-1" if tile.less else "1"], given)
            for tile, start in self._tiles
        )
        for n, row in enumerate(await self._rows(sql, given), 1):
            if n % _BREATH == 0:
                await asyncio.sleep(0)
            key, sign = tuple(row[:width]), row[-1]
            if not counted:
                self._counted(key, sign, row[width:end])
            into = self._parts if sign > 0 else self._less
            parts = into.get(key)
            if parts is None:
                parts = into[key] = [[] for _ in self._form.spans]
            for part, data in zip(parts, row[end:-1], strict=True):
                part.append(data)

    def _counted(self, key: tuple[Any, ...], sign: int, counts: Sequence[Any]) -> None:
        more = [sign * int(count) for count in counts]
        held = self._counts.get(key)
        if held is None:
            self._counts[key] = more
        else:
            self._counts[key] = [a + b for a, b in zip(held, more, strict=True)]

    def _width(self) -> int:
        return len(self._by) + any(start is not None for _, start in self._tiles)

    async def _rows(self, sql: str, given: list[Any]) -> Sequence[Any]:
        if not self._tiles:
            return ()
        return (await self._connection.exec_driver_sql(sql, tuple(given))).all()

    def _summed(self, tile: Tile) -> list[str]:
        sign = "-" if tile.less else ""
        return [f"{sign}sum({_quoted(name)}) AS c{n}" for n, name in enumerate(self._form.counts)]

    def _asked(
        self,
        tile: Tile,
        start: Start,
        what: Sequence[str],
        given: list[Any],
        *,
        grouped: bool = False,
    ) -> str:
        """Key and `what` of one tile; `grouped`: one row a key. Values are added to `given`."""

        def mark(value: Any, kind: str = "") -> str:
            given.append(value)
            return "?" if self._sqlite else f"${len(given)}{kind}"

        keys = []
        if start is not None:
            keys.append(start if isinstance(start, str) else mark(start, "::bigint"))
        keys += self._by
        columns = [*(f"{key} AS k{n}" for n, key in enumerate(keys)), *what]
        where = [f"level = '{tile.level}'"]
        beginnings = self._beginnings(tile)
        if beginnings is not None and len(beginnings) == 1:  # its rows lie in order of the key
            where.append(f"from_us = {mark(beginnings[0])}")
        elif beginnings is not None and self._one:  # others' rows are not read
            where.append(self._among("from_us", beginnings, "bigint", mark))
        else:
            if tile.since is not None:
                where.append(f"from_us >= {mark(tile.since)}")
            if tile.until is not None:
                where.append(f"from_us < {mark(tile.until)}")
        for name, value in self._only.items():
            if isinstance(value, str):
                where.append(f"{_quoted(name)} = {mark(value)}")
            else:
                where.append(self._among(_quoted(name), sorted(value), "text", mark))
        sql = f"SELECT {', '.join(columns)} FROM {self._form.name} "  # noqa: S608  names of forms
        sql += f"WHERE {' AND '.join(where)}"
        if grouped:  # a moment is the same for all rows
            by = [str(n) for n, key in enumerate(keys, 1) if n > 1 or not isinstance(start, int)]
            sql += f" GROUP BY {', '.join(by)}" if by else ""
        return sql

    def _among(self, column: str, values: Sequence[Any], kind: str, mark: Any) -> str:
        if self._sqlite:
            return f"{column} IN (SELECT value FROM json_each({mark(json.dumps(values))}))"  # noqa: S608  a mark
        return f"{column} = ANY({mark(list(values), f'::{kind}[]')})"

    def _beginnings(self, tile: Tile) -> list[Micros] | None:
        """Those of a tile, where they are not too many to be sought one by one."""
        if tile.since is None or tile.until is None:
            return None
        found = tile.beginnings()
        return found if len(found) <= _SOUGHT else None

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


def _quoted(name: str) -> str:
    return f'"{name}"'  # `left` is a word of SQL
