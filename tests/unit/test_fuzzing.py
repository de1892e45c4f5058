"""Millions of broken inputs for what reads from outside: no crash, no hang, nothing that grows.

Hypothesis draws the beginning of each batch, and a batch breaks what a real Asterisk was heard to
say in thousands of ways: some seconds in `make test`, ten million inputs and more in `make soak`
(HOTLINE_SOAK=1), with a line that says how many there were.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from functools import cache
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ivr.ami.capture import Chunk
from ivr.ami.feed import Feed
from ivr.ami.framing import Framer
from ivr.ami.message import event_name, fields, stamped
from ivr.events.decode import decode, needed
from ivr.events.types import Event
from ivr.selfservice import agi
from tests.support.breaking import LONGEST, broken
from tests.support.scenario import NAMES, chunks_of

SOAK = bool(os.environ.get("HOTLINE_SOAK"))
BATCHES, BATCH = (1100, 10_000) if SOAK else (25, 400)
SLOW = 0.25
"""Seconds of CPU for one input, from where it counts as a hang."""
pytestmark = pytest.mark.timeout(7200 if SOAK else 120)
batches = settings(
    max_examples=BATCHES, deadline=None, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@cache
def heard() -> list[bytes]:
    """Pieces of what a real Asterisk said in the captured calls, cut between messages."""
    found: set[bytes] = set()
    for name in NAMES:
        text = b"".join(one.data for one in chunks_of(name)[2] if isinstance(one, Chunk))
        messages = text.split(b"\r\n\r\n")
        found |= {m + b"\r\n\r\n" for m in messages if m}
        found |= {b"\r\n\r\n".join(messages[n : n + 3]) for n in range(0, len(messages), 7)}
    return sorted(found)


@contextlib.contextmanager
def counted(name: str) -> Iterator[list[int]]:
    """Says at the end of a long run how many there were."""
    tally = [0]
    began = time.monotonic()
    yield tally
    if SOAK:
        seconds = time.monotonic() - began
        print(f"\n{name}: {tally[0]:,} inputs in {seconds:.0f} s")


def in_time(read: Callable[[bytes], object], data: bytes) -> None:
    began = time.process_time()
    read(data)
    assert time.process_time() - began < SLOW, data


def test_framing_and_decoding_of_what_an_asterisk_never_says() -> None:
    keep = needed(("1203-menu",))
    pieces = heard()
    assert len(pieces) > 500

    with counted("framing and decode") as tally:
        framers = [Framer(keep, max_message=1500), Framer(None)]

        def read(data: bytes) -> None:
            for framer in framers:
                for message in framer.feed(data):
                    event = decode(message)
                    assert event is None or isinstance(event, Event)
                    event_name(message)
                    assert all(isinstance(one, str) for one in fields(message).values())
                assert len(framer._rest) <= (1 << 20) + LONGEST * 2

        @batches
        @given(st.integers(0, 1 << 64))
        def batch(seed: int) -> None:
            chance = Random(seed)
            framers[:] = [Framer(keep, max_message=1500), Framer(None, max_message=1500)]
            for _ in range(BATCH):
                in_time(read, broken(chance, pieces))
                tally[0] += 1
            for framer in framers:  # and it goes on to read as ever
                good = b"\r\n\r\n" * 2 + b"Event: Hangup\r\nUniqueid: 1.1\r\nCause: 16\r\n\r\n"
                assert framer.feed(good)[-1].endswith(b"Cause: 16")

        batch()
    assert tally[0] == BATCHES * BATCH


def test_any_cut_of_broken_input_gives_the_same_messages() -> None:
    """Through the feed, which stamps and tells replies apart, as a socket would bring it."""
    pieces = heard()

    with counted("cuts") as tally:

        @batches
        @given(st.integers(0, 1 << 64))
        def batch(seed: int) -> None:
            chance = Random(seed)
            for _ in range(max(1, BATCH // 100)):
                data = b"".join(broken(chance, pieces) for _ in range(3)) + b"\r\n\r\n"
                whole, parts = Feed(needed()), Feed(needed())
                expected = whole.chunk(data, 1.0)
                found, at = [], 0
                while at < len(data):
                    size = chance.randint(1, 700)
                    found += parts.chunk(data[at : at + size], 1.0)
                    at += size
                assert found == expected
                for message in found:
                    stamped(message, 1.0)
                tally[0] += 1

        batch()
    assert tally[0]


HEAD = b"agi_network: yes\nagi_network_script: status\nagi_callerid: 0812345678\n\n"
SAID = [
    HEAD, b"200 result=0\n", b"200 result=-1 (timeout)\n", b"200 result=1 (a (b) c)\n", b"HANGUP\n",
    b"520-Invalid command syntax.  Proper usage follows:\nUsage: X\n520 End of proper usage.\n",
    b"511 Command Not Permitted on a dead channel or intercept routine\n", b"510 Invalid\n",
    b"100 result=0 Trying...\n", b"agi_arg_1: x\n", b"200 result=48 endpos=2400\n",
]  # fmt: skip


def test_what_a_channel_says_over_fastagi_is_events_or_a_fault() -> None:
    known = agi.Request | agi.Reply | agi.HungUp

    with counted("AGI lines") as tally:

        def read(data: bytes) -> None:
            with contextlib.suppress(agi.AgiFault):
                assert all(isinstance(event, known) for event in agi.Framer().feed(data))

        @batches
        @given(st.integers(0, 1 << 64))
        def batch(seed: int) -> None:
            chance = Random(seed)
            for _ in range(BATCH // 4):
                begins = HEAD if chance.random() < 0.7 else b""
                pieces = [broken(chance, SAID) for _ in range(chance.randint(1, 3))]
                in_time(read, begins + b"".join(pieces))
                tally[0] += 1

        batch()
    assert tally[0]
