"""Which channels belong together: channels, conversations, Local pairs, and one group a call.

linkedid is not a call's identity: it changes on a blind transfer and several meet at a pick-up.
Channels are joined into groups by everything that ties them (linkedid, who rings whom, the two
halves of a Local channel, a shared bridge, a transfer), and a group that holds no call merges into
the one it meets. Two groups that each hold a caller stay two: their talk is seen, their records
are apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ivr.calls.call import Leg, Role
from ivr.calls.directory import Directory, interface_of

if TYPE_CHECKING:
    from ivr.calls.live import Live
    from ivr.events.types import ChannelStarted


@dataclass(slots=True, eq=False)
class Group:
    """Channels that belong together, and the call they serve, if they serve one."""

    channels: list[str] = field(default_factory=list)
    legs: list[Leg] = field(default_factory=list)
    linkedids: list[str] = field(default_factory=list)
    live: Live | None = None
    open_channels: int = 0


@dataclass(slots=True, eq=False)
class Channel:
    """A channel that exists now."""

    uniqueid: str
    linkedid: str
    name: str
    interface: str
    started_at: int
    group: Group
    leg: Leg
    role: Role
    party: str | None
    context: str | None
    exten: str | None
    up_at: int | None = None
    bridge: str | None = None
    pair: str | None = None
    """The other half of a Local channel."""
    dialled_by: str | None = None
    dialled: str | None = None
    """The number it was rung for, where that is known."""
    agency: str | None = None
    """The agency it was rung as, by the number dialled out or by its interface."""
    hangup_asked_at: int | None = None
    key_at: int | None = None
    """When a key was last pressed on it."""
    shown: ChannelStarted | None = None
    """What a snapshot told of it, where its start was not heard."""
    calls_back: tuple[int, str] | None = None
    """When its officer began to call a lost caller back, and the lost call's id."""
    supervises: tuple[str, str] | None = None
    """What our dialplan lets it do at an officer's call: the way, and the supervisor's number."""
    ordered: int | None = None
    """Told to hang up by a command or a stop of Asterisk; the flag that says which."""


class Net:
    """Every channel of one node and how they hang together."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.channels: dict[str, Channel] = {}
        self.bridges: dict[str, set[str]] = {}
        self._by_linkedid: dict[str, Group] = {}
        self._local_halves: dict[str, str] = {}

    def start(
        self, uniqueid: str, linkedid: str, name: str, at: int, context: str | None,
        exten: str | None,
    ) -> Channel:  # fmt: skip
        """A new channel, in the group of its linkedid or in a new one."""
        interface = interface_of(name)
        role, party = self._who(name, interface)
        leg = Leg(uniqueid, name, role, party, at)
        group = self._by_linkedid.get(linkedid)
        if group is None:
            group = self._by_linkedid[linkedid] = Group(linkedids=[linkedid])
        channel = Channel(
            uniqueid, linkedid, name, interface, at, group, leg, role, party, context, exten
        )
        group.channels.append(uniqueid)
        group.legs.append(leg)
        group.open_channels += 1
        self.channels[uniqueid] = channel
        if role is Role.LOCAL:
            # The two halves are born one after the other under the same name.
            stem = name.rpartition(";")[0]
            other = self._local_halves.pop(stem, None)
            if other is None:
                self._local_halves[stem] = uniqueid
            else:
                self.pair(uniqueid, other)
        return channel

    def _who(self, name: str, interface: str) -> tuple[Role, str | None]:
        if name.startswith("Local/"):
            return Role.LOCAL, None
        agent = self.directory.agent(interface)
        if agent is not None:
            return Role.AGENT, agent
        agency = self.directory.agency(None, interface)
        if agency is not None:
            return Role.AGENCY, agency
        return Role.OTHER, None

    def rename(self, channel: Channel, name: str) -> None:
        """After a masquerade the channel is the device its new name says."""
        interface = interface_of(name)
        if "<" in name or interface == channel.interface:
            return
        channel.name, channel.interface = name, interface
        if channel.role is not Role.CALLER:
            channel.role, channel.party = self._who(name, interface)
            channel.leg.channel, channel.leg.role = name, channel.role
            channel.leg.party = channel.party

    def end(self, channel: Channel, at: int | None, cause: int | None) -> None:
        """The channel is gone; its group lives on while another channel of it does."""
        uniqueid = channel.uniqueid
        self.leave(channel)
        channel.leg.ended_at, channel.leg.cause = at, cause
        del self.channels[uniqueid]
        if channel.role is Role.LOCAL:
            self._local_halves.pop(channel.name.rpartition(";")[0], None)
        if channel.pair and (other := self.channels.get(channel.pair)):
            other.pair = None
        group = channel.group
        group.open_channels -= 1
        if group.open_channels == 0:
            for linkedid in group.linkedids:
                if self._by_linkedid.get(linkedid) is group:
                    del self._by_linkedid[linkedid]

    def enter(self, channel: Channel, bridge: str) -> None:
        """The channel joins a conversation, leaving the one it may have been in."""
        if channel.bridge and channel.bridge != bridge:
            self.leave(channel)
        channel.bridge = bridge
        self.bridges.setdefault(bridge, set()).add(channel.uniqueid)

    def leave(self, channel: Channel, bridge: str | None = None) -> None:
        """The channel leaves its conversation (of that name, if one is given)."""
        if channel.bridge is None or (bridge is not None and channel.bridge != bridge):
            return
        members = self.bridges.get(channel.bridge)
        if members is not None:
            members.discard(channel.uniqueid)
            if not members:
                del self.bridges[channel.bridge]
        channel.bridge = None

    def pair(self, one: str, two: str) -> None:
        """Two channels are the halves of one Local channel."""
        a, b = self.channels.get(one), self.channels.get(two)
        if a and b:
            a.pair, b.pair = two, one
            self.join(a, b)

    def join(self, one: Channel, two: Channel) -> Group:
        """Both channels belong together from here on; returns the group of the first."""
        a, b = one.group, two.group
        if a is b or (a.live is not None and b.live is not None):
            return a
        if b.live is not None or (a.live is None and len(b.channels) > len(a.channels)):
            a, b = b, a
        for uniqueid in b.channels:
            if member := self.channels.get(uniqueid):
                member.group = a
        a.channels.extend(b.channels)
        a.legs.extend(b.legs)
        a.open_channels += b.open_channels
        for linkedid in b.linkedids:
            if linkedid not in a.linkedids:
                a.linkedids.append(linkedid)
            self._by_linkedid[linkedid] = a
        return a

    def conversation(self, channel: Channel) -> list[Channel]:
        """Who speaks with this channel now, through bridges and Local pairs; Locals left out."""
        if channel.bridge is None and channel.pair is None:
            return []
        seen = {channel.uniqueid}
        todo = [channel]
        found: list[Channel] = []
        while todo:
            here = todo.pop()
            neighbours: set[str] = set()
            if here.bridge:
                neighbours |= self.bridges.get(here.bridge, set())
            if here.pair:
                neighbours.add(here.pair)
            for uniqueid in neighbours - seen:
                seen.add(uniqueid)
                other = self.channels.get(uniqueid)
                if other is None:
                    continue
                todo.append(other)
                if other.role is not Role.LOCAL:
                    found.append(other)
        return found
