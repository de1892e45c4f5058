"""Erlang C and A against published values, another reckoning, a simulation, and each other."""

from __future__ import annotations

import heapq
from math import exp, factorial, inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_bridge.forecast.erlang import Demand, officers_for, service

FIFTY = Demand(rate=48 / 60, handling=60, patience=120)
"""48 callers a minute, a minute each, two minutes' patience; with 50 officers."""


def test_the_published_comparison_of_the_two():
    """Mandelbaum and Zeltyn (2005), table 1: 50 officers, 48 calls a minute, 1 minute each."""
    patient = service(Demand(48 / 60, 60), 50, 20)
    assert patient.asa == pytest.approx(20.8, abs=0.05)
    assert patient.occupancy == pytest.approx(0.96)
    assert patient.abandoning == 0
    impatient = service(FIFTY, 50, 20)
    assert impatient.abandoning == pytest.approx(0.031, abs=0.0005)
    assert impatient.abandoning * 120 == pytest.approx(3.7, abs=0.05)  # E[W] of all, in seconds
    assert impatient.occupancy == pytest.approx(0.93, abs=0.005)


def test_the_textbook_example_of_erlang_c():
    """Call Centre Helper, "Erlang C formula, made simple": 100 calls in half an hour, 3 minutes."""
    demand = Demand(100 / 1800, 180)
    assert officers_for(demand, level=0.8, within=20) == 14
    found = service(demand, 14, 20)
    assert found.service_level == pytest.approx(0.888, abs=0.0005)
    assert found.waiting == pytest.approx(0.174, abs=0.0005)
    assert found.asa == pytest.approx(7.8, abs=0.05)
    assert found.occupancy == pytest.approx(0.714, abs=0.0005)


def by_the_sum(load: float, officers: int) -> float:
    """Erlang C as Erlang wrote it in 1917, with factorials."""
    last = load**officers / factorial(officers) * officers / (officers - load)
    return last / (sum(load**k / factorial(k) for k in range(officers)) + last)


@given(st.floats(0.05, 25), st.integers(1, 30))
def test_the_library_and_the_formula_agree(load, more):
    officers = int(load) + more
    found = service(Demand(load / 300, 300), officers, 20)
    assert found.waiting == pytest.approx(by_the_sum(load, officers), rel=1e-9)


class States:
    """M/M/n+M by its states: balance of what comes and goes, and a path for who finds k before.

    Another way to the same numbers: no integral, no incomplete gamma function.
    """

    def __init__(self, demand: Demand, officers: int) -> None:
        self.demand, self.officers = demand, officers
        self.serving, self.leaving = 1 / demand.handling, 1 / demand.patience
        weights = [1.0]
        while len(weights) < officers + 20 or weights[-1] > 1e-18 * max(weights):
            n = len(weights)
            out = min(n, officers) * self.serving + max(0, n - officers) * self.leaving
            weights.append(weights[-1] * demand.rate / out)
        whole = sum(weights)
        self.chances = [w / whole for w in weights]

    def service(self, within: float) -> tuple[float, float, float, float, float]:
        """Waiting, level, abandoning, mean wait of the answered, occupancy."""
        n = self.officers
        waiting = sum(self.chances[n:])
        queue = sum((k - n) * p for k, p in enumerate(self.chances) if k > n)
        abandoning = queue * self.leaving / self.demand.rate
        level = 1 - waiting
        sooner = 0.0
        full = n * self.serving
        for place, chance in enumerate(self.chances[n:], 1):
            if chance < 1e-16:
                continue
            # the first in the queue is answered or gives up, those before him make him advance
            served, late = self._path(place, full, within)
            level += chance * served
            sooner += chance * late
        busy = sum(min(k, n) * p for k, p in enumerate(self.chances)) / n
        return waiting, level, abandoning, sooner / (1 - abandoning), busy

    def _path(self, place: int, full: float, within: float) -> tuple[float, float]:
        """Of who joins as the `place`th: answered within, and wait × answered; by uniform steps."""
        top = full + place * self.leaving
        spots = [0.0] * (place + 1)
        spots[place] = 1.0
        served_by_step = []
        mean = 0.0
        steps = 0
        while sum(spots[1:]) > 1e-13:
            steps += 1
            new = [0.0] * (place + 1)
            answered = 0.0
            for at in range(1, place + 1):
                here = spots[at]
                if not here:
                    continue
                ahead = full + (at - 1) * self.leaving
                if at == 1:
                    answered += here * full / top
                else:
                    new[at - 1] += here * ahead / top
                new[at] += here * (1 - (ahead + self.leaving) / top)
            spots = new
            served_by_step.append(answered)
            mean += answered * steps / top
        if not within:
            return 0.0, mean
        # Poisson(top × within) steps have been made by then
        level, reached, term = 0.0, 0.0, exp(-top * within)
        tail = 1.0 - term
        for step, answered in enumerate(served_by_step, 1):
            reached += answered
            level += answered * max(0.0, tail)
            term *= top * within / step
            tail -= term
        return level, mean


