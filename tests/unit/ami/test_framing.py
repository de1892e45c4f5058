"""The framer against everything Asterisk was seen to send, in any pieces."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.ami.framing import Framer

KEEP = {
    b"Newchannel": (),
    b"Hangup": (),
    b"Newexten": (b"Context: 1203-menu\r\n",),
    b"UserEvent": (b"UserEvent: Hotline1203\r\n",),
}
LOGIN = b"Response: Success\r\nActionID: 1\r\nMessage: Authentication accepted"
NEW = (
    "Event: Newchannel\r\nPrivilege: call,all\r\nCallerIDName: สมชาย ใจดี\r\nUniqueid: 1.1".encode()
)
HANGUP = b"Event: Hangup\r\nPrivilege: call,all\r\nUniqueid: 1.1\r\nCause: 16"
VARSET = b"Event: VarSet\r\nPrivilege: dialplan,all\r\nVariable: A\r\nValue: "
MENU = b"Event: Newexten\r\nPrivilege: dialplan,all\r\nContext: 1203-menu\r\nExtension: 2"
MENU_LAST = b"Event: Newexten\r\nPrivilege: dialplan,all\r\nContext: 1203-menu"
ELSEWHERE = b"Event: Newexten\r\nPrivilege: dialplan,all\r\nContext: 1203-menu-2\r\nExtension: 2"
MARK = b"Event: UserEvent\r\nUserEvent: Hotline1203\r\nEvent: VarSet\r\nMark: enter"
OTHER_USER = b"Event: UserEvent\r\nPrivilege: user,all\r\nUserEvent: Other\r\nEvent: Newchannel"
BARE = b"Event: Hangup\r\nValue:"
BLANK = b"Event: Hangup\r\nValue: "
COMMAND = b"Response: Success\r\nMessage: output follows\r\nOutput: a\r\nOutput: \r\nOutput: b: c"
END = b"\r\n\r\n"


def one_by_one(framer: Framer, data: bytes) -> list[bytes]:
    return [m for i in range(len(data)) for m in framer.feed(data[i : i + 1])]


def stream(*messages: bytes, banner: bytes = b"Asterisk Call Manager/9.0.0\r\n") -> bytes:
    return banner + b"".join(m + END for m in messages)


CASES = {
    "plain": (stream(LOGIN, NEW, VARSET, HANGUP), [LOGIN, NEW, HANGUP]),
    "no banner": (stream(NEW, HANGUP, banner=b""), [NEW, HANGUP]),
    "banner before an event": (stream(NEW), [NEW]),
    "banner with an empty line": (stream(b"\r\n" + NEW), [NEW]),
    "extra CR LF": (stream(NEW + b"\r\n\r\n", b"\r\n" + HANGUP, b"", b"", NEW), [NEW, HANGUP, NEW]),
    "extra CR LF after a dropped one": (stream(VARSET, b"\r\n" + NEW), [NEW]),
    "extra CR LF before a dropped one": (stream(NEW, b"\r\n" + VARSET, HANGUP), [NEW, HANGUP]),
    "needle": (stream(MENU, ELSEWHERE, MENU_LAST), [MENU, MENU_LAST]),
    "user event": (stream(MARK, OTHER_USER), [MARK]),
    "empty last header": (stream(BARE, BLANK), [BARE, BLANK]),
    "command": (stream(COMMAND, NEW), [COMMAND, NEW]),
    "old command": (
        stream(b"Response: Follows\r\nPrivilege: Command\r\na\nb", b"c\n--END COMMAND--", NEW),
        [b"Response: Follows\r\nPrivilege: Command\r\na\nb", NEW],
    ),
    "middle": (stream(b"el: PJSIP/1\r\nEvent: Hangup\r\nX: 1", NEW, banner=b""), [NEW]),
    "garbage": (stream(b"\x00\xff\xfe garbage", NEW), [NEW]),
    "lone line ends": (stream(b"Event: Hangup\nCause: 1\rX: 1", NEW), [NEW]),
    "name without headers": (
        stream(b"Event: Hangup", b"Event: VarSet", NEW),
        [b"Event: Hangup", NEW],
    ),
    "name only, longer": (
        stream(b"Event: HangupX", b"Event: Hangup", NEW),
        [b"Event: Hangup", NEW],
    ),
    "longer name": (
        stream(b"Event: HangupRequest\r\nX: 1", b"Event: Hangu\r\nX: 1", HANGUP),
        [HANGUP],
    ),
    "invalid UTF-8": (stream(NEW + b"\r\nX: \xe0\xb8"), [NEW + b"\r\nX: \xe0\xb8"]),
    "two banners": (stream(NEW) + stream(HANGUP), [NEW, HANGUP]),
    "unfinished": (stream(NEW) + HANGUP, [NEW]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_stream_at_once_and_byte_by_byte(name: str) -> None:
    data, expected = CASES[name]
    assert Framer(KEEP).feed(data) == expected
    assert one_by_one(Framer(KEEP), data) == expected
    framer = Framer(KEEP)  # what it has learnt changes nothing
    for _ in range(3):
        assert framer.feed(data) == expected
        framer.reset()


def test_a_needed_name_is_known_by_a_beginning_that_holds_it_whole() -> None:
    framer = Framer({b"AttendedTransfer": (), b"AttendedTransferToMoonAndBack": (b"X: 2\r\n",)})
    wanted = [b"Event: AttendedTransfer\r\nX: 1", b"Event: AttendedTransferToMoonAndBack\r\nX: 2"]
    for _ in range(3):
        dropped = b"Event: AttendedTransferToMoonAndBack\r\nX: 1"
        assert framer.feed(stream(*wanted, dropped, *wanted)) == wanted * 2


def test_counters() -> None:
    framer = Framer(KEEP)
    data = stream(LOGIN, NEW, VARSET, VARSET, b"garbage", OTHER_USER, b"", HANGUP) + b"Event: Ha"
    framer.feed(data)
    framer.reset()
    framer.reset()
    assert framer.bytes_fed == len(data)
    assert framer.messages == 3
    assert framer.dropped == 3
    assert framer.garbage == 1
    assert framer.cut_short == 1
    assert framer.banner == b"Asterisk Call Manager/9.0.0"


def test_without_a_filter_every_event_comes() -> None:
    assert Framer(None).feed(stream(LOGIN, VARSET, OTHER_USER)) == [LOGIN, VARSET, OTHER_USER]


def test_an_empty_filter_lets_responses_through() -> None:
    assert Framer({}).feed(stream(LOGIN, VARSET, NEW)) == [LOGIN]


def test_a_needed_name_that_begins_like_a_dropped_one_is_never_lost() -> None:
    framer = Framer({b"QueueCallerJoinedAgain": (), b"QueueCallerJoi": ()})
    dropped = b"Event: QueueCallerJoin\r\nX: 1"
    for wanted in (b"Event: QueueCallerJoinedAgain\r\nX: 1", b"Event: QueueCallerJoi\r\nX: 1"):
        assert framer.feed(stream(dropped, wanted, dropped)) == [wanted]


def test_what_is_learnt_is_bounded() -> None:
    framer = Framer(KEEP)
    for i in range(5000):
        framer.feed(b"Event: N%d\r\nX: 1\r\n\r\n" % i)
    for i in range(5000):
        framer.feed(b"Event: Hangup\r\nX: %d\r\n\r\n" % i)
    assert len(framer._droppable) + len(framer._known) <= 1024
    assert framer.dropped == 5000


@pytest.mark.parametrize("step", [1, 3, 4, 7, 100, 5000, 100_000])
def test_an_oversized_message_is_dropped_and_reading_goes_on(step: int) -> None:
    framer = Framer(KEEP, max_message=1000)
    big = NEW + b"\r\nBig: " + b"x\r\n" * 2000
    data = stream(NEW, big, HANGUP, big + b"\r", NEW)
    got = [m for i in range(0, len(data), step) for m in framer.feed(data[i : i + step])]
    assert got == [NEW, HANGUP, NEW]
    assert framer.oversized == 2
    assert framer.garbage == 0


def test_the_longest_allowed_message_is_kept_however_it_comes() -> None:
    exact = NEW + b"\r\nX: " + b"y" * (1000 - len(NEW) - 5)
    assert len(exact) == 1000
    for message, expected in ((exact, [exact, NEW]), (exact + b"y", [NEW])):
        data = stream(message, NEW, banner=b"")
        assert Framer(KEEP, max_message=1000).feed(data) == expected
        assert one_by_one(Framer(KEEP, max_message=1000), data) == expected


def test_memory_stays_bounded_on_a_stream_without_an_end() -> None:
    framer = Framer(KEEP, max_message=10_000)
    for _ in range(100):
        framer.feed(b"x" * 5000)
        assert len(framer._rest) <= 15_003
    assert framer.oversized == 1
    assert framer.feed(END + NEW + END) == [NEW]


def test_single_bytes_cost_the_same_however_long_the_message() -> None:
    def seconds(size: int) -> float:
        framer = Framer(KEEP)
        began = time.process_time()
        for _ in range(size):
            framer.feed(b"x")
        return (time.process_time() - began) / size

    seconds(10_000)
    assert seconds(300_000) < 6 * min(seconds(10_000) for _ in range(3))


def test_a_memoryview_may_be_fed_and_is_not_held() -> None:
    buffer = bytearray(stream(NEW, HANGUP) * 50)
    framer = Framer(KEEP)
    got = framer.feed(memoryview(buffer)[:-10])
    buffer[:] = bytes(len(buffer))
    assert got[0] == NEW
    assert len(got) == 99
    assert framer.feed(memoryview(bytearray(HANGUP[-6:] + END))) == [HANGUP]


PIECES = st.sampled_from(
    [
        *(LOGIN, NEW, HANGUP, VARSET, MENU, MENU_LAST, ELSEWHERE, MARK, OTHER_USER, BARE, BLANK),
        *(b"", b"\r\n" + NEW, b"\r\n" + VARSET, b"garbage", b"\r", b"\n", b"Event: ", b"Response:"),
        *(COMMAND, b"Asterisk Call Manager/9.0.0\r\n" + LOGIN, NEW + b"\r\nX: " + b"y" * 600),
    ]
)


@given(st.lists(PIECES, max_size=30), st.lists(st.integers(1, 900), max_size=60), st.booleans())
def test_any_chunking_gives_the_same_messages(
    pieces: list[bytes], cuts: list[int], small: bool
) -> None:
    data = b"".join(piece + END for piece in pieces)
    limit = 400 if small else 1 << 20
    whole = Framer(KEEP, max_message=limit)
    expected = whole.feed(data)
    parts = Framer(KEEP, max_message=limit)
    got, at = [], 0
    for size in [*cuts, len(data)]:
        got += parts.feed(data[at : at + size])
        at += size
    assert got == expected
    assert (parts.messages, parts.garbage) == (whole.messages, whole.garbage)
    assert parts.dropped + parts.oversized == whole.dropped + whole.oversized


@given(st.binary(max_size=400), st.integers(1, 50))
def test_any_bytes_in_any_pieces(noise: bytes, step: int) -> None:
    data = noise + END + NEW + END + noise.replace(b"\x00", b"\r\n") + END + HANGUP + END
    expected = Framer(KEEP, max_message=300).feed(data)
    framer = Framer(KEEP, max_message=300)
    assert [
        m for i in range(0, len(data), step) for m in framer.feed(data[i : i + step])
    ] == expected
    assert NEW in expected
    assert expected[-1] == HANGUP
