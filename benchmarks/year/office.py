"""The office of the generated year: its node, services, agencies, and who is who."""

from __future__ import annotations

import csv
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Final

from ivr.calls.directory import Agency, Directory
from ivr.lab.site import QUEUE_NUMBERS, QUEUES

NODE: Final = "pbx1"
NUMBERS: Final = ("1203", "021203", "+6621203")

_AGENCIES: Final = Path(__file__).parents[2] / "dialplan" / "agencies.csv"
_WEIGHTS: Final = {"dit": 40, "dbd": 18, "dip": 8, "dft": 8, "ditp": 6, "dtn": 2, "central": 5}
_PROVINCES: Final = 25.0
"""Weight of all provincial offices together; the departments' are above."""


@dataclass(frozen=True, slots=True)
class Target:
    """An agency that officers hand callers to."""

    agency: str
    number: str


@cache
def _rows() -> tuple[dict[str, str], ...]:
    with _AGENCIES.open(encoding="utf-8", newline="") as lines:
        return tuple(csv.DictReader(lines))


@cache
def directory() -> Directory:
    """The configuration under which the year's calls are read and timed."""
    return Directory(
        numbers=NUMBERS,
        services={queue: queue for queue in QUEUES},
        agent_patterns=("PJSIP/1[0-9][0-9][0-9]",),
        agencies=tuple(
            Agency(row["id"], row["name_th"], row["name_en"], (row["number"],)) for row in _rows()
        ),
    )


class Targets:
    """The agencies by how often they are asked: departments more often than provincial offices."""

    def __init__(self) -> None:
        rows = _rows()
        provinces = sum(row["kind"] == "province" for row in rows)
        self._all = [Target(row["id"], row["number"]) for row in rows]
        weights = [_WEIGHTS.get(row["id"], _PROVINCES / provinces) for row in rows]
        self._sums = list(accumulate(weights))

    def draw(self, random: Callable[[], float]) -> Target:
        """The agency in charge of the next matter."""
        return self._all[bisect(self._sums, random() * self._sums[-1])]


def queue_number(queue: str) -> str:
    """What an officer dials to hand a caller into this queue."""
    return QUEUE_NUMBERS[queue]
