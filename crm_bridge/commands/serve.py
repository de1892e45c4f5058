"""`hotline run`: the bridge and its pages in one process, stopped cleanly by SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator

import structlog
import uvicorn

from crm_bridge.app import App, Node
from crm_bridge.building import build
from crm_bridge.clock import iso
from crm_bridge.commands import logs
from crm_bridge.commands.exits import STORAGE, plain, run
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.config import Config
from crm_bridge.errors import ConfigMistake
from crm_bridge.records import schema
from crm_bridge.records.database import Database
from crm_bridge.web.app import create_app
from crm_bridge.web.context import Context
from crm_bridge.web.health import Health, NodeHealth

_log = structlog.get_logger(__name__)


def serve(
    config: ConfigFile = DEFAULT_CONFIG,
    log: logs.Form = logs.LogForm.AUTO,
    level: logs.Level = logs.LogLevel.INFO,
) -> None:
    """Run the bridge: Asterisk's events become call records, and the pages show them.

    The tables are brought up to date at the start. SIGTERM or Ctrl-C stops it cleanly: what it
    has read is on disk. A second one ends it at once. /healthz says whether it is alive, /readyz
    whether it is fit.

    Example:  hotline run --config hotline.toml
    """
    loaded = load(config, nodes=True)
    logs.set_up(log, level)
    run(_serve(loaded))


async def _serve(config: Config) -> None:
    with _listen(config) as listener:
        await _tables(config)
        await _bridge(config, listener)


async def _tables(config: Config) -> None:
    database = Database(config.database.url)
    try:
        before, after = await schema.upgrade(database)
        if before != after:
            _log.info("tables brought up to date", before=before, after=after)
    finally:
        await database.close()


async def _bridge(config: Config, listener: socket.socket) -> None:
    tls = config.web.tls()
    app = await build(config)
    pages = uvicorn.Config(
        create_app(context_of(config, app)),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        forwarded_allow_ips=config.web.proxies,
    )
    pages.load()
    pages.ssl = tls
    server = _Server(pages)
    serving = asyncio.create_task(server.serve([listener]), name="web")
    try:
        with _signals(app):
            host, port = listener.getsockname()[:2]
            _log.info(
                "bridge started",
                web=f"{'https' if tls else 'http'}://{host}:{port}",
                database=plain(app.database.where),
                nodes=[node.name for node in app.nodes],
                pid=os.getpid(),
            )
            await app.run()
    finally:
        app.hub.close()  # the streams to the screens end, or the server would wait for them
        server.stop()
        await serving
        await app.database.close()
    counters = app.loop.counters
    _log.info(
        "bridge stopped",
        calls=sum(node.pipeline.tally.calls for node in app.nodes),
        events=sum(node.pipeline.tally.events for node in app.nodes),
        commits=counters.commits,
        refused=counters.refused,
    )


def context_of(config: Config, app: App) -> Context:
    """What the pages work with, on this bridge."""
    return Context(
        config,
        app.database,
        lambda: health(app),
        clock=app.clock,
        hub=app.hub,
        floor=app.floor,
        agents=app.floor.agents if app.floor is not None else None,
        declare=app.declare,
        screens=app.screens,
        deliveries=app.deliveries,
        alerts=app.alerts,
        announcements=app.announcements,
        vault=app.vault,
    )


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the bridge is stopped first, then its pages.

    It looks around once a second instead of ten times: that was a tenth of the bridge's CPU.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ends the pages."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        seconds = 0
        while not await self.on_tick(seconds * 10):  # what is due each second is so every tenth
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 1.0)
            seconds += 1

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(config: Config) -> socket.socket:
    """The pages' socket; raises ConfigMistake where it cannot be had."""
    host, port = config.web.host, config.web.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigMistake(
            f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}",
            where="web.port",
            mend="end the other program there, or give another port (0: any)",
        ) from None


@contextlib.contextmanager
def _signals(app: App) -> Iterator[None]:
    """SIGTERM and SIGINT stop the bridge; a second one gives up what the disk has not taken."""
    loop = asyncio.get_running_loop()
    asked = False

    def stop() -> None:
        nonlocal asked
        if asked:
            sys.stderr.write(
                f"hotline: ended at once; {app.loop.pending_bytes} bytes were not saved\n"
            )
            sys.stderr.flush()
            os._exit(STORAGE)  # the writer's thread may hang in a locked database
        asked = True
        _log.info("stopping", pending_bytes=app.loop.pending_bytes)
        app.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def health(app: App) -> Health:
    """The bridge as it stands now."""
    counters = app.loop.counters
    return Health(
        started_at=iso(int(app.started_at * 1_000_000)),
        committing=any(task.get_name() == "commit" for task in asyncio.all_tasks()),
        commit_error=counters.last_error,
        commit_failing_since=_iso(counters.failing_since),
        last_commit_at=_iso(counters.last_commit_at),
        pending_bytes=app.loop.pending_bytes,
        full=app.loop.full,
        refused=counters.refused,
        nodes=tuple(_node(node) for node in app.nodes),
    )


def _node(node: Node) -> NodeHealth:
    tally = node.pipeline.tally
    return NodeHealth(
        name=node.name,
        link=node.link.state.value,
        last_error=node.link.last_error,
        failures=node.link.failures,
        connects=node.link.connects,
        events=tally.events,
        calls=tally.calls,
        open_calls=len(node.pipeline.tracker.lives),
        last_event_at=_iso(tally.last_event_at),
        lag_seconds=None if tally.last_lag is None else tally.last_lag / 1_000_000,
        waiting_bytes=node.intake.size,
        overflows=node.intake.overflows,
        failed_events=tally.failed,
    )


def _iso(moment: int | None) -> str | None:
    return None if moment is None else iso(moment)
