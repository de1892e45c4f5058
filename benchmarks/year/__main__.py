"""`python -m benchmarks.year COUNT PATH`: a database of a seeded year, brought up and filled."""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

from benchmarks.year import beside
from benchmarks.year.fill import fill
from crm_bridge.records.schema import upgrade


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.year", description=__doc__)
    parser.add_argument("count", type=int, help="how many calls the year has")
    parser.add_argument("path", type=Path, help="the SQLite file to make; it must not exist yet")
    parser.add_argument("--seed", type=int, default=1203)
    parser.add_argument("--year", type=int, default=2026)
    options = parser.parse_args()
    if options.path.exists():
        parser.error(f"{options.path} exists already")
    url = f"sqlite:///{options.path}"
    began = time.monotonic()
    asyncio.run(upgrade(url))
    fill(url, seed=options.seed, count=options.count, year=options.year)
    beside.add(options.path, seed=options.seed)
    seconds = time.monotonic() - began
    size = options.path.stat().st_size
    print(
        f"{options.count} calls of {options.year}, seed {options.seed}: {seconds:.1f} s,"
        f" {options.count / seconds:.0f} calls a second, {size / 1e6:.1f} MB,"
        f" {size / max(1, options.count):.0f} bytes a call"
    )


if __name__ == "__main__":
    main()
