"""What no scenario can be made to do at will: a few events, and what they must become."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ivr.calls.call import AttemptOutcome, EndedBy, Outcome, PassageOutcome, TransferOutcome
from ivr.calls.directory import Agency, Directory
from ivr.calls.handover import number_in
from ivr.calls.tracker import Tracker
from ivr.events import types as ev

SECOND = 1_000_000
CALLER, OFFICER, LOCAL_ONE, LOCAL_TWO = "c", "o", "l1", "l2"


def directory() -> Directory:
    return Directory(
        services={"q": "information"},
        agent_patterns=("PJSIP/1[0-9][0-9][0-9]",),
        agencies=(Agency("dbd", numbers=("025474400",)),),
        menu_context="menu",
        menu_services={"4": "complaint"},
    )


def started(at: int, uniqueid: str, channel: str, context: str = "staff", exten: str = "s"):
    return ev.ChannelStarted(
        at, False, uniqueid, CALLER, channel, False, "0812345678", None, context, exten
    )


def played(*events: ev.Event) -> Tracker:
    tracker = Tracker("pbx1", directory())
    tracker.apply(started(0, CALLER, "PJSIP/trunk-00000000", "from-trunk", "1203"))
    for event in events:
        tracker.apply(event)
    return tracker


def answered(*, at: int = 2 * SECOND) -> list[ev.Event]:
    return [
        ev.QueueJoined(SECOND, False, CALLER, "q", 1),
        started(SECOND, OFFICER, "PJSIP/1001-00000001"),
        ev.AgentCalled(SECOND, False, CALLER, "q", "PJSIP/1001", OFFICER),
        ev.ChannelUp(at, False, OFFICER),
        ev.QueueLeft(at, False, CALLER, "q"),
        ev.AgentConnected(at, False, CALLER, "q", "PJSIP/1001", OFFICER),
    ]


def bridged(at: int = 2 * SECOND) -> list[ev.Event]:
    return [
        ev.BridgeEntered(at, False, OFFICER, "b", "simple_bridge", None),
        ev.BridgeEntered(at, False, CALLER, "b", "simple_bridge", None),
    ]


def ended(at: int, *order: str) -> list[ev.Event]:
    return [
        *(ev.BridgeLeft(at, False, uniqueid, "b") for uniqueid in order),
        *(ev.ChannelEnded(at, False, uniqueid, 16) for uniqueid in order),
    ]


def only_call(tracker: Tracker):
    (live,) = tracker.lives.values()
    return live.call


def marked(at: int, name: str, value: str = "") -> ev.Marked:
    return ev.Marked(at, False, CALLER, name, value)


def last_of(tracker: Tracker, *events: ev.Event):
    call = only_call(tracker)
    for event in events:
        tracker.apply(event)
    assert call.closed
    return call


def test_officer_who_answers_and_hangs_up_in_one_breath_has_answered():
    tracker = played(*answered())
    at = 2 * SECOND + 2000
    call = last_of(
        tracker,
        ev.ChannelEnded(at, False, OFFICER, 16),
        ev.ChannelEnded(at + 500, False, CALLER, 16),
    )
    assert [(p.agent, p.connected_at, p.released_at) for p in call.agents] == [
        ("1001", 2 * SECOND, at)
    ]
    assert (call.outcome, call.ended_by) == (Outcome.SERVED, EndedBy.AGENT)


def test_who_hangs_up_in_the_survey_did_not_end_the_conversation():
    """The officer hung up, the caller was asked how it was and then hung up, as callers do."""
    at = 9 * SECOND
    call = last_of(
        played(*answered(), *bridged()),
        ev.HangupRequested(at, False, OFFICER),
        *ended(at, OFFICER),
        ev.BridgeLeft(at, False, CALLER, "b"),
        marked(at + SECOND, "survey_begin", "q"),
        marked(at + 2 * SECOND, "survey_rating", "4"),
        ev.HangupRequested(at + 3 * SECOND, False, CALLER),
        marked(at + 3 * SECOND, "survey_end", "left"),
        ev.ChannelEnded(at + 3 * SECOND, False, CALLER, 16),
    )
    assert (call.outcome, call.ended_by) == (Outcome.SERVED, EndedBy.AGENT)
    assert [part.released_at for part in call.agents] == [at]
    assert call.ended_at == at + 3 * SECOND


def test_without_timestamps_the_order_says_who_hung_up():
    at = 9 * SECOND
    caller_first = last_of(
        played(*answered(), *bridged()),
        ev.HangupRequested(at, True, CALLER),
        *ended(at, CALLER, OFFICER),
    )
    officer_first = last_of(
        played(*answered(), *bridged()),
        ev.BridgeLeft(at, True, OFFICER, "b"),
        ev.HangupRequested(at, True, CALLER),
        *ended(at, OFFICER, CALLER),
    )
    assert (caller_first.ended_by, officer_first.ended_by) == (EndedBy.CALLER, EndedBy.AGENT)


def test_command_to_hang_up_is_the_systems_and_a_stop_interrupts():
    for flag, outcome in ((32, Outcome.SERVED), (4, Outcome.INTERRUPTED)):
        call = last_of(
            played(*answered(), *bridged()),
            ev.HangupOrdered(9 * SECOND, False, CALLER, flag),
            *ended(9 * SECOND, CALLER, OFFICER),
        )
        assert (call.ended_by, call.outcome) == (EndedBy.SYSTEM, outcome)


def test_who_heard_what_he_asked_for_was_served_whoever_hangs_up():
    heard = (("guide", ""), ("self_end", "status:told"))
    not_heard = (("self_begin", "status"), ("self_end", "status:left"))
    for marks, outcome in ((heard, Outcome.SERVED), (not_heard, Outcome.ABANDONED_MENU)):
        for name, value in marks:
            call = last_of(
                played(ev.Marked(5 * SECOND, False, CALLER, name, value)),
                ev.HangupRequested(6 * SECOND, False, CALLER),
                ev.ChannelEnded(6 * SECOND, False, CALLER, 16),
            )
            assert (call.outcome, call.ended_by) == (outcome, EndedBy.CALLER), name
    abandoned = last_of(  # told, then he asked for an officer and got none
        played(
            ev.Marked(5 * SECOND, False, CALLER, "self_end", "status:told"),
            ev.QueueJoined(6 * SECOND, False, CALLER, "q", 1),
            ev.HangupRequested(20 * SECOND, False, CALLER),
        ),
        ev.ChannelEnded(20 * SECOND, False, CALLER, 16),
    )
    assert abandoned.outcome is Outcome.ABANDONED_QUEUE


def test_who_was_told_that_it_is_closed_is_no_failure_of_the_line():
    call = last_of(
        played(ev.Marked(5 * SECOND, False, CALLER, "closed", "after")),
        ev.ChannelEnded(9 * SECOND, False, CALLER, 16),
    )
    assert (call.outcome, call.ended_by) == (Outcome.ABANDONED_MENU, EndedBy.SYSTEM)


def test_housekeeping_orders_decide_nothing():
    call = last_of(
        played(*answered(), *bridged()),
        ev.HangupRequested(9 * SECOND, False, OFFICER),
        ev.BridgeLeft(9 * SECOND, False, OFFICER, "b"),
        ev.HangupOrdered(9 * SECOND, False, CALLER, 16),
        *ended(9 * SECOND, OFFICER, CALLER),
    )
    assert call.ended_by is EndedBy.AGENT


def test_attempt_at_a_local_member_is_the_officers_who_is_rung_through_it():
    tracker = played(
        ev.QueueJoined(SECOND, False, CALLER, "q", 1),
        started(SECOND, LOCAL_ONE, "Local/5551@desks-00000001;1", "desks", "5551"),
        started(SECOND, LOCAL_TWO, "Local/5551@desks-00000001;2", "desks", "5551"),
        ev.AgentCalled(SECOND, False, CALLER, "q", "Local/5551@desks", LOCAL_ONE),
        started(SECOND, OFFICER, "PJSIP/1001-00000001"),
        ev.DialBegan(SECOND, False, LOCAL_TWO, OFFICER, "PJSIP/1001-00000001", "1001"),
        ev.AgentRangOut(3 * SECOND, False, CALLER, "q", "Local/5551@desks", LOCAL_ONE),
    )
    (attempt,) = only_call(tracker).passages[0].attempts
    assert (attempt.agent, attempt.ended_at) == ("1001", 3 * SECOND)


def test_agency_called_out_over_a_trunk_is_known_by_the_number_dialled():
    tracker = played(
        *answered(), *bridged(),
        ev.BlindTransferred(5 * SECOND, False, OFFICER, CALLER, "b", "9025474400", "staff", True),
        *ended(5 * SECOND, OFFICER)[:2],
        ev.BridgeLeft(5 * SECOND, False, CALLER, "b"),
        started(5 * SECOND, "a", "PJSIP/trunk-00000002", "from-trunk", "9025474400"),
        ev.DialBegan(5 * SECOND, False, CALLER, "a", "PJSIP/trunk-00000002", "025474400@trunk"),
        ev.DialEnded(6 * SECOND, False, CALLER, "a", "ANSWER"),
        ev.BridgeEntered(6 * SECOND, False, "a", "d", "simple_bridge", None),
        ev.BridgeEntered(6 * SECOND, False, CALLER, "d", "simple_bridge", None),
    )  # fmt: skip
    call = only_call(tracker)
    assert [(t.target, t.agency) for t in call.transfers] == [("9025474400", "dbd")]
    assert [(leg.number, leg.agency) for leg in call.agency_legs] == [("9025474400", "dbd")]


def test_transfer_that_goes_on_to_a_second_agency_is_answered_by_that_one():
    tracker = played(
        *answered(), *bridged(),
        ev.BlindTransferred(5 * SECOND, False, OFFICER, CALLER, "b", "57", "staff", True),
        *ended(5 * SECOND, OFFICER)[:2],
        ev.BridgeLeft(5 * SECOND, False, CALLER, "b"),
        started(5 * SECOND, "a", "PJSIP/2001-00000002"),
        ev.DialBegan(5 * SECOND, False, CALLER, "a", "PJSIP/2001-00000002", "2001"),
        ev.DialEnded(8 * SECOND, False, CALLER, "a", "NOANSWER"),
        ev.ChannelEnded(8 * SECOND, False, "a", 19),
        started(8 * SECOND, "z", "PJSIP/trunk-00000003", "from-trunk", "57"),
        ev.DialBegan(8 * SECOND, False, CALLER, "z", "PJSIP/trunk-00000003", "025474400@trunk"),
        ev.DialEnded(9 * SECOND, False, CALLER, "z", "ANSWER"),
        ev.BridgeEntered(9 * SECOND, False, "z", "d", "simple_bridge", None),
        ev.BridgeEntered(9 * SECOND, False, CALLER, "d", "simple_bridge", None),
    )  # fmt: skip
    (transfer,) = only_call(tracker).transfers
    assert (transfer.agency, transfer.outcome, transfer.answered_at) == (
        "dbd", "answered", 9 * SECOND,
    )  # fmt: skip


def test_digits_asked_for_within_a_keys_own_extension_are_no_choices():
    tracker = played(
        ev.Placed(SECOND, False, CALLER, "menu", "s"),
        ev.KeyPressed(2 * SECOND, False, CALLER, "4", "menu"),
        ev.Placed(2 * SECOND, False, CALLER, "menu", "4"),
        *(ev.KeyPressed((3 + n) * SECOND, False, CALLER, d, "menu") for n, d in enumerate("120")),
        ev.Placed(9 * SECOND, False, CALLER, "menu", "4"),
        ev.Placed(10 * SECOND, False, CALLER, "menu", "s"),
        ev.KeyPressed(11 * SECOND, False, CALLER, "8", "menu"),
        ev.KeyPressed(12 * SECOND, False, CALLER, "8", "menu"),
    )
    call = only_call(tracker)
    assert [(c.key, c.at // SECOND) for c in call.menu] == [("4", 2), ("8", 11), ("8", 12)]
    assert call.service == "complaint"


def test_two_parked_callers_do_not_speak_with_one_another():
    tracker = played(
        ev.ChannelStarted(
            SECOND, False, "d", "d", "PJSIP/trunk-00000009", True, None, None, "from-trunk", "1203"
        ),
        ev.BridgeEntered(SECOND, False, CALLER, "lot", "holding_bridge", None),
        ev.BridgeEntered(SECOND, False, "d", "lot", "holding_bridge", None),
    )
    assert [live.talking_with for live in tracker.lives.values()] == [{}, {}]


def test_trunks_own_call_out_in_a_snapshot_is_no_caller():
    tracker = Tracker("pbx1", directory())
    shown = ev.ChannelStarted(
        SECOND, True, "a", "a", "PJSIP/trunk-00000002", True, "025474400", None, "from-trunk",
        "1203", True, None, "AppDial",
    )  # fmt: skip
    tracker.apply(ev.LinkUp(SECOND, True))
    tracker.apply(shown)
    assert tracker.lives == {}


def test_caller_whom_only_the_snapshot_showed_is_known_by_the_queue_he_joins():
    tracker = Tracker("pbx1", directory())
    shown = ev.ChannelStarted(
        SECOND, True, CALLER, CALLER, "PJSIP/trunk-00000002", True, "0899", None, "language", "s",
        True, None, "BackGround",
    )  # fmt: skip
    for event in (
        ev.LinkUp(2 * SECOND, True),
        shown,
        ev.ChannelsListed(2 * SECOND, True),
        ev.SnapshotEnded(2 * SECOND, True),
        ev.QueueJoined(3 * SECOND, False, CALLER, "q", 1),
    ):
        tracker.apply(event)
    call = only_call(tracker)
    assert (call.caller_presented, [p.queue for p in call.passages]) == ("0899", ["q"])
    assert [gap.started_at for gap in call.gaps] == [SECOND]


def test_number_in_what_dial_was_given():
    given = ("PJSIP/2001", "2001", "025474400@trunk", "trunk/sip:2001@host", "PJSIP/dit-desk", None)
    assert [number_in(text) for text in given] == [
        "2001", "2001", "025474400", "2001", None, None,
    ]  # fmt: skip


def test_a_number_that_turns_out_to_be_withheld_is_forgotten_with_its_name():
    tracker = Tracker("pbx1", Directory())
    (call,) = tracker.apply(
        ev.ChannelStarted(1, False, "1.1", "1.1", "PJSIP/trunk-00000001", False, "0812345678",
                          "สมชาย", "from-trunk", "1203")
    )  # fmt: skip
    assert (call.caller_presented, call.withheld) == ("0812345678", False)
    tracker.apply(ev.CallerIdSet(2, False, "1.1", "anonymous", "Anonymous", False))
    assert (call.caller_presented, call.caller_name, call.withheld) == (None, None, True)
    tracker.apply(ev.CallerIdSet(3, False, "1.1", "0812345678", "สมชาย", False))
    assert (call.caller_presented, call.withheld) == (None, True)


def offered(*events: ev.Event) -> Tracker:
    """The officer who knows the caller is rung for queue q, past the queue itself."""
    return played(
        ev.Marked(SECOND, False, CALLER, "known", "1001:q:case"),
        started(SECOND, OFFICER, "PJSIP/1001-00000001"),
        ev.DialBegan(SECOND, False, CALLER, OFFICER, "PJSIP/1001-00000001", "1001"),
        *events,
    )


def passage_of(tracker: Tracker):
    (live,) = tracker.lives.values()
    (passage,) = live.call.passages
    rung = [(a.agent, a.outcome, a.ended_at) for a in passage.attempts]
    return passage.joined_at, passage.left_at, passage.outcome, passage.position, rung


def test_who_knows_the_caller_answers_past_the_queue_as_if_in_it():
    tracker = offered(
        ev.DialEnded(3 * SECOND, False, CALLER, OFFICER, "ANSWER"), *bridged(5 * SECOND)
    )
    assert passage_of(tracker) == (
        SECOND, 5 * SECOND, PassageOutcome.ANSWERED, None,
        [("1001", AttemptOutcome.ANSWERED, 3 * SECOND)],
    )  # fmt: skip
    call = last_of(tracker, *ended(9 * SECOND, CALLER, OFFICER))
    assert (call.outcome, tracker.queue_of, dict(tracker.oddities)) == (Outcome.SERVED, {}, {})


def test_who_does_not_answer_leaves_the_caller_to_the_queue_in_the_same_wait():
    rang = ev.DialEnded(16 * SECOND, False, CALLER, OFFICER, "NOANSWER")
    over = ev.Marked(16 * SECOND, False, CALLER, "known_over", "1001:NOANSWER")
    tracker = offered(rang, over, ev.QueueJoined(17 * SECOND, False, CALLER, "q", 3))
    no_answer = [("1001", AttemptOutcome.NO_ANSWER, 16 * SECOND)]
    assert passage_of(tracker) == (SECOND, None, None, 3, no_answer)
    assert dict(tracker.oddities) == {}
    # a telephone that could not be rung at all
    tracker = played(
        ev.Marked(SECOND, False, CALLER, "known", "1001:q:call"),
        ev.Marked(SECOND, False, CALLER, "known_over", "1001:CHANUNAVAIL"),
        ev.QueueJoined(2 * SECOND, False, CALLER, "q", 1),
    )
    away = [("1001", AttemptOutcome.UNAVAILABLE, SECOND)]
    assert passage_of(tracker) == (SECOND, None, None, 1, away)
    assert dict(tracker.oddities) == {}


def test_who_hangs_up_while_it_rings_has_left_the_queue():
    for events in ((), (ev.DialEnded(8 * SECOND, False, CALLER, OFFICER, "CANCEL"),)):
        call = last_of(
            offered(*events),
            ev.HangupRequested(9 * SECOND, False, CALLER),
            *ended(9 * SECOND, CALLER, OFFICER),
        )
        assert call.outcome is Outcome.ABANDONED_QUEUE
        assert call.passages[0].outcome is PassageOutcome.ABANDONED
        assert call.passages[0].attempts[0].outcome is AttemptOutcome.CANCELLED


def by_the_queue(*events: ev.Event) -> Tracker:
    return played(*answered(at=3 * SECOND), *bridged(3 * SECOND), *events)


def by_who_knows_him(*events: ev.Event) -> Tracker:
    rang = ev.DialEnded(3 * SECOND, False, CALLER, OFFICER, "ANSWER")
    return offered(rang, *bridged(3 * SECOND), *events)


def sent_on(exten: str) -> list[ev.Event]:
    """The officer transfers the caller and is off the call."""
    at = 5 * SECOND
    return [
        ev.BlindTransferred(at, False, OFFICER, CALLER, "b", exten, "staff", True),
        *ended(at, OFFICER),
        ev.BridgeLeft(at, False, CALLER, "b"),
    ]


@pytest.mark.parametrize("first", [by_the_queue, by_who_knows_him])
def test_who_is_sent_back_to_the_queue_and_gives_up_there_has_waited_twice(
    first: Callable[..., Tracker],
) -> None:
    tracker = first(*sent_on("q"), ev.QueueJoined(6 * SECOND, False, CALLER, "q", 2))
    call = last_of(
        tracker,
        ev.QueueAbandoned(80 * SECOND, False, CALLER, "q"),
        ev.QueueLeft(80 * SECOND, False, CALLER, "q"),
        ev.HangupRequested(80 * SECOND, False, CALLER),
        ev.ChannelEnded(80 * SECOND, False, CALLER, 16),
    )
    assert [(p.joined_at, p.left_at, p.outcome) for p in call.passages] == [
        (SECOND, 3 * SECOND, PassageOutcome.ANSWERED),
        (6 * SECOND, 80 * SECOND, PassageOutcome.ABANDONED),
    ]
    assert [a.agent for p in call.passages for a in p.attempts] == ["1001"]
    assert dict(tracker.oddities) == {}


@pytest.mark.parametrize("first", [by_the_queue, by_who_knows_him])
def test_who_is_sent_on_to_a_busy_agency_has_found_it_busy(first: Callable[..., Tracker]) -> None:
    tracker = first(
        *sent_on("2001"),
        started(5 * SECOND, "a", "PJSIP/2001-00000002"),
        ev.DialBegan(5 * SECOND, False, CALLER, "a", "PJSIP/2001-00000002", "2001"),
        ev.DialEnded(6 * SECOND, False, CALLER, "a", "BUSY"),
        ev.ChannelEnded(6 * SECOND, False, "a", 17),
    )
    call = only_call(tracker)
    assert [t.outcome for t in call.transfers] == [TransferOutcome.BUSY]
    [passage] = call.passages
    assert [(a.agent, a.ended_at, a.outcome) for a in passage.attempts] == [
        ("1001", 3 * SECOND, AttemptOutcome.ANSWERED)
    ]


def test_a_ringing_whose_end_was_not_told_ends_with_the_conversation() -> None:
    tracker = offered(*bridged(3 * SECOND))
    taken = [("1001", AttemptOutcome.ANSWERED, 3 * SECOND)]
    assert passage_of(tracker) == (SECOND, 3 * SECOND, PassageOutcome.ANSWERED, None, taken)
    tracker = offered(  # a colleague picked it up
        started(2 * SECOND, "p", "PJSIP/1002-00000002"),
        ev.BridgeEntered(3 * SECOND, False, "p", "b", "simple_bridge", None),
        ev.BridgeEntered(3 * SECOND, False, CALLER, "b", "simple_bridge", None),
    )
    given_up = [("1001", AttemptOutcome.CANCELLED, 3 * SECOND)]
    assert passage_of(tracker) == (SECOND, 3 * SECOND, PassageOutcome.ANSWERED, None, given_up)


def test_who_was_turned_away_by_a_rule_is_nobodys_failure():
    call = last_of(
        played(ev.Marked(5 * SECOND, False, CALLER, "refused", "nuisance:1")),
        ev.HangupOrdered(9 * SECOND, False, CALLER, 32),
        ev.ChannelEnded(9 * SECOND, False, CALLER, 16),
    )
    assert call.outcome is Outcome.ABANDONED_MENU
