"""Every CRM that hotline.toml names: its connector, what carries to it, what comes back.

None of them keeps another from its work: a bug in one is logged, and it is begun again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog

from crm_bridge.clock import Clock, SystemClock
from crm_bridge.config import Config
from crm_bridge.connectors import registry
from crm_bridge.connectors.port import Connector
from crm_bridge.delivery import outbox
from crm_bridge.delivery.call_events import CallEvents
from crm_bridge.delivery.carrier import Carrier
from crm_bridge.delivery.faults import raised_at
from crm_bridge.delivery.policy import Stage
from crm_bridge.delivery.returns import Poll
from crm_bridge.delivery.worker import Worker
from crm_bridge.live.hub import Hub
from crm_bridge.records.database import Database
from ivr.calls.call import Call
from ivr.events.types import Event

_log = structlog.get_logger(__name__)

BEGIN_AGAIN: Final = 5.0
"""Seconds after which what ended by a bug is begun again."""

Make = Callable[[str], Connector]


@dataclass(slots=True)
class Deliveries:
    """What the bridge runs so that other CRMs hear of calls, callers and cases."""

    connectors: Mapping[str, Connector] = field(default_factory=dict)
    workers: Mapping[str, Worker] = field(default_factory=dict)
    events: Mapping[str, CallEvents] = field(default_factory=dict)
    polls: Mapping[str, tuple[Poll, float]] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)

    @classmethod
    async def of(
        cls, config: Config, database: Database, clock: Clock, hub: Hub, make: Make | None = None
    ) -> Deliveries:
        """One of each for every `[connector.NAME]`, and their rows; nothing is asked yet.

        `make`: another way to a connector than the registry, for tests. Raises ConfigMistake and
        StorageError.
        """
        sections = config.connector
        made = {
            name: make(name) if make else registry.make(name, section, clock=clock)
            for name, section in sections.items()
        }
        async with database.writing() as connection:
            await outbox.sync_connectors(connection, clock, config)
        workers, events, polls = {}, {}, {}
        for name, connector in made.items():
            section = sections[name]
            mapping = registry.mapping_of(section)
            carrier = Carrier(connector, mapping, section, config, database, clock)
            workers[name] = Worker(
                connector, carrier, database, clock, concurrent=section.concurrent
            )
            if connector.capabilities.call_events and "call_events" in section.send:
                events[name] = CallEvents(connector, config, clock)
            if connector.capabilities.changes and section.poll_seconds > 0:
                polls[name] = (Poll(connector, database, clock, hub), section.poll_seconds)
        return cls(made, workers, events, polls, clock)

    def wake(self, name: str | None = None) -> None:
        """Something is to go to this CRM, or to all."""
        for worker in self.workers.values():
            if name in {None, worker.name}:
                worker.wake()

    def left_alone(self, name: str) -> bool:
        """Whether this CRM does not work now, so that it is not to be asked for callers."""
        worker = self.workers.get(name)
        return worker is not None and worker.breaker.stage is Stage.OPEN

    def heard(self, call: Call, event: Event) -> None:
        """A call has changed; never waits or raises."""
        for each in self.events.values():
            each.changed(call, event)

    async def run(self) -> None:
        """Delivers, tells and asks until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, worker in self.workers.items():
                self._begin(group, f"deliver to {name}", worker.run)
            for name, events in self.events.items():
                self._begin(group, f"call events to {name}", events.run)
            for name, (poll, seconds) in self.polls.items():
                self._begin(group, f"changes in {name}", partial(poll.run, seconds))

    def _begin(
        self, group: asyncio.TaskGroup, name: str, work: Callable[[], Awaitable[None]]
    ) -> None:
        group.create_task(self._kept(name, work), name=name)

    async def _kept(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await work()
            except Exception as bug:
                _log.error("a task of the delivery failed and is begun again", task=name,
                           why=type(bug).__name__, at=raised_at(bug))  # fmt: skip
                await self.clock.sleep(BEGIN_AGAIN)

    async def close(self) -> None:
        """Gives back every connection."""
        for connector in self.connectors.values():
            await connector.close()
