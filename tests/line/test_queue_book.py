"""Queue figures of a real load against Asterisk's own queue_log, worked out by another way.

Sixty mixed calls in `make test`, five hundred with HOTLINE_SOAK=1. The book is read here with
nothing of the product: every caller's way through the queues, line by line. Its times are whole
seconds, so that spans are held to one; everything that is counted is equal to the call.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.load import loaded_lab
from crm_bridge.records.database import Database
from crm_bridge.records.schema import upgrade
from crm_bridge.reports.overview import overview
from tests.support.live import assert_sound, bridge, bridge_config, caught_up, on_disk

SOAK = os.environ.get("HOTLINE_SOAK") == "1"
CALLS, RATE = (500, 10) if SOAK else (60, 6)
ENDS = {
    "CONNECT": "answered",
    "ABANDON": "abandoned",
    "EXITWITHTIMEOUT": "timeout",
    "EXITEMPTY": "timeout",
    "EXITWITHKEY": "left",
}

pytestmark = [pytest.mark.line, pytest.mark.timeout(400)]


@dataclass
class Passage:
    """One way of a caller through a queue, as the book has it; seconds since the epoch."""

    queue: str
    joined: int
    left: int = 0
    outcome: str = ""


def read_book(path: Path) -> dict[str, list[Passage]]:
    """The book's passages by caller."""
    found: dict[str, list[Passage]] = {}
    for line in path.read_text("utf-8").splitlines():
        at, caller, queue, _, event, *_ = line.split("|")
        if event == "ENTERQUEUE":
            found.setdefault(caller, []).append(Passage(queue, int(at)))
        elif event in ENDS:
            last = found[caller][-1]
            assert (last.queue, last.outcome) == (queue, "")
            last.left, last.outcome = int(at), ENDS[event]
    return found


async def test_figures_of_the_queues_are_those_of_queue_log(tmp_path, lab_root):
    file = tmp_path / "hotline.db"
    url = f"sqlite:///{file}"
    await upgrade(url)
    async with loaded_lab(tmp_path / "lab") as load:
        config = bridge_config(file, load.lab)
        async with bridge(config) as app:
            placed = await load.run(seconds=CALLS / RATE, rate=RATE)
            await caught_up(app)
        assert_sound(app)
        book = read_book(load.lab.queue_log)
    assert placed.calls == pytest.approx(CALLS, abs=4)
    records = await on_disk(url)
    assert len(records) == placed.calls

    # each passage of each caller: the same queue, the same end, the same seconds
    ours = {
        record["linkedids"][0]: [(p["queue"], p["outcome"]) for p in record["queue_passages"]]
        for record in records
        if record["queue_passages"]
    }
    assert ours == {caller: [(p.queue, p.outcome) for p in ps] for caller, ps in book.items()}

    database = Database(url)
    try:
        figures = {
            q.queue: q.figures for q in (await overview(database, config, None, None)).queues
        }
    finally:
        await database.close()
    passages = [p for some in book.values() for p in some]
    assert {p.queue for p in passages} == set(figures)
    for queue, ours_ in figures.items():
        theirs = [p for p in passages if p.queue == queue]
        ends = Counter(p.outcome for p in theirs)
        assert ours_.passages == len(theirs)
        assert ours_.answered == ends["answered"]
        assert ours_.abandoned + ours_.short == ends["abandoned"]
        assert ours_.flowed_out == ends["timeout"] + ends["left"]
        assert ours_.unknown == 0
        assert ours_.offered == len(theirs) - ours_.short
        short = [p.left - p.joined for p in theirs if p.outcome == "abandoned"]
        limit = config.line.short_wait_seconds
        assert (
            sum(s < limit - 1 for s in short) <= ours_.short <= sum(s <= limit + 1 for s in short)
        )
        waits = [p.left - p.joined for p in theirs if p.outcome == "answered"]
        within = 20
        surely, perhaps = sum(w <= within - 1 for w in waits), sum(w <= within + 1 for w in waits)
        kept = round((ours_.service_level or 0.0) * ours_.service_level_of)
        assert surely <= kept <= perhaps
        assert ours_.service_level_of == ends["answered"] + ours_.abandoned
        if waits:
            assert ours_.asa is not None
            assert abs(ours_.asa / 1e6 - sum(waits) / len(waits)) <= 1
