"""Events become calls: `Tracker.apply` is synchronous, does no I/O and never raises on an event.

One tracker serves one Asterisk node. It returns the calls an event changed; the record of each
grows until every channel of its group is gone (`Call.closed`). Memory is bounded by the calls in
progress: nothing of a closed call stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from ivr.calls import handover, talking, waiting
from ivr.calls.call import Call, EndedBy, Gap, Mark, Outcome, PassageOutcome, Role
from ivr.calls.correlate import Channel, Net
from ivr.calls.directory import Directory
from ivr.calls.live import Live
from ivr.calls.transitions import TRANSITIONS, Phase, Trigger
from ivr.events import types as ev

_RESTART_TOLERANCE = 1_200_000
"""Two uptimes give the same start within this (µs): Asterisk tells them in whole seconds."""

_BEFORE_STATUS: Final = frozenset({ev.LinkUp, ev.Booted, ev.StatusTold, ev.LinkLost})
"""What is heard of a new connection before it says when Asterisk started."""

_OF_A_SNAPSHOT: Final = (*_BEFORE_STATUS, ev.ChannelsListed, ev.BridgeMemberSeen, ev.SnapshotEnded)
"""What has no time of its own; the gap on the record says so, not each of its times."""

_SAME_ACT = 250_000
"""A hang-up asked this soon (µs) after the other side left is the echo of it, not an act."""

_RUNG: Final = frozenset({"AppDial", "AppDial2", "AppQueue"})
"""What a channel runs that Asterisk itself rang."""

_STOPPING: Final = 4
_ORDERS: Final = frozenset({_STOPPING, 32})
"""Asterisk's flags AST_SOFTHANGUP_SHUTDOWN and AST_SOFTHANGUP_EXPLICIT (a command)."""

_NOT_A_NUMBER: Final = frozenset({"", "anonymous", "restricted", "unavailable", "private"})
"""What stands where a caller withholds number or name."""

_ENDED_BY: Final[dict[Role, EndedBy]] = {
    Role.CALLER: EndedBy.CALLER,
    Role.AGENT: EndedBy.AGENT,
    Role.AGENCY: EndedBy.AGENCY,
    Role.OTHER: EndedBy.AGENCY,
}


