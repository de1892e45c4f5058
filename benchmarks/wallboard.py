"""Claim: fifty wallboards cost the bridge little, and none of them flickers or falls behind.

`hotline run` is a process of its own, fed over TCP with copies of a captured call whose times are
those of their sending, so that 100 changes of calls a second come; nobody looks, then fifty screens
do (raw readers in another process) and one real Chromium. Printed: the CPU of the server without
and with the screens; from the moment a call's event was sent to the frame that shows it read by a
screen; long tasks (over 50 ms) of the page. A frame may wait for the one before, so a change is up
to `EVERY` late by design.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.calls import Template
from benchmarks.live import process_cpu
from benchmarks.pop import Line, at_rank, feed, hotline, seat_agents
from benchmarks.table import table, verdict
from crm_bridge.access import accounts, sessions
from crm_bridge.access.roles import Role
from crm_bridge.clock import SystemClock
from crm_bridge.records.database import Database
from crm_bridge.web.policy import COOKIE
from crm_bridge.web.wallboard.wall import EVERY
from ivr.events.decode import decode

P99: Final = 1000 * EVERY + 150.0
"""Aim in milliseconds: a frame's own rest, and what it takes to make, send and read it."""

SHARE: Final = 0.15
"""Aim: the part of a core that the screens may cost beside what the line itself costs."""

CHANGES: Final = 100.0
"""Changes of calls a second."""

AGENTS: Final = 40

_JOINED: Final = b"Event: QueueCallerJoin\r\n"
_STAMP: Final = re.compile(rb"\r\nTimestamp: (\d+)\.(\d{6})")
_TASK: Final = 50.0
"""Milliseconds of a long task."""
_WORK: Final = """
setInterval(() => { let n = 0; for (let i = 0; i < 4e6; i += 1) n += i % 7; window.n = n; }, 125);
"""
_TRACED: Final = ("toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline")
_LONG: Final = """
window.long = [];
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.long.push(task.duration);
}).observe({ type: "longtask", buffered: true });
"""


@dataclass(slots=True)
class Walls:
    """One run: how it was fed, what it cost, and how late the screens were."""

    screens: int
    seconds: float = 0.0
    calls: int = 0
    changes: int = 0
    """Events that were sent and are worked in."""
    without: float = 0.0
    with_: float = 0.0
    """CPU seconds of the bridge a second, without and with the screens."""
    late: list[float] = field(default_factory=list)
    """Milliseconds from the sending of an event to its frame, read by one of the screens."""
    frames: int = 0
    bytes_: int = 0
    """Frames and bytes that one screen was sent."""
    slowest: int = 0
    """Frames of the screen that got the fewest: one that falls behind skips some."""
    long: list[float] = field(default_factory=list)
    """Milliseconds of each of the page's tasks over 50 ms, after its first second."""
    own: float = 0.0
    """Milliseconds of CPU of the longest of the page's tasks: what a busy machine adds left out."""
    control: int = 0
    """Long tasks of an empty page after it, which works a few milliseconds eight times a second:
    where that has any, the machine is too busy for the clock to tell, and CPU is judged."""
    painted: int = 0
    """Rows that the page showed at the end."""


