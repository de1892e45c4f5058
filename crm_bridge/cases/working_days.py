"""Thai government working days: which day is one, the first day, and the day a time limit ends.

A `Calendar` is a numbered version of the closed days of whole years; it never changes once made,
so a deadline that keeps its version can be reckoned again and gives the same day. What a version
is made of is said by `base` (the published days, from the library `holidays`) and by the
administrator's overrides over it. Kept by `calendars.py`.

Reckoning (docs/decisions/0013-working-days.md): the day of the act is not counted, the first day
is the next working day, and the limit ends with the last day, at 24:00 in Bangkok.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

import holidays

from ivr.calls.call import Micros
from ivr.steps.standards import OFFICE_ZONE

OPENS: Final = timedelta(hours=8, minutes=30)
"""Government offices open at 08:30."""

_SATURDAY: Final = 5
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
_MICROSECOND: Final = timedelta(microseconds=1)

NOT_OF_OFFICES: Final = ("Labor Day", "Children's Day")
"""Holidays of the library's category `public` on which government offices work."""


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day that is not what its weekday says; `closed` is false for a Saturday that is worked."""

    day: date
    closed: bool
    name_th: str
    name_en: str
    source: str = "published"
    """`published`, or `override` where an administrator set it."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """One version of the calendar; knows the days of the years it was made for."""

    version: int
    first: date
    last: date
    days: Mapping[date, SpecialDay] = field(repr=False)

    def working(self, day: date) -> bool:
        """Whether offices work on this day; ValueError for a day outside the version's years."""
        if not self.first <= day <= self.last:
            raise ValueError(
                f"calendar {self.version} knows {self.first} to {self.last}, not {day}"
            )
        if (special := self.days.get(day)) is not None:
            return not special.closed
        return day.weekday() < _SATURDAY

    def after(self, day: date, count: int) -> date:
        """The `count`th working day after `day`; `day` itself is not counted."""
        if count < 1:
            raise ValueError("at least one working day")
        while count:
            day += _DAY
            count -= self.working(day)
        return day

    def before(self, day: date, count: int) -> date:
        """The `count`th working day before `day`."""
        if count < 1:
            raise ValueError("at least one working day")
        while count:
            day -= _DAY
            count -= self.working(day)
        return day

    def between(self, start: date, end: date) -> int:
        """Working days after `start` up to and with `end`; negative where `end` comes first."""
        if end < start:
            return -self.between(end, start)
        return sum(self.working(day) for day in _days(start + _DAY, end))

    def due(self, moment: Micros, count: int) -> Micros:
        """When `count` working days from this moment are over: 24:00 of the last, in Bangkok."""
        return start_of(self.after(office_day(moment), count) + _DAY)

    def extended(self, due: Micros, count: int) -> Micros:
        """A deadline `count` working days later than `due`."""
        return start_of(self.after(last_day(due), count) + _DAY)

    def used(self, start: Micros, end: Micros) -> int:
        """Working days begun since `start`, as a limit counts them: 0 on the day itself."""
        return self.between(office_day(start), office_day(end))

    def left(self, now: Micros, due: Micros) -> int:
        """Working days still to come before the deadline, today not counted; negative: overdue.

        A figure to show: years that the version does not know count by their weekdays.
        """
        today, last = office_day(now), last_day(due)
        if today > last:
            return -sum(self._shown(day) for day in _days(last + _DAY, today))
        return sum(self._shown(day) for day in _days(today + _DAY, last))

    def _shown(self, day: date) -> bool:
        known = self.first <= day <= self.last
        return self.working(day) if known else day.weekday() < _SATURDAY


def office_day(moment: Micros) -> date:
    """The day in Bangkok."""
    return (_EPOCH + timedelta(microseconds=moment)).astimezone(OFFICE_ZONE).date()


def last_day(due: Micros) -> date:
    """The last day on which the deadline is kept."""
    return office_day(due - 1)


def start_of(day: date) -> Micros:
    """Midnight in Bangkok with which the day begins."""
    begins = datetime(day.year, day.month, day.day, tzinfo=OFFICE_ZONE)
    return (begins - _EPOCH) // _MICROSECOND


def opening(day: date) -> Micros:
    """When offices open on that day."""
    return start_of(day) + OPENS // _MICROSECOND


@lru_cache(maxsize=64)
def published(year: int) -> tuple[SpecialDay, ...]:
    """The published closed days of one year, weekdays only, in order.

    Category `public` less Labour Day and Children's Day, with Royal Ploughing Day of category
    `government`; days in lieu and the cabinet's specials as far as the library knows them.
    """
    thai = holidays.country_holidays(
        "TH", years=year, categories=("public", "government"), language="th"
    )
    english = holidays.country_holidays(
        "TH", years=year, categories=("public", "government"), language="en_US"
    )
    found = []
    for day in sorted(english):
        if day.year != year or day.weekday() >= _SATURDAY:
            continue
        names = [
            (th, en)
            for th, en in zip(thai.get_list(day), english.get_list(day), strict=True)
            if not any(word in en for word in NOT_OF_OFFICES)
        ]
        if names:
            found.append(
                SpecialDay(
                    day, True, "; ".join(n[0] for n in names), "; ".join(n[1] for n in names)
                )
            )
    return tuple(found)


def build(version: int, years: Iterable[int], overrides: Iterable[SpecialDay] = ()) -> Calendar:
    """A calendar of the published days of these years (without a gap) with the overrides on top."""
    wanted = sorted(set(years))
    if not wanted or wanted[-1] - wanted[0] != len(wanted) - 1:
        raise ValueError("years in a row")
    days = {special.day: special for year in wanted for special in published(year)}
    days |= {special.day: special for special in overrides}
    return Calendar(version, date(wanted[0], 1, 1), date(wanted[-1], 12, 31), days)


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _DAY
