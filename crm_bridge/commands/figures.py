"""`hotline figures`: how the standards are kept, and counting all calls anew."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from crm_bridge.commands import words
from crm_bridge.commands.calls import WIDTH
from crm_bridge.commands.exits import run
from crm_bridge.commands.opened import opened
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.config import Config
from crm_bridge.desk.desk_figures import SOURCES
from crm_bridge.records import figures_walk
from crm_bridge.reports import metrics
from crm_bridge.reports.overview import Officer, Queue, Step, overview
from crm_bridge.reports.period import Period
from ivr.calls.call import Micros

figures = typer.Typer(
    no_args_is_help=True, help="How the published standards are kept, in figures."
)

_PAGE: Final = 1_000
"""Calls a transaction: a fifth of a second, which the line can wait."""
_WORDS: Final = {
    "queue": ("คิว", "queue"),
    "officer": ("เจ้าหน้าที่", "officer"),
    "timings": ("จำนวน", "timings"),
    "median": ("มัธยฐาน", "p50"),
    "longest": ("นานสุด", "longest"),
    "wait": ("รอเฉลี่ย", "ASA"),
    "handled": ("ให้บริการ", "handled"),
    "talk": ("สนทนา", "talk"),
    "hold": ("พักสาย", "hold"),
    "wrap_up": ("บันทึก", "wrap-up"),
    "answered": ("รับแล้ว", "answered"),
    "nothing": ("ไม่มีสายที่จบแล้วในช่วงเวลานี้", "no call was over in that time"),
    "calls": ("สายเข้า + โทรออก", "inbound + outbound calls"),
}  # fmt: skip


@figures.command("show")
def show(
    config: ConfigFile = DEFAULT_CONFIG,
    first: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            envvar="HOTLINE_FIRST",
            help="The first day, on the office's calendar.",
        ),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], envvar="HOTLINE_LAST", help="The last day, included."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", envvar="HOTLINE_JSON", help="As JSON; spans in microseconds.")
    ] = False,
    formulas: Annotated[
        bool, typer.Option("--formulas", help="Each figure's definition below the tables.")
    ] = False,
    lang: words.Language = words.Lang.TH,
) -> None:
    """Show how each step, queue and officer did; calls in progress are not in it.

    Steps and queues by the quarter of an hour in which they began, officers by the day. Percentiles
    and the longest are right to 1 %, counts exactly.

    Example:  hotline figures show --first 2026-11-01 --last 2026-11-30 --lang en
    """
    bounds = (
        None if first is None else Period(first.date(), first.date()).since,
        None if last is None else Period(last.date(), last.date()).until,
    )
    run(_show(load(config), *bounds, as_json, formulas, lang))


@figures.command("rebuild")
def rebuild(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Count all calls, cases and sittings anew; the line and the desk may go on meanwhile.

    Until it is through, figures lack what is not counted yet, and say so. Broken off, it goes on
    where it was with the next `run`, or with `hotline figures resume`.
    """
    run(_rebuild(load(config).database.url, anew=True))


@figures.command("resume")
def resume(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Count the calls that are not in the figures yet, as after an upgrade; `run` does it too."""
    run(_rebuild(load(config).database.url, anew=False))


async def _rebuild(url: str, *, anew: bool) -> None:
    async with opened(url) as database:
        if anew:
            await figures_walk.begin_anew(database)
        walk = figures_walk.Walk(database, SOURCES)
        try:
            count = await figures_walk.calls_on_record(database)
            with Progress(disable=not sys.stderr.isatty(), console=Console(stderr=True)) as bar:
                task = bar.add_task("calls", total=count)
                looked = 0
                while found := await walk.step(_PAGE):
                    looked += found
                    bar.update(task, advance=found)
        finally:
            await walk.close()
    typer.echo(f"{looked:,} calls and other things looked at; all is in the figures")


async def _show(
    config: Config, since: Micros | None, until: Micros | None, as_json: bool, formulas: bool,
    lang: words.Lang,
) -> None:  # fmt: skip
    async with opened(config.database.url) as database:
        found = await overview(database, config, since, until)
    if as_json:
        sys.stdout.write(json.dumps(asdict(found), ensure_ascii=False) + "\n")
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    if not found.whole:
        console.print(
            "ยังนับสายเก่าไม่ครบ ตัวเลขยังไม่สมบูรณ์ (hotline figures resume)"
            if lang is words.Lang.TH
            else "not all calls are counted yet, the figures lack some (hotline figures resume)",
            style="yellow",
        )
    if found.empty:
        console.print(_say("nothing", lang))
        return
    console.print(f"{_say('calls', lang)}: {found.calls:,} + {found.outbound:,}\n")
    for table in (steps_table(found.steps, lang), _queues(found.queues, lang),
                  _agents(found.agents, lang)):  # fmt: skip
        if table.row_count:
            console.print(table)
            console.print()
    if formulas:
        english = lang is words.Lang.EN
        for metric in metrics.METRICS.values():
            console.print(
                f"{metric.name[english]} = {metric.formula[english]} "
                f"({metric.source}, v{metric.version})"
            )


def steps_table(found: Sequence[Step], lang: words.Lang) -> Table:
    """Steps and how they were kept, as they stand in a terminal."""
    table = _table(lang, ("service", "step"), ("timings", "compliance", "over", "open", "median",
                          "p90", "p95", "longest", "not_observed"))  # fmt: skip
    for row in found:
        n = row.figures
        table.add_row(
            words.say(row.service, lang), words.say(row.step, lang), f"{n.timings:,}",
            _share(n.compliance), f"{n.over:,}", f"{n.open:,}",
            *map(words.span, (n.p50, n.p90, n.p95, n.longest)), _share(n.not_observed),
        )  # fmt: skip
    return table


def _queues(found: Sequence[Queue], lang: words.Lang) -> Table:
    table = _table(lang, ("queue",), ("offered", "answered", "abandonment", "short", "wait", "p90",
                                      "service_level"))  # fmt: skip
    for row in found:
        n = row.figures
        limit = f"≤ {row.service_level_seconds:g} s (n {n.service_level_of:,})"
        table.add_row(
            row.queue, f"{n.offered:,}", f"{n.answered:,}", _share(n.abandonment), f"{n.short:,}",
            words.span(n.asa), words.span(n.p90), f"{_share(n.service_level)} {limit}",
        )  # fmt: skip
    return table


def _agents(found: Sequence[Officer], lang: words.Lang) -> Table:
    table = _table(lang, ("officer",), ("handled", "talk", "hold", "wrap_up", "aht"))
    for row in found:
        n = row.figures
        spans = map(words.span, (n.talk, n.hold, n.wrap_up, n.aht))
        table.add_row(row.agent, f"{n.handled:,}", *spans)
    return table


def _table(lang: words.Lang, names: tuple[str, ...], numbers: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for name in names:
        table.add_column(_say(name, lang), no_wrap=True)
    for name in numbers:
        table.add_column(_say(name, lang), justify="right")
    return table


def _say(word: str, lang: words.Lang) -> str:
    english = lang is words.Lang.EN
    if word in _WORDS:
        return _WORDS[word][english]
    metric = metrics.METRICS.get(word)
    return words.say(word, lang) if metric is None else metric.name[english]


def _share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
