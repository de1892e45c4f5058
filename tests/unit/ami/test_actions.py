from __future__ import annotations

import re

import pytest

from ivr.ami import actions
from ivr.ami.errors import UnsafeAction


@pytest.mark.parametrize(
    "value", ["a\r\nAction: Originate", "a\nb", "a\r", "\0", "x\r\n\r\nAction: Hangup", "y" * 1000]
)
def test_a_value_that_would_forge_a_header_is_refused(value: str) -> None:
    with pytest.raises(UnsafeAction, match="Secret"):
        actions.login("1", "hotline", value)
    with pytest.raises(UnsafeAction, match="ActionID"):
        actions.ping(value)
    with pytest.raises(UnsafeAction) as caught:
        actions.build("X", "1", Variable=value)
    assert value not in str(caught.value)


@pytest.mark.parametrize("name", ["A: b", "A\r\nB", "", "1A", "A\n", "ก"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UnsafeAction):
        actions.build("X", "1", **{name: "x"})


def test_every_value_of_a_list_is_looked_at() -> None:
    with pytest.raises(UnsafeAction):
        actions.check({"Variable": ["a=1", "b=2\r\nX: y"]})


def test_builders() -> None:
    assert actions.bridge_info("i", "b-1") == {
        "Action": "BridgeInfo",
        "ActionID": "i",
        "BridgeUniqueid": "b-1",
    }
    assert actions.login("i", "u", "s")["Events"] == "on"
    for build in (actions.ping, actions.logoff, actions.core_status, actions.core_settings):
        assert build("i")["ActionID"] == "i"


def test_what_the_desk_sends() -> None:
    added = actions.queue_add("i", "information", "PJSIP/1001", name="1001", state="", paused="x")
    assert added["Paused"] == "true"
    assert "StateInterface" not in added
    assert actions.queue_pause("i", "PJSIP/1001", False)["Paused"] == "false"
    assert "Queue" not in actions.queue_pause("i", "PJSIP/1001", True, "lunch")
    call = actions.originate(
        "i", "PJSIP/1001", "desk-callback", "0812345678",
        caller_id="0812345678", milliseconds=20000, variables={"HOTLINE_FOR": "pbx1-1.2"},
    )  # fmt: skip
    assert (call["Variable"], call["Async"]) == ("HOTLINE_FOR=pbx1-1.2", "true")
    with pytest.raises(UnsafeAction):
        actions.originate(
            "i", "PJSIP/1001", "x", "1", caller_id="", milliseconds=1, variables={"A": "1,B=2"}
        )


def matches(regex: str, event: str) -> bool:
    excluded = regex.startswith("!")
    return bool(re.search(regex.lstrip("!"), event, re.DOTALL)) != excluded


KEEP = {
    b"Newchannel": (),
    b"Hangup": (),
    b"Newexten": (b"Context: 1203-menu\r\n", b"Context: m.x\r\n"),
    b"UserEvent": (b"UserEvent: Hotline1203\r\n",),
}


def test_the_event_filter_is_one_and_loses_nothing() -> None:
    regex = actions.event_filter(KEEP)
    assert matches(regex, "Event: Newchannel\r\nX: 1")
    assert matches(regex, "Event: Newexten\r\nPrivilege: x\r\nContext: 1203-menu\r\nX: 1")
    assert matches(regex, "Event: Newexten\r\nPrivilege: x\r\nContext: m.x\r\nX: 1")
    assert matches(regex, "Event: UserEvent\r\nA: b\r\nUserEvent: Hotline1203\r\nX: 1")
    assert not matches(regex, "Event: Newexten\r\nContext: mox\r\n")
    assert not matches(regex, "Event: UserEvent\r\nUserEvent: Other\r\n")
    assert not matches(regex, "Event: HangupRequest\r\nX: 1")
    assert not matches(regex, "Event: VarSet\r\nEvent: Hangup\r\n")


def test_needles_that_do_not_fit_a_line_are_left_to_our_own_filter() -> None:
    keep = {**KEEP, b"Newexten": tuple(b"Context: menu-%d\r\n" % i for i in range(200))}
    regex = actions.event_filter(keep)
    assert len(regex) < 1000
    assert matches(regex, "Event: Newexten\r\nContext: other\r\n")
    assert not matches(regex, "Event: VarSet\r\n")


def test_too_many_names_become_an_excluding_filter() -> None:
    keep = {b"SomeRatherLongEventName%d" % i: () for i in range(100)} | {b"VarSet": ()}
    regex = actions.event_filter(keep)
    assert len(regex) < 1000
    assert matches(regex, "Event: SomeRatherLongEventName99\r\n")
    assert matches(regex, "Event: VarSet\r\n")
    assert not matches(regex, "Event: RTCPSent\r\n")


def test_a_needle_with_more_than_plain_letters_is_left_to_our_own_filter() -> None:
    regex = actions.event_filter({b"UserEvent": ("X: ก".encode(),)})
    assert matches(regex, "Event: UserEvent\r\nY: 1")


def test_a_strange_event_name_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="no name"):
        actions.event_filter({b"A|B": ()})
