"""The bounded queue before the pipeline, and a pipeline that no message stops."""

from __future__ import annotations

import asyncio

import pytest

from crm_bridge.pipeline import Intake, NodePipeline, work
from crm_bridge.records import journal
from crm_bridge.records.commit_loop import CommitLoop
from crm_bridge.records.database import Database
from crm_bridge.records.rows import CLOSED
from crm_bridge.records.writer import Writer
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


def change(made: NodePipeline, call: int, at: int, event: bytes | None = None) -> None:
    """Begins call number `call`, or tells `event` of its only channel; `at` in seconds."""
    uniqueid = b"1795400000.%d" % call
    raw = CALLER.replace(b"1795400000.1", uniqueid) if event is None else event
    raw = raw.replace(b"UNIQUEID", uniqueid)
    raw = raw.replace(b"1795400000.000001", b"%d.000000" % at)
    made.take(raw, at * 1_000_000)


NAMED = (
    b"Event: NewCallerid\r\nTimestamp: 1795400000.000001\r\nUniqueid: UNIQUEID\r\n"
    b"CallerIDNum: 0812345678\r\nCallerIDName: %d"
)
GONE = (
    b"Event: Hangup\r\nTimestamp: 1795400000.000001\r\nUniqueid: UNIQUEID\r\nCause: 16\r\n"
    b"Channel: PJSIP/trunk-00000001"
)
START = 1_795_400_000


def numbers(made: NodePipeline, *, everything: bool = False) -> list[int]:
    """The calls of the next batch, by number."""
    return [int(name.rpartition(".")[2]) for name in made.batch(everything=everything).calls]


def busy_line(count: int = 12, scribe: journal.Scribe | None = None) -> NodePipeline:
    """A pipeline with open calls 1 to `count`, each written once and changed since."""
    made = pipeline(scribe)
    for call in range(1, count + 1):
        change(made, call, START)
    assert numbers(made) == list(range(1, count + 1))
    for call in range(1, count + 1):
        change(made, call, START + 1, NAMED % 1)
    return made


def test_on_a_busy_line_an_open_call_waits_a_few_flushes():
    made = busy_line()
    written = []
    for turn in range(2, 10):
        for call in range(1, 13):
            change(made, call, START + turn, NAMED % turn)
        written.append(len(numbers(made)))
    assert written == [0, 0, 0, 12, 0, 0, 0, 12]


def test_a_call_that_waits_is_written_though_nothing_more_is_heard_of_it():
    made = busy_line()
    assert [len(numbers(made)) for _ in range(5)] == [0, 0, 0, 12, 0]
    assert not made.waiting


def test_a_new_call_and_a_closed_one_are_written_at_once_in_their_order():
    made = busy_line()
    change(made, 20, START + 2)
    change(made, 3, START + 2, GONE)
    change(made, 21, START + 2)
    batch = made.batch()
    assert [name.rpartition(".")[2] for name in batch.calls] == ["3", "20", "21"]
    assert [rows.call[CLOSED] for rows in batch.calls.values()] == [True, False, False]


def test_what_waits_is_whole_in_the_journal_and_nothing_of_it_is_lost():
    scribe = journal.Scribe("pbx1", None)
    made = busy_line(scribe=scribe)
    batch = made.batch()
    assert batch.calls == {}
    (piece,) = batch.pieces
    assert piece.events == 12
    assert made.waiting
    assert numbers(made, everything=True) == list(range(1, 13))
    assert not made.waiting


def test_on_a_quiet_line_every_change_is_written_at_once():
    made = busy_line(10)
    assert numbers(made) == list(range(1, 11))
    change(made, 4, START + 2, NAMED % 2)
    assert numbers(made) == [4]


def test_a_flush_with_nothing_ready_leaves_no_ticket_to_wait_on(tmp_path):
    made = busy_line()
    made._loop = CommitLoop(Writer(Database(f"sqlite:///{tmp_path}/x.db")))
    assert made.flush() is None
    assert made.flush(everything=True) == 1


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
