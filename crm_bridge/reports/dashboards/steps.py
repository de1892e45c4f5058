"""Steps: how each was kept; and one step in every light: how long, when, in whose hands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.config import Config
from crm_bridge.figures.forms import AGENCY_STEPS, AGENT_STEPS, HOURS, STEPS, Form
from crm_bridge.figures.tallies import Tally
from crm_bridge.records.database import Database
from crm_bridge.records.figures_walk import whole
from crm_bridge.reports.dashboard import Chart, Dashboard
from crm_bridge.reports.dashboards import transfers
from crm_bridge.reports.dashboards.parts import (
    choices_of,
    heat,
    spans_chart,
    through_time,
    together,
    trend,
)
from crm_bridge.reports.dashboards.tables import FIGURES_OF_STEPS, cells_of_step, steps_table
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.links import calls_behind, dashboard, of_calls
from crm_bridge.reports.metrics import StepFigures, step_figures, timings
from crm_bridge.reports.names import agency_name, edition_of, place_of, step_name, step_of
from crm_bridge.reports.overview import Step
from crm_bridge.reports.period import Period
from crm_bridge.reports.reading import added_up, most_of
from crm_bridge.reports.sheets import Cell, Column, Kind, Sheet, Words

TAKES: Final = ("queue", "service", "step", "agent", "agency")
MOST: Final = 30
"""Officers or agencies of a table, those with the most timings."""
_SECOND: Final = 1_000_000


async def build(database: Database, config: Config, filters: Filters) -> Dashboard:
    """As `catalogue.Build` says."""
    form, only = _form(filters)
    keys = {k: v for k, v in only.items() if k not in {"service", "step"}}
    keys |= {"service": filters.service} if filters.service else {}
    async with database.reading() as connection:
        sums = await _sums(connection, form, filters.period, keys)
        before = await _sums(connection, form, filters.other, keys, spans=False)
        now, then = _steps(sums, filters.period), _steps(before, filters.other)
        blocks: list[Sheet | Chart] = []
        if filters.step:
            chosen = (tally for (_, step), tally in sums.items() if step == filters.step)
            one = together(form, chosen)
            blocks += await _one(connection, config, filters, form, only, one)
        blocks.append(steps_table(now, then, filters, form))
        return Dashboard(
            tuple(blocks),
            whole=await whole(connection),
            choices=await choices_of(connection, config, filters, TAKES),
        )


def _form(filters: Filters) -> tuple[Form, dict[str, str]]:
    """Where the timings asked for are kept: an officer's and an agency's are kept apart."""
    only = {k: v for k, v in filters.narrowed.items() if k in {"queue", "service", "step"}}
    if filters.agency:
        return AGENCY_STEPS, only | {"agency": filters.agency}
    if filters.agent:
        return AGENT_STEPS, only | {"agent": filters.agent}
    return STEPS, only


Sums = Mapping[tuple[Any, ...], Tally]


async def _sums(
    connection: AsyncConnection, form: Form, period: Period, only: Mapping[str, str], *,
    spans: bool = True,
) -> Sums:  # fmt: skip
    return await added_up(
        connection, form, ("service", "step"), since=period.since, until=period.until, only=only,
        spans=spans,
    )  # fmt: skip


def _steps(sums: Sums, period: Period) -> list[Step]:
    edition = edition_of(period)
    found = [Step(str(s), str(p), step_figures(tally)) for (s, p), tally in sums.items()]
    return sorted(found, key=lambda one: place_of(edition, one.service, one.step))


async def _one(
    connection: AsyncConnection, config: Config, filters: Filters, form: Form,
    only: dict[str, str], all_of_it: Tally,
) -> list[Sheet | Chart]:  # fmt: skip
    """One step: its spans, its trend, its hours, and by queue, officer and agency."""
    period, other = filters.period, filters.other
    services = edition_of(period).services
    service = filters.service or next(
        (s for s in services if filters.step in services[s].steps), ""
    )
    published = step_of(edition_of(period), service, filters.step)
    standard = published.seconds * _SECOND if published and published.seconds else None
    name = step_name(edition_of(period), service, filters.step)
    spans = all_of_it.spans[0]

    def bar(above: int | None, upto: int | None) -> str:
        return calls_behind(form, period, ["elapsed"], only, above=above, upto=upto)

    behind = bar if of_calls(filters.step) else None
    blocks: list[Sheet | Chart] = [
        spans_chart("spans", (f"ใช้เวลาเท่าใด: {name[0]}", f"How long it took: {name[1]}"), spans,
                    standard, behind)
    ]  # fmt: skip
    grain = filters.drawn_by
    now = await through_time(connection, form, (), period, grain, only)
    then = await through_time(connection, form, (), other, grain, only)
    figures = [(at, step_figures(t[()]) if t else None) for at, t in now]
    before = [(at, step_figures(t[()]) if t else None) for at, t in then]
    closed = (_closed(figures), _closed(before))
    kept: Words = ("ทันกำหนด", "Within standard")
    slow: Words = ("เวลาที่ 9 ใน 10 รายการใช้ไม่เกิน (p90)", "The time that 9 of 10 keep (p90)")
    blocks += [
        trend("compliance", kept, kept, "share", _each(figures, "compliance"),
              _each(before, "compliance"), filters, board="steps", of=closed),
        trend("p90", slow, ("p90", "p90"), "span", _each(figures, "p90"), _each(before, "p90"),
              filters, board="steps", goal=standard, goal_name=("มาตรฐาน", "standard"), of=closed),
    ]  # fmt: skip
    if form is STEPS:
        hours = await added_up(
            connection, HOURS, ("hour_of_week",), since=period.since, until=period.until, only=only,
            spans=False,
        )  # fmt: skip
        blocks.append(
            heat("hours", ("ทันกำหนดตามวันและชั่วโมง (%)", "Within standard by day and hour (%)"),
                 ("ทันกำหนด", "Within standard"), "share", hours, _kept,
                 ("สีเข้ม = ทันกำหนดน้อย", "dark = seldom within the standard"), filters,
                 ("within", "over"), only, low_is_dark=True, of=_timed)
        )  # fmt: skip
    parts: tuple[tuple[str, Form, Words], ...] = (
        ("queue", form, ("แยกตามคิว", "By queue")),
        ("agent", AGENT_STEPS, ("แยกตามเจ้าหน้าที่", "By officer")),
        ("agency", AGENCY_STEPS, ("แยกตามหน่วยงาน", "By agency")),
    )
    for key, of, title in parts:
        if key in only or (of is not form and form is not STEPS):
            continue
        blocks.append(await _apart(connection, config, filters, of, only, key, title))
    if filters.step == "transfer":
        blocks += await transfers.shares(connection, config, filters)
    return blocks


Told = list[tuple[int, StepFigures | None]]


def _each(figures: Told, name: str) -> list[tuple[int, float | int | None]]:
    return [(at, getattr(f, name) if f else None) for at, f in figures]


def _closed(figures: Told) -> list[int]:
    return [f.within + f.over if f else 0 for _, f in figures]


def _timed(n: dict[str, int]) -> int:
    return n["within"] + n["over"]


def _kept(n: dict[str, int]) -> float | None:
    closed = n["within"] + n["over"]
    return n["within"] / closed if closed else None


async def _apart(
    connection: AsyncConnection, config: Config, filters: Filters, form: Form,
    only: Mapping[str, str], key: str, title: Words,
) -> Sheet:  # fmt: skip
    period, other = filters.period, filters.other
    now, many = await most_of(
        connection, form, key, timings, MOST,
        since=period.since, until=period.until, only=only,
    )  # fmt: skip
    among = {**only, key: list(now)}
    then = await added_up(
        connection, form, (key,), since=other.since, until=other.until, only=among, spans=False
    )
    board = dashboard("steps", filters, **{key: ""})
    rows = []
    for shown, tally in now.items():
        name: Any = (
            agency_name(config, shown) if key == "agency" else shown or ("ไม่ระบุ", "Not named")
        )
        href = f"{board}&{key}={quote(shown)}" if shown else None
        was = then.get((shown,))
        rows.append(
            (Cell(name, href),
             *cells_of_step(step_figures(tally), step_figures(was) if was else None, filters,
                            {**only, key: shown}, form))
        )  # fmt: skip
    rows.sort(key=_most)
    columns = (Column(key, title, Kind.TEXT), *FIGURES_OF_STEPS)
    notes: tuple[Words, ...] = ()
    if many > MOST:
        notes = (
            (f"แสดง {MOST} รายการที่มีจำนวนมากที่สุดจาก {many} รายการ เลือกในตัวกรองเพื่อดูรายการอื่น",
             f"The {MOST} with the most of {many}; choose another one in the filters."),
        )  # fmt: skip
    return Sheet(f"by_{key}", title, columns, tuple(rows), notes)


def _most(row: tuple[Any, ...]) -> int:
    return -int(row[1].value)
