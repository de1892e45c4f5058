"""No input makes an alert flap, and nothing is raised, cleared or told without its reason."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_bridge.alerts.judgement import (
    GONE,
    MINUTE,
    SECOND,
    TOGETHER_WITHIN,
    UNKNOWN,
    UNSEEN,
    Standing,
    Value,
    acknowledged,
    judge,
    may_tell,
    snoozed,
    switched_off,
    to_tell,
    told,
)
from crm_bridge.alerts.rules import FORMS, Compared, Kind, Level, Rule

START = 1_795_000_000 * SECOND
CLEAR_BESIDE = {Compared.OVER: -1, Compared.UNDER: 1, Compared.UP_TO: 1}


def rule(kind: Kind = Kind.WAITING, threshold: float = 5, **given) -> Rule:
    return Rule("r", kind, Level.WARNING, threshold, given.pop("clear_at", threshold), **given)


@st.composite
def rules(draw) -> Rule:
    kind = draw(st.sampled_from([Kind.WAITING, Kind.SERVICE_LEVEL, Kind.CASE_DUE]))
    threshold = draw(st.integers(2, 8))
    beside = CLEAR_BESIDE[FORMS[kind].compared] * draw(st.integers(0, 2))
    made = rule(
        kind, threshold, clear_at=threshold + beside, hold=draw(st.sampled_from([0, 3, 30])),
        clear_after=draw(st.sampled_from([5, 15, 60])), quiet=draw(st.integers(0, 5)),
    )  # fmt: skip
    assert made.mistakes() == {}
    return made


looks = st.lists(
    st.tuples(
        st.integers(1, 40 * SECOND) | st.just(SECOND) | st.integers(UNSEEN, 10 * MINUTE),
        st.integers(0, 10).map(float) | st.just(GONE) | st.just(UNKNOWN),
    ),
    min_size=1,
    max_size=200,
)


def run(of: Rule, seen: list[tuple[int, Value]]):
    """Each look: the moment, the value, what stood before and after, whether it was told."""
    now, standing, last = START, Standing(), None
    for step, value in seen:
        now += step
        before = standing
        standing = judge(of, "queue", standing, value, now)
        telling = to_tell(of, standing, now) and may_tell(last, now)
        if telling:
            standing, last = told(standing, now), now
        yield now, value, before, standing, telling


def held(of: Rule, seen: list[tuple[int, Value]], at: int, good: bool) -> int:
    """For how long the condition was seen to hold (or to be away) at this look, without a break."""
    now = [START]
    for step, _ in seen:
        now.append(now[-1] + step)
    first = at
    while True:
        value = seen[first][1]
        if value is UNKNOWN:
            known = False
        elif value is GONE:
            known = good
        else:
            known = of.good(value) if good else of.bad(value)
        if not known:
            return now[at + 1] - now[first + 2] if first < at else -1
        # the run is broken before this look where nobody looked for too long
        if first == 0 or now[first + 1] - now[first] > UNSEEN:
            return now[at + 1] - now[first + 1]
        first -= 1


@given(rules(), looks)
@settings(max_examples=300, deadline=None)
def test_nothing_is_raised_without_its_condition_nor_cleared_with_it(of: Rule, seen):
    for n, (_, value, before, after, _) in enumerate(run(of, seen)):
        if before.alert is None and after.alert is not None:
            assert not isinstance(value, type(UNKNOWN))
            assert value is not GONE
            assert of.bad(value)
            assert held(of, seen, n, good=False) >= of.hold * SECOND
        if before.alert is not None and after.alert is None:
            assert value is not UNKNOWN
            assert value is GONE or (of.good(value) and not of.bad(value))
            assert held(of, seen, n, good=True) >= of.clear_after * SECOND


@given(rules(), looks)
@settings(max_examples=300, deadline=None)
def test_what_holds_long_enough_is_raised_and_what_is_away_is_cleared(of: Rule, seen):
    for n, (_, _, _, after, _) in enumerate(run(of, seen)):
        if held(of, seen, n, good=False) >= of.hold * SECOND:
            assert after.alert is not None
        if held(of, seen, n, good=True) >= of.clear_after * SECOND:
            assert after.alert is None


@given(rules(), looks)
@settings(max_examples=300, deadline=None)
def test_no_input_flaps(of: Rule, seen):
    moved: list[int] = []
    raised: list[int] = []
    tellings: list[int] = []
    for now, _, before, after, telling in run(of, seen):
        if (before.alert is None) != (after.alert is None):
            moved.append(now)
            if after.alert is not None:
                raised.append(now)
        if telling:
            tellings.append(now)
    for first, second in pairwise(raised):
        assert second - first >= (of.hold + of.clear_after) * SECOND
    for first, second in pairwise(tellings):
        assert second - first >= max(of.quiet * MINUTE, TOGETHER_WITHIN)
    assert len(tellings) <= len(raised)
    assert len(moved) <= 2 * len(raised)


@given(rules(), looks)
@settings(max_examples=200, deadline=None)
def test_the_unknown_changes_nothing_that_is_raised(of: Rule, seen):
    for _, value, before, after, _ in run(of, seen):
        if value is UNKNOWN:
            assert (before.alert is None) == (after.alert is None)
            assert (after.bad_since, after.good_since) == (None, None)


@given(rules(), st.integers(0, 10).map(float))
def test_no_value_is_both_bad_and_good(of: Rule, value: float):
    assert not (of.bad(value) and of.good(value))


def test_a_value_that_trembles_about_the_threshold_is_one_alert():
    of = rule(threshold=5, clear_at=3, hold=2, clear_after=10)
    seen: list[tuple[int, Value]] = [(SECOND, 6.0)] * 5 + [
        (SECOND, v) for v in (5.0, 6.0, 4.0) * 90
    ]
    assert len({after.alert.id for *_, after, _ in run(of, seen) if after.alert}) == 1
    assert [n for n, (*_, telling) in enumerate(run(of, seen)) if telling] == [2]
    quiet = [*seen, *[(SECOND, 3.0)] * 11]
    assert list(run(of, quiet))[-1][3].alert is None


def test_the_worst_is_kept():
    of = rule(threshold=5)
    (*_, last) = run(of, [(SECOND, 6.0), (SECOND, 9.0), (SECOND, 7.0)])
    assert last[3].alert is not None
    assert (last[3].alert.value, last[3].alert.worst) == (6.0, 9.0)
    under = rule(Kind.SERVICE_LEVEL, 80, clear_at=85)
    (*_, last) = run(under, [(SECOND, 70.0), (SECOND, 40.0), (SECOND, 82.0)])
    assert last[3].alert is not None
    assert last[3].alert.worst == 40.0


def test_what_quiet_kept_back_is_told_when_it_may_if_it_is_still_so():
    of = rule(threshold=5, clear_after=5, quiet=1)
    bad, good = (SECOND, 6.0), (SECOND, 0.0)
    seen: list[tuple[int, Value]] = [bad, *[good] * 6, *[bad] * 70]
    tellings = [now for now, *_, telling in run(of, seen) if telling]
    assert [(b - a) // SECOND for a, b in pairwise(tellings)] == [60]
    raised = {after.alert.id for *_, after, _ in run(of, seen) if after.alert}
    assert len(raised) == 2


def test_an_acknowledged_one_is_told_to_nobody_and_a_snoozed_one_later():
    of = rule(quiet=0)
    seen = judge(of, "queue", Standing(), 6.0, START)
    assert to_tell(of, seen, START)
    assert not to_tell(of, acknowledged(seen, "me", START), START)
    asleep = snoozed(told(seen, START), START + MINUTE)
    assert not to_tell(of, asleep, START + MINUTE - 1)
    assert to_tell(of, asleep, START + MINUTE)
    assert not to_tell(of, told(asleep, START + MINUTE), START + 2 * MINUTE)
    # what was told is told to be over, though it slept meanwhile
    assert asleep.alert is not None
    assert asleep.alert.told_at == START
    # also what rises again meanwhile
    over = replace(switched_off(asleep), seen_at=START)
    again = judge(of, "queue", over, 6.0, START + SECOND)
    assert again.alert is not None
    assert not to_tell(of, again, START + SECOND)


def test_what_is_nothing_any_more_is_forgotten():
    of = rule(quiet=2)
    standing = told(judge(of, "queue", Standing(), 6.0, START), START)
    assert not standing.idle(of.quiet, START + 10 * MINUTE)
    over = switched_off(standing)
    assert not over.idle(of.quiet, START + MINUTE)
    assert over.idle(of.quiet, START + 2 * MINUTE)
    assert acknowledged(over, "me", START) == over
    assert told(over, START) == over


def test_messages_go_together():
    assert may_tell(None, START)
    assert not may_tell(START, START + TOGETHER_WITHIN - 1)
    assert may_tell(START, START + TOGETHER_WITHIN)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, set()),
        ({"threshold": -1, "clear_at": -1}, {"threshold", "clear_at"}),
        ({"threshold": 2.5, "clear_at": 2}, {"threshold"}),
        ({"clear_at": 6}, {"clear_at"}),
        ({"scope": "*"}, set()),
        ({"kind": Kind.NOBODY_READY, "scope": "*"}, {"scope"}),
        ({"kind": Kind.CASE_DUE, "scope": "information"}, {"scope"}),
        ({"kind": Kind.SERVICE_LEVEL, "clear_at": 4}, {"clear_at"}),
        ({"kind": Kind.CASE_DUE, "clear_at": 4}, {"clear_at"}),
        ({"kind": Kind.CASE_DUE, "clear_at": 6}, set()),
    ],
)
def test_a_rule_that_cannot_be_so_says_where(given, wrong):
    assert set(rule(**given).mistakes()) == wrong
