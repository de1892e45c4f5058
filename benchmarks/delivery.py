"""Claim: a CRM that was stopped is caught up with near its own limit, and no officer notices.

A real Roundup is stopped while calls end, and started again. Printed is the rate at which the
outbox is drained, beside what the same Roundup does with the same requests sent by plain httpx, as
many at a time, without our outbox, records or mapping. (A one-time creation is replayed as a plain
one, a change as a read of its record: the CRM's own limit comes out rather too high.)

Then the pops of officers' telephones in one run on the same machine: with no CRM configured, with
the CRM stopped and the outbox filling, and while a backlog is drained; in turns, three rounds of
each, so that what the rounds without a CRM differ by is the noise. The CRM gives way to the bridge
there (nice), as one on another machine would.

`python -m benchmarks.delivery [CALLS [SECONDS]]`: how many calls the CRM was away for (10,000; 0:
the pops alone) and how long each load lasts (30). Draining takes about a sixth of a second a call.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from sqlalchemy import func, select

from benchmarks import pop
from benchmarks.table import table, verdict
from crm_bridge.clock import SystemClock
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.registry import make
from crm_bridge.delivery.policy import Limits
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.connectors import outbox
from crm_bridge.records.schema import upgrade
from tests.faults.office import NAME, Office, fill, open_office, worker_of
from tests.support.crms.roundup import Roundup, roundup

AT_ONCE: Final = 2
"""Requests at a time, as hotline.toml has it without a word."""
KEPT: Final = 2000
"""Requests that are recorded to be sent again."""
ROUNDS: Final = 3
_CREATED_ONCE: Final = re.compile(r"(/rest/data/\w+)/@poe/.+$")


@dataclass(frozen=True, slots=True)
class Drained:
    """How a backlog was drained, and what the CRM does by itself."""

    calls: int
    entries: int
    requests: int
    seconds: float
    plain: float
    """Requests a second by plain httpx."""
    left: int
    """Entries that were not through when the time was up."""

    @property
    def rate(self) -> float:
        """Requests a second of the delivery."""
        return self.requests / self.seconds


class Recording(httpx.AsyncBaseTransport):
    """The network, counted; the last requests are kept."""

    def __init__(self) -> None:
        self._real = httpx.AsyncHTTPTransport()
        self.count = 0
        self.kept: deque[httpx.Request] = deque(maxlen=KEPT)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.count += 1
        self.kept.append(request)
        return await self._real.handle_async_request(request)

    async def aclose(self) -> None:
        await self._real.aclose()


def section_of(tracker: Roundup) -> ConnectorSection:
    """The tracker as hotline.toml names it."""
    return ConnectorSection(
        kind="roundup", url=tracker.url, username=tracker.login, token=tracker.secret,
        concurrent=AT_ONCE, timeout_seconds=30,
    )  # fmt: skip


async def waiting(database: Database) -> int:
    """Entries that are not through."""
    async with database.reading() as connection:
        query = select(func.count()).where(outbox.c.state != "done")
        return await connection.scalar(query) or 0


async def drain(place: Path, *, calls: int, most_seconds: float = 3 * 3600.0) -> Drained:
    """A Roundup is stopped for so many calls, started again and caught up with."""
    place.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # nothing runs beside it yet
    url = f"sqlite:///{place / 'hotline.db'}"
    await upgrade(url)
    database = Database(url)
    with roundup() as tracker:
        tracker.stop()
        office = await open_office(database, section_of(tracker))
        await fill(office, calls, written=False)
        network = Recording()
        connector = make(NAME, section_of(tracker), clock=SystemClock(), transport=network)
        worker = worker_of(
            office, connector, _mapping(connector), concurrent=AT_ONCE, limits=Limits()
        )
        await worker.round()  # in vain: it is stopped, and is left alone
        entries = await waiting(database)
        tracker.start()
        worker.try_now()
        network.count, began = 0, time.monotonic()
        drained = asyncio.create_task(_drained(worker, database))
        await asyncio.wait([drained], timeout=most_seconds)
        drained.cancel()
        await asyncio.gather(drained, return_exceptions=True)
        seconds, requests = time.monotonic() - began, network.count
        left = await waiting(database)
        plain = await _plainly(network.kept)
        await connector.close()
    await database.close()
    return Drained(calls, entries, requests, seconds, plain, left)


async def _drained(worker: Any, database: Database) -> None:
    """The worker as it runs beside the line, until nothing waits."""
    running = asyncio.create_task(worker.run())
    try:
        while await waiting(database):
            worker.wake()
            await asyncio.sleep(0.25)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _mapping(connector: Any) -> Any:
    from crm_bridge.connectors.mapping import load

    return load(None, connector.kind)


async def _plainly(requests: Sequence[httpx.Request]) -> float:
    """Requests a second when they are sent again with nothing around them."""
    left = deque(requests)
    answers: list[int] = []
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:

        async def one_after_another() -> None:
            while left:
                answers.append((await client.send(_again(client, left.popleft()))).status_code)

        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(one_after_another())
        seconds = time.monotonic() - began
    good = sum(status < 300 for status in answers)
    if good < 0.8 * len(answers):
        raise RuntimeError(f"the CRM refuses what is sent again: {good} of {len(answers)} passed")
    return len(answers) / seconds


def _again(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Request:
    method, url = request.method, str(request.url)
    if method == "POST":
        url = _CREATED_ONCE.sub(r"\1", url)
    elif method not in {"GET", "POST"}:
        method = "GET"
    headers = {n: v for n, v in request.headers.items() if n.lower() != "content-length"}
    content = request.content if method == "POST" else None
    return client.build_request(method, url, headers=headers, content=content)


# --- the officers meanwhile -----------------------------------------------------------------------


@dataclass(slots=True)
class Meanwhile:
    """Pops under one condition, a round each; entries that waited before and after the last."""

    what: str
    rounds: list[pop.Pops] = field(default_factory=list)
    before: int = 0
    after: int = 0

    def median(self, which: str) -> float:
        """Milliseconds, over all rounds; `which` is `server` or `painted`."""
        return statistics.median(self._all(which))

    def p99(self, which: str) -> float:
        """Milliseconds, over all rounds."""
        return pop.at_rank(self._all(which), 0.99)

    def _all(self, which: str) -> list[float]:
        return [took for one in self.rounds for took in getattr(one, which)]


async def meanwhile(place: Path, *, seconds: float, agents: int, rate: float) -> list[Meanwhile]:
    """The pops without a CRM, with one that is stopped, and while it is caught up with."""
    from playwright.async_api import async_playwright

    program = os.environ.get("HOTLINE_CHROMIUM", "/usr/bin/chromium")
    found = [Meanwhile(what) for what in ("no CRM", "CRM stopped", "catching up")]
    load = {"agents": agents, "rate": rate, "seconds": seconds, "every": 5}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            with roundup(nice=19) as tracker:
                for number in range(ROUNDS):
                    for each in found:
                        here = place / f"{each.what.replace(' ', '_')}{number}"
                        await _one_round(each, here, tracker, browser, load)
        finally:
            await browser.close()
    return found


async def _one_round(
    each: Meanwhile, place: Path, tracker: Roundup, browser: Any, load: dict[str, Any]
) -> None:
    backlog = 0
    if each.what == "CRM stopped":
        tracker.stop()
    elif each.what == "catching up":
        tracker.start()
        backlog = round(20 * (load["seconds"] + 15))  # more than can be drained meanwhile
    database = await _with_backlog(place, tracker, backlog)
    each.before = await waiting(database)
    more = "" if each.what == "no CRM" else _toml(tracker)
    each.rounds.append(await pop.measure(place, browser=browser, more=more, **load))
    each.after = await waiting(database)
    await database.close()


async def _with_backlog(place: Path, tracker: Roundup, calls: int) -> Database:
    place.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # nothing runs beside it yet
    url = f"sqlite:///{place / 'hotline.db'}"
    await upgrade(url)
    database = Database(url)
    if calls:
        office: Office = await open_office(database, section_of(tracker))
        await fill(office, calls, written=False)
    return database


def _toml(tracker: Roundup) -> str:
    return (
        f'\n[connector.{NAME}]\nkind = "roundup"\nurl = "{tracker.url}"\n'
        f'username = "{tracker.login}"\ntoken = "{tracker.secret}"\nconcurrent = {AT_ONCE}\n'
        "lookup = false\n"
    )


# --- both -----------------------------------------------------------------------------------------


LATER_P50: Final = 3.0
LATER_P99: Final = 10.0
"""Milliseconds by which pops may come later than without a CRM, if its own rounds differ less."""


def report(drained: Drained) -> str:
    """The figures and how they came out."""
    d = drained
    through = d.entries - d.left
    each = d.requests / max(1, through)
    head = ["Roundup stopped, then started", "calls", "entries", "through", "seconds", "entries/s",
            "requests/s", "an entry"]  # fmt: skip
    rows = [
        ["drained by the delivery", f"{d.calls:,}", f"{d.entries:,}", f"{through:,}",
         f"{d.seconds:.1f}", f"{through / d.seconds:.1f}", f"{d.rate:.1f}", f"{each:.1f}"],
        ["its own limit, plain requests", "", "", "", "", f"{d.plain / max(each, 1):.1f}",
         f"{d.plain:.1f}", ""],
    ]  # fmt: skip
    lines = [
        table(head, rows),
        f"The delivery goes at {100 * d.rate / d.plain:.0f} % of the CRM's own limit;"
        f" everything is through: {verdict(not d.left)}",
    ]
    return "\n".join(lines)


def pops_report(found: Sequence[Meanwhile]) -> str:
    """The pops under each condition; the first one is without a CRM."""
    head = ["pops meanwhile", "calls", "waiting before", "after", "server p50", "p99",
            "painted p50", "p99 (ms)", "missed", "CPU"]  # fmt: skip
    rows = []
    for each in found:
        calls, missed = (sum(getattr(one, n) for one in each.rounds) for n in ("calls", "missed"))
        cpu = statistics.mean(one.cpu for one in each.rounds)
        figures = (each.median("server"), each.p99("server"), each.median("painted"),
                   each.p99("painted"))  # fmt: skip
        rows.append([each.what, f"{calls}", f"{each.before:,}", f"{each.after:,}",
                     *(f"{n:.1f}" for n in figures), f"{missed}",
                     f"{100 * cpu:.0f} %"])  # fmt: skip
    without = found[0]
    noise = {
        what: _spread([figure(Meanwhile("", [one])) for one in without.rounds])
        for what, figure in _JUDGED.items()
    }
    good = not any(one.missed for each in found for one in each.rounds) and all(
        figure(each) - figure(without) <= max(most, noise[what])
        for each in found
        for (what, figure), most in zip(_JUDGED.items(), (LATER_P50, LATER_P99), strict=True)
    )
    differ = " and ".join(f"{spread:.1f} ms at the {what}" for what, spread in noise.items())
    return (
        f"{table(head, rows)}\nThe rounds without a CRM differ by {differ} of the server's part.\n"
        f"Aim: with one, at most {LATER_P50:g} ms later at the median and {LATER_P99:g} ms for 99"
        f" of 100, or no more than that difference, and none missed: {verdict(good)}"
    )


_JUDGED: Final = {
    "median": lambda each: each.median("server"),
    "99th of 100": lambda each: each.p99("server"),
}


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values)


async def run(
    place: Path, *, calls: int, seconds: float, most_seconds: float = 3 * 3600.0, agents: int = 50,
    rate: float = 10.0,
) -> str:  # fmt: skip
    """Both claims; the report."""
    said = []
    if calls:
        said = [report(await drain(place / "drain", calls=calls, most_seconds=most_seconds)), ""]
    found = await meanwhile(place / "pops", seconds=seconds, agents=agents, rate=rate)
    return "\n".join([*said, pops_report(found)])


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 30.0
    with tempfile.TemporaryDirectory(prefix="hotline-delivery-", dir="/var/tmp") as place:
        print(asyncio.run(run(Path(place), calls=calls, seconds=seconds)), flush=True)


if __name__ == "__main__":
    main()
