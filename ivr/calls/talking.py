"""The caller in conversation: officers' parts, agencies' legs, holds.

Who speaks with the caller is read from the bridges themselves, through Local channels, so that a
queue, a pick-up, a fetched parking, a conference and a transfer are all the same to this module:
somebody joined the caller, or left. An officer who leaves is released only when the device hangs
up or a transfer says so; one who comes back was consulting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ivr.calls import consulting, handover
from ivr.calls.call import AgencyLeg, AgentPart, Hold, Role
from ivr.calls.correlate import Channel
from ivr.calls.live import Live
from ivr.calls.transitions import Trigger
from ivr.calls.waiting import answered_unasked
from ivr.events import types as ev

if TYPE_CHECKING:
    from ivr.calls.tracker import Tracker

_NOT_A_PARTY = (
    "CBAnn/", "CBRec/", "Announcer/", "Recorder/", "Bridge/", "Surrogate/", "Message/",
    "Snoop/", "UnicastRTP/", "MulticastRTP/", "AudioSocket/", "WebSocket/",
)  # fmt: skip
"""Channels that Asterisk makes for itself, or a recorder or listener for his."""


def refresh(tracker: Tracker, live: Live, at: int) -> None:
    """Sees who has joined or left the caller since the last look."""
    if live.keeps_place:
        return
    now = {
        c.uniqueid: c
        for c in tracker.net.conversation(live.caller)
        if not c.name.startswith(_NOT_A_PARTY)
    }
    before = live.talking_with
    if now.keys() == before.keys():
        return
    live.talking_with = now
    for uniqueid, channel in now.items():
        if uniqueid not in before:
            _arrived(tracker, live, channel, at)
    for uniqueid, channel in before.items():
        if uniqueid not in now:
            live.left_at[uniqueid] = at
            if not now:
                live.emptied = (at, channel)
    if before and not now:
        tracker.move(live, Trigger.ALONE, at)
    tracker.touch(live)


def _arrived(tracker: Tracker, live: Live, channel: Channel, at: int) -> None:
    tracker.net.join(live.caller, channel)
    live.emptied = None
    if channel.role is Role.CALLER:
        return
    if channel.role is Role.AGENT and channel.party is not None:
        _agent_arrived(tracker, live, channel, channel.party, at)
    else:
        _other_arrived(tracker, live, channel, at)


def _agent_arrived(tracker: Tracker, live: Live, channel: Channel, agent: str, at: int) -> None:
    uniqueid = channel.uniqueid
    if uniqueid in live.parts:
        live.left_at.pop(uniqueid, None)
        consulting.agent_back(tracker, live, uniqueid, at)
    else:
        live.promised = None
        part = AgentPart(agent, at)
        live.parts[uniqueid] = part
        live.call.agents.append(part)
        tracker.busy.setdefault(agent, []).append(live)
        answered_unasked(live, agent, at)
    handover.joined_after_transfer(live, channel, at)
    tracker.move(live, Trigger.AGENT_JOINED, at)


def _other_arrived(tracker: Tracker, live: Live, channel: Channel, at: int) -> None:
    uniqueid = channel.uniqueid
    if uniqueid in live.agency_parts:
        live.left_at.pop(uniqueid, None)
    else:
        number = handover.number_of(live, channel)
        agency = (
            tracker.directory.agency(number, channel.interface)
            or channel.agency
            or (channel.party if channel.role is Role.AGENCY else None)
        )
        channel.leg.role = Role.AGENCY if agency else channel.role
        channel.leg.party = agency or number
        leg = AgencyLeg(agency, number or tracker.directory.agent_id(channel.interface), at)
        live.agency_parts[uniqueid] = leg
        live.call.agency_legs.append(leg)
        if agency and live.transfer and not tracker.directory.agency(live.transfer.target):
            live.transfer.agency = agency  # of several that were rung, the one who answered
    handover.joined_after_transfer(live, channel, at)
    tracker.move(live, Trigger.AGENCY_JOINED, at)


def gone(tracker: Tracker, live: Live, channel: Channel, at: int) -> None:
    """A party's channel has ended: its part ended when it left the caller."""
    uniqueid = channel.uniqueid
    left = live.left_at.pop(uniqueid, at)
    if live.promised is not None and live.promised[0] == uniqueid:
        # Answered and hung up in one breath: the queue counts it, no conversation came of it.
        _, agent, connected_at = live.promised
        live.promised = None
        live.call.agents.append(AgentPart(agent, connected_at, at))
        live.emptied = (at, channel)
    if live.release(uniqueid, left):
        tracker.touch(live)
    if live.release_agency(uniqueid, left):
        tracker.touch(live)


def caller_gone(live: Live, at: int) -> None:
    """Without a caller nobody has a part: it ended with the call, or earlier for who had left."""
    for uniqueid in list(live.parts):
        left = at if uniqueid in live.consults else live.left_at.get(uniqueid, at)
        live.release(uniqueid, left)


def held(tracker: Tracker, event: ev.HoldStarted) -> None:
    """An officer's device put the caller on hold."""
    live = tracker.of_channel(event.uniqueid)
    part = live.parts.get(event.uniqueid) if live is not None else None
    if live is None or part is None or event.uniqueid in live.holds:
        return
    hold = Hold(part.agent, event.at)
    live.holds[event.uniqueid] = hold
    live.call.holds.append(hold)
    tracker.move(live, Trigger.HELD, event.at)
    tracker.touch(live)


def unheld(tracker: Tracker, event: ev.HoldEnded) -> None:
    """An officer's device took the caller off hold."""
    live = tracker.of_channel(event.uniqueid)
    if live is not None and live.end_hold(event.uniqueid, event.at):
        tracker.move(live, Trigger.UNHELD, event.at)
        tracker.touch(live)
