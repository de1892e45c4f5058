"""The calls made of Asterisk's own books against the records of the same calls' events.

The books of each scenario were written by the same Asterisk in the same run. What `records_of` and
the expected records say is worked out without the readers of `ivr.books`.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.books.differences import differences
from ivr.books.mending import made_of, mended
from ivr.books.queue_log import QueueRow
from ivr.calls.call import Call, Evidence, TransferOutcome
from ivr.steps.standards import load_standards
from ivr.steps.timeline import timeline
from tests.support.books import book_calls, calls_of, cel_rows, heard_without, queue_rows, span_of
from tests.support.scenario import NAMES, Books, as_json, config_of, expected, records_of

BROKEN = ("ami_cut", "ami_cut_end", "ami_cut_enter", "killed", "killed_waiting")
"""Their own records have gaps."""
BACK = tuple(name for name in NAMES if name.startswith("called_back"))
"""An officer's call out is told from any other call by its marker alone."""
WHOLE = [name for name in NAMES if name not in BROKEN]
NOT_IN_CEL = {
    "guide": "CEL is exact; the event's own time stamp came 15 ms late",
    "transfer_unreachable": "no channel, so that only the marker tells why",
    "foreign_two_queues": "from one Queue straight into the next: a second of queue_log",
}
SILENT_HOLDS = ("foreign_caller_gone", "foreign_two_agencies")
"""Without music on hold CEL has no row of it."""
NEAR = 30_000
"""An event's time stamp and CEL's, on a machine that was busy (µs)."""


class _Shown:
    def __init__(self, name: str) -> None:
        self.directory = config_of(name).directory()
        self.standards = load_standards()


@pytest.mark.parametrize("name", WHOLE)
def test_the_books_give_the_expected_record(name):
    """With the markers in the book: everything; the same ids, and no gap that was not there."""
    told = book_calls(name, marked=True)
    calls = {call_id: one.call for call_id, one in told.items()}
    assert set(calls) == set(records_of(name)[0])
    found = Books(name, cel_tolerance=NEAR).differences(
        expected(name), as_json(calls, _Shown(name)), name
    )
    if name in NOT_IN_CEL or name in SILENT_HOLDS:
        part = "transfers" if name == "transfer_unreachable" else ""
        found = [d for d in found if part not in d] if part else []
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("name", [n for n in WHOLE if n not in BACK])
def test_without_markers_they_give_all_but_what_only_those_tell(name):
    calls = {call_id: one.call for call_id, one in book_calls(name).items()}
    assert set(calls) == set(records_of(name)[0])
    told_by_marks = (".menu", ".steps", ".language")
    found = [
        d
        for d in Books(name, cel_tolerance=NEAR).differences(
            expected(name), as_json(calls, _Shown(name)), name
        )
        if not any(key in d for key in told_by_marks)
    ]
    if name not in NOT_IN_CEL and name not in SILENT_HOLDS:
        assert found == [], "\n".join(found)


@pytest.mark.parametrize("name", NAMES)
def test_whole_records_do_not_differ_from_the_books(name):
    """Nothing is repaired of what was heard, but for a time stamp that came late."""
    for call_id, record in records_of(name)[0].items():
        told = book_calls(name).get(call_id)
        if told is None:
            assert name in BACK
            continue
        found = differences(record, told)
        if name in BROKEN:
            assert found or told.call.ended_at is None or not record.gaps
        elif name not in NOT_IN_CEL:
            assert found == []


@pytest.mark.parametrize("name", [n for n in WHOLE if n not in BACK])
def test_a_queue_log_that_was_rotated_apart_from_cel_takes_nothing_away(name):
    """However much of it lies in another file, a whole record stays as it was heard."""
    queues = queue_rows(name)
    another = QueueRow(0, 1, "lab100-1.1", "information", "", "ENTERQUEUE", ())
    parts = [queues[n:] for n in range(1, len(queues) + 1)]
    for rows in [*parts, [another], [replace(another, at=2**52)]]:
        told = calls_of(name, cel_rows(name), rows)
        for call_id, record in records_of(name)[0].items():
            if name != "guide":  # CEL is exact; an event's time stamp came late
                assert differences(record, told[call_id]) == [], rows[:1]
            made = mended(record, told[call_id])
            assert [p.queue for p in made.passages] == [p.queue for p in record.passages]
            assert [p.outcome for p in made.passages] == [p.outcome for p in record.passages]
            assert [a.agent for a in made.agents] == [a.agent for a in record.agents]
            assert (made.outcome, made.gaps) == (record.outcome, record.gaps)


