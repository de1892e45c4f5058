"""A record as the books complete it.

Pure. What was heard stands, also where a book lacks it; the books fill what was not. A moment of
the record that is further than `TOLERANCE` from the one CEL has becomes CEL's, gap or none. Where
the record has a gap, the book says what there was (which queues, officers, agencies), and of each
entry what was heard up to the gap stands: what is heard behind a gap may rest on what was missed.
queue_log alone adds what is missing and changes nothing. What no book knows stays unknown.

Mending twice is mending once.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

from ivr.books.ledger import CEL, BookCall
from ivr.books.matching import Heard, joined, match, merged, moment, paired
from ivr.calls.call import (
    AgentPart,
    Attempt,
    Call,
    EndedBy,
    Gap,
    Hold,
    Leg,
    Micros,
    Outcome,
    QueuePassage,
    Transfer,
    TransferOutcome,
)

_SECOND: Final = 1_000_000
_UNSAID: Final = (None, Outcome.UNKNOWN, Outcome.INTERRUPTED)
_FAILED: Final = frozenset(
    {TransferOutcome.FAILED, TransferOutcome.BUSY, TransferOutcome.NO_ANSWER}
)


def made_of(told: BookCall) -> Call:
    """The record of a call that the events never told: all of it is one gap that a book filled.

    Where the book breaks off, with a killed Asterisk, it fills it so far; the rest stays unknown.
    """
    call = deepcopy(told.call)
    end = call.ended_at or _last_told(call)
    call.gaps = [Gap(call.entered_at, end, told.book)]
    if call.ended_at is None:
        call.gaps.append(Gap(end))
    if told.lacks_marks:
        call.times_inferred = True  # what the markers would have timed is not observed
    return call


def mended(record: Call, told: BookCall) -> Call:
    """The record as the books complete it, at the next revision; the record itself is untouched."""
    new = deepcopy(record)
    new.revision = record.revision + 1
    new.linkedids = list(dict.fromkeys([*record.linkedids, *told.call.linkedids]))
    if told.book == CEL:
        _take_exact(new, record, told)
    else:
        _take_missing(new, told.call)
    for gap in fillable(new, told):
        gap.filled_by = told.book
    new.closed = True
    return new


def passages_of(record: Call, told: BookCall) -> list[QueuePassage]:
    """The queues of the call, as heard and as CEL completes them."""
    return merged(record.passages, told.call.passages, queue_of, joined_at, _heard(record))


def agents_of(record: Call, told: BookCall) -> list[AgentPart]:
    """The officers of the call, as heard and as CEL completes them."""
    return merged(record.agents, told.call.agents, agent_of, connected_at, _heard(record))


def holds_told(record: Call, told: BookCall) -> list[tuple[Hold, Hold]]:
    """Each hold of the record and the same one in CEL, which has the music's moments."""
    return paired(record.holds, told.call.holds, _by, lambda hold: hold.started_at)


def transfers_told(record: Call, told: BookCall) -> list[tuple[Transfer, Transfer]]:
    """Each transfer of the record and the same one in CEL."""
    return paired(record.transfers, told.call.transfers, _by, _asked)


def unfilled(call: Call) -> list[Gap]:
    """The gaps that no book has filled."""
    return [gap for gap in call.gaps if gap.filled_by is None]


def fillable(call: Call, told: BookCall) -> list[Gap]:
    """The gaps that this book fills: none that holds an end which the book does not know either.

    Asterisk killed, the book breaks off with it: when the caller was gone nobody has written.
    """
    ended = told.call.ended_at
    if ended is None and call.ended_at is None:
        return []
    return unfilled(call)


def _take_exact(new: Call, record: Call, told: BookCall) -> None:
    book = told.call
    gaps = [(gap.started_at - _SECOND, gap.ended_at or 2**62) for gap in unfilled(record)]
    heard = _heard(record)

    def not_missed(at: Micros) -> bool:
        return not any(start <= at <= end for start, end in gaps)

    new.entered_at = moment(record.entered_at, book.entered_at) or book.entered_at
    new.answered_at = moment(record.answered_at, book.answered_at)
    new.ended_at = moment(record.ended_at, book.ended_at)
    new.legs = _legs(record, book)
    new.agents = agents_of(record, told)
    new.passages = passages_of(record, told)
    same = _structure(record) == _structure(new)
    for passage in new.passages:
        ours = match(passage, record.passages, queue_of, joined_at)
        if ours is not None:
            passage.attempts = merged(
                ours.attempts, passage.attempts, agent_of, lambda x: x.rang_at, heard
            )
    if gaps or not same:
        _take_inferred(new, record, told, heard, not_missed)
        if gaps and (told.lacks_marks or book.times_inferred):
            new.times_inferred = True  # the greeting's end, say, is not in this book
        if gaps or record.ended_by in {None, EndedBy.UNKNOWN}:
            new.ended_by = book.ended_by or record.ended_by
        # a book that lacks what was heard has not the whole call to judge by
        lacks = len(new.passages) > len(book.passages) or len(new.agents) > len(book.agents)
        if not lacks or record.outcome in _UNSAID:
            new.outcome = book.outcome or record.outcome
    elif record.ended_at is None or record.outcome in _UNSAID:
        new.ended_by = book.ended_by or record.ended_by
        new.outcome = book.outcome or record.outcome
    for hold, its in holds_told(new, told):
        hold.started_at = moment(hold.started_at, its.started_at) or hold.started_at
        hold.ended_at = moment(hold.ended_at, its.ended_at)
    for transfer, asked in transfers_told(new, told):
        transfer.asked_at = moment(transfer.asked_at, asked.asked_at) or transfer.asked_at
    if not same and not gaps:
        # something was missed although the line was up: said, not silently put right
        new.gaps = sorted([*new.gaps, _silent_gap(record, new)], key=lambda g: g.started_at)