class Tracker:
    """The calls of one node, rebuilt from its events in the order they were sent."""

    def __init__(self, node: str, directory: Directory) -> None:
        self.node = node
        self.directory = directory
        self.net = Net(directory)
        self.lives: dict[str, Live] = {}
        """Calls in progress by call id."""
        self.busy: dict[str, list[Live]] = {}
        """Officer → calls in progress they have joined."""
        self.queue_of: dict[str, Live] = {}
        """Channel that stands in a queue → its call."""
        self.oddities: Counter[tuple[Phase, Trigger]] = Counter()
        """Pairs of state and trigger the table does not know, counted."""
        self._callers: dict[str, Live] = {}
        self._touched: dict[str, Live] = {}
        self._booted_at: int | None = None
        self._boot: str | None = None
        self._maybe_restarted = False
        self._lost_at: int | None = None
        self._up_at: int | None = None
        self._down = False
        self._seen: dict[str, str | None] | None = None

    def apply(self, event: ev.Event) -> list[Call]:
        """Takes one event in; returns the records it changed."""
        handler = _HANDLERS.get(type(event))
        if handler is None:
            return []
        touched = self._touched
        touched.clear()
        if self._maybe_restarted and type(event) not in _BEFORE_STATUS:
            self._restarted()
        handler(self, event)
        if not touched:
            return []
        changed: list[Call] = []
        for live in touched.values():
            call = live.call
            call.revision += 1
            if event.inferred and not _of_a_snapshot(event):
                call.times_inferred = True
            if live.phase is Phase.ENDED and live.group.open_channels == 0:
                self._close(live)
            changed.append(call)
        return changed

    def interrupt_all(self, at: int | None = None) -> list[Call]:
        """Ends every call in progress as interrupted: no further event of it will come."""
        self._touched.clear()
        if self._maybe_restarted:
            self._restarted()
        for live in list(self.lives.values()):
            self._interrupt(live, at, EndedBy.UNKNOWN)
        changed = [live.call for live in self._touched.values()]
        for call in changed:
            call.revision += 1
        return changed

    # What the other modules of this room ask.

    def touch(self, live: Live) -> None:
        """The record of this call has changed."""
        self._touched[live.call.call_id] = live

    def move(self, live: Live, trigger: Trigger, at: int) -> None:
        """Takes the caller to the next state, or counts a trigger that does not fit."""
        target = TRANSITIONS.get((live.phase, trigger))
        if target is None:
            self.oddities[live.phase, trigger] += 1
        elif target is not live.phase:
            live.phase, live.phase_since = target, at

    def of_channel(self, uniqueid: str) -> Live | None:
        """The call this channel belongs to."""
        channel = self.net.channels.get(uniqueid)
        return channel.group.live if channel is not None else None

    def of_caller(self, uniqueid: str) -> Live | None:
        """The call whose caller this channel is."""
        return self._callers.get(uniqueid)

    def with_agent(self, agent: str) -> Live | None:
        """The call an officer is in."""
        lives = [
            live
            for live in self.busy.get(agent, ())
            if any(part.agent == agent for part in live.parts.values())
        ]
        # Of two callers he speaks for the one he has put on hold.
        waiting = [x for x in lives if any(hold.by == agent for hold in x.holds.values())]
        found = waiting or lives
        return found[-1] if found else None

    def mark(self, live: Live, name: str, at: int, value: str, by: str | None) -> None:
        """Keeps a marker on the record."""
        live.call.marks.append(Mark(name, at, value, by))
        self.touch(live)

    def found_in_gap(self, channel: Channel) -> Live:
        """A caller whose start was not heard and whom a snapshot, or a queue of ours, shows."""
        shown = channel.shown
        exten = shown.exten if shown is not None else None
        if exten is None or exten not in self.directory.numbers:
            exten = min(self.directory.numbers, default="")
        live = self._enter(
            channel, exten, shown.number if shown else None, shown.name if shown else None
        )
        # the snapshot tells when the channel was born, not when we heard of it
        live.call.gaps.append(Gap(self._lost_at or channel.started_at, self._up_at))
        return live

    # Channels.

    def _started(self, event: ev.ChannelStarted) -> None:
        if event.seen:
            self._shown(event)
            return
        if event.uniqueid in self.net.channels:
            return
        channel = self.net.start(
            event.uniqueid, event.linkedid, event.channel, event.at, event.context, event.exten
        )
        if event.up:
            channel.up_at = channel.leg.answered_at = event.at
        if self.directory.is_hotline(event.context, event.exten):
            self._enter(channel, event.exten or "", event.number, event.name)
        elif channel.group.live is not None:
            self.touch(channel.group.live)

    def _enter(
        self, channel: Channel, dialled: str, number: str | None = None, name: str | None = None
    ) -> Live:
        group = channel.group
        call = Call(
            call_id=f"{self.node}-{channel.linkedid}",
            node=self.node,
            linkedids=group.linkedids,
            dialled=dialled,
            entered_at=channel.started_at,
            legs=group.legs,
            answered_at=channel.up_at,
        )
        channel.role = channel.leg.role = Role.CALLER
        _set_caller(call, number, name, withheld=False)
        live = Live(call, channel, group, phase_since=channel.started_at)
        group.live = live
        self.lives[call.call_id] = live
        self._callers[channel.uniqueid] = live
        self.touch(live)
        return live

    def _up(self, event: ev.ChannelUp) -> None:
        channel = self.net.channels.get(event.uniqueid)
        if channel is None or channel.up_at is not None:
            return
        channel.up_at = channel.leg.answered_at = event.at
        live = channel.group.live
        if live is not None:
            if live.caller is channel:
                live.call.answered_at = event.at
            waiting.answered(self, live, event.uniqueid, event.at)
            self.touch(live)

    def _caller_id(self, event: ev.CallerIdSet) -> None:
        live = self.of_caller(event.uniqueid)
        if live is None:
            return
        # What the network presented stands; later it is only told to be withheld, or completed.
        call = live.call
        number = call.caller_presented or event.number
        name = call.caller_name or event.name
        _set_caller(call, number, name, withheld=event.withheld or call.withheld)
        self.touch(live)

    def _renamed(self, event: ev.ChannelRenamed) -> None:
        channel = self.net.channels.get(event.uniqueid)
        if channel is not None:
            self.net.rename(channel, event.channel)

    def _hangup_asked(self, event: ev.HangupRequested) -> None:
        channel = self.net.channels.get(event.uniqueid)
        if channel is None or channel.hangup_asked_at is not None:
            return
        live = self._callers.get(event.uniqueid)
        if live is not None and live.emptied and event.at - live.emptied[0] < _SAME_ACT:
            return  # the echo of the other side's leaving
        channel.hangup_asked_at = event.at

    def _hangup_ordered(self, event: ev.HangupOrdered) -> None:
        """By a command, or because Asterisk stops; whatever else it orders is housekeeping."""
        channel = self.net.channels.get(event.uniqueid)
        if channel is not None and channel.hangup_asked_at is None and event.cause in _ORDERS:
            channel.ordered = event.cause

    def _ended(self, event: ev.ChannelEnded) -> None:
        channel = self.net.channels.get(event.uniqueid)
        if channel is not None:
            self._end(channel, event.at, event.cause, event.at)

    def _end(self, channel: Channel, at: int | None, cause: int | None, now: int) -> None:
        self._leave(channel, channel.bridge, now)
        live = channel.group.live
        self.net.end(channel, at, cause)
        if live is None:
            return
        self.touch(live)
        waiting.ringer_gone(self, live, channel.uniqueid, cause, now)
        handover.leg_gone(self, live, channel.uniqueid, now)
        talking.gone(self, live, channel, now)
        if channel is live.caller and live.phase is not Phase.ENDED:
            self._finish(live, at, now)

    # Conversations.

    def _bridge_entered(self, event: ev.BridgeEntered) -> None:
        channel = self.net.channels.get(event.uniqueid)
        if channel is None:
            return
        if channel.bridge and channel.bridge != event.bridge:
            self._leave(channel, channel.bridge, event.at)
        if event.technology == "holding_bridge":
            return  # parked, or an officer of a pool at rest: many may be there, none speaks
        self.net.enter(channel, event.bridge)
        self._refresh_around(channel, event.at)
        handover.agent_apart(self, channel)
        if event.technology == "softmix" and channel.role is Role.CALLER:
            handover.room_entered(self, channel, event.at)

    def _bridge_left(self, event: ev.BridgeLeft) -> None:
        channel = self.net.channels.get(event.uniqueid)
        if channel is not None:
            self._leave(channel, event.bridge, event.at)

    def _leave(self, channel: Channel, bridge: str | None, at: int) -> None:
        if channel.bridge is None or channel.bridge != bridge:
            return
        around = self._callers_around(channel)
        self.net.leave(channel)
        for live in around:
            talking.refresh(self, live, at)

    def _callers_around(self, channel: Channel) -> list[Live]:
        found = [
            live
            for other in self.net.conversation(channel)
            if other.role is Role.CALLER and (live := self._callers.get(other.uniqueid))
        ]
        if channel.role is Role.CALLER and (own := self._callers.get(channel.uniqueid)):
            found.append(own)
        return found

    def _refresh_around(self, channel: Channel, at: int) -> None:
        for live in self._callers_around(channel):
            talking.refresh(self, live, at)

    def _local_paired(self, event: ev.LocalPaired) -> None:
        self.net.pair(event.one, event.two)
        channel = self.net.channels.get(event.one)
        if channel is not None:
            self._refresh_around(channel, event.at)

    def _dial_began(self, event: ev.DialBegan) -> None:
        handover.dial_began(self, event)
        waiting.rung_through(self, event)

    def _dial_ended(self, event: ev.DialEnded) -> None:
        if not waiting.dial_ended(self, event):
            handover.dial_ended(self, event)

    # The end of a call.

    def _finish(self, live: Live, at: int | None, now: int) -> None:
        call = live.call
        waiting.settle(live, hung_up_at=now)
        call.ended_by = _ended_by(live)
        handover.caller_gone(live, at, by_caller=call.ended_by is EndedBy.CALLER)
        talking.caller_gone(live, now)
        call.ended_at = at
        call.outcome = self._outcome(live, now)
        self.move(live, Trigger.HUNG_UP, now)

    def _outcome(self, live: Live, now: int) -> Outcome:
        call = live.call
        if live.caller.ordered == _STOPPING:
            return Outcome.INTERRUPTED
        if call.agents or call.agency_legs:
            return Outcome.SERVED
        if call.passages:
            last = call.passages[-1]
            if last.outcome is PassageOutcome.ABANDONED:
                waited = sum((p.left_at or now) - p.joined_at for p in call.passages)
                short = waited < self.directory.short_wait_seconds * 1_000_000
                return Outcome.SHORT if short else Outcome.ABANDONED_QUEUE
            if last.outcome is PassageOutcome.TIMEOUT:
                return Outcome.QUEUE_TIMEOUT
            return Outcome.ABANDONED_MENU
        if call.ended_by is EndedBy.CALLER:
            short = now - call.entered_at < self.directory.short_call_seconds * 1_000_000
            return Outcome.SHORT if short else Outcome.ABANDONED_MENU
        if any(mark.name == "guide" for mark in call.marks):
            return Outcome.SERVED
        return Outcome.FAILED

    def _interrupt(self, live: Live, at: int | None, by: EndedBy) -> None:
        call = live.call
        if live.phase is not Phase.ENDED:
            call.outcome, call.ended_by, call.ended_at = Outcome.INTERRUPTED, by, at
            self.move(live, Trigger.LOST, at or live.phase_since)
        for uniqueid in list(live.group.channels):
            if channel := self.net.channels.get(uniqueid):
                self.net.end(channel, at, None)
        live.group.open_channels = 0
        if at is not None:
            for uniqueid in list(live.parts):
                live.release(uniqueid, at)
            for leg in live.agency_parts.values():
                leg.released_at = at
        self.touch(live)
        self._close(live)

    def _close(self, live: Live) -> None:
        live.call.closed = True
        uniqueid = live.caller.uniqueid
        self.lives.pop(live.call.call_id, None)
        self._callers.pop(uniqueid, None)
        for key in live.queue_keys:
            self.queue_of.pop(key, None)
        for agent in {p.agent for p in live.call.agents}:
            lives = [x for x in self.busy.get(agent, ()) if x is not live]
            if lives:
                self.busy[agent] = lives
            else:
                self.busy.pop(agent, None)
        live.group.live = None

    # Gaps: a broken link, a restart, and the snapshot that follows.

    def _link_lost(self, event: ev.LinkLost) -> None:
        if self._down:
            return
        self._down = True
        self._lost_at = event.at
        for live in self.lives.values():
            live.gap = Gap(event.at)
            live.call.gaps.append(live.gap)
            self.touch(live)

    def _link_up(self, event: ev.LinkUp) -> None:
        self._seen = {}
        self._up_at = event.at
        self._down = False
        for live in self.lives.values():
            if live.gap is not None:
                live.gap.ended_at = event.at
                live.gap = None
                self.touch(live)

    def _booted(self, event: ev.Booted) -> None:
        """The uptime tells a restart unless the reply that names the start itself disagrees."""
        known, self._booted_at = self._booted_at, event.started_at
        if known is not None:
            self._maybe_restarted = abs(event.started_at - known) > _RESTART_TOLERANCE
        else:
            self._maybe_restarted = self._lost_at is not None and event.started_at > self._lost_at

    def _status_told(self, event: ev.StatusTold) -> None:
        known, self._boot = self._boot, event.started
        if known is not None:
            self._maybe_restarted = known != event.started
        if self._maybe_restarted:
            self._restarted()

    def _restarted(self) -> None:
        """Another Asterisk than before: no further event of the calls it had will come."""
        self._maybe_restarted = False
        for live in list(self.lives.values()):
            if live.gap is not None:
                live.gap.ended_at = live.gap.ended_at or self._booted_at
            self._interrupt(live, None, EndedBy.SYSTEM)
        self.net = Net(self.directory)

    def _shut_down(self, event: ev.ShutDown) -> None:
        for live in list(self.lives.values()):
            self._interrupt(live, event.at, EndedBy.SYSTEM)
        self.net = Net(self.directory)
        self._booted_at = self._boot = None

    def _shown(self, event: ev.ChannelStarted) -> None:
        if self._seen is None:
            return
        self._seen[event.uniqueid] = event.bridge
        channel = self.net.channels.get(event.uniqueid)
        if channel is None:
            channel = self.net.start(
                event.uniqueid, event.linkedid, event.channel, event.at, event.context, event.exten
            )
            channel.shown = event
            if event.up:
                channel.up_at = event.at
            if channel.group.live is None and self._looks_like_a_caller(channel, event):
                self.found_in_gap(channel)

    def _looks_like_a_caller(self, channel: Channel, event: ev.ChannelStarted) -> bool:
        if channel.role is not Role.OTHER or event.application in _RUNG:
            return False  # also a trunk's own calls out have the context of its calls in
        return (
            event.application == "Queue"
            or event.context in self.directory.entry_contexts
            or (event.context is not None and event.context == self.directory.menu_context)
        )

    def _channels_listed(self, event: ev.ChannelsListed) -> None:
        if self._seen is None:
            return
        for known in list(self.net.channels.values()):
            if known.uniqueid not in self._seen:
                self._vanished(known, event.at)
        for uniqueid, bridge in self._seen.items():
            if (channel := self.net.channels.get(uniqueid)) is None:
                continue
            if bridge is None:
                self.net.leave(channel)
            elif channel.bridge != bridge:
                self.net.enter(channel, bridge)
        for live in list(self.lives.values()):
            talking.refresh(self, live, event.at)

    def _vanished(self, channel: Channel, now: int) -> None:
        """The channel ended while nothing was heard: when and by whom is not known."""
        live = channel.group.live
        if live is not None and channel is live.caller and live.phase is not Phase.ENDED:
            call = live.call
            served = bool(call.agents or call.agency_legs)
            call.outcome = Outcome.SERVED if served else Outcome.UNKNOWN
            call.ended_by = EndedBy.UNKNOWN
            live.passage = None
            if live.transfer is not None:
                live.transfer = None
            self.move(live, Trigger.LOST, now)
        if live is not None:
            live.release(channel.uniqueid, None)
            live.agency_parts.pop(channel.uniqueid, None)
            self.touch(live)
        self.net.end(channel, None, None)

    def _snapshot_ended(self, event: ev.SnapshotEnded) -> None:
        self._seen = None


