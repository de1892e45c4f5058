"""Claim: a CRM that was stopped is caught up with near its own limit, and no officer notices.

A real Roundup is stopped while calls end, and started again. Printed is the rate at which the
outbox is drained, beside what the same Roundup does with the same requests sent by plain httpx, as
many at a time, without our outbox, records or mapping. (A one-time creation is replayed as a plain
one, a change as a read of its record: the CRM's own limit comes out rather too high.)

Then the pops of officers' telephones in one run on the same machine: with no CRM configured, with
the CRM stopped and the outbox filling, and while a backlog is drained.

`python -m benchmarks.delivery [CALLS [SECONDS]]`: how many calls the CRM was away for (10,000) and
how long each of the three loads lasts (30). Draining takes about a fifth of a second a call.
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
from dataclasses import dataclass
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


async def drain(place: Path, *, calls: int, most_seconds: float = 3600.0) -> Drained:
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


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """Pops under one condition; entries that waited before and after it."""

    what: str
    pops: pop.Pops
    before: int
    after: int


async def meanwhile(place: Path, *, seconds: float, agents: int, rate: float) -> list[Meanwhile]:
    """The pops without a CRM, with one that is stopped, and while it is caught up with."""
    from playwright.async_api import async_playwright

    program = os.environ.get("HOTLINE_CHROMIUM", "/usr/bin/chromium")
    found = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            with roundup() as tracker:
                load = {"agents": agents, "rate": rate, "seconds": seconds, "every": 5}
                for what in ("no CRM", "CRM stopped", "catching up"):
                    if what == "CRM stopped":
                        tracker.stop()
                    elif what == "catching up":
                        tracker.start()
                    here = place / what.replace(" ", "_")
                    # more than can be drained while it is measured
                    backlog = round(20 * (seconds + 15)) if what == "catching up" else 0
                    database = await _with_backlog(here, tracker, backlog)
                    before = await waiting(database)
                    more = "" if what == "no CRM" else _toml(tracker)
                    pops = await pop.measure(here, browser=browser, more=more, **load)
                    found.append(Meanwhile(what, pops, before, await waiting(database)))
                    await database.close()
        finally:
            await browser.close()
    return found


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
"""Milliseconds by which pops may come later than without a CRM before it is no noise."""


def report(drained: Drained, found: Sequence[Meanwhile]) -> str:
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
    if found:
        lines += ["", _pops(found)]
    return "\n".join(lines)


def _pops(found: Sequence[Meanwhile]) -> str:
    head = ["pops meanwhile", "calls", "waiting before", "after", "server p50", "p99",
            "painted p50", "p99 (ms)", "missed", "CPU"]  # fmt: skip
    figures = [
        (
            statistics.median(m.pops.server), pop.at_rank(m.pops.server, 0.99),
            statistics.median(m.pops.painted), pop.at_rank(m.pops.painted, 0.99),
        )
        for m in found
    ]  # fmt: skip
    rows = [
        [m.what, f"{m.pops.calls}", f"{m.before:,}", f"{m.after:,}", *(f"{n:.1f}" for n in four),
         f"{m.pops.missed}", f"{100 * m.pops.cpu:.0f} %"]
        for m, four in zip(found, figures, strict=True)
    ]  # fmt: skip
    without = figures[0]
    good = all(
        four[0] - without[0] <= LATER_P50 and four[1] - without[1] <= LATER_P99
        for four in figures
    ) and not any(m.pops.missed for m in found)  # fmt: skip
    return (
        f"{table(head, rows)}\nAim: the server's part at most {LATER_P50:g} ms later at the median"
        f" and {LATER_P99:g} ms for 99 of 100 than without a CRM, none missed: {verdict(good)}"
    )


async def run(
    place: Path, *, calls: int, seconds: float, most_seconds: float = 3600.0, agents: int = 50,
    rate: float = 10.0,
) -> str:  # fmt: skip
    """Both claims; the report."""
    drained = await drain(place / "drain", calls=calls, most_seconds=most_seconds)
    found = await meanwhile(place / "pops", seconds=seconds, agents=agents, rate=rate)
    return report(drained, found)


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 30.0
    with tempfile.TemporaryDirectory(prefix="hotline-delivery-", dir="/var/tmp") as place:
        print(asyncio.run(run(Path(place), calls=calls, seconds=seconds)), flush=True)


if __name__ == "__main__":
    main()
