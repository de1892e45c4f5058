"""A call and its rows are the same thing twice."""

from __future__ import annotations

from crm_bridge.records.calls import call_as_json
from crm_bridge.records.rows import CALLER, CLOSED, ENTERED, NAME, REVISION, restore, snapshot
from crm_bridge.records.tables import CHILDREN, calls
from tests.support.records import full_call, full_steps


def test_rows_give_the_call_back():
    call = full_call()
    rows = snapshot(call, full_steps(call))
    assert restore(rows.call, rows.children) == (call, full_steps(call))


def test_every_list_of_the_full_call_is_tried_and_fits_its_table():
    call = full_call()
    rows = snapshot(call, full_steps(call))
    for table, entries in zip(CHILDREN, rows.children, strict=True):
        assert entries, table.name
        assert all(len(entry) == len(table.c) for entry in entries), table.name
    names = [c.name for c in calls.c]
    assert names[len(rows.call) :] == ["digest", "updated_us", "counted"]
    assert [names[n] for n in (REVISION, CALLER, NAME, ENTERED, CLOSED)] == [
        "revision", "caller_e164", "caller_name", "entered_us", "closed",
    ]  # fmt: skip


def test_a_snapshot_shares_nothing_that_changes():
    call = full_call()
    rows = snapshot(call, [])
    kept = (rows.call, rows.children)
    call.passages[0].attempts[0].ended_at = 1
    call.marks.clear()
    assert (rows.call, rows.children) == kept
    assert snapshot(call, []).digest != rows.digest


def test_the_digest_is_the_same_for_equal_records_and_on_every_machine():
    call = full_call()
    first = snapshot(call, full_steps(call))
    assert first.digest == snapshot(full_call(), full_steps(full_call())).digest
    assert -(2**63) <= first.digest < 2**63
    assert first.digest == -4212602136406001932


def test_the_published_steps_have_the_published_keys_only():
    call = full_call()
    found = call_as_json(call, full_steps(call))
    assert list(found["steps"][0]) == [
        "step", "started_at", "ended_at", "elapsed_seconds", "standard_seconds", "state",
        "evidence",
    ]  # fmt: skip
    assert found["steps"][1]["elapsed_seconds"] is None
    assert found["caller_number"] == "+66812345678"
