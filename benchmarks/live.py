"""Claim: the bridge costs at most 3 % of what the Asterisk it watches costs for the same calls.

`hotline run` on the lab's Asterisk, with the AMI user and filter that the installer lays down,
under a load of mixed calls. Both processes' CPU (user and system, all threads) is read from /proc
over the same span: from before the first call until the last record is on disk.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bridge import write_config
from benchmarks.load import Load, Placed
from benchmarks.table import table, verdict
from ivr.lab.address import AMI_PORT

SHARE = 0.03
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Shares:
    """CPU seconds of both over one span, and what was carried in it."""

    placed: Placed
    recorded: int
    asterisk: float
    bridge: float
    bridge_rss: int
    idle_bridge: float
    """CPU seconds the bridge takes in a second of an idle line."""
    mean_seconds: float = 0.0
    """How long a call lasted: Asterisk's cost grows with its audio, the bridge's does not."""

    @property
    def share(self) -> float:
        return self.bridge / self.asterisk


def process_cpu(pid: int) -> float:
    """CPU seconds of a process, user and system, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def memory(pid: int) -> int:
    """Bytes a process has in use now."""
    pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def measure(load: Load, place: Path, *, seconds: float, rate: float) -> Shares:
    """Runs the bridge beside the load."""
    await asyncio.to_thread(place.mkdir, parents=True, exist_ok=True)
    lab = load.lab
    assert lab.process is not None
    config = write_config(
        place, host=lab.server, port=AMI_PORT, secret=lab.ami_secret, node=f"lab{lab.number}"
    )
    database = place / "hotline.db"
    hotline = Path(sys.executable).with_name("hotline")
    log = place / "log"
    with log.open("wb") as output:
        bridge = await asyncio.create_subprocess_exec(
            str(hotline), "run", "--config", str(config), stdout=output, stderr=output
        )
    try:
        await _ready(bridge, log)
        idle_began = process_cpu(bridge.pid)
        await asyncio.sleep(5)
        idle = (process_cpu(bridge.pid) - idle_began) / 5
        before = process_cpu(lab.process.pid), process_cpu(bridge.pid)
        placed = await load.run(seconds=seconds, rate=rate)
        await _all_closed(database)
        after = process_cpu(lab.process.pid), process_cpu(bridge.pid)
        used = memory(bridge.pid)
    finally:
        if bridge.returncode is None:
            bridge.send_signal(signal.SIGTERM)
            await asyncio.wait_for(bridge.wait(), 30)
    return Shares(
        placed, _count(database, "SELECT count(*) FROM calls"), after[0] - before[0],
        after[1] - before[1], used, idle,
        _count(database, "SELECT avg(ended_us - entered_us) FROM calls") / 1e6,
    )  # fmt: skip


async def _ready(bridge: asyncio.subprocess.Process, log: Path) -> None:
    """Waits until the bridge says it is fit."""
    end = asyncio.get_running_loop().time() + 60
    while asyncio.get_running_loop().time() < end and bridge.returncode is None:
        if await asyncio.to_thread(_said_fit, log):
            return
        await asyncio.sleep(0.1)
    raise RuntimeError(f"the bridge is not ready\n{await asyncio.to_thread(log.read_text)}")


def _said_fit(log: Path) -> bool:
    """Whether the bridge has logged where its pages are, and they say it is fit."""
    found = re.search(r"http://[\d.]+:\d+", log.read_text("utf-8", "replace"))
    return found is not None and _fit(f"{found[0]}/readyz")


def _fit(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


async def _all_closed(database: Path) -> None:
    end = asyncio.get_running_loop().time() + 20
    while _count(database, "SELECT count(*) FROM calls WHERE NOT closed"):
        if asyncio.get_running_loop().time() > end:
            raise RuntimeError("records stayed open after the last call")
        await asyncio.sleep(0.2)


def _count(database: Path, query: str) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return int(connection.execute(query).fetchone()[0])


def report(shares: Shares) -> str:
    calls = shares.placed.calls
    rows = [
        ["Asterisk", f"{shares.asterisk:.2f}", f"{shares.asterisk / calls * 1e3:.2f}", "100 %"],
        [
            "bridge",
            f"{shares.bridge:.2f}",
            f"{shares.bridge / calls * 1e3:.2f}",
            f"{shares.share:.2%}",
        ],
    ]
    return "\n".join(
        [
            f"{calls} calls placed in {shares.placed.seconds:.0f} s, on average"
            f" {shares.mean_seconds:.1f} s long, audio both ways; {shares.placed.transfers} handed"
            f" to an agency; {shares.recorded} recorded and closed",
            f"the bridge's memory {shares.bridge_rss / 1e6:.0f} MB, its CPU on an idle line"
            f" {shares.idle_bridge:.2%} of a core",
            table(["process", "CPU s", "CPU ms/call", "share"], rows),
            f"aim: at most {SHARE:.0%} of Asterisk's: {verdict(shares.share <= SHARE)}",
        ]
    )
