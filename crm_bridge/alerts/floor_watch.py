"""Who waits and which steps run now, read from the line and the desk: bounded work each time.

The line tells which calls have changed; of those alone the steps are worked out again, when it is
next looked at. What is looked through each time are the calls in progress, and the few of which the
record is still to be saved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import structlog

from crm_bridge.alerts.observation import FloorNow, Running, Waiting
from crm_bridge.desk.agent_states import State
from crm_bridge.desk.agents import Agents
from crm_bridge.desk.board import Board
from crm_bridge.desk.line import Line
from crm_bridge.desk.pop import Stage, StepView, steps_of
from ivr.calls.call import Call, Micros
from ivr.calls.members import Presence
from ivr.events.types import Event
from ivr.steps.standards import Standards
from ivr.steps.timeline import timeline

SECOND: Final = 1_000_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Runs:
    """A step that runs: how long it has taken at a moment is that moment less `since`."""

    subject: str
    since: Micros
    standard: int
    """Seconds."""


@dataclass(frozen=True, slots=True)
class _InProgress:
    """What of one call is looked at."""

    queue: str | None
    """Where the caller waits for an officer."""
    since: Micros
    runs: tuple[_Runs, ...]


class FloorWatch:
    """The floor as rules read it; `changed` is told of each change of a call."""

    def __init__(self, line: Line, agents: Agents, board: Board, standards: Standards) -> None:
        self._line = line
        self._agents = agents
        self._board = board
        self._standards = standards
        self._changed: dict[str, Call] = {}
        self._calls: dict[str, _InProgress] = {}
        for _, live in line.lives():
            self._changed[live.call.call_id] = live.call
        line.on_call.append(self.changed)

    def changed(self, call: Call, _event: Event) -> None:
        """Takes in that a call has changed; never waits or raises."""
        self._changed[call.call_id] = call

    def look(self, now: Micros) -> FloorNow | None:
        """The floor as it is now; `None` while a telephone system is not heard."""
        changed, self._changed = self._changed, {}
        for call_id, call in changed.items():
            try:
                found = None if call.closed else self._of(call)
            except Exception:
                # a bug in one call must not hide what became of the others
                _log.exception("a call is not watched", call=call_id)
                found = None
            if found is None:
                self._calls.pop(call_id, None)
            else:
                self._calls[call_id] = found
        nodes = self._line.nodes
        if not nodes or not all(node.known for node in nodes):
            return None
        waiting: dict[str, list[Micros]] = defaultdict(list)
        running: dict[str, list[float]] = defaultdict(list)
        for one in self._calls.values():
            if one.queue is not None:
                waiting[one.queue].append(one.since)
            _add(running, one.runs, now)
        for view in self._board:
            # over on the line, and its record not saved yet
            if view.stage is Stage.WRAPUP and view.call_id not in self._calls:
                _add(running, _runs(view.service, view.steps), now)
        return FloorNow(
            {queue: Waiting(len(since), min(since)) for queue, since in waiting.items()},
            {step: Running(max(shares), len(shares)) for step, shares in running.items()},
            self._ready,
        )

    def _of(self, call: Call) -> _InProgress | None:
        """What is looked at of a call; `None` where that is nothing."""
        queue, since = None, 0
        passage = call.passages[-1] if call.passages else None
        over = call.ended_at is not None or call.outcome is not None
        waits = passage is not None and passage.left_at is None and passage.outcome is None
        if passage is not None and waits and not over and call.on_the_line(passage):
            queue, since = passage.queue, passage.joined_at
        timings = timeline(call, self._line.directory, self._standards)
        if not timings:
            return None if queue is None else _InProgress(queue, since, ())
        service = self._standards.on(call.entered_at).services[timings[-1].service]
        runs = _runs(service.service, steps_of(service, timings))
        return _InProgress(queue, since, runs) if queue is not None or runs else None

    def _ready(self, queue: str) -> int:
        """Officers whom this queue may ring, and those who are with a caller and come back."""
        there: set[str] = set()
        for node in self._line.nodes:
            for member in node.members:
                if member.queue != queue or member.name in there:
                    continue
                sitting = self._agents.at(member.name)
                serves = not member.paused or (sitting is not None and sitting.state is State.READY)
                if serves and node.members.presence(member.name) is not Presence.UNAVAILABLE:
                    there.add(member.name)
        return len(there)


def _runs(service: str, steps: Iterable[StepView]) -> tuple[_Runs, ...]:
    return tuple(
        _Runs(f"{service}/{step.step}", step.since - round((step.spent or 0) * SECOND),
              step.standard)
        for step in steps
        if step.since is not None and step.standard > 0
    )  # fmt: skip


def _add(running: dict[str, list[float]], runs: Iterable[_Runs], now: Micros) -> None:
    for one in runs:
        running[one.subject].append(max(0, now - one.since) / (one.standard * SECOND) * 100)
