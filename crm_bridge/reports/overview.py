"""How every step, queue and officer did in a span of time: what the command and the page show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from crm_bridge.config import Config, QueueSection
from crm_bridge.figures.forms import AGENTS, CALLS, QUEUES, STEPS
from crm_bridge.figures.tallies import Tally
from crm_bridge.records.database import Database
from crm_bridge.records.figures_walk import whole
from crm_bridge.reports.metrics import (
    AgentFigures,
    QueueFigures,
    StepFigures,
    agent_figures,
    calls_counted,
    queue_figures,
    step_figures,
)
from crm_bridge.reports.reading import added_up
from ivr.calls.call import INBOUND, OUTBOUND, Micros
from ivr.steps.standards import load_standards

_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """One published step of one service."""

    service: str
    step: str
    figures: StepFigures


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue, and the service level it is held against."""

    queue: str
    service_level_seconds: float
    service_level_target: float
    short_us: int
    """Hung up so soon, a call is short."""
    figures: QueueFigures


@dataclass(frozen=True, slots=True)
class Officer:
    """One officer, by the extension."""

    agent: str
    figures: AgentFigures


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that was over in a span of time."""

    whole: bool
    """All calls on record are counted: else the figures lack some."""
    calls: int
    """Callers' calls: the demand."""
    outbound: int
    """Calls that officers made."""
    steps: tuple[Step, ...]
    """In the order of the published guideline."""
    queues: tuple[Queue, ...]
    agents: tuple[Officer, ...]

    @property
    def empty(self) -> bool:
        """Nothing to show: what is left of calls of the day before can be without a call."""
        return not (self.calls or self.steps or self.queues or self.agents)


async def overview(
    database: Database, config: Config, since: Micros | None, until: Micros | None
) -> Overview:
    """Figures of what began at or after `since` and before `until`; raises StorageError.

    Both are best beginnings of a day: officers are counted by the day, the rest by the quarter.
    """
    async with database.reading() as connection:
        read = partial(added_up, connection, since=since, until=until)
        complete = await whole(connection)
        steps = await read(STEPS, ("service", "step"))
        queues = await read(QUEUES, ("queue",))
        agents = await read(AGENTS, ("agent",), spans=False)
        calls = await read(CALLS, ("direction",), spans=False)
    found = [Step(str(s), str(p), step_figures(tally)) for (s, p), tally in steps.items()]
    return Overview(
        complete,
        _calls(calls, INBOUND),
        _calls(calls, OUTBOUND),
        tuple(sorted(found, key=lambda one: _place(one.service, one.step))),
        tuple(queue_of(config, str(name), tally) for (name,), tally in queues.items()),
        tuple(Officer(str(name), agent_figures(tally)) for (name,), tally in agents.items()),
    )


def queue_of(config: Config, name: str, tally: Tally) -> Queue:
    """A row of `QUEUES`, or a sum, judged by what the configuration says of the queue."""
    section = config.queue.get(name, _UNNAMED)
    short = round(config.line.short_wait_seconds * _SECOND)
    target = round(section.service_level_seconds * _SECOND)
    return Queue(
        name, section.service_level_seconds, section.service_level_target, short,
        queue_figures(tally, short_us=short, target_us=target),
    )  # fmt: skip


def _calls(found: Mapping[tuple[str | int, ...], Tally], direction: str) -> int:
    tally = found.get((direction,))
    return 0 if tally is None else calls_counted(tally)


_UNNAMED: Final = QueueSection(service="information")


def _place(service: str, step: str) -> tuple[int, int]:
    services = load_standards().editions[-1].services
    names, steps = list(services), list(services[service].steps) if service in services else []
    return (
        names.index(service) if service in names else len(names),
        steps.index(step) if step in steps else len(steps),
    )
