"""`hotline retention`: removes what is kept no longer, or shows what would be."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from crm_bridge.clock import SystemClock
from crm_bridge.commands import words
from crm_bridge.commands.calls import WIDTH
from crm_bridge.commands.exits import run
from crm_bridge.commands.opened import opened
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.config import Config
from crm_bridge.retention.removing import Removed, look, remove
from crm_bridge.written import day_text, office_time


def retention(
    config: ConfigFile = DEFAULT_CONFIG,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what is too old; nothing is removed.")
    ] = False,
    lang: words.Language = words.Lang.TH,
) -> None:
    """Remove personal data whose period is over, with a row of proof in the audit log for each.

    The bridge does it by itself each night; periods stand under [retention]. What the law keeps
    stays. Recordings have rounds of their own ([recordings]).

    Example:  hotline retention --dry-run
    """
    found = run(_work(load(config), dry_run))
    english = lang is words.Lang.EN
    heads = (
        ("Category", "Days kept", "Too old" if dry_run else "Removed", "Oldest", "Newest")
        if english
        else ("ประเภท", "เก็บ (วัน)", "เกินกำหนด" if dry_run else "ลบแล้ว", "เก่าสุด", "ใหม่สุด")
    )
    table = Table(box=None, padding=(0, 2, 0, 0))
    for n, head in enumerate(heads):
        table.add_column(head, justify="right" if n in {1, 2} else "left")
    for one in found:
        table.add_row(
            one.en if english else one.th, f"{one.days:,}", f"{one.count:,}",
            _day(one.oldest_us, lang), _day(one.newest_us, lang),
        )  # fmt: skip
    Console(width=WIDTH, highlight=False).print(table)


async def _work(config: Config, dry_run: bool) -> list[Removed]:
    async with opened(config.database.url) as database:
        work = look if dry_run else remove
        return await work(database, SystemClock(), config.retention)


def _day(moment: int | None, lang: words.Lang) -> str:
    return "–" if moment is None else day_text(office_time(moment).date(), lang.value)
