"""Forecasts from days made by hand and from the seeded year: level, kinds, faults, intervals."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.forecast import past
from benchmarks.year.shape import days_of
from crm_bridge.cases.working_days import build
from crm_bridge.forecast.backtest import Errors, backtest
from crm_bridge.forecast.days import HALF_HOURS, Day, Kind, PastDay, kind_of
from crm_bridge.forecast.model import fit

MONDAY = date(2026, 1, 5)
OFFICE = (*(0,) * 17, *(60,) * 16, *(0,) * 15)
"""60 calls each half-hour from 08:30 to 16:30: 960 a day."""
CLOSED = (*(0,) * 20, *(6,) * 8, *(0,) * 20)


def plain(weeks: int, first: date = MONDAY) -> list[PastDay]:
    """Weeks in which every working day is like every other, Mondays half as much again."""
    days = []
    for n in range(7 * weeks):
        day = first + timedelta(days=n)
        if day.weekday() >= 5:
            days.append(PastDay(day, Kind.WEEKEND, CLOSED))
        else:
            calls = tuple(c * 3 // 2 for c in OFFICE) if day.weekday() == 0 else OFFICE
            days.append(PastDay(day, Kind.WORKING, calls))
    return days


def after(days: list[PastDay], kind: Kind, weekday: int) -> Day:
    day = days[-1].day + timedelta(days=1)
    while day.weekday() != weekday:
        day += timedelta(days=1)
    return Day(day, kind)


def test_days_that_are_all_alike_come_again():
    days = plain(8)
    model = fit(days)
    # a weekday seen eight times has sixteen seventeenths of what it is different by
    tuesday = model.expected(after(days, Kind.WORKING, 1))
    assert tuesday.calls == pytest.approx(OFFICE, abs=1.5)
    assert tuesday.total == pytest.approx(960, rel=0.025)
    assert model.expected(after(days, Kind.WORKING, 0)).total == pytest.approx(1440, rel=0.03)
    assert model.expected(after(days, Kind.WEEKEND, 5)).total == pytest.approx(48, rel=0.03)
    assert (model.used, model.missed, model.unusual, model.short) == (56, 0, 0, False)


def test_the_interval_holds_the_forecast():
    days = plain(8)
    found = fit(days).expected(after(days, Kind.WORKING, 2))
    for low, calls, high in zip(found.low, found.calls, found.high, strict=True):
        assert 0 <= low <= calls <= high
    assert found.total_low < found.total < found.total_high


def test_a_campaign_spoils_nothing_named_or_not():
    days = plain(8)
    thursday = days[-4]
    days[-4] = replace(thursday, calls=tuple(3 * c for c in thursday.calls))
    unnamed, named = fit(days), fit(days, {thursday.day})
    assert (unnamed.unusual, unnamed.campaigns) == (1, 0)
    assert (named.unusual, named.campaigns) == (0, 1)
    for model in (unnamed, named):
        expected = model.expected(after(days, Kind.WORKING, 3))
        assert expected.total == pytest.approx(960, rel=0.025)
        raised = model.expected(after(days, Kind.WORKING, 3), 2.5)
        assert raised.total == pytest.approx(2400, rel=0.025)


def test_days_of_gaps_and_of_a_line_that_stood_still_are_left_out_and_counted():
    days = plain(8)
    days[-5] = replace(days[-5], not_observed=0.2)
    morning = tuple(0 if n < 22 else c for n, c in enumerate(days[-4].calls))
    days[-4] = replace(days[-4], calls=morning)
    days[-3] = replace(days[-3], calls=(0,) * HALF_HOURS)
    model = fit(days)
    assert (model.missed, model.used) == (3, 53)
    assert model.expected(after(days, Kind.WORKING, 3)).total == pytest.approx(960, rel=0.025)


def test_a_quiet_line_of_few_calls_did_not_stand_still():
    days = [replace(d, calls=tuple(c // 60 for c in d.calls)) for d in plain(8)]
    days[10] = replace(days[10], calls=(0,) * HALF_HOURS)
    assert fit(days).missed == 0


def test_a_holiday_and_the_day_after_it():
    days = plain(20)
    for n, day in enumerate(days):
        if day.day.weekday() == 2 and n % 28 < 7:
            days[n] = PastDay(day.day, Kind.HOLIDAY, CLOSED)
            more = tuple(c * 5 // 4 for c in OFFICE)
            days[n + 1] = PastDay(days[n + 1].day, Kind.AFTER_HOLIDAY, more)
    model = fit(days)
    assert model.expected(after(days, Kind.HOLIDAY, 2)).total == pytest.approx(48, rel=0.03)
    # five such days: what they say counts for five sevenths
    later = model.expected(after(days, Kind.AFTER_HOLIDAY, 3)).total
    assert later == pytest.approx(960 * 1.25 ** (5 / 7), rel=0.01)
    assert model.expected(after(days, Kind.WORKING, 3)).total == pytest.approx(960, rel=0.025)


def test_growth_is_followed_and_drawn_out_a_little():
    days = [
        replace(d, calls=tuple(round(c * 1.01 ** (n / 7)) for c in d.calls))
        for n, d in enumerate(plain(26))
    ]
    model = fit(days)
    now = 960 * 1.01 ** (len(days) / 7)
    assert model.slope * 7 == pytest.approx(0.00995, rel=0.15)
    assert model.expected(after(days, Kind.WORKING, 1)).total == pytest.approx(now, rel=0.03)


def test_nothing_is_said_of_a_kind_of_day_that_was_never_seen():
    days = [d for d in plain(6) if d.kind is Kind.WORKING]
    model = fit(days)
    assert model.expected(Day(date(2026, 3, 1), Kind.WEEKEND)).calls is None
    assert fit([]).expected(Day(MONDAY, Kind.WORKING)).total is None
    assert fit([PastDay(MONDAY, Kind.WORKING, (0,) * HALF_HOURS)]).last is None


@pytest.mark.parametrize("length", [1, 2, 5, 9, 20])
def test_a_short_past_gives_a_first_guess_and_says_so(length):
    days = plain(4)[:length]
    model = fit(days)
    assert model.short
    expected = model.expected(Day(days[-1].day + timedelta(days=7), days[-1].kind))
    assert expected.total == pytest.approx(days[-1].count, rel=0.35)


def test_days_before_the_first_call_are_no_days_of_a_line_that_stood_still():
    silent = [replace(d, calls=(0,) * HALF_HOURS) for d in plain(4, MONDAY - timedelta(days=28))]
    assert fit([*silent, *plain(6)]) == fit(plain(6))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_whatever_the_past_was_the_forecast_is_a_number(totals, random):
    days = []
    for n, total in enumerate(totals):
        calls = [0] * HALF_HOURS
        for _ in range(total):
            calls[random.randrange(HALF_HOURS)] += 1
        day = MONDAY + timedelta(days=n)
        kind = random.choice(list(Kind))
        days.append(PastDay(day, kind, tuple(calls)))
    model = fit(days)
    for kind in Kind:
        found = model.expected(Day(days[-1].day + timedelta(days=9), kind), 1.5)
        if found.calls is not None:
            assert all(0 <= low <= c <= high < 1e6 for low, c, high in
                       zip(found.low, found.calls, found.high, strict=True))  # fmt: skip


def test_kinds_of_days_by_the_thai_calendar():
    works = build(0, (2025, 2026, 2027)).working
    assert kind_of(date(2026, 4, 12), works) is Kind.WEEKEND
    assert kind_of(date(2026, 4, 13), works) is Kind.HOLIDAY  # Songkran
    assert kind_of(date(2026, 4, 16), works) is Kind.AFTER_HOLIDAY
    assert kind_of(date(2026, 4, 17), works) is Kind.WORKING
    assert kind_of(date(2026, 4, 20), works) is Kind.WORKING  # after a plain weekend


def test_the_generators_days_are_of_the_same_kinds():
    works = build(0, (2025, 2026, 2027)).working
    assert [day.kind for day in past(days_of(1, 100, 2026))] == [
        kind_of(day.day, works) for day in days_of(1, 100, 2026)
    ]


def test_the_seeded_year_is_forecast_clearly_better_than_by_a_spreadsheet():
    history = past(days_of(1203, 1_000_000, 2026))
    found = backtest(history)
    assert found.ratio < 0.6
    assert found.half_hours["model"].wape < 0.15
    assert found.days["model"].wape < 0.5 * found.days["last_week"].wape
    assert 0.7 < found.half_hours_within / (48 * found.judged_days) < 0.9
    assert found.forecasts == 11


def test_a_forecast_sees_nothing_of_what_it_is_held_against():
    """Days to come changed beyond recognition change no forecast."""
    history = past(days_of(7, 50_000, 2026))
    changed = [replace(d, calls=tuple(9 * c + 5 for c in d.calls)) for d in history[-28:]]
    truth = {d.day: d.calls for d in history}
    one = backtest(history, truth=truth, last=1)
    other = backtest([*history[:-28], *changed], truth=truth, last=1)
    assert one.half_hours["model"] == other.half_hours["model"]
    assert one.days["four_weeks"] == other.days["four_weeks"]


def test_the_naive_ones_are_what_they_are_called():
    days = plain(9)
    days[-35:-28] = [replace(d, calls=tuple(2 * c for c in d.calls)) for d in days[-35:-28]]
    found = backtest(days, last=1)
    calls = found.days["last_week"].calls
    assert found.days["last_week"].missed == calls  # twice as many as came
    assert found.days["four_weeks"].missed == calls / 4


def test_errors_by_hand():
    errors = Errors()
    assert (errors.wape, errors.mape) == (None, None)
    for was, expected in ((100, 90), (20, 25), (5, 8)):
        errors.add(was, expected)
    assert errors.wape == pytest.approx(18 / 125)
    assert errors.mape == pytest.approx((0.1 + 0.25) / 2)  # five calls are too few for a share
