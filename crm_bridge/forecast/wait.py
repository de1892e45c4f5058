"""How long a caller who enters a queue now will wait, in bands that hold: pure.

Whoever is before him must be taken, or give up, before he is. With c officers at work, each of whom
is done with a caller after a mean of h seconds, one of them is free every h/c seconds; the k-th
time is the caller's. That wait is told as a gamma of shape k; h is itself only known from the last
calls, so the gamma is mixed over a few h's around the mean. Of the bands that may be said the
narrowest that holds with the wanted chance is said; where none does, the one that holds best.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import exp, lgamma, log
from typing import Final

SURE: Final = 0.7
"""The chance with which a band is to hold."""
SPREAD: Final = ((0.8, 0.25), (1.0, 0.5), (1.25, 0.25))
"""h may be other than the last calls had it: factor, weight."""
MOST_LEAVING: Final = 0.6
"""A share of callers who give up above this is not believed of those before a caller."""


@dataclass(frozen=True, slots=True)
class Band:
    """Whole minutes: `low` to `high`; 0 is at once, without `high` it is more than `low`."""

    low: int
    high: int | None

    def holds(self, seconds: float) -> bool:
        """Whether a wait lies in it."""
        return 60 * self.low <= seconds and (self.high is None or seconds <= 60 * self.high)

    @property
    def text(self) -> str:
        """As it stands on the record: `1-3`, `10-`."""
        return f"{self.low}-{'' if self.high is None else self.high}"


BANDS: Final = (
    Band(0, 1), Band(0, 2), Band(1, 3), Band(0, 3), Band(2, 5), Band(1, 5), Band(3, 6), Band(0, 5),
    Band(3, 8), Band(5, 10), Band(4, 10), Band(2, 10), Band(5, 15), Band(10, None), Band(5, None),
)  # fmt: skip
"""Bands that may be said."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A queue as a caller finds it."""

    before: float
    """Callers who are taken before him; those of other queues by the share they have in it."""
    free: int
    """Officers who could take a call now."""
    serving: int
    """Officers who take calls: free, in a call, or writing one down."""
    handling: float | None
    """Seconds an officer needs for a caller, of late; None where not known."""
    leaving: float = 0.0
    """Share of those who wait that give up, of late."""


AT_ONCE: Final = Band(0, 0)
"""An officer is free for him."""


def expected(standing: Standing) -> Band | None:
    """The band to say; None where it is not known. Somebody must be serving."""
    if standing.free > standing.before:
        return AT_ONCE
    if standing.handling is None or standing.serving < 1:
        return None
    leaving = min(max(standing.leaving, 0.0), MOST_LEAVING)
    turns = (standing.before - standing.free) * (1.0 - leaving) + 1.0
    each = standing.handling / standing.serving
    chances = {
        band: _within(turns, each, band.high) - _within(turns, each, band.low) for band in BANDS
    }
    sure = [band for band in BANDS if chances[band] >= SURE]
    if not sure:
        return max(BANDS, key=chances.__getitem__)
    return min(sure, key=lambda band: (_width(band), -chances[band]))


def _width(band: Band) -> float:
    """How little a band says: a minute more matters less where the wait is long."""
    return (band.high - band.low) / (1.0 + band.low) if band.high is not None else 60.0 / band.low


def _within(turns: float, each: float, minutes: int | None) -> float:
    """The chance that so many turns of `each` seconds are over in these minutes."""
    if minutes is None:
        return 1.0
    if minutes == 0:
        return 0.0
    return sum(
        weight * _gamma(round(turns, 2), 60.0 * minutes / (each * factor))
        for factor, weight in SPREAD
    )


@cache
def _log_gamma(shape: float) -> float:
    return lgamma(shape)


def _gamma(shape: float, x: float) -> float:
    """The regularised lower incomplete gamma function, by its series or continued fraction."""
    if x <= 0.0:
        return 0.0
    front = exp(shape * log(x) - x - _log_gamma(shape))
    if x < shape + 1.0:
        term = total = 1.0 / shape
        n = shape
        while term > total * 1e-9:
            n += 1.0
            term *= x / n
            total += term
        return min(1.0, front * total)
    b = x + 1.0 - shape
    c, d = 1e30, 1.0 / b
    h = d
    for i in range(1, 500):
        an = -i * (i - shape)
        b += 2.0
        d = 1.0 / (an * d + b or 1e-30)
        c = b + an / c or 1e-30
        h *= d * c
        if abs(d * c - 1.0) < 1e-9:
            break
    return max(0.0, 1.0 - front * h)
