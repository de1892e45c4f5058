"""`hotline audit`: whether the log of acts and reads is whole, its rows, its head."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Annotated

import typer

from crm_bridge.commands import words
from crm_bridge.commands.exits import FOUND, run
from crm_bridge.commands.opened import opened, reads
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load, moment
from crm_bridge.records import audit_book
from crm_bridge.records.chain import Anchor

audit = typer.Typer(
    no_args_is_help=True, help="The log of acts and of reads of personal data, a chain of hashes."
)


@audit.command("verify")
def verify(
    config: ConfigFile = DEFAULT_CONFIG,
    anchor: Annotated[
        str | None,
        typer.Option(
            help="What `hotline audit anchor` printed, kept elsewhere: vouches for the end."
        ),
    ] = None,
    lang: words.Language = words.Lang.TH,
) -> None:
    """Read the whole log and name the first row that is not as it was written (exit 1).

    Without an anchor it cannot be seen that the last rows were cut off.

    Example:  hotline audit verify --anchor hotline-audit:1203:9f86d081…
    """
    wanted = None
    if anchor is not None and (wanted := Anchor.read(anchor)) is None:
        raise typer.BadParameter(
            f"{anchor!r} is no anchor; give the line that `hotline audit anchor` printed",
            param_hint="--anchor",
        )
    thai = lang is words.Lang.TH
    found = run(_verify(load(config).database.url, wanted))
    if thai:
        typer.echo(f"ตรวจแล้ว {found.checked:,} แถว ตั้งแต่แถว {found.first}")
    else:
        typer.echo(f"{found.checked:,} rows checked, from row {found.first}")
    if found.broken is not None:
        typer.echo(found.broken.th if thai else found.broken.en)
        raise typer.Exit(FOUND)
    if thai:
        typer.echo("บันทึกถูกต้องครบถ้วน" + ("" if wanted else " (ส่วนท้ายยืนยันได้ด้วย --anchor เท่านั้น)"))
    else:
        typer.echo(
            "the log is whole" + ("" if wanted else " (its end only --anchor can vouch for)")
        )
    if found.head is not None:
        typer.echo(str(found.head))


@audit.command("anchor")
def anchor(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Print the log's head, to be kept where nobody who can write the database can write.

    On paper, in an e-mail to the auditor: `hotline audit verify --anchor …` checks it.

    Example:  hotline audit anchor | mail -s "audit anchor" auditor@example.go.th
    """
    found = run(_head(load(config).database.url))
    if found is None:
        typer.echo("hotline: nothing is on record yet", err=True)
        raise typer.Exit(FOUND)
    typer.echo(str(found))


@audit.command("export")
def export(
    config: ConfigFile = DEFAULT_CONFIG,
    since: Annotated[
        str | None,
        typer.Option(metavar="ISO", help="Only rows at or after this moment."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="ISO", help="Only rows before this moment.")
    ] = None,
) -> None:
    """Write rows with their hashes, one JSON object a line, for somebody else to verify.

    docs/audit.md has the algorithm, and twenty lines that check it. That it was exported is a row
    of the log itself.

    Example:  hotline audit export --since 2026-11-01 > audit.jsonl
    """
    bounds = moment(since, "--since"), moment(until, "--until")
    run(_export(load(config).database.url, *bounds))


async def _verify(url: str, wanted: Anchor | None) -> audit_book.Verdict:
    async with opened(url) as database:
        return await audit_book.verify(database, wanted)


async def _head(url: str) -> Anchor | None:
    async with opened(url) as database, database.reading() as connection:
        return await audit_book.head(connection)


async def _export(url: str, since: int | None, until: int | None) -> None:
    async with opened(url) as database:
        await reads(database, since_us=since, until_us=until)
        async with aclosing(audit_book.rows(database, since=since, until=until)) as found:
            async for row in found:
                typer.echo(json.dumps(row.as_json(), ensure_ascii=False))
