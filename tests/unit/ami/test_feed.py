from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ivr.ami.feed import Feed
from ivr.ami.message import fields

KEEP = {b"Hangup": ()}
STREAM = (
    b"Asterisk Call Manager/11.0.0\r\n"
    b"Response: Success\r\nActionID: hotline-login-1\r\nMessage: Authentication accepted\r\n\r\n"
    b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 5\r\n\r\n"
    b"Response: Success\r\nActionID: hotline-status\r\nCoreStartupDate: 2026-11-23\r\n\r\n"
    b"Event: CoreShowChannel\r\nActionID: hotline-channels\r\nUniqueid: 1.1\r\n\r\n"
    b"Event: Hangup\r\nPrivilege: call,all\r\nTimestamp: 5.000001\r\nUniqueid: 1.1\r\n\r\n"
    b"Event: VarSet\r\nPrivilege: call,all\r\nTimestamp: 5.000001\r\n\r\n"
    b"Response: Success\r\nActionID: hotline-snapshot-end\r\nPing: Pong\r\nTimestamp: 5.1\r\n\r\n"
    b"Response: Success\r\nActionID: hotline-ping-9\r\nPing: Pong\r\nTimestamp: 5.1\r\n\r\n"
)


def told(messages: list[bytes]) -> list[str]:
    return [fields(m).get("Event") or "Response " + fields(m)["ActionID"] for m in messages]


ALL = [
    "HotlineLinkUp",
    "FullyBooted",
    "Response hotline-status",
    "CoreShowChannel",
    "Hangup",
    "HotlineSnapshotEnd",
]


def test_what_is_handed_on() -> None:
    feed = Feed(KEEP)
    messages = feed.chunk(STREAM, 7.25)
    assert told(messages) == ALL
    assert [fields(m).get("HotlineArrival") for m in messages] == [
        None,
        "7.250000",
        "7.250000",
        "7.250000",
        None,
        None,
    ]
    assert fields(messages[0])["Timestamp"] == "7.250000"
    assert len(feed.replies) == 5


def test_a_cut_is_named_once_and_only_after_a_link_was_up() -> None:
    feed = Feed(KEEP)
    assert feed.cut(1.0) == []
    feed.chunk(b"Asterisk Call Manager/11.0.0\r\nResponse: Error\r\nMessage: no\r\n\r\n", 1.0)
    assert feed.cut(2.0) == []
    feed.chunk(STREAM + b"Event: Hang", 3.0)
    assert feed.cut(4.5) == [b"Event: HotlineLinkLost\r\nTimestamp: 4.500000"]
    assert feed.cut(5.0) == []
    assert feed.framer.cut_short == 1
    assert told(feed.chunk(STREAM, 6.0)) == ALL


def test_a_stream_that_begins_in_the_middle_is_up_with_its_first_event() -> None:
    feed = Feed(KEEP)
    at = STREAM.index(b"Privilege: call")
    assert told(feed.chunk(STREAM[at:], 1.0)) == ["HotlineSnapshotEnd"]
    feed = Feed(KEEP)
    assert told(feed.chunk(STREAM[STREAM.index(b"Event: Hangup") :], 1.0))[:2] == [
        "HotlineLinkUp",
        "Hangup",
    ]


@given(st.lists(st.integers(1, 200), max_size=20))
def test_any_chunking_gives_the_same(cuts: list[int]) -> None:
    feed, got, at = Feed(KEEP), [], 0
    for size in [*cuts, len(STREAM)]:
        got += feed.chunk(STREAM[at : at + size], 7.25)
        at += size
    assert got == Feed(KEEP).chunk(STREAM, 7.25)
