"""When a CRM is asked again and when an entry is given up: nothing dies for a CRM that is down."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.connectors.port import (
    Busy,
    ConnectorError,
    Denied,
    Gone,
    Rejected,
    Unreachable,
    Unsettled,
    Unsupported,
)
from crm_bridge.delivery.policy import FEW, SECOND, Breaker, Limits, Mark, Stage

LIMITS = Limits()
HOUR = 3600 * SECOND

draws = st.floats(0, 1)
against_crm = st.sampled_from([Unreachable, Busy, Denied])


def breaker(draw: float = 0.5, limits: Limits = LIMITS) -> Breaker:
    return Breaker(limits, lambda: draw)


@pytest.mark.parametrize("error", [Rejected("no"), Gone("no"), Unsupported("no")])
def test_what_is_refused_for_good_is_dead_at_once(error: ConnectorError):
    verdict = breaker().judge(error, 0, None)
    assert (verdict.wait, verdict.charged) == (None, True)


@given(draws, st.integers(0, LIMITS.dead_after - 2))
def test_a_wait_is_drawn_between_the_half_and_the_whole(draw: float, charged: int):
    one = breaker(draw)
    mark = one.mark()
    one.entry_passed()  # another went through: the failure is the entry's own
    verdict = one.judge(Unreachable("x"), charged, mark)
    whole = min(LIMITS.first * 2**charged, LIMITS.most)
    assert verdict.charged
    assert verdict.wait == pytest.approx(whole * (0.5 + draw / 2))


@given(draws, st.integers(0, 11), st.floats(0, 10_000))
def test_a_wait_that_is_asked_for_is_heard_within_bounds(draw: float, charged: int, asked: float):
    verdict = breaker(draw).judge(Busy("x", wait=asked), charged, None)
    assert verdict.wait is not None
    assert verdict.wait >= min(asked, LIMITS.asked_most)
    assert verdict.wait <= max(LIMITS.most, LIMITS.asked_most)


@given(st.integers(1, 20), st.integers(0, 20))
def test_a_failure_is_the_entrys_where_the_crm_worked_for_others(passed: int, failed: int):
    one = breaker()
    mark = one.mark()
    one.passed, one.failed = passed, failed
    assert one.against(mark) == (passed >= 2 * failed)
    assert not one.unsure(mark)


@given(st.integers(1, 20), st.booleans())
def test_where_nothing_goes_through_only_few_failures_are_the_entrys(others: int, well: bool):
    one = breaker()
    one.entry_failed(0, 0, Unreachable("x"))
    mark = one.mark()
    assert one.unsure(mark)
    for seq in range(1, others):
        one.entry_failed(0, seq, Unreachable("x"))
    if well:
        one.was_well(0)
    assert one.against(mark) == (well and others <= FEW)
    assert one.unsure(mark) == (not well and others == 1)


def test_the_first_failure_of_an_entry_is_never_its_own():
    one = breaker()
    one.passed, one.well = 100, 100
    assert not one.against(None)
    assert not one.unsure(None)


def test_different_entries_that_fail_open_it_and_one_alone_does_not():
    one = breaker()
    for _ in range(50):
        one.entry_failed(0, 7, Unreachable("x"))
    assert one.stage is Stage.CLOSED
    for seq in range(LIMITS.trip - 1):
        one.entry_failed(0, seq, Unreachable("x"))
    assert one.stage is Stage.OPEN
    assert one.why is not None
    assert one.since == 0


@pytest.mark.parametrize("error", [Rejected("no"), Unsettled("no")])
def test_an_answer_that_is_no_shows_that_the_crm_is_there(error: ConnectorError):
    one = breaker()
    for seq in range(LIMITS.trip - 1):
        one.entry_failed(0, seq, Unreachable("x"))
    one.entry_failed(0, 8, error)
    one.entry_failed(0, 9, Unreachable("x"))
    assert one.stage is Stage.CLOSED


def test_a_busy_crm_is_left_alone_for_as_long_as_it_asks():
    one = breaker()
    one.entry_failed(10 * SECOND, 1, Busy("x", wait=120.0))
    assert one.stage is Stage.OPEN
    assert one.until >= 130 * SECOND
    assert not one.may_ask(129 * SECOND)
    assert one.may_ask(one.until)


def test_a_refused_login_is_checked_at_once_and_then_left_for_long():
    one = breaker(draw=0.0)
    one.entry_failed(0, 1, Denied("x"))
    assert one.may_ask(0)
    one.was_ill(0, Denied("x"))
    assert one.until >= LIMITS.denied_first / 2 * SECOND
    before = one.until
    one.was_ill(before, Denied("x"))
    assert one.until - before >= LIMITS.denied_first * SECOND


def test_a_record_it_denies_while_its_health_is_good_stops_nothing():
    one = breaker()
    one.entry_failed(0, 1, Denied("x"))
    one.was_well(0)
    assert one.stage is Stage.HALF
    one.entry_passed()
    assert one.stage is Stage.CLOSED


def test_half_open_one_failure_opens_it_for_longer():
    one = breaker(draw=1.0)
    for seq in range(LIMITS.trip):
        one.entry_failed(0, seq, Unreachable("x"))
    first = one.until
    one.was_well(first)
    one.entry_failed(first, 99, Unreachable("x"))
    assert one.stage is Stage.OPEN
    assert one.until - first == 2 * first


def test_a_well_crm_that_was_closed_stays_so():
    one = breaker()
    one.was_well(5)
    assert one.stage is Stage.CLOSED


@given(draws, st.lists(against_crm, min_size=1, max_size=60))
def test_its_rests_are_never_shorter_than_allowed_nor_longer(draw: float, errors: list[type]):
    one = breaker(draw)
    now = 0
    for times, error in enumerate(errors):
        one.was_ill(now, error("x"))
        rest = (one.until - now) / SECOND
        first, most = (
            (LIMITS.denied_first, LIMITS.denied_most)
            if error is Denied
            else (LIMITS.rest_first, LIMITS.rest_most)
        )
        assert rest >= min(first * 2**times, most) / 2 - 1e-6
        assert rest <= most + 1e-6
        now = one.until


# --- played through ------------------------------------------------------------------------------


@dataclass(slots=True)
class Player:
    """An outbox played without I/O: entries and their times, and a CRM that does as told."""

    breaker: Breaker
    poison: set[int] = field(default_factory=set)
    health_is_told_apart: bool = True
    now: int = 0
    due: dict[int, int] = field(default_factory=dict)
    charged: dict[int, int] = field(default_factory=dict)
    marks: dict[int, Mark] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)
    done: set[int] = field(default_factory=set)
    tries: int = 0
    asked: int = 0
    waits: list[float] = field(default_factory=list)

    def step(self, up: bool, error: type[ConnectorError]) -> None:
        """Until the next thing is due, then that."""
        one = self.breaker
        if one.stage is Stage.OPEN:
            self.now = max(self.now, one.until)
            self.ask(up or not self.health_is_told_apart, error)
            return
        if not self.due:
            return
        # the one tried least often comes first, as fresh ones come before those tried again
        seq = min(self.due, key=lambda s: (max(self.due[s], self.now), self.charged.get(s, 0), s))
        self.now = max(self.now, self.due[seq])
        self.tries += 1
        if up and seq not in self.poison:
            del self.due[seq]
            self.done.add(seq)
            one.entry_passed()
            return
        self.fail(seq, up, error)

    def fail(self, seq: int, up: bool, error: type[ConnectorError]) -> None:
        one, fault = self.breaker, error("x")
        mark = self.marks.get(seq)
        if one.unsure(mark):
            self.ask(up, error)
        verdict = one.judge(fault, self.charged.get(seq, 0), mark)
        one.entry_failed(self.now, seq, fault)
        self.marks[seq] = one.mark()
        self.charged[seq] = self.charged.get(seq, 0) + verdict.charged
        if verdict.wait is None:
            del self.due[seq]
            self.dead.add(seq)
        else:
            self.waits.append(verdict.wait)
            self.due[seq] = self.now + round(verdict.wait * SECOND)

    def ask(self, up: bool, error: type[ConnectorError]) -> None:
        self.asked += 1
        if up:
            self.breaker.was_well(self.now)
        else:
            self.breaker.was_ill(self.now, error("x"))


@given(draws, against_crm, st.integers(1, 40))
def test_a_crm_that_is_down_for_a_day_kills_no_entry(draw: float, error: type, entries: int):
    played = Player(breaker(draw), due=dict.fromkeys(range(entries), 0))
    while played.now < 24 * HOUR:
        played.step(up=False, error=error)
    assert not played.dead
    assert not any(played.charged.values())
    # it was left alone: a handful of entries, and its health now and then
    assert played.tries <= 2 * LIMITS.trip + played.asked + 1
    assert played.asked <= 24 * 3600 / (LIMITS.rest_most / 2) + 20
    for _ in range(10 * entries + 10):
        played.step(up=True, error=error)
    assert played.done == set(range(entries))


@given(draws, against_crm, st.integers(FEW + 1, 40))
def test_a_crm_whose_health_lies_kills_no_entry_while_it_takes_none(
    draw: float, error: type, entries: int
):
    played = Player(breaker(draw), due=dict.fromkeys(range(entries), 0), health_is_told_apart=False)
    if error is Unsettled:
        return  # it answers: that is no CRM that is down
    while played.now < 24 * HOUR and not played.dead:
        played.step(up=False, error=error)
    assert not played.dead


@given(draws, st.sampled_from([Unreachable, Busy]), st.integers(1, LIMITS.alone_after))
def test_the_last_entry_of_a_crm_that_drops_requests_gets_through(
    draw: float, error: type, unlucky: int
):
    """A fifth of the requests fail and the entry needs six: three of four tries fail by chance."""
    played = Player(breaker(draw), poison={0}, due={0: 0})
    while played.tries < unlucky:
        played.step(up=True, error=error)
    assert not played.dead
    played.poison = set()
    while played.due:
        played.step(up=True, error=error)
    assert played.done == {0}


@given(
    draws,
    st.sampled_from([Unreachable, Busy, Denied, Unsettled]),
    st.integers(0, 60),
    st.sets(st.integers(0, 3), min_size=1, max_size=2),
)
def test_a_poison_entry_always_comes_to_an_end_and_stops_nobody(
    draw: float, error: type, others: int, poison: set[int]
):
    fine = set(range(10, 10 + others))
    played = Player(breaker(draw), poison, due=dict.fromkeys(sorted(poison | fine), 0))
    for _ in range(2000):
        if not played.due:
            break
        played.step(up=True, error=error)
    assert played.dead == poison
    assert played.done == fine
    ends = {LIMITS.dead_after, LIMITS.alone_after}
    assert {played.charged[seq] for seq in poison} <= ends
    if not others:
        assert {played.charged[seq] for seq in poison} == {LIMITS.alone_after}
    assert min(played.waits) >= LIMITS.first / 2
    assert played.now < 48 * HOUR
