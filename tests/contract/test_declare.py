"""An act of the desk is on the call's record once: live, over, closing, killed, told twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from crm_bridge.building import restore
from crm_bridge.desk import declare
from crm_bridge.desk.declare import Declare
from crm_bridge.errors import Refused
from crm_bridge.pipeline import NodePipeline
from crm_bridge.records import journal
from crm_bridge.records.calls import load_call, snapshot
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import Database
from crm_bridge.records.writer import Writer, batch_of
from ivr.ami.message import event_name
from ivr.calls.call import Call, Gap, Mark
from ivr.steps.standards import load_standards
from tests.support.desk_clock import HeldClock
from tests.support.scenario import config_of, messages_of, records_of

SCENARIO = "answered_served"
OFFICER = "1001"


class Bridge:
    """One node's pipeline over a real commit loop, fed by hand."""

    def __init__(self, database: Database, pipeline: NodePipeline, loop: CommitLoop) -> None:
        self.database = database
        self.pipeline = pipeline
        self.loop = loop
        self.clock = HeldClock()
        self.declare = Declare(
            database, loop, [pipeline], pipeline.directory, pipeline.standards, self.clock
        )
        _, self.messages = messages_of(SCENARIO)
        self.clock.at = self.messages[-1][1] + 3_600_000_000

    def take(self, start: int = 0, stop: int | None = None) -> None:
        for raw, arrived in self.messages[start:stop]:
            self.pipeline.take(raw, arrived)


@asynccontextmanager
async def started(database: Database) -> AsyncIterator[Bridge]:
    node, _ = messages_of(SCENARIO)
    last = await journal.last(database, node)
    loop = CommitLoop(Writer(database), Policy(linger=0))
    pipeline = NodePipeline(
        node, config_of(SCENARIO).directory(), load_standards(), loop, journal.Scribe(node, last)
    )
    running = asyncio.create_task(loop.run())
    try:
        await restore(database, pipeline, last)
        yield Bridge(database, pipeline, loop)
    finally:
        loop.stop()
        await running


def the_call() -> Call:
    (call,) = records_of(SCENARIO)[0].values()
    return call


def middle(messages) -> int:
    """Behind the message that joins officer and caller."""
    found = [n for n, (raw, _) in enumerate(messages) if event_name(raw) == "BridgeEnter"]
    return found[-1] + 1


async def marks(database: Database, call_id: str) -> list[tuple[str, int, str, str | None]]:
    stored = await load_call(database, call_id)
    assert stored is not None
    return [
        (m.name, m.at, m.value, m.by)
        for m in stored.call.marks
        if m.name in {"logged", "informed", "form_opened"}
    ]


async def test_an_act_on_a_call_in_progress_is_on_disk_when_it_returns(database):
    want = the_call()
    async with started(database) as bridge:
        bridge.take(0, middle(bridge.messages))
        at = want.agents[0].connected_at + 1_000
        await bridge.declare(want.call_id, "informed", at, OFFICER, "x")
        assert await marks(database, want.call_id) == [("informed", at, "x", OFFICER)]
        bridge.take(middle(bridge.messages))
        await bridge.declare.settle()
    stored = await load_call(database, want.call_id)
    assert stored is not None
    assert (stored.call.closed, stored.call.revision) == (True, want.revision + 1)
    (inform,) = [s for s in stored.steps if s.step == "inform"]
    assert (inform.ended_at, inform.evidence.value) == (at, "declared")


async def test_an_act_on_a_call_that_is_over_ends_its_step(database):
    want = the_call()
    released = want.agents[-1].released_at
    async with started(database) as bridge:
        bridge.take()
        told: list[Call] = []
        bridge.declare.on_amended = told.append
        await bridge.declare(want.call_id, "logged", released + 60_000_000, OFFICER)
    stored = await load_call(database, want.call_id)
    assert stored is not None
    assert stored.call.revision == want.revision + 1
    assert told == [stored.call]
    (log,) = [s for s in stored.steps if s.step == "log"]
    assert (log.elapsed, log.state, log.evidence.value) == (60_000_000, "within", "declared")
    stored.call.marks.pop()
    stored.call.revision -= 1
    assert stored.call == want


@pytest.mark.parametrize("live", [True, False])
async def test_the_same_act_twice_is_one(database, live):
    want = the_call()
    async with started(database) as bridge:
        bridge.take(0, middle(bridge.messages) if live else None)
        at = want.agents[0].connected_at + 1_000
        for _ in range(2):
            await bridge.declare(want.call_id, "informed", at, OFFICER)
        await asyncio.gather(
            *(bridge.declare(want.call_id, "informed", at, OFFICER) for _ in range(5))
        )
        assert len(await marks(database, want.call_id)) == 1


