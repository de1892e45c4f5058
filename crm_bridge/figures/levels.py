"""The spans of time that figures are kept by: quarters of an hour to years of Asia/Bangkok.

Bangkok knows no summer time: seven hours before UTC, always. Moments are microseconds since the
epoch, UTC; a quarter, day, week (from Monday), dekad, month or year is the moment of its beginning.
A dekad is a third of a month as meteorologists count it: from the 1st, the 11th and the 21st.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

Level = Literal["quarter", "day", "dekad", "month", "year"]
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
            at = _after(self.level, at)
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


def dekad_of(micros: int) -> int:
    """The beginning of the dekad in Asia/Bangkok in which this moment lies."""
    return _calendar((micros + EAST) // DAY)["dekad"][0]


def month_of(micros: int) -> int:
    """The beginning of the month in Asia/Bangkok in which this moment lies."""
    return _calendar((micros + EAST) // DAY)["month"][0]


def month_after(micros: int) -> int:
    """The beginning of the next month in Asia/Bangkok."""
    return _calendar((micros + EAST) // DAY)["month"][1]


def year_of(micros: int) -> int:
    """The beginning of the year in Asia/Bangkok in which this moment lies."""
    return _calendar((micros + EAST) // DAY)["year"][0]


def hour_of_week(micros: int) -> str:
    """`000` for Monday from 00:00 to 01:00 in Asia/Bangkok, up to `167`."""
    return f"{(micros + TO_MONDAY) % WEEK // HOUR:03d}"


@lru_cache(4096)
def _calendar(day: int) -> Mapping[Level, tuple[int, int]]:
    """What of the calendar a day lies in: its beginning, and that of the next."""
    date_ = _EPOCH + timedelta(days=day)
    first = date_.replace(day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    dekad = first + timedelta(days=min((date_.day - 1) // 10, 2) * 10)
    next_dekad = after if dekad.day > 20 else dekad + timedelta(days=10)
    year = first.replace(month=1)
    return {
        "dekad": (_midnight(dekad), _midnight(next_dekad)),
        "month": (_midnight(first), _midnight(after)),
        "year": (_midnight(year), _midnight(year.replace(year=year.year + 1))),
    }


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000 - EAST


_BEGINNINGS: Final[Mapping[Level, Callable[[int], int]]] = {
    "quarter": quarter_of,
    "day": day_of,
    "dekad": dekad_of,
    "month": month_of,
    "year": year_of,
}


def beginning(level: Level, micros: int) -> int:
    """The beginning of the quarter, day, dekad, month or year in which this moment lies."""
    return _BEGINNINGS[level](micros)


def _after(level: Level, micros: int) -> int:
    """The beginning of the next one."""
    if level == "quarter":
        return quarter_of(micros) + QUARTER
    if level == "day":
        return day_of(micros) + DAY
    return _calendar((micros + EAST) // DAY)[level][1]


def _from(level: Level, micros: int) -> int:
    """The first beginning that is not before this moment."""
    return micros if beginning(level, micros) == micros else _after(level, micros)


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

    Twenty days of a month are the month less a dekad, and a year up to today is the year.
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