class Told(Line):
    """Notes when callers join a queue: what a screen shows by their moment."""

    def __init__(self) -> None:
        super().__init__()
        self.joined: dict[int, float] = {}
        """Milliseconds of the event, as screens name a wait → epoch seconds of its sending."""
        self.sent = 0

    def send(self, data: bytes) -> None:
        super().send(data)
        self.sent += decode(data) is not None
        if data.startswith(_JOINED) and (stamp := _STAMP.search(data)) is not None:
            at = int(stamp[1]) * 1_000_000 + int(stamp[2])
            self.joined[at // 1000] = at / 1e6


def rate_of(template: Template) -> float:
    """Calls a second that make `CHANGES`: of a call's events those that the bridge works in."""
    return CHANGES / sum(decode(message) is not None for message in template.call(0))


# --- the screens, in a process of their own -------------------------------------------------------


async def look(base: str, cookie: str, number: int) -> dict[str, Any]:
    """One screen until its standard input ends: what it read, and when each wait was shown."""
    host, _, port = base.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 22)
    lang = "th" if number % 2 else "en"
    ask = (
        f"GET /api/v1/wallboard/stream?lang={lang} HTTP/1.1\r\nHost: {host}\r\n"
        f"Cookie: {COOKIE}={cookie}\r\n\r\n"
    )
    writer.write(ask.encode())
    shown: dict[int, float] = {}
    found: dict[str, Any] = {"frames": 0, "bytes": 0, "shown": shown}
    try:
        while True:
            line = await reader.readline()
            if not line:
                break
            found["bytes"] += len(line)
            if not line.startswith(b"data: ") or b'"number"' not in line[:16]:
                continue
            at = time.time()
            found["frames"] += 1
            if number < 4:  # a few are read with care: the readers must not be what is slow
                rows = json.loads(line[6:])["sections"].get("waiting", {"set": {}})["set"]
                for row in rows.values():
                    shown.setdefault(row["since"], at)
    except asyncio.CancelledError:
        pass
    finally:
        writer.close()
    return found


async def look_all(base: str, cookie: str, screens: int) -> None:
    """The child: `screens` of them, until it is told to stop; prints what they saw."""
    tasks = [asyncio.create_task(look(base, cookie, n)) for n in range(screens)]
    await asyncio.sleep(0)
    sys.stdout.write("looking\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    for task in tasks:
        task.cancel()
    json.dump(await asyncio.gather(*tasks), sys.stdout)


def longest_task(trace: dict[str, Any]) -> float:
    """Milliseconds of CPU of the longest task of a page's main thread in a trace of Chromium."""
    events = trace["traceEvents"]
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event.get("name") == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    return max(
        (
            event.get("tdur", 0) / 1000
            for event in events
            if event.get("name") == "RunTask" and (event["pid"], event["tid"]) in mains
        ),
        default=0.0,
    )


# --- the run --------------------------------------------------------------------------------------


async def _looker(place: Path) -> str:
    """The cookie of a supervisor's session."""
    database, clock = Database(f"sqlite:///{place / 'hotline.db'}"), SystemClock()
    async with database.writing() as connection:
        who = await accounts.create(
            connection,
            clock,
            login="boss",
            role=Role.SUPERVISOR,
            name_th="หัวหน้า",
            name_en="Boss",
        )
        _, token = await sessions.begin(connection, clock, who)
    await database.close()
    return token


async def measure(place: Path, *, screens: int, seconds: float, browser: Any | None) -> Walls:
    """Feeds the bridge twice: while nobody looks, and while `screens` and a Chromium do."""
    place.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # nothing runs beside it yet
    await seat_agents(place, AGENTS)
    cookie = await _looker(place)
    template = Template()
    rate = rate_of(template)
    found = Walls(screens, seconds)
    with Told() as line:
        accepting = asyncio.create_task(asyncio.to_thread(line.accept, 120.0))
        async with hotline(place, line.port) as (base, pid):
            await accepting

            async def fed(first: int) -> tuple[int, float]:
                before, began = process_cpu(pid), time.monotonic()
                calls = await feed(
                    line, template, rate=rate, seconds=seconds, agents=AGENTS, first=first,
                    every=10**9,
                )  # fmt: skip
                return calls, (process_cpu(pid) - before) / (time.monotonic() - began)

            await feed(line, template, rate=rate, seconds=2, agents=AGENTS, first=1, every=10**9)
            _, found.without = await fed(1_000)
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "benchmarks.wallboard", "--look", base, cookie, str(screens),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1 << 26,
            )  # fmt: skip
            assert child.stdin is not None
            assert child.stdout is not None
            await child.stdout.readline()
            page = context = None
            if browser is not None:
                context = await browser.new_context(viewport={"width": 1920, "height": 1080})
                await context.add_cookies([{"name": COOKIE, "value": cookie, "url": base}])
                page = await context.new_page()
                await page.goto(f"{base}/wallboard?theme=dark")
                await page.wait_for_selector('[data-link="up"]')
                await asyncio.sleep(1.0)
                await page.evaluate(_LONG)
                await page.evaluate("window.long.length = 0")
                await browser.start_tracing(categories=list(_TRACED))
            line.joined.clear()
            line.sent = 0
            found.calls, found.with_ = await fed(100_000)
            found.changes = line.sent
            await asyncio.sleep(0.5)
            if page is not None and context is not None:
                found.own = longest_task(json.loads(await browser.stop_tracing()))
                found.long = await page.evaluate("window.long")
                found.painted = await page.locator("[data-list] > *").count()
                await page.goto("about:blank")
                await page.evaluate(_LONG + _WORK)
                await asyncio.sleep(seconds / 2)
                found.control = await page.evaluate("window.long.length")
                await context.close()
            child.stdin.write(b"\n")
            told, _ = await child.communicate()
    seen = json.loads(told)
    found.frames, found.bytes_ = seen[0]["frames"], seen[0]["bytes"]
    found.slowest = min(one["frames"] for one in seen)
    for one in seen[:4]:
        shown = {int(since): at for since, at in one["shown"].items()}
        for since, sent in line.joined.items():
            if (at := shown.get(since)) is not None:
                found.late.append(1000 * (at - sent))
    return found


