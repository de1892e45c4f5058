"""A day of calls replayed at speed: memory, files and tasks stay as they are (HOTLINE_SOAK=1)."""

from __future__ import annotations

import os
import re
import sqlite3
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from benchmarks.day import KINDS, day, growth, measure, report

SOAK = os.environ.get("HOTLINE_SOAK") == "1"
CALLS = 20_000
FLAT = 0.05
"""Of what Python has in use: what two quarters of a day differ by, with as many calls open."""
ROOM = 0.15
"""Of what is resident: the numbers of the last 16,384 callers are remembered, and what waits for a
busy disk comes and goes.
"""


def test_a_day_is_calls_of_every_kind_in_order_of_time() -> None:
    told = list(day(120, Random(1)))
    times = [at for at, _ in told]
    assert times == sorted(times)
    assert 20 * 3600 < (times[-1] - times[0]) / 1e6 < 25 * 3600
    born = [message for _, message in told if message.startswith(b"Event: Newchannel")]
    names = Counter(re.search(rb"Uniqueid: (\S+)", message)[1] for message in born)  # type: ignore[index]
    assert set(names.values()) == {1}
    assert sum(b"PJSIP/trunk" in message for message in born) == 120
    assert sum(KINDS.values()) == 100


@pytest.mark.skipif(not SOAK, reason="twenty thousand calls: make soak")
@pytest.mark.timeout(3600)
async def test_a_day_of_calls_leaves_nothing_behind(tmp_path: Path) -> None:
    held, file = await measure(tmp_path, CALLS)
    print(f"\n{report(held, file)}")
    with sqlite3.connect(file) as raw:
        calls, still_open, gaps = raw.execute(
            "SELECT count(*), sum(ended_us IS NULL), (SELECT count(*) FROM gaps) FROM calls"
        ).fetchone()
    assert (calls, still_open, gaps) == (CALLS, 0, 0)
    assert held[-1].open_calls == 0
    quarter = len(held) // 4
    assert len({one.tasks for one in held[:-1]}) == 1
    assert max(one.files for one in held[quarter:]) <= max(one.files for one in held[:quarter])
    resident, blocks = growth(held)
    assert blocks < FLAT
    assert resident < ROOM
