"""`hotline account`: who may sign in, from the machine itself; makes the first administrator.

A password is never a word of the command line, where every user of the machine could read it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from crm_bridge.access import accounts, administration
from crm_bridge.access.account import Account
from crm_bridge.access.roles import NAMES, OUTSIDE, Role
from crm_bridge.clock import SystemClock
from crm_bridge.commands import words
from crm_bridge.commands.exits import run
from crm_bridge.commands.opened import opened
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.config import Config
from crm_bridge.errors import ConfigMistake
from crm_bridge.records.database import Database

PASSWORD: Final = "HOTLINE_PASSWORD"  # noqa: S105 - the name of a variable, no password

account = typer.Typer(
    help="Who may sign in: make the first administrator, list, unlock, close.",
    no_args_is_help=True,
)

Login = Annotated[str, typer.Argument(metavar="LOGIN", help="Whose account.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        envvar="HOTLINE_PASSWORD_FILE",
        help=f"A file whose first line is the password; `-` reads it from the standard input. "
        f"Else ${PASSWORD}, else asked on the terminal.",
    ),
]


@account.command("create")
def create(
    login: Annotated[str, typer.Option(envvar="HOTLINE_LOGIN", help="2 to 64 of a-z 0-9 . _ - @")],
    role: Annotated[Role, typer.Option(envvar="HOTLINE_ROLE", help="What the account is for.")],
    name: Annotated[
        str,
        typer.Option(
            envvar="HOTLINE_NAME", help="The person's Thai name.", show_default="the login"
        ),
    ] = "",
    name_en: Annotated[
        str, typer.Option(envvar="HOTLINE_NAME_EN", help="The person's English name.")
    ] = "",
    email: Annotated[str, typer.Option(envvar="HOTLINE_EMAIL", help="The person's address.")] = "",
    agency: Annotated[
        str,
        typer.Option(envvar="HOTLINE_AGENCY", help=r"An \[agency.ID], for roles that have one."),
    ] = "",
    province: Annotated[
        str, typer.Option(envvar="HOTLINE_PROVINCE", help="Thai name, for a provincial officer.")
    ] = "",
    password_file: PasswordFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Make an account; the tables are brought up first where there are none.

    Example:  hotline account create --login somsri --role administrator --name "สมศรี ใจดี"
    """
    loaded = load(config)
    if role in OUTSIDE and agency not in loaded.agency:
        known = ", ".join(sorted(loaded.agency)) or "none is named in hotline.toml"
        raise ConfigMistake(
            f"{role.value} needs an agency of the directory", where="--agency", mend=known
        )
    password = _password(password_file)

    async def work() -> None:
        async with _writing(loaded) as (database, clock), database.writing() as connection:
            made = await accounts.create(
                connection, clock, login=login, role=role, name_th=name or login,
                name_en=name_en, email=email, agency=agency or None, province=province or None,
                password=password,
            )  # fmt: skip
        typer.echo(f"{made.login}: {NAMES[role][1].lower()}, made")

    run(work())


@account.command("password")
def password(
    login: Login,
    once: Annotated[
        bool,
        typer.Option(
            "--once", envvar="HOTLINE_ONCE", help="Draw a one-time password and print it."
        ),
    ] = False,
    password_file: PasswordFile = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Set a password; ends the account's browsers and keys, and its lock.

    Example:  hotline account password somsri --once
    """
    loaded = load(config)
    given = administration.drawn() if once else _password(password_file)

    async def work() -> None:
        async with _writing(loaded) as (database, clock), database.writing() as connection:
            found = await accounts.named(connection, login)
            await administration.set_password(connection, clock, found.id, given, once=once)
        typer.echo(given if once else f"{found.login}: the password is set")

    run(work())


@account.command("list")
def list_(config: ConfigFile = DEFAULT_CONFIG, lang: words.Language = words.Lang.TH) -> None:
    """Show every account: role, agency, state.

    Example:  hotline account list --lang en
    """
    loaded = load(config)
    english = lang is words.Lang.EN

    async def work() -> None:
        clock = SystemClock()
        async with opened(loaded.database.url) as database, database.reading() as connection:
            found = await administration.listing(connection, clock, limit=100_000)
        console = Console(highlight=False)
        if not console.is_terminal:
            console.width = 100
        if not found:
            console.print("no accounts; make one with `hotline account create`")
            return
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
        for head in ("login", "name", "role", "agency", "state") if english else (
            "ชื่อผู้ใช้", "ชื่อ", "บทบาท", "หน่วยงาน", "สถานะ",
        ):  # fmt: skip
            table.add_column(head)
        for entry in found:
            who = entry.account
            table.add_row(
                who.login, who.name(lang.value), NAMES[who.role][english], who.agency or "–",
                _state(entry)[english],
            )  # fmt: skip
        console.print(table)

    run(work())


@account.command("unlock")
def unlock(login: Login, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """End a lock after wrong passwords.

    Example:  hotline account unlock somsri
    """

    async def work() -> None:
        async with _writing(load(config)) as (database, clock), database.writing() as connection:
            found = await accounts.named(connection, login)
            await administration.unlock(connection, clock, found.id)
        typer.echo(f"{found.login}: not locked")

    run(work())


@account.command("close")
def close(login: Login, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Close an account with its browsers and keys; never the last administrator's.

    Example:  hotline account close somsri
    """

    async def work() -> None:
        async with _writing(load(config)) as (database, clock), database.writing() as connection:
            found: Account = await accounts.named(connection, login)
            await administration.close(connection, clock, found.id)
        typer.echo(f"{found.login}: closed")

    run(work())


@asynccontextmanager
async def _writing(config: Config) -> AsyncIterator[tuple[Database, SystemClock]]:
    """The database with its tables brought up."""
    async with opened(config.database.url, brought_up=True) as database:
        yield database, SystemClock()


def _state(entry: administration.Entry) -> tuple[str, str]:
    if not entry.active:
        return "ปิดแล้ว", "closed"
    if entry.locked_until_us:
        return "ถูกล็อก", "locked"
    if entry.account.must_change:
        return "รอเปลี่ยนรหัสผ่าน", "one-time password"
    return "ใช้งานอยู่", "open"


def _password(path: Path | None) -> str:
    """The password from the file, the environment or the terminal; raises ConfigMistake."""
    if path is not None and str(path) == "-":
        return sys.stdin.readline().rstrip("\r\n")
    if path is not None:
        try:
            return (path.read_text(encoding="utf-8").splitlines() or [""])[0]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigMistake(
                f"{path} cannot be read", where="--password-file", mend="name a file you may read"
            ) from error
    if PASSWORD in os.environ:
        return os.environ[PASSWORD]
    if not sys.stdin.isatty():
        raise ConfigMistake(
            "there is no terminal to ask for the password on",
            where="password",
            mend=f"give --password-file, or ${PASSWORD}",
        )
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt="The same again")
    return asked
