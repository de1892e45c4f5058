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

from crm_bridge.app import App
from crm_bridge.building import build
from crm_bridge.commands import logs
from crm_bridge.commands.exits import STORAGE, plain, run
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, load
from crm_bridge.commands.standing import Standing, health
from crm_bridge.config import Config
from crm_bridge.errors import ConfigMistake, StorageError
from crm_bridge.records import schema
from crm_bridge.records.database import Database
from crm_bridge.systemd import Notifier
from crm_bridge.web.app import create_app
from crm_bridge.web.context import Context

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
    app.meters.registry.register(Standing(app))
    manager = Notifier()
    held = context_of(config, app)
    pages = uvicorn.Config(
        create_app(held),
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
    keeping = asyncio.create_task(
        manager.keep_alive(lambda: _hanging(app), lambda: _status(app)), name="watchdog"
    )
    try:
        with _signals(app, manager):
            host, port = listener.getsockname()[:2]
            _log.info(
                "bridge started",
                web=f"{'https' if tls else 'http'}://{host}:{port}",
                database=plain(app.database.where),
                nodes=[node.name for node in app.nodes],
                pid=os.getpid(),
            )
            manager.ready("connecting to Asterisk")
            await app.run()
    finally:
        keeping.cancel()
        app.hub.close()  # the streams to the screens end, or the server would wait for them
        server.stop()
        await serving
        with contextlib.suppress(StorageError):
            await held.reads.close()
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
        meters=app.meters,
        announcements=app.announcements,
        vault=app.vault,
    )


def _hanging(app: App) -> str | None:
    """Why the bridge gets on with nothing; what asks this is itself run by the event loop."""
    dead = health(app).dead()
    return dead[0].what if dead and app.running else None


def _status(app: App) -> str:
    """The line that `systemctl status` shows."""
    calls = sum(len(node.pipeline.tracker.lives) for node in app.nodes)
    problems = health(app).problems() if app.running else []
    return "; ".join(problems) or f"{calls} calls in progress"


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
def _signals(app: App, manager: Notifier) -> Iterator[None]:
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
        manager.stopping()
        app.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
