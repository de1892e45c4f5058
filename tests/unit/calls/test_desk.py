"""Acts of the desk on a call in progress, and calls that the desk makes."""

from __future__ import annotations

import pytest

from ivr.calls.call import EndedBy, Outcome
from ivr.calls.tracker import Tracker
from ivr.events import types as ev
from tests.unit.calls.test_tracker import (
    CALLER,
    OFFICER,
    SECOND,
    answered,
    bridged,
    directory,
    ended,
    only_call,
    played,
)

LOST = "pbx1-1795400000.7"


def declared(at: int, name: str = "informed", by: str = "1001", call_id: str = "pbx1-c"):
    return ev.Declared(at, False, call_id, name, "", by)


def marks(call) -> list[tuple[str, int, str | None]]:
    return [(m.name, m.at, m.by) for m in call.marks]


def test_an_act_is_on_the_record_of_its_call():
    tracker = played(*answered(), *bridged())
    before = only_call(tracker).revision
    (call,) = tracker.apply(declared(3 * SECOND))
    assert marks(call) == [("informed", 3 * SECOND, "1001")]
    assert call.revision == before + 1


def test_the_same_act_told_again_changes_nothing():
    tracker = played(*answered(), *bridged(), declared(3 * SECOND))
    before = only_call(tracker).revision
    assert tracker.apply(declared(3 * SECOND)) == []
    assert only_call(tracker).revision == before
    tracker.apply(declared(4 * SECOND))
    tracker.apply(declared(4 * SECOND, by="1003"))
    tracker.apply(declared(4 * SECOND, name="logged"))
    assert len(only_call(tracker).marks) == 4


def test_an_act_on_a_call_that_is_not_there_is_passed_by():
    tracker = played(*answered())
    assert tracker.apply(declared(SECOND, call_id="pbx1-other")) == []


def test_an_act_between_a_new_connection_and_its_start_decides_no_restart():
    tracker = played(*answered(), *bridged())
    tracker.apply(ev.Booted(3 * SECOND, False, -100 * SECOND))
    tracker.apply(ev.LinkLost(4 * SECOND, False))
    tracker.apply(ev.LinkUp(5 * SECOND, False))
    tracker.apply(ev.Booted(5 * SECOND, False, -50 * SECOND))
    tracker.apply(declared(6 * SECOND))
    assert only_call(tracker).outcome is None
    assert marks(only_call(tracker))[-1] == ("informed", 6 * SECOND, "1001")


# Calls out.


def channel(at: int, uniqueid: str, name: str, context: str, exten: str = "s"):
    return ev.ChannelStarted(at, False, uniqueid, OFFICER, name, False, None, None, context, exten)


def called_back(*more: ev.Event, value: str = LOST) -> Tracker:
    tracker = Tracker("pbx1", directory())
    for event in (
        channel(0, OFFICER, "PJSIP/1001-00000001", "agents"),
        ev.DialBegan(0, False, None, OFFICER, "PJSIP/1001-00000001", "1001"),
        ev.ChannelUp(SECOND, False, OFFICER),
        ev.Marked(SECOND, False, OFFICER, "callback", value),
        channel(2 * SECOND, CALLER, "PJSIP/trunk-00000002", "from-trunk"),
        ev.CallerIdSet(2 * SECOND, False, CALLER, "1203", "1203", False),
        ev.DialBegan(
            2 * SECOND, False, OFFICER, CALLER, "PJSIP/trunk-00000002", "0812345678@trunk"
        ),
        *more,
    ):
        tracker.apply(event)
    return tracker


def reached(at: int = 5 * SECOND) -> list[ev.Event]:
    return [
        ev.ChannelUp(at, False, CALLER),
        ev.DialEnded(at, False, OFFICER, CALLER, "ANSWER"),
        *bridged(at),
    ]


def test_a_call_back_is_a_call_of_its_own():
    call = only_call(called_back(*reached()))
    assert (call.call_id, call.direction) == (f"pbx1-{OFFICER}", "outbound")
    assert (call.dialled, call.caller_presented) == ("0812345678", "0812345678")
    assert (call.caller_name, call.withheld) == (None, False)
    assert (call.entered_at, call.answered_at) == (0, 5 * SECOND)
    assert [(m.name, m.at, m.value, m.by) for m in call.marks] == [
        ("callback", SECOND, LOST, "1001")
    ]
    assert [(p.agent, p.connected_at) for p in call.agents] == [("1001", 5 * SECOND)]
    assert [(leg.role.value, leg.party) for leg in call.legs] == [
        ("agent", "1001"), ("caller", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("order", "by"), [((OFFICER, CALLER), EndedBy.AGENT), ((CALLER, OFFICER), EndedBy.CALLER)]
)
def test_a_call_back_that_was_answered_is_served(order, by):
    tracker = called_back(*reached())
    call = only_call(tracker)
    tracker.apply(ev.HangupRequested(9 * SECOND, False, order[0]))
    for event in ended(9 * SECOND, *order):
        tracker.apply(event)
    assert (call.outcome, call.ended_by, call.closed) == (Outcome.SERVED, by, True)
    assert call.agents[0].released_at == 9 * SECOND
    assert (tracker.lives, tracker.busy, tracker.net.channels) == ({}, {}, {})


@pytest.mark.parametrize(
    ("asked", "status", "by"),
    [(None, "BUSY", EndedBy.SYSTEM), (OFFICER, "CANCEL", EndedBy.AGENT)],
)
def test_a_call_back_that_nobody_answered_has_failed(asked, status, by):
    tracker = called_back()
    call = only_call(tracker)
    if asked:
        tracker.apply(ev.HangupRequested(9 * SECOND, False, asked))
    tracker.apply(ev.DialEnded(9 * SECOND, False, OFFICER, CALLER, status))
    tracker.apply(ev.ChannelEnded(9 * SECOND, False, CALLER, 17))
    tracker.apply(ev.ChannelEnded(9 * SECOND, False, OFFICER, 17))
    assert (call.outcome, call.ended_by, call.closed) == (Outcome.FAILED, by, True)
    assert (call.answered_at, call.agents) == (None, [])


def test_an_officer_on_a_call_back_holds_and_asks_as_in_any_call():
    tracker = called_back(
        *reached(),
        ev.HoldStarted(6 * SECOND, False, OFFICER),
        ev.HoldEnded(7 * SECOND, False, OFFICER),
    )
    call = only_call(tracker)
    assert [(h.by, h.started_at, h.ended_at) for h in call.holds] == [
        ("1001", 6 * SECOND, 7 * SECOND)
    ]


def test_an_officers_own_call_is_no_call_of_the_hotline():
    tracker = Tracker("pbx1", directory())
    tracker.apply(channel(0, OFFICER, "PJSIP/1001-00000001", "agents-outbound", "0812345678"))
    tracker.apply(channel(1, CALLER, "PJSIP/trunk-00000002", "from-trunk"))
    tracker.apply(
        ev.DialBegan(2, False, OFFICER, CALLER, "PJSIP/trunk-00000002", "0812345678@trunk")
    )
    assert tracker.lives == {}