@pytest.mark.parametrize("name", [n for n in WHOLE if n not in BACK])
@pytest.mark.parametrize("at", [1, 2**52])
def test_a_call_that_queue_log_does_not_have_is_told_with_its_queues(name, at):
    if name == "foreign_two_queues":
        pytest.skip("only queue_log has the second")
    told = calls_of(
        name, cel_rows(name), [QueueRow(0, at, "lab100-1.1", "information", "", "ENTERQUEUE", ())]
    )
    for call_id, record in records_of(name)[0].items():
        book = told[call_id].call
        assert [p.queue for p in book.passages] == [p.queue for p in record.passages]
        assert [p.outcome for p in book.passages] == [p.outcome for p in record.passages]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)  # fmt: skip
@given(
    name=st.sampled_from(WHOLE),
    begin=st.floats(-0.02, 0.99),
    length=st.floats(0.001, 1.02),
    marked=st.booleans(),
)
def test_whatever_stretch_is_not_heard_the_books_fill_it(name, begin, length, marked):
    first, last = span_of(name)
    start = first + round((last - first) * begin)
    end = start + max(1, round((last - first) * length))
    heard, whole = heard_without(name, start, end)
    books = book_calls(name, marked=marked)
    assert set(books) <= set(whole)
    if marked or name not in BACK:
        assert set(books) == set(whole)
    directory, standards = config_of(name).directory(), load_standards()
    for call_id, told in books.items():
        record = heard.get(call_id)
        if record is None:
            made = made_of(told)
            assert [g.filled_by for g in made.gaps] == ["cel"]
        elif differences(record, told):
            made = mended(record, told)
            assert made.revision == record.revision + 1
        else:
            made = record
        assert differences(made, told) == [], "a second run finds nothing"
        assert all(gap.filled_by == "cel" for gap in made.gaps)
        wrong = list(_wrong(made, whole[call_id], name, marked=marked))
        assert wrong == [], (start - first, end - first)
        _no_guess(made, whole[call_id], timeline(made, directory, standards), marked=marked)


def _wrong(made: Call, whole: Call, name: str, *, marked: bool) -> Any:
    def near(a: int | None, b: int | None) -> bool:
        return (a is None) == (b is None) and (a is None or b is None or abs(a - b) <= NEAR)

    for what in ("entered_at", "answered_at", "ended_at"):
        if not near(getattr(made, what), getattr(whole, what)):
            yield what, getattr(made, what), getattr(whole, what)
    for what in ("dialled", "caller_presented", "withheld", "outcome", "ended_by", "direction"):
        if getattr(made, what) != getattr(whole, what):
            yield what, getattr(made, what), getattr(whole, what)
    of_passages = [
        [(p.queue, p.outcome, p.position, [(a.agent, a.outcome) for a in p.attempts])
         for p in call.passages]
        for call in (made, whole)
    ]  # fmt: skip
    if of_passages[0] != of_passages[1]:
        yield "passages", *of_passages
    elif not all(
        near(a.joined_at, b.joined_at) and near(a.left_at, b.left_at)
        for a, b in zip(made.passages, whole.passages, strict=True)
    ):
        yield "times of passages", made.passages, whole.passages
    if [a.agent for a in made.agents] != [a.agent for a in whole.agents] or not all(
        near(a.connected_at, b.connected_at) and near(a.released_at, b.released_at)
        for a, b in zip(made.agents, whole.agents, strict=False)
    ):
        yield "agents", made.agents, whole.agents
    if marked or name != "transfer_unreachable":
        yield from _other("transfers", made, whole, "kind", "by", "target", "agency", "outcome")
    yield from _other("consultations", made, whole, "by", "target", "agency", "outcome")
    yield from _other("agency_legs", made, whole, "agency", "number")
    if name not in SILENT_HOLDS:
        yield from _other("holds", made, whole, "by")
    if marked:
        yield from _other("menu", made, whole, "menu", "key")
        if (made.service, made.language) != (whole.service, whole.language):
            yield "service", (made.service, made.language), (whole.service, whole.language)


def _other(what: str, made: Call, whole: Call, *keys: str) -> Any:
    ours, theirs = (
        [[getattr(entry, key) for key in keys] for entry in getattr(call, what)]
        for call in (made, whole)
    )
    if ours != theirs:
        yield what, ours, theirs


def _no_guess(made: Call, whole: Call, steps: Any, *, marked: bool) -> None:
    """A greeting's end that is not in the books is not passed off as observed."""
    ends = [m for m in whole.marks if m.name == "greeting_end"]
    known = [m for m in made.marks if m.name == "greeting_end"]
    if len(known) < len(ends) and not marked:
        assert all(step.evidence is not Evidence.OBSERVED for step in steps)


