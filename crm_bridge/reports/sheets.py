"""A table of figures as a reader is shown it, whatever the paper: page, CSV, XLSX, PDF.

What a sheet says is decided once; how a cell is written is its column's kind. Units inside are
those of the house: spans and moments in microseconds (moments since the epoch, UTC), shares from
0 to 1. `None` is not known, or nothing to divide by; it is never shown as zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar, overload

Words = tuple[str, str]
"""Thai, English."""


class Kind(StrEnum):
    """What stands in a column."""

    TEXT = "text"
    COUNT = "count"
    SHARE = "share"
    SPAN = "span"
    NUMBER = "number"
    DAY = "day"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `metric` names the definition of its figure in `metrics.METRICS`."""

    id: str
    name: Words
    kind: Kind = Kind.COUNT
    metric: str | None = None
    suppressible: bool = False
    """A count of people or calls: too small a one is not published."""
    then_of: str | None = None
    """The column of whose figure this is the one of the compared days."""
    heads: bool = False
    """Rows that follow each other share its value: a page may say it once, above them."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value with more to it than itself: where it leads to, or what it is measured against."""

    value: Any
    href: str | None = None
    """The calls or cases behind the figure."""
    bad: bool = False
    """Misses its target; shown by a sign too, never by colour alone."""


Row = tuple[Any, ...]
T = TypeVar("T")


class Rows(Sequence[Row], Generic[T]):
    """Rows that are made as they are read: of hundreds a page shows the first, a file all."""

    def __init__(self, things: Sequence[T], made: Callable[[T], Row]) -> None:
        """One row of each of these, in order."""
        self._things = things
        self._made = made

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        if isinstance(place, slice):
            return [self._made(thing) for thing in self._things[place]]
        return self._made(self._things[place])

    def __iter__(self) -> Iterator[Row]:
        return map(self._made, self._things)

    def __len__(self) -> int:
        return len(self._things)

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process, which prints them, is given all rows."""
        return tuple, (tuple(self),)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A titled table; a row holds plain values, `Cell`s or, in a text column, `Words`."""

    id: str
    title: Words
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    notes: tuple[Words, ...] = ()
    """What must be read with it: what was not observed, what is left out."""
    sums: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Columns that are the sum of others in each row: who knows all but one knows that one too."""
    on_page: int | None = None
    """So many rows, the first, are enough for a page; a file has all."""


TOTAL: Final[Words] = ("รวม", "Total")
"""In the first column: the row is the sum of the others."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """Stands where a count is too small to be published, or would give one away."""

    mark: str = "*"


WITHHELD: Final = Withheld()
