"""What a caller is told of his wait holds: by hand where it can be reckoned, and in a queue."""

from __future__ import annotations

from itertools import pairwise
from math import exp, factorial

import pytest

from benchmarks.wait_told import OFFICES, WANTED, simulate
from crm_bridge.forecast.wait import AT_ONCE, BANDS, SURE, Band, Standing, _gamma, expected


def test_an_officer_who_is_free_for_him_is_no_wait():
    assert expected(Standing(0, 1, 5, None)) is AT_ONCE
    assert expected(Standing(2, 3, 5, 240.0)) is AT_ONCE
    assert expected(Standing(3, 3, 5, 240.0)) is not AT_ONCE


def test_what_is_not_known_is_not_said():
    assert expected(Standing(1, 0, 5, None)) is None
    assert expected(Standing(1, 0, 0, 240.0)) is None


@pytest.mark.parametrize(
    ("standing", "band"),
    [
        (Standing(0, 0, 10, 240.0), Band(0, 1)),
        (Standing(7, 0, 10, 180.0), Band(1, 3)),
        (Standing(20, 0, 10, 180.0), Band(5, 10)),
        (Standing(60, 0, 4, 300.0), Band(10, None)),
        (Standing(60, 0, 40, 240.0, 0.5), Band(2, 5)),
    ],
)
def test_the_narrowest_band_that_holds_is_said(standing, band):
    assert expected(standing) == band


def test_more_before_him_is_never_a_shorter_wait():
    for serving in (1, 3, 10, 30):
        bands = [expected(Standing(n, 0, serving, 200.0)) for n in range(80)]
        least = [band.low for band in bands if band is not None]
        assert len(least) == 80
        assert max(least) >= least[0]
        assert all(later >= earlier - 2 for earlier, later in pairwise(least))


@pytest.mark.parametrize("shape", [1, 2, 7, 40])
@pytest.mark.parametrize("x", [0.1, 1.0, 6.5, 39.0, 80.0])
def test_the_gamma_is_erlangs_where_the_turns_are_whole(shape, x):
    erlang = 1.0 - sum(exp(-x) * x**n / factorial(n) for n in range(shape))
    assert _gamma(shape, x) == pytest.approx(erlang, abs=1e-8)


def test_a_band_holds_what_lies_in_it():
    assert [Band(1, 3).holds(seconds) for seconds in (59, 60, 180, 181)] == [0, 1, 1, 0]
    assert [Band(10, None).holds(seconds) for seconds in (599, 601)] == [False, True]
    assert [band.text for band in BANDS if band.high is None] == ["10-", "5-"]
    assert SURE >= WANTED


@pytest.mark.parametrize("office", OFFICES, ids=lambda office: office.name)
def test_in_a_simulated_queue_it_holds_for_seven_of_ten(office):
    told = simulate(office, 1_500)
    print(f"{office.name}: {told.share:.1%} of {told.judged} waited as told")
    assert told.judged > 200
    assert told.share >= WANTED
    assert told.share > told.asterisk / told.judged
    assert len(told.said) >= 3  # not one band for everything