@pytest.mark.parametrize("name", [n for n in WHOLE if n not in BACK])
def test_queue_log_alone_tells_the_queues_in_whole_seconds(name):
    records = {c.legs[0].uniqueid: c for c in records_of(name)[0].values() if c.passages}
    told = {one.call.legs[0].uniqueid: one for one in book_calls(name, cel=False).values()}
    services = config_of(name).directory().services
    for caller, record in records.items():
        ours = [p for p in record.passages if p.queue in services]
        if not ours:
            continue
        call = told[caller].call
        assert call.call_id == record.call_id
        assert call.times_inferred
        theirs = call.passages
        assert [(p.queue, p.outcome) for p in theirs] == [(p.queue, p.outcome) for p in ours]
        for mine, other in zip(ours, theirs, strict=True):
            assert abs(mine.joined_at - other.joined_at) < 1_100_000
        assert differences(record, told[caller]) == [], "a whole record lacks nothing"


def test_why_a_transfer_failed_is_unknown_where_neither_the_line_nor_a_marker_told():
    """No channel was rung: that he is back with the officer does not say what came of it."""
    name = "transfer_unreachable"
    [whole] = records_of(name)[0].values()
    [asked] = whole.transfers
    assert asked.outcome == TransferOutcome.FAILED
    assert asked.ended_at is not None
    # not heard from the asking on until just before the officer has him back
    heard, _ = heard_without(name, asked.asked_at + 1, asked.ended_at - 1_000)
    record = heard[whole.call_id]
    assert [(t.outcome, t.ended_at) for t in record.transfers] == [(None, asked.ended_at)]
    for marked, known in ((False, None), (True, TransferOutcome.FAILED)):
        told = book_calls(name, marked=marked)[whole.call_id]
        for call in (told.call, made_of(told), mended(record, told)):
            [transfer] = call.transfers
            assert (transfer.outcome, transfer.answered_at) == (known, None)
            assert transfer.ended_at is not None
            assert abs(transfer.ended_at - asked.ended_at) < NEAR


def test_the_end_of_a_hold_that_was_not_heard_is_the_music_s():
    """Also where the record, its gap filled, holds on to a guess; a late stamp is put right too."""
    [whole] = records_of("hold")[0].values()
    first = whole.holds[0]
    assert first.ended_at is not None
    heard, _ = heard_without("hold", first.started_at + 50_000, first.ended_at + 50_000)
    record = heard[whole.call_id]
    assert record.holds[0].ended_at != first.ended_at, "it was not heard"
    told = book_calls("hold", marked=True)[whole.call_id]
    made = mended(record, told)
    stale = deepcopy(made)
    stale.holds[0].ended_at = None
    late = deepcopy(whole)
    late.holds[1].started_at += 15_000
    for call in (made, mended(stale, told), mended(late, told)):
        assert not list(_wrong(call, whole, "hold", marked=True))
        for hold, known in zip(call.holds, whole.holds, strict=True):
            assert abs(hold.started_at - known.started_at) <= 10_000
            assert hold.ended_at is not None
            assert known.ended_at is not None
            assert abs(hold.ended_at - known.ended_at) <= 10_000
        assert differences(call, told) == []
    assert [d.what for d in differences(stale, told)] == ["holds[0].ended_at"]
    assert [d.what for d in differences(late, told)] == ["holds[1].started_at"]


def test_a_transfer_that_was_stamped_late_was_asked_when_cel_says():
    [whole] = records_of("blind_refer")[0].values()
    told = book_calls("blind_refer", marked=True)[whole.call_id]
    late = deepcopy(whole)
    late.transfers[0].asked_at += 15_000
    assert [d.what for d in differences(late, told)] == ["transfers[0].asked_at"]
    made = mended(late, told)
    assert made.transfers[0].asked_at == told.call.transfers[0].asked_at
    assert (made.gaps, differences(made, told)) == (whole.gaps, [])


@pytest.mark.parametrize("name", ["killed", "killed_waiting"])
def test_a_call_the_books_alone_tell_of_and_break_off_in_has_an_end_that_stays_unknown(name):
    told = next(one for one in book_calls(name, marked=True).values() if one.call.ended_at is None)
    made = made_of(told)
    so_far, rest = made.gaps
    assert (so_far.started_at, so_far.filled_by) == (made.entered_at, "cel")
    assert (rest.started_at, rest.ended_at, rest.filled_by) == (so_far.ended_at, None, None)
    assert differences(made, told) == [], "a second run finds nothing"
