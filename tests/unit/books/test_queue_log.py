"""queue_log read byte by byte: any chunking the same rows, any garbage no harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.books.queue_calls import call_of_queue_log
from ivr.books.queue_log import VERBS, QueueLogReader, QueueRow, parse
from ivr.calls.call import Outcome, PassageOutcome
from ivr.calls.directory import Directory

SCENARIOS = Path(__file__).parents[2] / "scenarios"
BOOK = b"".join(path.read_bytes() for path in sorted(SCENARIOS.glob("*.queue_log")))
DIRECTORY = Directory(
    services={"information": "information"}, agent_patterns=("PJSIP/1[0-9][0-9][0-9]",)
)


def read(data: bytes, *cuts: int) -> tuple[list[QueueRow], QueueLogReader]:
    reader = QueueLogReader()
    rows: list[QueueRow] = []
    at = 0
    for cut in [*sorted(cuts), len(data)]:
        rows += reader.feed(data[at:cut])
        at = max(at, cut)
    return rows + reader.end(), reader


ROWS, WHOLE = read(BOOK)


def test_all_of_it_is_read():
    assert len(ROWS) == len(BOOK.splitlines())
    assert WHOLE.garbage == 0
    assert {row.verb for row in ROWS} <= VERBS
    assert all(row.call for row in ROWS if row.verb == "ENTERQUEUE")
    assert not any(row.call for row in ROWS if row.verb == "QUEUESTART")


@given(cuts=st.lists(st.integers(0, len(BOOK)), max_size=12))
def test_any_chunking_gives_the_same_rows(cuts):
    assert read(BOOK, *cuts)[0] == ROWS


@given(cut=st.integers(0, 2000))
def test_a_torn_last_row_waits_for_its_end(cut):
    reader = QueueLogReader()
    rows = reader.feed(BOOK[:cut])
    assert rows + QueueLogReader(reader.at).feed(BOOK[reader.at :]) == ROWS


@given(cut=st.integers(1, 40))
def test_a_row_behind_a_torn_one_in_its_line_is_read(cut):
    line = b"1795460297|lab100-1795460297.0|information|1001|CONNECT|0|lab100-1795460298.1|0"
    rows, _ = read(line[:cut] + line + b"\n")
    assert [(r.at, r.verb, r.call) for r in rows] == [
        (1795460297000000, "CONNECT", "lab100-1795460297.0")
    ]


@given(st.binary(max_size=400))
def test_garbage_is_passed_over(junk):
    rows, _ = read(junk + b"\n" + BOOK)
    assert rows[-len(ROWS) :][1:] == [
        QueueRow(r.place + len(junk) + 1, r.at, r.call, r.queue, r.agent, r.verb, r.values)
        for r in ROWS[1:]
    ]


@pytest.mark.parametrize(
    "line",
    ["", "|", "||||", "17954602xx|a|b|c|CONNECT", "1|a|b|c|CONNECT", "1795460297|a|b|c|", "x" * 99],
)
def test_no_row(line):
    assert parse(0, line.encode()) is None


def test_rows_of_a_dialplan_s_own():
    row = parse(0, b"1795460297|x.1|information|1001|MYVERB|a|b")
    assert row is not None
    assert (row.verb, row.values) == ("MYVERB", ("a", "b"))


def _call(*lines: str):
    rows = [parse(0, line.encode()) for line in lines]
    assert None not in rows
    return call_of_queue_log("pbx1", DIRECTORY, rows)


def test_a_call_of_queue_log_alone_says_what_it_knows():
    call = _call(
        "1795460298|1795460290.7|information|NONE|ENTERQUEUE||0812345678|2",
        "1795460310|1795460290.7|information|1001|RINGNOANSWER|9000",
        "1795460315|1795460290.7|information|1002|CONNECT|17|1795460312.9|3",
        "1795460345|1795460290.7|information|1002|COMPLETECALLER|17|30|2",
    )
    assert call is not None
    assert call.call_id == "pbx1-1795460290.7"
    assert call.entered_at == 1795460290_000000
    assert call.times_inferred
    assert call.closed
    assert call.outcome is Outcome.SERVED
    (passage,) = call.passages
    assert (passage.position, passage.outcome) == (2, PassageOutcome.ANSWERED)
    assert [(a.agent, a.outcome) for a in passage.attempts] == [
        ("1001", None),
        ("1002", "answered"),
    ]
    assert [a.agent for a in call.agents] == ["1002"]
    assert call.ended_at == 1795460345_000000


def test_whom_the_officer_let_go_has_no_end_in_it():
    call = _call(
        "1795460298|1795460290.7|information|NONE|ENTERQUEUE||0812345678|1",
        "1795460315|1795460290.7|information|PJSIP/1002|CONNECT|17|1795460312.9|3",
        "1795460345|1795460290.7|information|PJSIP/1002|COMPLETEAGENT|17|30|1",
    )
    assert call is not None
    assert (call.ended_at, call.ended_by) == (None, "agent")


def test_a_queue_that_is_none_of_the_hotline_s_makes_no_call():
    assert _call("1795460298|1795460290.7|others|NONE|ENTERQUEUE||0812345678|1") is None
