"""Claim: a caller who is told how long he may wait waits so long, in seven of ten cases or more.

A queue is simulated call by call: callers come by chance, in swells, handling times are lognormal
as those of a hotline are, callers give up, officers take breaks. The estimator is asked as the
bridge asks it: with the mean of the last forty calls, the share that gave up, and who stands before
the caller. Beside it what Asterisk itself would say: its running mean of waits (queue-holdtime), as
the band of two minutes around it.
python -m benchmarks.wait_told [CALLERS]
"""

from __future__ import annotations

import heapq
import random
import sys
from collections import Counter, deque
from dataclasses import dataclass, field
from math import log, sqrt
from typing import Final

from benchmarks.table import table, verdict
from crm_bridge.forecast.wait import AT_ONCE, Band, Standing, expected

LATE: Final = 40
"""Calls of late from which the figures are."""
WANTED: Final = 0.7
CALLERS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Office:
    """A queue to be simulated; times in seconds, `load` Erlangs for each officer."""

    name: str
    officers: int
    load: float
    handling: float = 240.0
    spread: float = 0.9
    """Standard deviation of the handling time, in means."""
    patience: float = 480.0


OFFICES: Final = (
    Office("3 officers, busy", 3, 0.95),
    Office("3 officers, too few", 3, 1.4),
    Office("8 officers, busy", 8, 0.95),
    Office("8 officers, too few", 8, 1.3),
    Office("20 officers, too few", 20, 1.2),
    Office("8 officers, long calls", 8, 1.1, handling=600.0, patience=900.0),
    Office("1 officer", 1, 0.9),
)


@dataclass(slots=True)
class Told:
    """What callers who waited were told, and what came of it."""

    said: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    asterisk: int = 0
    judged: int = 0

    @property
    def share(self) -> float:
        """Share of callers whose wait lay in the band."""
        return sum(self.held.values()) / max(1, sum(self.said.values()))


@dataclass(slots=True)
class _Caller:
    came: float
    gives_up: float
    band: Band | None
    holdtime: float


def simulate(office: Office, callers: int = CALLERS, seed: int = 1203) -> Told:
    """Callers who waited and were answered, each judged by what was said on entering."""
    chance = random.Random(seed)
    sigma = sqrt(log(1.0 + office.spread**2))
    mean = log(office.handling) - sigma**2 / 2.0
    told = Told()
    done: deque[float] = deque(maxlen=LATE)
    left: deque[bool] = deque(maxlen=LATE)
    busy: list[float] = []
    waiting: deque[_Caller] = deque()
    now = holdtime = 0.0
    breaks: list[float] = []

    def serve(caller: _Caller, at: float) -> None:
        nonlocal holdtime
        waited = at - caller.came
        holdtime = (3.0 * holdtime + waited) / 4.0  # app_queue's recalc_holdtime
        length = chance.lognormvariate(mean, sigma)
        heapq.heappush(busy, at + length)
        done.append(length)
        if waited > 0:
            left.append(False)
        if caller.band is not None and caller.band is not AT_ONCE:
            told.said[caller.band.text] += 1
            told.held[caller.band.text] += caller.band.holds(waited)
            told.judged += 1
            told.asterisk += abs(waited - caller.holdtime) <= 60.0

    def release(until: float) -> None:
        while busy and busy[0] <= until:
            at = heapq.heappop(busy)
            if chance.random() < 0.03:
                heapq.heappush(breaks, at + 600.0)
                continue
            take(at)
        while breaks and breaks[0] <= until:
            take(heapq.heappop(breaks))

    def take(at: float) -> None:
        while waiting:
            caller = waiting.popleft()
            if caller.gives_up <= at:
                left.append(True)
                continue
            serve(caller, at)
            return

    for n in range(callers):
        swing = 0.8 + 0.4 * ((n // 200) % 2)
        rate = office.load * office.officers / office.handling * swing
        now += chance.expovariate(rate)
        release(now)
        for gone in [c for c in waiting if c.gives_up <= now]:
            waiting.remove(gone)
            left.append(True)
        serving = office.officers - len(breaks)
        free = serving - len(busy)
        handling = sum(done) / len(done) if len(done) >= 5 else None
        leaving = sum(left) / len(left) if left else 0.0
        band = (
            expected(Standing(len(waiting), max(0, free), serving, handling, leaving))
            if serving > 0
            else None
        )
        told.unknown += band is None
        caller = _Caller(now, now + chance.expovariate(1.0 / office.patience), band, holdtime)
        if free > 0 and not waiting:
            serve(caller, now)
        else:
            waiting.append(caller)
    return told


def report(callers: int = CALLERS) -> str:
    """Every queue's figures and how the aim came out."""
    rows, worst = [], 1.0
    for office in OFFICES:
        told = simulate(office, callers)
        worst = min(worst, told.share)
        often = ", ".join(f"{band} {n}" for band, n in told.said.most_common(4))
        rows.append(
            [office.name, str(told.judged), f"{told.share:.1%}",
             f"{told.asterisk / max(1, told.judged):.1%}", often]
        )  # fmt: skip
    heads = ["queue", "waited", "held", "Asterisk's ±1 min", "said most often (minutes)"]
    aim = f"Aim: {WANTED:.0%} in every queue, {worst:.1%} in the worst: {verdict(worst >= WANTED)}"
    return f"{table(heads, rows)}\n{aim}"


def main() -> None:
    """Prints the report."""
    print(report(int(sys.argv[1]) if len(sys.argv) > 1 else CALLERS))


if __name__ == "__main__":
    main()
