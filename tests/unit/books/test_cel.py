"""CEL read byte by byte: any chunking the same rows, any garbage no harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.books.cel import CelReader, CelRow, parse
from ivr.books.lines import LONGEST, Lines

SCENARIOS = Path(__file__).parents[2] / "scenarios"
BOOK = (SCENARIOS / "transfer_to_queue.cel.csv").read_bytes()
ROW = BOOK.split(b"\n")[0]


def read(data: bytes, *cuts: int) -> tuple[list[CelRow], CelReader]:
    reader = CelReader()
    rows: list[CelRow] = []
    at = 0
    for cut in [*sorted(cuts), len(data)]:
        rows += reader.feed(data[at:cut])
        at = max(at, cut)
    return rows + reader.end(), reader


ROWS, _ = read(BOOK)


def test_a_row_has_what_asterisk_wrote():
    row = ROWS[0]
    assert row.event == "CHAN_START"
    assert row.channel == "PJSIP/trunk-00000000"
    assert (row.number, row.name) == ("0812345678", "สมชาย ใจดี")
    assert (row.context, row.exten) == ("from-trunk", "1203")
    assert row.at == round(float(BOOK[1:18]) * 1_000_000)
    assert row.place == 0


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.cel.csv")), ids=lambda p: p.name)
def test_every_book_of_the_scenarios_is_read_whole(path):
    data = path.read_bytes()
    rows, reader = read(data)
    assert len(rows) == len(data.splitlines())
    assert reader.garbage == 0
    assert [data[row.place : row.place + 1] for row in rows] == [b'"'] * len(rows)


@given(cuts=st.lists(st.integers(0, len(BOOK)), max_size=12))
def test_any_chunking_gives_the_same_rows(cuts):
    assert read(BOOK, *cuts)[0] == ROWS


def test_byte_by_byte():
    reader = CelReader()
    rows = [row for n in range(len(BOOK)) for row in reader.feed(BOOK[n : n + 1])]
    assert rows == ROWS


@given(cut=st.integers(0, len(BOOK)))
def test_a_torn_last_row_is_not_given_out_and_is_read_once_it_is_whole(cut):
    reader = CelReader()
    rows = reader.feed(BOOK[:cut])
    assert reader.at <= cut
    assert len(rows) == BOOK[:cut].count(b"\n")
    later = CelReader(reader.at)
    assert rows + later.feed(BOOK[reader.at :]) == ROWS


@given(cut=st.integers(1, len(ROW) - 1), newline=st.booleans())
def test_a_row_behind_a_torn_one_is_read(cut, newline):
    """Asterisk killed in the middle of a row: the next start writes on behind it."""
    rows, reader = read(ROW[:cut] + (b"\n" if newline else b"") + BOOK)
    assert [r.event for r in rows] == [r.event for r in ROWS]
    assert [r.at for r in rows] == [r.at for r in ROWS]
    assert reader.garbage >= 1


@settings(max_examples=300)
@given(
    junk=st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.sampled_from([b'"', b'""', b'",', b"\n", b"\r\n", b"\x00", ROW[:40], ROW[-30:]]),
        ),
        max_size=20,
    )
)
def test_garbage_is_passed_over(junk):
    garbage = b"".join(junk)
    read(garbage)
    rows, _ = read(BOOK + garbage.replace(b"\n", b"") + b"\n" + BOOK)
    assert rows[: len(ROWS)] == ROWS
    # what follows garbage is found again, a row it may have begun at the most lost with it
    assert [r.event for r in rows[-len(ROWS) + 2 :]] == [r.event for r in ROWS[2:]]


def test_what_a_caller_may_put_into_his_name():
    for name in ('"Bobby"', "a,b", '","', "=1+1", "ก" * 26, "'; --"):
        quoted = name.replace('"', '""').encode()
        row = parse(0, ROW.replace("สมชาย ใจดี".encode(), quoted))
        assert row is not None
        assert row.name == name


def test_a_line_end_within_a_column():
    rows, _ = read(ROW.replace("สมชาย ใจดี".encode(), b"two\nlines") + b"\n" + BOOK)
    assert rows[0].name == "two\nlines"
    assert len(rows) == len(ROWS) + 1


def test_further_columns_and_fewer():
    assert parse(0, ROW + b',"more"') is not None
    assert parse(0, ROW.rpartition(b',"')[0]) is None


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("1795460058.217334", 1795460058217334),
        ("1795460058.2", 1795460058200000),
        ("2026-11-23 18:54:18.217334+0000", 1795460058217334),
        ("2026-11-24T01:54:18.217334+07:00", 1795460058217334),
        ("2026-11-23 18:54:18.217334", None),
        ("", None),
        ("99999999999999.000000", None),
        ("-1795460058.217334", None),
        ("nonsense", None),
    ],
)
def test_a_time_is_one_or_the_row_is_none(written, read_as):
    row = parse(0, ROW.replace(ROW[1:18], written.encode()))
    assert (None if row is None else row.at) == read_as


def test_extra_that_is_no_json_is_nothing():
    row = ROWS[0]
    for extra in ("", "{", "[1]", "null", '"x"', "1" * 5000):
        changed = CelRow(*[extra if f == "extra" else getattr(row, f) for f in row.__slots__])
        assert changed.more() == {}


def test_no_line_fills_the_memory():
    lines = Lines()
    for _ in range(100):
        assert lines.feed(b"x" * LONGEST) == []
        assert len(lines._rest) <= LONGEST
    assert lines.feed(b"tail of it\nwhole\n") == [(100 * LONGEST + 11, b"whole")]
    assert lines.overlong == 1
