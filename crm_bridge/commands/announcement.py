"""`hotline announcement`: the emergency message, put on the line with no bridge and no page.

It goes into the records and straight to every Asterisk; a bridge that runs sees it a moment later.
Where the records are away it goes to every Asterisk all the same.
"""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import SystemClock
from crm_bridge.commands import words
from crm_bridge.commands.exits import FOUND, STORAGE, connecting_ended, plain, run
from crm_bridge.commands.opened import opened
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.config import Config
from crm_bridge.desk import announcements
from crm_bridge.desk.announcements import SILENCE, Place
from crm_bridge.errors import StorageError
from crm_bridge.nodes import connected_to
from crm_bridge.written import moment_text, office_time
from ivr.ami.actions import Action
from ivr.ami.client import Client
from ivr.ami.errors import AmiError
from ivr.calls.call import Micros
from ivr.prompts.catalogue import announceable
from ivr.prompts.shelf import Shelf
from ivr.steps.standards import OFFICE_ZONE

announcement = typer.Typer(
    help="The emergency message: put it on the line at once, take it off, show it.",
    no_args_is_help=True,
)

_SAID = {
    "none": ("ไม่มีประกาศบนสาย", "no message is on the line"),
    "on": ("ประกาศ {0} ถึง {1}", "{0} until {1}"),
    "stands": ("{0}: เล่นตามนี้", "{0}: so it is played"),
    "unkept": (
        "ยังไม่มีในบันทึก: เมื่อฐานข้อมูลกลับมา ระบบจะบันทึกให้เอง",
        "not on record: a bridge puts it there when the records are back",
    ),
    "unended": (
        "ยังไม่มีในบันทึก: เมื่อฐานข้อมูลกลับมา ให้สั่งอีกครั้ง มิฉะนั้นระบบจะเปิดประกาศอีก",
        "not on record: say it again when the records are back, or a bridge puts it on again",
    ),
    "not": ("{0}: ยังไม่ยืนยัน ({1})", "{0}: not confirmed ({1})"),
}


def _say(what: str, lang: words.Lang, *names: str) -> str:
    return _SAID[what][lang is words.Lang.EN].format(*names)


@announcement.command("on")
def on(
    prompt: Annotated[str, typer.Argument(help="Its name, for example announce-evacuated.")],
    until: Annotated[
        str,
        typer.Option(
            envvar="HOTLINE_UNTIL", help="Its end, Bangkok time: 18:30 or 2026-11-29T18:30."
        ),
    ],
    place: Annotated[
        Place,
        typer.Option(
            envvar="HOTLINE_PLACE",
            help="Where it is heard: before the welcome, or instead of the menu.",
        ),
    ] = Place.BEFORE,
    config: ConfigFile = DEFAULT_CONFIG,
    lang: words.Language = words.Lang.TH,
) -> None:
    """Put a recorded prompt on the line; every next caller hears it.

    Exit code 1 where an Asterisk has not confirmed it, 4 where it is on the line but on no record.

    Example:  hotline announcement on announce-evacuated --until 18:30 --place instead
    """
    loaded = load(config, nodes=True)
    shelves = [Shelf(node.sounds) for node in loaded.node if node.sounds]
    named = prompt if "/" in prompt else f"hotline/{prompt}"
    choice = next((c for c in announcements.choices(shelves) if c.prompt.id == named), None)
    if choice is None:
        known = ", ".join(p.id.removeprefix("hotline/") for p in announceable())
        raise typer.BadParameter(f"there is no {prompt!r}; there are {known}", param_hint="PROMPT")

    async def work() -> bool:
        now = SystemClock().now_us()
        made = announcements.wished(now, _me(), choice, place, _end(until, now))
        fault = await _kept(loaded, partial(announcements.begin, made=made))
        typer.echo(_say("on", lang, made.prompt, moment_text(made.until_us, lang.value)))
        every = await _everywhere(loaded, lang, lambda act: announcements.put(act, made.stands))
        _unkept(fault, "unkept", lang, every)
        return every

    _end_as(run(work()))


