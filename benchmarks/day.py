"""A day of a busy hotline, replayed at speed: memory and file handles stay as they are.

    python -m benchmarks.day [--calls 20000]

Copies of captured calls of many kinds, as many by the hour as a hotline has, each some minutes
long and up to a hundred at once, are written as one capture and go through what `hotline replay`
goes through, into SQLite, in this one process. Every so many calls it is looked at what the process
holds. The table is printed, and what a call takes in the database.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import heapq
import os
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.calls import SERVED, Template
from crm_bridge.commands.replay import Player, settle
from crm_bridge.config import Config, DatabaseSection, load_config
from crm_bridge.records import schema
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import Database
from crm_bridge.records.writer import Writer
from ivr.ami.capture import CaptureWriter

KINDS = {
    "answered_served": 40, "hold": 8, "abandoned_menu": 10, "abandoned_queue": 8,
    "abandoned_ringing": 5, "short_call": 5, "no_key": 4, "agent_rejects": 3, "ring_no_answer": 3,
    "blind_refer": 6, "attended_refer": 3, "consult_return": 3, "transfer_busy": 2,
}  # fmt: skip
"""Captured calls, and how many of a hundred are copies of each."""
_BY_HOUR = (1, 1, 1, 1, 1, 1, 2, 4, 9, 12, 12, 10, 7, 9, 10, 9, 7, 4, 3, 2, 2, 2, 1, 1)
"""How many of the day's calls come in each hour."""
_STRETCH = 40
"""So many times as long as the scripted call, which lasts seconds."""
_TOGETHER = 200
"""Messages of one chunk of the capture."""
_STAMP = re.compile(rb"\r\nTimestamp: (\d+)\.(\d{6})")
SAMPLES = 40


@dataclass(frozen=True, slots=True)
class Held:
    """What the process held after so many calls."""

    calls: int
    kilobytes: int
    """Resident: what Python, SQLite and malloc hold, with what waits for the disk."""
    blocks: int
    """Pieces of memory that Python has in use: what is left behind shows here first."""
    files: int
    tasks: int
    open_calls: int
    seconds: float


def day(calls: int, rng: Random) -> Iterator[tuple[int, bytes]]:
    """Every message of the day in order, with its time (µs since the epoch)."""
    scenarios = SERVED.parent
    templates = {kind: Template(scenarios / f"{kind}.capture") for kind in KINDS}
    first = templates["answered_served"].first
    midnight = first - first % 86_400_000_000
    starts = sorted(
        midnight + (hour * 3600 + rng.uniform(0, 3600)) * 1e6
        for hour in rng.choices(range(24), _BY_HOUR, k=calls)
    )
    waiting: list[tuple[int, int, int, bytes]] = []
    for number, start in enumerate(starts):
        while waiting and waiting[0][0] <= start:
            at, _, _, message = heapq.heappop(waiting)
            yield at, message
        template = templates[rng.choices(list(KINDS), list(KINDS.values()))[0]]
        shift = int(start) - template.first
        at = int(start)
        for n, message in enumerate(template.call(number, shift=shift, stretch=_STRETCH)):
            stamp = _STAMP.search(message)
            at = max(at, int(stamp[1] + stamp[2])) if stamp else at
            heapq.heappush(waiting, (at, number, n, message))
    while waiting:
        at, _, _, message = heapq.heappop(waiting)
        yield at, message


def write_day(path: Path, calls: int, rng: Random) -> None:
    """The day as one capture."""
    writer: CaptureWriter | None = None
    started, at, chunk = 0.0, 0.0, []
    for micros, message in day(calls, rng):
        at = micros / 1e6
        if writer is None:
            started = at
            writer = CaptureWriter(
                path, node="day", asterisk="copies", started_at=started, compress=True
            )
            writer.chunk(0.0, _HELLO)
        chunk.append(message)
        if len(chunk) == _TOGETHER:
            writer.chunk(at - started, b"".join(chunk))
            chunk.clear()
    assert writer is not None
    writer.chunk(at - started, b"".join(chunk))
    writer.close()


