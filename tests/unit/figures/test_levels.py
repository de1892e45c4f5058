"""Quarters, days, weeks and months begin where they do in Bangkok, and tiles make up a span."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.figures.levels import (
    DAY,
    HOUR,
    QUARTER,
    Tile,
    beginning,
    day_of,
    dekad_of,
    fewest,
    hour_of_week,
    month_after,
    month_of,
    quarter_of,
    tiles,
    week_of,
    year_of,
)

BANGKOK = ZoneInfo("Asia/Bangkok")
SECOND = 1_000_000
NOON = 1_795_498_200 * SECOND  # Tuesday 24 Nov 2026 12:30 in Bangkok
MIDNIGHT = 1_795_453_200 * SECOND
moments = st.integers(0, 4_000_000_000 * SECOND)


def office(micros):
    return datetime.fromtimestamp(micros // SECOND, BANGKOK)


def at(*parts):
    return int(datetime(*parts, tzinfo=BANGKOK).timestamp()) * SECOND


@given(moments)
def test_beginnings_are_those_of_the_office_calendar(moment):
    now = office(moment)
    day = now.replace(hour=0, minute=0, second=0)
    assert office(quarter_of(moment)) == now.replace(minute=now.minute // 15 * 15, second=0)
    assert office(day_of(moment)) == day
    assert office(week_of(moment)) == day - timedelta(days=day.weekday())
    dekad = 1 if day.day < 11 else 11 if day.day < 21 else 21
    assert office(dekad_of(moment)) == day.replace(day=dekad)
    assert office(year_of(moment)) == day.replace(day=1, month=1)
    assert office(month_of(moment)) == day.replace(day=1)
    assert office(month_after(moment)) == (day.replace(day=1) + timedelta(31)).replace(day=1)
    assert hour_of_week(moment) == f"{now.weekday() * 24 + now.hour:03d}"


def test_a_known_tuesday():
    assert quarter_of(NOON) == at(2026, 11, 24, 12, 30)
    assert day_of(NOON) == MIDNIGHT == at(2026, 11, 24)
    assert day_of(MIDNIGHT) == MIDNIGHT
    assert day_of(MIDNIGHT - 1) == MIDNIGHT - DAY
    assert week_of(NOON) == at(2026, 11, 23)
    assert (month_of(NOON), month_after(NOON)) == (at(2026, 11, 1), at(2026, 12, 1))
    assert hour_of_week(NOON) == "036"


ALL = ("quarter", "day", "month")
EVERY = ("quarter", "day", "dekad", "month", "year")
KINDS = pytest.mark.parametrize("levels", [ALL, EVERY], ids=["few keys", "many keys"])


@KINDS
@given(since=moments, length=st.integers(0, 800 * DAY))
def test_tiles_lie_side_by_side_from_bound_to_bound(levels, since, length):
    since, until = quarter_of(since), quarter_of(since + length)
    found = list(tiles(levels, since, until))
    bounds = [since, *(tile.until for tile in found)]
    assert [tile.since for tile in found] == bounds[:-1]
    assert bounds[-1] == until or not found
    for tile in found:
        assert tile.since < tile.until
        for bound in (tile.since, tile.until):
            assert beginning(tile.level, bound) == bound


def test_a_year_is_its_months():
    (year,) = tiles(ALL, at(2026, 1, 1), at(2027, 1, 1))
    assert year.level == "month"
    assert year.beginnings() == [at(2026, month, 1) for month in range(1, 13)]


def test_rows_of_a_tile_begin_in_it():
    assert Tile("day", MIDNIGHT + 1, MIDNIGHT + 3 * DAY).beginnings() == [
        MIDNIGHT + DAY, MIDNIGHT + 2 * DAY,
    ]  # fmt: skip
    assert Tile("quarter", NOON, NOON + 2 * QUARTER).beginnings() == [NOON, NOON + QUARTER]
    with pytest.raises(ValueError, match="without bounds"):
        Tile("day", None, NOON).beginnings()


def test_days_and_quarters_are_read_only_at_the_ends():
    found = list(tiles(ALL, at(2026, 1, 30, 13, 30), at(2026, 4, 2, 9, 15)))
    assert [(tile.level, office(tile.since)) for tile in found] == [
        ("quarter", office(at(2026, 1, 30, 13, 30))), ("day", office(at(2026, 1, 31))),
        ("month", office(at(2026, 2, 1))), ("day", office(at(2026, 4, 1))),
        ("quarter", office(at(2026, 4, 2))),
    ]  # fmt: skip


def test_a_span_within_a_day_or_without_bounds():
    (only,) = tiles(ALL, MIDNIGHT + HOUR, MIDNIGHT + HOUR + QUARTER)
    assert only.level == "quarter"
    (everything,) = tiles(ALL, None, None)
    assert (everything.level, everything.since, everything.until) == ("month", None, None)
    assert [tile.level for tile in tiles(ALL, None, NOON)] == ["month", "day", "quarter"]
    assert [tile.level for tile in tiles(ALL, NOON, None)] == ["quarter", "day", "month"]
    assert list(tiles(ALL, NOON, NOON)) == []


@pytest.mark.parametrize("begin", [0, 1])
def test_a_row_belongs_to_the_span_in_which_it_begins(begin):
    """Of figures kept by the day, a bound at noon."""
    (tile,) = tiles(("day", "month"), MIDNIGHT + begin, MIDNIGHT + DAY // 2)
    assert tile.level == "day"
    assert (tile.since <= MIDNIGHT) is (begin == 0)


@KINDS
@given(
    since=moments, length=st.integers(0, 800 * DAY), place=st.integers(-400 * DAY, 1200 * DAY)
)  # fmt: skip
def test_a_moment_is_in_the_fewest_rows_once_or_as_often_added_as_taken_away(
    levels, since, length, place
):
    until, moment = since + length, since + place
    met = 0
    for tile in fewest(levels, since, until):
        assert tile.since < tile.until
        if tile.since <= beginning(tile.level, moment) < tile.until:
            met += -1 if tile.less else 1
    assert met == (since <= quarter_of(moment) < until)


def test_most_of_a_month_is_the_month_less_the_rest():
    found = list(fewest(ALL, at(2026, 2, 10), at(2026, 11, 27, 13, 30)))
    assert [(tile.level, office(tile.since), office(tile.until), tile.less) for tile in found] == [
        ("day", office(at(2026, 2, 1)), office(at(2026, 2, 10)), True),
        ("quarter", office(at(2026, 11, 27, 13, 30)), office(at(2026, 11, 28)), True),
        ("day", office(at(2026, 11, 28)), office(at(2026, 12, 1)), True),
        ("month", office(at(2026, 2, 1)), office(at(2026, 12, 1)), False),
    ]
    assert list(fewest(ALL, at(2026, 2, 1), at(2026, 2, 9))) == [
        Tile("day", at(2026, 2, 1), at(2026, 2, 9))
    ]
    assert list(fewest(ALL, at(2026, 2, 4), at(2026, 2, 27))) == [
        Tile("month", at(2026, 2, 1), at(2026, 3, 1)),
        Tile("day", at(2026, 2, 1), at(2026, 2, 4), less=True),
        Tile("day", at(2026, 2, 27), at(2026, 3, 1), less=True),
    ]


@given(moments, st.integers(0, 800 * DAY))
def test_the_fewest_rows_are_no_more_than_those_side_by_side(since, length):
    since, until = quarter_of(since), quarter_of(since + length)

    def count(pieces):
        return sum(len(tile.beginnings()) for tile in pieces)

    assert count(fewest(ALL, since, until)) <= count(tiles(ALL, since, until))


def test_with_dekads_and_years_an_odd_span_of_many_keys_is_a_few_rows():
    found = list(fewest(EVERY[1:], at(2026, 2, 10), at(2026, 11, 21)))
    rows = [(tile.level, office(begun), tile.less) for tile in found for begun in tile.beginnings()]
    assert rows == [
        ("year", office(at(2026, 1, 1)), False),
        ("dekad", office(at(2026, 2, 1)), True), ("day", office(at(2026, 2, 10)), False),
        ("month", office(at(2026, 1, 1)), True),
        ("dekad", office(at(2026, 11, 21)), True), ("month", office(at(2026, 12, 1)), True),
    ]  # fmt: skip


def test_the_last_dekad_ends_with_its_month():
    assert Tile("dekad", at(2028, 2, 1), at(2028, 3, 11)).beginnings() == [
        at(2028, 2, 1), at(2028, 2, 11), at(2028, 2, 21), at(2028, 3, 1),
    ]  # fmt: skip
    assert Tile("year", at(2027, 6, 1), at(2029, 1, 2)).beginnings() == [
        at(2028, 1, 1), at(2029, 1, 1),
    ]  # fmt: skip