@announcement.command("off")
def off(config: ConfigFile = DEFAULT_CONFIG, lang: words.Language = words.Lang.TH) -> None:
    """Take the message off the line.

    Exit code 1 where an Asterisk has not confirmed it, 4 where that is on no record.

    Example:  hotline announcement off
    """
    loaded = load(config, nodes=True)

    async def work() -> bool:
        now = SystemClock().now_us()
        fault = await _kept(loaded, partial(announcements.end, now=now, by=_me()))
        typer.echo(_say("none", lang))
        every = await _everywhere(loaded, lang, lambda act: announcements.put(act, SILENCE))
        _unkept(fault, "unended", lang, every)
        return every

    _end_as(run(work()))


@announcement.command("show")
def show(config: ConfigFile = DEFAULT_CONFIG, lang: words.Language = words.Lang.TH) -> None:
    """Say what is on, and whether each Asterisk plays it. Exit code 1 where one does not.

    Example:  hotline announcement show
    """
    loaded = load(config, nodes=True)

    async def work() -> bool:
        async with opened(loaded.database.url) as database, database.reading() as connection:
            found = await announcements.running(connection, SystemClock().now_us())
        if found is None:
            typer.echo(_say("none", lang))
        else:
            until = moment_text(found.until_us, lang.value)
            typer.echo(_say("on", lang, found.prompt, until))
        wanted = SILENCE if found is None else found.stands

        async def so(act: announcements.Act) -> bool:
            there = await announcements.shown(act)
            return there == wanted or (found is None and _over(there))

        return await _everywhere(loaded, lang, so)

    _end_as(run(work()))


async def _everywhere(
    config: Config, lang: words.Lang, do: Callable[[announcements.Act], Awaitable[bool]]
) -> bool:
    """Does it at every Asterisk and says how it came out; whether all have confirmed it."""
    every = True
    for node in config.node:
        why = "dialplan/announcement.conf?"
        try:
            async with connected_to(node) as client:
                done = await do(partial(_act, client))
        except AmiError as error:
            done, why = False, str(error)
        typer.echo(_say("stands" if done else "not", lang, node.label, why))
        every = every and done
    return every


async def _act(client: Client, action: Action) -> dict[str, str]:
    return await client.act({**action, "ActionID": client.new_id("announcement")})


def _over(there: str) -> bool:
    """Whether what stands there is heard no more."""
    until = there.partition(":")[0]
    return not until.isdecimal() or int(until) <= SystemClock().now_us() // 1_000_000


def _end(text: str, now: Micros) -> Micros:
    """The moment, from a time of day (the next one) or a moment on the office's clock."""
    here = office_time(now)
    try:
        found = datetime.fromisoformat(text if "-" in text else f"{here:%Y-%m-%d}T{text}")
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time; write 18:30 or 2026-11-29T18:30", param_hint="--until"
        ) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=OFFICE_ZONE)
    if "-" not in text and found <= here:
        found += timedelta(days=1)
    return round(found.timestamp() * 1_000_000)


def _me() -> str:
    """Who sits at this machine."""
    return f"{getpass.getuser()} (hotline announcement)"


async def _kept(
    config: Config, do: Callable[[AsyncConnection], Awaitable[object]]
) -> StorageError | None:
    """Puts it on record; what prevented that. The line must hear of it with no records there."""
    try:
        async with opened(config.database.url) as database, database.writing() as connection:
            await do(connection)
    except StorageError as fault:
        await connecting_ended()
        return fault
    return None


def _unkept(fault: StorageError | None, what: str, lang: words.Lang, every: bool) -> None:
    """Says that it is on no record; ends the command where all else went well."""
    if fault is None:
        return
    typer.echo(f"hotline: {plain(str(fault))}", err=True)
    typer.echo(f"hotline: {_say(what, lang)}", err=True)
    if every:
        raise typer.Exit(STORAGE)


def _end_as(every: bool) -> None:
    if not every:
        raise typer.Exit(FOUND)
