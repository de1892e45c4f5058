"""The pops each officer must have got, from every recorded call: the right screen and order.

What is expected is read from the record a person wrote down for the scenario, not from the tracker.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest

from crm_bridge.desk.board import Board, topic_of
from crm_bridge.desk.card import Question
from crm_bridge.desk.pop import CallView, Stage
from crm_bridge.live.hub import Hub
from crm_bridge.pipeline import NodePipeline
from ivr.steps.standards import load_standards
from tests.support.scenario import NAMES, config_of, expected, messages_of

OFFICERS = [str(n) for n in range(1001, 1021)]

RUNG_DIRECTLY = {
    "transfer_to_officer": {"1002": 1},
    "transfer_busy": {"1001": 1},
    "transfer_no_answer": {"1001": 1},
    "transfer_unreachable": {"1001": 1},
    "transfer_back_abandoned": {"1001": 1},
    "transfer_requeued": {"1001": 1},
    "park_timeout": {"1001": 1},
}
"""Rings that no queue asked for: a transfer to an officer, or one that failed and came back."""


CALLED_OUT = {"called_back_busy": {"1001"}, "called_back_given_up": {"1001"}}
"""Officers whose call out reached nobody: on their screen while it rang, not in the record."""


class Screens:
    """What went out to each officer, message by message."""

    def __init__(self, name: str) -> None:
        node, messages = messages_of(name)
        config = config_of(name)
        hub = Hub()
        self.asked: list[Question] = []
        self.board = Board(hub, config.directory(), load_standards())
        self.board.ask = self.asked.append
        pipeline = NodePipeline(node, config.directory(), load_standards(), None)
        pipeline.on_change = self.board.changed
        listeners = {agent: hub.listen([topic_of(agent)]) for agent in OFFICERS}
        self.got: dict[str, list[CallView]] = defaultdict(list)
        self.before_ringing: list[bool] = []
        """At each ring: the card had been asked for already."""
        for raw, arrived in messages:
            asked = {q.call_id for q in self.asked}
            pipeline.take(raw, arrived)
            self.board.flush()
            for agent, listener in listeners.items():
                while (happening := listener.take()) is not None:
                    view = happening.data["view"]
                    assert view.agent == agent
                    assert happening.key == view.call_id
                    self.got[agent].append(view)
                    if view.stage is Stage.RINGING:
                        self.before_ringing.append(view.call_id in asked)

    def stages(self, agent: str, call_id: str) -> list[Stage]:
        """The stages that screen went through with that call, each once in a row."""
        found: list[Stage] = []
        for view in self.got[agent]:
            if view.call_id == call_id and (not found or found[-1] is not view.stage):
                found.append(view.stage)
        return found

    @property
    def call_ids(self) -> list[str]:
        ids = [q.call_id for q in self.asked]
        return list(dict.fromkeys(ids))


def _attempts(call: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (attempt["agent"], attempt["outcome"])
        for passage in call["queue_passages"]
        for attempt in passage["attempts"]
    ]


def _plain(call: dict[str, Any]) -> bool:
    """The record says without a choice who was rung and who spoke."""
    passages = call.get("queue_passages")
    return (
        isinstance(passages, list)
        and all(isinstance(p, dict) and isinstance(p.get("attempts"), list) for p in passages)
        and all(
            isinstance(a, dict) and isinstance(a["agent"], str) and isinstance(a["outcome"], str)
            for p in passages
            for a in p["attempts"]
        )
        and isinstance(call.get("agents"), list)
        and all(isinstance(part, dict) for part in call["agents"])
    )


HEARD = [name for name in NAMES if not any(call.get("gaps") for call in expected(name))]
"""Scenarios in which everything was heard: what was not heard cannot have popped."""

AFTER_A_RING = {Stage.GONE, Stage.ANSWERING, Stage.WRAPUP}


@pytest.mark.parametrize("name", HEARD)
def test_each_ring_pops_on_its_officer_and_goes_with_its_end(name: str):
    calls = expected(name)
    screens = Screens(name)
    rung: dict[str, int] = defaultdict(int, RUNG_DIRECTLY.get(name, {}))
    may_have: set[str] = set(rung)
    for call in calls:
        assert _plain(call), f"{name}: the record leaves open who was rung"
        for agent, _ in _attempts(call):
            rung[agent] += 1
        may_have |= {a for a, _ in _attempts(call)} | {p["agent"] for p in call["agents"]}
    may_have |= CALLED_OUT.get(name, set())
    assert {a for a in OFFICERS if screens.got[a]} == may_have
    for agent in OFFICERS:
        episodes = 0
        for call_id in screens.call_ids:
            stages = screens.stages(agent, call_id)
            episodes += stages.count(Stage.RINGING)
            for before, after in pairwise(stages):
                assert before is not Stage.RINGING or after in AFTER_A_RING, stages
            assert not stages or stages[-1] in {Stage.GONE, Stage.WRAPUP}, stages
        assert episodes == rung[agent], f"{name}: {agent} rang {rung[agent]} times"
    assert all(screens.before_ringing), "the card is asked for before any telephone rings"


@pytest.mark.parametrize("name", HEARD)
def test_the_queues_rings_pop_in_their_order_and_end_as_the_record_says(name: str):
    """Officer by officer, ring by ring: who got the caller next and whose pop went away."""
    screens = Screens(name)
    calls = expected(name)
    assert len(screens.call_ids) == len(calls)
    extra = RUNG_DIRECTLY.get(name, {})
    for call_id, call in zip(screens.call_ids, calls, strict=True):
        got = [
            (agent, after is Stage.ANSWERING)
            for agent in OFFICERS
            for before, after in pairwise(screens.stages(agent, call_id))
            if before is Stage.RINGING
        ]
        wanted = [(a, outcome == "answered") for a, outcome in _attempts(call)]
        wanted = sorted(wanted, key=lambda pair: pair[0])
        for agent in OFFICERS:
            of_queue = [taken for a, taken in wanted if a == agent]
            of_screen = [taken for a, taken in got if a == agent]
            if agent in extra and len(calls) == 1:
                of_screen = of_screen[: len(of_queue)]
            assert of_screen == of_queue, (name, agent)


@pytest.mark.parametrize("name", HEARD)
def test_who_answered_is_on_the_line_then_finishes_and_nobody_else(name: str):
    calls = expected(name)
    screens = Screens(name)
    spoke = {part["agent"] for call in calls for part in call["agents"]}
    for agent in OFFICERS:
        for call_id in screens.call_ids:
            stages = screens.stages(agent, call_id)
            if Stage.TALKING in stages:
                assert agent in spoke, stages
                assert stages[-1] is Stage.WRAPUP, stages
    assert {a for a in OFFICERS if any(v.stage is Stage.TALKING for v in screens.got[a])} == spoke


def test_nothing_of_a_call_stays_but_what_is_to_be_finished():
    for name in NAMES:
        board = Screens(name).board
        open_ids = {call.call_id for call, _ in board.live()}
        for view in board:
            assert view.stage is Stage.WRAPUP or view.call_id in open_ids, (name, view)
