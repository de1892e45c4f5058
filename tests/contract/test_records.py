"""What the records promise, on every database."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import select

from crm_bridge.errors import RecordRefused, SchemaMismatch
from crm_bridge.records import journal
from crm_bridge.records.calls import (
    calls_as_json,
    find_calls,
    load_call,
    snapshot,
    withheld_calls,
)
from crm_bridge.records.database import Database
from crm_bridge.records.schema import check, current, head, upgrade
from crm_bridge.records.tables import CHILDREN, callers, calls
from crm_bridge.records.writer import Batch, Committed, Writer, batch_of
from ivr.calls.call import Attempt, Call, Evidence, Mark
from ivr.steps.timing import StepTiming
from tests.support.records import SECOND, START, full_call, full_steps, grown


class Held:
    """A clock that stands until told otherwise."""

    def __init__(self) -> None:
        self.at = 1

    def now_us(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / SECOND

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("the writer does not wait")


@pytest.fixture
def clock() -> Held:
    return Held()


@pytest.fixture
async def writer(database: Database, clock: Held):
    made = Writer(database, clock)
    yield made
    await made.close()


async def everything(database: Database) -> dict[str, list[tuple]]:
    found = {}
    async with database.reading() as connection:
        for table in (calls, callers, *CHILDREN):
            query = select(table).order_by(*table.primary_key)
            found[table.name] = [tuple(r) for r in (await connection.execute(query)).all()]
    return found


async def test_a_call_comes_back_whole(database, writer):
    call = full_call()
    steps = full_steps(call)
    await writer.commit(batch_of(calls=[snapshot(call, steps)]))
    stored = await load_call(database, call.call_id)
    assert stored is not None
    assert stored.call == call
    assert stored.steps == steps
    assert stored.caller_number == "+66812345678"
    assert await load_call(database, "none such") is None
    assert await find_calls(database, call.linkedids[1]) == [call.call_id]


async def test_the_published_form(database, writer):
    call = full_call(0)
    call.agents = call.agents[:1]
    await writer.commit(batch_of(calls=[snapshot(call, full_steps(call)[:1])]))
    (found,) = [c async for c in calls_as_json(database)]
    assert list(found) == [
        "call_id", "node", "linkedids", "revision", "direction", "dialled", "caller_number",
        "caller_number_presented", "caller_name", "withheld", "entered_at", "answered_at",
        "ended_at", "ended_by", "outcome", "service", "language", "menu", "queue_passages",
        "agents", "holds", "consultations", "transfers", "agency_legs", "steps", "gaps",
    ]  # fmt: skip
    plain = json.loads(json.dumps(found))
    assert plain["entered_at"] == "2026-11-23T04:05:06.123456Z"
    assert plain["ended_by"] == "agency"
    assert plain["steps"] == [
        {
            "step": "greet",
            "started_at": "2026-11-23T04:05:06.123466Z",
            "ended_at": "2026-11-23T04:05:18.469144Z",
            "elapsed_seconds": 12.345678,
            "standard_seconds": 300,
            "state": "within",
            "evidence": "observed",
        }
    ]
    assert plain["queue_passages"][1]["attempts"][0] == {
        "agent": "1002",
        "rang_at": "2026-11-23T04:05:06.123488Z",
        "ended_at": "2026-11-23T04:05:06.123496Z",
        "outcome": "rejected",
    }
    assert plain["transfers"][1]["outcome"] is None
    assert plain["gaps"][1] == {
        "from": "2026-11-23T04:05:06.123726Z",
        "to": None,
        "filled_by": None,
    }


async def test_calls_come_in_order_of_entry_over_any_number_of_pages(database, writer):
    made = [full_call(n) for n in range(1100)]
    for call in made[::7]:
        call.entered_at = START  # ties, broken by call id
    await writer.commit(batch_of(calls=[snapshot(c, []) for c in reversed(made)]))
    expected = [c.call_id for c in sorted(made, key=lambda c: (c.entered_at, c.call_id))]
    assert [c["call_id"] async for c in calls_as_json(database)] == expected
    since, until = made[100].entered_at, made[200].entered_at
    found = [c["call_id"] async for c in calls_as_json(database, since, until)]
    assert found == [c.call_id for c in made[100:200] if c.entered_at >= since]


async def test_the_same_again_changes_nothing(database, writer, clock):
    rows = snapshot(full_call(), full_steps(full_call()))
    assert (await writer.commit(batch_of(calls=[rows]))).written == 1
    before = await everything(database)
    clock.at = 2
    assert await writer.commit(batch_of(calls=[rows])) == Committed(0, 0, 1, 0)
    other = Writer(database, clock)
    assert await other.commit(batch_of(calls=[rows])) == Committed(0, 0, 1, 0)
    await other.close()
    assert await everything(database) == before


async def test_an_older_revision_changes_nothing(database, writer):
    call = full_call()
    await writer.commit(batch_of(calls=[snapshot(call, full_steps(call))]))
    before = await everything(database)
    for stage in range(4):
        early = snapshot(grown(call, stage, 5), [])
        assert await writer.commit(batch_of(calls=[early])) == Committed(0, 0, 0, 1)
    assert await everything(database) == before


async def test_a_step_that_changes_without_an_event_is_written(database, writer):
    call = full_call()
    call.closed = False
    steps = full_steps(call)
    await writer.commit(batch_of(calls=[snapshot(call, steps)]))
    steps[1] = StepTiming("log", "information", 1, 2, 300, "within", Evidence.DECLARED, {}, 1)
    assert (await writer.commit(batch_of(calls=[snapshot(call, steps)]))).rows == 2
    stored = await load_call(database, call.call_id)
    assert stored.steps == steps


@pytest.mark.parametrize("forgetful", [False, True])
async def test_only_what_changed_is_sent_and_shrinking_lists_shrink(database, writer, forgetful):
    async def commit(call: Call) -> Committed:
        if forgetful:  # as after a restart: nothing is remembered of what was written
            other = Writer(database)
            try:
                return await other.commit(batch_of(calls=[snapshot(call, [])]))
            finally:
                await other.close()
        return await writer.commit(batch_of(calls=[snapshot(call, [])]))

    call = full_call()
    call.closed = False  # of a closed call nothing is remembered
    await commit(call)
    call.revision += 1
    call.marks.append(Mark("greeting_end", call.entered_at + 95))
    sent = await commit(call)
    if not forgetful:
        assert sent.rows == 2  # the call and its new mark
    call.revision += 1
    call.passages[0].attempts.append(Attempt("1007", call.entered_at + 21))
    call.passages[1].attempts.pop()
    call.menu.clear()
    call.legs.pop()
    await commit(call)
    stored = await load_call(database, call.call_id)
    assert stored.call == call


async def test_a_writer_in_between_is_noticed(database, writer):
    call = full_call()
    call.closed = False
    await writer.commit(batch_of(calls=[snapshot(call, [])]))
    other = Writer(database)
    call.revision += 1
    call.marks.append(Mark("repaired", 5))
    call.holds.pop()
    await other.commit(batch_of(calls=[snapshot(call, [])]))
    await other.close()
    call.revision += 1
    call.marks.pop()
    call.holds.append(full_call().holds[1])
    await writer.commit(batch_of(calls=[snapshot(call, [])]))
    stored = await load_call(database, call.call_id)
    assert stored.call == call


async def test_two_writers_at_once_both_get_through(database):
    made = [full_call(n) for n in range(40)]

    async def write(offset: int) -> None:
        writer = Writer(database)
        for call in made[offset:] + made[:offset]:
            await writer.commit(batch_of(calls=[snapshot(call, full_steps(call))]))
        await writer.close()

    await asyncio.gather(write(0), write(20))
    async with database.reading() as connection:
        assert (await connection.execute(select(callers.c.calls))).scalar_one() == 40
    for call in made:
        assert (await load_call(database, call.call_id)).call == call


async def test_callers_are_counted_once_a_call(database, writer):
    first, second = full_call(1), full_call(2)
    second.caller_name = "Somchai"
    hidden, short = full_call(3, presented=None), full_call(4, presented="1569")
    anonymous = full_call(5, presented="Anonymous")
    everyone = [snapshot(c, []) for c in (second, first, hidden, short, anonymous)]
    await writer.commit(batch_of(calls=everyone[:1]))
    await writer.commit(batch_of(calls=everyone))
    await writer.commit(batch_of(calls=everyone))
    assert (await everything(database))["callers"] == [
        ("+66812345678", 2, first.entered_at, second.entered_at, "Somchai", second.entered_at,
         second.call_id)
    ]  # fmt: skip
    assert await withheld_calls(database) == 2
    assert await withheld_calls(database, since=anonymous.entered_at) == 1

    second.revision += 1
    second.caller_presented, second.caller_name = "+66 2 547 5000", None
    await writer.commit(batch_of(calls=[snapshot(second, [])]))
    assert (await everything(database))["callers"] == [
        ("+6625475000", 1, second.entered_at, second.entered_at, None, None, None),
        ("+66812345678", 1, first.entered_at, first.entered_at, "สมชาย ใจดี", first.entered_at,
         first.call_id),
    ]  # fmt: skip
    second.revision += 1
    second.caller_presented = None
    await writer.commit(batch_of(calls=[snapshot(second, [])]))
    assert [row[0] for row in (await everything(database))["callers"]] == ["+66812345678"]


async def test_hostile_text_is_kept_harmless(database, writer):
    call = full_call(presented="0" * 500 + "\0'; DROP TABLE calls --")
    call.caller_name = "<script>\0alert('\ud83d')</script>" + "ก" * 1000
    await writer.commit(batch_of(calls=[snapshot(call, [])]))
    stored = await load_call(database, call.call_id)
    assert stored.call.caller_name.startswith("<script>alert('?')</script>กกก")
    assert len(stored.call.caller_name) <= 255
    assert stored.caller_number is None
    assert stored.call.caller_presented == "0" * 80


async def test_a_value_no_database_holds_is_refused_and_undone(database, writer):
    good, bad = full_call(1), full_call(2)
    bad.legs[0].cause = 2**70
    with pytest.raises(RecordRefused) as caught:
        await writer.commit(batch_of(calls=[snapshot(good, []), snapshot(bad, [])]))
    told = str(caught.value) + str(caught.value.__cause__)
    assert "0812345678" not in told
    assert "สมชาย" not in told
    assert (await everything(database))["calls"] == []
    await writer.commit(batch_of(calls=[snapshot(good, [])]))
    assert len((await everything(database))["calls"]) == 1


async def test_the_journal_comes_back_in_order(database, writer):
    assert await journal.last(database, "pbx1") is None
    scribe = journal.Scribe("pbx1", None)
    other = journal.Scribe("pbx2", None)
    pieces = []
    for n in range(150):
        messages = [(START + n, b"Event: Newchannel\r\nN: %d\r\n\r\n" % n), (n, b"\xe0\xb8\0\r\n")]
        pieces.append(scribe.piece(messages, START + n * SECOND, START + (n + 2) * SECOND))
    pieces.append(other.piece([], START, START))
    await writer.commit(batch_of(pieces[:100]))
    await writer.commit(batch_of(pieces[50:]))  # some of them again, as after a lost connection
    assert await journal.last(database, "pbx1") == journal.Last(149, START + 151 * SECOND)
    found = [p async for p in journal.read_since(database, "pbx1", START + 100 * SECOND)]
    assert found == pieces[98:150]
    assert journal.decode(found[0].body)[1] == (98, b"\xe0\xb8\0\r\n")
    again = journal.Scribe("pbx1", await journal.last(database, "pbx1"))
    assert again.piece([], 0, 0).seq == 150


async def test_pruning_leaves_what_open_calls_need(database, writer):
    pieces = []
    for node in ("pbx1", "pbx2"):
        scribe = journal.Scribe(node, None)
        pieces += [
            scribe.piece([(0, b"x")], START + n * SECOND, START + (n + 1) * SECOND)
            for n in range(20)
        ]
    still_open, closed = full_call(1), full_call(0)
    still_open.closed = False
    still_open.entered_at = START + 10 * SECOND
    rows = [snapshot(still_open, []), snapshot(closed, [])]
    await writer.commit(batch_of(pieces, rows))
    assert await journal.open_calls(database, "pbx1") == START + 10 * SECOND
    assert await journal.open_calls(database, "pbx2") is None
    ever = START + 1000 * SECOND
    assert await journal.prune(database, ever, margin_us=SECOND, at_once=3) == 8 + 19
    left = [p.seq async for p in journal.read_since(database, "pbx1", 0)]
    assert left == list(range(8, 20))
    assert [p.seq async for p in journal.read_since(database, "pbx2", 0)] == [19]


async def test_an_empty_database_is_named_and_mended(empty_url):
    database = Database(empty_url)
    try:
        with pytest.raises(SchemaMismatch, match="hotline migrate"):
            await check(database)
        with pytest.raises(SchemaMismatch, match="hotline migrate"):
            await load_call(database, "any")
        assert await upgrade(database) == (None, head())
        assert await upgrade(database) == (head(), head())
        await check(database)
        assert await current(database) == head()
        async with database.writing() as connection:
            await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(SchemaMismatch, match="newer hotline"):
            await check(database)
        with pytest.raises(SchemaMismatch, match="newer hotline"):
            await upgrade(database)
    finally:
        await database.close()


async def test_nothing_to_commit_is_nothing(writer):
    assert await writer.commit(Batch()) == Committed(0, 0, 0, 0)
