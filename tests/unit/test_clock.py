"""Moments and their written form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.clock import SystemClock, iso, micros


@given(st.integers(0, 4_102_444_800_000_000))
def test_a_moment_is_written_and_read_exactly(moment):
    text = iso(moment)
    assert micros(text) == moment
    assert len(text) == len("2026-11-23T04:05:06.123456Z")
    assert text.endswith("Z")


def test_other_ways_to_write_it():
    assert iso(0) == "1970-01-01T00:00:00.000000Z"
    assert micros("1970-01-01") == 0
    assert micros("1970-01-01T07:00:00+07:00") == 0
    assert micros("1970-01-01T00:00:01.5") == 1_500_000
    with pytest.raises(ValueError, match="isoformat"):
        micros("yesterday")


async def test_the_machine_s_clock_goes_on():
    clock = SystemClock()
    before, steady = clock.now_us(), clock.monotonic()
    await clock.sleep(0)
    assert clock.now_us() >= before > 1_700_000_000_000_000
    assert clock.monotonic() >= steady
