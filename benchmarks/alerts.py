"""Claim: a look for alerts costs little however many calls are in progress.

N calls are in progress: three in ten wait in a queue, the others are with an officer. Once a second
the keeper looks at them with every rule in use, while a number of calls change. Its CPU time is
measured, in the bridge's process, on a database of its own.  python -m benchmarks.alerts [CALLS …]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from sqlalchemy import update

from benchmarks.table import middle, table
from crm_bridge.alerts.floor_watch import FloorWatch
from crm_bridge.alerts.keeper import Keeper, Sources
from crm_bridge.clock import SystemClock
from crm_bridge.config import AgentsSection, Config, QueueSection
from crm_bridge.desk.board import Board
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.line import LineNode
from crm_bridge.live.hub import Hub
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.alerts import alert_rules
from crm_bridge.records.schema import upgrade
from ivr.ami.address import NodeAddress
from ivr.ami.reconnect import Link, LinkState
from ivr.calls.call import (
    AgentPart,
    Attempt,
    AttemptOutcome,
    Call,
    PassageOutcome,
    QueuePassage,
)
from ivr.calls.members import Members
from ivr.calls.tracker import Tracker
from ivr.events import types as ev
from ivr.steps.standards import load_standards

SECOND = 1_000_000
QUEUES = ("information", "complaint", "appointment", "market_information")
CHANGES = 100
"""Calls that change between two looks."""


@dataclass(slots=True)
class Level:
    """What looks cost with so many calls in progress; milliseconds of CPU each."""

    calls: int
    still: list[float] = field(default_factory=list)
    changing: list[float] = field(default_factory=list)
    raised: int = 0


def call_of(number: int, now: int) -> Call:
    """A call that waits for a while, or has been talked in for some minutes."""
    entered = now - (30 + number * 7 % 400) * SECOND
    queue = QUEUES[number % len(QUEUES)]
    call = Call(f"pbx1-{number}", "pbx1", [str(number)], "1203", entered, service=queue)
    call.answered_at = entered + SECOND
    passage = QueuePassage(queue, entered + 2 * SECOND)
    call.passages = [passage]
    if number % 10 >= 3:
        agent = str(1000 + number % 900)
        passage.left_at, passage.outcome = entered + 9 * SECOND, PassageOutcome.ANSWERED
        passage.attempts = [
            Attempt(agent, entered + 4 * SECOND, passage.left_at, AttemptOutcome.ANSWERED)
        ]
        call.agents = [AgentPart(agent, passage.left_at)]
    return call


async def level_of(place: Path, count: int, rounds: int) -> Level:
    """Looks at so many calls, so often."""
    url = f"sqlite:///{place / f'{count}.db'}"
    await upgrade(url)
    database, hub, clock, standards = Database(url), Hub(), SystemClock(), load_standards()
    config = Config.model_construct(
        **{
            **Config().__dict__,
            "queue": {name: QueueSection.model_validate({"service": name}) for name in QUEUES},
            "agents": AgentsSection(),
        }
    )
    floor = Floor.of(config, database, hub, clock)
    board = Board(hub, floor.line.directory, standards)
    link = Link("pbx1", NodeAddress("127.0.0.1", 1, "nobody", ""), None, lambda _m, _at: None)
    link.state = LinkState.UP
    members = Members()
    for event in (ev.LinkUp(clock.now_us(), False), ev.SnapshotEnded(clock.now_us(), False)):
        members.apply(event)
    tracker = Tracker("pbx1", floor.line.directory)
    floor.line.add(LineNode("pbx1", link, tracker, members))
    watch = FloorWatch(floor.line, floor.agents, board, standards)
    keeper = Keeper(database, hub, clock, config, standards, Sources(watch.look))
    async with database.writing() as connection:
        await connection.execute(update(alert_rules).values(active=True))
    now = clock.now_us()
    calls = [call_of(number, now) for number in range(count)]
    told = ev.LinkUp(now, False)
    for call in calls:
        watch.changed(call, told)
    level = Level(count)
    await keeper.round()  # takes everything in, reads the rules
    for turn in range(rounds):
        level.still.append(await _look(keeper))
        for call in calls[turn % 7 :: max(1, count // CHANGES)]:
            watch.changed(call, told)
        level.changing.append(await _look(keeper))
    level.raised = len(keeper.active())
    await database.close()
    return level


async def _look(keeper: Keeper) -> float:
    began = time.process_time()
    await keeper.round()
    return (time.process_time() - began) * 1e3


async def run(counts: Sequence[int], rounds: int = 40) -> list[Level]:
    """Every level in turn, on a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="hotline-alerts-", dir="/var/tmp") as place:
        return [await level_of(Path(place), count, rounds) for count in counts]


def report(levels: Sequence[Level]) -> str:
    """What a look costs, and the share of one core that is, a look each second."""
    rows = [
        [
            f"{level.calls:,}", middle(level.still), middle(level.changing),
            f"{sorted(level.changing)[len(level.changing) // 2] / 10:.2f} %", str(level.raised),
        ]
        for level in levels
    ]  # fmt: skip
    head = ["calls", "ms, none changed", f"ms, {CHANGES} changed", "of a core", "raised"]
    return table(head, rows)


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    wanted = [int(word) for word in sys.argv[1:]] or [10, 100, 1_000, 10_000]
    print(report(asyncio.run(run(wanted))))
