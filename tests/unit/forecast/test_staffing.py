"""What a day needs and what a plan achieves, by hand."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from crm_bridge.forecast.erlang import Demand, service
from crm_bridge.forecast.staffing import Terms, needs, taking_calls, together

TERMS = Terms(handling=180, patience=None, level=0.8, within=20, occupancy=1.0, shrinkage=0.3)


def test_the_textbooks_half_hour_with_its_shrinkage():
    (found,) = needs([100], TERMS, [None])
    assert (found.needed, found.present) == (14, 20)  # 14 ÷ 0.7
    assert found.expected.service_level == pytest.approx(0.888, abs=0.001)
    assert found.missing == 0


def test_an_upper_bound_of_occupancy_asks_for_more():
    (found,) = needs([100], replace(TERMS, occupancy=0.65), [None])
    assert found.needed == 16  # 10 erlangs ÷ 0.65 = 15.4


def test_patience_makes_do_with_fewer():
    (found,) = needs([100], replace(TERMS, patience=120.0), [None])
    assert found.needed == 12  # not 14: six in a hundred give up


def test_a_plan_is_held_against_what_is_needed():
    short, enough, nobody = needs([100, 100, 100], TERMS, [17, 20, 0])
    assert (short.missing, enough.missing, nobody.missing) == (3, 0, 20)
    assert short.expected == service(Demand(100 / 1800, 180), 11, 20)  # 70 % of 17
    assert nobody.expected.service_level == 0
    assert nobody.expected.asa == inf


def test_half_an_officer_short_is_one_short():
    (found,) = needs([100], TERMS, [19.5])
    assert found.missing == 1
    assert taking_calls(10, 0.3) == 7
    assert taking_calls(10, 0.0) == 10


def test_half_hours_together_count_by_their_calls():
    terms = replace(TERMS, patience=120.0)
    found = needs([100, 50, 0], terms, [17, 11, 3])
    one, two = (need.expected for need in found[:2])
    whole = together(found, terms)
    assert whole.service_level == pytest.approx(
        (100 * one.service_level + 50 * two.service_level) / 150
    )
    answered = 100 * (1 - one.abandoning) + 50 * (1 - two.abandoning)
    assert whole.asa == pytest.approx(
        (100 * (1 - one.abandoning) * one.asa + 50 * (1 - two.abandoning) * two.asa) / answered
    )
    assert whole.occupancy == pytest.approx((one.occupancy * 11 + two.occupancy * 7) / 20)
    assert whole.planned_hours == (17 + 11 + 3) / 2
    assert whole.needed_hours == sum(need.present for need in found) / 2
    assert whole.missing_half_hours == sum(need.missing > 0 for need in found)


def test_a_day_without_a_call_has_no_shares():
    whole = together(needs([0, 0], TERMS, [None, None]), TERMS)
    assert (whole.calls, whole.service_level, whole.asa, whole.occupancy) == (0, None, None, None)
    assert (whole.needed_hours, whole.planned_hours) == (0, None)


def test_a_plan_with_nobody_loses_all():
    terms = replace(TERMS, patience=120.0)
    whole = together(needs([10], terms, [0]), terms)
    assert (whole.service_level, whole.abandoning, whole.asa) == (0, 1, None)
