"""Every state × act × role: allowed as the table says, refused with the reason in two languages."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_bridge.access.roles import NAMES, Role
from crm_bridge.cases.workflow import (
    ACTS,
    ASSIGNMENTS,
    OPEN,
    STANDING,
    STATES,
    TABLE,
    Act,
    Assignment,
    State,
    allowed,
    check,
    standing,
)
from crm_bridge.errors import Refused

EVERY = list(itertools.product(State, Act, Role))

# what each role may do in each state, written down by hand a second time: letters of CODES
CODES = {
    "e": Act.EDIT, "t": Act.TELL, "n": Act.NOTE, "a": Act.ATTACH, "p": Act.PROPOSE,
    "R": Act.RETURN, "A": Act.ASSIGN, "L": Act.RELEASE, "w": Act.ANSWER, "d": Act.DECLINE,
    "x": Act.ASK_EXTENSION, "G": Act.GRANT_EXTENSION, "F": Act.REFUSE_EXTENSION,
    "B": Act.SEND_BACK, "C": Act.ACCEPT, "S": Act.SETTLE, "c": Act.CLOSE, "o": Act.REOPEN,
    "k": Act.CANCEL,
}  # fmt: skip
EXPECTED = {
    #                 agent    supervisor  director      agencies
    State.RECORDED:  ("etnapk", "etnapk",  "nak",        ""),
    State.PROPOSED:  ("etna",   "etnak",   "enaRASk",    ""),
    State.RETURNED:  ("etnapk", "etnapk",  "nak",        ""),
    State.ASSIGNED:  ("tna",    "etnaBCk", "enaALGFBCSk", "nawdx"),
    State.ANSWERED:  ("tna",    "etnaBCk", "enaALBCSk",  "na"),
    State.SETTLED:   ("tnaco",  "tnaco",   "naco",       "n"),
    State.CLOSED:    ("no",     "no",      "no",         ""),
    State.CANCELLED: ("n",      "no",      "no",         ""),
}  # fmt: skip
COLUMN = {
    Role.AGENT: 0,
    Role.SUPERVISOR: 1,
    Role.DIRECTOR: 2,
    Role.AGENCY_OFFICER: 3,
    Role.PROVINCIAL_OFFICER: 3,
}


@pytest.mark.parametrize(("state", "act", "role"), EVERY, ids=[f"{s}-{a}-{r}" for s, a, r in EVERY])
def test_every_act_in_every_state_by_every_role(state, act, role):
    column = COLUMN.get(role)
    expected = column is not None and act in {CODES[c] for c in EXPECTED[state][column]}
    if expected:
        assert check(state, act, role) is TABLE[state, act]
        assert act in allowed(state, role)
        return
    assert act not in allowed(state, role)
    with pytest.raises(Refused) as caught:
        check(state, act, role)
    refused = caught.value
    assert refused.status == (403 if (state, act) in TABLE else 409)
    assert STATES[state][0] in refused.th
    assert STATES[state][1] in refused.en
    assert ACTS[act][1] in refused.en
    for can in allowed(state, role):
        assert ACTS[can][0] in refused.th
        assert ACTS[can][1] in refused.en
    if (state, act) in TABLE:
        assert any(NAMES[r][1] in refused.en for r in TABLE[state, act].roles)


def test_all_is_named():
    assert set(STATES) == set(State)
    assert set(ACTS) == set(Act)
    assert set(ASSIGNMENTS) == set(Assignment)
    assert set(CODES.values()) == set(Act)


def test_every_state_can_be_reached_and_left():
    reached = {State.RECORDED}
    while True:
        more = {
            to
            for (state, _), rule in TABLE.items()
            if state in reached
            for to in ([rule.to] if isinstance(rule.to, State) else [])
        }
        if any(state in reached and r.to is STANDING for (state, _), r in TABLE.items()):
            more |= {State.PROPOSED, State.ASSIGNED, State.ANSWERED, State.SETTLED}
        if more <= reached:
            break
        reached |= more
    assert reached == set(State)
    for state in State:
        assert any(s is state and r.to not in {None, state} for (s, _), r in TABLE.items())


def test_only_open_states_owe_something():
    assert {State.SETTLED, State.CLOSED, State.CANCELLED}.isdisjoint(OPEN)
    for role in (Role.AUDITOR, Role.ADMINISTRATOR):
        assert all(not allowed(state, role) for state in State)


@given(st.lists(st.sampled_from(Assignment)))
def test_where_a_case_stands_by_its_agencies(found):
    live = [a for a in found if a not in {Assignment.DECLINED, Assignment.RELEASED}]
    state = standing(found)
    assert (state is State.PROPOSED) == (not live)
    assert (state is State.ASSIGNED) == (Assignment.OUTSTANDING in live)
    assert (state is State.SETTLED) == (bool(live) and set(live) == {Assignment.ACCEPTED})
    assert standing(reversed(found)) is state
