"""Claim: a caller is on the officer's screen before the officer can look at it.

From Asterisk's own time of the event that rings the officer to the painted DOM in Chromium: at the
median 30 ms at most, 100 ms for 99 of 100; the server's own part (bytes in at the socket to bytes
out on the stream) 15 ms for 99 of 100. Idle: one call at a time. Busy: 200 agents' streams open and
50 calls a second, a Chromium page among them.

`hotline run` is a process of its own, fed over TCP with copies of a captured call whose times are
those of their sending. Painted is the second animation frame after the pop was put into the page.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import os
import re
import signal
import socket
import statistics
import sys
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.bridge import write_config
from benchmarks.calls import Template
from benchmarks.feeder import Feeder
from benchmarks.live import process_cpu
from benchmarks.table import table, verdict
from crm_bridge.access import accounts, sessions
from crm_bridge.access.roles import Role
from crm_bridge.clock import SystemClock
from crm_bridge.desk import sittings
from crm_bridge.desk.agent_states import Sitting, State
from crm_bridge.records.database import Database
from crm_bridge.records.schema import upgrade
from crm_bridge.web.policy import COOKIE

PAINTED_P50: Final = 30.0
PAINTED_P99: Final = 100.0
SERVER_P99: Final = 15.0
"""Aims in milliseconds."""

FIRST: Final = 1000
"""The extension of the agent whose page is a real one."""

_STAMP: Final = re.compile(rb"\r\nTimestamp: \d+\.\d{6}")
_RINGS: Final = b"Event: AgentCalled\r\n"
_LINKED: Final = re.compile(rb"\r\nLinkedid: ([^\r\n]+)")
_TOLD: Final = re.compile(rb'"id":"bench-([^"]+)","stage":"ringing"')

_WATCH: Final = """
window.pops = [];
const seen = new Set();
new MutationObserver(() => {
  for (const call of document.querySelectorAll('.call[data-stage="ringing"]')) {
    const id = call.dataset.call;
    if (seen.has(id)) continue;
    seen.add(id);
    requestAnimationFrame(() => requestAnimationFrame(() =>
      window.pops.push([id, performance.timeOrigin + performance.now()])));
  }
}).observe(document.getElementById("calls"), {subtree: true, childList: true, attributes: true});
"""


@dataclass(slots=True)
class Pops:
    """Milliseconds of every pop under one load, and what the server took."""

    agents: int
    rate: float
    painted: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    calls: int = 0
    missed: int = 0
    """Pops of the page's own agent that never were painted."""
    cpu: float = 0.0
    """CPU seconds of the bridge a second."""


class Line(Feeder):
    """Sends calls message by message at the moments they had, stamped with the time of sending."""

    def __init__(self) -> None:
        super().__init__()
        self.rang: dict[str, float] = {}
        """Call → epoch seconds of its ringing."""

    def accept(self, seconds: float = 60.0) -> None:
        super().accept(seconds)
        if self._connection is not None:
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def tell(self, message: bytes) -> None:
        """Sends one message as of now."""
        now = time.time()
        stamped = _STAMP.sub(b"\r\nTimestamp: %d.%06d" % divmod(int(now * 1e6), 1_000_000), message)
        if stamped.startswith(_RINGS) and (linked := _LINKED.search(stamped)):
            self.rang[linked[1].decode()] = now
        self.send(stamped)


def offsets(template: Template) -> list[float]:
    """Seconds of each message of the captured call after its first."""
    found = []
    for message in template.call(0):
        stamp = re.search(rb"\r\nTimestamp: (\d+\.\d{6})", message)
        found.append(float(stamp[1]) if stamp else found[-1])
    return [at - found[0] for at in found]


@asynccontextmanager
async def hotline(place: Path, ami_port: int, more: str = "") -> AsyncIterator[tuple[str, int]]:
    """`hotline run` on this feeder, with more in its hotline.toml: its address and its process."""
    path = write_config(place, port=ami_port)
    with path.open("a", encoding="utf-8") as file:  # nothing runs beside it yet
        file.write(more)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (place / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crm_bridge.cli", "run", "--config", str(path), "--log", "json",
            "--log-level", "warning", stderr=log,
            env={**os.environ, "HOTLINE_WEB__PORT": str(port)},
        )  # fmt: skip
    try:
        base = f"http://127.0.0.1:{port}"
        await asyncio.to_thread(_answers, base + "/healthz")
        yield base, process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 60)


def _answers(url: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


async def seat_agents(place: Path, count: int) -> list[str]:
    """Accounts that sit at extensions from `FIRST` on; the cookies of their sessions."""
    url = f"sqlite:///{place / 'hotline.db'}"
    await upgrade(url)
    database, clock, cookies = Database(url), SystemClock(), []
    async with database.writing() as connection:
        for n in range(count):
            account = await accounts.create(
                connection, clock, login=f"agent{n}", role=Role.AGENT, name_th=f"เจ้าหน้าที่ {n}",
                name_en=f"Agent {n}",
            )  # fmt: skip
            now = clock.now_us()
            # in no queue of Asterisk: the feeder keeps none, and pops do not depend on it
            await sittings.begin(
                connection,
                Sitting(uuid.uuid4().hex, account.id, str(FIRST + n), (), now, uuid.uuid4().hex,
                        State.READY, now),
            )  # fmt: skip
            _, token = await sessions.begin(connection, clock, account)
            cookies.append(token)
    await database.close()
    return cookies


async def read_stream(base: str, cookie: str, told: dict[str, float]) -> None:
    """One agent's stream without a browser: notes when each ringing call came out."""
    host, _, port = base.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 20)
    try:
        ask = f"GET /api/v1/desk/stream HTTP/1.1\r\nHost: {host}\r\nCookie: {COOKIE}={cookie}"
        writer.write(ask.encode() + b"\r\n\r\n")
        rest = b""
        while data := await reader.read(1 << 18):
            at = time.time()
            rest += data
            for found in _TOLD.finditer(rest):
                told.setdefault(found[1].decode(), at)
            rest = rest[-200:]
    finally:
        writer.close()


