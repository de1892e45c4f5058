"""A place kept in a queue: a Local channel waits, an officer takes it, its caller is rung."""

from __future__ import annotations

import pytest

from crm_bridge.desk.calling_back import called_back, outcome_of
from crm_bridge.desk.kept_places import Came
from crm_bridge.desk.pop import Stage, stage_of
from ivr.calls.call import AttemptOutcome, EndedBy, Outcome, PassageOutcome
from ivr.calls.tracker import Tracker
from ivr.events import types as ev
from tests.unit.calls.test_tracker import OFFICER, SECOND, directory, only_call

LOST, NUMBER = "pbx1-1795400000.7", "0812345678"
ONE, TWO, PARTY = "l;1", "l;2", "p"
STEM = f"Local/{NUMBER}@kept-place-00000001"


def begun(at: int, uniqueid: str, name: str, context: str, exten: str = "s"):
    return ev.ChannelStarted(at, False, uniqueid, ONE, name, False, None, None, context, exten)


def waiting() -> list[ev.Event]:
    return [
        begun(0, ONE, f"{STEM};1", "kept-called"),
        begun(0, TWO, f"{STEM};2", "kept-place", NUMBER),
        ev.LocalPaired(0, False, ONE, TWO),
        ev.Marked(0, False, TWO, "callback", LOST),
        ev.QueueJoined(0, False, TWO, "q", 1),
    ]


def ringing(at: int = SECOND) -> list[ev.Event]:
    return [
        begun(at, OFFICER, "PJSIP/1001-00000001", "agents"),
        ev.AgentCalled(at, False, TWO, "q", "PJSIP/1001", OFFICER),
    ]


def taken(at: int = 3 * SECOND) -> list[ev.Event]:
    """The officer has answered, and the number is rung."""
    return [
        ev.ChannelUp(at, False, OFFICER),
        ev.QueueLeft(at, False, TWO, "q"),
        ev.AgentConnected(at, False, TWO, "q", "PJSIP/1001", OFFICER),
        ev.BridgeEntered(at, False, OFFICER, "a", "simple_bridge", None),
        ev.ChannelUp(at, False, TWO),
        ev.BridgeEntered(at, False, TWO, "a", "simple_bridge", None),
        ev.ChannelUp(at, False, ONE),
        begun(at + SECOND, PARTY, "PJSIP/trunk-00000002", "from-trunk"),
        ev.CallerIdSet(at + SECOND, False, PARTY, NUMBER, NUMBER, False),
        ev.DialBegan(at + SECOND, False, ONE, PARTY, "PJSIP/trunk-00000002", f"{NUMBER}@trunk"),
    ]


def spoken(at: int = 6 * SECOND) -> list[ev.Event]:
    return [
        ev.ChannelUp(at, False, PARTY),
        ev.DialEnded(at, False, ONE, PARTY, "ANSWER"),
        ev.BridgeEntered(at, False, PARTY, "b", "simple_bridge", None),
        ev.BridgeEntered(at, False, ONE, "b", "simple_bridge", None),
    ]


def over(at: int, status: str, *order: str) -> list[ev.Event]:
    return [
        *(ev.ChannelEnded(at, False, uniqueid, 16) for uniqueid in order if uniqueid == PARTY),
        ev.Marked(at, False, ONE, "callback_end", status),
        *(ev.ChannelEnded(at, False, uniqueid, 16) for uniqueid in order if uniqueid != PARTY),
    ]


def played(*events: ev.Event) -> Tracker:
    tracker = Tracker("pbx1", directory())
    for event in events:
        tracker.apply(event)
    return tracker


def test_it_waits_as_a_call_out_of_its_own_and_pops_at_the_officer_it_rings():
    tracker = played(*waiting(), *ringing())
    call = only_call(tracker)
    assert (call.call_id, call.direction, call.answered_at) == (f"pbx1-{ONE}", "outbound", None)
    assert (call.dialled, call.caller_presented) == (NUMBER, NUMBER)
    assert called_back(call) == LOST
    assert stage_of(call, "1001")[0] is Stage.RINGING
    for event in taken():
        tracker.apply(event)
    assert stage_of(call, "1001")[0] is Stage.DIALLING
    assert (call.answered_at, call.agents) == (None, [])


def test_the_conversation_begins_when_the_caller_answers_not_the_officer():
    tracker = played(*waiting(), *ringing(), *taken(), *spoken())
    call = only_call(tracker)
    assert call.answered_at == 6 * SECOND
    assert [(p.agent, p.connected_at) for p in call.agents] == [("1001", 6 * SECOND)]
    (passage,) = call.passages
    assert (passage.outcome, passage.left_at) == (PassageOutcome.ANSWERED, 3 * SECOND)
    assert [a.outcome for a in passage.attempts] == [AttemptOutcome.ANSWERED]
    for event in (
        ev.HangupRequested(9 * SECOND, False, PARTY),
        *over(9 * SECOND, "ANSWER", PARTY, ONE, TWO, OFFICER),
    ):
        tracker.apply(event)
    assert (call.outcome, call.ended_by, call.closed) == (Outcome.SERVED, EndedBy.CALLER, True)
    assert outcome_of(call) is Came.REACHED
    assert dict(tracker.oddities) == {}
    assert (tracker.lives, tracker.queue_of, tracker.busy, tracker.net.channels) == ({}, {}, {}, {})


@pytest.mark.parametrize(
    ("status", "asked", "by", "came"),
    [
        ("BUSY", None, EndedBy.SYSTEM, Came.BUSY),
        ("NOANSWER", None, EndedBy.SYSTEM, Came.NO_ANSWER),
        ("CHANUNAVAIL", None, EndedBy.SYSTEM, Came.UNREACHABLE),
        ("CANCEL", OFFICER, EndedBy.AGENT, Came.OFFICER_LEFT),
    ],
)
def test_a_caller_who_is_not_reached_was_not_spoken_to(status, asked, by, came):
    tracker = played(*waiting(), *ringing(), *taken())
    call = only_call(tracker)
    if asked:
        tracker.apply(ev.HangupRequested(9 * SECOND, False, asked))
    tracker.apply(ev.DialEnded(9 * SECOND, False, ONE, PARTY, status))
    for event in over(9 * SECOND, status, PARTY, ONE, TWO, OFFICER):
        tracker.apply(event)
    assert (call.outcome, call.ended_by, call.agents) == (Outcome.FAILED, by, [])
    assert outcome_of(call) is came
    assert dict(tracker.oddities) == {}


def test_a_place_that_no_officer_takes_has_failed_and_nobody_was_rung():
    tracker = played(*waiting())
    call = only_call(tracker)
    for event in (
        ev.QueueLeft(9 * SECOND, False, TWO, "q"),
        ev.ChannelEnded(9 * SECOND, False, TWO, 16),
        ev.ChannelEnded(9 * SECOND, False, ONE, 0),
    ):
        tracker.apply(event)
    assert (call.outcome, call.closed) == (Outcome.FAILED, True)
    assert outcome_of(call) is Came.NO_OFFICER


def test_a_restart_of_asterisk_leaves_it_unknown():
    tracker = played(*waiting())
    call = only_call(tracker)
    tracker.apply(ev.ShutDown(9 * SECOND, False))
    assert (call.outcome, outcome_of(call)) == (Outcome.INTERRUPTED, Came.UNKNOWN)
