"""Histograms: every span within 1 %, limits of three digits exact, bytes the same for the same."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.figures.histogram import (
    bucket,
    decode,
    encode,
    merge,
    percentile,
    total,
    upper,
    within,
)

MILLI, SECOND = 1_000, 1_000_000
spans = st.integers(0, 100 * 86_400 * SECOND)


def of(values):
    found = {}
    for value in values:
        merge(found, {bucket(value): 1})
    return found


@given(spans)
def test_a_bucket_holds_its_span_and_is_at_most_one_percent_wide(span):
    number = bucket(span)
    assert upper(number) >= span
    if number:
        assert upper(number - 1) < span
        assert upper(number) - upper(number - 1) <= max(MILLI, upper(number) // 100)


@pytest.mark.parametrize("seconds", [1, 5, 15, 20, 30, 60, 90, 300, 1200, 5400])
def test_limits_of_three_digits_are_exact(seconds):
    limit = seconds * SECOND
    found = of([limit - 1, limit, limit + 1])
    assert within(found, limit) == 2


@given(st.lists(spans, min_size=1), st.floats(0, 1))
def test_a_percentile_is_never_too_short_and_at_most_one_percent_too_long(values, share):
    exact = sorted(values)[max(1, ceil(share * len(values))) - 1]
    told = percentile(of(values), share)
    assert exact <= told <= exact + max(MILLI, ceil(exact * 0.0101))


def test_of_nothing_there_is_no_percentile():
    assert percentile({}, 0.5) is None
    assert encode({}) == b""


@given(st.lists(spans), st.lists(spans))
def test_what_was_added_is_taken_back_to_the_byte(kept, more):
    found = of(kept)
    before = encode(found)
    merge(found, of(more))
    assert found == total([of(kept), of(more)])
    merge(found, of(more), -1)
    assert encode(found) == before


@given(st.lists(spans))
def test_bytes_do_not_depend_on_the_order_and_are_read_back(values):
    assert encode(of(values)) == encode(of(reversed(values)))
    assert decode(encode(of(values))) == of(values)


def test_what_is_no_histogram_is_said():
    with pytest.raises(ValueError, match="cut short"):
        decode(encode({4000: 300})[:-1])
    with pytest.raises(ValueError, match="cut short"):
        decode(b"\x01")
    with pytest.raises(ValueError, match="below zero"):
        encode({3: -1})