async def feed(line: Line, template: Template, *, rate: float, seconds: float, agents: int,
               first: int, every: int) -> int:  # fmt: skip
    """Calls at this rate, each `every`th to the page's agent; returns how many."""
    spans = offsets(template)
    start = time.monotonic()
    due: list[tuple[float, int, int, list[bytes]]] = []
    made = 0
    total = int(rate * seconds)
    while made < total or due:
        now = time.monotonic() - start
        while made < total and made / rate <= now:
            # numbers whose officer (1000 + number % 900) is one of these agents
            officer = 0 if made % every == 0 else 1 + made % max(1, agents - 1)
            call = template.call(900 * (first + made) + officer % agents)
            heapq.heappush(due, (made / rate, made, 0, call))
            made += 1
        while due and due[0][0] <= now:
            at, number, n, call = heapq.heappop(due)
            line.tell(call[n])
            if n + 1 < len(call):
                heapq.heappush(due, (at + spans[n + 1] - spans[n], number, n + 1, call))
        following = min(due[0][0] if due else 1e9, made / rate if made < total else 1e9)
        await asyncio.sleep(max(0.0, min(0.05, following - (time.monotonic() - start))))
    return made


async def measure(place: Path, *, agents: int, rate: float, seconds: float, every: int,
                  browser: Any, more: str = "") -> Pops:  # fmt: skip
    """The pops under this load; `more` stands in hotline.toml besides."""
    place.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # nothing runs beside it yet
    cookies = await seat_agents(place, agents)
    template = Template()
    pops = Pops(agents, rate)
    told: dict[str, float] = {}
    with Line() as line:
        accepting = asyncio.create_task(asyncio.to_thread(line.accept, 120.0))
        async with hotline(place, line.port, more) as (base, pid):
            await accepting
            readers = [asyncio.create_task(read_stream(base, c, told)) for c in cookies]
            context = await browser.new_context(viewport={"width": 1366, "height": 768})
            await context.add_cookies([{"name": COOKIE, "value": cookies[0], "url": base}])
            page = await context.new_page()
            await page.goto(f"{base}/desk")
            await page.wait_for_selector("#link .dot.good")
            await page.evaluate(_WATCH)
            await feed(line, template, rate=min(rate, 5), seconds=3, agents=agents, first=1,
                       every=every)  # fmt: skip
            line.rang.clear()
            told.clear()
            before, began = process_cpu(pid), time.monotonic()
            pops.calls = await feed(
                line, template, rate=rate, seconds=seconds, agents=agents, first=1000, every=every
            )
            pops.cpu = (process_cpu(pid) - before) / (time.monotonic() - began)
            await asyncio.sleep(1.0)
            painted = dict(await page.evaluate("window.pops"))
            await context.close()
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
        rang = dict(line.rang)
    pops.server = [(told[i] - at) * 1e3 for i, at in rang.items() if i in told]
    mine = {i.removeprefix("bench-"): at for i, at in painted.items()}
    pops.painted = [mine[i] - at * 1e3 for i, at in rang.items() if i in mine]
    pops.missed = len(rang) - len(pops.server)
    return pops


def at_rank(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def run(place: Path, *, seconds: float) -> list[Pops]:
    """Idle, then busy."""
    from playwright.async_api import async_playwright

    program = os.environ.get("HOTLINE_CHROMIUM", "/usr/bin/chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            return [
                await measure(place / "idle", agents=1, rate=1, seconds=seconds, every=1,
                              browser=browser),
                await measure(place / "busy", agents=200, rate=50, seconds=seconds, every=50,
                              browser=browser),
            ]  # fmt: skip
        finally:
            await browser.close()


def report(found: Sequence[Pops]) -> str:
    """The figures and how the aims came out."""
    rows = [
        [
            f"{p.agents} agents, {p.rate:g} calls/s",
            f"{p.calls}",
            f"{statistics.median(p.painted):.1f}",
            f"{at_rank(p.painted, 0.99):.1f}",
            f"{statistics.median(p.server):.1f}",
            f"{at_rank(p.server, 0.99):.1f}",
            f"{p.missed}",
            f"{100 * p.cpu:.0f} %",
        ]
        for p in found
    ]
    head = ["load", "calls", "painted p50", "p99", "server p50", "p99 (ms)", "missed", "CPU"]
    good = all(
        statistics.median(p.painted) <= PAINTED_P50
        and at_rank(p.painted, 0.99) <= PAINTED_P99
        and at_rank(p.server, 0.99) <= SERVER_P99
        and not p.missed
        for p in found
    )
    aim = (
        f"Aim: painted {PAINTED_P50:g} ms at the median, {PAINTED_P99:g} ms for 99 of 100;"
        f" the server's part {SERVER_P99:g} ms for 99 of 100; none missed: {verdict(good)}"
    )
    return f"{table(head, rows)}\n{aim}"


def main() -> None:
    import tempfile

    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    with tempfile.TemporaryDirectory(prefix="hotline-pop-", dir="/var/tmp") as place:
        print(report(asyncio.run(run(Path(place), seconds=seconds))), flush=True)


if __name__ == "__main__":
    main()
