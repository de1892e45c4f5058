"""The spans of time that figures are kept by: quarters of an hour, days and months of Asia/Bangkok.

Bangkok knows no summer time: seven hours before UTC, always. Moments are microseconds since the
epoch, UTC; a quarter, day, week (from Monday) or month is the moment of its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

Level = Literal["quarter", "day", "month"]
Grain = Literal["quarter", "day", "week", "month"]

QUARTER: Final = 900 * 1_000_000
HOUR: Final = 4 * QUARTER
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
EAST: Final = 7 * HOUR
"""Asia/Bangkok before UTC."""
TO_MONDAY: Final = EAST + 3 * DAY
"""What brings Monday 00:00 in Bangkok to a multiple of a week: the epoch was a Thursday."""

_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Tile:
    """Rows of one level that begin at or after `since` and before `until`; None: no bound."""

    level: Level
    since: int | None
    until: int | None
    less: bool = False
    """Its rows are to be taken away."""

    def beginnings(self) -> list[int]:
        """The beginnings of its rows; ValueError of one without bounds."""
        if self.since is None or self.until is None:
            raise ValueError("a tile without bounds has no end")
        found = []
        at = _from(self.level, self.since)
        while at < self.until:
            found.append(at)
            if self.level == "month":
                at = month_after(at)
            else:
                at += DAY if self.level == "day" else QUARTER
        return found


def quarter_of(micros: int) -> int:
    """The beginning of the quarter of an hour in which this moment lies."""
    return micros - micros % QUARTER


def day_of(micros: int) -> int:
    """The beginning of the day in Asia/Bangkok in which this moment lies."""
    return micros - (micros + EAST) % DAY


def week_of(micros: int) -> int:
    """The beginning of the week, Monday 00:00 in Asia/Bangkok, in which this moment lies."""
    return micros - (micros + TO_MONDAY) % WEEK


def month_of(micros: int) -> int:
    """The beginning of the month in Asia/Bangkok in which this moment lies."""
    return _months((micros + EAST) // DAY)[0]


def month_after(micros: int) -> int:
    """The beginning of the next month in Asia/Bangkok."""
    return _months((micros + EAST) // DAY)[1]


def hour_of_week(micros: int) -> str:
    """`000` for Monday from 00:00 to 01:00 in Asia/Bangkok, up to `167`."""
    return f"{(micros + TO_MONDAY) % WEEK // HOUR:03d}"


@lru_cache(4096)
def _months(day: int) -> tuple[int, int]:
    first = (_EPOCH + timedelta(days=day)).replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    return _midnight(first), _midnight(after)


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000 - EAST


def beginning(level: Level, micros: int) -> int:
    """The beginning of the quarter, day or month in which this moment lies."""
    if level == "month":
        return month_of(micros)
    return day_of(micros) if level == "day" else quarter_of(micros)


def _from(level: Level, micros: int) -> int:
    """The first beginning that is not before this moment."""
    begun = beginning(level, micros)
    if begun == micros:
        return micros
    if level == "month":
        return month_after(micros)
    return begun + (DAY if level == "day" else QUARTER)


def tiles(levels: Sequence[Level], since: int | None, until: int | None) -> Iterator[Tile]:
    """The coarsest rows that together make up a span, in order of time.

    `levels` from the finest to the coarsest. Where a bound lies within a row of the finest, that
    row belongs to the span in which it begins.
    """
    if since is not None and until is not None and since >= until:
        return
    level, finer = levels[-1], levels[:-1]
    if not finer:
        yield Tile(level, since, until)
        return
    first = None if since is None else _from(level, since)
    end = None if until is None else beginning(level, until)
    if first is not None and end is not None and first >= end:
        yield from tiles(finer, since, until)
        return
    if first is not None:
        yield from tiles(finer, since, first)
    yield Tile(level, first, end)
    if end is not None:
        yield from tiles(finer, end, until)


def fewest(levels: Sequence[Level], since: int | None, until: int | None) -> Iterator[Tile]:
    """The fewest rows that make up a span: those of `tiles`, or a coarse one less some finer ones.

    Twenty days of a month are the month less ten days, and a month up to today is the month.
    """
    if since is not None and until is not None and since >= until:
        return
    level, finer = levels[-1], levels[:-1]
    if not finer:
        yield Tile(level, since, until)
        return
    if since is not None and until is not None:
        begun, over = beginning(level, since), _from(level, until)
        if begun == beginning(level, until):  # within one row
            if until - since > over - begun - (until - since):
                yield Tile(level, begun, over)
                yield from _less(finer, begun, since)
                yield from _less(finer, until, over)
            else:
                yield from fewest(finer, since, until)
            return
    first, end = since, until
    if since is not None and (begun := beginning(level, since)) < since:
        first = _from(level, since)
        if since - begun < first - since:
            yield from _less(finer, begun, since)
            first = begun
        else:
            yield from fewest(finer, since, first)
    if until is not None and (last := beginning(level, until)) < until:
        end = _from(level, until)
        if end - until < until - last:
            yield from _less(finer, until, end)
        else:
            yield from fewest(finer, last, until)
            end = last
    if first is None or end is None or first < end:
        yield Tile(level, first, end)


def _less(levels: Sequence[Level], since: int, until: int) -> Iterator[Tile]:
    for tile in fewest(levels, since, until):
        yield replace(tile, less=not tile.less)
