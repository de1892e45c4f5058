"""An officer consults: asks somebody while the caller waits, by feature code or a second leg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ivr.calls.call import Consultation, ConsultationOutcome, Role
from ivr.calls.correlate import Channel
from ivr.calls.live import Live
from ivr.calls.transitions import Phase, Trigger

if TYPE_CHECKING:
    from ivr.calls.tracker import Tracker

_OUTCOMES: Final[dict[str, ConsultationOutcome]] = {
    "BUSY": ConsultationOutcome.BUSY,
    "NOANSWER": ConsultationOutcome.NO_ANSWER,
    "CANCEL": ConsultationOutcome.CANCELLED,
}


def from_second_leg(tracker: Tracker, source: Channel) -> None:
    """An officer with a caller on the line who rings somebody from a second leg consults."""
    if source.role is not Role.AGENT or source.dialled_by is not None or source.party is None:
        return
    live = tracker.with_agent(source.party)
    if live is None or source.uniqueid in live.parts or source.uniqueid in live.consults:
        return
    tracker.net.join(live.caller, source)
    _begin(tracker, live, source.uniqueid, source.party, source.exten or "", source.started_at)


def agent_apart(tracker: Tracker, channel: Channel) -> None:
    """An officer who joins a Local channel away from the caller consults by feature code."""
    live = channel.group.live
    uniqueid = channel.uniqueid
    if (
        live is None
        or uniqueid not in live.parts
        or uniqueid in live.talking_with
        or uniqueid in live.consults
    ):
        return
    for member in tracker.net.bridges.get(channel.bridge or "", ()):
        local = tracker.net.channels[member]
        if local.role is Role.LOCAL and local.exten:
            by = live.parts[uniqueid].agent
            _begin(tracker, live, uniqueid, by, local.exten, local.started_at)
            live.consult_targets[member] = uniqueid
            _already_rung(tracker, live, uniqueid, local)
            return


def _already_rung(tracker: Tracker, live: Live, key: str, local: Channel) -> None:
    """The party may have been rung, or have answered, before the officer came to listen."""
    consultation = live.consults[key]
    for uniqueid in live.group.channels:
        channel = tracker.net.channels.get(uniqueid)
        if channel is not None and channel.dialled_by in {local.uniqueid, local.pair}:
            live.consult_targets[uniqueid] = key
            channel.dialled = consultation.target
            consultation.answered_at = consultation.answered_at or channel.up_at


def _begin(tracker: Tracker, live: Live, key: str, by: str, target: str, at: int) -> None:
    """Opens a consultation under the channel the officer consults on."""
    consultation = Consultation(by, target, tracker.directory.agency(target), at)
    live.consults[key] = consultation
    live.call.consultations.append(consultation)
    tracker.move(live, Trigger.CONSULT_BEGAN, at)
    tracker.touch(live)


def key_of(live: Live, source: Channel) -> str | None:
    """The consultation this channel rings for: its own leg, or a Local rung for one."""
    if source.uniqueid in live.consults:
        return source.uniqueid
    for uniqueid in (source.uniqueid, source.pair):
        if uniqueid in live.consult_targets:
            return live.consult_targets[uniqueid]
    return None


def ringing_ended(live: Live, key: str, status: str, at: int) -> None:
    """The party consulted answered, or why not."""
    consultation = live.consults.get(key)
    if consultation is None:
        return
    if status == "ANSWER":
        consultation.answered_at = consultation.answered_at or at
    elif consultation.answered_at is None:
        consultation.outcome = _OUTCOMES.get(status, ConsultationOutcome.FAILED)


def agent_back(tracker: Tracker, live: Live, uniqueid: str, at: int) -> None:
    """The officer is with the caller again on the same channel: a consultation on it is over."""
    consultation = live.consults.pop(uniqueid, None)
    if consultation is None:
        return
    consultation.ended_at = at
    if consultation.outcome is None:
        consultation.outcome = _outcome_unasked(tracker, live, uniqueid, consultation)
    tracker.move(live, Trigger.CONSULT_ENDED, at)
    tracker.touch(live)


def _outcome_unasked(
    tracker: Tracker, live: Live, uniqueid: str, consultation: Consultation
) -> ConsultationOutcome:
    if consultation.answered_at is not None:
        over = live.phase is Phase.ENDED  # there was no caller to return to
        return ConsultationOutcome.CANCELLED if over else ConsultationOutcome.RETURNED
    channel = tracker.net.channels.get(uniqueid)
    if channel is None or uniqueid not in live.parts:
        return ConsultationOutcome.CANCELLED  # his second call is gone: he hung it up
    # By feature code: given up with a key, or else Asterisk's own time for an answer was over.
    given_up = channel.key_at is not None and channel.key_at > consultation.started_at
    return ConsultationOutcome.CANCELLED if given_up else ConsultationOutcome.NO_ANSWER
