"""How a call came out, and by whose act it ended."""

from __future__ import annotations

from typing import Final

from ivr.calls.call import OUTBOUND, Call, EndedBy, Outcome, PassageOutcome, Role
from ivr.calls.directory import Directory
from ivr.calls.live import Live

STOPPING: Final = 4
"""Asterisk's flag AST_SOFTHANGUP_SHUTDOWN: it stops, and takes the channel with it."""

_BY_ROLE: Final[dict[Role, EndedBy]] = {
    Role.CALLER: EndedBy.CALLER,
    Role.AGENT: EndedBy.AGENT,
    Role.AGENCY: EndedBy.AGENCY,
    Role.OTHER: EndedBy.AGENCY,
}


def ended_by(live: Live) -> EndedBy:
    """Who hung up, once the caller's channel is gone or he is asked how it was."""
    if live.hung_up_by is not None:
        return live.hung_up_by
    if live.caller.hangup_asked_at is not None:
        return EndedBy.CALLER
    if live.emptied is None and live.called_by and live.called_by.hangup_asked_at is not None:
        return EndedBy.AGENT  # the officer gave up while it rang
    if live.emptied is None or live.caller.ordered:
        return EndedBy.SYSTEM
    if live.transfer is not None or live.parked_at is not None:
        return EndedBy.SYSTEM  # whoever left had only handed the caller on
    last = live.emptied[1]
    if last.ordered and last.hangup_asked_at is None:
        return EndedBy.SYSTEM
    return _BY_ROLE.get(last.role, EndedBy.SYSTEM)


def outcome(live: Live, directory: Directory, now: int) -> Outcome:
    """How a call that ended at `now` (µs) came out for its caller; `ended_by` is known."""
    call = live.call
    if live.caller.ordered == STOPPING:
        return Outcome.INTERRUPTED
    if call.agents or call.agency_legs:
        return Outcome.SERVED
    if call.direction == OUTBOUND:
        return Outcome.FAILED
    if call.passages:
        last = call.passages[-1]
        if last.outcome is PassageOutcome.ABANDONED:
            waited = sum((p.left_at or now) - p.joined_at for p in call.passages)
            short = waited < directory.short_wait_seconds * 1_000_000
            return Outcome.SHORT if short else Outcome.ABANDONED_QUEUE
        if last.outcome is PassageOutcome.TIMEOUT:
            return Outcome.QUEUE_TIMEOUT
        return Outcome.ABANDONED_MENU
    if _served_by_the_line(call):
        return Outcome.SERVED
    if any(mark.name in {"closed", "refused"} for mark in call.marks):
        return Outcome.ABANDONED_MENU  # out of hours, or by a rule; the line bids him goodbye
    if call.ended_by is EndedBy.CALLER:
        short = now - call.entered_at < directory.short_call_seconds * 1_000_000
        return Outcome.SHORT if short else Outcome.ABANDONED_MENU
    return Outcome.FAILED


def _served_by_the_line(call: Call) -> bool:
    """Whether the caller had what he asked for: the guide to its end or by text, a case's status.

    Or the message that stands in place of everything else.
    """
    return any(
        mark.name == "guide"
        or (mark.name == "self_end" and mark.value.endswith((":told", "text:sent")))
        or (mark.name == "announced" and mark.value.startswith("instead:"))
        for mark in call.marks
    )
