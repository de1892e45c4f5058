"""Lengths of time as they fall at a hotline: many short, a few long (lognormal)."""

from __future__ import annotations

from collections.abc import Callable
from math import exp
from statistics import NormalDist
from typing import Final

from ivr.calls.call import Micros

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

_PIECES: Final = 512
"""Steps of the table of quantiles: the outermost are 0.1% of each tail."""


class Span:
    """A length of time with this median, in seconds; `sigma` of its logarithm.

    The table is of whole microseconds, so that a draw is the same on every machine.
    """

    def __init__(self, median: float, sigma: float) -> None:
        normal = NormalDist()
        points = [(k + 0.5) / (_PIECES + 1) for k in range(_PIECES + 1)]
        self._table = [round(median * exp(sigma * normal.inv_cdf(p)) * SECOND) for p in points]
        self.mean = sum(self._table) / len(self._table) / SECOND
        """Seconds."""

    def draw(self, random: Callable[[], float]) -> Micros:
        """One length in microseconds."""
        place = random() * _PIECES
        step = int(place)
        low = self._table[step]
        return low + int((place - step) * (self._table[step + 1] - low))
