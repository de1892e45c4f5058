"""What the line is told of a caller who comes to a queue: from memory, at once."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from crm_bridge.clock import Clock
from crm_bridge.config_door import DoorSection
from crm_bridge.desk import caller_rules
from crm_bridge.desk.agent_states import WRAPUP, State
from crm_bridge.desk.agents import Agents
from crm_bridge.desk.caller_rules import Kind, Rule, Treatment
from crm_bridge.desk.card import DAY, Card
from crm_bridge.desk.line import Line, LineNode
from crm_bridge.errors import StorageError
from crm_bridge.forecast.wait import AT_ONCE, Standing, expected
from crm_bridge.records.callers import normalise
from crm_bridge.records.database import Database
from crm_bridge.selfservice import queue_figures
from crm_bridge.selfservice.queue_figures import QueueFigures
from ivr.calls.call import Call
from ivr.calls.members import Presence
from ivr.selfservice.port import Arrival, Expect, Wait, Welcome

_log = structlog.get_logger(__name__)

READ_EVERY: Final = 5.0
"""Seconds after which a rule that was made just now is known on the line."""
FIGURES_EVERY: Final = 3
"""Of so many readings one is of the queues' figures too."""
LAST: Final = -1
"""The priority of those who are taken last."""

_AWAY: Final = frozenset({Presence.UNAVAILABLE})
_FREE: Final = frozenset({Presence.FREE, Presence.UNKNOWN})


