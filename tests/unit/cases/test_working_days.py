"""Thai government working days, against the cabinet's announced days and by their laws."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.cases.working_days import (
    SpecialDay,
    build,
    last_day,
    office_day,
    opening,
    published,
    start_of,
)

CALENDAR = build(1, range(2023, 2031))
HOUR = 3_600_000_000
DAYS = st.dates(date(2024, 1, 1), date(2029, 6, 30))


def at(day: date, hour: int = 10, minute: int = 0) -> int:
    return start_of(day) + hour * HOUR + minute * HOUR // 60


CLOSED = [
    ("2024-02-26", "Makha Bucha in lieu of Saturday the 24th"),
    ("2024-04-08", "Chakri Day in lieu"),
    ("2024-04-12", "special day of the cabinet before Songkran"),
    ("2024-04-15", "Songkran"),
    ("2024-04-16", "Songkran in lieu"),
    ("2024-05-06", "Coronation Day in lieu"),
    ("2024-05-10", "Royal Ploughing Day, government offices only"),
    ("2024-07-22", "Asarnha Bucha in lieu"),
    ("2024-07-29", "the King's birthday in lieu"),
    ("2024-10-14", "King Bhumibol memorial in lieu"),
    ("2024-12-30", "special day of the cabinet"),
    ("2024-12-31", "New Year's Eve"),
    ("2025-01-01", "New Year"),
    ("2025-04-07", "Chakri Day in lieu"),
    ("2025-04-14", "Songkran"),
    ("2025-04-15", "Songkran"),
    ("2025-04-16", "Songkran in lieu of Sunday the 13th"),
    ("2025-05-09", "Royal Ploughing Day"),
    ("2025-05-12", "Visakha Bucha in lieu"),
    ("2025-06-02", "special day of the cabinet"),
    ("2025-07-11", "Buddhist Lent, offices closed"),
    ("2025-08-11", "special day of the cabinet"),
    ("2026-01-02", "special day of the cabinet"),
    ("2026-05-13", "Royal Ploughing Day"),
    ("2026-06-01", "Visakha Bucha in lieu"),
    ("2026-12-07", "King Bhumibol's birthday in lieu of Saturday the 5th"),
]
WORKED = [
    ("2024-05-01", "Labour Day is for workers, not for government offices"),
    ("2025-05-01", "Labour Day"),
    ("2026-05-01", "Labour Day"),
    ("2027-05-03", "Labour Day in lieu"),
    ("2025-01-10", "the Friday before Children's Day"),
    ("2026-01-12", "the Monday after Children's Day has none in lieu"),
    ("2025-04-17", "the day after Songkran"),
    ("2026-01-05", "the first day after New Year 2026"),
]


@pytest.mark.parametrize("day", [d for d, _ in CLOSED], ids=[n for _, n in CLOSED])
def test_offices_are_closed(day):
    assert not CALENDAR.working(date.fromisoformat(day))


@pytest.mark.parametrize("day", [d for d, _ in WORKED], ids=[n for _, n in WORKED])
def test_offices_work(day):
    assert CALENDAR.working(date.fromisoformat(day))


@pytest.mark.parametrize(
    ("laid", "last"),
    [
        # a plain month
        ("2024-09-02", "2024-09-23"),
        # Songkran 2024 with its special day: 8 (Chakri), 12, 15 and 16 April closed
        ("2024-04-05", "2024-05-02"),
        # Songkran 2025; 1 May counts
        ("2025-04-04", "2025-05-01"),
        # over New Year: 2024-12-30, 31 and 2025-01-01 closed, 5 and 10 December too
        ("2024-12-13", "2025-01-08"),
        ("2025-12-09", "2026-01-05"),
        # New Year 2026 with the special Friday
        ("2025-12-19", "2026-01-14"),
        # May 2025: Coronation in lieu 5, Ploughing 9, Visakha in lieu 12; Labour Day counts
        ("2025-04-30", "2025-05-26"),
        # June 2025: special 2 and the Queen's birthday 3
        ("2025-05-30", "2025-06-24"),
        # laid before the Director on a Saturday: the first day is Monday
        ("2024-08-31", "2024-09-20"),
        # laid on a holiday
        ("2025-10-23", "2025-11-13"),
        # July 2026: 28, 29 and 30 closed
        ("2026-07-17", "2026-08-13"),
        # December 2026: 7 (in lieu), 10, 31 and 1 January closed
        ("2026-12-04", "2026-12-29"),
    ],
)
def test_fifteen_working_days_of_real_calendars(laid, last):
    due = CALENDAR.due(at(date.fromisoformat(laid)), 15)
    assert last_day(due) == date.fromisoformat(last)
    assert due == start_of(date.fromisoformat(last) + timedelta(days=1))


def test_the_hour_of_the_act_does_not_matter():
    day = date(2025, 3, 3)
    assert CALENDAR.due(start_of(day), 15) == CALENDAR.due(start_of(day) + 24 * HOUR - 1, 15)
    assert CALENDAR.due(start_of(day) - 1, 15) < CALENDAR.due(start_of(day), 15)


def test_the_day_is_the_one_in_bangkok():
    assert office_day(start_of(date(2025, 1, 1))) == date(2025, 1, 1)
    assert office_day(start_of(date(2025, 1, 1)) - 1) == date(2024, 12, 31)
    assert opening(date(2025, 1, 6)) == at(date(2025, 1, 6), 8, 30)


def test_a_year_the_version_does_not_know_is_refused():
    with pytest.raises(ValueError, match="knows 2023-01-01 to 2030-12-31"):
        CALENDAR.after(date(2030, 12, 30), 15)


@pytest.mark.parametrize("years", [[], [2024, 2026]])
def test_a_calendar_has_no_gap(years):
    with pytest.raises(ValueError, match="years in a row"):
        build(1, years)


def test_overrides_close_and_open_days():
    closed = SpecialDay(date(2025, 9, 5), True, "หยุดพิเศษ", "special", "override")
    opened = SpecialDay(date(2025, 8, 11), False, "ทำงานปกติ", "worked", "override")
    saturday = SpecialDay(date(2025, 8, 30), False, "ทำงานชดเชย", "made up", "override")
    mine = build(2, [2025], [closed, opened, saturday])
    assert [mine.working(s.day) for s in (closed, opened, saturday)] == [False, True, True]
    assert not CALENDAR.working(opened.day)
    assert CALENDAR.working(closed.day)


@given(DAYS, st.integers(1, 40))
def test_a_limit_ends_on_a_working_day_with_just_so_many_before_it(day, count):
    last = CALENDAR.after(day, count)
    assert CALENDAR.working(last)
    assert CALENDAR.between(day, last) == count


@given(DAYS, st.integers(1, 40))
def test_going_back_undoes_going_on(day, count):
    last = CALENDAR.after(day, count)
    back = CALENDAR.before(last, count)
    assert back <= day
    assert CALENDAR.between(back, day) <= 1
    assert not any(
        CALENDAR.working(back + timedelta(days=n)) for n in range(1, (day - back).days + 1)
    )


@given(DAYS, DAYS)
def test_later_acts_are_never_due_sooner(one, other):
    one, other = sorted((one, other))
    assert CALENDAR.due(at(one), 15) <= CALENDAR.due(at(other), 15)
    assert CALENDAR.between(one, other) == -CALENDAR.between(other, one)


@given(DAYS, st.integers(1, 20), st.integers(1, 20))
def test_an_extension_is_as_if_it_had_been_granted_at_once(day, first, more):
    assert CALENDAR.extended(CALENDAR.due(at(day), first), more) == CALENDAR.due(
        at(day), first + more
    )


@given(DAYS, st.integers(1, 30), st.integers(0, 60 * 24))
def test_over_time_is_the_same_by_moment_and_by_count(day, limit, hours):
    start = at(day, 9)
    moment = start + hours * HOUR
    assert (moment >= CALENDAR.due(start, limit) and CALENDAR.used(start, moment) >= limit) == (
        moment >= CALENDAR.due(start, limit)
    )
    if CALENDAR.used(start, moment) > limit:
        assert moment >= CALENDAR.due(start, limit)


def test_days_left_are_counted_as_a_person_does():
    due = CALENDAR.due(at(date(2025, 9, 1)), 15)  # Monday; the last day is Monday the 22nd
    assert last_day(due) == date(2025, 9, 22)
    assert CALENDAR.left(at(date(2025, 9, 19)), due) == 1
    assert CALENDAR.left(at(date(2025, 9, 20)), due) == 1
    assert CALENDAR.left(at(date(2025, 9, 22), 23, 59), due) == 0
    assert CALENDAR.left(at(date(2025, 9, 23)), due) == -1


def test_every_published_day_has_both_names_and_is_a_weekday():
    for year in range(2015, 2036):
        for special in published(year):
            assert special.closed
            assert special.day.weekday() < 5
            assert special.name_th
            assert special.name_en.isascii()
            assert "Labor" not in special.name_en
