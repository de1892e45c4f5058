"""Days as a forecast sees them: of which kind, with how many calls in each half-hour.

A day is one of the office's calendar in Bangkok and has 48 half-hours from 00:00.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

HALF_HOURS: Final = 48

_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)
_LONGEST_CLOSURE: Final = 31


class Kind(StrEnum):
    """What sort of day it is for those who call."""

    WORKING = "working"
    AFTER_HOLIDAY = "after_holiday"
    """The first working day after a weekday on which offices were closed."""
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    """A weekday on which offices are closed."""

    @property
    def working(self) -> bool:
        """Offices are open."""
        return self in {Kind.WORKING, Kind.AFTER_HOLIDAY}


@dataclass(frozen=True, slots=True)
class Day:
    """A day to come or gone by."""

    day: date
    kind: Kind


@dataclass(frozen=True, slots=True)
class PastDay(Day):
    """A day that is over, and its calls half-hour by half-hour from 00:00."""

    calls: tuple[int, ...]
    not_observed: float = 0.0
    """Share of the day's calls of which something was not heard."""

    @property
    def count(self) -> int:
        """Calls of the whole day."""
        return sum(self.calls)


def kind_of(day: date, works: Callable[[date], bool]) -> Kind:
    """The kind of a day, by whether offices work on a day."""
    if not works(day):
        return Kind.WEEKEND if day.weekday() >= _SATURDAY else Kind.HOLIDAY
    before = day - _DAY
    for _ in range(_LONGEST_CLOSURE):
        if works(before):
            break
        if before.weekday() < _SATURDAY:
            return Kind.AFTER_HOLIDAY
        before -= _DAY
    return Kind.WORKING
