"""A supervisor at an officer's call: marks on its record, and nothing else of it."""

from __future__ import annotations

import copy

import pytest

from ivr.calls.call import Call
from ivr.calls.supervising import Supervised, supervisions
from ivr.calls.tracker import Tracker
from ivr.events import types as ev
from tests.unit.calls.test_tracker import OFFICER, SECOND, answered, bridged, only_call, played

SPYER = "pbx1-9.1"


def telephone(at: int = 3 * SECOND, name: str = "PJSIP/1003-00000009") -> ev.ChannelStarted:
    return ev.ChannelStarted(
        at, False, SPYER, SPYER, name, True, None, None, "desk-supervise", "listen"
    )


def announced(way: str, at: int = 4 * SECOND) -> ev.Marked:
    return ev.Marked(at, False, SPYER, "supervise", f"{way}:1003:{OFFICER}")


def started(at: int = 4 * SECOND, target: str = OFFICER) -> ev.SpyStarted:
    return ev.SpyStarted(at, False, SPYER, target)


def stopped(at: int = 6 * SECOND) -> ev.SpyStopped:
    return ev.SpyStopped(at, False, SPYER)


def gone(at: int, uniqueid: str = SPYER) -> ev.ChannelEnded:
    return ev.ChannelEnded(at, False, uniqueid, 16)


def listening(*more: ev.Event, way: str = "listen") -> Tracker:
    return played(*answered(), *bridged(), telephone(), announced(way), started(), *more)


def without_marks(call: Call) -> Call:
    plain = copy.deepcopy(call)
    plain.marks = [m for m in plain.marks if not m.name.startswith("supervision")]
    plain.revision = 0
    return plain


def test_the_record_has_who_how_and_how_long_and_is_otherwise_the_same():
    tracker = listening(stopped(), gone(6 * SECOND))
    call = only_call(tracker)
    assert supervisions(call) == [Supervised("1003", "listen", "1001", 4 * SECOND, 6 * SECOND)]
    assert without_marks(call) == without_marks(only_call(played(*answered(), *bridged())))
    assert tracker.spyings == {}
    assert "1003" not in tracker.busy


def test_another_way_is_another_entry():
    tracker = listening(
        stopped(5 * SECOND), announced("barge", 5 * SECOND), started(5 * SECOND), stopped()
    )
    assert [(s.way, s.since, s.until) for s in supervisions(only_call(tracker))] == [
        ("listen", 4 * SECOND, 5 * SECOND), ("barge", 5 * SECOND, 6 * SECOND),
    ]  # fmt: skip


@pytest.mark.parametrize("uniqueid", [SPYER, OFFICER])
def test_it_ends_with_either_channel_also_where_asterisk_says_nothing_more(uniqueid):
    tracker = listening(gone(7 * SECOND, uniqueid), stopped(8 * SECOND))
    (there,) = supervisions(only_call(tracker))
    assert there.until == 7 * SECOND
    assert tracker.spyings == {}


def test_while_it_goes_on_it_can_be_asked_for():
    tracker = listening(way="whisper")
    (spying,) = tracker.spyings.values()
    assert (spying.by, spying.way, spying.agent, spying.spied) == (
        "1003", "whisper", "1001", OFFICER,
    )  # fmt: skip
    assert supervisions(only_call(tracker))[0].until is None


def test_spying_by_other_means_is_seen_too():
    tracker = played(*answered(), *bridged(), telephone(), started())
    (there,) = supervisions(only_call(tracker))
    assert (there.by, there.way) == ("1003", "unknown")


def test_a_channel_that_is_in_no_call_of_the_hotline_leaves_no_trace():
    other = ev.ChannelStarted(
        0, False, "pbx1-8.1", "pbx1-8.1", "PJSIP/1004-00000008", True, None, None, "agents", "1005"
    )
    tracker = played(*answered(), *bridged(), other, telephone(), started(target="pbx1-8.1"))
    assert tracker.spyings == {}
    assert supervisions(only_call(tracker)) == []
    assert tracker.apply(started(target="pbx1-nobody")) == []


def test_what_ended_unheard_has_no_end():
    tracker = listening(
        ev.LinkLost(5 * SECOND, False), ev.LinkUp(9 * SECOND, False),
        ev.ChannelsListed(9 * SECOND, False), ev.SnapshotEnded(9 * SECOND, False),
    )  # fmt: skip
    assert tracker.spyings == {}
    assert tracker.lives == {}
