"""A record against the books: where it is not what they say.

Pure. CEL is exact: a moment it has is the moment. What CEL only lets one infer (how a ringing
ended, consultations, which holds) is looked at where the record is not whole: it has a gap that no
book has filled, or is not what CEL has for certain. queue_log alone knows whole seconds: only what
is missing is a difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ivr.books.ledger import CEL, BookCall
from ivr.books.matching import TOLERANCE
from ivr.books.mending import (
    agent_of,
    agents_of,
    fillable,
    holds_told,
    mended,
    passages_of,
    queue_of,
    transfers_told,
)
from ivr.calls.call import Call, Micros

SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a record is not what the books say; times in microseconds."""

    call_id: str
    what: str
    record: Any
    book: Any
    is_time: bool = False


def differences(record: Call | None, told: BookCall) -> list[Difference]:
    """Where the record is not what the books say; nothing where they agree as far as they go.

    A record that was repaired by the same books has none.
    """
    book = told.call
    if record is None:
        return [Difference(book.call_id, "call", None, book.entered_at, is_time=True)]
    found = _Found(record.call_id)
    if not record.closed:
        found.add("closed", record=False, book=True)
    filled = fillable(record, told)
    for n, gap in enumerate(record.gaps):
        if any(gap is one for one in filled):
            found.add(f"gaps[{n}].filled_by", None, told.book)
    if told.book == CEL:
        _exact(found, record, told)
        if found.found:
            _inferred(found, record, told)
    else:
        _whole_seconds(found, record, book)
    return found.found


class _Found:
    def __init__(self, call_id: str) -> None:
        self.call_id = call_id
        self.found: list[Difference] = []

    def add(self, what: str, record: Any, book: Any) -> None:
        self.found.append(Difference(self.call_id, what, record, book))

    def time(self, what: str, record: Micros | None, book: Micros | None) -> None:
        """A moment the book has, where the record has another one or none."""
        if book is not None and (record is None or abs(record - book) > TOLERANCE):
            self.found.append(Difference(self.call_id, what, record, book, is_time=True))

    def value(self, what: str, record: Any, book: Any) -> None:
        if book is not None and record != book:
            self.add(what, record, book)


def _exact(found: _Found, record: Call, told: BookCall) -> None:
    book = told.call
    found.time("entered_at", record.entered_at, book.entered_at)
    found.time("answered_at", record.answered_at, book.answered_at)
    found.time("ended_at", record.ended_at, book.ended_at)
    passages, agents = passages_of(record, told), agents_of(record, told)
    found.value("queue_passages", *_names(record.passages, passages, queue_of))
    if len(record.passages) == len(passages):
        for n, (ours, theirs) in enumerate(zip(record.passages, passages, strict=True)):
            at = f"queue_passages[{n}]"
            if not book.times_inferred:
                found.time(f"{at}.joined_at", ours.joined_at, theirs.joined_at)
                found.time(f"{at}.left_at", ours.left_at, theirs.left_at)
            found.value(f"{at}.outcome", ours.outcome, theirs.outcome)
    found.value("agents", *_names(record.agents, agents, agent_of))
    if len(record.agents) == len(agents):
        for n, (mine, part) in enumerate(zip(record.agents, agents, strict=True)):
            found.time(f"agents[{n}].connected_at", mine.connected_at, part.connected_at)
            found.time(f"agents[{n}].released_at", mine.released_at, part.released_at)
    for n, (hold, its) in enumerate(holds_told(record, told)):
        found.time(f"holds[{n}].started_at", hold.started_at, its.started_at)
        found.time(f"holds[{n}].ended_at", hold.ended_at, its.ended_at)
    for n, (transfer, asked) in enumerate(transfers_told(record, told)):
        found.time(f"transfers[{n}].asked_at", transfer.asked_at, asked.asked_at)


def _names(ours: Any, theirs: Any, of: Any) -> tuple[list[str], list[str]]:
    return [of(x) for x in ours], [of(x) for x in theirs]


def _inferred(found: _Found, record: Call, told: BookCall) -> None:
    made = mended(record, told)
    found.value("ended_by", record.ended_by, made.ended_by)
    found.value("outcome", record.outcome, made.outcome)
    for what in ("consultations", "transfers", "agency_legs", "holds", "menu", "marks"):
        ours, theirs = len(getattr(record, what)), len(getattr(made, what))
        if ours != theirs:
            found.add(f"{what} (number)", ours, theirs)


def _whole_seconds(found: _Found, record: Call, book: Call) -> None:
    made = mended(record, BookCall(book, "queue_log"))
    found.value("queue_passages", *_names(record.passages, made.passages, queue_of))
    found.value("agents", *_names(record.agents, made.agents, agent_of))
    found.time("ended_at", record.ended_at, made.ended_at)
    found.value("outcome", record.outcome, made.outcome)
