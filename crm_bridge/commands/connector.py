"""`hotline connector`: other CRMs from the machine itself: proved, set up, seen, sent again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

import httpx
import typer
from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.clock import SystemClock
from crm_bridge.commands import connector_pages as pages
from crm_bridge.commands import connector_shown as shown_
from crm_bridge.commands import words
from crm_bridge.commands.connector_check import Check, Step
from crm_bridge.commands.connector_state import standings
from crm_bridge.commands.exits import FOUND, fail, run
from crm_bridge.commands.opened import opened, reads
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, Since, Until, load, moment
from crm_bridge.commands.words import Lang
from crm_bridge.config import Config
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors import mapping as mappings
from crm_bridge.connectors import registry
from crm_bridge.connectors.mapping import Mapping
from crm_bridge.connectors.port import Connector, SetupStep
from crm_bridge.delivery import backfill, outbox
from crm_bridge.delivery.embedded import EmbeddedConnector
from crm_bridge.errors import ConfigMistake, Refused

connector = typer.Typer(
    help="Other CRMs that hear of calls, callers and cases: prove, set up, see, send again.",
    no_args_is_help=True,
)

EMBEDDED: Final = "embedded"
"""Our own CRM; no section of hotline.toml can be named so."""

_HERE: Final = Account(
    id="", login="hotline", name_th="ผู้ดูแลระบบ (บรรทัดคำสั่ง)", name_en="command line",
    role=Role.ADMINISTRATOR,
)  # fmt: skip
"""Whoever may run commands on the machine."""

Name = Annotated[str, typer.Argument(metavar="NAME", help=r"A \[connector.NAME] of hotline.toml.")]
AsJson = Annotated[
    bool, typer.Option("--json", envvar="HOTLINE_JSON", help="One record a line as JSON.")
]


@connector.command("list")
def list_(
    config: ConfigFile = DEFAULT_CONFIG, lang: words.Language = Lang.TH, as_json: AsJson = False
) -> None:
    """Ask every configured CRM whether it answers, and show what waits for it.

    Exit code 1 where one does not answer.

    Example:  hotline connector list --lang en
    """
    loaded = load(config)
    found = run(standings(loaded, SystemClock(), list(loaded.connector)))
    if as_json:
        for one in found:
            typer.echo(json.dumps(pages.listed(one), ensure_ascii=False))
    elif not found:
        typer.echo("no connector is configured; docs/connectors/README.md says how")
    else:
        pages.console().print(pages.table(found, lang))
    if any(one.error is not None for one in found):
        raise typer.Exit(FOUND)


@connector.command("check")
def check(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help=r"A \[connector.NAME], or `embedded`: our own CRM."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", envvar="HOTLINE_ALL", help="Every configured one.")
    ] = False,
    login: Annotated[
        str,
        typer.Option(
            envvar="HOTLINE_LOGIN", help="Of `embedded`: the supervisor's account it acts under."
        ),
    ] = "",
    config: ConfigFile = DEFAULT_CONFIG,
    lang: words.Language = Lang.TH,
) -> None:
    """Prove a connector with one contact, one ticket, one note and a status; removes them again.

    The records bear the words "connection test", keys `check:…` and a number that nobody has
    (+66 2000 xxxx). Exit code 1 where a step fails; its mend stands below it.

    Example:  hotline connector check crm --lang en
    """
    loaded = load(config)
    if (name is None) is not every:
        raise typer.BadParameter("give a name or --all", param_hint="NAME")
    names = list(loaded.connector) if name is None else [name]

    async def work() -> bool:
        good = [await _prove(loaded, one, login, lang) for one in names]
        return all(good)

    if not run(work()):
        raise typer.Exit(FOUND)


@connector.command("setup")
def setup(name: Name, config: ConfigFile = DEFAULT_CONFIG, lang: words.Language = Lang.TH) -> None:
    """Make the fields that the mapping writes, where the CRM lets us; says what is left to do.

    Done twice it makes nothing twice. Exit code 1 where something is left to do by hand.

    Example:  hotline connector setup crm
    """
    loaded = load(config)
    section = _section(loaded, name)

    async def work() -> list[SetupStep] | None:
        async with _made(name, section) as made:
            return list(await made.setup()) if made.capabilities.setup else None

    steps = run(work())
    if steps is None:
        typer.echo(f"{name}: {'ไม่มีสิ่งที่ต้องตั้งค่า' if lang is Lang.TH else 'needs no setup'}")
        return
    pages.console().print(pages.steps(steps, lang))
    if any(step.state == "by_hand" for step in steps):
        raise typer.Exit(FOUND)


@connector.command("show")
def show(
    name: Name,
    call: Annotated[str, typer.Option(metavar="ID", help="What would be sent of this call.")] = "",
    case: Annotated[str, typer.Option(metavar="TICKET", help="… of this case.")] = "",
    person: Annotated[str, typer.Option(metavar="ID", help="… of this person.")] = "",
    sample: Annotated[
        bool, typer.Option("--sample", help="… of a made-up call, case and person.")
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    lang: words.Language = Lang.TH,
    as_json: AsJson = False,
) -> None:
    """Dry run of the mapping: what would be sent, field by field. Nothing is sent.

    Exit code 1 where there is no such record, or the mapping fails on it.

    Example:  hotline connector show crm --call 1795500309.12
    """
    loaded = load(config)
    section = _section(loaded, name)
    if sum(map(bool, (call, case, person, sample))) != 1:
        raise typer.BadParameter("give one of --call, --case, --person, --sample")
    maker = shown_.Maker.of(_mapping(name, section), section)

    async def work() -> list[shown_.Shown]:
        if sample:
            return maker.samples()
        async with opened(loaded.database.url) as database:
            async with database.reading() as connection:
                if call:
                    one = await shown_.of_call(connection, loaded, maker, call)
                elif case:
                    one = await shown_.of_case(connection, loaded, maker, case)
                else:
                    one = await shown_.of_person(connection, loaded, maker, person)
            await reads(database, one.about)
            return [one]

    try:
        found = run(work())
    except shown_.NothingThere as error:
        fail(str(error), FOUND)
    console = pages.console()
    for one in found:
        if as_json:
            typer.echo(json.dumps(one.json(), ensure_ascii=False))
        else:
            console.print(shown_.page(one, lang), Text())


@connector.command("mapping")
def mapping_(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help=f"One of {', '.join(registry.VENDORS)}.")
    ],
) -> None:
    """Print the mapping that comes with a connector, to begin one's own with.

    Example:  hotline connector mapping odoo > odoo-mapping.toml
    """
    if kind not in registry.VENDORS:
        raise typer.BadParameter(f"use one of {', '.join(registry.VENDORS)}", param_hint="KIND")
    typer.echo(mappings.default_path(kind).read_text(encoding="utf-8"), nl=False)


@connector.command("send")
def send(
    name: Name,
    call: Annotated[list[str], typer.Option(metavar="ID", help="This call.")] = [],  # noqa: B006 - typer's own form; never changed
    case: Annotated[list[str], typer.Option(metavar="TICKET", help="This case.")] = [],  # noqa: B006 - as above
    since: Since = None,
    until: Until = None,
    again: Annotated[
        bool,
        typer.Option("--again", envvar="HOTLINE_AGAIN", help="Also what went there already."),
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Put calls and cases that are on record into the CRM's outbox; `hotline run` sends them.

    For a CRM that was joined later, or lost what it had. Of a time are the calls that entered then,
    with their wrap-ups, and the cases recorded or acted on then, whole. What is in the outbox
    already is left alone; with --again it goes once more and brings up to date what is there.

    Example:  hotline connector send crm --since 2026-11-01
    """
    loaded = load(config)
    _section(loaded, name)
    low, high = moment(since, "--since"), moment(until, "--until")
    if not (call or case) and low is None:
        raise typer.BadParameter("give --call, --case or --since")

    async def work() -> backfill.Put:
        async with opened(loaded.database.url) as database:
            clock = SystemClock()
            async with database.writing() as connection:
                await outbox.sync_connectors(connection, clock, loaded)
            return await backfill.send(
                database, clock, name, _HERE, call_ids=call, tickets=case, since=low, until=high,
                again=again,
            )  # fmt: skip

    put = run(work())
    typer.echo(
        f"{name}: {put.records} calls and cases; {put.new} entries put into the outbox, "
        f"{put.again} once more, {put.left} were there already"
    )
    if not put.records:
        raise typer.Exit(FOUND)


