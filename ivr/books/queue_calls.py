"""A call as queue_log alone tells it: what the queues did with it, in whole seconds.

Pure. Such a call is marked `times_inferred`, for a second is not a time; what no row says is
unknown: menus, agencies, how a ringing ended that is only called RINGNOANSWER, when a caller left
whom the officer let go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ivr.books.queue_log import QueueRow
from ivr.calls.call import (
    AgentPart,
    Attempt,
    AttemptOutcome,
    Call,
    EndedBy,
    Leg,
    Micros,
    Outcome,
    PassageOutcome,
    QueuePassage,
    Role,
    Transfer,
    TransferKind,
)
from ivr.calls.directory import Directory
from ivr.calls.tracker import set_caller

ENDS: Final[dict[str, PassageOutcome]] = {
    "ABANDON": PassageOutcome.ABANDONED,
    "EXITWITHTIMEOUT": PassageOutcome.TIMEOUT,
    "EXITEMPTY": PassageOutcome.TIMEOUT,
    "EXITWITHKEY": PassageOutcome.LEFT,
}
"""Verb → how the stay in the queue ended unanswered."""

_HANDED_ON: Final[dict[str, TransferKind]] = {
    "BLINDTRANSFER": TransferKind.BLIND,
    "TRANSFER": TransferKind.BLIND,
    "ATTENDEDTRANSFER": TransferKind.ATTENDED,
}
OVER: Final = frozenset({*ENDS, *_HANDED_ON, "COMPLETECALLER", "COMPLETEAGENT", "AGENTDUMP"})
"""Verbs after which the queue has nothing more to do with a caller."""

_SECOND: Final = 1_000_000


def call_of_queue_log(
    node: str, directory: Directory, rows: Sequence[QueueRow], *, interrupted: bool = False
) -> Call | None:
    """The call that these rows of one caller tell; `None` where it was in no queue of the hotline.

    `interrupted`: Asterisk was started anew while the caller was up.
    """
    told = [row for row in rows if directory.service(row.queue) is not None]
    if not any(row.verb == "ENTERQUEUE" for row in told):
        return None
    first = told[0]
    call = Call(
        call_id=f"{node}-{first.call}",
        node=node,
        linkedids=[first.call],
        dialled=next(iter(directory.numbers), ""),
        entered_at=_born(first),
        revision=len(told),
        times_inferred=True,
        closed=True,
    )
    call.legs.append(Leg(first.call, "", Role.CALLER, None, call.entered_at))
    for row in told:
        _take(call, directory, row)
    if interrupted and call.ended_at is None:
        call.ended_by, call.outcome = EndedBy.SYSTEM, Outcome.INTERRUPTED
    else:
        call.outcome = _outcome(call, directory)
        call.ended_by = call.ended_by or EndedBy.UNKNOWN
    call.legs[0].ended_at = call.ended_at
    return call


def _born(row: QueueRow) -> Micros:
    """The second the channel was born in: its uniqueid's, or of its first row."""
    second = row.call.rpartition("-")[2].partition(".")[0]
    if second.isascii() and second.isdigit():
        return min(int(second) * _SECOND, row.at)
    return row.at


def _take(call: Call, directory: Directory, row: QueueRow) -> None:
    if row.verb == "ENTERQUEUE":
        call.passages.append(QueuePassage(row.queue, row.at, position=row.number(2)))
        call.service = directory.service(row.queue) or call.service
        if call.caller_presented is None and row.value(1):
            set_caller(call, row.value(1), None, withheld=False)
        return
    passage = call.passages[-1] if call.passages else None
    if passage is None or passage.queue != row.queue:
        return
    agent = directory.member(row.agent) if "/" in row.agent else row.agent
    if row.verb == "CONNECT":
        passage.left_at, passage.outcome = row.at, PassageOutcome.ANSWERED
        rang_at = row.at - (row.number(2) or 0) * _SECOND
        passage.attempts.append(Attempt(agent, rang_at, row.at, AttemptOutcome.ANSWERED))
        call.agents.append(AgentPart(agent, row.at))
        call.answered_at = call.answered_at or row.at
    elif row.verb in {"RINGNOANSWER", "RINGCANCELED"}:
        rang_at = row.at - (row.number(0) or 0) * 1000
        cancelled = row.verb == "RINGCANCELED"
        outcome = AttemptOutcome.CANCELLED if cancelled else None
        passage.attempts.append(Attempt(agent, rang_at, row.at, outcome))
    elif row.verb in ENDS:
        passage.left_at, passage.outcome = row.at, ENDS[row.verb]
        if row.verb == "ABANDON":
            call.ended_at, call.ended_by = row.at, EndedBy.CALLER
    elif row.verb in OVER:
        for part in call.agents:
            part.released_at = part.released_at or row.at
        if row.verb == "COMPLETECALLER":
            call.ended_at, call.ended_by = row.at, EndedBy.CALLER
        elif row.verb == "COMPLETEAGENT":
            call.ended_by = EndedBy.AGENT
        elif (kind := _HANDED_ON.get(row.verb)) is not None:
            target = row.value(0) if kind is TransferKind.BLIND else ""
            agency = directory.agency(target) if target else None
            call.transfers.append(Transfer(kind, agent, target, agency, row.at))


def _outcome(call: Call, directory: Directory) -> Outcome:
    if call.agents:
        return Outcome.SERVED
    last = call.passages[-1]
    if last.outcome is PassageOutcome.ABANDONED:
        waited = sum((p.left_at or last.joined_at) - p.joined_at for p in call.passages)
        short = waited < directory.short_wait_seconds * _SECOND
        return Outcome.SHORT if short else Outcome.ABANDONED_QUEUE
    if last.outcome is PassageOutcome.TIMEOUT:
        return Outcome.QUEUE_TIMEOUT
    return Outcome.UNKNOWN
