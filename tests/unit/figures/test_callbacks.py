"""What became of lost callers is found by halving; here by looking at every pair."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.figures.callbacks import WORTH, Lost, Spoken, count_number
from crm_bridge.figures.forms import CALLBACKS
from crm_bridge.figures.levels import DAY

times = st.integers(0, 30).map(lambda n: n * DAY // 2)
losts = st.lists(st.builds(lambda at, up: Lost(at, at + 60, up), times, st.booleans()))
spokens = st.lists(st.builds(lambda at, out: Spoken(at, at + 9, out), times, st.booleans()))


@given(losts, spokens)
def test_it_is_what_every_pair_says(lost: list[Lost], spoken: list[Spoken]):
    lost, spoken = sorted(lost, key=lambda c: c.entered), sorted(spoken, key=lambda c: c.entered)
    wanted: dict[str, int] = {}
    for call in lost:
        latest = call.ended + WORTH
        answers = [s for s in spoken if call.entered < s.entered <= latest]
        if answers:
            state = "called_back" if answers[0].out else "called_again"
        elif any(c.given_up and call.entered <= c.entered <= latest for c in lost):
            state = "given_up"
        else:
            state = "waiting"
        wanted[state] = wanted.get(state, 0) + 1
    found: dict[str, int] = {}
    for key, tally in count_number(lost, spoken).rows[CALLBACKS].items():
        found[str(key[-1])] = found.get(str(key[-1]), 0) + tally.counts[0]
    assert found == wanted