_HELLO = (
    b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\nMessage: Authentication accepted\r\n\r\n"
)


def holding(player: Player, began: float) -> Held:
    """What this process holds now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    lives = sum(len(pipeline.tracker.lives) for pipeline, _ in player._nodes.values())
    return Held(
        player.calls,
        pages * os.sysconf("SC_PAGE_SIZE") // 1024,
        sys.getallocatedblocks(),
        len(list(Path("/proc/self/fd").iterdir())),
        len(asyncio.all_tasks()),
        lives,
        time.monotonic() - began,
    )


async def replayed(capture: Path, config: Config, calls: int) -> list[Held]:
    """Replays the day as `hotline replay` does; what was held every so many calls."""
    database = Database(config.database.url)
    held: list[Held] = []
    try:
        await schema.upgrade(database)
        loop = CommitLoop(Writer(database), Policy(linger=0.0))
        committing = asyncio.create_task(loop.run())
        player = Player(config, loop)
        began = time.monotonic()
        every = max(1, calls // SAMPLES)

        def moved(_: int) -> None:
            if player.calls >= (held[-1].calls if held else 0) + every:
                held.append(holding(player, began))

        await player.play(capture, False, moved)
        player.close()
        loop.stop()
        await settle(loop, committing)
        held.append(holding(player, began))
        assert loop.counters.refused == 0
    finally:
        await database.close()
    return held


def growth(held: list[Held]) -> tuple[float, float]:
    """How much more the last quarter of the day held than the second: resident, and blocks."""
    quarter = len(held) // 4
    second, last = held[quarter : 2 * quarter], held[-1 - quarter : -1]
    resident = sum(one.kilobytes for one in last) / sum(one.kilobytes for one in second)
    blocks = sum(one.blocks for one in last) / sum(one.blocks for one in second)
    return resident - 1, blocks - 1


def sizes(file: Path) -> dict[str, float]:
    """Bytes a call of each table and its indexes takes, and of the file."""
    with sqlite3.connect(file) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (calls,) = raw.execute("SELECT count(*) FROM calls").fetchone()
        names = dict(raw.execute("SELECT name, tbl_name FROM sqlite_master").fetchall())
        found: dict[str, float] = {}
        try:
            pages = raw.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall()
        except sqlite3.OperationalError:  # built without dbstat
            pages = []
        for name, size in pages:
            table = names.get(name, name)
            found[table] = found.get(table, 0) + size / calls
    found["the file"] = file.stat().st_size / calls
    return found


def report(held: list[Held], file: Path) -> str:
    """The tables as text."""
    lines = ["calls    MB resident   blocks  files  tasks  open calls  seconds"]
    lines += [
        f"{one.calls:6}  {one.kilobytes / 1024:11.1f}  {one.blocks:7}  {one.files:5}  "
        f"{one.tasks:5}  {one.open_calls:10}  {one.seconds:7.1f}"
        for one in [*held[::4], *held[-1:]]
    ]
    resident, blocks = growth(held)
    lines.append(
        f"the last quarter against the second: {resident:+.1%} resident, {blocks:+.1%} blocks"
    )
    found = sizes(file)
    whole = found.pop("the file")
    lines.append(f"{whole:,.0f} bytes a call in the database")
    for table, size in sorted(found.items(), key=lambda one: -one[1])[:12]:
        lines.append(f"{size:8,.0f}  {table}")
    return "\n".join(lines)


async def measure(place: Path, calls: int) -> tuple[list[Held], Path]:
    """The whole: a day of so many calls written, replayed into a fresh database."""
    capture, file = place / "day.capture", place / "day.db"
    write_day(capture, calls, Random(1203))
    config = load_config(SERVED.parent / "ours.toml").model_copy(
        update={"database": DatabaseSection(url=f"sqlite:///{file}")}
    )
    return await replayed(capture, config, calls), file


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--calls", type=int, default=20_000)
    with tempfile.TemporaryDirectory(prefix="hotline-day-") as directory:
        print(report(*asyncio.run(measure(Path(directory), options.parse_args().calls))))