@pytest.mark.parametrize("share", range(0, 11, 2))
async def test_a_call_that_closes_meanwhile_keeps_each_act_once(database, share):
    """Acts come from several screens while the last messages of the call are worked in."""
    want = the_call()
    async with started(database) as bridge:
        first = middle(bridge.messages)
        bridge.take(0, first)
        at = want.agents[0].connected_at
        acts = [
            asyncio.create_task(bridge.declare(want.call_id, "informed", at + n, OFFICER))
            for n in range(10)
        ]
        for n, message in enumerate(bridge.messages[first:]):
            bridge.pipeline.take(*message)
            if n % (share + 1) == 0:
                bridge.pipeline.flush()
                await asyncio.sleep(0)
        await asyncio.gather(*acts)
        await bridge.declare.settle()
    found = await marks(database, want.call_id)
    assert sorted(at for _, at, _, _ in found) == [at + n for n in range(10)]


async def test_an_act_is_found_again_after_a_kill(database):
    want = the_call()
    at = want.agents[0].connected_at + 1_000
    async with started(database) as bridge:
        bridge.take(0, middle(bridge.messages))
        await bridge.declare(want.call_id, "form_opened", at, OFFICER, "ท\r\nBy: x")
        revision = bridge.pipeline.tracker.lives[want.call_id].call.revision
    async with started(database) as bridge:
        call = bridge.pipeline.tracker.lives[want.call_id].call
        assert [(m.at, m.value, m.by) for m in call.marks if m.name == "form_opened"] == [
            (at, "ท  By: x", OFFICER)
        ]
        assert call.revision == revision + 1  # the gap
        await bridge.declare(want.call_id, "form_opened", at, OFFICER)
        assert call.revision == revision + 1


async def test_acts_while_the_link_is_down_are_kept(database):
    want = the_call()
    async with started(database) as bridge:
        bridge.take(0, middle(bridge.messages))
        await bridge.declare.settle()
    async with started(database) as bridge:  # its link has not come up again
        at = want.agents[0].connected_at + 2_000
        await bridge.declare(want.call_id, "informed", at, OFFICER)
    assert [m[:2] for m in await marks(database, want.call_id)] == [("informed", at)]


async def test_an_act_is_neither_before_its_call_nor_in_the_future(database):
    want = the_call()
    async with started(database) as bridge:
        bridge.take(0, middle(bridge.messages))
        await bridge.declare(want.call_id, "informed", 5, OFFICER)
        bridge.take(middle(bridge.messages))
        await bridge.declare(want.call_id, "logged", 2**60, OFFICER)
        assert [m[:2] for m in await marks(database, want.call_id)] == [
            ("informed", want.entered_at), ("logged", bridge.clock.at),
        ]  # fmt: skip


async def test_what_nobody_knows_is_refused(database):
    async with started(database) as bridge:
        bridge.take()
        with pytest.raises(Refused) as unknown:
            await bridge.declare("pbx1-1.1", "logged", 5, OFFICER)
        with pytest.raises(Refused) as wrong:
            await bridge.declare(the_call().call_id, "greeting_end", 5, OFFICER)
    assert (unknown.value.status, wrong.value.status) == (404, 422)


async def test_what_was_noted_while_nobody_heard_is_taken_in_once(database):
    call = the_call()
    at = call.ended_at
    noted = [Mark("survey_begin", at, "information"), Mark("survey_rating", at + 1, "4")]
    async with started(database) as bridge:
        assert not await bridge.declare.taken_in(call.call_id, noted)  # not there yet
        bridge.take()
        await bridge.declare.settle()
        told = []
        bridge.declare.on_amended = lambda amended: told.append(amended.call_id)
        assert await bridge.declare.taken_in(call.call_id, noted[:1])
        assert await bridge.declare.taken_in(call.call_id, noted)
        again = [Mark("survey_rating", at + 9, "1"), *noted]
        assert not await bridge.declare.taken_in(call.call_id, again)
    assert told == [call.call_id] * 2
    stored = await load_call(database, call.call_id)
    assert stored is not None
    assert stored.call.marks == [*call.marks, *noted]


async def test_an_act_on_a_record_that_is_repaired_meanwhile_is_on_the_repaired_one(
    database, monkeypatch
):
    want = the_call()
    async with started(database) as bridge:
        bridge.take()
        await bridge.declare.settle()
        repairs = [True]

        async def overtaken(of: Database, call_id: str):
            stored = await load_call(of, call_id)
            if repairs.pop() if repairs else False:
                other = await load_call(of, call_id)
                assert other is not None
                other.call.revision += 1
                other.call.gaps = [Gap(want.entered_at, want.entered_at + 1, "cel")]
                writer = Writer(of)
                await writer.commit(batch_of(calls=[snapshot(other.call, other.steps)]))
                await writer.close()
            return stored

        monkeypatch.setattr(declare, "load_call", overtaken)
        await bridge.declare(want.call_id, "logged", want.ended_at, OFFICER)
    assert len(await marks(database, want.call_id)) == 1
    stored = await load_call(database, want.call_id)
    assert stored is not None
    assert [gap.filled_by for gap in stored.call.gaps] == ["cel"]
    assert stored.call.revision == want.revision + 2
