"""Officers: what each handled, and how the time was spent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crm_bridge.charts.bars import Bar, Bars
from crm_bridge.clock import Clock, SystemClock
from crm_bridge.config import Config
from crm_bridge.figures.forms import AGENT_STEPS, AGENTS, HANDLINGS
from crm_bridge.figures.tallies import Tally
from crm_bridge.records.database import Database
from crm_bridge.records.figures_walk import whole
from crm_bridge.reports.dashboard import Chart, Dashboard
from crm_bridge.reports.dashboards.officer_times import time_table
from crm_bridge.reports.dashboards.parts import choices_of, through_time, trend
from crm_bridge.reports.dashboards.tables import officers_table, steps_table
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.links import dashboard
from crm_bridge.reports.metrics import AgentFigures, agent_figures, step_figures
from crm_bridge.reports.names import edition_of, place_of
from crm_bridge.reports.overview import Officer, Step
from crm_bridge.reports.reading import added_up
from crm_bridge.reports.sheets import Cell, Column, Kind, Sheet, Words

TAKES: Final = ("queue", "agent")
_MOST: Final = 25
"""Officers who are drawn; the table has them all."""


async def build(
    database: Database, config: Config, filters: Filters, *, clock: Clock | None = None
) -> Dashboard:
    """As `catalogue.Build` says; shifts are over by `clock`, the machine's where none is given."""
    period, other, grain = filters.period, filters.other, filters.drawn_by
    only = {k: v for k, v in filters.narrowed.items() if k in TAKES}
    async with database.reading() as connection:
        now = await added_up(
            connection, AGENTS, ("agent",), since=period.since, until=period.until, only=only,
            spans=False,
        )  # fmt: skip
        then = await added_up(
            connection, AGENTS, ("agent",), since=other.since, until=other.until, only=only,
            spans=False,
        )  # fmt: skip
        form = AGENTS if filters.agent else HANDLINGS
        days = await through_time(connection, form, (), period, grain, only, spans=False)
        were = await through_time(connection, form, (), other, grain, only, spans=False)
        officers = _officers(now)
        blocks: list[Sheet | Chart] = [
            officers_table(officers, _officers(then), filters),
            *_trends(_told(days), _told(were), filters),
            _bars(officers, filters),
        ]
        if not filters.queue:  # who sits at the desk sits there for every queue
            at = (clock or SystemClock()).now_us()
            blocks.append(await time_table(connection, officers, filters, at))
        if filters.agent:
            sums = await added_up(
                connection, AGENT_STEPS, ("service", "step"), since=period.since,
                until=period.until, only=only,
            )  # fmt: skip
            before = await added_up(
                connection, AGENT_STEPS, ("service", "step"), since=other.since,
                until=other.until, only=only,
            )  # fmt: skip
            blocks.append(steps_table(_steps(filters, sums), _steps(filters, before), filters,
                                      AGENT_STEPS))  # fmt: skip
        return Dashboard(
            tuple(blocks),
            whole=await whole(connection),
            choices=await choices_of(connection, config, filters, TAKES),
        )


def _officers(sums: Mapping[tuple[Any, ...], Tally]) -> list[Officer]:
    return [Officer(str(name), agent_figures(tally)) for (name,), tally in sums.items()]


def _steps(filters: Filters, sums: Mapping[tuple[Any, ...], Tally]) -> list[Step]:
    edition = edition_of(filters.period)
    found = [Step(str(s), str(p), step_figures(tally)) for (s, p), tally in sums.items()]
    return sorted(found, key=lambda one: place_of(edition, one.service, one.step))


Told = list[tuple[int, AgentFigures | None]]


def _told(days: list[tuple[int, dict[tuple[Any, ...], Tally]]]) -> Told:
    return [(at, agent_figures(of[()]) if of else None) for at, of in days]


def _trends(now: Told, then: Told, filters: Filters) -> list[Chart]:
    handled: Words = ("ให้บริการ (ครั้ง)", "Handled")
    aht: Words = ("เวลาให้บริการเฉลี่ย", "Average handle time")
    of = ([f.handled if f else 0 for _, f in now], [f.handled if f else 0 for _, f in then])
    return [
        trend("handled", handled, handled, "count", [(at, f.handled if f else 0) for at, f in now],
              [(at, f.handled if f else 0) for at, f in then], filters, board="officers"),
        trend("aht", aht, aht, "span", [(at, f.aht if f else None) for at, f in now],
              [(at, f.aht if f else None) for at, f in then], filters, board="officers", of=of),
    ]  # fmt: skip


def _bars(officers: list[Officer], filters: Filters) -> Chart:
    """The mean of a handling, by officer: talk, hold and wrap-up end to end."""
    title: Words = ("เวลาเฉลี่ยต่อครั้ง", "Mean time of a handling")
    legend: tuple[Words, ...] = (
        ("สนทนา", "talk"), ("พักสาย", "hold"), ("บันทึก", "wrap-up"),
    )  # fmt: skip
    most = sorted(officers, key=lambda o: -o.figures.handled)[:_MOST]
    bars = []
    for o in most:
        n = o.figures
        if n.handled:
            parts = tuple(float(part // n.handled) for part in (n.talk, n.hold, n.wrap_up))
            bars.append(Bar((o.agent, o.agent), parts))
    columns = [Column("agent", ("เจ้าหน้าที่", "Officer"), Kind.TEXT)]
    columns += [
        Column(name, words, Kind.SPAN)
        for name, words in zip(("talk", "hold", "wrap_up"), legend, strict=True)
    ]
    rows = tuple(
        (Cell(bar.label, dashboard("officers", filters, agent=bar.label[0])),
         *(round(part) for part in bar.parts))
        for bar in bars
    )  # fmt: skip
    return Chart(
        "handling", title, Bars(title, tuple(bars), "span", legend),
        Sheet("handling", title, tuple(columns), rows),
    )  # fmt: skip
