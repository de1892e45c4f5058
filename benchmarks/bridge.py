"""The bridge itself as a process of its own, fed over a socket and asked what it cost.

The child builds `crm_bridge.app.App` from a configuration file, as `hotline run` does (without the
pages), on SQLite on disk, journal and all. It is asked over its standard input: `N` means that N
bytes will now be sent; it answers `go`, and then, once all of them are worked in and the last
commit is on disk, with what that cost.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.feeder import Feeder
from crm_bridge.records import schema

_CONFIG = """
[database]
url = "sqlite:///{database}"
[[node]]
name = "{node}"
ami_host = "{host}"
ami_port = {port}
ami_username = "hotline"
ami_secret = "{secret}"
[line]
numbers = ["1203", "021203", "+6621203"]
entry_contexts = ["from-trunk"]
[queue.information]
service = "information"
[queue.complaint]
service = "complaint"
[queue.appointment]
service = "appointment"
[queue.market_information]
service = "market_information"
[agents]
interfaces = ["PJSIP/1[0-9][0-9][0-9]"]
[agency.dit]
name_th = "กรมการค้าภายใน"
name_en = "Department of Internal Trade"
numbers = ["2001"]
interfaces = ["PJSIP/2001"]
[web]
port = 0
"""


def write_config(
    place: Path, *, port: int, host: str = "127.0.0.1", secret: str = "s", node: str = "bench"
) -> Path:
    """A `hotline.toml` in `place`, its database beside it."""
    path = place / "hotline.toml"
    database = place / "hotline.db"
    text = _CONFIG.format(database=database, host=host, port=port, secret=secret, node=node)
    path.write_text(text, "utf-8")
    return path


@dataclass(frozen=True, slots=True)
class Cost:
    """What a stretch of the feed cost: seconds, bytes in use after it; counts since the start."""

    cpu: float
    wall: float
    rss: int
    needed: int
    calls: int
    open_calls: int
    commits: int
    rows: int
    failed: int


class Bridge:
    """The child, from its start to `close`; `work` feeds it."""

    def __init__(self, place: Path) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.feeder = Feeder()
        config = write_config(place, port=self.feeder.port)
        # As on every start but the very first, the tables stand: the bridge needs no Alembic.
        asyncio.run(schema.upgrade(f"sqlite:///{place / 'hotline.db'}"))
        self._child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.bridge", str(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.feeder.accept()
        self.rss_at_start = int(self._ask(0)["rss"])

    def work(self, pieces: Iterable[bytes], size: int) -> Cost:
        """Feeds the pieces, `size` bytes in all; returns when their records are on disk."""
        self._say(str(size))
        if self._hear() != "go":
            raise RuntimeError("the bridge is not ready")
        for piece in pieces:
            self.feeder.send(piece)
        return Cost(**json.loads(self._hear()))

    def close(self) -> None:
        """Stops the bridge and waits for its end."""
        try:
            self._say("stop")
            self._child.wait(60)
        finally:
            self.feeder.close()
            self._child.kill()
            self._child.communicate()

    def _ask(self, size: int) -> dict[str, float]:
        self._say(str(size))
        self._hear()
        told: dict[str, float] = json.loads(self._hear())
        return told

    def _say(self, text: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(text + "\n")
        self._child.stdin.flush()

    def _hear(self) -> str:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"the bridge has ended ({self._child.poll()})")
        return line.strip()


def rss() -> int:
    """Bytes of memory this process has in use now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def cpu() -> float:
    """CPU seconds of this process and all its threads, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def serve(config_path: Path) -> None:
    """The child: runs the bridge and answers its parent until it says `stop`."""
    from crm_bridge.building import build
    from crm_bridge.commands import logs
    from crm_bridge.config import load_config

    logs.set_up(level=logs.LogLevel.WARNING)
    config = load_config(config_path)
    app = await build(config)
    running = asyncio.create_task(app.run())
    (node,) = app.nodes
    framer = node.link.feed.framer
    while node.link.state.value != "up":  # noqa: ASYNC110  # it has no event to wait on
        await asyncio.sleep(0.01)
    loop = asyncio.get_running_loop()
    while (line := (await loop.run_in_executor(None, sys.stdin.readline)).strip()) != "stop":
        until = framer.bytes_fed + int(line)
        began, began_cpu = time.monotonic(), cpu()
        print("go", flush=True)
        while framer.bytes_fed < until or len(node.intake):  # noqa: ASYNC110  # likewise
            await asyncio.sleep(0.01)
        ticket = node.pipeline.flush(everything=True)
        if ticket is not None:
            await app.loop.saved(ticket)
        while app.loop.pending_bytes:  # noqa: ASYNC110  # likewise
            await asyncio.sleep(0.005)
        used, wall = cpu() - began_cpu, time.monotonic() - began
        counters, tally = app.loop.counters, node.pipeline.tally
        cost = {
            "cpu": used,
            "wall": wall,
            "rss": rss(),
            "needed": tally.events,
            "calls": tally.calls,
            "open_calls": len(node.pipeline.tracker.lives),
            "commits": counters.commits,
            "rows": counters.rows,
            "failed": tally.failed,
        }
        print(json.dumps(cost), flush=True)
    app.stop()
    await running
    await app.database.close()


if __name__ == "__main__":
    profile = os.environ.get("HOTLINE_BENCH_PROFILE")
    if profile:
        import cProfile

        profiler = cProfile.Profile()
        profiler.runcall(asyncio.run, serve(Path(sys.argv[1])))
        profiler.dump_stats(profile)
    else:
        asyncio.run(serve(Path(sys.argv[1])))
