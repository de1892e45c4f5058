"""What must hold for every stream: mixing, repetition, loss and garbage change no other call."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr.ami.capture import Chunk
from ivr.ami.feed import Feed
from ivr.calls.call import Call
from ivr.calls.tracker import Tracker
from ivr.events.decode import decode, needed
from ivr.events.types import (
    Booted,
    ChannelsListed,
    Event,
    LinkLost,
    LinkUp,
    SnapshotEnded,
    StatusTold,
)
from tests.support.scenario import NAMES, chunks_of, config_of, messages_of

OF_THE_LINK = (LinkUp, LinkLost, Booted, StatusTold, ChannelsListed, SnapshotEnded)
WHOLE = [n for n in NAMES if not n.startswith(("ami_cut", "killed", "foreign"))]
"""Captures without a cut, of our own dialplan."""
DIRECTORY = config_of("ours").directory
pytestmark = pytest.mark.timeout(400)
many = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True, scope="module")
def _light_memory() -> Iterator[None]:
    """What thousands of tests before left in this process is not looked through again and again."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def events_of(name: str, officers: int) -> list[Event]:
    """The events of a capture, renamed so that no other call shares an officer or a channel's name.

    Each capture numbers its channels from 0; one Asterisk never gives out a number twice.
    """
    found = []
    for raw in _read(name):
        renamed = re.sub(rb"(PJSIP|Local)/10(\d\d)", rb"\1/1%d\2" % officers, raw)
        renamed = re.sub(rb"-0([0-9a-f]{7})\b", rb"-%d\1" % officers, renamed)
        event = decode(renamed)
        if event is not None and not isinstance(event, OF_THE_LINK):
            found.append(event)
    return found


@cache
def _read(name: str) -> list[bytes]:
    return [raw for raw, _ in messages_of(name)[1]]


def track(events: list[Event]) -> dict[str, Call]:
    tracker = Tracker("pbx1", DIRECTORY())
    calls: dict[str, Call] = {}
    for event in events:
        for call in tracker.apply(event):
            calls[call.call_id] = call
    assert tracker.lives == {}
    assert tracker.net.channels == {}
    return calls


@many
@given(st.lists(st.sampled_from(WHOLE), min_size=2, max_size=5, unique=True), st.randoms())
def test_any_interleaving_of_independent_calls_gives_the_same_records(names, random):
    streams = [events_of(name, n) for n, name in enumerate(names, 1)]
    alone: dict[str, Call] = {}
    for stream in streams:
        alone |= track(stream)
    mixed: list[Event] = []
    left = [list(stream) for stream in streams]
    while any(left):
        stream = random.choice([s for s in left if s])
        for _ in range(random.randint(1, 12)):
            if stream:
                mixed.append(stream.pop(0))
    assert track(mixed) == alone


@many
@given(st.sampled_from(NAMES), st.randoms())
def test_any_chunking_of_a_capture_gives_the_same_messages(name, random):
    _, start, entries = chunks_of(name)
    whole, cut = (Feed(needed(config_of(name).menu_contexts())) for _ in range(2))
    for entry in entries:
        at = start + entry.t
        if not isinstance(entry, Chunk):
            assert whole.cut(at) == cut.cut(at)
            continue
        want = whole.chunk(entry.data, at)
        got = []
        rest = entry.data
        while rest:
            size = random.choice([1, 2, 3, 7, 100, 1448, len(rest)])
            got += cut.chunk(rest[:size], at)
            rest = rest[size:]
        assert got == want


@many
@given(st.sampled_from(WHOLE), st.data())
def test_lost_and_repeated_events_never_raise_and_never_leave_a_call_open_for_ever(name, data):
    events = events_of(name, 1)
    kept = [e for e in events if data.draw(st.integers(0, 9)) > 1]
    doubled = [e for e in kept for _ in range(1 + (data.draw(st.integers(0, 19)) == 0))]
    tracker = Tracker("pbx1", DIRECTORY())
    for event in doubled:
        tracker.apply(event)
    tracker.interrupt_all()
    assert tracker.lives == {}


@many
@given(st.sampled_from(WHOLE), st.randoms())
def test_shuffled_events_never_raise(name, random):
    events = events_of(name, 1)
    random.shuffle(events)
    tracker = Tracker("pbx1", DIRECTORY())
    for event in events:
        tracker.apply(event)
    tracker.interrupt_all()
    assert tracker.lives == {}


@many
@given(st.binary(max_size=400))
def test_decode_takes_any_bytes(raw):
    decode(raw)
    decode(b"Event: Newchannel\r\n" + raw)
    decode(b"Event: BridgeEnter\r\nTimestamp: 1.5\r\n" + raw)


def test_an_unknown_event_or_field_is_ignored():
    assert decode(b"Event: FromTheFuture\r\nTimestamp: 1.000001\r\nUniqueid: 1.1") is None
    event = decode(
        b"Event: Hangup\r\nTimestamp: 1.000001\r\nUniqueid: 1.1\r\nCause: 16\r\nNew-Field: x"
    )
    assert event is not None
    assert event.at == 1_000_001


def test_a_message_without_its_own_time_is_inferred():
    event = decode(b"Event: Hangup\r\nUniqueid: 1.1\r\nCause: 16\r\nHotlineArrival: 5.000000")
    assert event is not None
    assert (event.at, event.inferred) == (5_000_000, True)
    assert decode(b"Event: Hangup\r\nUniqueid: 1.1\r\nCause: 16") is None
