"""The caller set aside: parked and fetched, or a ringing call picked up by another officer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ivr.calls.call import AttemptOutcome
from ivr.calls.transitions import Trigger
from ivr.events import types as ev

if TYPE_CHECKING:
    from ivr.calls.tracker import Tracker


def picked_up(tracker: Tracker, event: ev.PickedUp) -> None:
    """Another officer takes the call that rings: for the one who was rung it is cancelled."""
    net = tracker.net
    picker, target = net.channels.get(event.uniqueid), net.channels.get(event.target)
    if picker is None or target is None:
        return
    net.join(target, picker)
    live = target.group.live
    attempt = live.attempts.get(event.target) if live is not None else None
    if live is not None and attempt is not None and attempt.outcome is None:
        attempt.ended_at, attempt.outcome = event.at, AttemptOutcome.CANCELLED
        tracker.touch(live)


def parked(tracker: Tracker, event: ev.Parked) -> None:
    """The caller is parked: what looks like a transfer into the parking is none.

    Asterisk tells the two in either order.
    """
    live = tracker.of_caller(event.uniqueid)
    if live is None:
        return
    transfer = live.transfer
    if transfer is not None and transfer.outcome is None and transfer.answered_at is None:
        live.call.transfers.remove(transfer)
        live.transfer = None
    live.parked_at = event.at
    tracker.move(live, Trigger.PARKED, event.at)
    tracker.touch(live)


def unparked(tracker: Tracker, event: ev.Unparked) -> None:
    """The caller leaves the parking; whoever fetched joins through the bridge."""
    live = tracker.of_caller(event.uniqueid)
    if live is None:
        return
    if event.retriever and (retriever := tracker.net.channels.get(event.retriever)):
        tracker.net.join(live.caller, retriever)
    live.parked_at = live.emptied = None
    tracker.move(live, Trigger.UNPARKED, event.at)