@connector.command("resend")
def resend(
    name: Name,
    dead: Annotated[bool, typer.Option("--dead", help="Every dead entry of this CRM.")] = False,
    seq: Annotated[int | None, typer.Option(metavar="N", help="This entry.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Send dead entries, or one entry, once more and at once.

    Example:  hotline connector resend crm --dead
    """
    loaded = load(config)
    if dead is (seq is not None):
        raise typer.BadParameter("give --dead or --seq")

    async def work() -> int:
        async with opened(loaded.database.url) as database, database.writing() as connection:
            if seq is None:
                await _known(connection, loaded, name)
                return await outbox.resend_dead(connection, SystemClock(), name, _HERE)
            one, _ = await outbox.entry(connection, seq)
            _belongs(one, name)
            await outbox.resend(connection, SystemClock(), seq, _HERE)
            return 1

    typer.echo(f"{name}: {run(work())} to be sent once more")


@connector.command("skip")
def skip(
    name: Name,
    seq: Annotated[int, typer.Option(metavar="N", help="The entry.")],
    why: Annotated[str, typer.Option(help="The reason; it is kept with the entry.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Decide that an entry does not go; what waits behind it goes on.

    Example:  hotline connector skip crm --seq 4711 --why "entered there by hand"
    """
    loaded = load(config)

    async def work() -> None:
        async with opened(loaded.database.url) as database, database.writing() as connection:
            one, _ = await outbox.entry(connection, seq)
            _belongs(one, name)
            await outbox.skip(connection, SystemClock(), seq, why, _HERE)

    run(work())
    typer.echo(f"{name}: {seq} is skipped")


# --- what the commands share ---------------------------------------------------------------------


def _section(config: Config, name: str) -> ConnectorSection:
    if name in config.connector:
        return config.connector[name]
    known = ", ".join(config.connector) or "hotline.toml has no [connector.NAME]"
    raise ConfigMistake(f"{name!r} is not configured", where="connector", mend=f"there is: {known}")


async def _known(connection: AsyncConnection, config: Config, name: str) -> None:
    """Named in hotline.toml, or once named there; ConfigMistake."""
    if name not in {count.connector for count in await outbox.counts(connection)}:
        _section(config, name)


def _mapping(name: str, section: ConnectorSection) -> Mapping:
    try:
        return registry.mapping_of(section)
    except ConfigMistake as mistake:
        raise registry.of(name, mistake) from mistake


def _belongs(entry: outbox.Entry, name: str) -> None:
    if entry.connector != name:
        raise Refused(
            "no-such-entry", "รายการนี้เป็นของ CRM อื่น", f"this entry is for {entry.connector}", 404
        )


@asynccontextmanager
async def _made(name: str, section: ConnectorSection) -> AsyncIterator[Connector]:
    made = registry.make(name, section, clock=SystemClock())
    try:
        yield made
    finally:
        await made.close()


async def _prove(config: Config, name: str, login: str, lang: Lang) -> bool:
    console = pages.console()
    console.print(Text(name, style="bold"))

    def told(step: Step) -> None:
        pages.print_step(console, step, lang)

    clock = SystemClock()
    async with httpx.AsyncClient(
        follow_redirects=False, trust_env=False, timeout=10.0,
        verify=False,  # noqa: S501 - nothing is sent; whether the browser trusts it is its own affair
    ) as client:  # fmt: skip

        async def opens(url: str) -> int:
            async with client.stream("GET", url) as answer:
                return answer.status_code

        if name == EMBEDDED:
            if not login:
                raise ConfigMistake(
                    "needs an account",
                    where="--login",
                    mend="name a supervisor's or the Director's",
                )
            mapping = mappings.load(None, EMBEDDED)
            async with opened(config.database.url) as database:
                made = EmbeddedConnector(
                    EMBEDDED, database, clock, mapping, login=login, address=config.web.address
                )
                return await Check(made, mapping, clock, told, opens).run()
        section = _section(config, name)
        async with _made(name, section) as real:
            of_call = "calls" in section.send
            mapping = _mapping(name, section)
            return await Check(real, mapping, clock, told, opens, of_call).run()
