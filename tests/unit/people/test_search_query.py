"""What a person types, read as numbers and words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.people.search import number_patterns, read_query


def finds(pattern: str, e164: str) -> bool:
    bare = pattern.strip("%")
    if pattern.startswith("%"):
        return bare in e164
    return e164.startswith(bare) if pattern.endswith("%") else e164 == bare


@pytest.mark.parametrize(
    "typed",
    ["0812345678", "081-234-5678", "+66812345678", "๐๘๑ ๒๓๔ ๕๖๗๘", "0066812345678", "66812345678",
     "5678", "2345", "0812", "+6681", "081 234", "(081) 234.5678"],
)  # fmt: skip
def test_any_form_and_any_part_of_a_number_finds_it(typed):
    asked = read_query(typed)
    assert asked.words == ()
    assert any(finds(p, "+66812345678") for p in asked.patterns)


@pytest.mark.parametrize("typed", ["081", "", "   ", "%", "_", "ก", "12"])
def test_too_little_asks_for_nothing(typed):
    assert read_query(typed) == read_query("")


def test_a_name_and_a_number_are_both_asked_for():
    asked = read_query("สมชาย 081-234-5678")
    assert asked.words == (("สมชาย",),)
    assert "%0812345678%" in asked.patterns


@given(st.text(max_size=100))
def test_no_text_makes_a_pattern_of_its_own(text):
    for pattern in read_query(text).patterns:
        assert pattern.strip("%").removeprefix("+").isdigit()


@given(st.integers(10**7, 10**9 - 1), st.integers(0, 5), st.integers(4, 9))
def test_every_part_of_four_digits_is_found(number, start, length):
    e164 = f"+66{number}"
    part = e164[1:][start : start + length]
    if len(part) >= 4:
        assert any(finds(p, e164) for p in number_patterns(part))
