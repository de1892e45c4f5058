from __future__ import annotations

import pytest

from ivr.ami.message import Message, event_name, fields, stamped, synthetic

RAW = (
    "Event: UserEvent\r\nPrivilege: user,all\r\nTimestamp: 1763900000.123456\r\n"
    "CallerIDName: สมชาย: ใจดี\r\nUniqueid: 1.1\r\nChanVariable: a=1\r\nChanVariable: b=2\r\n"
    "Event: Hangup\r\nEmpty: \r\nBare:\r\nTight:x\r\nno header\r\nValue: "
).encode()


def test_fields_of_a_plain_event() -> None:
    assert fields(b"Event: Hangup\r\nCause-txt: a: b: c\r\nValue: ") == {
        "Event": "Hangup",
        "Cause-txt": "a: b: c",
        "Value": "",
    }


def test_fields_with_everything_odd() -> None:
    got = fields(RAW)
    assert got["Event"] == "UserEvent"
    assert got["CallerIDName"] == "สมชาย: ใจดี"
    assert got["ChanVariable"] == "a=1"
    assert got["Empty"] == got["Bare"] == got["Value"] == ""
    assert got["Tight"] == "x"
    assert "no header" not in got
    assert got.get("Missing") is None


def test_both_ways_of_reading_agree() -> None:
    for raw in (RAW, b"Event: Hangup", b"Event: A\r\nx:y: z", b": x\r\nA: b", b""):
        first: dict[str, str] = {}
        for name, value in Message(raw).headers:
            first.setdefault(name, value)
        assert fields(raw) == first


def test_message_keeps_order_and_repeats() -> None:
    message = Message(RAW)
    assert message.event == "UserEvent"
    assert message.response is None
    assert message.get("uniqueID") == "1.1"
    assert message.get("Nothing") is None
    assert message.get("Value") == ""
    assert message.all("chanvariable") == ["a=1", "b=2"]
    assert message.all("Event") == ["UserEvent", "Hangup"]
    assert message.headers[0] == ("Event", "UserEvent")
    assert "สมชาย" not in repr(message)


def test_a_response_has_no_event_name() -> None:
    message = Message(b"Response: Success\r\nEvent: x")
    assert message.event is None
    assert message.response == "Success"


@pytest.mark.parametrize("cut", [1, 2])
def test_a_letter_cut_in_two_costs_only_itself(cut: int) -> None:
    raw = b"Event: X\r\nCallerIDName: " + "กข".encode()[:-cut] + b"\r\nUniqueid: 1.1"
    assert fields(raw)["CallerIDName"] == "ก\ufffd"
    assert fields(raw)["Uniqueid"] == "1.1"


def test_event_name() -> None:
    assert event_name(b"Event: Hangup") == "Hangup"
    assert event_name(RAW) == "UserEvent"
    assert event_name(b"Response: Success") is None


def test_only_a_message_without_timestamp_is_stamped() -> None:
    assert stamped(RAW, 1.0) is RAW
    assert fields(stamped(b"Event: X\r\nA: b", 1763900000.5)) == {
        "Event": "X",
        "A": "b",
        "HotlineArrival": "1763900000.500000",
    }


def test_our_own_messages_look_like_asterisks() -> None:
    assert fields(synthetic("HotlineLinkUp", 1.25)) == {
        "Event": "HotlineLinkUp",
        "Timestamp": "1.250000",
    }
