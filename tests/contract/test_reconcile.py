"""Records repaired by Asterisk's own books, on both engines: once, however often it is done."""

from __future__ import annotations

import asyncio
import json
import os

import pytest
from sqlalchemy import select

from crm_bridge.commands import reconcile as command
from crm_bridge.commands.reconcile import reconcile_books
from crm_bridge.reconciling.books import Books, books_of
from crm_bridge.reconciling.comparing import compare
from crm_bridge.records.audit import ACTOR, Actor
from crm_bridge.records.calls import calls_as_json, load_call, snapshot
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.audit import audit_log
from crm_bridge.records.writer import Writer, batch_of
from ivr.calls.call import Call, Gap, Mark
from ivr.steps.standards import load_standards
from ivr.steps.timeline import timeline
from tests.support.books import heard_without, span_of
from tests.support.scenario import SCENARIOS, chunks_of, config_of, records_of

SECOND = 1_000_000


async def save(database: Database, name: str, calls: dict[str, Call]) -> None:
    directory, standards = config_of(name).directory(), load_standards()
    writer = Writer(database)
    rows = [snapshot(c, timeline(c, directory, standards)) for c in calls.values()]
    await writer.commit(batch_of(calls=rows))
    await writer.close()


def books(name: str, *, cel: bool = True) -> Books:
    return Books(
        chunks_of(name)[0],
        SCENARIOS / f"{name}.cel.csv" if cel else None,
        SCENARIOS / f"{name}.queue_log",
    )


async def run(database: Database, name: str, capsys, *, repair: bool, cel: bool = True):
    """What the command prints, line by line."""
    await reconcile_books(database, config_of(name), [books(name, cel=cel)], None, repair=repair)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


async def test_a_call_no_event_told_of_is_made_of_the_books_once(database, capsys):
    name = "attended_refer"
    found = await run(database, name, capsys, repair=False)
    assert [(d["what"], d["record"]) for d in found] == [("call", None)]
    assert [c async for c in calls_as_json(database)] == [], "nothing is written unasked"
    await run(database, name, capsys, repair=True)
    assert await run(database, name, capsys, repair=True) == []
    (record,) = [c async for c in calls_as_json(database)]
    (whole,) = records_of(name)[0].values()
    assert record["call_id"] == whole.call_id
    assert record["outcome"] == whole.outcome
    assert [a["agent"] for a in record["agents"]] == ["1001"]
    assert [t["outcome"] for t in record["transfers"]] == ["answered"]
    assert [g["filled_by"] for g in record["gaps"]] == ["cel"]
    assert {s["evidence"] for s in record["steps"]} == {"inferred"}


@pytest.mark.parametrize(
    ("name", "part"),
    [("answered_served", (0.3, 1.2)), ("blind_refer", (0.5, 0.9)), ("attended_refer", (-0.1, 0.6)),
     ("ring_no_answer", (0.4, 0.7)), ("hold", (0.2, 0.9)), ("queue_timeout", (0.1, 1.1))],
)  # fmt: skip
async def test_what_was_not_heard_is_filled(database, capsys, name, part):
    first, last = span_of(name)
    start, end = (first + round((last - first) * share) for share in part)
    heard, whole = heard_without(name, start, end)
    await save(database, name, heard)
    found = await run(database, name, capsys, repair=True)
    assert found
    assert await run(database, name, capsys, repair=False) == []
    for call_id, call in whole.items():
        stored = await load_call(database, call_id)
        assert stored is not None
        assert stored.call.ended_at is not None
        assert call.ended_at is not None
        assert abs(stored.call.ended_at - call.ended_at) <= 10_000
        assert [g.filled_by for g in stored.call.gaps] == ["cel"]
        if call_id in heard:
            assert stored.call.revision == heard[call_id].revision + 1


async def test_whole_records_are_left_alone(database, capsys):
    for name in ("hold", "pickup", "blind_refer", "queue_timeout"):
        await save(database, name, records_of(name)[0])
        assert await run(database, name, capsys, repair=True) == []
        for call in records_of(name)[0].values():
            stored = await load_call(database, call.call_id)
            assert stored is not None
            assert stored.call.revision == call.revision


