"""How well forecasts would have done: made on the past alone, held against what then came.

Beside them two that anybody makes in a spreadsheet: the same half-hour of the last week, and the
mean of the last four. Errors: WAPE, the sum of all misses ÷ the sum of all calls; MAPE, the mean
of miss ÷ calls over half-hours (days) with at least ten calls, since it has no meaning below.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from crm_bridge.forecast.days import HALF_HOURS, PastDay
from crm_bridge.forecast.model import Expected, fit

AHEAD: Final = 28
"""Days that are forecast from each day on which one is made."""
LEAST_DAYS: Final = 56
"""Days that a forecast is at least made from."""
LEAST_CALLS: Final = 10

METHODS: Final = ("model", "last_week", "four_weeks")

Profile = Sequence[float]


@dataclass(slots=True)
class Errors:
    """Misses of one method, of half-hours or of days."""

    missed: float = 0.0
    calls: float = 0.0
    shares: float = 0.0
    judged: int = 0

    def add(self, was: float, expected: float) -> None:
        """One half-hour or day more."""
        miss = abs(was - expected)
        self.missed += miss
        self.calls += was
        if was >= LEAST_CALLS:
            self.shares += miss / was
            self.judged += 1

    @property
    def wape(self) -> float | None:
        """None of nothing."""
        return self.missed / self.calls if self.calls else None

    @property
    def mape(self) -> float | None:
        """None of nothing."""
        return self.shares / self.judged if self.judged else None


@dataclass(slots=True)
class Backtest:
    """Errors by method, and how many half-hours and days lay within the interval."""

    half_hours: Mapping[str, Errors] = field(
        default_factory=lambda: {method: Errors() for method in METHODS}
    )
    days: Mapping[str, Errors] = field(
        default_factory=lambda: {method: Errors() for method in METHODS}
    )
    forecasts: int = 0
    judged_days: int = 0
    half_hours_within: int = 0
    days_within: int = 0

    @property
    def ratio(self) -> float | None:
        """The model's error of half-hours ÷ that of the better of the two others."""
        mine = self.half_hours["model"].wape
        others = [self.half_hours[m].wape for m in METHODS[1:]]
        best = min((wape for wape in others if wape is not None), default=None)
        return None if mine is None or not best else mine / best


def backtest(
    history: Sequence[PastDay],
    campaigns: Mapping[date, float] | None = None,
    *,
    skip: Collection[date] = (),
    truth: Mapping[date, Profile] | None = None,
    every: int = AHEAD,
    last: int | None = None,
) -> Backtest:
    """A forecast every so many days (of the `last` so many forecasts), each of the next 28.

    `campaigns` are known in advance, with their factor. Days of `skip` are not judged. With `truth`
    the forecasts are held against that, not against what came. `history`: one day after the other.
    """
    found = Backtest()
    known = campaigns or {}
    begins = list(range(len(history) - every, LEAST_DAYS - 1, -every))
    for begin in sorted(begins[:last]):
        model = fit(history[:begin], known)
        found.forecasts += 1
        for day in history[begin : begin + AHEAD]:
            if day.day in skip:
                continue
            expected = model.expected(day, known.get(day.day, 1.0))
            was = day.calls if truth is None else truth[day.day]
            _judge(found, expected, was, _naive(history, begin, day.day))
    return found


def _naive(history: Sequence[PastDay], begin: int, day: date) -> Iterator[tuple[str, Profile]]:
    """The same half-hours of the last week before the forecast is made, and the mean of four."""
    ahead = (day - history[begin].day).days
    last = begin + ahead - 7 * (ahead // 7 + 1)
    yield "last_week", history[last].calls
    weeks = [history[n].calls for n in range(last, max(-1, last - 28), -7)]
    yield "four_weeks", [sum(week[n] for week in weeks) / len(weeks) for n in range(HALF_HOURS)]


def _judge(
    found: Backtest, expected: Expected, was: Profile, others: Iterator[tuple[str, Profile]]
) -> None:
    if expected.calls is None or expected.total is None:
        return
    found.judged_days += 1
    total = sum(was)
    found.days_within += expected.total_low <= total <= expected.total_high
    found.half_hours_within += sum(
        low <= x <= high or (low < 0.5 and x == 0)
        for low, x, high in zip(expected.low, was, expected.high, strict=True)
    )
    for method, profile in (("model", expected.calls), *others):
        for one, other in zip(was, profile, strict=True):
            found.half_hours[method].add(one, other)
        found.days[method].add(total, sum(profile))
