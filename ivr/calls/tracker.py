"""Events become calls: `Tracker.apply` is synchronous, does no I/O and never raises on an event.

One tracker serves one Asterisk node. It returns the calls an event changed; the record of each
grows until every channel of its group is gone (`Call.closed`). Memory is bounded by the calls in
progress: nothing of a closed call stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from ivr.calls import (
    consulting,
    ending,
    gaps,
    handover,
    parking,
    supervising,
    talking,
    waiting,
)
from ivr.calls.call import OUTBOUND, Call, EndedBy, Gap, Mark, Outcome, Role
from ivr.calls.correlate import Channel, Net
from ivr.calls.directory import Directory
from ivr.calls.live import Live
from ivr.calls.transitions import TRANSITIONS, Phase, Trigger
from ivr.events import types as ev

_SAME_ACT = 250_000
"""A hang-up asked this soon (µs) after the other side left is the echo of it, not an act."""

_ORDERS: Final = frozenset({ending.STOPPING, 32})
"""Asterisk's flags for its own stop and AST_SOFTHANGUP_EXPLICIT (a command)."""

_NOT_A_NUMBER: Final = frozenset({"", "anonymous", "restricted", "unavailable", "private"})
"""What stands where a caller withholds number or name."""


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
        self.spyings: dict[str, supervising.Spying] = {}
        """Supervisor's channel → the officer's call it is at."""
        self.oddities: Counter[tuple[Phase, Trigger]] = Counter()
        """Pairs of state and trigger the table does not know, counted."""
        self._callers: dict[str, Live] = {}
        self._touched: dict[str, Live] = {}
        self.hearing = gaps.Hearing()

    def apply(self, event: ev.Event) -> list[Call]:
        """Takes one event in; returns the records it changed."""
        handler = _HANDLERS.get(type(event))
        if handler is None:
            return []
        touched = self._touched
        touched.clear()
        if self.hearing.maybe_restarted and type(event) not in gaps.BEFORE_STATUS:
            gaps.restarted(self)
        handler(self, event)
        if not touched:
            return []
        changed: list[Call] = []
        for live in touched.values():
            call = live.call
            call.revision += 1
            if event.inferred and not gaps.of_a_snapshot(event):
                call.times_inferred = True
            if live.phase is Phase.ENDED and live.group.open_channels == 0:
                self._close(live)
            changed.append(call)
        return changed

    def interrupt_all(self, at: int | None = None) -> list[Call]:
        """Ends every call in progress as interrupted: no further event of it will come."""
        self._touched.clear()
        if self.hearing.maybe_restarted:
            gaps.restarted(self)
        for live in list(self.lives.values()):
            self.interrupt(live, at, EndedBy.UNKNOWN)
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

    def enter_bridge(self, channel: Channel, bridge: str, at: int) -> None:
        """The channel is in this conversation now, and no longer in another."""
        if channel.bridge != bridge:
            self._leave(channel, channel.bridge, at)
        self.net.enter(channel, bridge)
        self._refresh_around(channel, at)

    def found_in_gap(self, channel: Channel) -> Live:
        """A caller whose start was not heard and whom a snapshot, or a queue of ours, shows."""
        shown = channel.shown
        exten = shown.exten if shown is not None else None
        if exten is None or exten not in self.directory.numbers:
            exten = next(iter(self.directory.numbers), "")
        live = self._enter(
            channel, exten, shown.number if shown else None, shown.name if shown else None
        )
        # the snapshot tells when the channel was born, not when we heard of it
        live.call.gaps.append(Gap(self.hearing.lost_at or channel.started_at, self.hearing.up_at))
        return live

    # Channels.

    def _started(self, event: ev.ChannelStarted) -> None:
        if event.seen:
            gaps.shown(self, event)
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
        set_caller(call, number, name, withheld=False)
        live = Live(call, channel, group, phase_since=channel.started_at)
        group.live = live
        self.lives[call.call_id] = live
        self._callers[channel.uniqueid] = live
        self.touch(live)
        return live

    def call_out(self, officer: Channel, called: Channel, number: str, at: int, lost: str) -> None:
        """An officer's telephone rings somebody outside for the hotline: a call of its own.

        Its caller, in the record's words, is the other party; it begins with the officer's channel.
        """
        self.net.join(officer, called)
        live = self._enter(called, number, number)
        live.called_by = officer
        call = live.call
        call.direction, call.entered_at = OUTBOUND, officer.started_at
        self.mark(live, "callback", at, lost, officer.party)

    def keep_place(self, place: Channel, at: int, lost: str) -> Live:
        """A Local channel joins a queue for a caller who is to be called back: a call of its own.

        Until an officer has taken it and the caller is rung, nobody speaks with anybody.
        """
        number = place.exten or ""
        live = self._enter(place, number, number)
        live.keeps_place = True
        live.call.direction = OUTBOUND
        self.mark(live, "callback", at, lost, None)
        return live

    def reach_out(self, live: Live, called: Channel) -> None:
        """The officer has the place, and its caller is rung: he is the caller from here on."""
        place = live.caller
        place.role = place.leg.role = Role.LOCAL
        self._callers.pop(place.uniqueid, None)
        self.net.join(place, called)
        called.role = called.leg.role = Role.CALLER
        live.caller, live.keeps_place = called, False
        self._callers[called.uniqueid] = live
        self.touch(live)

    def _declared(self, event: ev.Declared) -> None:
        """An act of the desk; told twice it is still one."""
        live = self.lives.get(event.call_id)
        if live is not None and not live.call.has_mark(event.name, event.at, event.by):
            self.mark(live, event.name, event.at, event.value, event.by)

    def _up(self, event: ev.ChannelUp) -> None:
        channel = self.net.channels.get(event.uniqueid)
        if channel is None or channel.up_at is not None:
            return
        channel.up_at = channel.leg.answered_at = event.at
        live = channel.group.live
        if live is not None:
            if live.caller is channel and not live.keeps_place:
                live.call.answered_at = event.at
            waiting.answered(self, live, event.uniqueid, event.at)
            self.touch(live)

    def _caller_id(self, event: ev.CallerIdSet) -> None:
        live = self.of_caller(event.uniqueid)
        if live is None or live.call.direction == OUTBOUND:
            return  # who was dialled is known; what comes here is what he was shown
        # What the network presented stands; later it is only told to be withheld, or completed.
        call = live.call
        number = call.caller_presented or event.number
        name = call.caller_name or event.name
        withheld = event.withheld or (event.number or "?").lower() in _NOT_A_NUMBER
        set_caller(call, number, name, withheld=withheld or call.withheld)
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
        supervising.channel_gone(self, channel, now)
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
        if event.technology == "holding_bridge":
            # Parked, or an officer of a pool at rest: many may be there, none speaks.
            if channel.bridge != event.bridge:
                self._leave(channel, channel.bridge, event.at)
            return
        self.enter_bridge(channel, event.bridge, event.at)
        consulting.agent_apart(self, channel)
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
        call.ended_by = ending.ended_by(live)
        handover.caller_gone(live, at, by_caller=call.ended_by is EndedBy.CALLER)
        talking.caller_gone(live, now)
        call.ended_at = at
        call.outcome = ending.outcome(live, self.directory, now)
        self.move(live, Trigger.HUNG_UP, now)

    def interrupt(self, live: Live, at: int | None, by: EndedBy) -> None:
        """Ends a call whose Asterisk, or whose stream, has ended."""
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
        supervising.call_gone(self, live, at)
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


