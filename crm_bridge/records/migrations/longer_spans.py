"""What migrations make dekads and years of figures with, out of the days and months that are there.

It is of the release of the migrations and knows nothing of the code of figures today.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from struct import Struct, error

import sqlalchemy as sa
from alembic import op

_ENTRY = Struct("<HI")
_DAY = 86_400 * 1_000_000
_EAST = 7 * 3600 * 1_000_000
"""Asia/Bangkok before UTC."""

Form = tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""A table, its keys after level and beginning, its counts and its histograms."""


def add_dekads_and_years(forms: Iterable[Form]) -> None:
    """Fills both levels of these tables; where a histogram is damaged all is counted anew."""
    try:
        for form in forms:
            _add_up(*form, "day", "dekad")
            _add_up(*form, "month", "year")
    except (error, ValueError, TypeError, OverflowError):
        count_anew()


def _beginning(level: str, micros: int) -> int:
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=(micros + _EAST) // _DAY)
    if level == "year":
        day = day.replace(month=1, day=1)
    else:
        day = day.replace(day=min((day.day - 1) // 10, 2) * 10 + 1)
    return int(day.timestamp()) * 1_000_000 - _EAST


def _add_up(
    name: str, keys: tuple[str, ...], counts: tuple[str, ...], spans: tuple[str, ...],
    finer: str, level: str,
) -> None:  # fmt: skip
    """Fills a level of a table with the sums of a finer one, one beginning after the other."""
    connection = op.get_bind()
    table = sa.table(name, *map(sa.column, ("level", "from_us", *keys, *counts, *spans)))
    beginnings = connection.execute(
        sa.select(table.c.from_us).where(table.c.level == finer).distinct()
    ).scalars()
    whole: dict[int, list[int]] = {}
    for begun in beginnings:
        whole.setdefault(_beginning(level, begun), []).append(begun)
    what = [table.c[column] for column in (*keys, *counts, *spans)]
    for begun, parts in sorted(whole.items()):
        sums: dict[tuple[str, ...], list[int]] = {}
        held: dict[tuple[str, ...], list[Counter[int]]] = {}
        rows = connection.execute(
            sa.select(*what).where(table.c.level == finer, table.c.from_us.in_(parts))
        )
        for row in rows:
            key = tuple(row[: len(keys)])
            more = row[len(keys) : len(keys) + len(counts)]
            sums[key] = [a + b for a, b in zip(sums.get(key, [0] * len(counts)), more, strict=True)]
            into = held.setdefault(key, [Counter() for _ in spans])
            for histogram, data in zip(into, row[len(keys) + len(counts) :], strict=True):
                for number, count in _ENTRY.iter_unpack(bytes(data)):
                    histogram[number] += count
        found = [
            {
                "level": level, "from_us": begun, **dict(zip(keys, key, strict=True)),
                **dict(zip(counts, sums[key], strict=True)),
                **{
                    span: b"".join(_ENTRY.pack(*entry) for entry in sorted(histogram.items()))
                    for span, histogram in zip(spans, held[key], strict=True)
                },
            }
            for key in sorted(sums)
        ]  # fmt: skip
        if found:
            connection.execute(table.insert(), found)


def count_anew() -> None:
    """Empties the figures, so that the bridge counts all calls again."""
    names = sa.inspect(op.get_bind()).get_table_names()
    for name in sorted(n for n in names if n.startswith("figures_") and n != "figures_state"):
        op.execute(f"DELETE FROM {name}")  # noqa: S608  names of tables
    op.execute(
        "UPDATE figures_state SET generation = generation + 1, walked_us = NULL, "
        "walked_kind = NULL, walked_id = NULL, whole = 0"
    )
