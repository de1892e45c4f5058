"""Calls that a supervisor was at, captured: whose channel, which way, when; and no other trace."""

from __future__ import annotations

import copy
import itertools

import pytest

from crm_bridge.figures.counting import count_call
from crm_bridge.figures.tallies import Tallies, rows_of
from crm_bridge.records.rows import snapshot
from ivr.calls.call import Role
from ivr.calls.supervising import supervisions
from ivr.events.markers import OBSERVED
from ivr.steps.standards import load_standards
from ivr.steps.timeline import timeline
from tests.support.scenario import CEL_TOLERANCE, cel_of, config_of, driven_of, records_of

DIRECTORY = config_of("ours").directory()

_STARTS = 250_000
"""ChanSpy waits a tenth of a second before it says that it has begun."""


def only(name):
    calls, pipeline = records_of(name)
    (call,) = calls.values()
    assert pipeline.tracker.spyings == {}
    return call


def asked(name):
    """When the telephone was answered, by CEL, and when the script asked for another way."""
    (answer,) = [r.at for r in cel_of(name) if r.event == "ANSWER" and "PJSIP/1003" in r.channel]
    further = [at for what, at in driven_of(name) if what.startswith("the desk lets 1003")]
    return [answer, *further[1:]]


def test_three_ways_in_one_supervision_are_three_entries_from_when_to_when():
    there = supervisions(only("supervised"))
    assert [(one.by, one.way, one.agent) for one in there] == [
        ("1003", "listen", "1001"), ("1003", "whisper", "1001"), ("1003", "barge", "1001"),
    ]  # fmt: skip
    for one, at in zip(there, asked("supervised"), strict=True):
        assert 0 <= one.since - at <= _STARTS
        assert one.until is not None
        assert one.until > one.since
    assert all(a.until <= b.since for a, b in itertools.pairwise(there))
    hangups = [
        r.at for r in cel_of("supervised") if r.event == "HANGUP" and "PJSIP/1003" in r.channel
    ]
    assert abs(there[-1].until - hangups[0]) <= CEL_TOLERANCE


def test_who_listens_to_the_end_is_gone_with_the_officer():
    call = only("supervised_to_the_end")
    (there,) = supervisions(call)
    assert (there.by, there.way) == ("1003", "listen")
    assert there.until is not None
    assert there.until >= call.ended_at


@pytest.mark.parametrize("name", ["supervised", "supervised_to_the_end"])
def test_its_figures_are_those_of_a_call_nobody_was_at(name):
    call = only(name)
    plain = copy.deepcopy(call)
    plain.marks = [m for m in plain.marks if m.name not in OBSERVED]
    assert len(plain.marks) < len(call.marks)
    counted = []
    for one in (call, plain):
        tallies = Tallies()
        rows = snapshot(one, timeline(one, DIRECTORY, load_standards()))
        count_call(tallies, rows.call, rows.children)
        counted.append([(form.name, key, tally) for form, key, tally in rows_of(tallies)])
    assert counted[0] == counted[1]
    assert any("1001" in map(str, key) for _, key, _ in counted[0])
    assert not any("1003" in map(str, key) for _, key, _ in counted[0])


@pytest.mark.parametrize("name", ["supervised", "supervised_to_the_end"])
def test_the_supervisors_telephone_is_no_part_of_the_call(name):
    call = only(name)
    assert {leg.party for leg in call.legs if leg.role is Role.AGENT} == {"1001"}
    assert [part.agent for part in call.agents] == ["1001"]
    assert len(call.linkedids) == 1