async def run(place: Path, *, seconds: float, screens: int = 50) -> Walls:
    """With a real Chromium among the screens."""
    from playwright.async_api import async_playwright

    program = os.environ.get("HOTLINE_CHROMIUM", "/usr/bin/chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            return await measure(place, screens=screens, seconds=seconds, browser=browser)
        finally:
            await browser.close()


def report(found: Walls) -> str:
    """The figures, and how the aims came out."""
    more = found.with_ - found.without
    rows = [
        ["nobody looks", f"{100 * found.without:.1f} %", "", "", "", ""],
        [
            f"{found.screens} screens and a page",
            f"{100 * found.with_:.1f} %",
            f"{at_rank(found.late, 0.5):.0f}" if found.late else "–",
            f"{at_rank(found.late, 0.99):.0f}" if found.late else "–",
            f"{found.frames / found.seconds:.1f}",
            f"{found.bytes_ / found.seconds / 1000:.1f}",
        ],
    ]
    head = ["", "CPU of a core", "change → frame p50", "p99 (ms)", "frames/s", "kB/s a screen"]
    good = (
        bool(found.late)
        and at_rank(found.late, 0.99) <= P99
        and more <= SHARE
        and found.own <= _TASK
        and not (found.long and not found.control)
        and found.slowest >= 0.9 * found.frames
    )
    judged = " (long tasks judged by CPU)" if found.long and found.control else ""
    longest = f", the longest {max(found.long):.0f} ms" if found.long else ""
    return "\n".join(
        [
            f"{found.changes / found.seconds:.0f} changes a second for {found.seconds:.0f} s,"
            f" {found.calls} calls; {len(found.late)} waits timed;"
            f" rows on the page {found.painted}",
            table(head, rows),
            f"the screens cost {100 * more:.1f} % of a core; frames of the screen that got the"
            f" fewest: {found.slowest} of {found.frames};"
            f" long tasks in Chromium: {len(found.long)}{longest} (CPU of the longest of all:"
            f" {found.own:.0f} ms), in an empty page after it: {found.control}",
            f"Aim: {P99:g} ms for 99 of 100, at most {100 * SHARE:g} % of a core, no task over"
            f" 50 ms, no screen behind{judged}: {verdict(good)}",
        ]
    )


def main(arguments: Sequence[str]) -> None:
    import tempfile

    if arguments[:1] == ["--look"]:
        asyncio.run(look_all(arguments[1], arguments[2], int(arguments[3])))
        return
    seconds = float(arguments[0]) if arguments else 30.0
    with tempfile.TemporaryDirectory(prefix="hotline-wall-", dir="/var/tmp") as place:
        print(report(asyncio.run(run(Path(place), seconds=seconds))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
