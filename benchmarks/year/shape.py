"""How many calls fall on each half-hour of a year in Bangkok: the shape of demand, and no calls.

Offices work 08:30 to 16:30 with a dip at noon. Mondays are heavier, and so is the first working
day after a holiday; Saturdays, Sundays and the government's holidays are nearly empty. Demand
grows slowly over the year, rises in the seasons in which people ask about prices, and is two to
three times as high on a few days of a campaign. The same seed gives the same counts, and they sum
to what was asked for exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from math import log, sqrt
from random import Random
from typing import Final

from crm_bridge.cases.working_days import Calendar, build, published

HALF_HOURS: Final = 48

_SATURDAY: Final = 5
_WEEKDAYS: Final = (1.27, 1.08, 1.0, 0.97, 0.94)
_AFTER_HOLIDAY: Final = 1.2
_CLOSED: Final = 0.035
"""Of a working day's calls: on a day when offices are closed."""
_GROWTH: Final = 0.12
"""By so much the last day of the year stands above the first."""
_DAY_NOISE: Final = 0.05
_SLOT_NOISE: Final = 0.06
_DAY: Final = timedelta(days=1)

_NIGHT: Final = 0.004
_EVENING: Final = 0.02
_OFFICE_HOURS: Final = (
    0.80, 1.18, 1.32, 1.34, 1.26, 1.14, 0.92, 0.55, 0.52, 0.92, 1.12, 1.18, 1.10, 1.00, 0.86, 0.62,
)  # fmt: skip
"""08:30 to 16:30, half-hour by half-hour."""
_WORKING: Final = (
    *(_NIGHT,) * 14, 0.02, 0.06, 0.20, *_OFFICE_HOURS, 0.16, 0.08, 0.05, 0.03, *(_EVENING,) * 7,
    *(_NIGHT,) * 4,
)  # fmt: skip
_CLOSED_DAY: Final = (*(0.05,) * 14, *(0.4,) * 3, *(1.0,) * 17, *(0.6,) * 8, *(0.2,) * 6)
"""Nobody's office hours: whoever calls on such a day calls whenever he is awake."""


@dataclass(frozen=True, slots=True)
class Season:
    """A part of the year in which more is asked than elsewhere; both days are of it."""

    name: str
    first: tuple[int, int]
    last: tuple[int, int]
    factor: float

    def holds(self, day: date) -> bool:
        """Whether this day is of the season."""
        return self.first <= (day.month, day.day) <= self.last


SEASONS: Final = (
    Season("goods before Songkran", (4, 1), (4, 12), 1.10),
    Season("school begins: uniforms and school things", (5, 5), (5, 25), 1.18),
    Season("fruit prices", (6, 5), (6, 30), 1.08),
    Season("vegetarian festival: vegetable prices", (9, 25), (10, 8), 1.09),
    Season("school holidays", (10, 11), (10, 31), 0.93),
    Season("rice harvest: paddy prices", (11, 10), (12, 5), 1.12),
    Season("new year's goods", (12, 15), (12, 30), 1.08),
)

CAMPAIGNS: Final = (
    ("ธงฟ้าราคาประหยัดลดค่าครองชีพ", "Blue Flag low-price fair"),
    ("พาณิชย์ลดราคา ช่วยประชาชน", "Commerce price reduction for the people"),
    ("ประกาศราคาควบคุมสินค้าฉบับใหม่", "New list of price-controlled goods"),
    ("เปิดลงทะเบียนร้านค้าเข้าร่วมโครงการ", "Registration of shops for the scheme opens"),
    ("มาตรการดูแลราคาน้ำมันปาล์มขวด", "Measure on the price of bottled palm oil"),
    ("ประกันรายได้เกษตรกร", "Income guarantee for farmers"),
)
"""Names in Thai and English of what brings two or three times the calls for a day."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day in Bangkok and how many calls come in on it, half-hour by half-hour from 00:00."""

    day: date
    working: bool
    calls: tuple[int, ...]
    expected: tuple[float, ...]
    """What the office would forecast: the year's total spread by its habits, without campaigns
    and chance."""
    after_holiday: bool = False
    holiday: tuple[str, str] | None = None
    """Thai and English name of the holiday on a weekday."""
    campaign: tuple[str, str] | None = None

    @property
    def count(self) -> int:
        """Calls of the whole day."""
        return sum(self.calls)