def _ended_by(live: Live) -> EndedBy:
    if live.caller.hangup_asked_at is not None:
        return EndedBy.CALLER
    if live.emptied is None or live.caller.ordered:
        return EndedBy.SYSTEM
    if live.transfer is not None or live.parked_at is not None:
        return EndedBy.SYSTEM  # whoever left had only handed the caller on
    last = live.emptied[1]
    if last.ordered and last.hangup_asked_at is None:
        return EndedBy.SYSTEM
    return _ENDED_BY.get(last.role, EndedBy.SYSTEM)


def _set_caller(call: Call, number: str | None, name: str | None, *, withheld: bool) -> None:
    hidden = withheld or (number or "").lower() in _NOT_A_NUMBER
    call.withheld = hidden
    call.caller_presented = None if hidden else number
    call.caller_name = None if (name or "").lower() in _NOT_A_NUMBER else name


def _of_a_snapshot(event: ev.Event) -> bool:
    return isinstance(event, _OF_A_SNAPSHOT) or (
        isinstance(event, ev.ChannelStarted | ev.QueueJoined) and event.seen
    )


_HANDLERS: Final[dict[type[ev.Event], Callable[[Tracker, Any], None]]] = {
    ev.ChannelStarted: Tracker._started,
    ev.ChannelUp: Tracker._up,
    ev.CallerIdSet: Tracker._caller_id,
    ev.ChannelRenamed: Tracker._renamed,
    ev.ChannelEnded: Tracker._ended,
    ev.HangupRequested: Tracker._hangup_asked,
    ev.HangupOrdered: Tracker._hangup_ordered,
    ev.KeyPressed: waiting.key_pressed,
    ev.Placed: waiting.placed,
    ev.Marked: waiting.marked,
    ev.DialBegan: Tracker._dial_began,
    ev.DialEnded: Tracker._dial_ended,
    ev.BridgeEntered: Tracker._bridge_entered,
    ev.BridgeLeft: Tracker._bridge_left,
    ev.LocalPaired: Tracker._local_paired,
    ev.HoldStarted: talking.held,
    ev.HoldEnded: talking.unheld,
    ev.QueueJoined: waiting.joined,
    ev.QueueLeft: waiting.left,
    ev.QueueAbandoned: waiting.abandoned,
    ev.AgentCalled: waiting.rang,
    ev.AgentConnected: waiting.connected,
    ev.AgentRangOut: waiting.rang_out,
    ev.BlindTransferred: handover.blind,
    ev.AttendedTransferred: handover.attended,
    ev.PickedUp: handover.picked_up,
    ev.Parked: handover.parked,
    ev.Unparked: handover.unparked,
    ev.Booted: Tracker._booted,
    ev.StatusTold: Tracker._status_told,
    ev.ShutDown: Tracker._shut_down,
    ev.LinkLost: Tracker._link_lost,
    ev.LinkUp: Tracker._link_up,
    ev.ChannelsListed: Tracker._channels_listed,
    ev.SnapshotEnded: Tracker._snapshot_ended,
}
