"""Open or closed, why, and when it opens next: by tables, on the office's clock."""

from __future__ import annotations

from datetime import date

import pytest

from crm_bridge.cases.office_hours import Closed, Week, Why, closed
from crm_bridge.cases.working_days import SpecialDay, build
from crm_bridge.config_hours import HoursSection
from tests.support.desk_clock import at

FULL = ["08:30-12:00", "13:00-16:30"]
OFFICE = Week(
    HoursSection(monday=FULL, tuesday=FULL, wednesday=FULL, thursday=FULL, friday=FULL).minutes()
)
CALENDAR = build(1, range(2025, 2029))


@pytest.mark.parametrize(
    "moment",
    ["2026-11-23T08:30", "2026-11-23T11:59:59", "2026-11-23T13:00", "2026-11-23T16:29:59.999999"],
)
def test_open(moment):
    assert closed(OFFICE, CALENDAR, at(moment)) is None


@pytest.mark.parametrize(
    ("moment", "why", "opens"),
    [
        ("2026-11-23T00:00", Why.BEFORE, "2026-11-23T08:30"),
        ("2026-11-23T08:29:59.999999", Why.BEFORE, "2026-11-23T08:30"),
        ("2026-11-23T12:00", Why.LUNCH, "2026-11-23T13:00"),
        ("2026-11-23T12:59:59", Why.LUNCH, "2026-11-23T13:00"),
        ("2026-11-23T16:30", Why.AFTER, "2026-11-24T08:30"),
        ("2026-11-27T16:30", Why.AFTER, "2026-11-30T08:30"),  # a Friday
        ("2026-11-28T10:00", Why.WEEKEND, "2026-11-30T08:30"),
        # the king's birthday is a Saturday in 2026: its day in lieu is the Monday after
        ("2026-12-05T10:00", Why.WEEKEND, "2026-12-08T08:30"),
        ("2026-12-07T10:00", Why.HOLIDAY, "2026-12-08T08:30"),
        ("2025-12-31T09:00", Why.HOLIDAY, None),
        # Labour Day is none of government offices
        ("2026-05-01T17:00", Why.AFTER, "2026-05-05T08:30"),
    ],
)  # fmt: skip
def test_closed(moment, why, opens):
    found = closed(OFFICE, CALENDAR, at(moment))
    assert found is not None
    assert found.why is why
    if opens is not None:
        assert found.opens_us == at(opens)
    assert (found.name is not None) == (why is Why.HOLIDAY)


def test_over_the_years_end_the_next_opening_is_the_first_working_day():
    found = closed(OFFICE, CALENDAR, at("2026-12-31T12:00"))
    assert found is not None
    assert found.why is Why.HOLIDAY
    assert found.name is not None
    assert found.opens_us == at("2027-01-04T08:30")
    # past the years a version knows, days count by their weekdays
    late = closed(OFFICE, CALENDAR, at("2028-12-29T18:00"))
    assert late == Closed(Why.AFTER, at("2029-01-01T08:30"))


def test_a_day_closed_just_now_and_a_saturday_that_is_worked():
    calendar = build(
        2,
        range(2026, 2028),
        [
            SpecialDay(date(2026, 11, 23), True, "น้ำท่วม", "Flood", "override"),
            SpecialDay(date(2026, 11, 28), False, "ชดเชย", "Worked", "override"),
        ],
    )
    assert closed(OFFICE, calendar, at("2026-11-23T10:00")) == Closed(
        Why.CLOSURE, at("2026-11-24T08:30"), ("น้ำท่วม", "Flood")
    )
    assert closed(OFFICE, calendar, at("2026-11-28T10:00")) is None
    assert closed(OFFICE, calendar, at("2026-11-28T12:30")) == Closed(
        Why.LUNCH, at("2026-11-28T13:00")
    )


def test_an_office_whose_days_are_all_closed_tells_no_opening():
    sundays = Week(HoursSection(sunday=["00:00-24:00"]).minutes())
    calendar = build(
        2,
        range(2026, 2028),
        [
            SpecialDay(
                date.fromordinal(date(2026, 11, 22).toordinal() + n), True, "ก", "a", "override"
            )
            for n in range(80)
        ],
    )
    assert closed(sundays, calendar, at("2026-11-23T10:00")) == Closed(
        Why.CLOSURE, None, ("ก", "a")
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "no day has any"),
        ({"monday": ["8:30-12:00"]}, "hours.monday: '8:30-12:00' is no span"),
        ({"friday": ["12:00-12:00"]}, "hours.friday"),
        ({"friday": ["08:30-12:00", "11:00-13:00"]}, "overlaps"),
        ({"sunday": ["08:30-25:00"]}, "is no span"),
    ],
)
def test_hours_that_are_none_are_refused_with_the_day(given, says):
    with pytest.raises(ValueError, match=says):
        HoursSection(**given)
