"""What is said of a closed office, in the order in which it is said."""

from __future__ import annotations

import datetime as dt

import pytest

from crm_bridge.cases.office_hours import Why
from crm_bridge.selfservice.office import KEPT_WITHIN
from ivr.selfservice import closed, saying, wish
from ivr.selfservice.port import Shut
from ivr.steps.standards import OFFICE_ZONE

FRIDAY = dt.datetime(2026, 11, 27, 18, 0, tzinfo=OFFICE_ZONE)


def test_every_reason_has_its_sound():
    assert set(closed.REASONS) == set(Why)


def test_the_desk_answers_before_the_line_gives_up():
    assert KEPT_WITHIN < wish.ANSWER_WITHIN <= 4


@pytest.mark.parametrize("language", ["th", "en"])
@pytest.mark.parametrize(
    ("why", "opens", "day"),
    [
        ("before", FRIDAY.replace(hour=19), ["hotline/closed-today"]),
        ("after", FRIDAY.replace(day=28, hour=8, minute=30), ["hotline/closed-tomorrow"]),
        ("holiday", FRIDAY.replace(day=30, hour=8, minute=30), None),
    ],
)
def test_the_day_it_opens_is_said_as_people_say_it(why, opens, day, language):
    named = day or [*saying.date(opens.date(), language, weekday=True)]
    assert closed.sentences(Shut(why, FRIDAY, opens), language) == [
        f"hotline/closed-{why}", "hotline/closed-opens", *named, "hotline/closed-at",
        *saying.clock(opens.hour, opens.minute, language),
    ]  # fmt: skip


def test_at_lunch_it_is_said_when_officers_are_back():
    noon = FRIDAY.replace(hour=12, minute=10)
    said = closed.sentences(Shut("lunch", noon, noon.replace(hour=13, minute=0)), "th")
    assert said == [
        "hotline/closed-lunch", "hotline/closed-back", *saying.clock(13, 0, "th"),
    ]  # fmt: skip


def test_where_no_opening_is_known_none_is_said():
    assert closed.sentences(Shut("closure", FRIDAY, None), "th") == ["hotline/closed-closure"]
