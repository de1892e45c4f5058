"""Queue members and presence as Asterisk tells them, raw messages in."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ivr.calls.members import Members, Presence
from ivr.events.decode import decode

UP = "Event: HotlineLinkUp\r\nTimestamp: 1.000000"
LOST = "Event: HotlineLinkLost\r\nTimestamp: 9.000000"
END = "Event: HotlineSnapshotEnd\r\nTimestamp: 2.000000"


def told(members: Members, *messages: str) -> list[bool]:
    events = [decode(message.encode()) for message in messages]
    return [members.apply(event) for event in events if event is not None]


def pause(at: float, paused: int, reason: str = "", queue: str = "information") -> str:
    return (
        f"Event: QueueMemberPause\r\nTimestamp: {at:.6f}\r\nQueue: {queue}\r\nMemberName: 1001\r\n"
        f"Interface: PJSIP/1001\r\nStateInterface: PJSIP/1001\r\nMembership: static\r\n"
        f"Paused: {paused}\r\nPausedReason: {reason}"
    )


def listed(paused: int, reason: str = "", queue: str = "information", name: str = "1001") -> str:
    return (
        f"Event: QueueMember\r\nActionID: hotline-queues\r\nQueue: {queue}\r\nName: {name}\r\n"
        f"Location: PJSIP/{name}\r\nStateInterface: PJSIP/{name}\r\nMembership: dynamic\r\n"
        f"Paused: {paused}\r\nPausedReason: {reason}\r\nHotlineArrival: 1.500000"
    )


def status(exten: str, number: int | str, seen: bool = False) -> str:
    return (
        "Event: ExtensionStatus\r\nTimestamp: 3.000000\r\n"
        + ("ActionID: hotline-presence\r\n" if seen else "")
        + f"Exten: {exten}\r\nContext: agency-numbers\r\nHint: x\r\nStatus: {number}"
    )


def test_a_snapshot_tells_members_and_what_it_does_not_show_is_gone() -> None:
    members = Members()
    told(members, UP, listed(0), listed(1, "lunch", "complaint"), listed(0, name="1002"))
    assert not members.known
    told(members, END)
    assert members.known
    assert [(m.queue, m.paused, m.reason, m.dynamic) for m in members.of("1001")] == [
        ("complaint", True, "lunch", True),
        ("information", False, "", True),
    ]
    told(members, LOST)
    assert not members.known
    assert len(members) == 3
    told(members, UP, listed(0), END)
    assert [(m.name, m.queue) for m in members] == [("1001", "information")]


def test_a_pause_is_told_with_reason_and_time_and_only_once() -> None:
    members = Members()
    told(members, UP, listed(0), END)
    assert told(members, pause(5, 1, "meeting"), pause(6, 1, "meeting")) == [True, False]
    (member,) = members.of("1001")
    assert (member.paused, member.reason, member.changed_at) == (True, "meeting", 5_000_000)
    assert told(members, pause(7, 0)) == [True]
    gone = "Event: QueueMemberRemoved\r\nTimestamp: 8.0\r\nQueue: information\r\n"
    assert told(members, gone + "Interface: PJSIP/1001", gone + "Interface: PJSIP/1001") == [
        True,
        False,
    ]
    assert members.of("1001") == []


def test_what_happens_during_a_snapshot_outlives_it() -> None:
    members = Members()
    told(members, UP, listed(0), END, LOST, UP)
    told(members, pause(5, 1, "x", "complaint"), status("2001", 8), END)
    assert [m.queue for m in members] == ["complaint"]
    assert members.presence("2001") is Presence.RINGING


def test_presence_is_unknown_while_nothing_is_heard() -> None:
    members = Members()
    told(members, UP, status("2001", 0, seen=True), status("1001", 2), END)
    assert members.presence("2001") is Presence.FREE
    assert members.presence("1001") is Presence.IN_USE
    assert members.presence("3001") is Presence.UNKNOWN
    assert told(members, status("2001", 0), status("2001", 4)) == [False, True]
    told(members, LOST)
    assert members.presence("2001") is Presence.UNKNOWN
    told(members, UP, END)
    assert members.presence("2001") is Presence.UNKNOWN


_ANY = [UP, LOST, END, listed(0), listed(1, "r"), pause(4, 1), pause(5, 0), status("2001", 1),
        status("2001", "x"), status("2001", -2)]  # fmt: skip


@given(st.lists(st.sampled_from(_ANY)))
def test_any_order_is_taken_and_the_same_twice_is_no_change(messages: Any) -> None:
    members = Members()
    for message in messages:
        told(members, message)
        if "Snapshot" not in message and "LinkLost" not in message:
            assert told(members, message) == [False]
