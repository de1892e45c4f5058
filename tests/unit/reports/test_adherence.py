"""Adherence by hand-worked cases; minutes of a day."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.reports.adherence import Adherence, State, adherence

ALLOWED = {"lunch", "training"}
LATER = 10_000
EIGHT_HOURS = [(510, 990)]


def ready(begin: int, end: int | None) -> State:
    return State("ready", None, begin, end)


def paused(reason: str | None, begin: int, end: int | None) -> State:
    return State("paused", reason, begin, end)


def wrapup(begin: int, end: int | None) -> State:
    return State("wrapup", None, begin, end)


@pytest.mark.parametrize(
    "what, shifts, states, now, kept, of, beside",
    [
        ("there all day", EIGHT_HOURS, [ready(510, 990)], LATER, 480, 480, 0),
        ("half an hour late", EIGHT_HOURS, [ready(540, 990)], LATER, 450, 480, 0),
        ("gone early", EIGHT_HOURS, [ready(510, 900)], LATER, 390, 480, 0),
        ("before and after too", EIGHT_HOURS, [ready(480, 1020)], LATER, 480, 480, 60),
        ("wrap-up is work", EIGHT_HOURS, [ready(510, 700), wrapup(700, 990)], LATER, 480, 480, 0),
        ("lunch is allowed", EIGHT_HOURS,
         [ready(510, 720), paused("lunch", 720, 780), ready(780, 990)], LATER, 480, 480, 0),
        ("a pause without the desk's reason is not", EIGHT_HOURS,
         [ready(510, 720), paused("elsewhere", 720, 780), ready(780, 990)], LATER, 420, 480, 0),
        ("nor one without any", EIGHT_HOURS,
         [ready(510, 720), paused(None, 720, 780), ready(780, 990)], LATER, 420, 480, 0),
        ("two parts with the noon between", [(510, 720), (780, 990)], [ready(510, 990)],
         LATER, 420, 420, 60),
        ("never came", EIGHT_HOURS, [], LATER, 0, 480, 0),
        ("no shift", [], [ready(510, 600)], LATER, 0, 0, 90),
        ("the shift is not over", EIGHT_HOURS, [ready(510, None)], 600, 90, 90, 0),
        ("the shift is still to come", EIGHT_HOURS, [], 400, 0, 0, 0),
        ("two sittings at once are one officer", EIGHT_HOURS,
         [ready(510, 800), ready(700, 990)], LATER, 480, 480, 0),
        ("shifts that touch", [(510, 720), (720, 990)], [ready(600, 900)], LATER, 300, 480, 0),
        ("a state of no length", EIGHT_HOURS, [ready(600, 600)], LATER, 0, 480, 0),
    ],
)  # fmt: skip
def test_by_hand(what, shifts, states, now, kept, of, beside):
    found = adherence(shifts, states, ALLOWED, now)
    assert (found.kept_us, found.shift_us, found.beside_us) == (kept, of, beside), what
    assert found.share == (kept / of if of else None)


def test_what_is_not_known_has_no_share():
    assert Adherence(480, None, 0).share is None


spans = st.lists(
    st.tuples(st.integers(0, 500), st.integers(0, 500)).map(lambda p: (min(p), max(p))), max_size=8
)


@given(spans, spans, st.integers(0, 500))
def test_the_same_minute_by_minute(shifts, sittings, now):
    """Counted the slow way: each minute is of a shift, at work, or both."""
    planned = {m for begin, end in shifts for m in range(begin, min(end, now))}
    worked = {m for begin, end in sittings for m in range(begin, min(end, now))}
    found = adherence(shifts, [ready(b, e) for b, e in sittings], ALLOWED, now)
    assert found == Adherence(len(planned), len(planned & worked), len(worked - planned))
