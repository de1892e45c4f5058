"""The caller handed on: transfers, blind and attended, and what became of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ivr.calls import consulting
from ivr.calls.call import (
    ConsultationOutcome,
    QueuePassage,
    Role,
    Transfer,
    TransferKind,
    TransferOutcome,
)
from ivr.calls.correlate import Channel
from ivr.calls.live import Live
from ivr.calls.transitions import Phase, Trigger
from ivr.events import types as ev

if TYPE_CHECKING:
    from ivr.calls.tracker import Tracker

_NUMBER: Final = re.compile(r"(?:^|[/:])(\+?[0-9*#]+)(?=$|[@/])")

_SAME_ACT: Final = 500_000
"""A parking and the transfer that asked for it are told within this (µs)."""

_TRANSFER: Final[dict[str, TransferOutcome]] = {
    "BUSY": TransferOutcome.BUSY,
    "NOANSWER": TransferOutcome.NO_ANSWER,
}


def dial_began(tracker: Tracker, event: ev.DialBegan) -> None:
    """Somebody is rung: for a consultation, for a transfer, or by the queue (told elsewhere)."""
    net = tracker.net
    target = net.channels.get(event.target)
    source = net.channels.get(event.uniqueid) if event.uniqueid else None
    if target is None or source is None:
        return
    target.dialled_by = source.uniqueid
    if source.calls_back is not None and source.group.live is None:
        dialled = number_in(event.dial_string) or source.exten or ""
        tracker.call_out(source, target, dialled, *source.calls_back)
        return
    live = source.group.live
    if live is not None and live.keeps_place and source.uniqueid == live.caller.pair:
        tracker.reach_out(live, target)
        return
    net.join(source, target)
    consulting.from_second_leg(tracker, source)
    live = source.group.live
    if live is None:
        return
    number = number_in(event.dial_string)
    agency = target.agency = tracker.directory.agency(number, target.interface)
    key = consulting.key_of(live, source)
    if key is not None:
        consultation = live.consults[key]
        live.consult_targets[target.uniqueid] = key
        target.dialled = consultation.target
        if agency is not None and tracker.directory.agency(consultation.target) is None:
            consultation.agency = agency
        tracker.touch(live)
        return
    if source is live.caller and live.transfer is None and target.role is not Role.AGENT:
        _taken_away(tracker, live, number or target.party or "", agency)
    transfer = live.transfer
    if transfer is not None:
        if transfer.outcome is None:
            if target.uniqueid not in live.transfer_targets:
                live.transfer_targets.append(target.uniqueid)
            target.dialled = transfer.target
            transfer.agency = transfer.agency or agency
            tracker.touch(live)
    elif source.role is Role.LOCAL:
        target.dialled = source.exten
    elif source is live.caller:
        target.dialled = number


def _taken_away(tracker: Tracker, live: Live, target: str, agency: str | None) -> None:
    """A console's Redirect: Asterisk tells no transfer, the officer just loses the caller.

    The officer asked for no end, and the caller is now rung through to somebody else.
    """
    if live.emptied is None or live.phase is not Phase.BETWEEN:
        return
    at, officer = live.emptied
    if officer.role is not Role.AGENT or officer.party is None:
        return
    if officer.hangup_asked_at is not None or officer.ordered or live.parked_at is not None:
        return
    transfer = Transfer(TransferKind.BLIND, officer.party, target, agency, at)
    live.call.transfers.append(transfer)
    live.transfer = transfer
    live.transfer_targets.clear()
    tracker.move(live, Trigger.TRANSFER_ASKED, at)


def number_in(dial_string: str | None) -> str | None:
    """The number in what Dial was given: `PJSIP/2001`, `025474400@trunk`, `trunk/sip:2001@host`."""
    found = _NUMBER.search(dial_string or "")
    return found[1] if found else None


def dial_ended(tracker: Tracker, event: ev.DialEnded) -> None:
    """The end of a ringing that is not a queue's."""
    target = tracker.net.channels.get(event.target)
    live = target.group.live if target is not None else None
    if live is None:
        return
    key = live.consult_targets.get(event.target)
    if key is not None and key in live.consults:
        consulting.ringing_ended(live, key, event.status, event.at)
        tracker.touch(live)
    if event.target in live.transfer_targets and live.transfer is not None:
        _transfer_ringing_ended(live, event)
        tracker.touch(live)


