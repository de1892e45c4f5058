"""Messages become typed events: one table from AMI event name to decoder.

What is not in the table is dropped by the framing before anything is decoded. A message that
lacks a header its decoder cannot do without is no event: `decode` returns `None` and the caller
counts it. Nothing here raises on hostile input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from ivr.ami.message import ARRIVAL, DECLARED, LINK_LOST, LINK_UP, SNAPSHOT_END, Headers
from ivr.events import types as ev
from ivr.events.markers import USER_EVENT

Decoder = Callable[[int, bool, Headers], ev.Event | None]

_UP = b"6"
_OURS = USER_EVENT.encode()


def micros(stamp: str | None) -> int | None:
    """Asterisk's `seconds.micros` as microseconds since the epoch; `None` if it is no time."""
    if not stamp:
        return None
    if stamp[-7:-6] == "." and stamp.isascii():
        digits = stamp[:-7] + stamp[-6:]
        if digits.isdigit():
            return int(digits)
    whole, _, part = stamp.partition(".")
    try:
        return int(whole) * 1_000_000 + (int((part + "000000")[:6]) if part else 0)
    except ValueError:
        return None


def _text(value: str | None) -> str | None:
    """A header's value, or `None` where Asterisk says it has none."""
    return value if value and value != "<unknown>" else None


def _number(value: str | None) -> int | None:
    try:
        return int(value) if value else None
    except ValueError:
        return None


