"""Conversations, holds, keys, and callers handed on: rows that say the same as the events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ivr.books import queueing
from ivr.books.cel import CelRow
from ivr.books.channels import Chan
from ivr.events import types as ev

if TYPE_CHECKING:
    from ivr.books.retelling import Retelling

_UNPARKED: Final = {
    "ParkedCallUnparked": "fetched", "ParkedCallTimeOut": "timeout", "ParkedCallGiveUp": "gave_up",
}  # fmt: skip


def bridge_entered(t: Retelling, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
    """BRIDGE_ENTER; a member's, with no greeting before it, is where the queue lets go."""
    more = row.more()
    bridge = more.get("bridge_id")
    if not isinstance(bridge, str):
        return
    if chan.rings_for is not None:
        caller = t.chans.get(chan.rings_for)
        if caller is not None and caller.winner == chan.uniqueid and caller.queue is not None:
            yield from queueing.connected(t, caller, chan.uniqueid, row.at)
    elif chan.queue is not None:
        yield from queueing.connected(t, chan, chan.winner or "", row.at)
    chan.bridge = bridge
    technology = more.get("bridge_technology")
    yield ev.BridgeEntered(row.at, False, chan.uniqueid, bridge, _text(technology), None)


def bridge_left(t: Retelling, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
    """BRIDGE_EXIT."""
    bridge = row.more().get("bridge_id")
    if not isinstance(bridge, str):
        return
    if chan.bridge == bridge:
        chan.bridge = None
    yield ev.BridgeLeft(row.at, False, chan.uniqueid, bridge)


def music_began(t: Retelling, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
    """STREAM_BEGIN of music on a caller whom one officer alone speaks with: held."""
    if "class" not in row.more() or chan.bridge is None or chan.music is not None:
        return
    live = t.tracker.of_caller(chan.uniqueid)
    if live is None:
        return
    officers = [uid for uid in live.parts if uid in live.talking_with]
    if len(officers) != 1 or len(live.talking_with) != 1:
        return
    officer = t.chans.get(officers[0])
    if officer is None:
        return
    chan.music = officer.uniqueid
    yield ev.HoldStarted(row.at, False, officer.uniqueid)


def music_ended(t: Retelling, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
    """STREAM_END of that music: off hold."""
    if chan.music is None:
        return
    officer, chan.music = chan.music, None
    if officer in t.chans:
        yield ev.HoldEnded(row.at, False, officer)


def key(t: Retelling, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
    """DTMF: a key, and the context it was pressed in."""
    digit = row.more().get("digit")
    if not isinstance(digit, str) or not digit:
        return
    yield ev.KeyPressed(row.at, False, chan.uniqueid, digit, row.context or None)


def blind(t: Retelling, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
    """BLINDTRANSFER."""
    more = row.more()
    yield ev.BlindTransferred(
        row.at, False, chan.uniqueid, _text(more.get("transferee_channel_uniqueid")),
        _text(more.get("bridge_id")), str(more.get("extension") or ""),
        _text(more.get("context")), True,
    )  # fmt: skip


def attended(t: Retelling, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
    """ATTENDEDTRANSFER, and what makes of one a conversation of three."""
    more = row.more()
    second = _text(more.get("channel2_uniqueid"))
    if second is None:
        return
    first_bridge = _text(more.get("bridge1_id"))
    # by feature code, back among those he had left: a conversation of three
    stays = second == chan.uniqueid and chan.bridge is not None and chan.bridge == first_bridge
    yield ev.AttendedTransferred(
        row.at, False, chan.uniqueid, second, first_bridge, _text(more.get("bridge2_id")),
        _text(more.get("transferee_channel_uniqueid")),
        _text(more.get("transfer_target_channel_uniqueid")),
        "Threeway" if stays else None, None, None, True,
    )  # fmt: skip


def picked_up(t: Retelling, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
    """PICKUP: the picker has the caller whom this channel rang for."""
    picker = _text(row.more().get("pickup_channel_uniqueid"))
    if picker is None:
        return
    caller = t.chans.get(chan.rings_for or "")
    if caller is not None and caller.queue is not None and caller.winner is None:
        caller.winner = picker
    yield ev.PickedUp(row.at, False, picker, chan.uniqueid)


def parked(t: Retelling, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
    """PARK_START."""
    yield ev.Parked(row.at, False, chan.uniqueid, None)


def unparked(t: Retelling, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
    """PARK_END, and how."""
    more = row.more()
    how = _UNPARKED.get(str(more.get("reason")))
    if how is not None:
        retriever = t.names.get(str(more.get("retriever") or ""))
        yield ev.Unparked(row.at, False, chan.uniqueid, retriever, how)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
