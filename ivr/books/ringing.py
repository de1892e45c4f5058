"""Who rings whom, and how each ringing ended, as CEL's rows let one know it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ivr.books.cel import CelRow
from ivr.books.channels import GONE, WITHIN, Chan
from ivr.calls.call import Micros
from ivr.calls.directory import interface_of
from ivr.events import types as ev

if TYPE_CHECKING:
    from ivr.books.retelling import Retelling

_BUSY: Final = 17
_REJECTED: Final = 21
_UNREACHED: Final = frozenset({3, 20, 27, 34, 38, 41, 42, 44, 58})
"""Q.850 causes of a telephone that could not be rung."""


def rung(t: Retelling, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
    """Who rings this new channel: a Dial that names it, or the queue its caller waits in."""
    interface = interface_of(chan.name)
    beside = t.beside(chan)
    for other in reversed(beside):
        if other.app == "Dial" and other.bridge is None and _names(other.data, interface):
            chan.dialled_by = other.uniqueid
            yield ev.DialBegan(
                row.at, False, other.uniqueid, chan.uniqueid, chan.name,
                _destination(other.data, interface),
            )  # fmt: skip
            return
    if chan.name.endswith(";2"):
        return
    for caller in beside:
        if caller.queue is not None and caller.app == "Queue" and caller.bridge is None:
            chan.rings_for = caller.uniqueid
            yield ev.AgentCalled(
                row.at, False, caller.uniqueid, caller.queue, interface, chan.uniqueid
            )
            return


def answered(t: Retelling, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
    """ANSWER: the channel is up; for whom it rang, that was the end of the ringing."""
    if chan.up:
        return
    chan.up = True
    yield ev.ChannelUp(row.at, False, chan.uniqueid)
    if chan.rings_for is not None:
        caller = t.chans.get(chan.rings_for)
        if caller is not None and caller.queue is not None and caller.winner is None:
            caller.winner = chan.uniqueid
    elif chan.dialled_by is not None:
        yield ev.DialEnded(row.at, False, chan.dialled_by, chan.uniqueid, "ANSWER")


def ringing_over(t: Retelling, chan: Chan, at: Micros, cause: int | None) -> Iterator[ev.Event]:
    """A channel that was rung ends without an answer."""
    if chan.up:
        return
    if chan.rings_for is None:
        if chan.dialled_by is not None:
            status = _dial_status(t, chan.dialled_by, at, cause)
            yield from _given_up(t, chan.dialled_by, at)
            yield ev.DialEnded(at, False, chan.dialled_by, chan.uniqueid, status)
        return
    caller = t.chans.get(chan.rings_for)
    queue = caller.queue if caller is not None else None
    status = _ring_status(t, chan, caller, at, cause)
    yield ev.DialEnded(at, False, chan.rings_for, chan.uniqueid, status)
    if queue is not None and status not in {"CANCEL", "ABORT"}:
        yield ev.AgentRangOut(
            at, False, chan.rings_for, queue, interface_of(chan.name), chan.uniqueid
        )


def _given_up(t: Retelling, source: str, at: Micros) -> Iterator[ev.Event]:
    """He who dialled may have hung up, which ended the ringing."""
    chan, ahead = t.chans.get(source), t.hangups.get(source)
    if chan is None or ahead is None or chan.asked or ahead.source != chan.name:
        return
    if abs(ahead.left_at - at) < GONE:
        chan.asked = True
        yield ev.HangupRequested(at, False, source)


def _ring_status(
    t: Retelling, chan: Chan, caller: Chan | None, at: Micros, cause: int | None
) -> str:
    if cause in {_BUSY, _REJECTED}:
        return "BUSY"
    if cause in _UNREACHED:
        return "CHANUNAVAIL"
    if caller is None or caller.queue is None or caller.winner is not None:
        return "CANCEL"
    if _leaves_at(t, caller, at):
        return "CANCEL"
    agent = t.tracker.directory.member(interface_of(chan.name))
    for row in reversed(t.queues.of(caller.uniqueid)):
        if abs(row.at - at) > WITHIN:
            continue
        member = t.tracker.directory.member(row.agent) if "/" in row.agent else row.agent
        if row.verb == "RINGCANCELED" and member == agent:
            return "CANCEL"
    return "NOANSWER"


def _leaves_at(t: Retelling, caller: Chan, at: Micros) -> bool:
    gone = t.hangups.get(caller.uniqueid)
    return gone is not None and abs(gone.at - at) < GONE


def _dial_status(t: Retelling, source: str, at: Micros, cause: int | None) -> str:
    if cause in {_BUSY, _REJECTED}:
        return "BUSY"
    if cause in _UNREACHED:
        return "CHANUNAVAIL"
    gone = t.hangups.get(source)
    if source not in t.chans or (gone is not None and abs(gone.at - at) < GONE):
        return "CANCEL"
    if any(
        c.dialled_by == source and c.up for c in t.chans.values()
    ):  # another one it rang has answered
        return "CANCEL"
    return "NOANSWER"


def _destination(data: str, interface: str) -> str | None:
    """What a Dial was given for this interface: `PJSIP/2001`, `PJSIP/0812345678@trunk`."""
    for one in data.partition(",")[0].split("&"):
        technology, _, rest = one.partition("/")
        endpoint = rest.partition("@")[2] or rest.partition("/")[0]
        if interface in {one, f"{technology}/{endpoint}"}:
            return one
        if interface.startswith("Local/") and one.partition("/n")[0] == interface:
            return one
    return None


def _names(data: str, interface: str) -> bool:
    return _destination(data, interface) is not None
