"""An agent's screen without Asterisk: recorded calls played onto the desk, message by message."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.config import Config
from crm_bridge.connectors.port import Connector
from crm_bridge.desk import sittings
from crm_bridge.desk.agent_states import Sitting, State
from crm_bridge.desk.declare import Declare
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.line import LineNode
from crm_bridge.desk.pop import CallView, Stage
from crm_bridge.desk.screens import Screens
from crm_bridge.live.hub import Hub
from crm_bridge.pipeline import NodePipeline
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import Database
from crm_bridge.records.writer import Writer
from crm_bridge.web.context import Context
from ivr.ami.address import NodeAddress
from ivr.ami.reconnect import Link, LinkState
from ivr.events import types as ev
from ivr.steps.standards import load_standards
from tests.support.desk_clock import HeldClock
from tests.support.migrated import sqlite_url
from tests.support.scenario import config_of, messages_of
from tests.support.web import FIT, Desk

_TIMESTAMP = re.compile(rb"(?m)^Timestamp: (\d+)\.(\d{6})")


@dataclass
class LineDesk(Desk):
    """A desk whose line is a pipeline that a test feeds; the link is told to be up."""

    floor: Floor = None  # type: ignore[assignment]  # set by `line_desk`
    screens: Screens = None  # type: ignore[assignment]
    pipeline: NodePipeline = None  # type: ignore[assignment]

    async def sit(self, account: Account, extension: str, state: State = State.READY) -> None:
        """The account sits down at this extension."""
        at = self.clock.at
        sitting = Sitting(
            uuid.uuid4().hex, account.id, extension, tuple(self.floor.agents.queues), at,
            uuid.uuid4().hex, state, at,
        )  # fmt: skip
        async with self.database.writing() as connection:
            await sittings.begin(connection, sitting)
        await self.floor.agents.load()
        self.floor.agents._publish(extension)

    async def agent(self, extension: str = "1001", login: str = "somying") -> Account:
        """A new agent who sits at this extension."""
        account = await self.account(
            Role.AGENT, login, name_th="สมหญิง แสงทอง", name_en="Somying Saengthong"
        )
        await self.sit(account, extension)
        return account

    def play(self, name: str, start: int | None = None) -> Played:
        """A recorded call, to be told from the clock's time on."""
        return Played(self, name, self.clock.at if start is None else start)

    def view(self, agent: str = "1001") -> CallView | None:
        """The first thing on an agent's screen."""
        views = self.context.board.desk(agent)
        return views[0] if views else None


class Played:
    """The messages of a recorded call, moved to another time; each moves the clock to its own."""

    def __init__(self, desk: LineDesk, name: str, start: int) -> None:
        self.desk = desk
        _, messages = messages_of(name)
        first = messages[0][1]
        self._messages: Iterator[tuple[bytes, int]] = iter(
            [(_moved(raw, start - first), arrived + start - first) for raw, arrived in messages]
        )

    def step(self) -> bool:
        """Tells the next message; false where there is none."""
        found = next(self._messages, None)
        if found is None:
            return False
        raw, arrived = found
        self.desk.clock.at = max(self.desk.clock.at, arrived)
        self.desk.pipeline.take(raw, arrived)
        self.desk.pipeline.members.known = True  # the capture's own link is not the desk's
        return True

    def until(self, holds: Callable[[], Any]) -> None:
        """Tells messages until something holds."""
        while not holds():
            assert self.step(), "the recorded call was over before"

    def until_stage(self, stage: Stage, agent: str = "1001") -> CallView:
        """Tells messages until the agent stands so in the call."""
        self.until(lambda: any(v.stage is stage for v in self.desk.context.board.desk(agent)))
        return next(v for v in self.desk.context.board.desk(agent) if v.stage is stage)

    def all(self) -> None:
        """Tells the rest."""
        while self.step():
            pass


def _moved(raw: bytes, by: int) -> bytes:
    def later(found: re.Match[bytes]) -> bytes:
        at = int(found[1]) * 1_000_000 + int(found[2]) + by
        return b"Timestamp: %d.%06d" % divmod(at, 1_000_000)

    return _TIMESTAMP.sub(later, raw)


@asynccontextmanager
async def line_desk(
    config: Config,
    database: Database,
    clock: HeldClock | None = None,
    others: Sequence[tuple[Connector, float]] = (),
) -> AsyncIterator[LineDesk]:
    """A desk on this database whose line is fed by the test, and whose calls are saved.

    `others`: CRMs that are asked for callers, with the seconds an answer may take.
    """
    clock = clock or HeldClock()
    hub, standards = Hub(), load_standards()
    floor = Floor.of(config, database, hub, clock)
    screens = Screens.of(floor, database, hub, standards, clock, others)
    loop = CommitLoop(Writer(database), Policy(linger=0))
    pipeline = NodePipeline("lab", floor.line.directory, standards, loop)
    pipeline.on_change = floor.line.heard
    declare = Declare(database, loop, [pipeline], floor.line.directory, standards, clock)
    declare.on_amended = screens.board.amended
    link = Link("lab", NodeAddress("127.0.0.1", 1, "nobody", ""), None, lambda _m, _at: None)
    link.state = LinkState.UP
    for event in (ev.LinkUp(clock.now_us(), False), ev.SnapshotEnded(clock.now_us(), False)):
        pipeline.members.apply(event)
    floor.line.add(LineNode("lab", link, pipeline.tracker, pipeline.members))
    context = Context(
        config, database, lambda: FIT, clock, hub=hub, floor=floor, agents=floor.agents,
        declare=declare, screens=screens,
    )  # fmt: skip
    desk = LineDesk(context, clock, floor=floor, screens=screens, pipeline=pipeline)
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(screens.run())
        saving = group.create_task(loop.run())
        try:
            yield desk
        finally:
            hub.close()
            looking.cancel()
            pipeline.flush(everything=True)
            loop.stop()
            await saving


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[LineDesk]:
    """A desk with a line that the test feeds, on a database of its own; nobody sits there yet."""
    database = Database(await sqlite_url(tmp_path / "line.db"))
    async with line_desk(config_of("ours"), database) as made:
        yield made
        for browser in made.browsers:
            await browser.aclose()
    await database.close()
