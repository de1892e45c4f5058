"""Fields of Request Tracker: which there are, how much they hold, when two values are one."""

from __future__ import annotations

import pytest

from crm_bridge.connectors.port import Rejected
from crm_bridge.connectors.rt.fields import (
    TICKET,
    USER,
    Wanted,
    cut,
    differing,
    same,
    user_name,
    wanted,
)


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc"),
        ("กขค", 9, "กขค"),
        ("กขค", 8, "กข"),
        ("กที่", 9, "ก"),  # never a letter without its vowel and tone
        ("กที่", 12, "กที่"),
        ("ab 👩‍👩‍👧", 8, "ab 👩"[:2]),
        ("ab ", 3, "ab "),
        ("ab cd", 3, "ab"),
        ("", 3, ""),
        ("\u0e31\u0e31", 3, ""),
    ],
)
def test_a_text_is_cut_by_bytes_and_never_through_a_letter(text, limit, kept):
    assert cut(text, limit) == kept
    assert len(cut(text, limit).encode()) <= limit


def test_what_rt_has_not_is_refused_by_its_name_alone():
    for known in (TICKET, USER):
        with pytest.raises(Rejected, match="Nope") as caught:
            wanted({"Nope": "secret"}, known, "rt.example")
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["Name", "Password", "Privileged", "Disabled"])
def test_no_mapping_can_make_a_login_of_a_caller(name):
    with pytest.raises(Rejected):
        wanted({name: "1"}, USER, "rt.example")


def test_every_kind_of_value_becomes_rts_text():
    want = wanted(
        {"Subject": "a\r\n\tb\u202e", "Priority": 7, "TimeWorked": None, "CF.{X}": True,
         "CF.{Y}": None, "CF.{Z}": 1.5, "Content": "a\r\nb"},
        TICKET, "rt",
    )  # fmt: skip
    assert want.own == {"Subject": "a b", "Priority": "7", "TimeWorked": "", "Content": "a\nb"}
    assert want.custom == {"X": ("1",), "Y": (), "Z": ("1.5",)}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("a  b", "a\nb", True),
        ("a", "b", False),
        ("", "", True),
        ("1970-01-01T00:00:00Z", "", True),  # RT's no moment
        ("2026-12-09T17:00:00Z", "2026-12-10T00:00:00+07:00", True),
        ("2026-12-09T17:00:00Z", "2026-12-09T18:00:00Z", False),
        ("x", "2026-12-09T18:00:00Z", False),
        ("x", "", False),
    ],
)
def test_two_values_are_one(one, other, alike):
    assert same(one, other) is alike


def test_only_what_differs_is_written():
    want = Wanted({"Subject": "new", "Due": ""}, {"A": ("1",), "B": (), "C": ("x", "y"), "D": ()})
    own = {"Subject": "old", "Due": "1970-01-01T00:00:00Z"}
    custom = {"A": ("1",), "B": ("gone",), "C": ("y", "x"), "D": ("",)}
    assert differing(want, own, custom) == Wanted({"Subject": "new"}, {"B": ()})


def test_each_key_has_a_name_of_its_own_in_letters_that_rt_reads_as_a_name():
    keys = ["person:1", "person:11", "number:+66812345678", "number:66812345678", "person:a-b",
            "person:a:b", "person:a_2d_b", "person:A", "person:a", "person:ก"]  # fmt: skip
    names = [user_name(key) for key in keys]
    assert len({name.casefold() for name in names}) == len(keys)
    assert all(name.isascii() and not set(name) & set(":/+ @?#%") for name in names)
    assert names[0] == "hotline1203-person-1"
