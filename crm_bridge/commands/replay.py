"""`hotline replay`: captures through the bridge's own pipeline, as fast as it goes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from crm_bridge.clock import SystemClock
from crm_bridge.commands import logs
from crm_bridge.commands.exits import run
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.config import Config
from crm_bridge.errors import StorageUnavailable
from crm_bridge.pipeline import NodePipeline, take_all
from crm_bridge.records import schema
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import Database
from crm_bridge.records.writer import Writer
from ivr.ami.capture import Chunk, read_capture
from ivr.ami.errors import CaptureError
from ivr.ami.feed import Feed
from ivr.events.decode import needed
from ivr.steps.standards import load_standards

_FLUSH_EVERY: Final = 0.5
"""Seconds between handing records on, as the bridge does."""
_SHOW_AFTER: Final = 1.0
_PATIENCE: Final = 20.0
"""Seconds a database that takes nothing is waited for."""

Moved = Callable[[int], None]
"""Told of AMI bytes that have been worked in."""


def replay(
    captures: Annotated[
        list[Path],
        typer.Argument(
            metavar="CAPTURE...",
            exists=True,
            dir_okay=False,
            readable=True,
            help="Capture files, in order of time.",
        ),
    ],
    config: ConfigFile = DEFAULT_CONFIG,
    allow_truncated: Annotated[
        bool,
        typer.Option(
            "--allow-truncated",
            envvar="HOTLINE_ALLOW_TRUNCATED",
            help="Take a capture that breaks off in an entry (a crash) as ended there.",
        ),
    ] = False,
) -> None:
    """Feed captures through the pipeline into the database.

    Calls that are open at the end are closed as interrupted. Replaying again changes nothing.
    A damaged capture: what stands before the damage is saved, the byte is named, exit code 1.

    Example:  hotline replay tests/scenarios/blind_refer.capture --config hotline.toml
    """
    loaded = load(config)
    logs.set_up(level=logs.LogLevel.WARNING)
    run(_replay(captures, loaded, allow_truncated))


async def _replay(captures: list[Path], config: Config, allow_truncated: bool) -> None:
    database = Database(config.database.url)
    try:
        await schema.upgrade(database)
        writer = Writer(database, tells=bool(config.connector))
        loop = CommitLoop(writer, Policy(linger=0.0))
        committing = asyncio.create_task(loop.run())
        player = Player(config, loop)
        began = time.monotonic()
        damage: CaptureError | None = None
        with _Bar(captures) as bar:
            try:
                for path in captures:
                    bar.begin(path)
                    await player.play(path, allow_truncated, bar.move)
            except CaptureError as error:
                damage = error
            finally:
                player.close()
                loop.stop()
                await settle(loop, committing)
        seconds = time.monotonic() - began
    finally:
        await database.close()
    typer.echo(f"{player.calls} calls, {player.events} events, {seconds:.2f} s")
    if loop.counters.refused:
        typer.echo(f"{loop.counters.refused} records were refused by the database", err=True)
    if damage is not None:
        raise damage


async def settle(loop: CommitLoop, done: Awaitable[None]) -> None:
    """Waits for the disk; raises StorageUnavailable where it takes nothing for too long.

    A bridge waits for ever, for the line goes on; a replay can be done again.
    """
    waiting = asyncio.ensure_future(done)
    while not (await asyncio.wait({waiting}, timeout=1.0))[0]:
        since = loop.counters.failing_since
        if since is not None and SystemClock().now_us() - since > _PATIENCE * 1_000_000:
            waiting.cancel()
            raise StorageUnavailable(
                loop.counters.last_error or "nothing is saved",
                mend="replay again when it is mended: nothing is saved twice",
            )
    await waiting


class Player:
    """Captures in, records out: one pipeline for each node, over all captures in order."""

    def __init__(self, config: Config, loop: CommitLoop) -> None:
        self._directory = config.directory()
        self._keep = needed(config.menu_contexts())
        self._loop = loop
        self._nodes: dict[str, tuple[NodePipeline, Feed]] = {}
        self._ended: dict[str, float] = {}
        """Node → when its last capture ended, epoch seconds."""
        self._flushed = time.monotonic()
        self._ticket = 0

    async def play(self, path: Path, allow_truncated: bool, moved: Moved) -> None:
        """Works in one capture. Raises CaptureError behind all that could be read of it."""
        header, entries = read_capture(path, allow_truncated=allow_truncated)
        pipeline, feed = self._node(header.node)
        last = self._ended.pop(header.node, None)
        if last is not None:
            take_all(pipeline, feed.cut(last), last)
        at = header.started_at
        try:
            for entry in entries:
                at = header.started_at + entry.t
                if isinstance(entry, Chunk):
                    take_all(pipeline, feed.chunk(entry.data, at), at)
                    moved(len(entry.data))
                else:
                    take_all(pipeline, feed.cut(at), at)
                if time.monotonic() - self._flushed > _FLUSH_EVERY:
                    await self._breathe()
        finally:
            self._ended[header.node] = at

    def close(self) -> None:
        """Ends what is still open and hands everything on."""
        for pipeline, _ in self._nodes.values():
            pipeline.close_open()
        self._flush(everything=True)

    @property
    def calls(self) -> int:
        """Calls seen."""
        return sum(pipeline.tally.calls for pipeline, _ in self._nodes.values())

    @property
    def events(self) -> int:
        """Needed events seen."""
        return sum(pipeline.tally.events for pipeline, _ in self._nodes.values())

    def _node(self, name: str) -> tuple[NodePipeline, Feed]:
        if name not in self._nodes:
            pipeline = NodePipeline(name, self._directory, load_standards(), self._loop)
            self._nodes[name] = (pipeline, Feed(self._keep))
        return self._nodes[name]

    async def _breathe(self) -> None:
        """Lets the commit loop have its turn, and waits where it has too much in hand."""
        self._flush()
        await asyncio.sleep(0)
        if self._loop.full:
            await settle(self._loop, self._loop.saved(self._ticket))

    def _flush(self, *, everything: bool = False) -> None:
        for pipeline, _ in self._nodes.values():
            self._ticket = pipeline.flush(everything=everything) or self._ticket
        self._flushed = time.monotonic()


class _Bar:
    """A progress bar on a terminal, once the work has taken more than a second."""

    def __init__(self, captures: list[Path]) -> None:
        console = Console(stderr=True)
        self._shown = False
        self._began = time.monotonic()
        self._done = 0
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("replay", total=sum(map(_ami_bytes, captures)))

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._progress.stop()

    def begin(self, path: Path) -> None:
        """The next file."""
        self._progress.update(self._task, description=f"replay {path.name}")

    def move(self, count: int) -> None:
        """So many AMI bytes more."""
        self._done += count
        if not self._shown:
            if time.monotonic() - self._began < _SHOW_AFTER:
                return
            self._shown = True
            self._progress.start()
        self._progress.update(self._task, completed=self._done)


def _ami_bytes(path: Path) -> int:
    """About how many AMI bytes a capture holds: base64 and its line take half as much again."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        size = file.seek(0, 2)
        if packed and size > 4:
            file.seek(-4, 2)
            size = int.from_bytes(file.read(4), "little")  # gzip ends with its unpacked size
    return max(1, size * 2 // 3)
