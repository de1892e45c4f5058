"""`hotline capture FILE`: what one Asterisk says, byte for byte, for replay."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from crm_bridge.commands import logs
from crm_bridge.commands.exits import STORAGE, USAGE, fail, run
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.config import Config, NodeSection
from ivr.ami import actions
from ivr.ami.address import NodeAddress
from ivr.ami.capture import CaptureWriter
from ivr.ami.client import Client
from ivr.ami.errors import ActionRefused
from ivr.ami.feed import Feed
from ivr.ami.reconnect import Link
from ivr.events.decode import needed


def capture(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to write; gzip where it ends in .gz.")
    ],
    config: ConfigFile = DEFAULT_CONFIG,
    node: Annotated[
        str | None,
        typer.Option(
            envvar="HOTLINE_CAPTURE_NODE", help="Name of the node; the first if there is one."
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.1, envvar="HOTLINE_SECONDS", help="How long; until Ctrl-C without it."),
    ] = None,
    only_needed: Annotated[
        bool,
        typer.Option(
            "--needed",
            envvar="HOTLINE_NEEDED",
            help="Have Asterisk send only what the bridge needs (the AMI user needs write=system).",
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over a file that is there.")
    ] = False,
) -> None:
    """Record what an Asterisk says on AMI, for `hotline replay`.

    Everything the AMI user is sent: an eventfilter in manager.conf holds here too. Where the
    connection is lost, the file says so, and recording goes on. The file holds callers' numbers.

    Example:  hotline capture monday.capture.gz --node pbx1 --seconds 3600
    """
    loaded = load(config, nodes=True)
    section = _pick(loaded, node)
    if file.exists() and not overwrite:
        fail(f"{file} is there already; name another file, or give --overwrite", USAGE)
    logs.set_up(level=logs.LogLevel.WARNING)
    run(_capture(file, loaded, section, seconds, only_needed))


def _pick(config: Config, name: str | None) -> NodeSection:
    named = {section.label: section for section in config.node}
    if name is None and len(named) == 1:
        return config.node[0]
    if name not in named:
        asked = "no --node given" if name is None else f"no [[node]] is named {name!r}"
        fail(f"{asked}; there are: {', '.join(named)}", USAGE)
    return named[name]


async def _capture(
    file: Path, config: Config, node: NodeSection, seconds: float | None, only_needed: bool
) -> None:
    address = node.address()
    version, system = await _version(address)
    started = time.time()
    try:
        writer = CaptureWriter(
            file, node=node.name or system or node.label, asterisk=version, started_at=started
        )
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}", USAGE)
    full: list[OSError] = []
    cuts = 0

    def keep(data: bytes, at: float) -> None:
        if full:
            return
        try:
            writer.chunk(max(0.0, at - started), data)
        except OSError as error:  # a full disk: told once the link is closed
            full.append(error)
            link.stop()

    def cut(at: float) -> None:
        nonlocal cuts
        cuts += 1
        if not full and not stopping.is_set():
            writer.cut(max(0.0, at - started))

    link = Link(
        node.label,
        address,
        needed(config.menu_contexts()) if only_needed else None,
        lambda _messages, _at: None,
        on_bytes=keep,
        on_cut=cut,
    )
    stopping = asyncio.Event()

    def stop() -> None:
        stopping.set()
        link.stop()

    framer = link.feed.framer
    try:
        with writer, _until(stop, seconds), _status(file, link, started):
            await link.run()
    finally:
        if full:
            fail(f"{file} cannot be written: {full[0].strerror}; what it has is good", STORAGE)
    typer.echo(
        f"{file}: {framer.messages} messages, {writer.bytes_written} bytes,"
        f" {max(0, cuts - 1)} cuts, {time.time() - started:.1f} s"
    )


async def _version(address: NodeAddress) -> tuple[str | None, str | None]:
    """Asterisk's version and systemname, where it tells; a refused login is raised here."""
    client = await Client.connect(address, Feed({}), lambda _messages, _at: None)
    try:
        await client.login(address)
        reply = await client.act(actions.core_settings(client.new_id("settings")))
        return reply.get("AsteriskVersion") or None, reply.get("SystemName") or None
    except ActionRefused:
        return None, None
    finally:
        client.close("asked", politely=True)


@contextlib.contextmanager
def _until(stop: Callable[[], None], seconds: float | None) -> Iterator[None]:
    """Calls `stop` on SIGTERM, Ctrl-C or after so many seconds."""
    loop = asyncio.get_running_loop()
    timer = None if seconds is None else loop.call_later(seconds, stop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


class _Status:
    """One line that says how it goes, drawn anew by rich."""

    def __init__(self, file: Path, link: Link, started: float) -> None:
        self.file = file
        self.link = link
        self.started = started

    def __rich__(self) -> Text:
        framer = self.link.feed.framer
        seconds = int(time.time() - self.started)
        return Text(
            f"{self.file}  {self.link.state}  {framer.messages} messages"
            f"  {framer.bytes_fed / 1e6:.1f} MB  {seconds // 60}:{seconds % 60:02d}  (Ctrl-C ends)"
        )


def _status(file: Path, link: Link, started: float) -> contextlib.AbstractContextManager[object]:
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        return contextlib.nullcontext()
    return Live(_Status(file, link, started), console=console, refresh_per_second=2, transient=True)