def _heard(record: Call) -> Heard:
    """Whether all was heard up to a moment: no gap that no book has filled begins before it."""
    first = min((gap.started_at - _SECOND for gap in unfilled(record)), default=2**62)
    return lambda at: at < first


def _take_inferred(
    new: Call, record: Call, told: BookCall, heard: Heard, not_missed: Heard
) -> None:
    book = told.call
    new.consultations = merged(
        record.consultations, book.consultations, _by, lambda x: x.started_at, heard
    )
    new.transfers = merged(record.transfers, book.transfers, _by, _asked, heard)
    for transfer in new.transfers:
        _failure_stands(transfer, record, not_missed)
    new.agency_legs = merged(
        record.agency_legs, book.agency_legs, lambda x: x.agency, connected_at, heard
    )
    new.holds = joined(record.holds, book.holds, _by, lambda x: x.started_at, not_missed)
    if told.marked or book.menu:
        new.menu = joined(record.menu, book.menu, lambda x: x.key, lambda x: x.at, heard)
    new.marks = joined(
        record.marks, book.marks, lambda x: (x.name, x.value), lambda x: x.at, lambda _: True
    )
    new.service = book.service or record.service
    new.language = book.language or record.language


def _failure_stands(transfer: Transfer, record: Call, not_missed: Heard) -> None:
    """That an agency could not be reached is told by a marker; CEL without them cannot know."""
    ours = match(transfer, record.transfers, _by, _asked)
    if ours is None or ours.outcome not in _FAILED or ours.ended_at is None:
        return
    if not_missed(ours.asked_at) and not_missed(ours.ended_at):
        transfer.outcome, transfer.answered_at = ours.outcome, ours.answered_at


def _legs(record: Call, book: Call) -> list[Leg]:
    """The channels of both, in order of their beginning."""
    theirs = {leg.uniqueid: leg for leg in book.legs}
    found = []
    for leg in record.legs:
        other = theirs.pop(leg.uniqueid, None)
        made = replace(leg)
        if other is not None:
            made.started_at = moment(leg.started_at, other.started_at) or leg.started_at
            made.answered_at = moment(leg.answered_at, other.answered_at)
            made.ended_at = moment(leg.ended_at, other.ended_at)
            made.cause = other.cause if leg.cause is None else leg.cause
        found.append(made)
    found += [replace(leg) for leg in theirs.values()]
    return sorted(found, key=lambda leg: leg.started_at)


def _structure(call: Call) -> tuple[list[Any], list[str]]:
    return [(p.queue, p.outcome) for p in call.passages], [p.agent for p in call.agents]


def _last_told(call: Call) -> Micros:
    moments = [call.entered_at, call.answered_at]
    for leg in call.legs:
        moments += [leg.started_at, leg.answered_at, leg.ended_at]
    for passage in call.passages:
        moments += [passage.joined_at, passage.left_at]
    for part in call.agents:
        moments += [part.connected_at, part.released_at]
    return max(at for at in moments if at is not None)


def _silent_gap(record: Call, new: Call) -> Gap:
    """From the first to the last moment of what the record lacks."""
    moments: list[Micros | None] = []
    for passage in new.passages:
        ours = match(passage, record.passages, queue_of, joined_at)
        if ours is None or ours.outcome is not passage.outcome:
            moments += [passage.joined_at, passage.left_at]
    for part in new.agents:
        if match(part, record.agents, agent_of, connected_at) is None:
            moments += [part.connected_at, part.released_at]
    known = [at for at in moments if at is not None]
    known = known or [new.entered_at, new.ended_at or new.entered_at]
    return Gap(min(known), max(known), CEL)


def _take_missing(new: Call, book: Call) -> None:
    for passage in book.passages:
        ours = match(passage, new.passages, queue_of, joined_at, 2 * _SECOND)
        if ours is None:
            new.passages.append(deepcopy(passage))
        else:
            ours.left_at = passage.left_at if ours.left_at is None else ours.left_at
            ours.outcome = ours.outcome or passage.outcome
    new.passages.sort(key=joined_at)
    for part in book.agents:
        # connected when the queue lets go: the greeting may come before the conversation, and who
        # picked the call up is not whom the queue names
        mine = match(part, new.agents, lambda _: None, connected_at, 60 * _SECOND)
        if mine is None:
            new.agents.append(replace(part))
        elif mine.released_at is None:
            mine.released_at = part.released_at
    new.agents.sort(key=connected_at)
    if new.ended_at is None and book.ended_at is not None:
        new.ended_at = book.ended_at
        new.ended_by = book.ended_by or new.ended_by
    if new.outcome in _UNSAID and book.outcome not in _UNSAID:
        new.outcome = book.outcome
    new.service = new.service or book.service
    new.times_inferred = True


def queue_of(passage: QueuePassage) -> str:
    """What names a passage."""
    return passage.queue


def joined_at(passage: QueuePassage) -> Micros:
    """When a passage began."""
    return passage.joined_at


def agent_of(entry: AgentPart | Attempt) -> str:
    """What names an officer's part, or a ringing."""
    return entry.agent


def connected_at(entry: Any) -> Micros:
    """When somebody came to the caller."""
    return int(entry.connected_at)


def _by(entry: Any) -> str:
    return str(entry.by)


def _asked(transfer: Transfer) -> Micros:
    return transfer.asked_at