class Door:
    """Answers the line; `run` keeps the figures fresh."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        line: Line,
        section: DoorSection | None = None,
        *,
        emergency: Callable[[], bool] = bool,
        agents: Agents | None = None,
        card_of: Callable[[str], Card | None] = lambda _call_id: None,
    ) -> None:
        """`emergency`: whether an emergency message is on the line; nobody is refused then.

        `agents`: who sits where; `card_of`: what is known of the caller of a call in progress.
        """
        self._database = database
        self._clock = clock
        self._line = line
        section = section or DoorSection()
        self._priority = {Kind.VULNERABLE: section.vulnerable, Kind.VIP: section.vip}
        self._emergency = emergency
        self._agents = agents
        self._card_of = card_of
        self._spared = caller_rules.spared_by(line.directory)
        self._known_seconds = section.known_seconds
        self._known_days = section.known_days
        self.figures: QueueFigures | None = None
        """As last read."""
        self.rules: Mapping[str, tuple[Rule, ...]] = {}
        """Number → the rules in force when they were last read."""

    def welcome(self, arrival: Arrival) -> Welcome:
        """How this caller is received."""
        number = normalise(arrival.number).e164 if arrival.number else None
        priority, why, refused = self._ruled(number)
        if refused:
            return Welcome(Wait(Expect.UNKNOWN), why=why, refused=True)
        node = self._node(arrival.uniqueid)
        wait = self._wait(node, arrival.queue, priority)
        officer, known_by = self._knower(node, arrival) if priority >= 0 else ("", "")
        return Welcome(
            wait, priority, why, officer=officer, officer_why=known_by,
            officer_seconds=self._known_seconds,
        )  # fmt: skip

    async def run(self) -> None:
        """Reads rules and figures again and again, until cancelled."""
        for n in itertools.count():
            await self.read(figures=n % FIGURES_EVERY == 0)
            await asyncio.sleep(READ_EVERY)

    async def read(self, *, figures: bool = True) -> None:
        """Reads what the line is answered from; where that fails the last reading stands."""
        now = self._clock.now_us()
        try:
            async with self._database.reading() as connection:
                self.rules = await caller_rules.by_number(connection, now, self._spared)
                if figures:
                    self.figures = await queue_figures.read(connection, now)
        except StorageError as fault:
            _log.warning("rules and figures were not read for the line", what=fault.what)

    # --- rules -----------------------------------------------------------------------------------

    def _ruled(self, number: str | None) -> tuple[int, str, bool]:
        """Priority, why, and whether he is refused. Who is put first by any rule is never that.

        Of several that put him back the strictest counts, whichever was made last.
        """
        now = self._clock.now_us()
        rules = [rule for rule in self.rules.get(number or "", ()) if rule.holds(now)]
        first = [rule for rule in rules if rule.treatment is Treatment.FIRST]
        if first:
            rule = max(first, key=lambda one: self._priority.get(one.kind, 0))
            return self._priority.get(rule.kind, 0), f"{rule.kind.value}:{rule.id}", False
        if not rules:
            return 0, "", False
        rule = next((one for one in rules if one.treatment is Treatment.REFUSE), rules[0])
        refused = rule.treatment is Treatment.REFUSE and not self._emergency()
        return LAST, f"{rule.kind.value}:{rule.id}", refused

    # --- who knows him ---------------------------------------------------------------------------

    def _knower(self, node: LineNode | None, arrival: Arrival) -> tuple[str, str]:
        """The officer who knows the caller and could take him now, and how; empty for nobody."""
        if node is None or not node.known or not self._known_seconds or self._agents is None:
            return "", ""
        live = node.tracker.of_caller(arrival.uniqueid)
        card = self._card_of(live.call.call_id) if live is not None else None
        if card is None:
            return "", ""
        _, free = self._officers(node)
        since = self._clock.now_us() - self._known_days * DAY
        for one in card.knowers:
            if one.why == "call" and one.at_us < since:
                continue
            sitting = self._agents.of_account(one.account_id)
            if sitting is None or sitting.state is not State.READY:
                continue
            if sitting.extension in free[arrival.queue]:
                return sitting.extension, one.why
        return "", ""

    # --- the wait --------------------------------------------------------------------------------

    def _wait(self, node: LineNode | None, queue: str, priority: int) -> Wait:
        if node is None or not node.known:
            return Wait(Expect.UNKNOWN)
        standing = self._standing(node, queue, priority)
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

    @staticmethod
    def _officers(node: LineNode) -> tuple[Mapping[str, set[str]], Mapping[str, set[str]]]:
        """By queue: officers who take its calls, and those of them who are free."""
        serving: dict[str, set[str]] = defaultdict(set)
        free: dict[str, set[str]] = defaultdict(set)
        for member in node.members:
            name, presence = member.name, node.members.presence(member.name)
            if (member.paused and member.reason != WRAPUP) or presence in _AWAY:
                continue
            serving[member.queue].add(name)
            if not member.paused and presence in _FREE and not node.tracker.busy.get(name):
                free[member.queue].add(name)
        return serving, free

    def _standing(self, node: LineNode, queue: str, priority: int) -> Standing:
        """The queue as a caller finds it who is not in it yet."""
        serving, free = self._officers(node)
        here = serving[queue]
        # who waits elsewhere takes an officer of this queue as often as one of it sits there
        share = {
            name: len(others & here) / len(others) for name, others in serving.items() if others
        }
        before = 0.0
        for live in node.tracker.lives.values():
            passage = live.passage
            if passage is None or passage.left_at is not None or passage.outcome is not None:
                continue
            if any(attempt.outcome is None for attempt in live.attempts.values()):
                continue  # his officer's telephone rings, and is counted as no free one
            if passage.queue == queue and _priority_of(live.call) < priority:
                continue
            before += share.get(passage.queue, 0.0)
        figures, now = self.figures, self._clock.now_us()
        return Standing(
            before, len(free[queue]), len(here),
            None if figures is None else figures.handling(queue, now),
            0.0 if figures is None else figures.leaving.get(queue, 0.0),
        )  # fmt: skip


def _priority_of(call: Call) -> int:
    """The priority that a caller who waits was given."""
    for mark in reversed(call.marks):
        if mark.name == "priority":
            return int(mark.value.partition(":")[0])
    return 0
