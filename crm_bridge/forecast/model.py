"""Expected calls of days to come: level × trend × kind of day × weekday × half-hour.

Every part is a robust mean of the past, so that a day of a campaign does not spoil it:

- the *level* is the mean of the last weeks' days, each divided by what its kind makes of it;
- the *trend* is the median slope (Theil and Sen) of half a year's weeks, damped, where there are
  twelve weeks; it bends slowly and is never drawn out for longer than it was seen;
- a *weekday* has the median of its days against the weeks around them, and so has the first
  working day after a holiday; days on which offices are closed have their share of a usual day;
- the *half-hours* are shares of a day, of open days and of closed ones.

Days that are not used: those named as a campaign, those of which too much was not observed, those
on which the line stood still. Days far out of the usual count for nothing either, without a name.
The interval holds four of five half-hours: chance, and what days, half-hours and the level of the
weeks differed by in the past.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import exp, log
from statistics import median
from typing import Final

import numpy as np

from crm_bridge.forecast.days import HALF_HOURS, Day, Kind, PastDay

Vector = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

ENOUGH_DAYS: Final = 28
"""With fewer days of use a forecast is shown as a first guess."""
NOT_OBSERVED: Final = 0.1
"""A day of whose calls a larger share was not wholly heard is not used."""

_MISSED: Final = 5
_STILL: Final = 14.0
"""Half-hours in a row without a call in which so many were expected: the line stood still.
By chance that happens once in a million times."""
_QUIET: Final = 0.5
"""Of what is usual on a quiet day."""
_AROUND: Final = 14
"""Days before and after a day that it is measured against."""
_HALF_LIFE: Final = 12.0
"""Days after which a day counts half for the level."""
_PROFILE_DAYS: Final = 182
_TREND_WEEKS: Final = 26
_TREND_LEAST: Final = 12
_DAMPED: Final = 0.3
_OUT: Final = 3.5
"""Robust deviations from the usual beyond which a day is unusual."""
_OUT_LEAST: Final = 0.3
"""In the logarithm: so much a day may always differ."""
_Z: Final = 1.2816
"""Four of five lie within so many deviations on either side."""
_LEVEL_UNKNOWN: Final = 0.02
"""Variance of the level's logarithm where the past says nothing of it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A day as it is expected; None where no day of its kind was ever seen."""

    day: date
    kind: Kind
    factor: float
    """By which a campaign raises it; 1 where none is named."""
    calls: tuple[float, ...] | None
    low: tuple[float, ...]
    high: tuple[float, ...]
    total: float | None
    total_low: float
    total_high: float


