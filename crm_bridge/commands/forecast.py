"""`hotline forecast`: calls of days to come, and the officers they need."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from crm_bridge.cases.working_days import office_day
from crm_bridge.clock import SystemClock
from crm_bridge.commands import words
from crm_bridge.commands.calls import WIDTH
from crm_bridge.commands.exits import run
from crm_bridge.commands.opened import opened
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.config import Config
from crm_bridge.reports.forecast_json import as_json
from crm_bridge.reports.forecast_sheets import days_sheet, half_hours_sheet
from crm_bridge.reports.forecasting import DAYS, MOST_DAYS, Asked, Forecast, Forecasts
from crm_bridge.reports.sheets import Cell, Kind, Sheet
from crm_bridge.written import length_text, share_text

_UNKNOWN: Final = "–"
_LEFT_OUT: Final = {"busiest", "abandoning", "occupancy"}
"""Columns that a terminal has no room for."""
_NONE: Final = (
    "ยังไม่มีสายในอดีตให้เรียนรู้ จึงยังพยากรณ์ไม่ได้",
    "there are no past calls to learn from yet, so nothing can be forecast",
)
_LACKING: Final = (
    "ยังนับสายเก่าไม่ครบ ตัวเลขยังไม่สมบูรณ์ (hotline figures resume)",
    "not all calls are counted yet, the figures lack some (hotline figures resume)",
)


def forecast(
    config: ConfigFile = DEFAULT_CONFIG,
    first: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            envvar="HOTLINE_FIRST",
            help="The first day, on the office's calendar; tomorrow where none is given.",
        ),
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=MOST_DAYS, envvar="HOTLINE_DAYS", help="How many days.")
    ] = DAYS,
    queue: Annotated[
        str, typer.Option(envvar="HOTLINE_QUEUE", help="One queue; all together without it.")
    ] = "",
    half_hours: Annotated[
        bool, typer.Option("--half-hours", help="Every half-hour, not only the days.")
    ] = False,
    as_json_: Annotated[
        bool, typer.Option("--json", envvar="HOTLINE_JSON", help="As JSON, half-hours included.")
    ] = False,
    lang: words.Language = words.Lang.TH,
) -> None:
    """Forecast calls by the half-hour, and the officers needed for the service level.

    From a year of the figures, by working days and holidays; officers by Erlang A with the patience
    that callers showed. What if it were otherwise: /figures/forecast.

    Example:  hotline forecast --first 2026-12-01 --days 14 --lang en
    """
    run(_show(load(config), first, days, queue, half_hours, as_json_, lang))


async def _show(
    config: Config, first: datetime | None, days: int, queue: str, half_hours: bool,
    json_wanted: bool, lang: words.Lang,
) -> None:  # fmt: skip
    clock = SystemClock()
    today = office_day(clock.now_us())
    begin = today + timedelta(days=1) if first is None else first.date()
    if begin < today:
        raise typer.BadParameter(f"{begin} is over; the first day is {today} or later")
    if queue and queue not in config.queue:
        known = ", ".join(sorted(config.queue))
        raise typer.BadParameter(f"there is no queue {queue!r}; hotline.toml has {known}")
    async with opened(config.database.url) as database:
        found = await Forecasts().make(database, config, clock, Asked(begin, days, queue))
    if json_wanted:
        sys.stdout.write(json.dumps(as_json(found), ensure_ascii=False, default=str) + "\n")
        return
    _print(found, half_hours, lang)


def _print(found: Forecast, half_hours: bool, lang: words.Lang) -> None:
    english = lang is words.Lang.EN
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    if not found.whole:
        console.print(_LACKING[english], style="yellow")
    if not found.model.used:
        console.print(_NONE[english])
        return
    sheet = days_sheet(found)
    for one in (sheet, half_hours_sheet(found, found.days)) if half_hours else (sheet,):
        console.print(_table(one, lang))
        for note in one.notes:
            console.print(note[english], style="dim")


def _table(sheet: Sheet, lang: words.Lang) -> Table:
    english = lang is words.Lang.EN
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    shown = [(n, one) for n, one in enumerate(sheet.columns) if one.id not in _LEFT_OUT]
    for _, column in shown:
        right = column.kind is not Kind.TEXT
        table.add_column(column.name[english], justify="right" if right else "left")
    for row in sheet.rows:
        table.add_row(*(_text(row[n], column.kind, lang) for n, column in shown))
    return table


def _text(cell: Any, kind: Kind, lang: words.Lang) -> str:
    value = cell.value if isinstance(cell, Cell) else cell
    if value is None:
        return _UNKNOWN
    if isinstance(value, tuple):
        return str(value[lang is words.Lang.EN])
    if kind is Kind.SHARE:
        return share_text(value)
    if kind is Kind.SPAN:
        return length_text(value, lang.value)
    return f"{value:,.1f}" if kind is Kind.NUMBER else str(value)
