"""Claim: each dashboard of a year of ten million calls answers in a tenth of a second, rightly.

A seeded year (`benchmarks.year`) of several sizes, counted by the product itself. Printed are the
time the server takes for every dashboard, as the managers' page and with filters, for a day, a
month and the year; how it grows with the calls; and the figures of the year's steps and queues
beside the same by plain SQL over the calls and by DuckDB over a copy of them, all in one run.

`python -m benchmarks.figures [DATABASE ...]`: SQLite files made by `python -m benchmarks.year`,
smallest first. Without any, years of 20,000 and 100,000 calls are made and thrown away.
`--times N`: rounds of each page (5). `--no-peers` leaves the comparison out.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np
from sqlalchemy import func, select

from benchmarks.table import table, verdict
from benchmarks.year.fill import fill
from crm_bridge.access import accounts, sessions
from crm_bridge.access.roles import Role
from crm_bridge.app import settled_memory
from crm_bridge.clock import SystemClock
from crm_bridge.config import Config
from crm_bridge.figures.forms import QUEUES, STEPS
from crm_bridge.records.database import Database
from crm_bridge.records.figures_walk import whole
from crm_bridge.records.schema import upgrade
from crm_bridge.records.tables import calls
from crm_bridge.reports.catalogue import CATALOGUE
from crm_bridge.reports.metrics import step_figures
from crm_bridge.reports.period import Period
from crm_bridge.reports.reading import added_up
from crm_bridge.web.app import create_app
from crm_bridge.web.context import Context
from crm_bridge.web.health import Health
from crm_bridge.web.policy import COOKIE

YEAR: Final = 2026
AIM_MS: Final = 100.0
FLAT: Final = 2.0
SPANS: Final = (
    ("a day", Period(date(YEAR, 6, 15), date(YEAR, 6, 15))),
    ("a month", Period(date(YEAR, 6, 1), date(YEAR, 6, 30))),
    ("odd days", Period(date(YEAR, 2, 10), date(YEAR, 11, 20))),
    ("the year", Period(date(YEAR, 1, 1), date(YEAR, 12, 31))),
)
CHOSEN: Final = {"queue": "information", "service": "information", "step": "inform"}
SHARES: Final = (0.5, 0.9, 0.95)
MARGIN: Final = 0.01
"""By so much of itself a percentile may be too long; or by a millisecond."""

_FIT: Final = Health(f"{YEAR}-01-01T00:00:00.000000Z", True, None, None, None, 0, False, 0)


@dataclass(slots=True)
class Served:
    """How long the server took for one page of one database, milliseconds."""

    page: str
    span: str
    took: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """The same in the CPU's time: what a busy machine did meanwhile is not in it."""

    @property
    def p95(self) -> float:
        """Of the rounds; with a few of them, the longest."""
        return sorted(self.took)[math.ceil(0.95 * len(self.took)) - 1]


@dataclass(slots=True)
class Year:
    """What was measured of one database."""

    path: Path
    calls: int
    pages: list[Served]


def addresses() -> Iterator[tuple[str, str, str]]:
    """Page, span, path: every dashboard as it opens, narrowed, and against a year ago."""
    for entry in CATALOGUE.values():
        path = "/figures" if entry.id == "overview" else f"/figures/{entry.id}"
        narrowed = {name: value for name, value in CHOSEN.items() if name in entry.takes}
        for span, period in SPANS:
            yield entry.id, span, f"{path}?{period.query}"
            yield f"{entry.id} /year ago", span, f"{path}?{period.query}&against=year"
            if narrowed:
                more = "&".join(f"{name}={value}" for name, value in narrowed.items())
                yield f"{entry.id} narrowed", span, f"{path}?{period.query}&{more}"
    for span, period in SPANS:
        yield (
            "calls behind a figure",
            span,
            (f"/figures/calls?of=steps&count=over&step=inform&{period.query}"),
        )


@dataclass(slots=True)
class _Desk:
    """A year that is served: its browser, and what was measured of it so far."""

    browser: httpx.AsyncClient
    year: Year


