"""The bounded queue before the pipeline, and a pipeline that no message stops."""

from __future__ import annotations

import asyncio

import pytest

from crm_bridge.pipeline import Intake, NodePipeline, work
from crm_bridge.records import journal
from ivr.ami.message import LINK_LOST, LINK_UP, event_name, synthetic
from ivr.calls.directory import Directory
from ivr.steps.standards import load_standards

CALLER = (
    b"Event: Newchannel\r\nTimestamp: 1795400000.000001\r\nChannel: PJSIP/trunk-00000001\r\n"
    b"ChannelState: 4\r\nCallerIDNum: 0812345678\r\nCallerIDName: x\r\nContext: from-trunk\r\n"
    b"Exten: 1203\r\nUniqueid: 1795400000.1\r\nLinkedid: 1795400000.1"
)
AT = 1_795_400_000.5


def names(intake: Intake) -> list[str | None]:
    found = []
    while len(intake):
        messages, _ = intake.take()
        found += [event_name(m) for m in messages]
    return found


@pytest.fixture
def dropped() -> list[str]:
    return []


@pytest.fixture
def small(dropped) -> Intake:
    return Intake(limit=int(3.5 * len(CALLER)), drop_link=dropped.append)


def test_a_full_intake_closes_the_link_and_names_the_gap(small, dropped):
    small.put([CALLER] * 3, AT)
    small.put([CALLER], AT + 1)
    assert dropped == ["the bridge's queue is full"]
    assert small.overflows == 1
    small.put([CALLER, synthetic(LINK_LOST, AT + 2)], AT + 2)
    assert names(small) == ["Newchannel"] * 3 + [LINK_LOST]


def test_after_an_overflow_the_next_link_up_is_where_it_goes_on(small):
    small.put([CALLER] * 5, AT)
    assert names(small) == [LINK_LOST]
    small.put([CALLER], AT + 1)
    assert names(small) == []
    small.put([CALLER, synthetic(LINK_UP, AT + 2), CALLER], AT + 2)
    assert names(small) == [LINK_UP, "Newchannel"]


def test_a_link_that_comes_back_too_soon_is_closed_again(small, dropped):
    small.put([CALLER] * 3, AT)
    small.put([CALLER], AT + 1)
    small.put([synthetic(LINK_UP, AT + 2)], AT + 2)
    assert dropped == ["the bridge's queue is full", "the bridge's queue is still full"]
    assert names(small) == ["Newchannel"] * 3 + [LINK_LOST]


def test_the_size_is_what_waits(small):
    small.put([CALLER], AT)
    small.put([CALLER], AT)
    assert small.size == 2 * len(CALLER)
    small.take()
    assert small.size == len(CALLER)


def pipeline(scribe: journal.Scribe | None = None) -> NodePipeline:
    return NodePipeline("pbx1", Directory(), load_standards(), None, scribe)


def test_a_message_becomes_a_record_and_a_journal_piece():
    made = pipeline(journal.Scribe("pbx1", None))
    made.take(CALLER, 1_795_400_000_700_000)
    assert made.tally.last_lag == 699_999
    batch = made.batch()
    assert list(batch.calls) == ["pbx1-1795400000.1"]
    (piece,) = batch.pieces
    assert (piece.from_us, piece.to_us) == (1_795_400_000_000_001,) * 2
    assert journal.decode(piece.body) == [(1_795_400_000_700_000, CALLER)]
    assert not made.waiting


def test_an_event_the_tracker_chokes_on_stops_nothing(monkeypatch):
    made = pipeline()

    def choke(_event):
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(made.tracker, "apply", choke)
        made.take(CALLER, 1)
    made.take(CALLER, 1)
    assert (made.tally.failed, made.tally.calls) == (1, 1)


async def test_the_worker_keeps_the_order_and_waits_for_room():
    intake, made = Intake(), pipeline()
    heard = []
    made.on_change = lambda call, event: heard.append(event.at)
    room = [False]
    for n in range(3):
        stamp = b"Timestamp: %d.000000" % (1_795_400_000 + n)
        raw = CALLER.replace(b"Timestamp: 1795400000.000001", stamp)
        intake.put([raw.replace(b"1795400000.1", b"1795400000.%d" % n)], AT)
    task = asyncio.create_task(work(intake, made, lambda: room[0]))
    await asyncio.sleep(0)
    assert heard == []
    room[0] = True
    async with asyncio.timeout(5):
        while len(heard) < 3:  # noqa: ASYNC110  # the callback is synchronous
            await asyncio.sleep(0.01)
    assert heard == sorted(heard)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