@pytest.mark.parametrize(
    "demand, officers",
    [
        (FIFTY, 50), (FIFTY, 40), (FIFTY, 56), (Demand(0.02, 240, 60), 5),
        (Demand(0.02, 240, 900), 4), (Demand(0.001, 300, 165), 1), (Demand(0.05, 300, 30), 12),
    ],
)  # fmt: skip
def test_another_reckoning_by_the_states_gives_the_same(demand, officers):
    for within in (0.0, 5.0, 20.0, 90.0):
        waiting, level, abandoning, asa, busy = States(demand, officers).service(within)
        found = service(demand, officers, within)
        assert found.waiting == pytest.approx(waiting, rel=1e-9)
        assert found.service_level == pytest.approx(level, abs=1e-8)
        assert found.abandoning == pytest.approx(abandoning, rel=1e-7, abs=1e-12)
        assert found.asa == pytest.approx(asa, rel=1e-6, abs=1e-9)
        assert found.occupancy == pytest.approx(busy, rel=1e-9)


def simulated(demand: Demand, officers: int, within: float, callers: int) -> list[float]:
    """The same queue played: who comes when, how long each talks and waits, drawn by chance."""
    random = Random(f"erlang/{demand}/{officers}")
    free = [0.0] * officers
    heapq.heapify(free)
    now = soon = gone = waited = busy = 0.0
    for _ in range(callers):
        now += random.expovariate(demand.rate)
        begins = max(now, free[0])
        if begins - now > random.expovariate(1 / demand.patience):
            gone += 1  # nobody's time is taken: who comes after finds the same officers
            continue
        talk = random.expovariate(1 / demand.handling)
        heapq.heapreplace(free, begins + talk)
        soon += begins - now <= within
        waited += begins - now
        busy += talk
    return [soon / callers, gone / callers, waited / (callers - gone), busy / now / officers]


@pytest.mark.parametrize("officers", [44, 50])
def test_a_simulation_gives_the_same(officers):
    level, abandoning, asa, occupancy = simulated(FIFTY, officers, 5.0, 300_000)
    found = service(FIFTY, officers, 5.0)
    assert found.service_level == pytest.approx(level, abs=0.015)
    assert found.abandoning == pytest.approx(abandoning, abs=0.004)
    assert found.asa == pytest.approx(asa, rel=0.05)
    assert found.occupancy == pytest.approx(occupancy, abs=0.01)


@pytest.mark.parametrize("load, officers", [(3.2, 5), (48, 50), (48, 60), (0.05, 1)])
def test_patience_without_end_is_erlang_c(load, officers):
    patient = service(Demand(load / 240, 240), officers, 20)
    nearly = service(Demand(load / 240, 240, 1e9), officers, 20)
    for name in ("waiting", "service_level", "asa", "occupancy"):
        assert getattr(nearly, name) == pytest.approx(getattr(patient, name), rel=1e-4), name
    assert nearly.abandoning == pytest.approx(0, abs=1e-6)


def test_too_few_officers_without_patience_lose_what_they_cannot_serve():
    assert service(Demand(1.0, 60), 50, 20).asa == inf
    lost = service(Demand(1.0, 60, 1e7), 50, 20)
    assert lost.abandoning == pytest.approx(1 / 6, rel=1e-6)
    assert (lost.service_level, lost.occupancy) == (0.0, pytest.approx(1.0))
    assert lost.asa == pytest.approx(1e7 * 0.18232, rel=1e-3)


demands = st.builds(
    Demand, rate=st.floats(1e-5, 2), handling=st.floats(20, 900), patience=st.floats(5, 3600)
)


@settings(max_examples=60)
@given(demands, st.floats(0.5, 0.98), st.floats(0, 120), st.floats(0.6, 1))
def test_as_few_officers_as_reach_the_target(demand, level, within, occupancy):
    wanted = {"level": level, "within": within, "occupancy": occupancy}
    found = officers_for(demand, **wanted)
    reached = service(demand, found, within)
    assert reached.service_level >= level
    assert reached.occupancy <= occupancy
    fewer = service(demand, found - 1, within)
    assert fewer.service_level < level or fewer.occupancy > occupancy


@settings(max_examples=60)
@given(demands, st.integers(1, 200), st.floats(0, 300))
def test_shares_are_shares_and_more_officers_are_never_worse(demand, officers, within):
    one, more = service(demand, officers, within), service(demand, officers + 1, within)
    for share in (one.waiting, one.service_level, one.abandoning, one.occupancy):
        assert 0 <= share <= 1
    assert more.service_level >= one.service_level - 1e-9
    assert more.abandoning <= one.abandoning + 1e-9
    assert one.asa >= 0


def test_nobody_calls_or_nobody_is_there():
    assert officers_for(Demand(0, 300), level=0.8, within=20) == 0
    assert service(Demand(0, 300, 60), 0, 20).service_level == 1
    nobody = service(Demand(0.1, 300, 60), 0, 20)
    assert (nobody.service_level, nobody.abandoning, nobody.asa) == (0, 1, inf)


@pytest.mark.parametrize(
    "wrong",
    [{"rate": -1}, {"rate": float("nan")}, {"handling": 0}, {"handling": inf}, {"patience": 0}],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=r"seconds?"):
        Demand(**{"rate": 1.0, "handling": 60.0, **wrong})
    with pytest.raises(ValueError, match="share"):
        officers_for(FIFTY, level=1.0, within=20)
