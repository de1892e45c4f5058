"""The bridge running for real beside a lab: what it reads there is on disk when it has stopped."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from crm_bridge.app import App
from crm_bridge.building import build
from crm_bridge.clock import Clock
from crm_bridge.config import Config, DatabaseSection, NodeSection
from crm_bridge.records.calls import calls_as_json
from crm_bridge.records.database import Database
from ivr.ami.reconnect import LinkState
from ivr.lab.asterisk import Lab
from ivr.lab.stage import Stage
from tests.support.scenario import Books, config_of

DEADLINE = 30.0
CEL_TOLERANCE = 100_000
"""Microseconds: on a loaded machine Asterisk tells AMI of a moment that much later than CEL, and a
Local channel is up that much after the telephone behind it. The captures are held to 10 ms."""
DRIVEN_TOLERANCE = 1_000_000
"""Microseconds: when the script learns on a loaded machine that the bridge is connected again."""


def bridge_config(file: Path, *labs: Lab, like: str = "ours", host: str | None = None) -> Config:
    """The configuration of a scenario, its database and its nodes these ones.

    `host` is where the AMI of the lab is reached, unless at its own address.
    """
    return config_of(like).model_copy(
        update={
            "database": DatabaseSection(url=f"sqlite:///{file}"),
            "node": [
                NodeSection(
                    name=f"lab{lab.number}", ami_host=host or lab.server, ami_secret=lab.ami_secret
                )
                for lab in labs
            ],
        }
    )


async def until(what: str, holds: Callable[[], object], deadline: float = DEADLINE) -> None:
    """Waits until something holds; else fails and names it."""
    try:
        async with asyncio.timeout(deadline):
            while not holds():  # noqa: ASYNC110  # many things move, and none tells the test
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {deadline:g} s: {what}") from None


@asynccontextmanager
async def bridge(config: Config, clock: Clock | None = None) -> AsyncIterator[App]:
    """A bridge whose nodes are connected; stopped cleanly at the end, all it read on disk.

    Its tables must be there: Alembic makes those of one database at a time in a process.
    """
    app = await build(config, clock)
    running = asyncio.create_task(app.run())
    try:
        await connected(app, running)
        yield app
    finally:
        app.stop()
        await asyncio.wait_for(running, DEADLINE)


async def connected(app: App, running: asyncio.Task[None] | None = None) -> None:
    """Waits until every node is connected and its snapshot taken."""
    await until(
        "every node connected",
        lambda: (
            (running is not None and running.done())
            or all(node.link.state is LinkState.UP for node in app.nodes)
        ),
    )
    if running is not None and running.done():
        running.result()


async def caught_up(app: App) -> None:
    """Waits until no call is open any more."""
    await until(
        "every call over on the bridge too",
        lambda: all(not len(node.intake) and not node.pipeline.tracker.lives for node in app.nodes),
    )


def assert_sound(app: App) -> None:
    """Nothing odd, nothing failed, nothing left behind, nothing left out, nothing refused."""
    for node in app.nodes:
        tracker = node.pipeline.tracker
        assert dict(tracker.oddities) == {}
        assert node.pipeline.tally.failed == 0
        assert tracker.lives == {}
        assert tracker.queue_of == {}
        assert tracker.busy == {}
        assert node.intake.overflows == 0
        assert len(node.intake) == 0
    assert app.loop.pending_bytes == 0
    assert app.loop.counters.refused == 0


def keep_books(lab: Lab, place: Path, name: str, played: Stage | None = None) -> Path:
    """Copies the lab's CEL and what was driven to where `Books(name, place)` finds them."""
    shutil.copyfile(lab.cel, place / f"{name}.cel.csv")
    text = json.dumps({"driven": played.book() if played else []})
    (place / f"{name}.driven.json").write_text(text, "utf-8")
    return place


def books(place: Path, name: str) -> Books:
    """The books kept of a live run, with the tolerances of one."""
    return Books(name, place, CEL_TOLERANCE, DRIVEN_TOLERANCE)


async def on_disk(url: str) -> list[dict[str, Any]]:
    """Every call of the database in the published form."""
    database = Database(url)
    try:
        # through JSON, as a reader of the published form gets it
        return [json.loads(json.dumps(call)) async for call in calls_as_json(database)]
    finally:
        await database.close()
