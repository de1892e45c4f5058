"""What was not heard: a broken link, a restart of Asterisk, and the snapshot that follows.

From the loss of the link to the next link-up every call in progress carries a gap. A snapshot tells
which channels there are now: those it lacks ended unheard, those it adds began unheard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ivr.calls import supervising, talking
from ivr.calls.call import EndedBy, Gap, Outcome, Role
from ivr.calls.correlate import Channel, Net
from ivr.calls.transitions import Phase, Trigger
from ivr.events import types as ev

if TYPE_CHECKING:
    from ivr.calls.tracker import Tracker

BEFORE_STATUS: Final = frozenset({ev.LinkUp, ev.Booted, ev.StatusTold, ev.LinkLost, ev.Declared})
"""What is heard of a new connection before it says when Asterisk started, and what our own desk
declares, whatever the connection does."""

_OF_A_SNAPSHOT: Final = (*BEFORE_STATUS, ev.ChannelsListed, ev.BridgeMemberSeen, ev.SnapshotEnded)
"""What has no time of its own; the gap on the record says so, not each of its times."""

_RESTART_TOLERANCE: Final = 1_200_000
"""Two uptimes give the same start within this (µs): Asterisk tells them in whole seconds."""

_RUNG: Final = frozenset({"AppDial", "AppDial2", "AppQueue"})
"""What a channel runs that Asterisk itself rang."""


@dataclass(slots=True)
class Hearing:
    """Whether a node is heard, since when, and which start of its Asterisk it is."""

    down: bool = False
    lost_at: int | None = None
    up_at: int | None = None
    booted_at: int | None = None
    boot: str | None = None
    maybe_restarted: bool = False
    """The uptime speaks of another start; the start itself has not been told yet."""
    seen: dict[str, str | None] | None = None
    """During a snapshot: each channel shown so far, with its bridge."""


def of_a_snapshot(event: ev.Event) -> bool:
    """Whether the event tells what is, not what has just happened."""
    return isinstance(event, _OF_A_SNAPSHOT) or (
        isinstance(event, ev.ChannelStarted | ev.QueueJoined) and event.seen
    )


def link_lost(tracker: Tracker, event: ev.LinkLost) -> None:
    """From here on nothing is heard: every call in progress has a gap."""
    if tracker.hearing.down:
        return
    tracker.hearing.down = True
    tracker.hearing.lost_at = event.at
    for live in tracker.lives.values():
        live.gap = Gap(event.at)
        live.call.gaps.append(live.gap)
        tracker.touch(live)


def link_up(tracker: Tracker, event: ev.LinkUp) -> None:
    """The gaps end; a snapshot will tell what goes on."""
    tracker.hearing.seen = {}
    tracker.hearing.up_at = event.at
    tracker.hearing.down = False
    for live in tracker.lives.values():
        if live.gap is not None:
            live.gap.ended_at = event.at
            live.gap = None
            tracker.touch(live)


def booted(tracker: Tracker, event: ev.Booted) -> None:
    """The uptime tells a restart unless the reply that names the start itself disagrees."""
    hearing = tracker.hearing
    known, hearing.booted_at = hearing.booted_at, event.started_at
    if known is not None:
        hearing.maybe_restarted = abs(event.started_at - known) > _RESTART_TOLERANCE
    else:
        lost_at = hearing.lost_at
        hearing.maybe_restarted = lost_at is not None and event.started_at > lost_at


def status_told(tracker: Tracker, event: ev.StatusTold) -> None:
    """The start itself is told: another than before is a restart, the same is none."""
    known, tracker.hearing.boot = tracker.hearing.boot, event.started
    if known is not None:
        tracker.hearing.maybe_restarted = known != event.started
    if tracker.hearing.maybe_restarted:
        restarted(tracker)


def restarted(tracker: Tracker) -> None:
    """Another Asterisk than before: no further event of the calls it had will come."""
    tracker.hearing.maybe_restarted = False
    for live in list(tracker.lives.values()):
        if live.gap is not None:
            live.gap.ended_at = live.gap.ended_at or tracker.hearing.booted_at
        tracker.interrupt(live, None, EndedBy.SYSTEM)
    tracker.net = Net(tracker.directory)


def shut_down(tracker: Tracker, event: ev.ShutDown) -> None:
    """Asterisk said that it stops: its calls end now."""
    for live in list(tracker.lives.values()):
        tracker.interrupt(live, event.at, EndedBy.SYSTEM)
    tracker.net = Net(tracker.directory)
    tracker.hearing.booted_at = tracker.hearing.boot = None


def shown(tracker: Tracker, event: ev.ChannelStarted) -> None:
    """A channel of the snapshot: known, or begun while nothing was heard."""
    if tracker.hearing.seen is None:
        return
    tracker.hearing.seen[event.uniqueid] = event.bridge
    channel = tracker.net.channels.get(event.uniqueid)
    if channel is None:
        channel = tracker.net.start(
            event.uniqueid, event.linkedid, event.channel, event.at, event.context, event.exten
        )
        channel.shown = event
        if event.up:
            channel.up_at = event.at
        if channel.group.live is None and _looks_like_a_caller(tracker, channel, event):
            tracker.found_in_gap(channel)


def _looks_like_a_caller(tracker: Tracker, channel: Channel, event: ev.ChannelStarted) -> bool:
    if channel.role is not Role.OTHER or event.application in _RUNG:
        return False  # also a trunk's own calls out have the context of its calls in
    return (
        event.application == "Queue"
        or event.context in tracker.directory.entry_contexts
        or (event.context is not None and event.context == tracker.directory.menu_context)
    )


def channels_listed(tracker: Tracker, event: ev.ChannelsListed) -> None:
    """All channels have been shown: the others are gone, and who is with whom is known."""
    if tracker.hearing.seen is None:
        return
    for known in list(tracker.net.channels.values()):
        if known.uniqueid not in tracker.hearing.seen:
            _vanished(tracker, known, event.at)
    for uniqueid, bridge in tracker.hearing.seen.items():
        if (channel := tracker.net.channels.get(uniqueid)) is None:
            continue
        if bridge is None:
            tracker.net.leave(channel)
        elif channel.bridge != bridge:
            tracker.net.enter(channel, bridge)
    for live in list(tracker.lives.values()):
        talking.refresh(tracker, live, event.at)


def _vanished(tracker: Tracker, channel: Channel, now: int) -> None:
    """The channel ended while nothing was heard: when and by whom is not known."""
    live = channel.group.live
    if live is not None and channel is live.caller and live.phase is not Phase.ENDED:
        call = live.call
        served = bool(call.agents or call.agency_legs)
        call.outcome = Outcome.SERVED if served else Outcome.UNKNOWN
        call.ended_by = EndedBy.UNKNOWN
        live.passage = live.transfer = None
        tracker.move(live, Trigger.LOST, now)
    if live is not None:
        live.release(channel.uniqueid, None)
        live.agency_parts.pop(channel.uniqueid, None)
        tracker.touch(live)
    supervising.channel_gone(tracker, channel, None)
    tracker.net.end(channel, None, None)


def snapshot_ended(tracker: Tracker, event: ev.SnapshotEnded) -> None:
    """What comes from here on has just happened."""
    tracker.hearing.seen = None


def member_seen(tracker: Tracker, event: ev.BridgeMemberSeen) -> None:
    """A snapshot's list of a bridge: who is in it, where the list of channels did not say so."""
    channel = tracker.net.channels.get(event.uniqueid)
    if channel is not None and channel.bridge != event.bridge:
        tracker.enter_bridge(channel, event.bridge, event.at)