def _transfer_ringing_ended(live: Live, event: ev.DialEnded) -> None:
    transfer = live.transfer
    if transfer is None or transfer.outcome is not None:
        return
    if event.status == "ANSWER":
        transfer.answered_at = transfer.answered_at or event.at
        return
    live.transfer_targets.remove(event.target)
    if not live.transfer_targets and transfer.answered_at is None and event.status != "CANCEL":
        transfer.outcome = _TRANSFER.get(event.status, TransferOutcome.FAILED)


def agency_failed(tracker: Tracker, live: Live, value: str) -> None:
    """Our dialplan says the agency was not reached (also where no channel could be made)."""
    transfer = live.transfer
    if transfer is None or transfer.outcome is not None or transfer.answered_at is not None:
        return
    status = value.rpartition(":")[2]
    if status == "CANCEL":
        return
    transfer.outcome = _TRANSFER.get(status, TransferOutcome.FAILED)
    tracker.touch(live)


def blind(tracker: Tracker, event: ev.BlindTransferred) -> None:
    """A party let the caller go to an extension."""
    transferer = tracker.net.channels.get(event.transferer)
    live = transferer.group.live if transferer is not None else None
    if live is None and event.transferee:
        live = tracker.of_channel(event.transferee)
    if live is None:
        return
    by = _who_speaks(live, event.transferer)
    if by is None:
        return
    if live.parked_at is not None and event.at - live.parked_at < _SAME_ACT:
        live.release(event.transferer, event.at)
        tracker.touch(live)
        return
    _close_previous(live, event.at)
    transfer = Transfer(
        TransferKind.BLIND, by, event.exten, tracker.directory.agency(event.exten), event.at
    )
    live.call.transfers.append(transfer)
    tracker.touch(live)
    if not event.ok:
        transfer.outcome, transfer.ended_at = TransferOutcome.FAILED, event.at
        return
    live.transfer = transfer
    live.transfer_targets.clear()
    live.release(event.transferer, event.at)
    live.release_agency(event.transferer, event.at)
    tracker.move(live, Trigger.TRANSFER_ASKED, event.at)


def _close_previous(live: Live, at: int) -> None:
    """A transfer still unexplained when the next one is asked for had failed."""
    transfer = live.transfer
    if transfer is not None:
        if transfer.outcome is None and not _partly_unheard(live, transfer):
            transfer.outcome = TransferOutcome.FAILED
        transfer.ended_at = transfer.ended_at or at
        live.transfer = None


def _who_speaks(live: Live | None, uniqueid: str) -> str | None:
    """The officer or agency whose part in the call this channel is."""
    if live is None:
        return None
    if (part := live.parts.get(uniqueid)) is not None:
        return part.agent
    leg = live.agency_parts.get(uniqueid)
    return (leg.agency or leg.number) if leg is not None else None


def attended(tracker: Tracker, event: ev.AttendedTransferred) -> None:
    """An officer (or an agency) joined the caller and the party consulted, and left."""
    net = tracker.net
    mine, other = event.first, event.second
    live = tracker.of_channel(mine)
    by = _who_speaks(live, mine)
    if live is None or by is None:
        mine, other = other, mine
        live = tracker.of_channel(mine)
        by = _who_speaks(live, mine)
        if live is None or by is None:
            return
    key = other if other in live.consults else mine
    consultation = live.consults.pop(key, None)
    if consultation is not None:
        consultation.ended_at = event.at
        consultation.outcome = ConsultationOutcome.COMPLETED
    tracker.touch(live)
    if event.dest_type == "Threeway":
        # The officer stays: three speak, nobody was handed on.
        if consultation is not None:
            consultation.outcome = ConsultationOutcome.RETURNED
        live.end_hold(mine, event.at)
        return
    leg = net.channels.get(other)
    target = consultation.target if consultation else (leg.exten if leg is not None else "") or ""
    agency = consultation.agency if consultation else tracker.directory.agency(target)
    _close_previous(live, event.at)
    transfer = Transfer(TransferKind.ATTENDED, by, target, agency, event.at)
    live.call.transfers.append(transfer)
    if not event.ok:
        transfer.outcome, transfer.ended_at = TransferOutcome.FAILED, event.at
        return
    if leg is not None:
        net.join(live.caller, leg)
    live.release(mine, event.at)
    live.release_agency(mine, event.at)
    tracker.move(live, Trigger.TRANSFER_ASKED, event.at)
    joined = next((c for key, c in live.talking_with.items() if key not in {mine, other}), None)
    if joined is not None or (consultation is not None and consultation.answered_at is not None):
        transfer.answered_at = transfer.ended_at = event.at
        transfer.outcome = TransferOutcome.ANSWERED
        if joined is not None:  # Asterisk had joined the two before it said so
            with_officer = joined.role is Role.AGENT
            trigger = Trigger.AGENT_JOINED if with_officer else Trigger.AGENCY_JOINED
            tracker.move(live, trigger, event.at)
    else:
        live.transfer = transfer
        live.transfer_targets = [t for t, k in live.consult_targets.items() if k == key]


