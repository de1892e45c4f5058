"""When callers are served: at a moment open, or closed, why, and when it opens next; pure.

Weekly hours are the site's ([hours] of hotline.toml), days off the working-day calendar's:
published holidays and what an administrator closed or opened there. Times of day are minutes after
midnight in Bangkok, moments µs UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from crm_bridge.cases.working_days import Calendar, SpecialDay, office_day, start_of
from ivr.calls.call import Micros

MINUTE: Final = 60_000_000
AHEAD: Final = 60
"""Days that are looked through for the next opening."""

Span = tuple[int, int]
"""Open from the first minute until just before the second."""


class Why(StrEnum):
    """Why it is closed."""

    BEFORE = "before"
    LUNCH = "lunch"
    """Between two spans of a day."""
    AFTER = "after"
    WEEKEND = "weekend"
    """A day of the week without hours."""
    HOLIDAY = "holiday"
    """A published day off."""
    CLOSURE = "closure"
    """An administrator closed the day."""


@dataclass(frozen=True, slots=True)
class Week:
    """Each day's spans in order, Monday first; at least one day has some."""

    days: tuple[tuple[Span, ...], ...]

    def __post_init__(self) -> None:
        if len(self.days) != 7 or not any(self.days):
            raise ValueError("seven days, one of them with hours")

    @property
    def usual(self) -> tuple[Span, ...]:
        """The hours of the week's first day that has some."""
        return next(spans for spans in self.days if spans)


@dataclass(frozen=True, slots=True)
class Closed:
    """Not open now."""

    why: Why
    opens_us: Micros | None
    """When it opens next; None where that is not within AHEAD days."""
    name: tuple[str, str] | None = None
    """Of the holiday or closure, Thai and English."""


def closed(week: Week, calendar: Calendar, moment: Micros) -> Closed | None:
    """None while it is open."""
    day = office_day(moment)
    minute = (moment - start_of(day)) // MINUTE
    spans = _spans(week, calendar, day)
    if any(start <= minute < end for start, end in spans):
        return None
    opens = _opens(week, calendar, day, minute)
    if not spans:
        special = calendar.days.get(day)
        if special is None or not special.closed:
            return Closed(Why.WEEKEND, opens)
        why = Why.HOLIDAY if special.source == "published" else Why.CLOSURE
        return Closed(why, opens, (special.name_th, special.name_en))
    if minute < spans[0][0]:
        return Closed(Why.BEFORE, opens)
    return Closed(Why.AFTER if minute >= spans[-1][1] else Why.LUNCH, opens)


def _spans(week: Week, calendar: Calendar, day: date) -> tuple[Span, ...]:
    """The day's hours; a day opened by an administrator has the usual ones where it has no own."""
    special: SpecialDay | None = calendar.days.get(day)
    own = week.days[day.weekday()]
    if special is None:
        return own
    return () if special.closed else own or week.usual


def _opens(week: Week, calendar: Calendar, day: date, minute: int) -> Micros | None:
    for ahead in range(AHEAD + 1):
        there = day + timedelta(days=ahead)
        for start, _ in _spans(week, calendar, there):
            if ahead or start > minute:
                return start_of(there) + start * MINUTE
    return None