async def measure(paths: Sequence[Path], config: Config, *, times: int) -> list[Year]:
    """Opens every page of these databases, `times` rounds after one that is not counted.

    In each round a page is opened on one after the other: what the machine does besides falls on
    all of them alike.
    """
    async with AsyncExitStack() as open_:
        desks = [await open_.enter_async_context(_desk(path, config)) for path in paths]
        open_.enter_context(settled_memory())  # as the bridge has it that serves the pages
        for page, span, path in addresses():
            for desk in desks:
                desk.year.pages.append(Served(page, span))
            for round_ in range(times + 1):
                for desk in desks:
                    await _round(desk, path, counts=round_ > 0)
    return [desk.year for desk in desks]


@asynccontextmanager
async def _desk(path: Path, config: Config) -> AsyncIterator[_Desk]:
    database, clock = Database(f"sqlite:///{path}"), SystemClock()
    try:
        async with database.reading() as connection:
            if not await whole(connection):
                print(f"{path}: not everything is counted yet: `hotline figures resume`")
            count = await connection.scalar(select(func.count()).select_from(calls)) or 0
        context = Context(config, database, lambda: _FIT, clock)
        async with database.writing() as connection:
            login = f"bench{time.time_ns()}"
            account = await accounts.create(
                connection, clock, login=login, role=Role.SUPERVISOR, name_th=login, name_en=login
            )
            _, token = await sessions.begin(connection, clock, account)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(context)), base_url="http://desk.test",
            cookies={COOKIE: token},
        ) as browser:  # fmt: skip
            yield _Desk(browser, Year(path, count, []))
    finally:
        await database.close()


async def _round(desk: _Desk, path: str, *, counts: bool) -> None:
    began, worked = time.perf_counter(), time.process_time()
    answer = await desk.browser.get(path)
    took, cpu = time.perf_counter() - began, time.process_time() - worked
    if answer.status_code != 200:
        raise SystemExit(f"{path}: {answer.status_code}")
    if counts:
        served = desk.year.pages[-1]
        served.took.append(1000 * took)
        served.cpu.append(1000 * cpu)


def report(years: Sequence[Year]) -> str:
    """Every page's 95th percentile at each size, and how it grew."""
    head = ["server ms, p95", "span", *(f"{year.calls:,}" for year in years), "grows", "CPU ms"]
    rows, slow, grown = [], [], []
    for n, page in enumerate(years[0].pages):
        p95s = [year.pages[n].p95 for year in years]
        growth = p95s[-1] / p95s[0]
        cpu = statistics.median(years[-1].pages[n].cpu)
        rows.append(
            [page.page, page.span, *(f"{ms:.1f}" for ms in p95s), f"{growth:.1f} x", f"{cpu:.1f}"]
        )
        if p95s[-1] > AIM_MS:
            slow.append(f"{page.page}, {page.span}")
        if growth > FLAT:
            grown.append(f"{page.page}, {page.span} ({growth:.1f} x)")
    all_of_them = [took for page in years[-1].pages for took in page.took]
    lines = [
        table(head, rows),
        f"At {years[-1].calls:,} calls: median {statistics.median(all_of_them):.1f} ms,"
        f" longest {max(all_of_them):.1f} ms over all pages.",
        f"Aim p95 ≤ {AIM_MS:g} ms: {verdict(not slow)} {'; '.join(slow)}".rstrip(),
        f"Aim flat within {FLAT:g} x: {verdict(not grown)} {'; '.join(grown)}".rstrip(),
    ]
    return "\n".join(lines)


# --- the same figures by others -------------------------------------------------------------------

Key = tuple[str, str]
Row = tuple[int, int, int, tuple[int | None, ...]]
"""Timings within, over and open, and the spans at `SHARES` in microseconds."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The year's steps, and what came to each queue, by one way; `seconds` it took."""

    way: str
    seconds: float
    steps: dict[Key, Row]
    queues: dict[str, tuple[int, int]]
    """Passages answered and abandoned."""
    made: float = 0.0
    """Seconds to make what it reads, where that is not the record itself."""


async def by_figures(path: Path) -> Answer:
    """Ours: from the tables of figures."""
    database = Database(f"sqlite:///{path}")
    try:
        async with database.reading() as connection:
            began = time.perf_counter()
            steps = await added_up(connection, STEPS, ("service", "step"))
            queues = await added_up(connection, QUEUES, ("queue",))
            found = {key: step_figures(tally) for key, tally in steps.items()}
            seconds = time.perf_counter() - began
    finally:
        await database.close()
    place = {name: QUEUES.counts.index(name) for name in ("answered", "abandoned")}
    return Answer(
        "figures beside the calls",
        seconds,
        {
            (str(s), str(p)): (f.within, f.over, f.open, (f.p50, f.p90, f.p95))
            for (s, p), f in found.items()
        },
        {
            str(name): (tally.counts[place["answered"]], tally.counts[place["abandoned"]])
            for (name,), tally in queues.items()
        },
    )