def _new_channel(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    uniqueid = f.need(b"Uniqueid")
    linkedid = f.get(b"Linkedid") or uniqueid
    return ev.ChannelStarted(
        at, inferred, uniqueid,
        uniqueid if linkedid == uniqueid else linkedid,  # one string in memory
        f.need(b"Channel"),
        f.holds(b"ChannelState", _UP),
        _text(f.get(b"CallerIDNum")),
        _text(f.get(b"CallerIDName")),
        _text(f.word(b"Context")),
        _text(f.word(b"Exten")),
    )  # fmt: skip


def _duration(value: str | None) -> int:
    """`HH:MM:SS` in microseconds."""
    seconds = 0
    for piece in (value or "0").split(":"):
        seconds = seconds * 60 + (_number(piece) or 0)
    return seconds * 1_000_000


def _shown_channel(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    # Both tell the second of birth only: the uniqueid its own, the row the age it has reached.
    uniqueid = f.need(b"Uniqueid")
    born = micros(uniqueid.rpartition("-")[2].partition(".")[0]) or at - _duration(
        f.get(b"Duration")
    )
    return ev.ChannelStarted(
        min(at, born), True, uniqueid,
        f.get(b"Linkedid") or uniqueid,
        f.need(b"Channel"),
        f.holds(b"ChannelState", _UP),
        _text(f.get(b"CallerIDNum")),
        _text(f.get(b"CallerIDName")),
        _text(f.word(b"Context")),
        _text(f.word(b"Exten")),
        True,
        _text(f.get(b"BridgeId")),
        _text(f.word(b"Application")),
    )  # fmt: skip


def _new_state(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return (
        ev.ChannelUp(at, inferred, f.need(b"Uniqueid")) if f.holds(b"ChannelState", _UP) else None
    )


def _new_callerid(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    number, name = _text(f.get(b"CallerIDNum")), _text(f.get(b"CallerIDName"))
    prohibited = "prohib" in (f.get(b"CID-CallingPres") or "").lower()
    return ev.CallerIdSet(at, inferred, f.need(b"Uniqueid"), number, name, prohibited)


def _rename(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.ChannelRenamed(at, inferred, f.need(b"Uniqueid"), f.need(b"Newname"))


def _new_exten(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.Placed(
        at,
        inferred,
        f.need(b"Uniqueid"),
        f.need(b"Context"),
        f.get(b"Extension") or f.need(b"Exten"),
    )


def _dtmf_end(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    if not f.holds(b"Direction", b"Received"):
        return None
    return ev.KeyPressed(
        at, inferred, f.need(b"Uniqueid"), f.need(b"Digit"), _text(f.word(b"Context"))
    )


def _dial_begin(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.DialBegan(
        at, inferred, _text(f.get(b"Uniqueid")), f.need(b"DestUniqueid"), f.need(b"DestChannel"),
        _text(f.get(b"DialString")),
    )  # fmt: skip


def _dial_end(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.DialEnded(
        at,
        inferred,
        _text(f.get(b"Uniqueid")),
        f.need(b"DestUniqueid"),
        f.word(b"DialStatus") or "",
    )


def _bridge_enter(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.BridgeEntered(
        at, inferred, f.need(b"Uniqueid"), f.need(b"BridgeUniqueid"),
        _text(f.word(b"BridgeTechnology")), _text(f.get(b"SwapUniqueid")),
    )  # fmt: skip


def _bridge_leave(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.BridgeLeft(at, inferred, f.need(b"Uniqueid"), f.need(b"BridgeUniqueid"))


def _bridge_member(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    bridge = f.get(b"BridgeUniqueid") or (f.get(b"ActionID") or "").partition("hotline-bridge-")[2]
    return ev.BridgeMemberSeen(at, inferred, f.need(b"Uniqueid"), bridge) if bridge else None


def _hangup_ordered(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.HangupOrdered(at, inferred, f.need(b"Uniqueid"), _number(f.get(b"Cause")))


def _hangup(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.ChannelEnded(at, inferred, f.need(b"Uniqueid"), _number(f.get(b"Cause")))


def _queue_join(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.QueueJoined(
        at, inferred, f.need(b"Uniqueid"), f.term(b"Queue"), _number(f.get(b"Position"))
    )  # fmt: skip


def _queue_entry(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    waited = _number(f.get(b"Wait")) or 0
    return ev.QueueJoined(
        at - waited * 1_000_000,
        True,
        f.need(b"Uniqueid"),
        f.term(b"Queue"),
        _number(f.get(b"Position")),
        True,
    )


def _agent(kind: type[ev.AgentCalled | ev.AgentConnected | ev.AgentRangOut]) -> Decoder:
    def decoder(at: int, inferred: bool, f: Headers) -> ev.Event | None:
        interface = f.word(b"Interface") or f.term(b"MemberName")
        return kind(
            at,
            inferred,
            f.need(b"Uniqueid"),
            f.term(b"Queue"),
            interface,
            _text(f.get(b"DestUniqueid")),
        )

    return decoder


def _blind(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.BlindTransferred(
        at, inferred, f.need(b"TransfererUniqueid"), _text(f.get(b"TransfereeUniqueid")),
        _text(f.get(b"BridgeUniqueid")), f.get(b"Extension") or "", _text(f.word(b"Context")),
        f.get(b"Result") in (None, "Success"),
    )  # fmt: skip


def _attended(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.AttendedTransferred(
        at, inferred, f.need(b"OrigTransfererUniqueid"), f.need(b"SecondTransfererUniqueid"),
        _text(f.get(b"OrigBridgeUniqueid")), _text(f.get(b"SecondBridgeUniqueid")),
        _text(f.get(b"TransfereeUniqueid")), _text(f.get(b"TransferTargetUniqueid")),
        _text(f.word(b"DestType")), _text(f.get(b"LocalOneUniqueid")),
        _text(f.get(b"LocalTwoUniqueid")), f.get(b"Result") in (None, "Success"),
    )  # fmt: skip


def _pickup(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.PickedUp(at, inferred, f.need(b"Uniqueid"), f.need(b"TargetUniqueid"))


def _parked(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.Parked(at, inferred, f.need(b"ParkeeUniqueid"), _text(f.get(b"ParkingSpace")))


def _unparked(how: str) -> Decoder:
    def decoder(at: int, inferred: bool, f: Headers) -> ev.Event | None:
        retriever = _text(f.get(b"RetrieverUniqueid"))
        return ev.Unparked(at, inferred, f.need(b"ParkeeUniqueid"), retriever, how)

    return decoder


def _local(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.LocalPaired(at, inferred, f.need(b"LocalOneUniqueid"), f.need(b"LocalTwoUniqueid"))


def _spy_started(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.SpyStarted(at, inferred, f.need(b"SpyerUniqueid"), f.need(b"SpyeeUniqueid"))


def _spy_stopped(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.SpyStopped(at, inferred, f.need(b"SpyerUniqueid"))


def _user(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    if not f.holds(b"UserEvent", _OURS):
        return None
    return ev.Marked(at, inferred, f.need(b"Uniqueid"), f.term(b"Mark"), f.word(b"Value") or "")


def _declared(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.Declared(
        at, inferred, f.need(b"CallID"), f.term(b"Mark"), f.get(b"Value") or "", f.get(b"By") or ""
    )


def _member(added: bool, seen: bool) -> Decoder:
    def decoder(at: int, inferred: bool, f: Headers) -> ev.Event | None:
        interface = f.word(b"Interface") or f.term(b"Location")
        membership = f.word(b"Membership")
        if seen:
            # The list tells the second of the last pause; since when he is not paused it does not.
            at = (_number(f.get(b"LastPause")) or 0) * 1_000_000
        return ev.MemberTold(
            at, inferred, f.term(b"Queue"), interface,
            f.word(b"MemberName") or f.word(b"Name") or interface,
            _text(f.word(b"StateInterface")), f.holds(b"Paused", b"1"),
            f.get(b"PausedReason") or "", membership != "static" if membership else None,
            added, seen,
        )  # fmt: skip

    return decoder


def _member_removed(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    interface = f.word(b"Interface") or f.term(b"Location")
    return ev.MemberRemoved(at, inferred, f.term(b"Queue"), interface)


def _presence(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    hint = f.word(b"Hint") or ""
    return ev.PresenceTold(
        at, inferred, f.term(b"Exten"), f.term(b"Context"), _number(f.get(b"Status")),
        tuple(hint.partition(",")[0].split("&")) if hint else (),
        f.get(b"ActionID") is not None,
    )  # fmt: skip


def _booted(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    uptime = _number(f.get(b"Uptime"))
    return None if uptime is None else ev.Booted(at, inferred, at - uptime * 1_000_000)


def _status(at: int, inferred: bool, f: Headers) -> ev.Event | None:
    return ev.StatusTold(at, inferred, f"{f.need(b'CoreStartupDate')} {f.need(b'CoreStartupTime')}")


def _plain(kind: type[ev.Event]) -> Decoder:
    return lambda at, inferred, f: kind(at, inferred)


def _channel(kind: type[ev.ChannelEvent]) -> Decoder:
    return lambda at, inferred, f: kind(at, inferred, f.need(b"Uniqueid"))


def _queue(kind: type[ev.QueueLeft | ev.QueueAbandoned]) -> Decoder:
    return lambda at, inferred, f: kind(at, inferred, f.need(b"Uniqueid"), f.term(b"Queue"))


DECODERS: Final[dict[str, Decoder]] = {
    "Newchannel": _new_channel,
    "Newstate": _new_state,
    "NewCallerid": _new_callerid,
    "Rename": _rename,
    "Newexten": _new_exten,
    "DTMFEnd": _dtmf_end,
    "DialBegin": _dial_begin,
    "DialEnd": _dial_end,
    "BridgeEnter": _bridge_enter,
    "BridgeLeave": _bridge_leave,
    "Hold": _channel(ev.HoldStarted),
    "Unhold": _channel(ev.HoldEnded),
    "HangupRequest": _channel(ev.HangupRequested),
    "SoftHangupRequest": _hangup_ordered,
    "Hangup": _hangup,
    "QueueCallerJoin": _queue_join,
    "QueueCallerLeave": _queue(ev.QueueLeft),
    "QueueCallerAbandon": _queue(ev.QueueAbandoned),
    "AgentCalled": _agent(ev.AgentCalled),
    "AgentConnect": _agent(ev.AgentConnected),
    "AgentRingNoAnswer": _agent(ev.AgentRangOut),
    "BlindTransfer": _blind,
    "AttendedTransfer": _attended,
    "Pickup": _pickup,
    "ParkedCall": _parked,
    "UnParkedCall": _unparked("fetched"),
    "ParkedCallTimeOut": _unparked("timeout"),
    "ParkedCallGiveUp": _unparked("gave_up"),
    "LocalBridge": _local,
    "ChanSpyStart": _spy_started,
    "ChanSpyStop": _spy_stopped,
    "UserEvent": _user,
    "QueueMemberAdded": _member(added=True, seen=False),
    "QueueMemberPause": _member(added=False, seen=False),
    "QueueMemberRemoved": _member_removed,
    "QueueMember": _member(added=False, seen=True),
    "ExtensionStatus": _presence,
    "FullyBooted": _booted,
    "Shutdown": _plain(ev.ShutDown),
    "CoreShowChannel": _shown_channel,
    "CoreShowChannelsComplete": _plain(ev.ChannelsListed),
    "BridgeInfoChannel": _bridge_member,
    "QueueEntry": _queue_entry,
    DECLARED: _declared,
    LINK_LOST: _plain(ev.LinkLost),
    LINK_UP: _plain(ev.LinkUp),
    SNAPSHOT_END: _plain(ev.SnapshotEnded),
}


def needed(menu_contexts: Iterable[str] = ()) -> dict[bytes, tuple[bytes, ...]]:
    """Event name → byte strings of which one must occur in the message (none: always needed).

    Newexten, a fifth of Asterisk's output, is wanted only for a menu that is not ours.
    """
    table: dict[bytes, tuple[bytes, ...]] = {name.encode(): () for name in DECODERS}
    table[b"UserEvent"] = (b"UserEvent: " + USER_EVENT.encode() + b"\r\n",)
    table[b"Newstate"] = (b"\r\nChannelState: 6\r\n",)
    contexts = tuple(b"\r\nContext: " + c.encode() + b"\r\n" for c in menu_contexts)
    if contexts:
        table[b"Newexten"] = contexts
    else:
        del table[b"Newexten"]
    return table


_BY_NAME: Final = {name.encode(): decoder for name, decoder in DECODERS.items()}
_ARRIVAL: Final = ARRIVAL.encode()
_STATUS: Final = b"\r\nCoreStartupDate: "


def decode(raw: bytes) -> ev.Event | None:
    """The event in one message, or `None` where it holds none that matters or lacks a header."""
    if raw.startswith(b"Event: "):
        end = raw.find(b"\r\n")
        decoder = _BY_NAME.get(raw[7:end] if end >= 0 else raw[7:])
    else:
        decoder = _status if _STATUS in raw else None
    if decoder is None:
        return None
    f = Headers(raw)
    at = micros(f.get(b"Timestamp"))
    inferred = at is None
    if at is None:
        at = micros(f.get(_ARRIVAL))
        if at is None:
            return None
    try:
        return decoder(at, inferred, f)
    except KeyError:
        return None
