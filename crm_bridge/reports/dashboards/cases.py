"""Cases: how they were settled against fifteen working days, and how old the open ones are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases import subjects
from crm_bridge.cases.workflow import STATES, State
from crm_bridge.charts.bars import Bar, Bars
from crm_bridge.clock import Clock, SystemClock
from crm_bridge.config import Config
from crm_bridge.figures.forms import AGENCY_CASES, CASES, CASES_BY, Form
from crm_bridge.figures.histogram import percentile
from crm_bridge.figures.tallies import Tally
from crm_bridge.records.database import Database
from crm_bridge.records.figures_walk import whole
from crm_bridge.reports import links, open_cases
from crm_bridge.reports.dashboard import Chart, Choice, Dashboard
from crm_bridge.reports.dashboards.parts import through_time, together, trend
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.names import agency_name
from crm_bridge.reports.period import Period
from crm_bridge.reports.reading import added_up
from crm_bridge.reports.sheets import Cell, Column, Kind, Sheet, Words

TAKES: Final = ("agency",)
_CASES, _SETTLED, _WITHIN, _OVER, _FIRST, _REOPENED = (
    CASES.counts.index(name)
    for name in ("cases", "settled", "settled_within", "settled_over", "first_contact", "reopened")
)

Sums = Mapping[tuple[Any, ...], Tally]


async def build(
    database: Database, config: Config, filters: Filters, *, clock: Clock | None = None
) -> Dashboard:
    """As `catalogue.Build` says; ages are by `clock`, the machine's where none is given."""
    period, other, grain = filters.period, filters.other, filters.drawn_by
    form = AGENCY_CASES if filters.agency else CASES_BY
    only = {"agency": filters.agency} if filters.agency else {}
    blocks: list[Sheet | Chart] = []
    async with database.reading() as connection:
        now = await _by_each(connection, form, period, only)
        then = await _by_each(connection, form, other, only, spans=False)
        sums = {key: (now.get(key, {}), then.get(key, {})) for key in CASES_BY.each}
        once = {**only, "what": "kind"}  # every case is of one kind
        days = await through_time(connection, form, (), period, grain, once)
        were = await through_time(connection, form, (), other, grain, once)
        named = await subjects.names(connection, [str(s) for (s,) in sums["subject"][0] if s])
        blocks.append(_table("kind", _KIND, *sums["kind"], _kind, filters))
        blocks += _trends(days, were, filters)
        blocks += await _open(connection, (clock or SystemClock()).now_us(), filters)
        blocks.append(
            _table("agency", ("หน่วยงาน", "Agency"), *sums["agency"],
                   lambda v: agency_name(config, v) if v else _UNASSIGNED, filters)
        )  # fmt: skip
        blocks.append(_table("province", ("จังหวัด", "Province"), *sums["province"], _plain, filters))
        blocks.append(
            _table("subject", ("หัวข้อเรื่อง", "Subject"), *sums["subject"],
                   lambda v: named.get(v, _plain(v)), filters)
        )  # fmt: skip
        known = sorted({str(a) for (a,) in sums["agency"][0] if a} | {filters.agency} - {""})
        return Dashboard(
            tuple(blocks),
            whole=await whole(connection),
            choices={"agency": tuple(Choice(a, agency_name(config, a)) for a in known)},
        )


async def _by_each(
    connection: AsyncConnection,
    form: Form,
    period: Period,
    only: dict[str, str],
    *,
    spans: bool = True,
) -> dict[str, dict[tuple[Any, ...], Tally]]:
    """Cases by kind, agency, province and subject; those of one agency are of it alone."""
    sums = await added_up(
        connection, form, ("what", "value"), since=period.since, until=period.until, only=only,
        spans=spans,
    )  # fmt: skip
    found: dict[str, dict[tuple[Any, ...], Tally]] = {}
    for (what, value), tally in sums.items():
        found.setdefault(str(what), {})[value,] = tally
    if only and "kind" in found:
        found["agency"] = {(only["agency"],): together(form, found["kind"].values())}
    return found


_KIND: Final[Words] = ("ประเภท", "Kind")
_KINDS: Final[dict[str, Words]] = {
    "complaint": ("เรื่องร้องเรียน", "Complaint"),
    "advice": ("เรื่องขอคำปรึกษา", "Request for advice"),
    "": ("ไม่ระบุ", "Not named"),
}


def _kind(value: str) -> Words:
    return _KINDS.get(value, (value, value))


_UNASSIGNED: Final[Words] = ("ยังไม่ได้มอบหมาย", "Not assigned")


def _plain(value: str) -> Words:
    return (value, value) if value else ("ไม่ระบุ", "Not named")


def _kept(tally: Tally | None) -> float | None:
    """Of those settled, the share within the standard."""
    if tally is None:
        return None
    within, over = tally.counts[_WITHIN], tally.counts[_OVER]
    return within / (within + over) if within + over else None


