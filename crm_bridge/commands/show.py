"""`hotline show CALL`: one call's life as a timeline, its steps with verdict and evidence."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from sqlalchemy import select

from crm_bridge.commands import words
from crm_bridge.commands.calls import WIDTH
from crm_bridge.commands.exits import FOUND, USAGE, fail, run
from crm_bridge.commands.opened import opened, reads
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.commands.story import gap_words, tell
from crm_bridge.commands.words import Lang, say, span
from crm_bridge.config import Config
from crm_bridge.records.calls import StoredCall, find_calls, load_call
from crm_bridge.records.database import Database
from crm_bridge.records.tables import calls as calls_table
from ivr.calls.call import Call, Role
from ivr.steps.timing import StepTiming

_MOST = 10


def show(
    call: Annotated[
        str, typer.Argument(metavar="CALL", help="A call's id or linkedid, or a part only it has.")
    ],
    config: ConfigFile = DEFAULT_CONFIG,
    lang: words.Language = Lang.TH,
    channels: Annotated[
        bool, typer.Option("--channels", help="Also every channel with its hang-up cause.")
    ] = False,
) -> None:
    """Show one call's life: every event, and every step with its standard and evidence.

    `last` is the call that entered last. Times are those of the office (Asia/Bangkok), to the
    millisecond, and seconds since the call entered.

    Example:  hotline show 1763900000.12 --lang en
    """
    run(_show(call, load(config), lang, channels))


async def _show(name: str, config: Config, lang: Lang, channels: bool) -> None:
    async with opened(config.database.url) as database:
        found = await _matching(database, name)
        if not found:
            fail(f"no call on record has {name!r} in its id", FOUND)
        if len(found) > 1:
            more = " …" if len(found) > _MOST else ""
            fail(f"{name!r} is part of several calls: {' '.join(found[:_MOST])}{more}", USAGE)
        stored = await load_call(database, found[0])
        if stored is None:
            fail(f"the call {found[0]} is gone", FOUND)
        await reads(database, [f"call:{stored.call.call_id}"])
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    console.print(life(stored, config, lang, channels=channels))


async def _matching(database: Database, name: str) -> list[str]:
    """Ids of the calls meant, exactly or by a part; at most one more than are listed."""
    query = select(calls_table.c.call_id)
    if name == "last":
        query = query.order_by(calls_table.c.entered_us.desc()).limit(1)
    elif exact := await find_calls(database, name):
        return exact
    else:
        query = query.where(calls_table.c.call_id.contains(name, autoescape=True))
        query = query.order_by(calls_table.c.entered_us).limit(_MOST + 1)
    async with database.reading() as connection:
        return list((await connection.execute(query)).scalars())


def life(stored: StoredCall, config: Config, lang: Lang, *, channels: bool = False) -> Group:
    """The whole of a call for the terminal."""
    call = stored.call
    agencies = {
        key: (agency.name_th if lang is Lang.TH else agency.name_en) or key
        for key, agency in config.agency.items()
    }
    pieces: list[Text | Table | Padding] = [
        _head(stored, lang),
        Text(),
        _timeline(call, lang, agencies),
    ]
    if stored.steps:
        pieces += [Text(), _steps(stored, lang)]
    gaps = gap_words(call, lang)
    if call.times_inferred:
        gaps.append(
            "บางเวลาใช้เวลาที่ข้อความมาถึง เพราะ Asterisk ไม่ได้ส่ง Timestamp"
            if lang is Lang.TH
            else "some times are those of arrival: Asterisk sent no Timestamp"
        )
    if gaps:
        pieces += [Text(), *(Text(f"! {gap}", style="yellow") for gap in gaps)]
    if channels and call.legs:
        pieces += [Text(), _channels(call)]
    return Group(*pieces)


def _head(stored: StoredCall, lang: Lang) -> Text:
    call = stored.call
    text = Text(call.call_id, style="bold")
    text.append("  ")
    text.append_text(words.outcome(call.outcome, lang))
    text.append("\n")
    text.append(words.local(call.entered_at, "%d %b %Y", lang))
    text.append(" · ")
    text.append_text(words.caller(stored, lang))
    if call.service:
        text.append(f" · {say(call.service, lang)}")
    if call.language:
        text.append(f" · {call.language}")
    if call.ended_at is not None:
        text.append(f" · {span(call.ended_at - call.entered_at, fine=True)}")
    return text


def _timeline(call: Call, lang: Lang, agencies: dict[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="cyan")
    table.add_column(no_wrap=True, justify="right", style="dim")
    table.add_column(max_width=24, style="bold")
    table.add_column()
    for moment in tell(call, lang, agencies):
        offset = (moment.at - call.entered_at) / 1_000_000
        table.add_row(
            words.clock(moment.at),
            f"{offset:+.3f}",
            Text(moment.actor),
            Text(moment.what, style="dim" if moment.quiet else ""),
        )
    return table


def _steps(stored: StoredCall, lang: Lang) -> Table:
    english = lang is Lang.EN
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("step" if english else "ขั้นตอน", max_width=48, overflow="fold")
    table.add_column("took" if english else "ใช้เวลา", justify="right", no_wrap=True)
    table.add_column("standard" if english else "มาตรฐาน", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("known from" if english else "หลักฐาน", no_wrap=True)
    for step in stored.steps:
        table.add_row(
            Text(words.step_name(step, stored.call.entered_at, lang)),
            span(step.elapsed, fine=True),
            span(None if step.standard_seconds is None else step.standard_seconds * 1_000_000),
            _verdict(stored.call, step, lang),
            say(step.evidence, lang),
        )
        for part, length in step.parts.items():
            table.add_row(Text(f"  {say(part, lang)}", style="dim"),
                          Text(span(length, fine=True), style="dim"))  # fmt: skip
    return table


def _verdict(call: Call, step: StepTiming, lang: Lang) -> Text:
    sign, style = words.MARKS.get(step.state, ("?", ""))
    text = Text(f"{sign} {say(step.state, lang)}", style=style)
    if words.not_reached(call, step):
        text.append(" " + ("↩ not reached" if lang is Lang.EN else "↩ ติดต่อไม่ได้"), style="yellow")
    return text


def _channels(call: Call) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("channel", "whose", "began", "answered", "ended", "cause"):
        table.add_column(name, no_wrap=name != "channel")
    for leg in call.legs:
        whose = (
            leg.role if leg.party is None or leg.role is Role.CALLER else f"{leg.role} {leg.party}"
        )
        table.add_row(
            Text(words.printable(leg.channel)),
            Text(words.printable(str(whose))),
            words.clock(leg.started_at),
            "–" if leg.answered_at is None else words.clock(leg.answered_at),
            "–" if leg.ended_at is None else words.clock(leg.ended_at),
            "–" if leg.cause is None else str(leg.cause),
        )
    return table
