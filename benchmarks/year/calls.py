"""A year of calls, one by one in order of entering, as the tracker would have recorded them.

Each day is drawn from a chance of its own: any day can be made without the others before it. The
officers of a day are on a floor (`floor.py`) on which nobody has two callers, so that waiting,
abandonment and service level follow from who called when and who was in. Callers who were lost in
a queue call again, or are called back the same day by an officer who is free.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from random import Random
from typing import Final

from benchmarks.year.callers import Caller, Callers
from benchmarks.year.calling_back import call_back
from benchmarks.year.entry import Line, enter
from benchmarks.year.faults import Faults
from benchmarks.year.floor import Floor, Roster
from benchmarks.year.office import NUMBERS, Targets
from benchmarks.year.shape import Day, days_of
from benchmarks.year.spans import HOUR, MINUTE
from benchmarks.year.talk import HANDLING, Talk
from benchmarks.year.waiting import Waiting
from crm_bridge.cases.working_days import start_of
from ivr.calls.call import Call, Mark, Micros, Outcome

_SLOT: Final = HOUR // 2
_LOST: Final = (Outcome.ABANDONED_QUEUE, Outcome.QUEUE_TIMEOUT)
_CALL_AGAIN: Final = 0.05
"""Share of the arrivals who were lost lately and try again, where there are any."""
_CALL_BACK: Final = 0.5
"""Share of the arrivals whose place a call back takes, where somebody waits for one."""
_SETTLED: Final = 4 * MINUTE
"""A lost caller is not called back sooner."""


def calls(seed: int, count: int, year: int) -> Iterator[Call]:
    """`count` closed calls of that year in Bangkok, in order of `entered_at`.

    The same arguments give the same calls. At most 15 minutes of calls are held at once.
    """
    made = Year(seed, count, year)
    for day in made.days:
        yield from made.on(day)


class Year:
    """A year that can be made day by day."""

    def __init__(self, seed: int, count: int, year: int) -> None:
        self.seed = seed
        self.days = days_of(seed, count, year)
        self.callers = Callers(seed, count)
        self.roster = Roster(seed, self.days, HANDLING)
        self.faults = Faults(seed, count, self.days)
        self.targets = Targets()

    def on(self, day: Day) -> Iterator[Call]:
        """The calls of one day, in order."""
        return _Day(self, day).calls()


class _Day:
    def __init__(self, year: Year, day: Day) -> None:
        self._year = year
        self._day = day
        self._rng = Random(f"calls/{year.seed}/{day.day}")
        self._midnight = start_of(day.day)
        self._floor: Floor = year.roster.floor(day, self._midnight)
        self._line = Line(self._rng.random)
        self._waiting = Waiting(self._line, self._floor)
        self._talk = Talk(self._line, year.targets)
        self._lost: deque[tuple[Micros, Call]] = deque()
        """Who is to be called back, with when he was lost."""
        self._gone: deque[Call] = deque(maxlen=200)
        """Who may call again."""
        self._again: set[str] = set()
        """Lost calls whose caller did."""

    def calls(self) -> Iterator[Call]:
        """Every call of the day: those in the menus overtake each other, the list does not."""
        pending: list[tuple[Micros, int, Call, str]] = []
        made: deque[tuple[int, Call]] = deque()
        in_menus: set[int] = set()
        for number, at in enumerate(self._arrivals()):
            while pending and pending[0][0] <= at:
                joined, n, call, queue = heapq.heappop(pending)
                self._queued(call, queue, joined)
                in_menus.discard(n)
            outbound = self._called_back(at)
            if outbound is not None:
                made.append((number, outbound))
            else:
                call, to, joined = enter(self._line, at, self._caller(at), self._dialled())
                if to is not None:
                    heapq.heappush(pending, (joined, number, call, to))
                    in_menus.add(number)
                made.append((number, call))
            while made and made[0][0] not in in_menus:
                yield self._finished(made.popleft()[1])
        while pending:
            joined, _, call, queue = heapq.heappop(pending)
            self._queued(call, queue, joined)
        for _, call in made:
            yield self._finished(call)

    def _arrivals(self) -> Iterator[Micros]:
        random, faults = self._rng.random, self._year.faults
        last = 0
        for slot, count in enumerate(self._day.calls):
            begins = self._midnight + slot * _SLOT
            for at in sorted(
                [faults.after_stop(begins + int(random() * _SLOT)) for _ in range(count)]
            ):
                last = max(at, last + 1)
                yield last

    def _caller(self, at: Micros) -> Caller:
        """Somebody of the population, or somebody lost before who tries again."""
        gone = self._gone
        if gone and self._rng.random() < _CALL_AGAIN:
            lost = gone.popleft()
            if lost.ended_at is not None and lost.ended_at < at:
                self._again.add(lost.call_id)
                return Caller(lost.caller_presented, lost.caller_name, lost.language == "en")
        return self._year.callers.draw(self._rng)

    def _dialled(self) -> str:
        roll = self._rng.random()
        return NUMBERS[0] if roll < 0.94 else NUMBERS[1] if roll < 0.98 else NUMBERS[2]

    def _queued(self, call: Call, queue: str, at: Micros) -> None:
        """From joining the queue to the end of the call."""
        joined = self._waiting.wait(call, queue, at)
        onward = True
        while joined is not None:
            officer = joined.officer
            after = self._talk.converse(
                call, joined.leg, officer.id, queue, joined.at, onward=onward
            )
            self._floor.give(officer, self._talk.free_at(call, officer.id, after.released_at))
            if after.queue is None:
                return
            queue, onward = after.queue, False
            joined = self._waiting.wait(call, queue, after.joined_at, after)
        if call.outcome in _LOST and call.caller_presented is not None and call.ended_at:
            self._lost.append((call.ended_at, call))
            self._gone.append(call)

    def _called_back(self, at: Micros) -> Call | None:
        """A call back that begins now, where somebody waits for one and an officer is free."""
        lost = self._lost
        if not lost or lost[0][0] + _SETTLED > at or self._rng.random() >= _CALL_BACK:
            return None
        if self._floor.earliest(at) != at:
            return None
        _, call = lost.popleft()
        if call.call_id in self._again:
            return None
        officer = self._floor.take()
        made, free_at = call_back(self._line, self._talk, call, officer.id, at)
        self._floor.give(officer, free_at)
        return made

    def _finished(self, call: Call) -> Call:
        call.marks.sort(key=_mark_at)
        self._year.faults.strike(call, self._rng)
        call.revision = (
            2 + len(call.marks) + 3 * len(call.legs) + 2 * len(call.passages)
            + 2 * (len(call.holds) + len(call.consultations) + len(call.transfers))
        )  # fmt: skip
        return call


def _mark_at(mark: Mark) -> Micros:
    return mark.at