_COUNTS: Final = (
    "SELECT service, step, sum(state = 'within'), sum(state = 'over'), sum(state = 'open') "
    "FROM step_timings GROUP BY 1, 2"
)
_SPANS: Final = (
    "SELECT service, step, elapsed_us FROM step_timings WHERE elapsed_us IS NOT NULL "
    "ORDER BY 1, 2, 3"
)
"""One pass that sorts them all: a percentile a query would read everything again each time."""
_PASSAGES: Final = (
    "SELECT queue, sum(outcome = 'answered'), sum(outcome = 'abandoned') FROM queue_passages "
    "GROUP BY 1"
)


def by_sql(path: Path) -> Answer:
    """Plain SQL over the rows of the calls, on the same file; every call of a year is over."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        began = time.perf_counter()
        steps: dict[Key, Row] = {}
        ranked = {
            (service, step): _at_ranks(values)
            for service, step, values in _grouped(connection.execute(_SPANS))
        }
        for service, step, within, over, opened in connection.execute(_COUNTS):
            spans = ranked.get((service, step), (None,) * len(SHARES))
            steps[service, step] = (within, over, opened, spans)
        queues = {name: (a, b) for name, a, b in connection.execute(_PASSAGES)}
        return Answer("plain SQL (SQLite)", time.perf_counter() - began, steps, queues)


def _grouped(rows: sqlite3.Cursor) -> Iterator[tuple[str, str, np.ndarray[Any, Any]]]:
    held: list[np.ndarray[Any, Any]] = []
    of: Key | None = None
    while some := rows.fetchmany(200_000):
        start = 0
        for n, row in enumerate(some):
            key = (row[0], row[1])
            if key != of:
                if of is not None:
                    held.append(np.array([r[2] for r in some[start:n]], dtype=np.int64))
                    yield *of, np.concatenate(held)
                of, held, start = key, [], n
        held.append(np.array([r[2] for r in some[start:]], dtype=np.int64))
    if of is not None:
        yield *of, np.concatenate(held)


def _at_ranks(values: np.ndarray[Any, Any]) -> tuple[int | None, ...]:
    """The shortest span that each share of all does not exceed; `values` in order."""
    return tuple(int(values[max(1, math.ceil(share * len(values))) - 1]) for share in SHARES)


def by_duckdb(path: Path, place: Path) -> Answer:
    """DuckDB over a copy of the timings and passages in its own columns."""
    import duckdb

    with duckdb.connect(str(place / "year.duckdb")) as copy:
        began = time.perf_counter()
        _copied(path, copy)
        made = time.perf_counter() - began
        began = time.perf_counter()
        shares = ", ".join(f"quantile_disc(elapsed_us, {share})" for share in SHARES)
        found = copy.execute(
            "SELECT service, step, count(*) FILTER (state = 'within'), "
            "count(*) FILTER (state = 'over'), count(*) FILTER (state = 'open'), "
            f"{shares} FROM timings GROUP BY 1, 2"
        ).fetchall()
        queues = copy.execute(
            "SELECT queue, count(*) FILTER (outcome = 'answered'), "
            "count(*) FILTER (outcome = 'abandoned') FROM passages GROUP BY 1"
        ).fetchall()
        seconds = time.perf_counter() - began
    steps = {(s, p): (w, o, n, tuple(more)) for s, p, w, o, n, *more in found}
    return Answer("DuckDB over a copy", seconds, steps, {q: (a, b) for q, a, b in queues}, made)


def _copied(path: Path, copy: Any) -> None:
    copy.execute(
        "CREATE TABLE timings (service VARCHAR, step VARCHAR, state VARCHAR, elapsed_us BIGINT)"
    )
    copy.execute("CREATE TABLE passages (queue VARCHAR, outcome VARCHAR)")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "SELECT service, step, state, coalesce(elapsed_us, -1) FROM step_timings"
        )
        while some := rows.fetchmany(500_000):
            columns = list(zip(*some, strict=True))
            piece = {
                "a": np.array(columns[0], dtype=object), "b": np.array(columns[1], dtype=object),
                "c": np.array(columns[2], dtype=object), "d": np.array(columns[3], dtype=np.int64),
            }  # fmt: skip
            copy.register("piece", piece)
            copy.execute("INSERT INTO timings SELECT a, b, c, nullif(d, -1) FROM piece")
            copy.unregister("piece")
        rows = connection.execute("SELECT queue, coalesce(outcome, '') FROM queue_passages")
        while some := rows.fetchmany(500_000):
            columns = list(zip(*some, strict=True))
            piece = {
                "a": np.array(columns[0], dtype=object), "b": np.array(columns[1], dtype=object)
            }  # fmt: skip
            copy.register("piece", piece)
            copy.execute("INSERT INTO passages SELECT a, b FROM piece")
            copy.unregister("piece")


def compare(answers: Sequence[Answer]) -> str:
    """How long each took, and whether ours are theirs: counts to the last, percentiles to 1 %."""
    ours, *others = answers
    rows = [
        [a.way, f"{1000 * a.seconds:,.1f}", f"{a.seconds / ours.seconds:,.0f} x",
         f"{a.made:,.1f}" if a.made else ""]
        for a in answers
    ]  # fmt: skip
    wrong = [f"{a.way}: {what}" for a in others for what in differences(ours, a)]
    worst = max(
        (mine - theirs) / theirs
        for a in others
        for key, row in a.steps.items()
        if key in ours.steps
        for mine, theirs in zip(ours.steps[key][3], row[3], strict=True)
        if mine is not None and theirs
    )
    timings = sum(sum(row[:3]) for row in ours.steps.values())
    return "\n".join(
        [
            table(["the year's steps and queues", "ms", "against ours", "copying s"], rows),
            f"{timings:,} timings in {len(ours.steps)} steps: counts equal to the last,"
            f" percentiles at most {100 * worst:.2f} % too long, never too short:"
            f" {verdict(not wrong)} {'; '.join(wrong[:5])}".rstrip(),
        ]
    )


def differences(ours: Answer, theirs: Answer) -> list[str]:
    """What of ours is not theirs."""
    found = []
    if ours.steps.keys() != theirs.steps.keys():
        found.append(f"steps {sorted(ours.steps.keys() ^ theirs.steps.keys())}")
    for key in ours.steps.keys() & theirs.steps.keys():
        mine, other = ours.steps[key], theirs.steps[key]
        if mine[:3] != other[:3]:
            found.append(f"counts of {key}: {mine[:3]}, {other[:3]}")
        for a, b in zip(mine[3], other[3], strict=True):
            near = (a is None) == (b is None) and (
                a is None or b is None or b <= a <= b + max(MARGIN * b, 1000)
            )
            if not near:
                found.append(f"percentiles of {key}: {a}, {b}")
    if ours.queues != theirs.queues:
        found.append(f"queues {ours.queues}, {theirs.queues}")
    return found


def made_year(path: Path, count: int) -> Path:
    """A seeded year in a new database; it is counted while it is made."""
    url = f"sqlite:///{path}"
    asyncio.run(upgrade(url))
    fill(url, seed=1203, count=count, year=YEAR)
    return path


def config_of_the_year() -> Config:
    """The hotline whose year it is: its queues and agencies."""
    import tomllib

    data = tomllib.loads(Path("docker/config/hotline.toml").read_text(encoding="utf-8"))
    for name in ("database", "node", "web"):
        data.pop(name, None)
    return Config(**data)


def run(paths: Sequence[Path], *, times: int, peers: bool) -> str:
    """Both claims; the report."""
    config = config_of_the_year()
    years = asyncio.run(measure(paths, config, times=times))
    said = [report(years)]
    if peers:
        with tempfile.TemporaryDirectory(prefix="hotline-duck-", dir="/var/tmp") as place:
            answers = [
                asyncio.run(by_figures(paths[-1])), by_sql(paths[-1]),
                by_duckdb(paths[-1], Path(place)),
            ]  # fmt: skip
        said += ["", compare(answers)]
    return "\n".join(said)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.figures", description=__doc__)
    parser.add_argument("databases", type=Path, nargs="*", metavar="DATABASE")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hotline-year-", dir="/var/tmp") as place:
        paths = options.databases or [
            made_year(Path(place) / f"{count}.db", count) for count in (20_000, 100_000)
        ]
        print(run(paths, times=options.times, peers=not options.no_peers), flush=True)


if __name__ == "__main__":
    main()