def _table(key: str, title: Words, now: Sums, then: Sums, named: Any, filters: Filters) -> Sheet:
    board = links.dashboard("cases", filters, agency="") if key == "agency" else None
    others = {"agency": filters.agency} if filters.agency and key != "agency" else {}
    behind_all = links.cases_behind(filters.period, (), others)
    rows = []
    for (value,), tally in sorted(now.items(), key=_most):
        n, times, name = tally.counts, tally.spans[0], quote_plus(str(value))
        href = f"{board}&agency={name}" if board and value else None
        base = f"{behind_all}&{key}={name}"
        behind = [
            f"{base}&count={name}" if count else None
            for name, count in zip(CASES.counts, n, strict=True)
        ]
        cells = [Cell(count, to) if to else count for count, to in zip(n, behind, strict=True)]
        rows.append(
            (Cell(named(str(value)), href), cells[_CASES], cells[_SETTLED], cells[_OVER],
             Cell(_kept(tally), behind[_WITHIN]), _kept(then.get((value,))), cells[_FIRST],
             cells[_REOPENED], percentile(times, 0.5), percentile(times, 0.9))
        )  # fmt: skip
    return Sheet(
        f"cases_by_{key}",
        title,
        (
            Column(key, title, Kind.TEXT),
            Column("cases", ("บันทึกเรื่อง", "Recorded"), suppressible=True),
            Column("settled", ("ได้ข้อยุติ", "Settled"), suppressible=True),
            Column("over", ("เกินกำหนด", "Over"), suppressible=True),
            Column("compliance", ("ทันกำหนด", "Within standard"), Kind.SHARE, "working_days"),
            Column("compliance_then", ("ช่วงที่เทียบ", "Compared"), Kind.SHARE,
                   then_of="compliance"),
            Column("first_contact", ("ยุติในครั้งแรก", "First contact"), metric="first_contact",
                   suppressible=True),
            Column("reopened", ("เปิดใหม่", "Reopened"), suppressible=True),
            Column("p50", ("เวลาทำการ มัธยฐาน", "Working time p50"), Kind.SPAN, "percentile"),
            Column("p90", ("เวลาทำการ p90", "Working time p90"), Kind.SPAN, "percentile"),
        ),
        tuple(rows),
        (_NOTE,) if rows else (),
    )  # fmt: skip


_NOTE: Final[Words] = (
    "นับตามวันที่บันทึกเรื่อง เวลาทำการ: วันทำการหนึ่งวันเขียนเป็น 24 ชั่วโมง",
    "By the day of recording. Working time: a working day is written as 24 hours.",
)


def _most(item: tuple[tuple[Any, ...], Tally]) -> tuple[int, str]:
    return -item[1].counts[_CASES], str(item[0])


def _trends(
    days: list[tuple[int, dict[tuple[Any, ...], Tally]]],
    were: list[tuple[int, dict[tuple[Any, ...], Tally]]],
    filters: Filters,
) -> list[Chart]:
    recorded: Words = ("บันทึกเรื่อง", "Cases recorded")
    kept: Words = (
        "ได้ข้อยุติทันกำหนด (ตามวันที่บันทึก)",
        "Settled in time (by day of recording)",
    )

    def count(of: dict[tuple[Any, ...], Tally]) -> int:
        return of[()].counts[_CASES] if of else 0

    def settled(of: dict[tuple[Any, ...], Tally]) -> int:
        return of[()].counts[_SETTLED] if of else 0

    def share(of: dict[tuple[Any, ...], Tally]) -> float | None:
        return _kept(of[()]) if of else None

    few = ([settled(d) for _, d in days], [settled(d) for _, d in were])
    return [
        trend("recorded", recorded, recorded, "count", [(at, count(d)) for at, d in days],
              [(at, count(d)) for at, d in were], filters, board="cases"),
        trend("kept", kept, ("ทันกำหนด", "Within standard"), "share",
              [(at, share(d)) for at, d in days], [(at, share(d)) for at, d in were], filters,
              board="cases", of=few),
    ]  # fmt: skip


async def _open(connection: AsyncConnection, now_us: int, filters: Filters) -> list[Sheet | Chart]:
    """Open cases as they stand now, whatever the days asked for: how old, and past their day."""
    if filters.agency:
        return []  # an agency's own open cases are on its own page
    found = await open_cases.counted(connection, now_us)
    names = [words for _, words in open_cases.AGES]
    title: Words = ("เรื่องที่ยังไม่ได้ข้อยุติขณะนี้ ตามอายุ", "Open cases now, by age")
    every = [sum(parts) for parts in zip(*found.values(), strict=True)]
    rows = [_of_state(state, STATES[state], counts) for state, counts in found.items()]
    if found:
        rows.append(_of_state(None, ("รวม", "All"), every))
    columns = [
        Column("state", ("สถานะ", "State"), Kind.TEXT),
        Column("open", ("ยังไม่ได้ข้อยุติ", "Open"), suppressible=True),
        Column("overdue", ("เกินกำหนด", "Overdue"), suppressible=True),
    ]
    columns += [Column(f"age_{n}", words, suppressible=True) for n, words in enumerate(names)]
    sheet = Sheet("cases_open", title, tuple(columns), tuple(rows))
    totals = every[2:]
    bars = tuple(Bar(w, (float(n),)) for w, n in zip(names, totals, strict=True)) if found else ()
    chart = Chart(
        "ages", title, Bars(title, bars, "count"),
        Sheet("ages", title,
              (Column("age", ("อายุ", "Age"), Kind.TEXT),
               Column("cases", ("เรื่อง", "Cases"), suppressible=True)),
              tuple((words, _open_cell(n, None, age=age))
                    for age, (words, n) in enumerate(zip(names, totals, strict=False)))),
    )  # fmt: skip
    return [chart, sheet]


def _of_state(state: State | None, name: Words, counts: list[int]) -> tuple[Any, ...]:
    every, late, *ages = counts
    return (
        name,
        _open_cell(every, state),
        _open_cell(late, state, overdue=True),
        *(_open_cell(n, state, age=age) for age, n in enumerate(ages)),
    )


def _open_cell(count: int, state: State | None, **more: Any) -> Cell:
    bad = bool(more.get("overdue")) and count > 0
    return Cell(count, links.open_cases(state, **more) if count else None, bad)
