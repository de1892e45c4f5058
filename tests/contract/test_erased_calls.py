"""A call whose caller was erased keeps its times, and nothing brings the caller back."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy import select

from crm_bridge.records.calls import calls_as_json, load_call, snapshot
from crm_bridge.records.desk_tables.people import erased_calls
from crm_bridge.records.erasure import erase_callers
from crm_bridge.records.tables import CHILDREN, callers, calls
from crm_bridge.records.writer import Writer, batch_of
from ivr.calls.call import Mark, TransferKind
from tests.support.people import Held
from tests.support.records import full_call, full_steps


@pytest.fixture
async def writer(database):
    made = Writer(database, Held())
    yield made
    await made.close()


async def erase(database, *ids: str) -> int:
    async with database.writing() as connection:
        return await erase_callers(connection, Held(), ids)


async def all_text(database) -> str:
    async with database.reading() as connection:
        found = [
            tuple(row)
            for table in (calls, callers, *CHILDREN)
            for row in (await connection.execute(select(table))).all()
        ]
    return repr(found)


def rows_of(call):
    return snapshot(call, full_steps(call))


async def test_what_tells_who_called_is_gone_and_every_time_is_kept(database, writer):
    call = full_call()
    call.transfers[0].target = "0812345678"
    call.legs[0].channel = "Local/0812345678@outbound-00000001;1"
    call.marks.append(Mark("dialled", call.entered_at + 7, "+66812345678", "1001"))
    await writer.commit(batch_of(calls=[rows_of(call)]))
    (before,) = [c async for c in calls_as_json(database)]
    assert await erase(database, call.call_id) == 1
    (after,) = [c async for c in calls_as_json(database)]
    text = await all_text(database)
    assert "812345678" not in text
    assert "สมชาย" not in text
    hidden = {"caller_number", "caller_number_presented", "caller_name", "transfers"}
    assert {k: v for k, v in after.items() if k not in hidden} == {
        k: v for k, v in before.items() if k not in hidden
    }
    for old, new in zip(before["transfers"], after["transfers"], strict=True):
        assert {**old, "target": ""} == {**new, "target": ""}
    assert (
        after["caller_number"] is after["caller_number_presented"] is after["caller_name"] is None
    )


async def test_the_same_record_again_changes_nothing(database, writer):
    rows = rows_of(full_call())
    await writer.commit(batch_of(calls=[rows]))
    await erase(database, rows.call_id)
    committed = await writer.commit(batch_of(calls=[rows]))
    assert (committed.written, committed.unchanged) == (0, 1)


@pytest.mark.parametrize("again", [False, True])
async def test_a_newer_revision_is_kept_without_the_caller(database, writer, again):
    call = full_call()
    await writer.commit(batch_of(calls=[rows_of(call)]))
    await erase(database, call.call_id)
    if again:  # another process, which remembers nothing
        await writer.close()
        writer = Writer(database, Held())
    call.revision += 1
    call.marks.append(Mark("logged", call.entered_at + 9, "", "1001"))
    committed = await writer.commit(batch_of(calls=[rows_of(call)]))
    assert committed.written == 1
    stored = await load_call(database, call.call_id)
    assert stored is not None
    assert stored.call.marks[-1].name == "logged"
    assert stored.call.caller_presented is stored.call.caller_name is stored.caller_number is None
    assert "812345678" not in await all_text(database)
    await writer.close()


async def test_a_call_still_open_is_cleared_at_each_later_write(database, writer):
    call = full_call()
    call.closed = False
    await writer.commit(batch_of(calls=[rows_of(call)]))
    await erase(database, call.call_id)
    for _ in range(3):
        call.revision += 1
        call.marks.append(Mark("m", call.entered_at + call.revision))
        await writer.commit(batch_of(calls=[rows_of(call)]))
        assert "สมชาย" not in await all_text(database)
    call.closed = True
    call.revision += 1
    await writer.commit(batch_of(calls=[rows_of(call)]))
    stored = await load_call(database, call.call_id)
    assert stored is not None
    assert (stored.call.closed, stored.call.caller_name) == (True, None)


async def test_the_number_is_counted_without_the_erased_calls(database, writer):
    kept, gone = full_call(12), full_call(13)
    gone.caller_name = "ชื่อใหม่"
    await writer.commit(batch_of(calls=[rows_of(kept), rows_of(gone)]))
    await erase(database, gone.call_id)
    async with database.reading() as connection:
        (row,) = (await connection.execute(select(callers))).all()
    assert (row.calls, row.name, row.name_call_id) == (1, "สมชาย ใจดี", kept.call_id)
    assert row.first_seen_us == row.last_seen_us == kept.entered_at
    await erase(database, kept.call_id, gone.call_id)
    async with database.reading() as connection:
        assert (await connection.execute(select(callers))).all() == []
        assert len((await connection.execute(select(erased_calls))).all()) == 2


async def test_whom_an_officer_called_is_erased_from_a_call_out(database, writer):
    call = dataclasses.replace(full_call(), direction="outbound", dialled="081-234-5678")
    call.transfers[0].kind = TransferKind.BLIND
    await writer.commit(batch_of(calls=[rows_of(call)]))
    await erase(database, call.call_id)
    stored = await load_call(database, call.call_id)
    assert stored is not None
    assert stored.call.dialled == ""


async def test_erasing_again_does_nothing(database, writer):
    rows = rows_of(full_call())
    await writer.commit(batch_of(calls=[rows]))
    await erase(database, rows.call_id)
    first = await all_text(database)
    assert await erase(database, rows.call_id) == 0
    assert await all_text(database) == first
