"""`hotline lab …`: a real Asterisk on loopback, and calls placed on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crm_bridge.commands.exits import UNREACHED, USAGE, fail, run
from crm_bridge.commands.lab_config import write_config
from ivr.lab import control
from ivr.lab.dialog import Identity, NotInTime
from ivr.lab.root import Progress

lab = typer.Typer(
    help="A real Asterisk on loopback with the 1203 configuration, and calls placed on it.",
    no_args_is_help=True,
    epilog="Example:  hotline lab up, then: hotline lab call blind_refer, hotline lab down",
)

Directory = Annotated[
    Path,
    typer.Option("--dir", file_okay=False, envvar="HOTLINE_LAB_DIR", help="Where the lab is kept."),
]


@lab.command()
def prepare() -> None:
    """Find Asterisk and SIPp, or make them: once a machine, about a minute.

    From PATH, else a Docker engine, else a Debian root made with debootstrap (needs root).

    Example:  hotline lab prepare
    """
    with progress() as tell:
        root = control.prepare(tell)
    where = "on PATH" if root.kind == "path" else f"{root.kind} {root.directory}"
    typer.echo(f"{root.version} ({where})")


@lab.command()
def up(directory: Directory = control.DIRECTORY) -> None:
    """Boot a lab that stays up, and write a ready hotline.toml for it.

    Example:  hotline lab up
    """
    with progress() as tell:
        started = run(control.up(directory, tell))
    config = write_config(started, directory)
    given = "" if directory == control.DIRECTORY else f" --dir {directory}"
    typer.echo(f"lab {started.number} is up: {started.version} at {started.server}")
    typer.echo(f"configuration for it: {config}")
    typer.echo("next, each in a terminal of its own:")
    typer.echo(f"  hotline run --config {config}")
    typer.echo(f"  hotline watch --config {config}")
    typer.echo(f"  hotline lab call blind_refer{given}    (others: hotline lab call --list)")
    typer.echo(f"  hotline lab down{given}                ends it")


@lab.command()
def call(
    scenario: Annotated[
        str | None, typer.Argument(metavar="SCENARIO", help="A name of the list.")
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Tell the scenarios, place no call.")
    ] = False,
    number: Annotated[
        str | None,
        typer.Option(envvar="HOTLINE_CALLER", help="Who calls, where the scenario does not say."),
    ] = None,
    name: Annotated[
        str, typer.Option(envvar="HOTLINE_CALLER_NAME", help="The caller's name.")
    ] = "",
    directory: Directory = control.DIRECTORY,
) -> None:
    """Place the calls of one scenario: real SIP, real media.

    On the lab that is up, else on one of its own. One scenario at a time plays on a lab.

    Example:  hotline lab call attended_refer --number 0812345678
    """
    if listed or scenario is None:
        _list()
        return
    if scenario not in control.SCENARIOS:
        fail(f"there is no scenario {scenario!r}; see: hotline lab call --list", USAGE)
    typer.echo(f"{scenario}: {control.SCENARIOS[scenario].what}")
    caller = None if number is None else Identity(number, name)
    try:
        run(control.call(scenario, directory, lambda d: typer.echo(f"  {d.what}"), caller=caller))
    except NotInTime as error:
        fail(f"{scenario} did not go as scripted: {error}", UNREACHED)


@lab.command()
def status(directory: Directory = control.DIRECTORY) -> None:
    """Tell which lab is up.

    Example:  hotline lab status
    """
    labs = control.status(directory)
    for one in labs:
        typer.echo(f"lab {one.number}: {one.version} at {one.server}, process {one.process.pid}")
    if not labs:
        typer.echo(f"no lab of {directory} is up; start one: hotline lab up")


@lab.command()
def down(directory: Directory = control.DIRECTORY) -> None:
    """End the lab of this directory; nothing of it is left running.

    Example:  hotline lab down
    """
    ended = run(control.down(directory))
    typer.echo(f"{ended} ended" if ended else "none was up")


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """Who is told how far the making of a lab is: a spinner on a terminal, lines elsewhere."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda text: typer.echo(text, err=True)
        return
    with console.status("looking for Asterisk and SIPp …") as sign:
        yield sign.update


def _list() -> None:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for name, scenario in control.SCENARIOS.items():
        table.add_row(name, Text(scenario.what))
    Console(highlight=False).print(table)
