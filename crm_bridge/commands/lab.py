"""`hotline lab …`: a real Asterisk on loopback, and calls placed on it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crm_bridge.commands.exits import UNREACHED, USAGE, fail, run
from crm_bridge.commands.lab_config import write_config
from ivr.lab import asterisk
from ivr.lab.address import Claim
from ivr.lab.asterisk import Lab, Running
from ivr.lab.root import Root, find_root
from ivr.lab.scenarios.catalogue import SCENARIOS
from ivr.lab.sipua import NotInTime
from ivr.lab.stage import FOREIGN, stage

lab = typer.Typer(
    help="A real Asterisk on loopback with the 1203 configuration, and calls placed on it.",
    no_args_is_help=True,
    epilog="Example:  hotline lab up, then: hotline lab call blind_refer, hotline lab down",
)

Directory = Annotated[
    Path,
    typer.Option("--dir", file_okay=False, envvar="HOTLINE_LAB_DIR", help="Where labs are kept."),
]
DEFAULT = Path(".lab")


@lab.command()
def prepare() -> None:
    """Find Asterisk and SIPp, or make them: once a machine, about a minute.

    From PATH, else a Docker engine, else a Debian root made with debootstrap (needs root).

    Example:  hotline lab prepare
    """
    root = found_root()
    typer.echo(
        f"{root.version} ({root.kind}{'' if root.kind == 'path' else f': {root.directory}'})"
    )


@lab.command()
def up(directory: Directory = DEFAULT) -> None:
    """Boot a lab that stays up, and write a ready hotline.toml for it.

    Example:  hotline lab up
    """
    started, config = run(boot(directory, found_root()))
    typer.echo(f"lab {started.number} is up: {started.version} at {started.server}")
    typer.echo(f"configuration for it: {config}")
    typer.echo("next, each in a terminal of its own:")
    typer.echo(f"  hotline run --config {config}")
    typer.echo(f"  hotline watch --config {config}")
    typer.echo("  hotline lab call blind_refer        (others: hotline lab call --list)")
    typer.echo("  hotline lab down                    ends it")


@lab.command()
def call(
    scenario: Annotated[
        str | None, typer.Argument(metavar="SCENARIO", help="A name of the list.")
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Tell the scenarios, place no call.")
    ] = False,
    directory: Directory = DEFAULT,
) -> None:
    """Place the calls of one scenario on the lab that is up: real SIP, real media.

    Example:  hotline lab call attended_refer
    """
    if listed or scenario is None:
        _list()
        return
    if scenario not in SCENARIOS:
        fail(f"there is no scenario {scenario!r}; see: hotline lab call --list", USAGE)
    if SCENARIOS[scenario].house is FOREIGN:
        fail(f"{scenario} needs another dialplan than the lab's; it is played by the tests", USAGE)
    run(_play(scenario, one_running(directory)))


@lab.command()
def status(directory: Directory = DEFAULT) -> None:
    """Tell which labs are up.

    Example:  hotline lab status
    """
    labs = asterisk.running(directory)
    for one in labs:
        typer.echo(f"lab {one.number}: {one.version} at {one.server}, process {one.process.pid}")
    if not labs:
        typer.echo(f"no lab of {directory} is up; start one: hotline lab up")


@lab.command()
def down(directory: Directory = DEFAULT) -> None:
    """End every lab of this directory; nothing of them is left running.

    Example:  hotline lab down
    """
    ended = run(asterisk.down(directory))
    typer.echo(f"{ended} ended" if ended else "none was up")


def found_root() -> Root:
    """Where Asterisk and SIPp come from, with a sign of life while they are made."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        return find_root(lambda text: typer.echo(text, err=True))
    with console.status("looking for Asterisk and SIPp …") as sign:
        return find_root(sign.update)


async def boot(directory: Path, root: Root) -> tuple[Running, Path]:
    """A lab that outlives this process, and the configuration for it."""
    claim = Claim.take()
    try:
        place = Lab(directory, claim.number, root=root, keep=True)
        await place.start()
    finally:
        claim.release()  # from here on the lab's own ports say that the number is taken
    started = next(one for one in asterisk.running(directory) if one.number == place.number)
    return started, write_config(started, directory)


def one_running(directory: Path) -> Running:
    """The lab that is up; ends the command where there is none."""
    labs = asterisk.running(directory)
    if not labs:
        fail(f"no lab of {directory} is up; start one: hotline lab up", UNREACHED)
    return labs[-1]


async def _play(name: str, running: Running) -> None:
    scenario = SCENARIOS[name]
    typer.echo(f"{name}: {scenario.what}")
    place = Lab.attach(running, await asyncio.to_thread(find_root))
    seen = 0
    async with stage(place, scenario.house) as on_stage:
        playing = asyncio.ensure_future(scenario.play(on_stage))
        while not playing.done():
            await asyncio.wait({playing}, timeout=0.2)
            for driven in on_stage.driven[seen:]:
                typer.echo(f"  {driven.what}")
            seen = len(on_stage.driven)
        try:
            await playing
        except NotInTime as error:
            fail(f"{name} did not go as scripted: {error}", UNREACHED)
        await on_stage.quiet()


def _list() -> None:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for name, scenario in SCENARIOS.items():
        if scenario.house is not FOREIGN:
            table.add_row(name, Text(scenario.what))
    Console(highlight=False).print(table)
