"""What Asterisk said, as typed facts: one frozen class per kind of event the bridge needs.

`at` is Asterisk's own time in microseconds since the epoch (UTC); `inferred` is true where the
message carried none and the time of arrival stands in. Channels are named by their uniqueid.
Missing values are `None`, never an empty string.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on one node at one time."""

    at: int
    inferred: bool


@dataclass(frozen=True, slots=True)
class ChannelEvent(Event):
    """Something that happened to one channel."""

    uniqueid: str


@dataclass(frozen=True, slots=True)
class ChannelStarted(ChannelEvent):
    """A channel came into being (Newchannel), or the snapshot shows it (CoreShowChannel)."""

    linkedid: str
    channel: str
    up: bool
    number: str | None
    name: str | None
    context: str | None
    exten: str | None
    seen: bool = False
    """From a snapshot: the start itself was not heard; `at` is then the channel's own age."""
    bridge: str | None = None
    """Snapshot only: the bridge it is in."""
    application: str | None = None
    """Snapshot only: what it runs."""


@dataclass(frozen=True, slots=True)
class ChannelUp(ChannelEvent):
    """A channel was answered (Newstate to Up)."""


@dataclass(frozen=True, slots=True)
class CallerIdSet(ChannelEvent):
    """The caller's identity changed or its presentation became known (NewCallerid)."""

    number: str | None
    name: str | None
    withheld: bool


@dataclass(frozen=True, slots=True)
class ChannelRenamed(ChannelEvent):
    """A channel took another's name in a masquerade (Rename)."""

    channel: str


@dataclass(frozen=True, slots=True)
class Placed(ChannelEvent):
    """A channel runs an extension of a watched context (Newexten)."""

    context: str
    exten: str


@dataclass(frozen=True, slots=True)
class KeyPressed(ChannelEvent):
    """A DTMF digit ended (DTMFEnd, received)."""

    digit: str
    context: str | None


@dataclass(frozen=True, slots=True)
class DialBegan(Event):
    """One channel rings another (DialBegin); `uniqueid` is `None` for a call nobody asked for."""

    uniqueid: str | None
    target: str
    target_channel: str
    dial_string: str | None


@dataclass(frozen=True, slots=True)
class DialEnded(Event):
    """A ringing ended (DialEnd); status as Asterisk says it: ANSWER, BUSY, NOANSWER, CANCEL, …"""

    uniqueid: str | None
    target: str
    status: str


@dataclass(frozen=True, slots=True)
class BridgeEntered(ChannelEvent):
    """A channel joined a conversation (BridgeEnter)."""

    bridge: str
    technology: str | None
    swap: str | None


@dataclass(frozen=True, slots=True)
class BridgeLeft(ChannelEvent):
    """A channel left a conversation (BridgeLeave)."""

    bridge: str


@dataclass(frozen=True, slots=True)
class HoldStarted(ChannelEvent):
    """The device of this channel put its other side on hold (Hold)."""


@dataclass(frozen=True, slots=True)
class HoldEnded(ChannelEvent):
    """The device of this channel took its other side off hold (Unhold)."""


@dataclass(frozen=True, slots=True)
class HangupRequested(ChannelEvent):
    """The device of this channel asked to end (HangupRequest)."""


@dataclass(frozen=True, slots=True)
class HangupOrdered(ChannelEvent):
    """Asterisk itself asked this channel to end (SoftHangupRequest).

    `cause` is Q.850 or, for a person's command and a stop of Asterisk, its own flag (32, 4).
    """

    cause: int | None


@dataclass(frozen=True, slots=True)
class ChannelEnded(ChannelEvent):
    """A channel is gone (Hangup); cause is Q.850."""

    cause: int | None


@dataclass(frozen=True, slots=True)
class QueueJoined(ChannelEvent):
    """A caller joined a queue (QueueCallerJoin)."""

    queue: str
    position: int | None
    seen: bool = False
    """From a snapshot (QueueEntry): `at` is derived from the wait it reports."""


@dataclass(frozen=True, slots=True)
class QueueLeft(ChannelEvent):
    """A caller left a queue (QueueCallerLeave)."""

    queue: str


@dataclass(frozen=True, slots=True)
class QueueAbandoned(ChannelEvent):
    """A caller hung up in a queue (QueueCallerAbandon)."""

    queue: str


@dataclass(frozen=True, slots=True)
class AgentCalled(ChannelEvent):
    """A queue rings a member for a caller (AgentCalled); `uniqueid` is the caller."""

    queue: str
    interface: str
    target: str | None


