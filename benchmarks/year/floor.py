"""The officers of a day: who is in when, and who is free next.

Nobody is given a caller while he has one, is rung, or has not finished what follows a call; a
part begun before the end of a shift is carried to its end.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from random import Random
from typing import Final

from benchmarks.year.shape import HALF_HOURS, Day
from benchmarks.year.spans import HOUR, MINUTE
from ivr.calls.call import Micros

FEWEST: Final = 6
"""Officers of the smallest office."""
MOST: Final = 999
"""Officers' numbers are 1001 to 1999."""

_FIRST: Final = 1001
_OPENS: Final = 17
_CLOSES: Final = 33
"""Half-hours of the day between which the office is staffed: 08:30 to 16:30."""
_REACHING_AN_OFFICER: Final = 0.86
"""Share of the calls that need one; the others end in the menus."""
_CAMPAIGN: Final = 1.45
"""By so much the office is reinforced on a day of a campaign: less than what comes."""


@dataclass(slots=True)
class Officer:
    """One officer's day."""

    id: str
    until: Micros
    lunch_at: Micros | None
    """When he is next to go; None: he has been, or has none."""


class Floor:
    """The officers on duty, as a heap by when each is free."""

    def __init__(self, officers: Sequence[tuple[Micros, Officer]]) -> None:
        """Each with when his shift begins."""
        self._heap = [(begins, n, officer) for n, (begins, officer) in enumerate(officers)]
        heapq.heapify(self._heap)
        self._next = len(self._heap)

    def earliest(self, at: Micros) -> Micros | None:
        """When an officer can be rung, not before `at`; None where nobody comes any more today."""
        heap = self._heap
        while heap:
            free, n, officer = heap[0]
            start = free if free > at else at
            if start >= officer.until:
                heapq.heappop(heap)
                continue
            lunch = officer.lunch_at
            if lunch is not None and start >= lunch:
                officer.lunch_at = None
                heapq.heapreplace(heap, (max(free, lunch) + HOUR, n, officer))
                continue
            return start
        return None

    def take(self) -> Officer:
        """The officer whom `earliest` spoke of; he is nobody else's until given back."""
        return heapq.heappop(self._heap)[2]

    def give(self, officer: Officer, free_at: Micros) -> None:
        """He is free again from then on."""
        heapq.heappush(self._heap, (free_at, self._next, officer))
        self._next += 1

    def take_at(self, at: Micros) -> tuple[Officer, Micros] | None:
        """Another officer for a caller handed on at `at`, and when he can be rung.

        Of those free by then the one who was busy longest, else who is free first.
        """
        best: tuple[bool, Micros, int] | None = None
        chosen = -1
        for place, (free, n, officer) in enumerate(self._heap):
            start = free if free > at else at
            if start >= officer.until or (
                officer.lunch_at is not None and start >= officer.lunch_at
            ):
                continue
            rank = (free > at, free if free > at else -free, n)
            if best is None or rank < best:
                best, chosen = rank, place
        if best is None:
            return None
        free, _, officer = self._heap.pop(chosen)
        heapq.heapify(self._heap)
        return officer, max(free, at)


class Roster:
    """All officers of the office, and which of them work on a day."""

    def __init__(self, seed: int, days: Sequence[Day], handling: float) -> None:
        """`handling`: mean seconds that a caller and what follows take of an officer."""
        self._seed = seed
        self._handling = handling
        usual = [self._needed(day) for day in days]
        self.size = min(MOST, max(FEWEST, ceil(1.1 * max(usual, default=0))))

    def _needed(self, day: Day) -> int:
        """Officers for the usual load of the day's busiest half-hour, with some to spare."""
        slots = day.expected[_OPENS:_CLOSES]
        busiest = max(slots) * _REACHING_AN_OFFICER * self._handling / 1800
        if not day.working:
            return int(busiest)
        return max(FEWEST, ceil(busiest + 0.4 * sqrt(busiest)))

    def floor(self, day: Day, midnight: Micros) -> Floor:
        """Who works on this day that begins at `midnight`: in whole shifts and half ones."""
        rng = Random(f"roster/{self._seed}/{day.day}")
        wanted = self._needed(day) * rng.uniform(0.88, 1.04)
        if day.campaign is not None:
            wanted *= _CAMPAIGN
        working = min(self.size, max(FEWEST if day.working else 0, round(wanted)))
        first = day.day.toordinal() * 37
        half = HOUR // 2
        found = []
        for n in range(working):
            number = _FIRST + (first + n) % self.size
            # one in five comes for the morning only; a few stay longer
            begins, ends = (_OPENS, 26) if n % 5 == 4 else (_OPENS, _CLOSES)
            if n % 40 == 20:
                begins, ends = _OPENS - 1, _CLOSES + 3
            lunch = None if ends == 26 else midnight + 22 * half + (n % 5) * half
            late = int(rng.uniform(-2, 6) * MINUTE)
            found.append(
                (midnight + begins * half + late,
                 Officer(str(number), midnight + min(ends, HALF_HOURS) * half, lunch))
            )  # fmt: skip
        return Floor(found)