async def test_two_at_once_are_one(database, capsys):
    name = "transfer_to_queue"
    one = [books(name)]
    config = config_of(name)
    await asyncio.gather(
        reconcile_books(database, config, one, None, repair=True),
        reconcile_books(database, config, one, None, repair=True),
    )
    capsys.readouterr()
    assert await run(database, name, capsys, repair=False) == []
    assert len([c async for c in calls_as_json(database)]) == 1


async def test_events_that_come_later_make_no_second_call(database, capsys):
    name = "hold"
    await run(database, name, capsys, repair=True)
    await save(database, name, records_of(name)[0])
    (record,) = [c async for c in calls_as_json(database)]
    assert record["call_id"] == next(iter(records_of(name)[0]))
    assert await run(database, name, capsys, repair=True) == []


def half_heard(name: str) -> Call:
    """The scenario's call, of which the middle was not heard."""
    first, last = span_of(name)
    heard, _ = heard_without(name, first + (last - first) // 4, last)
    (call,) = heard.values()
    return call


async def test_what_the_desk_does_between_reading_and_repairing_stays(
    database, capsys, monkeypatch
):
    name = "answered_served"
    record = half_heard(name)
    await save(database, name, {record.call_id: record})
    acts = [Mark("logged", record.entered_at + 1, "", "1001")]

    async def overtaken(*args):
        found = await compare(*args)
        while acts:
            record.marks.append(acts.pop())
            record.revision += 1
            await save(database, name, {record.call_id: record})
        return found

    monkeypatch.setattr(command, "compare", overtaken)
    assert await run(database, name, capsys, repair=True)
    stored = await load_call(database, record.call_id)
    assert stored is not None
    assert stored.call.revision == record.revision + 1
    assert [m.by for m in stored.call.marks if m.name == "logged"] == ["1001"]
    assert [g.filled_by for g in stored.call.gaps] == ["cel"]
    assert await run(database, name, capsys, repair=False) == []


async def test_a_call_that_comes_on_record_between_reading_and_repairing_stays(
    database, capsys, monkeypatch
):
    name = "hold"
    waiting = [records_of(name)[0]]

    async def overtaken(*args):
        found = await compare(*args)
        while waiting:
            await save(database, name, waiting.pop())
        return found

    monkeypatch.setattr(command, "compare", overtaken)
    await run(database, name, capsys, repair=True)
    (record,) = [c async for c in calls_as_json(database)]
    assert record["gaps"] == []


async def test_the_lines_own_next_revision_does_not_undo_a_repair(database, capsys):
    """The bridge comes back with the call as it left it: open, or ended nobody knows when."""
    name = "answered_served"
    record = half_heard(name)
    record.ended_at = None
    await save(database, name, {record.call_id: record})
    assert await run(database, name, capsys, repair=True)
    record.revision += 1
    for closed in (False, True):
        record.closed = closed
        record.gaps = [Gap(record.gaps[0].started_at)]
        await save(database, name, {record.call_id: record})
        stored = await load_call(database, record.call_id)
        assert stored is not None
        assert stored.call.ended_at is not None
        assert [g.filled_by for g in stored.call.gaps] == ["cel"]
    # what the line tells further is taken, and the books fill it anew
    record.revision += 1
    record.marks.append(Mark("logged", record.entered_at + 1, "", "1001"))
    await save(database, name, {record.call_id: record})
    assert await run(database, name, capsys, repair=True)
    stored = await load_call(database, record.call_id)
    assert stored is not None
    assert [g.filled_by for g in stored.call.gaps] == ["cel"]
    assert [m.by for m in stored.call.marks if m.name == "logged"] == ["1001"]


async def test_a_repair_is_in_the_audit_log_with_the_calls_it_changed(database, capsys):
    name = "attended_refer"
    actor = ACTOR.set(Actor("hotline reconcile", "command:somchai", lambda: 1, once=True))
    try:
        for repair in (False, True, True):
            await run(database, name, capsys, repair=repair)
    finally:
        ACTOR.reset(actor)
    query = select(audit_log.c.via, audit_log.c.act, audit_log.c.detail)
    async with database.reading() as connection:
        rows = (await connection.execute(query.where(audit_log.c.kind == "act"))).all()
    assert [(row.via, row.act, json.loads(row.detail)) for row in rows] == [
        ("command:somchai", "calls.repaired", {"count": 1, "of": list(records_of(name)[0])})
    ]


async def test_rotated_books_are_read_from_the_oldest(database, capsys, tmp_path):
    for n, name in enumerate(("pickup", "blind_refer", "hold")):
        for book in ("cel.csv", "queue_log"):
            source = SCENARIOS / f"{name}.{book}"
            part = tmp_path / (book if n == 2 else f"{book}.{2 - n}")
            part.write_bytes(source.read_bytes())
            os.utime(part, (n, n))
    config = config_of("hold")
    config = config.model_copy(
        update={
            "node": [
                config.node[0].model_copy(
                    update={
                        "name": chunks_of("hold")[0],
                        "cel_file": tmp_path / "cel.csv",
                        "queue_log_file": tmp_path / "queue_log",
                    }
                )
            ]
        }
    )
    await reconcile_books(database, config, books_of(config), None, repair=True)
    capsys.readouterr()
    made = {call["call_id"] async for call in calls_as_json(database)}
    assert made == {i for name in ("pickup", "blind_refer", "hold") for i in records_of(name)[0]}
    (alone,) = books_of(config, cel=tmp_path / "cel.csv.1")
    assert (alone.cel_rotated, alone.queue_log_rotated) == (False, True)


async def test_a_call_that_goes_on_is_not_touched(database, capsys, tmp_path):
    name = "hold"
    cel = (SCENARIOS / f"{name}.cel.csv").read_bytes().splitlines(keepends=True)
    part = tmp_path / "part.csv"
    part.write_bytes(b"".join(cel[: len(cel) // 2]) + cel[len(cel) // 2][:50])
    await reconcile_books(
        database, config_of(name), [Books(chunks_of(name)[0], part, None)], None, repair=True
    )
    assert capsys.readouterr().out == ""
    assert [c async for c in calls_as_json(database)] == []


async def test_a_record_that_no_book_knows_is_said_and_stays(database, capsys):
    name = "killed"
    calls = records_of(name)[0]
    one = max(calls.values(), key=lambda c: c.entered_at)
    one.call_id, one.legs[0].uniqueid = "lab100-invented.1", "invented.1"
    await save(database, name, calls)
    for _ in range(2):
        found = await run(database, name, capsys, repair=True)
        assert ("lab100-invented.1", "call", None) in [
            (d["call_id"], d["what"], d["book"]) for d in found
        ]
    assert await load_call(database, "lab100-invented.1") is not None


async def test_an_end_that_no_book_knows_stays_unknown(database, capsys):
    """Asterisk killed: CEL breaks off with it."""
    name = "killed_waiting"
    await save(database, name, records_of(name)[0])
    assert await run(database, name, capsys, repair=True) == []
    (record,) = [c async for c in calls_as_json(database)]
    assert record["ended_at"] is None
    assert record["outcome"] == "interrupted"
    assert [g["filled_by"] for g in record["gaps"]] == [None]
    assert {s["evidence"] for s in record["steps"]} == {"unknown"}


async def test_queue_log_alone_fills_what_it_knows(database, capsys):
    name = "answered_served"
    first, last = span_of(name)
    heard, _ = heard_without(name, first + (last - first) // 4, last + SECOND)
    await save(database, name, heard)
    assert await run(database, name, capsys, repair=True, cel=False)
    assert await run(database, name, capsys, repair=False, cel=False) == []
    (record,) = [c async for c in calls_as_json(database)]
    assert [g["filled_by"] for g in record["gaps"]] == ["queue_log"]
    assert [p["outcome"] for p in record["queue_passages"]] == ["answered"]
    assert record["ended_at"].endswith(".000000Z")
    assert "observed" not in {s["evidence"] for s in record["steps"]}
    # and what CEL knows better takes its place once it is there
    assert await run(database, name, capsys, repair=True)
    assert await run(database, name, capsys, repair=False) == []