@dataclass(frozen=True, slots=True)
class AgentConnected(ChannelEvent):
    """A queue joined a caller and a member (AgentConnect)."""

    queue: str
    interface: str
    target: str | None


@dataclass(frozen=True, slots=True)
class AgentRangOut(ChannelEvent):
    """A queue gave up ringing a member (AgentRingNoAnswer)."""

    queue: str
    interface: str
    target: str | None


@dataclass(frozen=True, slots=True)
class BlindTransferred(Event):
    """A party handed its peer to an extension (BlindTransfer)."""

    transferer: str
    transferee: str | None
    bridge: str | None
    exten: str
    context: str | None
    ok: bool


@dataclass(frozen=True, slots=True)
class AttendedTransferred(Event):
    """A party joined its two conversations and left them (AttendedTransfer)."""

    first: str
    second: str
    first_bridge: str | None
    second_bridge: str | None
    transferee: str | None
    target: str | None
    dest_type: str | None
    local_one: str | None
    local_two: str | None
    ok: bool


@dataclass(frozen=True, slots=True)
class PickedUp(ChannelEvent):
    """A channel took a call that rings another (Pickup); `target` is the ringing one."""

    target: str


@dataclass(frozen=True, slots=True)
class Parked(ChannelEvent):
    """A channel was parked (ParkedCall)."""

    space: str | None


@dataclass(frozen=True, slots=True)
class Unparked(ChannelEvent):
    """A parked channel was fetched, timed out or gave up."""

    retriever: str | None
    how: str
    """`fetched`, `timeout` or `gave_up`."""


@dataclass(frozen=True, slots=True)
class SpyStarted(ChannelEvent):
    """A channel begins to hear another (ChanSpyStart); `target` is the one that is heard."""

    target: str


@dataclass(frozen=True, slots=True)
class SpyStopped(ChannelEvent):
    """A channel hears another no longer (ChanSpyStop)."""


@dataclass(frozen=True, slots=True)
class LocalPaired(Event):
    """The two halves of a Local channel are one conversation (LocalBridge)."""

    one: str
    two: str


@dataclass(frozen=True, slots=True)
class Marked(ChannelEvent):
    """The dialplan emitted one of our markers."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Declared(Event):
    """A person declared an act at the desk; `at` is when it was done there."""

    call_id: str
    name: str
    value: str
    by: str


@dataclass(frozen=True, slots=True)
class MemberEvent(Event):
    """Something that happened to a member of a queue."""

    queue: str
    interface: str


@dataclass(frozen=True, slots=True)
class MemberTold(MemberEvent):
    """A queue has this member (QueueMemberAdded, QueueMemberPause, QueueMember of a snapshot)."""

    name: str
    """The officer's id, where the member was so named."""
    state_interface: str | None
    paused: bool
    reason: str
    dynamic: bool | None
    """Added at run time, not by the configuration; `None` where not told."""
    added: bool = False
    seen: bool = False
    """From a snapshot."""


@dataclass(frozen=True, slots=True)
class MemberRemoved(MemberEvent):
    """A queue has lost this member (QueueMemberRemoved)."""


@dataclass(frozen=True, slots=True)
class PresenceTold(Event):
    """How the telephones behind an extension are (ExtensionStatus)."""

    exten: str
    context: str
    status: int | None
    devices: tuple[str, ...] = ()
    """The telephones its hint names: `PJSIP/1008a`, `PJSIP/1008b`."""
    seen: bool = False
    """From a snapshot."""


@dataclass(frozen=True, slots=True)
class Booted(Event):
    """When this Asterisk started, from its uptime in whole seconds: up to a second too late."""

    started_at: int


@dataclass(frozen=True, slots=True)
class StatusTold(Event):
    """The date and second this Asterisk started, in its own words (reply to CoreStatus)."""

    started: str


@dataclass(frozen=True, slots=True)
class ShutDown(Event):
    """Asterisk said it stops (Shutdown)."""


@dataclass(frozen=True, slots=True)
class LinkLost(Event):
    """The connection to the node broke: from here on nothing was heard."""


@dataclass(frozen=True, slots=True)
class LinkUp(Event):
    """The connection to the node is there and logged in; a snapshot follows."""


@dataclass(frozen=True, slots=True)
class SnapshotEnded(Event):
    """Every channel, bridge and queue entry that exists now has been told."""


@dataclass(frozen=True, slots=True)
class ChannelsListed(Event):
    """The list of channels of a snapshot is complete (CoreShowChannelsComplete)."""


@dataclass(frozen=True, slots=True)
class BridgeMemberSeen(ChannelEvent):
    """The snapshot shows a channel in a bridge (BridgeInfoChannel)."""

    bridge: str
