"""Every claim about speed in one run: `make bench`, or `python -m benchmarks [--quick]`.

A long capture is recorded first, unfiltered, from the lab's Asterisk under a load of mixed calls.
All readers of it are compared on the same bytes, in turns. Figures are medians, the least and the
greatest beside them; those of this machine count only against each other.

What a caller's keys cost him until a queue and until a person is the last table; by itself, also of
a site's own menus: `python -m benchmarks.ivr_paths [MENU.toml]`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import (
    delivery,
    door,
    framing,
    ivr_paths,
    live,
    open_calls,
    pop,
    status_line,
    wait_told,
    wallboard,
)
from benchmarks.load import Load, loaded_lab


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    record_seconds: float
    live_seconds: float
    rate: float
    rounds: int
    levels: tuple[int, ...]
    further: int
    pop_seconds: float
    crm_calls: int
    """For how many calls a CRM is stopped; a fifth of a second each."""
    spoken: float | None = None
    """Seconds that a prompt of the menus takes; None: as long as its text."""


FULL = Size(35, 45, 10, 5, (10, 100, 1_000, 10_000), 300, 60, 1_000)
QUICK = Size(6, 8, 8, 2, (10, 100, 1_000), 60, 8, 60, 0.3)


async def on_the_lab(size: Size, place: Path, *, measure_live: bool) -> Path:
    """Records the long capture, measures the live line, and prints both; returns the capture."""
    capture = place / "long.capture"
    async with loaded_lab(place / "lab") as load:
        await _record(load, capture, size)
        if measure_live:
            shares = await live.measure(
                load, place / "live", seconds=size.live_seconds, rate=size.rate
            )
            print(f"\n3. The bridge beside a live Asterisk ({load.lab.root.version})")
            print(live.report(shares), flush=True)
    return capture


async def _record(load: Load, capture: Path, size: Size) -> None:
    from ivr.lab.record import Recorder

    recorder = Recorder(load.lab, capture, load.lab.server)
    await recorder.open()
    try:
        placed = await load.run(seconds=size.record_seconds, rate=size.rate)
    finally:
        await recorder.close()
    print(
        f"recorded from {load.lab.root.version}: {placed.calls} mixed calls in"
        f" {placed.seconds:.0f} s, {placed.transfers} handed on to an agency;"
        " all events, one snapshot",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small and rough, in a few minutes")
    parser.add_argument("--capture", type=Path, help="compare on this one; the lab is left out")
    parser.add_argument("--keep", type=Path, help="where to keep the recorded capture")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    began = time.monotonic()
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores,"
        f" load {os.getloadavg()[0]:.1f} at the start"
    )
    with tempfile.TemporaryDirectory(prefix="hotline-bench-", dir="/var/tmp") as directory:
        place = Path(directory)
        capture = options.capture
        if capture is None:
            capture = asyncio.run(on_the_lab(size, place, measure_live=True))
        if options.keep:
            options.keep.write_bytes(capture.read_bytes())
        stream = framing.stream_of(capture)
        print("\n1. The same full capture through a loopback socket", flush=True)
        readings = framing.run(stream, place / "readers", rounds=size.rounds)
        print(framing.report(readings, stream), flush=True)
        print("\n2. Calls in progress, whole pipeline to committed rows", flush=True)
        levels = open_calls.measure(
            place / "open", size.levels, further=size.further, rounds=2 * size.rounds - 2
        )
        print(open_calls.report(levels), flush=True)
        print("\n4. From a ringing telephone to the painted screen", flush=True)
        print(pop.report(asyncio.run(pop.run(place / "pop", seconds=size.pop_seconds))), flush=True)
        print("\n5. A CRM stopped and caught up with", flush=True)
        caught_up = delivery.run(
            place / "crm", calls=size.crm_calls, seconds=size.pop_seconds / 2, most_seconds=600
        )
        print(asyncio.run(caught_up), flush=True)
        print("\n6. Fifty wallboards", flush=True)
        walls = wallboard.run(place / "wall", seconds=size.pop_seconds / 2)
        print(wallboard.report(asyncio.run(walls)), flush=True)
        print("\n7. A hundred callers ask for the status of a case at once", flush=True)
        (place / "status").mkdir()
        print(status_line.report(status_line.run(place / "status", rounds=10)), flush=True)
        print("\n8. A hundred callers come to the queues at once", flush=True)
        print(door.report(door.run(door.house(), 20)), flush=True)
        print("\n9. Whether callers wait as they were told", flush=True)
        print(wait_told.report(), flush=True)
        if options.capture is None:
            print("\n10. Until a queue and until a person, by the caller's keys", flush=True)
            paths = ivr_paths.run(place / "paths", spoken=size.spoken)
            print(ivr_paths.report(asyncio.run(paths)), flush=True)
    print(f"\ndone in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
