"""A supervisor at an officer's call: heard of from Asterisk, kept as marks on the record.

The supervisor's telephone is a channel of its own, in no conversation and in no call's group: it is
nobody's part, makes no leg and no figure. What the record keeps is who was there, in which way,
from when to when (`ivr.events.markers.OBSERVED`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ivr.calls.call import Call
from ivr.calls.correlate import Channel
from ivr.calls.live import Live
from ivr.events import types as ev
from ivr.events.markers import SUPERVISION_BEGIN, SUPERVISION_END

if TYPE_CHECKING:
    from ivr.calls.tracker import Tracker

UNKNOWN_WAY: Final = "unknown"
"""Somebody spies by means that are not our dialplan's: whether he is heard is not known."""


@dataclass(frozen=True, slots=True)
class Spying:
    """A channel that spies on another one which is in a call of the hotline; keys are uniqueids."""

    spyer: str
    spied: str
    by: str
    """The supervisor's number; empty where it is not known."""
    way: str
    """`listen`, `whisper`, `barge`, or `unknown`."""
    agent: str
    """The officer who is spied on; empty where the channel is none's."""
    since: int
    live: Live

    @property
    def value(self) -> str:
        """What the mark on the record says: WAY:OFFICER."""
        return f"{self.way}:{self.agent}"


def announced(channel: Channel, value: str) -> None:
    """Our dialplan says what it is about to do on this channel: WAY:SUPERVISOR:UNIQUEID."""
    way, _, rest = value.partition(":")
    channel.supervises = (way, rest.partition(":")[0])


def started(tracker: Tracker, event: ev.SpyStarted) -> None:
    """Asterisk says that one channel hears another from here on."""
    spyer = tracker.net.channels.get(event.uniqueid)
    spied = tracker.net.channels.get(event.target)
    if spyer is None or spied is None or (live := spied.group.live) is None:
        return
    _end(tracker, event.uniqueid, event.at)
    way, by = spyer.supervises or (UNKNOWN_WAY, spyer.party or "")
    spying = Spying(
        event.uniqueid, event.target, by, way, spied.party or "", event.at, live
    )  # fmt: skip
    tracker.spyings[event.uniqueid] = spying
    tracker.mark(live, SUPERVISION_BEGIN, event.at, spying.value, by or None)


def stopped(tracker: Tracker, event: ev.SpyStopped) -> None:
    """Asterisk says that it is over."""
    _end(tracker, event.uniqueid, event.at)


def channel_gone(tracker: Tracker, channel: Channel, at: int | None) -> None:
    """One of the two channels has ended; `at` is `None` where nobody heard when."""
    for spying in tuple(tracker.spyings.values()):
        if channel.uniqueid in (spying.spyer, spying.spied):
            _end(tracker, spying.spyer, at)


def call_gone(tracker: Tracker, live: Live, at: int | None) -> None:
    """The call is over: nobody is at it any more."""
    for spying in tuple(tracker.spyings.values()):
        if spying.live is live:
            _end(tracker, spying.spyer, at)


def _end(tracker: Tracker, spyer: str, at: int | None) -> None:
    spying = tracker.spyings.pop(spyer, None)
    if spying is not None and at is not None:
        tracker.mark(spying.live, SUPERVISION_END, at, spying.value, spying.by or None)


@dataclass(frozen=True, slots=True)
class Supervised:
    """A supervisor's time at a call, as its record tells it."""

    by: str
    way: str
    agent: str
    since: int
    until: int | None = None
    """`None`: still there, or, of a call that is over, not known."""


def supervisions(call: Call) -> list[Supervised]:
    """Everybody who was at the call besides those who spoke in it, in order of time."""
    found: list[Supervised] = []
    for mark in call.marks:
        way, _, agent = mark.value.partition(":")
        if mark.name == SUPERVISION_BEGIN:
            found.append(Supervised(mark.by or "", way, agent, mark.at))
        elif mark.name == SUPERVISION_END:
            for n, one in enumerate(found):
                if one.until is None and (one.by, one.way, one.agent) == (
                    mark.by or "", way, agent,
                ):  # fmt: skip
                    found[n] = replace(one, until=mark.at)
                    break
    return found
