"""`hotline calls`: the calls on record, as a table or as JSON lines."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crm_bridge.commands import words
from crm_bridge.commands.exits import run
from crm_bridge.commands.opened import opened, reads
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, Since, Until, load, moment
from crm_bridge.records.audit import LONGEST
from crm_bridge.records.calls import StoredCall, call_ids, calls_as_json, read_calls
from ivr.calls.call import Micros

WIDTH = 100
"""Columns of the table where the terminal is no narrower."""


def calls(
    config: ConfigFile = DEFAULT_CONFIG,
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl", envvar="HOTLINE_JSONL", help="One call a line as JSON, times in UTC."
        ),
    ] = False,
    since: Since = None,
    until: Until = None,
    lang: words.Language = words.Lang.TH,
) -> None:
    """Show the calls on record, in order of entry.

    Marks behind a step: ✓ within its standard, ✗ over it, … still open; ? its times are not
    all known; ↩ the agency was not reached. Times are those of the office (Asia/Bangkok).

    Example:  hotline calls --since 2026-11-23 --jsonl | jq .outcome
    """
    bounds = moment(since, "--since"), moment(until, "--until")
    run(_calls(load(config).database.url, jsonl, *bounds, lang))


async def _calls(
    url: str, jsonl: bool, since: Micros | None, until: Micros | None, lang: words.Lang
) -> None:
    async with opened(url) as database:
        ids, count = await call_ids(database, LONGEST, since, until)
        if count:
            about = [f"call:{call_id}" for call_id in ids]
            await reads(database, about, count=count, since_us=since, until_us=until)
        if jsonl:
            write = sys.stdout.write
            async for call in calls_as_json(database, since, until):
                write(json.dumps(call, ensure_ascii=False, separators=(",", ":")) + "\n")
            sys.stdout.flush()
            return
        found = [stored async for stored in read_calls(database, since, until)]
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    if not found:
        console.print("no calls on record" if since is until is None else "no calls in that time")
        return
    console.print(call_table(found, lang))


def call_table(found: list[StoredCall], lang: words.Lang) -> Table:
    """The calls as a table of at most 100 columns."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column(words.say("entered", lang), no_wrap=True)
    table.add_column(words.say("caller", lang), max_width=18)
    table.add_column(words.say("service", lang), no_wrap=True)
    table.add_column(words.say("outcome", lang), no_wrap=True)
    table.add_column(words.say("officer", lang), max_width=9)
    table.add_column(words.say("wait", lang), justify="right", no_wrap=True)
    table.add_column(words.say("talk", lang), justify="right", no_wrap=True)
    table.add_column(words.say("steps", lang))
    for stored in found:
        call = stored.call
        table.add_row(
            words.local(call.entered_at, "%d/%m %H:%M:%S", lang),
            words.caller(stored, lang, apart="\n"),
            words.service(call.service, lang),
            words.outcome(call.outcome, lang),
            " ".join(dict.fromkeys(part.agent for part in call.agents)) or Text("–", style="dim"),
            words.span(words.waited(call)),
            words.span(words.talked(call)),
            words.step_marks(stored.call, stored.steps, lang),
        )
    return table
