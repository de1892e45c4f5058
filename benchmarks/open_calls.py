"""Claim: an event costs the same whatever number of calls is in progress, and memory stays small.

N calls are opened and stay in conversation; then further calls, ten at a time, come and go among
them. What those cost is measured, whole pipeline to committed rows; the N differ, the further
calls are the same for all. The calls are copies of a captured one (`benchmarks/calls.py`).
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bridge import Bridge, Cost
from benchmarks.calls import Template
from benchmarks.framing import KEEP
from benchmarks.table import middle, table, verdict
from ivr.ami.framing import Framer

FLAT = 0.10
MEMORY = 150e6
_AT_ONCE = 50  # calls opened together: on a real line they do not come all at once either


@dataclass(slots=True)
class Level:
    """What was measured with so many calls in progress."""

    open_calls: int
    rss_at_start: int
    rss: int = 0
    """When they were open, before the further calls came in one go."""
    rss_after: int = 0
    costs: list[Cost] = field(default_factory=list)
    events: int = 0
    """Events of Asterisk in one run."""

    @property
    def micros(self) -> list[float]:
        return [cost.cpu / self.events * 1e6 for cost in self.costs]


def measure(
    place: Path, levels: tuple[int, ...], *, further: int, rounds: int, warm_up: int = 1
) -> list[Level]:
    """One bridge a level, all alive; the further calls go to each in turn, `rounds` times."""
    template = Template()
    bridges: list[tuple[Level, Bridge]] = []
    try:
        for count in levels:
            bridge = Bridge(place / str(count))
            level = Level(count, bridge.rss_at_start)
            bridges.append((level, bridge))
            for start in range(0, count, _AT_ONCE):
                cost = _open(bridge, template, start, min(_AT_ONCE, count - start))
                level.rss = cost.rss
        first = 2 * max(levels)
        for turn in range(rounds + warm_up):
            feed = list(template.side_by_side(first + turn * further, further))
            size = sum(map(len, feed))
            at = turn % len(bridges)  # who comes first has the colder or the warmer machine
            for level, bridge in bridges[at:] + bridges[:at]:
                cost = bridge.work(feed, size)
                if cost.open_calls != level.open_calls:
                    raise RuntimeError(f"{cost.open_calls} calls open, not {level.open_calls}")
                level.rss_after = max(level.rss_after, cost.rss)
                level.events = further * len(template)
                if turn >= warm_up:
                    level.costs.append(cost)
    finally:
        for _, bridge in bridges:
            bridge.close()
    return [level for level, _ in bridges]


def _open(bridge: Bridge, template: Template, first: int, count: int) -> Cost:
    """Opens calls that stay; only the needed events of them are sent, for the sake of time."""
    framer = Framer(KEEP)
    blobs = []
    for number in range(first, first + count):
        whole = b"".join(template.call(number, 0, template.talking))
        blobs.append(b"".join([message + b"\r\n\r\n" for message in framer.feed(whole)]))
    return bridge.work(blobs, sum(map(len, blobs)))


def ratio(level: Level, first: Level) -> list[float]:
    """What an event costs at this level against the first, round by round."""
    return [a / b for a, b in zip(level.micros, first.micros, strict=True)]


def growth(levels: list[Level]) -> float:
    """How much dearer than the first the dearest level is, of medians of the rounds' ratios."""
    return max(statistics.median(ratio(level, levels[0])) - 1 for level in levels)


def report(levels: list[Level]) -> str:
    rows = [
        [
            f"{level.open_calls:,}",
            middle(level.micros),
            middle(ratio(level, levels[0])),
            f"{level.rss / 1e6:.0f}",
            f"{level.rss_after / 1e6:.0f}",
            f"{(level.rss - level.rss_at_start) / 1e6:.0f}",
            f"{(level.rss - level.rss_at_start) / level.open_calls / 1e3:.1f}"
            if level.open_calls >= 1000
            else "",
        ]
        for level in levels
    ]
    head = ["calls open", "CPU µs/event", "ratio", "RSS MB", "after", "grown MB", "KB/call"]
    dearer, top = growth(levels), levels[-1]
    return "\n".join(
        [
            table(head, rows),
            f"aim: flat within {FLAT:.0%}: at most {dearer:.1%} dearer than with"
            f" {levels[0].open_calls}, {verdict(dearer <= FLAT)};"
            f" at most {MEMORY / 1e6:.0f} MB with {top.open_calls:,} calls:"
            f" {top.rss / 1e6:.0f} MB, {verdict(top.rss <= MEMORY)}",
        ]
    )