@dataclass(frozen=True, slots=True)
class Model:
    """What was learnt of the past; `expected` says what it makes of a day."""

    last: date | None
    """The last day that was looked at; None where there was none."""
    used: int
    campaigns: int
    """Days left out because a campaign is named on them."""
    missed: int
    """Days left out for gaps, or because the line stood still."""
    unusual: int
    """Days far out of the usual, which count for nothing."""
    level: float
    """Calls of a usual working day now."""
    slope: float
    """By which the logarithm of the level grows in a day."""
    factors: Mapping[tuple[Kind, int], float]
    """Kind and weekday (0 Monday) → its share of a usual working day."""
    open_shares: tuple[float, ...] | None
    closed_shares: tuple[float, ...] | None
    day_variance: float
    slot_variance: float
    level_variances: tuple[float, ...]
    """Of the level one, two … weeks on."""

    @property
    def short(self) -> bool:
        """Too little was seen for more than a first guess."""
        return self.used < ENOUGH_DAYS

    def expected(self, day: Day, factor: float = 1.0) -> Expected:
        """What this day is likely to bring, raised by a campaign's factor."""
        share = self.factors.get((day.kind, day.day.weekday()))
        shares = self.open_shares if day.kind.working else self.closed_shares
        if share is None or shares is None or self.last is None:
            return Expected(day.day, day.kind, factor, None, (), (), None, 0.0, 0.0)
        ahead = max(0, (day.day - self.last).days)
        total = self.level * exp(self.slope * _drawn_out(ahead)) * share * factor
        means = total * np.array(shares)
        weeks = max(1, -(-ahead // 7))
        level = self.level_variances[min(weeks, len(self.level_variances)) - 1]
        common = self.day_variance + level
        low, high = _interval(means, means + (self.slot_variance + common) * means**2)
        spread = total + common * total**2 + self.slot_variance * float(np.sum(means**2))
        total_low, total_high = _interval(np.array([total]), np.array([spread]))
        return Expected(
            day.day, day.kind, factor, tuple(means.tolist()), tuple(low.tolist()),
            tuple(high.tolist()), total, float(total_low[0]), float(total_high[0]),
        )  # fmt: skip


def fit(history: Sequence[PastDay], campaigns: Collection[date] = ()) -> Model:
    """Learns from days in order, each once; days before the first call are not looked at.

    `campaigns`: days on which one is named.
    """
    first = next((n for n, day in enumerate(history) if day.count), len(history))
    days = history[first:]
    named = sum(day.day in campaigns for day in days)
    heard = [day for day in days if day.day not in campaigns and _heard(day)]
    kept = _without_standstills(heard)
    past = _Past(kept)
    usual = past.usual()
    return Model(
        last=days[-1].day if days else None,
        used=len(usual.days),
        campaigns=named,
        missed=len(days) - named - len(kept),
        unusual=len(kept) - len(usual.days),
        level=usual.level(),
        slope=usual.slope(),
        factors=usual.factors,
        open_shares=usual.shares(working=True),
        closed_shares=usual.shares(working=False),
        day_variance=usual.day_variance(),
        slot_variance=usual.slot_variance(),
        level_variances=usual.level_variances(),
    )


def _heard(day: PastDay) -> bool:
    """Whether enough of a day was heard; of a quiet day a call or two may be missed."""
    return day.not_observed <= NOT_OBSERVED or day.not_observed * day.count < _MISSED


def _without_standstills(days: Sequence[PastDay]) -> list[PastDay]:
    """Without days on which no call came for so long that it cannot have been chance.

    What was to be expected in a half-hour is the median of like days around it.
    """
    kept = []
    for like in (True, False):
        group = [day for day in days if day.kind.working is like]
        counts = np.array([day.calls for day in group], dtype=float).reshape(-1, HALF_HOURS)
        overall = np.median(counts, axis=0) if group else np.zeros(HALF_HOURS)
        for n, day in enumerate(group):
            # the days around are looked at only where it may be
            if _silence(day.calls, overall) > _STILL / 4:
                around = np.median(counts[max(0, n - 10) : n + 11], axis=0)
                if _silence(day.calls, around) > _STILL:
                    continue
            kept.append(day)
    return sorted(kept, key=lambda day: day.day)


def _silence(calls: Sequence[int], usual: Vector) -> float:
    """The most calls that were expected in half-hours without one in a row, on a quiet day."""
    most = silent = 0.0
    for count, expected in zip(calls, usual.tolist(), strict=True):
        silent = 0.0 if count else silent + expected * _QUIET
        most = max(most, silent)
    return most


class _Past:
    """Days that are used, and what they are measured against."""

    def __init__(self, days: Sequence[PastDay]) -> None:
        self.days = days
        self._calls = np.array([d.calls for d in days], dtype=float).reshape(-1, HALF_HOURS)
        self._totals = self._calls.sum(axis=1)
        self._numbers = np.array([d.day.toordinal() for d in days], dtype=float)
        self._open = np.array([d.kind.working for d in days], dtype=bool)
        self.factors: dict[tuple[Kind, int], float] = {}
        self._bases: Vector = np.zeros(len(days))
        self._learn()

    def usual(self) -> _Past:
        """The same without open days that are far out of the usual."""
        far = self._open & (self._totals > 0)
        if far.sum() < 8:
            return self
        off = np.log(self._totals[far] / self._explained()[far])
        middle = float(np.median(off))
        deviation = 1.4826 * float(np.median(np.abs(off - middle)))
        limit = max(_OUT * deviation, _OUT_LEAST)
        out = np.zeros(len(self.days), dtype=bool)
        out[np.flatnonzero(far)] = np.abs(off - middle) > limit
        out |= self._open & (self._totals == 0) & (self._explained() > _STILL)
        if not out.any():
            return self
        return _Past([day for day, gone in zip(self.days, out, strict=True) if not gone])

    def _explained(self) -> Vector:
        """What each day's total would have been by its kind alone."""
        factors: Vector = np.array([self._factor(d) for d in self.days])
        found: Vector = np.maximum(1e-9, self._bases * factors)
        return found

    def _factor(self, day: Day) -> float:
        return self.factors.get((day.kind, day.day.weekday()), 1.0)

    def _learn(self) -> None:
        """Bases and factors in turns: each is measured against the other."""
        if not self.days:
            return
        weekdays = dict.fromkeys(range(7), 1.0)
        after = 1.0
        open_days: list[int] = np.flatnonzero(self._open & (self._totals > 0)).tolist()
        for _ in range(3):
            flat = np.array(
                [
                    self._totals[n]
                    / weekdays[self.days[n].day.weekday()]
                    / (after if self.days[n].kind is Kind.AFTER_HOLIDAY else 1.0)
                    for n in open_days
                ]
            )
            self._bases = self._around(open_days, flat)
            if not open_days:
                break
            ratios = np.log(self._totals[open_days] / self._bases[open_days])
            plain: dict[int, list[float]] = {}
            for place, n in enumerate(open_days):
                if self.days[n].kind is Kind.WORKING:
                    plain.setdefault(self.days[n].day.weekday(), []).append(float(ratios[place]))
            # few days say little of a weekday: one counts for two thirds
            told = {
                weekday: float(np.median(found)) * len(found) / (len(found) + 0.5)
                for weekday, found in plain.items()
            }
            middle = float(np.mean(list(told.values()))) if told else 0.0
            weekdays = {w: exp(told[w] - middle) if w in told else 1.0 for w in range(7)}
            later = [
                float(ratios[place]) - log(weekdays[self.days[n].day.weekday()])
                for place, n in enumerate(open_days)
                if self.days[n].kind is Kind.AFTER_HOLIDAY
            ]
            after = exp(float(np.median(later)) * len(later) / (len(later) + 2)) if later else 1.0
        seen = {self.days[n].day.weekday() for n in open_days}
        if seen:
            for weekday in range(7):
                if weekday in seen or weekday < 5:
                    self.factors[Kind.WORKING, weekday] = weekdays[weekday]
                    self.factors[Kind.AFTER_HOLIDAY, weekday] = weekdays[weekday] * after
        self._learn_closed(has_open=bool(seen))

    def _learn_closed(self, *, has_open: bool) -> None:
        """What closed days have of a usual one: sums, with each day cut to what is usual there."""
        closed: list[int] = np.flatnonzero(~self._open).tolist()
        if not closed:
            return
        if not has_open:  # nothing else to measure against: they are the usual day themselves
            self._bases = self._around(closed, self._totals[closed])
        cut = np.minimum(self._totals[closed], 2.5 * np.median(self._totals[closed]) + 3)
        bases = np.maximum(1e-9, self._bases[closed])
        pooled = float(cut.sum() / bases.sum())
        groups: dict[tuple[Kind, int], list[int]] = {}
        for place, n in enumerate(closed):
            day = self.days[n]
            weekday = day.day.weekday() if day.kind is Kind.WEEKEND else -1
            groups.setdefault((day.kind, weekday), []).append(place)
        for kind, weekday in [(Kind.WEEKEND, 5), (Kind.WEEKEND, 6), (Kind.HOLIDAY, -1)]:
            places = groups.get((kind, weekday), [])
            own = float(cut[places].sum() / bases[places].sum()) if places else pooled
            share = (own * len(places) + pooled * 4) / (len(places) + 4)
            for each in (weekday,) if weekday >= 0 else range(7):
                self.factors[kind, each] = share

    def _around(self, which: Sequence[int], values: Vector) -> Vector:
        """For every day the median of these days' values in the weeks around it."""
        if not which:
            return np.zeros(len(self.days))
        places, held = self._numbers[which], values.tolist()
        begins = np.searchsorted(places, self._numbers - _AROUND, "left").tolist()
        ends = np.searchsorted(places, self._numbers + _AROUND, "right").tolist()
        found = np.empty(len(self.days))
        for n, (begin, end) in enumerate(zip(begins, ends, strict=True)):
            near = held[begin:end]  # none in these weeks: the nearest
            found[n] = median(near or [held[int(np.abs(places - self._numbers[n]).argmin())]])
        return found

    def _flat(self) -> tuple[Vector, Vector]:
        """Open days' numbers and totals, each divided by what its kind makes of it."""
        which: list[int] = np.flatnonzero(self._open).tolist() or list(range(len(self.days)))
        factors = np.array([max(1e-9, self._factor(self.days[n])) for n in which])
        return self._numbers[which], self._totals[which] / factors

    def level(self) -> float:
        """Of the last day: recent days count more, none more than half above what is usual."""
        if not self.days:
            return 0.0
        numbers, flat = self._flat()
        weights = 0.5 ** ((self._numbers[-1] - numbers) / _HALF_LIFE)
        usual = float(np.median(flat[-20:]))
        held = np.clip(flat, usual / 1.5, usual * 1.5)
        return float((weights * held).sum() / weights.sum())

    def _weeks(self) -> Vector:
        """The median of each whole week back from the last day, oldest first.

        Weeks without a day of use are not in it.
        """
        if not self.days:
            return np.array([])
        numbers, flat = self._flat()
        ago = ((self._numbers[-1] - numbers) // 7).astype(int)
        middles = [
            float(np.median(flat[ago == n])) for n in range(ago.max(), -1, -1) if (ago == n).any()
        ]
        return np.array([middle for middle in middles if middle > 0])

    def slope(self) -> float:
        """The median slope of the weeks' logarithm, in a day; none where there are too few."""
        weeks = np.log(self._weeks()[-_TREND_WEEKS:])
        if len(weeks) < _TREND_LEAST:
            return 0.0
        first, second = np.triu_indices(len(weeks), 1)
        return float(np.median((weeks[second] - weeks[first]) / (second - first))) / 7

    def shares(self, *, working: bool) -> tuple[float, ...] | None:
        """What each half-hour has of a day: of open days, or of closed ones."""
        which = np.flatnonzero(self._open == working)
        if working:  # closed days are few and quiet: all of them are needed
            which = which[self._numbers[which] > self._numbers[-1] - _PROFILE_DAYS] \
                if len(which) else which  # fmt: skip
        counts = self._calls[which].sum(axis=0)
        total = float(counts.sum())
        if total <= 0:
            return None
        if total < 20 * HALF_HOURS:  # so few that each half-hour leans on those beside it
            wide = np.concatenate([counts[:1], counts, counts[-1:]])
            counts = (wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4
        return tuple((counts / counts.sum()).tolist())

    def day_variance(self) -> float:
        """By which whole open days differ beyond chance, as a share squared."""
        which = self._open & (self._totals > 0)
        if which.sum() < 8:
            return _LEVEL_UNKNOWN
        off = np.log(self._totals[which] / self._explained()[which])
        return max(0.0, float(np.var(off) - np.mean(1 / self._totals[which])))

    def slot_variance(self) -> float:
        """By which half-hours of open days differ from their share beyond chance."""
        shares = self.shares(working=True)
        which = np.flatnonzero(self._open)[-120:]
        if shares is None or len(which) < 8:
            return 0.0
        means = self._totals[which][:, None] * np.array(shares)[None, :]
        beyond = float((((self._calls[which] - means) ** 2) - means).sum())
        return max(0.0, beyond / float((means**2).sum()))

    def level_variances(self) -> tuple[float, ...]:
        """By which the level moved in one, two, three and four weeks."""
        weeks = np.log(self._weeks())
        found = []
        for ahead in range(1, 5):
            if len(weeks) < ahead + 6:
                found.append(_LEVEL_UNKNOWN * ahead)
                continue
            moved = np.clip(weeks[ahead:] - weeks[:-ahead], -0.5, 0.5)
            found.append(float(np.mean(moved**2)))
        return tuple(np.maximum.accumulate(found).tolist())


def _drawn_out(ahead: int) -> float:
    """Days that a trend is drawn out so many days ahead: ever less, and not without end."""
    return _DAMPED * 28.0 * (1.0 - exp(-ahead / 28.0))


def _interval(means: Vector, variances: Vector) -> tuple[Vector, Vector]:
    """What four of five lie between, of counts with these means and variances.

    By the cube root of Wilson and Hilferty.
    """
    positive = np.maximum(means, 1e-12)
    ninth = np.maximum(variances, 1e-12) / (9.0 * positive**2)
    low = means * np.maximum(0.0, 1.0 - ninth - _Z * np.sqrt(ninth)) ** 3
    high = means * np.maximum(0.0, 1.0 - ninth + _Z * np.sqrt(ninth)) ** 3
    return low, np.maximum(high, means + 0.5 * np.sqrt(means))