def set_caller(call: Call, number: str | None, name: str | None, *, withheld: bool) -> None:
    """Who calls, as presented; nothing where number or name say that they are withheld."""
    hidden = withheld or (number or "").lower() in _NOT_A_NUMBER
    call.withheld = hidden
    call.caller_presented = None if hidden else number
    call.caller_name = None if hidden or (name or "").lower() in _NOT_A_NUMBER else name


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
    ev.Declared: Tracker._declared,
    ev.DialBegan: Tracker._dial_began,
    ev.DialEnded: Tracker._dial_ended,
    ev.BridgeEntered: Tracker._bridge_entered,
    ev.BridgeLeft: Tracker._bridge_left,
    ev.LocalPaired: Tracker._local_paired,
    ev.SpyStarted: supervising.started,
    ev.SpyStopped: supervising.stopped,
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
    ev.PickedUp: parking.picked_up,
    ev.Parked: parking.parked,
    ev.Unparked: parking.unparked,
    ev.Booted: gaps.booted,
    ev.StatusTold: gaps.status_told,
    ev.ShutDown: gaps.shut_down,
    ev.LinkLost: gaps.link_lost,
    ev.LinkUp: gaps.link_up,
    ev.BridgeMemberSeen: gaps.member_seen,
    ev.ChannelsListed: gaps.channels_listed,
    ev.SnapshotEnded: gaps.snapshot_ended,
}
