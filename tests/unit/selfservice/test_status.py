"""What is said of a status, and that every state and act of a case can be said."""

from __future__ import annotations

import datetime as dt

import pytest

from crm_bridge.cases.case import KINDS
from crm_bridge.cases.workflow import State
from crm_bridge.selfservice.case_status import ANSWER_WITHIN, TOLD_ACTS
from ivr.selfservice import status
from ivr.selfservice.port import Status
from ivr.selfservice.status import sentences

DAY = dt.date(2026, 11, 20)


def said(left: int | None, *, overdue: bool = False) -> list[str]:
    found = sentences("690000012", Status("complaint", "assigned", left, overdue, None, None), "en")
    return found[2] if len(found) > 2 else []


def test_every_state_kind_and_act_has_its_sound():
    assert set(status.STATES) == set(State)
    assert set(status.KINDS) == set(KINDS)
    assert set(status.ACTS) == set(TOLD_ACTS)


def test_the_desk_answers_before_the_line_gives_up():
    assert ANSWER_WITHIN < status.ANSWER_WITHIN < 2


def test_the_sentences_in_their_order():
    found = sentences("690000012", Status("advice", "assigned", 12, False, "assign", DAY), "th")
    assert [sentence[0] for sentence in found] == [
        "hotline/status-advice", "hotline/status-assigned", "hotline/status-days-left",
        "hotline/status-last-act",
    ]  # fmt: skip
    assert found[0][1:] == [f"digits/{d}" for d in "690000012"]
    assert found[2][1:] == ["digits/12", "hotline/status-working-days"]
    assert found[3][1] == "hotline/act-assign"
    assert "digits/posor" in found[3]


@pytest.mark.parametrize(
    ("left", "overdue", "sounds"),
    [
        (None, False, []),
        (3, False, ["hotline/status-days-left", "digits/3", "hotline/status-working-days"]),
        (0, False, ["hotline/status-due-today"]),
        (0, True, ["hotline/status-overdue"]),
        (-2, True, ["hotline/status-overdue", "digits/2", "hotline/status-working-days"]),
    ],
)
def test_the_time_left_is_said_honestly(left, overdue, sounds):
    assert said(left, overdue=overdue) == sounds
