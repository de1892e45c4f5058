"""Bodies of the journal come apart exactly as they were put together."""

from __future__ import annotations

import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.records.journal import Last, Scribe, decode, encode

messages = st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.binary(max_size=200)))


@given(messages)
def test_what_goes_in_comes_out(given_messages):
    assert decode(encode(given_messages)) == given_messages


@given(st.binary(max_size=100))
def test_a_damaged_body_is_named(body):
    for damaged in (body, zlib.compress(body), encode([(1, b"abc")])[:-3]):
        with suppress(ValueError):  # and nothing else
            assert isinstance(decode(damaged), list)


def test_lengths_must_add_up():
    plain = zlib.decompress(encode([(1, b"abc"), (2, b"d")]))
    for wrong in (plain[:-1], plain + b"x", plain[:6]):
        with pytest.raises(ValueError, match="damaged"):
            decode(zlib.compress(wrong))


def test_pieces_are_numbered_on_from_the_last():
    scribe = Scribe("pbx1", Last(41, 0))
    assert [scribe.piece([(5, b"x")], 1, 2).seq for _ in range(3)] == [42, 43, 44]
    piece = Scribe("pbx1", None).piece([(5, b"x"), (6, b"yz")], 1, 2)
    assert (piece.node, piece.seq, piece.from_us, piece.to_us, piece.events) == ("pbx1", 0, 1, 2, 2)
