"""Waiting in a queue of many officers: Erlang C, and Erlang A where callers have no patience.

Callers come by chance (Poisson), take a mean time each, and are served in turn. Erlang C (M/M/n)
has them wait for ever; its chance of waiting is `erlang_c` of the library call-center-tools.
Erlang A (M/M/n+M; Palm 1946) has each give up after a patience of a mean time. It is reckoned here
exactly, after Mandelbaum and Zeltyn, "The Palm/Erlang-A Queue, with Applications to Call Centers"
(2005), section 4, and Zeltyn, "Call Centers with Impatient Customers" (2004): with

    A(x, y) = 1 + y/(x+1) + y²/((x+1)(x+2)) + …      x = nμ/θ, y = λ/θ
    P{W > 0} = A·B / (1 + (A - 1)·B)                  B: Erlang's loss formula
    P{abandons | W > 0} = 1/(ρA) + 1 - 1/ρ            ρ = λ/nμ
    E[W] = P{abandons} / θ
    density of the wait offered: P{W > 0}·(nμ/A)·exp(λ/θ·(1 - e^(-θx)) - nμx)

Times in seconds, rates per second; docs/decisions/0024-forecast-and-staffing.md says why so.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, inf, isfinite, log, sqrt
from typing import Final

import numpy as np
from call_center_tools import erlang_c as chance_of_waiting

_NEGLIGIBLE: Final = 1e-16
_HUGE: Final = 1e280


@dataclass(frozen=True, slots=True)
class Demand:
    """What comes to a queue: `rate` callers a second, each `handling` seconds of an officer's.

    `patience` is the mean of how long a caller would wait; infinite makes it Erlang C.
    """

    rate: float
    handling: float
    patience: float = inf

    def __post_init__(self) -> None:
        if not (isfinite(self.rate) and self.rate >= 0):
            raise ValueError("callers a second: 0 or more")
        if not (isfinite(self.handling) and self.handling > 0):
            raise ValueError("handling time: above 0 seconds")
        if not self.patience > 0:
            raise ValueError("patience: above 0 seconds")

    @property
    def load(self) -> float:
        """Erlangs: so many officers would be busy all the time."""
        return self.rate * self.handling


@dataclass(frozen=True, slots=True)
class Service:
    """How a demand fares with a number of officers."""

    waiting: float
    """Share of callers who are not answered at once."""
    service_level: float
    """Share of all who join that are answered within the target time."""
    abandoning: float
    asa: float
    """Mean seconds until the answer of those who are answered; infinite where it never ends."""
    occupancy: float
    """Share of their time that officers are busy."""


def service(demand: Demand, officers: int, within: float) -> Service:
    """What callers and officers have of it; `within`: seconds of the service level."""
    if officers < 0 or within < 0:
        raise ValueError("officers and seconds: 0 or more")
    if demand.load == 0:
        return Service(0.0, 1.0, 0.0, 0.0, 0.0)
    if officers == 0:
        gives_up = 1.0 if isfinite(demand.patience) else 0.0
        return Service(1.0, 0.0, gives_up, inf, 1.0)
    if not isfinite(demand.patience):
        return _patient(demand, officers, within)
    queue = _Impatient(demand, officers)
    return Service(queue.waits, queue.level(within), queue.abandoning, queue.asa(), queue.occupancy)


@lru_cache(maxsize=20_000)
def officers_for(demand: Demand, *, level: float, within: float, occupancy: float = 1.0) -> int:
    """The fewest officers with which this share is answered in time, none busier than that.

    `level` below 1, `occupancy` (a share) above 0; none where nobody calls.
    """
    if not 0 <= level < 1:
        raise ValueError("the share to be answered in time: from 0 to below 1")
    if not 0 < occupancy <= 1:
        raise ValueError("the highest occupancy: above 0 to 1")
    if demand.load == 0:
        return 0

    def enough(officers: int) -> bool:
        if not isfinite(demand.patience):
            found = _patient(demand, officers, within)
            return found.service_level >= level and found.occupancy <= occupancy
        queue = _Impatient(demand, officers)
        return queue.occupancy <= occupancy and queue.level(within) >= level

    low, high = 0, max(1, ceil(demand.load))
    while not enough(high):
        low, high = high, high + max(1, ceil(sqrt(high)))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _patient(demand: Demand, officers: int, within: float) -> Service:
    load = demand.load
    if officers <= load:
        return Service(1.0, 0.0, 0.0, inf, 1.0)
    waits = chance_of_waiting(load, officers)
    spare = (officers - load) / demand.handling
    return Service(waits, 1.0 - waits * exp(-spare * within), 0.0, waits / spare, load / officers)


class _Impatient:
    """Erlang A, with as much of it reckoned as is asked for."""

    def __init__(self, demand: Demand, officers: int) -> None:
        self._rate = demand.rate
        self._giving_up = 1.0 / demand.patience
        self._serving = officers / demand.handling
        ratio = self._rate / self._serving
        self._one_by_a = 1.0 / _a(self._serving / self._giving_up, self._rate / self._giving_up)
        blocked = _blocked(demand.load, officers)
        self.waits = blocked / (self._one_by_a + (1.0 - self._one_by_a) * blocked)
        # what is left of two nearly equal numbers is never below nothing
        gone = max(0.0, self._one_by_a / ratio + 1.0 - 1.0 / ratio)
        self.abandoning = self.waits * min(1.0, gone)
        self.occupancy = min(1.0, demand.load * (1.0 - self.abandoning) / officers)

    def level(self, within: float) -> float:
        """Share of all who join that are answered so soon."""
        if self._one_by_a == 0.0:
            return 1.0 - self.abandoning if within >= self._long() else 0.0
        # pieces so short that the exponent changes by little within one
        steepest = abs(self._serving - self._rate) + self._giving_up
        pieces = min(400, max(1, ceil(within * steepest / 8.0)))
        soon = float(np.sum(self._densities(within, pieces)[1]))
        return min(1.0, 1.0 - self.waits + self.waits * self._serving * self._one_by_a * soon)

    def asa(self) -> float:
        """Mean wait of those who are answered."""
        if self._one_by_a == 0.0:
            return self._long()
        overloaded = self._rate > self._serving
        falling = max(sqrt(self._serving * self._giving_up), self._giving_up)
        if not overloaded:
            falling = max(falling, self._serving - self._rate)
        end = (self._long() if overloaded else 0.0) + 40.0 / falling
        waits, shares = self._densities(end, 60)
        return (
            self.waits * self._serving * self._one_by_a * float(np.sum(waits * shares))
            / (1.0 - self.abandoning)
        )  # fmt: skip

    def _long(self) -> float:
        """How long all wait of a queue with too few officers: until enough have given up."""
        return log(self._rate / self._serving) / self._giving_up

    def _densities(self, end: float, pieces: int) -> tuple[np.ndarray, np.ndarray]:
        """Waits from 0 to `end`, and what each has of the integral of those still there.

        To be multiplied by P{W > 0}·nμ/A.
        """
        wide = end / pieces
        waits = (wide * (np.arange(pieces)[:, None] + _NODES[None, :])).ravel()
        still = np.exp(-self._giving_up * waits)
        grown = self._rate / self._giving_up * (1.0 - still) - self._serving * waits
        return waits, np.exp(grown) * still * np.tile(_WEIGHTS * wide, pieces)


def _blocked(load: float, officers: int) -> float:
    """Erlang's loss formula, by its recurrence."""
    inverse = 1.0
    for n in range(1, officers + 1):
        inverse = 1.0 + inverse * n / load
        if inverse > _HUGE:
            return 0.0
    return 1.0 / inverse


def _a(x: float, y: float) -> float:
    """A(x, y) = 1 + y/(x+1) + y²/((x+1)(x+2)) + …; infinite where it is beyond numbers."""
    total = term = 1.0
    n = 0
    while True:
        n += 1
        term *= y / (x + n)
        total += term
        if total > _HUGE:
            return inf
        if term < total * _NEGLIGIBLE and x + n > y:
            return total


_NODES, _WEIGHTS = (half / 2 for half in np.polynomial.legendre.leggauss(16))
_NODES = _NODES + 0.5
"""16 points of Gauss and Legendre between 0 and 1."""
