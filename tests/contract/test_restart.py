"""The bridge killed at any message and started again: no call lost, none doubled, the gap named."""

from __future__ import annotations

import pytest

from crm_bridge.building import restore
from crm_bridge.pipeline import NodePipeline
from crm_bridge.records import journal
from crm_bridge.records.calls import calls_as_json
from crm_bridge.records.commit_loop import CommitLoop
from crm_bridge.records.writer import Writer
from ivr.ami.message import LINK_UP, SNAPSHOT_END, event_name, synthetic
from ivr.steps.standards import load_standards
from tests.support.scenario import as_json, config_of, messages_of, records_of

SCENARIO = "attended_refer"
SAME = (
    "call_id", "linkedids", "entered_at", "answered_at", "ended_at", "ended_by", "outcome", "menu",
    "queue_passages", "agents", "holds", "consultations", "transfers", "agency_legs",
)  # fmt: skip


async def started(database) -> tuple[NodePipeline, Writer]:
    """A bridge that has just started on this database, as `crm_bridge.app` starts it."""
    node, _ = messages_of(SCENARIO)
    last = await journal.last(database, node)
    writer = Writer(database)
    pipeline = NodePipeline(
        node, config_of(SCENARIO).directory(), load_standards(), CommitLoop(writer),
        journal.Scribe(node, last),
    )  # fmt: skip
    await restore(database, pipeline, last)
    return pipeline, writer


@pytest.mark.parametrize("share", [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95])
async def test_a_bridge_killed_between_two_messages_goes_on_with_the_call(database, share):
    _, messages = messages_of(SCENARIO)
    first = next(n for n, (raw, _) in enumerate(messages) if event_name(raw) == "Newchannel")
    stop = first + int((len(messages) - first) * share)
    pipeline, writer = await started(database)
    for raw, arrived in messages[:stop]:
        pipeline.take(raw, arrived)
    await writer.commit(pipeline.batch())
    await writer.close()

    pipeline, writer = await started(database)
    at = messages[stop][1]
    for raw in (synthetic(LINK_UP, at / 1e6), synthetic(SNAPSHOT_END, at / 1e6)):
        pipeline.take(raw, at)
    for raw, arrived in messages[stop:]:
        pipeline.take(raw, arrived)
    await writer.commit(pipeline.batch())
    await writer.close()

    (want,) = as_json(*records_of(SCENARIO))
    (got,) = [call async for call in calls_as_json(database)]
    assert {key: got[key] for key in SAME} == {key: want[key] for key in SAME}
    assert got["gaps"] != []


async def test_a_call_that_was_over_before_the_kill_is_left_as_it_is(database):
    _, messages = messages_of(SCENARIO)
    pipeline, writer = await started(database)
    for raw, arrived in messages:
        pipeline.take(raw, arrived)
    await writer.commit(pipeline.batch())
    await writer.close()
    before = [call async for call in calls_as_json(database)]

    pipeline, writer = await started(database)
    await writer.commit(pipeline.batch())
    await writer.close()
    assert [call async for call in calls_as_json(database)] == before
    assert pipeline.tracker.lives == {}
