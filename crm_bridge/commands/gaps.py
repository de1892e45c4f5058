"""`hotline gaps`: what was not heard of the lines, and what filled it."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from crm_bridge.clock import iso
from crm_bridge.commands import words
from crm_bridge.commands.calls import WIDTH
from crm_bridge.commands.exits import run
from crm_bridge.commands.opened import opened
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, Since, Until, load, moment
from crm_bridge.reconciling.gap_book import LineGap, line_gaps_of
from crm_bridge.reconciling.words import BOOKS, CAUSES, NO_CALLS, NOT_READ, NOTHING_YET
from ivr.calls.call import Micros


def gaps(
    config: ConfigFile = DEFAULT_CONFIG,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", envvar="HOTLINE_JSONL", help="One gap a line as JSON.")
    ] = False,
    since: Since = None,
    until: Until = None,
    lang: words.Language = words.Lang.TH,
) -> None:
    """Show the spans in which nothing was heard: cause, calls touched, what filled them.

    Example:  hotline gaps --since 2026-11-01 --lang en
    """
    bounds = moment(since, "--since"), moment(until, "--until")
    found = run(_gaps(load(config).database.url, *bounds))
    if jsonl:
        for gap in found:
            sys.stdout.write(json.dumps(as_json(gap), separators=(",", ":")) + "\n")
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    if not found:
        console.print("nothing was missed" if lang is words.Lang.EN else "ไม่มีช่วงที่ไม่ได้ยิน")
        return
    console.print(gap_table(found, lang))


async def _gaps(url: str, since: Micros | None, until: Micros | None) -> list[LineGap]:
    async with opened(url) as database, database.reading() as connection:
        return await line_gaps_of(connection, since, until)


def as_json(gap: LineGap) -> dict[str, Any]:
    """A gap with its calls; moments as ISO 8601 in UTC."""
    return {
        "node": gap.node,
        "from": iso(gap.started_at),
        "to": None if gap.ended_at is None else iso(gap.ended_at),
        "cause": gap.cause or None,
        "books_read_at": None if gap.read_at is None else iso(gap.read_at),
        "calls": [
            {"call_id": call.call_id, "filled_by": call.filled_by, "end_known": call.end_known}
            for call in gap.touched
        ],
    }


def gap_table(found: list[LineGap], lang: words.Lang) -> Table:
    """The gaps as a table of at most 100 columns."""
    english = lang is words.Lang.EN
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    heads = (
        ("ตั้งแต่", "from"), ("ถึง", "to"), ("สาเหตุ", "cause"), ("สาย", "calls"),
        ("เติมจาก", "filled by"), ("ยังไม่ทราบ", "unknown"),
    )  # fmt: skip
    for n, head in enumerate(heads):
        table.add_column(head[english], no_wrap=n < 2, justify="right" if n in {3, 5} else "left")
    for gap in found:
        end = "…" if gap.ended_at is None else words.local(gap.ended_at, "%d/%m %H:%M:%S", lang)
        table.add_row(
            words.local(gap.started_at, "%d/%m %H:%M:%S", lang), end,
            CAUSES.get(gap.cause, CAUSES[""])[english], str(len(gap.touched)),
            _filled(gap)[english], _unknown(gap),
        )  # fmt: skip
    return table


def _filled(gap: LineGap) -> tuple[str, str]:
    if gap.filled_by:
        th, en = zip(*(BOOKS[book] for book in gap.filled_by), strict=True)
        return ", ".join(th), ", ".join(en)
    if gap.touched:
        return NOTHING_YET
    return NO_CALLS if gap.checked else NOT_READ


def _unknown(gap: LineGap) -> str:
    """How many calls; `?` where there may be others."""
    known = str(len(gap.unknown)) if gap.unknown else ""
    return known + ("" if gap.checked else "?") or "–"
