"""`hotline subject`: a copy of all that is held of a person, and erasure, without the pages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access import accounts
from crm_bridge.clock import SystemClock
from crm_bridge.commands.exits import run
from crm_bridge.commands.opened import opened
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.errors import ConfigMistake
from crm_bridge.people import persons, privacy
from crm_bridge.people.matching import match
from crm_bridge.people.privacy import Identity
from crm_bridge.records.callers import normalise

subject = typer.Typer(
    no_args_is_help=True, help="A person's rights: a copy of all that is held, and erasure."
)

Number = Annotated[str | None, typer.Option("--number", help="The person's telephone number.")]
PersonId = Annotated[str | None, typer.Option("--person", help="The person's id, from its page.")]
By = Annotated[str, typer.Option("--by", help="Login of the administrator who carries it out.")]
How = Annotated[
    Identity, typer.Option("--identity", help="How it was made sure who asks; kept on record.")
]
Why = Annotated[str, typer.Option("--why", help="Who asked and how; no name need stand here.")]


@subject.command("export")
def export(
    by: By,
    identity: How,
    why: Why,
    out: Annotated[Path, typer.Option("--out", help="The zip to write; only you may read it.")],
    number: Number = None,
    person: PersonId = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Write everything held of a person into a zip: record.html in Thai, data.json for programs.

    Example:  hotline subject export --number 0812345678 --by somsri --identity id_card
              --why "letter of 23 Nov" --out copy.zip
    """

    async def work() -> bytes:
        async with opened(load(config).database.url) as database, database.writing() as connection:
            clock = SystemClock()
            account = await accounts.named(connection, by)
            whom = await _whom(connection, account, number, person)
            _, packed = await privacy.export(
                connection, clock, account, whom, why, identity=identity
            )
            return packed

    if out.exists():
        raise ConfigMistake("is there already", where=str(out), mend="name another file")
    packed = run(work())
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigMistake(
            f"{out} cannot be written: {error.strerror}", where="--out",
            mend="name a file that is not there yet, in a folder you may write",
        ) from None  # fmt: skip
    with os.fdopen(descriptor, "wb") as file:
        file.write(packed)
    typer.echo(f"{out}: {len(packed):,} bytes")


@subject.command("erase")
def erase(
    by: By,
    identity: How,
    why: Why,
    number: Number = None,
    person: PersonId = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Erase what no law keeps of a person; prints what is kept and why, and where else it stands.

    Example:  hotline subject erase --person 0123…cdef --by somsri --identity in_person
              --why "asked at the desk"
    """
    if not yes:
        typer.confirm("This cannot be undone. Erase the person?", abort=True)

    async def work() -> privacy.PrivacyAct:
        async with opened(load(config).database.url) as database, database.writing() as connection:
            account = await accounts.named(connection, by)
            whom = await _whom(connection, account, number, person)
            return await privacy.erase(
                connection, SystemClock(), account, whom, why, identity=identity
            )

    act = run(work())
    for room, count in act.done.items():
        typer.echo(f"{room}: {count}")
    for hold in act.holds:
        until = f", until {hold['until']}" if hold["until"] else ""
        typer.echo(f"kept: {hold['ref']} ({hold['en']} {hold['law_en']}{until})")


async def _whom(
    connection: AsyncConnection, account: Any, number: str | None, person: str | None
) -> str:
    """The person meant; a number that is nobody's yet becomes a person's, of that number alone."""
    if (number is None) == (person is None):
        raise ConfigMistake("whose data", where="--number, --person", mend="give one of the two")
    if person is not None:
        return (await persons.get(connection, person)).id
    e164 = normalise(number).e164
    if e164 is None:
        raise ConfigMistake(
            "this is no number that calls", where="--number", mend="write it as 0812345678"
        )
    found = (await match(connection, e164)).persons
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise ConfigMistake(
            f"{len(found)} persons have this number: {ids}", where="--number",
            mend="name one by --person",
        )  # fmt: skip
    if found:
        return str(found[0].id)
    made = await persons.create(connection, SystemClock(), account, fields={}, numbers=[e164])
    return made.id
