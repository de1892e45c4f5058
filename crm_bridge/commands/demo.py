"""`hotline demo`: a real Asterisk, real calls, the bridge, and what it makes of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.live import Live

from crm_bridge.clock import SystemClock, iso
from crm_bridge.commands.calls import WIDTH, call_table
from crm_bridge.commands.demo_cast import ROLES, Cast, Role, numbers, rounds
from crm_bridge.commands.exits import UNREACHED, fail, run
from crm_bridge.commands.lab import progress
from crm_bridge.commands.lab_config import write_config
from crm_bridge.commands.options import load
from crm_bridge.commands.show import life
from crm_bridge.commands.watch import View, readiness
from crm_bridge.commands.words import Lang, Language
from crm_bridge.config import Config
from crm_bridge.records.calls import read_calls
from crm_bridge.records.database import Database
from ivr.calls.call import Micros
from ivr.lab import asterisk
from ivr.lab.address import Claim
from ivr.lab.asterisk import Lab
from ivr.lab.process import with_parent
from ivr.lab.root import Root, find_root

_STAGGER: Final = 8.0
"""Seconds between two callers of the one round."""
_READY: Final = 20.0
_SETTLE: Final = 10.0


def demo(
    directory: Annotated[
        Path,
        typer.Option(
            "--dir", file_okay=False, envvar="HOTLINE_DEMO_DIR", help="Where its files are kept."
        ),
    ] = Path(".lab/demo"),
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=120,
            envvar="DEMO_RATE",
            help="Calls per minute, until Ctrl-C; without it one round of a dozen calls.",
        ),
    ] = None,
    lang: Language = Lang.TH,
) -> None:
    """Show the whole line at work: real calls on a real Asterisk, timed and saved.

    Boots a lab, starts the bridge on it, and places a dozen calls (about two minutes): served,
    abandoned, transferred, held, asked on, rejected. Watch the steps and their time against the
    standards. Ctrl-C stops lab and bridge cleanly and leaves the database.

    Example:  DEMO_RATE=20 hotline demo
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    with progress() as tell:
        root = find_root(tell)
    run(_demo(directory, rate, lang, console, root))


async def _demo(
    directory: Path, rate: float | None, lang: Lang, console: Console, root: Root
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    began = SystemClock().now_us()
    with _claim() as lab_number:
        lab = Lab(directory, lab_number, root=root)
        with _sign(console, "Asterisk boots …"):
            await lab.start()
        try:
            running = next(r for r in asterisk.running(directory) if r.number == lab_number)
            path = write_config(running, directory)
            port = _port()
            os.environ["HOTLINE_WEB__PORT"] = str(port)  # for the bridge and for the view
            config = load(path)
            console.print(f"[bold]{root.version}[/] at {lab.server}, configuration {path}")
            async with _bridge(path, directory / "bridge.log", port), Cast(lab) as cast:
                console.print(f"bridge at http://127.0.0.1:{port}, its log {directory}/bridge.log")
                await _show(console, config, lang, cast, rate, stopped)
                await _settled(config, began)
        finally:
            with _sign(console, "stopping …"):
                await lab.remove()
    await _report(console, config, lang, path, began, cast)


async def _show(
    console: Console, config: Config, lang: Lang, cast: Cast, rate: float | None,
    stopped: asyncio.Event,
) -> None:  # fmt: skip
    """The calls, and the view of them while they are on."""
    if not console.is_terminal:
        await _callers(cast, rate, stopped, console)
        return
    view = View(config, lang)
    over = asyncio.Event()
    try:
        with Live(view, console=console, auto_refresh=False, screen=True) as live:
            following = asyncio.create_task(view.follow(live, over))
            await _callers(cast, rate, stopped, None)
            over.set()
            await following
    finally:
        await view.database.close()


async def _callers(
    cast: Cast, rate: float | None, stopped: asyncio.Event, console: Console | None
) -> None:
    """Places the calls, one round or until stopped; returns when the last is over, or at once."""
    roles: Iterator[Role] = rounds() if rate else islice(rounds(), len(ROLES))
    calls: set[asyncio.Task[None]] = set()
    for placed, (role, number) in enumerate(zip(roles, numbers(), strict=False), 1):
        if console is not None:
            console.print(f"call {placed:>2}  {number}  {role.what}")
        calls.add(asyncio.create_task(cast.play(role, number)))
        if await _stopped(stopped, 60 / rate if rate else _STAGGER):
            break
    waiting = asyncio.ensure_future(stopped.wait())
    while pending := {call for call in calls if not call.done()}:
        if stopped.is_set():
            break
        await asyncio.wait({*pending, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def _stopped(stopped: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopped.wait(), seconds)
    return stopped.is_set()


@contextlib.asynccontextmanager
async def _bridge(config: Path, log: Path, port: int) -> AsyncIterator[None]:
    """`hotline run` as a process of its own, ended cleanly; ends the command where it will not."""
    argv = [sys.executable, "-m", "crm_bridge.cli", "run", "--config", str(config)]
    with log.open("wb") as out:  # a small local file
        process = subprocess.Popen(  # noqa: ASYNC220  # must outlive no exception of the loop
            with_parent(argv), stdout=out, stderr=out, start_new_session=True
        )
    try:
        loop = asyncio.get_running_loop()
        end = loop.time() + _READY
        while not (await asyncio.to_thread(readiness, "127.0.0.1", port))[0]:
            if process.poll() is not None or loop.time() > end:
                fail(f"the bridge did not start: {_last_line(log)}", UNREACHED)
            await asyncio.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, 15)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)


def _last_line(log: Path) -> str:
    words = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line for line in reversed(words) if line.strip()), f"see {log}")


async def _settled(config: Config, began: Micros) -> None:
    """Waits until the bridge has every call's end on record."""
    database = Database(config.database.url)
    loop = asyncio.get_running_loop()
    end = loop.time() + _SETTLE
    try:
        while loop.time() < end:
            if all([s.call.closed async for s in read_calls(database, began)]):
                return
            await asyncio.sleep(0.2)
    finally:
        await database.close()


async def _report(
    console: Console, config: Config, lang: Lang, path: Path, began: Micros, cast: Cast
) -> None:
    database = Database(config.database.url)
    try:
        found = [stored async for stored in read_calls(database, began)]
    finally:
        await database.close()
    if not found:
        console.print("no call was placed")
        return
    console.print()
    console.print(call_table(found, lang))
    handed = [s for s in found if s.call.transfers and s.call.agency_legs]
    console.print()
    console.print(life((handed or found)[0], config, lang))
    console.print()
    if cast.failed:
        console.print(f"[yellow]{cast.failed} calls did not go as scripted[/]")
    console.print(f"{len(found)} calls on record in {config.database.url}")
    console.print("everything is stopped; look again with:")
    console.print(f"  .venv/bin/hotline calls --config {path} --since {iso(began)[:19]}Z")
    console.print(f"  .venv/bin/hotline show last --config {path}")


def _port() -> int:
    """The pages' own port, or another where that is taken."""
    try:
        probe = socket.create_server(("127.0.0.1", 8203))
    except OSError:
        probe = socket.create_server(("127.0.0.1", 0))
    with probe:
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _claim() -> Iterator[int]:
    claim = Claim.take()
    try:
        yield claim.number
    finally:
        claim.release()


def _sign(console: Console, text: str) -> contextlib.AbstractContextManager[object]:
    """A sign of life on a terminal, a line elsewhere."""
    if console.is_terminal:
        return console.status(text)
    console.print(text)
    return contextlib.nullcontext()
