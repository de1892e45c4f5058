"""Callers in queues: CEL says when, queue_log which joining it was and why it ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ivr.books import ringing
from ivr.books.cel import CelRow
from ivr.books.channels import GONE, WITHIN, Chan
from ivr.books.queue_log import QueueRow
from ivr.calls.call import Micros
from ivr.calls.directory import interface_of
from ivr.events import types as ev

if TYPE_CHECKING:
    from ivr.books.retelling import Retelling

_AT_ONCE: Final = 10_000
"""An officer's channel that a transfer has emptied ends so soon (µs) in what it took over."""


def app_started(t: Retelling, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
    """APP_START: he joins a queue, or Queue takes him back to the member who has answered."""
    if row.app == "Queue" and chan.bridge is None:
        queue = row.data.partition(",")[0]
        if chan.queue == queue and chan.winner is not None:
            yield from connected(t, chan, chan.winner, row.at)
        elif queue and not _goes_on(t, chan, queue, row.at):
            yield from _joined(t, chan, queue, row.at)
    chan.app, chan.data = row.app, row.data


def _untold(t: Retelling, uniqueid: str) -> list[QueueRow]:
    """queue_log's joinings of this caller that are not told yet."""
    entered = [r for r in t.queues.of(uniqueid) if r.verb == "ENTERQUEUE"]
    return entered[t.entered.get(uniqueid, 0) :]


def _goes_on(t: Retelling, chan: Chan, queue: str, at: Micros) -> bool:
    """Whether Queue comes back from what it ran itself, or came with another's dialplan.

    Where queue_log does not reach back so far, or has no joining of a caller at all (it ends before
    him, or was rotated apart from CEL), CEL alone tells.
    """
    joinings = any(r.verb == "ENTERQUEUE" for r in t.queues.of(chan.uniqueid))
    is_caller = t.tracker.of_caller(chan.uniqueid) is not None
    if (is_caller and not joinings) or t.queues.begins_after(at):
        gone = t.hangups.get(chan.uniqueid)
        left_over = not is_caller and gone is not None and gone.at - at < _AT_ONCE
        return chan.queue == queue or left_over
    return not any(r.queue == queue and r.at <= at + WITHIN for r in _untold(t, chan.uniqueid)[:1])


def _joined(
    t: Retelling, chan: Chan, queue: str, at: Micros, *, inferred: bool = False
) -> Iterator[ev.Event]:
    entries = _untold(t, chan.uniqueid)
    position = entries[0].number(2) if entries and entries[0].queue == queue else None
    t.entered[chan.uniqueid] = t.entered.get(chan.uniqueid, 0) + 1
    chan.queue, chan.winner = queue, None
    yield ev.QueueJoined(at, inferred, chan.uniqueid, queue, position)


def moved_on(t: Retelling, chan: Chan, at: Micros) -> Iterator[ev.Event]:
    """From one Queue straight into another: CEL has no row, queue_log tells the second."""
    while chan.app == "Queue" and chan.bridge is None and chan.winner is None:
        entries = _untold(t, chan.uniqueid)
        if not entries or entries[0].at > at:
            return
        moment = min(max(entries[0].at, chan.last_at), at)
        if chan.queue is not None:
            yield ev.QueueLeft(moment, True, chan.uniqueid, chan.queue)
        yield from _joined(t, chan, entries[0].queue, moment, inferred=True)


def queues_again(t: Retelling, uniqueid: str) -> bool:
    """Whether CEL itself, a little ahead, has the caller run Queue once more."""
    return any(r.event == "APP_START" and r.app == "Queue" for r in t.next_of(uniqueid))


def connected(t: Retelling, caller: Chan, member: str, at: Micros) -> Iterator[ev.Event]:
    """The caller leaves his queue for this member."""
    queue, caller.queue, caller.winner = caller.queue or "", None, None
    chan = t.chans.get(member)
    yield ev.QueueLeft(at, False, caller.uniqueid, queue)
    if chan is not None and chan.rings_for == caller.uniqueid:
        yield ev.AgentConnected(at, False, caller.uniqueid, queue, interface_of(chan.name), member)


def app_ended(t: Retelling, chan: Chan, row: CelRow) -> Iterator[ev.Event]:
    """Out of the queue for good, unless a member has answered or Queue comes back at once.

    Of a Dial: what it rang may be told to end only after the one who dialled.
    """
    if row.app == "Dial":
        for rung in [c for c in t.chans.values() if c.dialled_by == chan.uniqueid]:
            ahead = t.hangups.get(rung.uniqueid)
            if ahead is not None and not rung.up and abs(ahead.at - row.at) < GONE:
                yield from ringing.ringing_over(t, rung, row.at, ahead.cause)
                rung.dialled_by = None
        return
    if row.app != "Queue" or chan.queue is None or chan.winner is not None:
        return
    if chan.bridge is not None or _comes_back(t, chan, row):
        return
    queue, chan.queue, chan.app = chan.queue, None, ""
    yield ev.QueueLeft(row.at, False, chan.uniqueid, queue)


def _comes_back(t: Retelling, chan: Chan, row: CelRow) -> bool:
    """Whether Queue was only interrupted by what it ran on the caller."""
    if _tells_leaving(t, chan.uniqueid, row.at):
        return False
    for later in t.next_of(chan.uniqueid):
        if later.event == "APP_START":
            return (
                later.app == "Queue"
                and later.data == row.data
                and _goes_on(t, chan, chan.queue or "", later.at)
            )
        if later.event == "HANGUP":
            return False
    return False


def _tells_leaving(t: Retelling, uniqueid: str, at: Micros) -> bool:
    """Whether queue_log lets the caller go here, unanswered."""
    return any(
        row.verb in {"ABANDON", "EXITWITHTIMEOUT", "EXITWITHKEY", "EXITEMPTY"}
        and abs(row.at - at) <= WITHIN
        for row in t.queues.of(uniqueid)
    )