def days_of(seed: int, count: int, year: int) -> tuple[Day, ...]:
    """Every day of the Gregorian year with its calls; together they are `count` exactly.

    The same arguments give the same days. ValueError for a negative count.
    """
    if count < 0:
        raise ValueError("a year has no fewer than no calls")
    rng = Random(f"shape/{seed}/{year}")
    calendar = build(0, (year - 1, year))
    names = {special.day: (special.name_th, special.name_en) for special in published(year)}
    days = list(_days(year))
    campaigns = _campaigns(rng, calendar, days)
    plain: list[list[float]] = []
    drawn: list[float] = []
    for number, day in enumerate(days):
        usual = _usual(calendar, day, number / len(days))
        plain.append(usual)
        factor = rng.lognormvariate(0.0, _DAY_NOISE)
        if day in campaigns:
            factor *= campaigns[day][1]
        drawn += [x * factor * rng.lognormvariate(0.0, _SLOT_NOISE) for x in usual]
    counts = list(_shared_out(rng, count, drawn))
    usual_total = sum(map(sum, plain))
    return tuple(
        Day(
            day=day,
            working=calendar.working(day),
            calls=tuple(counts[n * HALF_HOURS : (n + 1) * HALF_HOURS]),
            expected=tuple([count * x / usual_total for x in plain[n]]),
            after_holiday=_after_holiday(calendar, day),
            holiday=names.get(day),
            campaign=campaigns[day][0] if day in campaigns else None,
        )
        for n, day in enumerate(days)
    )


def _days(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += _DAY


def _campaigns(
    rng: Random, calendar: Calendar, days: list[date]
) -> dict[date, tuple[tuple[str, str], float]]:
    """Day → name and factor: three to six ordinary working days, three weeks apart at least."""
    wanted = rng.randint(3, 6)
    names = rng.sample(CAMPAIGNS, wanted)
    ordinary = [d for d in days if calendar.working(d) and not _after_holiday(calendar, d)]
    rng.shuffle(ordinary)
    chosen: list[date] = []
    for day in ordinary:
        if all(abs((day - other).days) >= 21 for other in chosen):
            chosen.append(day)
        if len(chosen) == wanted:
            break
    return {
        day: (name, rng.uniform(2.1, 2.9)) for day, name in zip(sorted(chosen), names, strict=True)
    }


def _usual(calendar: Calendar, day: date, through: float) -> list[float]:
    """Weights of the day's half-hours; `through` the year from 0 to 1."""
    factor = 1.0 + _GROWTH * through
    for season in SEASONS:
        if season.holds(day):
            factor *= season.factor
    if not calendar.working(day):
        scale = _CLOSED * factor * sum(_WORKING) / sum(_CLOSED_DAY)
        return [x * scale for x in _CLOSED_DAY]
    factor *= _WEEKDAYS[min(day.weekday(), len(_WEEKDAYS) - 1)]
    if _after_holiday(calendar, day):
        factor *= _AFTER_HOLIDAY
    return [x * factor for x in _WORKING]


def _after_holiday(calendar: Calendar, day: date) -> bool:
    """Whether this is the first working day after a weekday on which offices were closed."""
    if not calendar.working(day):
        return False
    before = day - _DAY
    while before >= calendar.first and not calendar.working(before):
        if before.weekday() < _SATURDAY:
            return True
        before -= _DAY
    return False


def _shared_out(rng: Random, count: int, weights: list[float]) -> Iterator[int]:
    """`count` thrown at random into places of these weights: the places' counts, in order."""
    left, weight = count, sum(weights)
    for place in weights:
        here = _binomial(rng, left, min(1.0, place / weight)) if weight > place else left
        yield here
        left -= here
        weight -= place


def _binomial(rng: Random, trials: int, chance: float) -> int:
    """How many of so many trials succeed; by the normal curve where they are many."""
    if trials == 0 or chance <= 0.0:
        return 0
    if chance > 0.5:
        return trials - _binomial(rng, trials, 1.0 - chance)
    mean = trials * chance
    if mean > 40.0:
        drawn = round(rng.gauss(mean, sqrt(mean * (1.0 - chance))))
        return min(trials, max(0, drawn))
    # trials up to the next success follow the geometric law
    found, at, slope = 0, 0, log(1.0 - chance)
    while True:
        at += int(log(1.0 - rng.random()) / slope) + 1
        if at > trials:
            return found
        found += 1
