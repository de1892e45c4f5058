"""What the line is told of a caller who comes to a queue: from memory, at once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Final

import structlog

from crm_bridge.clock import Clock
from crm_bridge.desk.agent_states import WRAPUP
from crm_bridge.desk.line import Line, LineNode
from crm_bridge.errors import StorageError
from crm_bridge.forecast.wait import AT_ONCE, Standing, expected
from crm_bridge.records.database import Database
from crm_bridge.selfservice import queue_figures
from crm_bridge.selfservice.queue_figures import QueueFigures
from ivr.calls.members import Presence
from ivr.selfservice.port import Arrival, Expect, Wait, Welcome

_log = structlog.get_logger(__name__)

READ_EVERY: Final = 15.0
"""Seconds between two readings of the queues' figures."""

_AWAY: Final = frozenset({Presence.UNAVAILABLE})
_FREE: Final = frozenset({Presence.FREE, Presence.UNKNOWN})


class Door:
    """Answers the line; `run` keeps the figures fresh."""

    def __init__(self, database: Database, clock: Clock, line: Line) -> None:
        self._database = database
        self._clock = clock
        self._line = line
        self.figures: QueueFigures | None = None
        """As last read."""

    def welcome(self, arrival: Arrival) -> Welcome:
        """How this caller is received."""
        return Welcome(self._wait(arrival))

    async def run(self) -> None:
        """Reads the figures again and again, until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(READ_EVERY)

    async def read(self) -> None:
        """Reads the figures; where that fails the last ones stand."""
        try:
            async with self._database.reading() as connection:
                self.figures = await queue_figures.read(connection, self._clock.now_us())
        except StorageError as fault:
            _log.warning("the queues' figures were not read for the line", what=fault.what)

    # --- the wait --------------------------------------------------------------------------------

    def _wait(self, arrival: Arrival) -> Wait:
        node = self._node(arrival.uniqueid)
        if node is None or not node.known:
            return Wait(Expect.UNKNOWN)
        standing = self._standing(node, arrival.queue)
        if not standing.serving:
            return Wait(Expect.NOBODY)
        band = expected(standing)
        if band is None:
            return Wait(Expect.UNKNOWN)
        if band is AT_ONCE:
            return Wait(Expect.AT_ONCE)
        return Wait(Expect.BAND, band.low, band.high)

    def _node(self, uniqueid: str) -> LineNode | None:
        """Where this caller is."""
        for node in self._line.nodes:
            if uniqueid in node.tracker.net.channels:
                return node
        return None

    def _standing(self, node: LineNode, queue: str) -> Standing:
        """The queue as a caller finds it who is not in it yet."""
        serving: dict[str, set[str]] = defaultdict(set)
        paused: set[str] = set()
        for member in node.members:
            if member.paused and member.reason != WRAPUP:
                continue
            if node.members.presence(member.name) in _AWAY:
                continue
            serving[member.queue].add(member.name)
            if member.paused:
                paused.add(member.name)
        here = serving[queue]
        free = {
            name
            for name in here - paused
            if node.members.presence(name) in _FREE and not node.tracker.busy.get(name)
        }
        before = 0.0
        for live in node.tracker.lives.values():
            passage = live.passage
            if passage is None or passage.left_at is not None or passage.outcome is not None:
                continue
            if any(attempt.outcome is None for attempt in live.attempts.values()):
                continue  # his officer's telephone rings, and is counted as no free one
            others = serving[passage.queue]
            # who waits elsewhere takes an officer of this queue as often as one of it sits there
            before += len(others & here) / len(others) if others else 0.0
        figures, now = self.figures, self._clock.now_us()
        return Standing(
            before, len(free), len(here),
            None if figures is None else figures.handling(queue, now),
            0.0 if figures is None else figures.leaving.get(queue, 0.0),
        )  # fmt: skip
