"""Histograms: every span within 1 %, limits of three digits exact, bytes the same for the same."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.figures.histogram import (
    Packed,
    bucket,
    changed,
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
    for damaged in (encode({4000: 300})[:-1], b"\x01"):
        for read in (decode, lambda data: changed(data, {1: 1}), lambda data: len(Packed(data))):
            with pytest.raises(ValueError, match="cut short"):
                read(damaged)
    with pytest.raises(ValueError, match="below zero"):
        encode({3: -1})
    with pytest.raises(ValueError, match="too high"):
        encode({3: 1 << 32})
    with pytest.raises(ValueError, match="not in order"):
        decode(encode({4: 1}) + encode({3: 1}))


counts = st.dictionaries(st.integers(0, 6000), st.integers(1, 1 << 20), max_size=40)


@given(counts, counts)
def test_stored_bytes_are_changed_as_the_histogram_is(stored, more):
    both = total([stored, more])
    assert changed(encode(stored), more) == encode(both)
    assert changed(encode(both), {n: -count for n, count in more.items()}) == encode(stored)


@pytest.mark.parametrize("many", [1, 40])
def test_what_was_never_added_cannot_be_taken_back(many):
    stored = encode(dict.fromkeys(range(0, 200, 2), 1))
    for gone in (
        dict.fromkeys(range(0, 2 * many, 2), -2),
        dict.fromkeys(range(1, 2 * many, 2), -1),
    ):
        with pytest.raises(ValueError, match="below zero"):
            changed(stored, gone)


@given(st.lists(counts))
def test_histograms_one_behind_the_other_are_their_sum(several):
    packed, whole = Packed(b"".join(map(encode, several))), total(several)
    assert packed == whole
    assert (len(packed), bool(packed)) == (len(whole), bool(whole))
    for share in (0, 0.5, 0.9, 1):
        assert percentile(packed, share) == percentile(whole, share)
    for limit in (0, 3 * MILLI, 20 * SECOND):
        assert within(packed, limit) == within(whole, limit)
    assert 7000 not in packed


@given(counts, counts)
def test_packed_ones_are_added_and_taken_away(one, other):
    both = total([one, other])
    assert Packed(encode(one)).plus(other) == both
    assert Packed(encode(one)).plus(Packed(encode(other))) == both
    assert Packed(encode(both)).plus(Packed(encode(other)), -1) == one