def leg_gone(tracker: Tracker, live: Live, uniqueid: str, at: int) -> None:
    """A channel that may have been a consultation's ended."""
    consulting.agent_back(tracker, live, uniqueid, at)
    live.consult_targets.pop(uniqueid, None)
    if uniqueid in live.transfer_targets:
        live.transfer_targets.remove(uniqueid)


def joined_after_transfer(live: Live, channel: Channel, at: int) -> None:
    """Somebody speaks with the caller: what that means for a transfer under way."""
    transfer = live.transfer
    if transfer is None:
        return
    live.transfer = None
    if transfer.outcome is not None:
        if channel.role is Role.AGENT:
            transfer.ended_at = at  # it failed, and the caller is back
            return
        # The dialplan went on to somebody else for the same transfer.
        transfer.outcome = transfer.answered_at = None
    passages = live.call.passages
    requeued = bool(passages) and transfer.led_to(passages[-1].joined_at)
    if channel.role is Role.AGENT and channel.party == transfer.by and not requeued:
        # of what was not heard nothing is claimed: why he is back is unknown then
        known = None if _partly_unheard(live, transfer) else TransferOutcome.RETURNED
        transfer.outcome, transfer.ended_at = known, at
        transfer.answered_at = None  # that was his own telephone
        return
    if transfer.answered_at is None:
        transfer.answered_at = _rung_until(passages[-1], channel, at) if requeued else at
    transfer.ended_at = transfer.answered_at
    transfer.outcome = TransferOutcome.ANSWERED


def _partly_unheard(live: Live, transfer: Transfer) -> bool:
    """Whether a gap lies behind the asking: what came of it may have been told in there."""
    return any(gap.ended_at is None or gap.ended_at >= transfer.asked_at for gap in live.call.gaps)


def room_entered(tracker: Tracker, caller: Channel, at: int) -> None:
    """A conference room took the caller in: a transfer to it is answered, whoever comes later."""
    live = tracker.of_caller(caller.uniqueid)
    transfer = live.transfer if live is not None else None
    if live is None or transfer is None or transfer.outcome is not None:
        return
    live.transfer = None
    transfer.answered_at = transfer.ended_at = at
    transfer.outcome = TransferOutcome.ANSWERED
    tracker.touch(live)


def _rung_until(passage: QueuePassage, channel: Channel, at: int) -> int:
    """When the officer's telephone was answered, for one whom a queue rang."""
    for attempt in reversed(passage.attempts):
        if attempt.agent == channel.party and attempt.ended_at is not None:
            return attempt.ended_at
    return at


def number_of(live: Live, channel: Channel) -> str | None:
    """The number under which this party was rung, where that is known."""
    if channel.dialled:
        return channel.dialled
    key = live.consult_targets.get(channel.uniqueid)
    if key is not None and key in live.consults:
        return live.consults[key].target
    if live.transfer is not None:
        return live.transfer.target
    return None


def caller_gone(live: Live, at: int | None, *, by_caller: bool) -> None:
    """The caller's channel ended while a transfer was under way."""
    transfer = live.transfer
    if transfer is None:
        return
    if transfer.outcome is None and not _partly_unheard(live, transfer):
        transfer.outcome = TransferOutcome.ABANDONED if by_caller else TransferOutcome.FAILED
    transfer.ended_at = at
    live.transfer = None
