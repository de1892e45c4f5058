"""What a year has beside its calls: cases, officers' records and their time, as figures alone.

The cases themselves are not made: only what they would have added to the figures, in the numbers
and with the scatter of a hotline of that size, so that the pages of them have as much to read.
Counting anew would take these figures away again.
`python -m benchmarks.year.beside PATH` adds them to a year that was filled without.
"""

from __future__ import annotations

import argparse
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.year.fill import OwnFigures
from benchmarks.year.office import Targets
from crm_bridge.figures.forms import AGENT_TIMES, CASES, SUBJECTS
from crm_bridge.figures.histogram import bucket
from crm_bridge.figures.tallies import Tallies, Tally

COMPLAINTS: Final = 0.01
"""Cases of a call."""
_RECORDED: Final = 0.8
"""Officers' records of a served call."""
_PROVINCES: Final = 77
_SUBJECTS: Final = 40
_OUTCOMES: Final = (("answered", 0.8), ("referred", 0.12), ("followed_up", 0.06), ("other", 0.02))
_STATES: Final = (("closed", 0.86), ("settled", 0.04), ("assigned", 0.08), ("recorded", 0.02))
_DONE: Final = ("closed", "settled")
_PAUSES: Final = ("lunch", "break", "meeting")
_HOUR: Final = 3_600_000_000
_DAY: Final = 24 * _HOUR


def add(path: Path, *, seed: int = 1203) -> None:
    """Adds them to a filled SQLite database; ValueError where it has figures of cases already."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if connection.execute("SELECT 1 FROM figures_cases LIMIT 1").fetchone() is not None:
            raise ValueError("the year has cases already")
        figures = OwnFigures(connection)
        made = _Beside(Random(f"beside/{seed}"))
        days = connection.execute(
            "SELECT from_us, sum(calls) FROM figures_calls WHERE level = 'day' "
            "AND direction = 'inbound' GROUP BY from_us"
        ).fetchall()
        officers: defaultdict[int, list[str]] = defaultdict(list)
        for day, agent in connection.execute(
            "SELECT DISTINCT from_us, agent FROM figures_agents WHERE level = 'day'"
        ):
            officers[day].append(agent)
        for day, calls in days:
            figures.add(made.day(day, calls, officers[day]))


class _Beside:
    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._targets = Targets()

    def day(self, day: int, calls: int, officers: list[str]) -> Tallies:
        found, rng = Tallies(), self._rng
        for _ in range(round(calls * COMPLAINTS)):
            self._case(found, day)
        for service, share in (("information", 0.75), ("complaint", 0.15), ("appointment", 0.1)):
            for subject in range(_SUBJECTS):
                for outcome, often in _OUTCOMES:
                    # a few subjects are most of what is asked about
                    wanted = calls * _RECORDED * share * often * 0.3 / (1 + subject)
                    count = int(wanted + rng.random())
                    if count:
                        row = found.at(SUBJECTS, (day, service, f"s{subject:02}", outcome))
                        row.counts[0] += count
        for agent in officers:
            for state, reason, hours in (
                ("ready", "", 5.5), ("wrapup", "", 0.8), *(("paused", why, 0.4) for why in _PAUSES),
            ):  # fmt: skip
                row = found.at(AGENT_TIMES, (day, agent, state, reason))
                row.counts[0] += round(hours * rng.uniform(0.7, 1.3) * _HOUR)
        return found

    def _case(self, found: Tallies, day: int) -> None:
        rng = self._rng
        (state,) = rng.choices(*zip(*_STATES, strict=True))
        agency = self._targets.draw(rng.random).agency if rng.random() < 0.9 else ""
        kind = "complaint" if rng.random() < 0.85 else "advice"
        province = f"{10 + int(_PROVINCES * rng.random() ** 2)}"
        key = (day, kind, agency, province, f"s{int(_SUBJECTS * rng.random() ** 2):02}", state)
        tally = Tally.of(CASES)
        tally.counts[0] = 1
        tally.counts[5] = int(rng.random() < 0.03)
        if state in _DONE:
            took = int(rng.lognormvariate(1.6, 0.8) * _DAY)
            within = took <= 15 * _DAY
            tally.counts[1:5] = [1, int(within), int(not within), int(not agency)]
            tally.spans[0] = {bucket(took): 1}
        found.at(CASES, key).add(tally)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.year.beside", description=__doc__)
    parser.add_argument("path", type=Path, help="a SQLite file made by `python -m benchmarks.year`")
    add(parser.parse_args().path)


if __name__ == "__main__":
    main()
