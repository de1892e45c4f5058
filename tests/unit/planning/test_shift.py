"""Shifts as they are written on the page and in files, hostile ones among them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.errors import Refused
from crm_bridge.planning import shift_file
from crm_bridge.planning.shift import (
    MIDNIGHT,
    Shift,
    monday_of,
    parts_of,
    parts_text,
    present,
    wrong_words,
)

DAY = date(2026, 11, 30)


def of(*parts: tuple[int, int], agent: str = "1001", day: date = DAY) -> list[Shift]:
    return [Shift(day, agent, begin, end) for begin, end in parts]


@pytest.mark.parametrize(
    "text, parts",
    [
        ("", []),
        ("   ", []),
        ("08:30-16:30", [(510, 990)]),
        ("8.30-12.00, 13.00–16.30", [(510, 720), (780, 990)]),
        ("13:00-16:30 8:30-12:00", [(510, 720), (780, 990)]),
        ("08:30 ถึง 12:00", [(510, 720)]),
        ("16:00-24:00", [(960, 1440)]),
        ("8:30-12:00;12:00-16:30", [(510, 720), (720, 990)]),
    ],
)
def test_a_day_as_it_is_written(text, parts):
    assert parts_of(text, DAY, "1001") == of(*parts)


@pytest.mark.parametrize(
    "text, what",
    [
        ("16:30-08:30", "ends before"), ("08:30-08:30", "ends before"),
        ("25:00-26:00", "no such time"), ("08:70-09:00", "no such time"),
        ("08:30-12:00 11:00-13:00", "overlap"), ("08:30", "not like"), ("08:30-", "not like"),
        ("<script>", "not like"), ("=1+1", "not like"), ("๐๘:๓๐-๑๒:๐๐", "not like"),
        ("1" * 500, "longer"), ("0:00-0:01 " * 7, "more than 6"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_in_both_languages(text, what):
    with pytest.raises(ValueError, match=what) as raised:
        parts_of(text, DAY, "1001")
    th, en = wrong_words(raised.value)
    assert what in en
    assert th != en


parts = st.lists(st.integers(0, MIDNIGHT), max_size=12, unique=True).map(
    lambda found: list(zip(sorted(found)[::2], sorted(found)[1::2], strict=False))
)


@given(parts)
def test_what_is_written_is_read_again(found):
    day = of(*found)
    assert parts_of(parts_text(day), DAY, "1001") == day


def test_who_is_there_in_a_half_hour():
    day = [*of((510, 990)), *of((525, 600), agent="1002"), *of((510, 540), day=date(2026, 12, 1))]
    assert present(day, DAY, 510, 540) == 1.5
    assert present(day, DAY, 480, 510) == 0
    assert present(day, DAY, 960, 990) == 1


def test_a_week_begins_on_monday():
    assert {monday_of(DAY + timedelta(days=n)) for n in range(7)} == {DAY}
    assert monday_of(DAY - timedelta(days=1)) == DAY - timedelta(days=7)


days = st.dates(date(2020, 1, 1), date(2100, 1, 1))
agents = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)


@given(st.dictionaries(st.tuples(days, agents), parts.filter(bool), max_size=8))
def test_a_file_is_read_as_it_was_written(plan):
    found = sorted(
        s for (day, agent), some in plan.items() for s in of(*some, agent=agent, day=day)
    )
    if found:
        assert shift_file.read(shift_file.written(found).encode()) == found


@pytest.mark.parametrize(
    "text",
    [
        "agent,day,from,to\n1001,2026-11-30,08:30,12:00\n",
        "\ufeffagent;day;from;to\r\n1001;2026-11-30;8:30;12:00\r\n\r\n",
        "to\tfrom\tday\tagent\n12.00\t08.30\t30/11/2569\t1001",
        "เจ้าหน้าที่,วันที่,เริ่ม,ถึง\n 1001 ,30/11/2026, 08:30:00 ,12:00",
        'Agent,Date,Start,End,note\n"1001","2026-11-30","08:30","12:00","a, b"',
    ],
)
def test_files_as_spreadsheets_write_them(text):
    assert shift_file.read(text.encode()) == of((510, 720))


GOOD = "agent,day,from,to\n1001,2026-11-30,08:30,12:00\n"


@pytest.mark.parametrize(
    "data, what",
    [
        (b"", "empty"), (b"\n\n \n", "empty"), (b"agent,day,from,to\n", "no shift"),
        (b"\xff\xfe1\x00", "UTF-8"), (GOOD.encode("utf-16"), "UTF-8"),
        (b"PK\x03\x04\x00\x00\x00", "no text"), (b"a,b,c\n1,2,3\n", "first line"),
        (b"agent,agent,day,from,to\n1,1,1,1,1\n", "first line"),
        (b"x" * (shift_file.LARGEST + 1), "too large"),
        ((GOOD + "=cmd|' /C calc'!A0,2026-11-30,08:30,12:00").encode(), "line 3: no officer"),
        ((GOOD + "../../x,2026-11-30,08:30,12:00").encode(), "line 3: no officer"),
        ((GOOD + "1002,2026-02-30,08:30,12:00").encode(), "line 3: there is no such day"),
        ((GOOD + "1002,0001-01-01,08:30,12:00").encode(), "line 3: there is no such day"),
        ((GOOD + "1002,2026-11-30,08:30").encode(), "line 3: there is no such time"),
        ((GOOD + "1002,2026-11-30,08:30,99:00").encode(), "line 3: there is no such time"),
        ((GOOD + "1001,2026-11-30,11:00,13:00").encode(), "line 3: two parts of the day overlap"),
        ((GOOD + "1001,2026-11-30,22:00,06:00").encode(), "line 3: it ends before"),
        ((GOOD + '"1002,2026-11-30,08:30,12:00').encode(), "cannot be read"),
        ((GOOD + "?,x,y,z\n" * 30).encode(), "and 22 more lines"),
        (b"agent,day,from,to\n" + b"\"" + b"a" * 140_000 + b"\",2026-11-30,1:00,2:00", "cannot be"),
    ],
)  # fmt: skip
def test_hostile_and_broken_files_are_refused_and_told_of(data, what):
    with pytest.raises(Refused, match="nothing was taken in") as refused:
        shift_file.read(data)
    assert what in str(refused.value)
    assert refused.value.status == 422
    assert len(str(refused.value)) < 2_000
