"""The calls of one node as its books tell them, one by one as the books end them.

Pure: rows in, finished calls out, by the tracker that the live events go through, so that a call of
the books is the same record in everything the books can know. Memory is bounded by the calls in
progress. A call that the books do not end (it goes on, or its rows are lost) is not given out; one
whose Asterisk was started anew is, as interrupted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from ivr.books.cel import CelRow
from ivr.books.channels import QueueBook
from ivr.books.queue_calls import OVER, call_of_queue_log
from ivr.books.queue_log import QueueRow
from ivr.books.retelling import Retelling
from ivr.calls.call import Call, Micros, TransferOutcome
from ivr.calls.directory import Directory
from ivr.calls.tracker import Tracker
from ivr.events import types as ev
from ivr.events.markers import MARKS

CEL: Final = "cel"
QUEUE_LOG: Final = "queue_log"

Book = Literal["cel", "queue_log"]


@dataclass(frozen=True, slots=True)
class BookCall:
    """A call that is over, as the books have it."""

    call: Call
    book: Book
    """Which book told it; queue_log alone knows whole seconds and nothing outside the queues."""
    marked: bool = False
    """The markers of our dialplan are in the book too: menu, language, greeting."""
    lacks_marks: bool = False
    """The dialplan should speak them (no menu of another one is configured), and none is here."""
    place: int = 0
    """Where its rows begin."""
    queue_place: int | None = None
    """Where those of queue_log begin, beside CEL's."""


class Ledger:
    """Takes one node's rows in the order of the books; queue_log's always somewhat ahead of CEL's.

    `of_queues` alone (no CEL is kept): calls are made of queue_log.
    """

    def __init__(self, node: str, directory: Directory, *, of_queues: bool = False) -> None:
        self.node = node
        self.directory = directory
        self._queues = QueueBook()
        self._tracker = Tracker(node, directory)
        self._telling = Retelling(self._tracker, self._queues)
        self._of_queues = of_queues
        self._places: dict[str, int] = {}
        """Caller's channel → where its rows begin."""
        self._queue_places: dict[str, tuple[int, Micros]] = {}
        """Caller → where queue_log's rows of him begin, and the time of the last one."""
        self.first_at: Micros | None = None
        """The time of the first row, and of the last."""
        self.last_at: Micros | None = None

    def take(self, row: CelRow) -> list[BookCall]:
        """The calls that this row ends."""
        if self.first_at is None:
            self.first_at = row.at
        self.last_at = row.at
        if row.event == "CHAN_START" and self.directory.is_hotline(row.context, row.exten):
            self._places[row.uniqueid] = row.place
        return self._told(self._telling.take(row))

    def take_queue(self, row: QueueRow) -> list[BookCall]:
        """Takes in a row of queue_log; the calls it ends where there is no other book."""
        if not self._of_queues:
            self._queues.add(row)
            if row.call:
                self._keep_place(row)
            return []
        found: list[BookCall] = []
        if row.verb == "QUEUESTART":
            found = [c for call in list(self._queues.rows) if (c := self._of_rows(call, True))]
        elif len(self._queues.rows) >= self._queues.most:
            oldest = self._of_rows(next(iter(self._queues.rows)), interrupted=False)
            found = [oldest] if oldest is not None else []
        self._queues.add(row)
        if row.call:
            self._places.setdefault(row.call, row.place)
        if self.first_at is None:
            self.first_at = row.at
        self.last_at = row.at
        return found

    def _keep_place(self, row: QueueRow) -> None:
        place, _ = self._queue_places.pop(row.call, (row.place, 0))
        self._queue_places[row.call] = place, row.at
        if len(self._queue_places) > self._queues.most:
            del self._queue_places[next(iter(self._queue_places))]

    @property
    def open_calls(self) -> Collection[str]:
        """Ids of the calls that the books have not ended."""
        return self._tracker.lives.keys()

    def end(self) -> list[BookCall]:
        """The calls that are over with the last row there is."""
        found = self._told(self._telling.end())
        if self._of_queues:
            over = [c for c, rows in self._queues.rows.items() if rows[-1].verb in OVER]
            found += [c for call in over if (c := self._of_rows(call, interrupted=False))]
        return found

    @property
    def open_since(self) -> int | None:
        """Where the first row begins of what is not over yet; `None` where nothing is open."""
        if self._of_queues:
            return min((self._places[call] for call in self._queues.rows), default=None)
        return self._telling.up_since

    def queues_since(self, late: Micros) -> int | None:
        """Where queue_log's first row begins of those who are up or were told of this late (µs)."""
        up, fresh = self._telling.chans, (self.last_at or 0) - late
        return min(
            (
                place
                for caller, (place, at) in self._queue_places.items()
                if caller in up or at >= fresh
            ),
            default=None,
        )

    def _told(self, events: Iterable[ev.Event]) -> list[BookCall]:
        found: dict[str, BookCall] = {}
        for event in events:
            for call in self._tracker.apply(event):
                if not call.closed:
                    continue
                _claim_nothing(call)
                caller = call.legs[0].uniqueid if call.legs else ""
                place = self._places.pop(caller, 0)
                known = found.get(call.call_id)
                queued = self._queue_places.get(caller)
                marked = any(m.name in _DIALPLAN for m in call.marks)
                found[call.call_id] = BookCall(
                    call, CEL, marked, not marked and self.directory.menu_context is None,
                    known.place if known is not None else place,
                    queued[0] if queued is not None else None,
                )  # fmt: skip
        return list(found.values())

    def _of_rows(self, caller: str, interrupted: bool) -> BookCall | None:
        rows, place = self._queues.rows.pop(caller), self._places.pop(caller, 0)
        made = call_of_queue_log(self.node, self.directory, rows, interrupted=interrupted)
        return None if made is None else BookCall(made, QUEUE_LOG, place=place)


def _claim_nothing(call: Call) -> None:
    """That an officer has his caller back is in a book; why the transfer came to nothing is not.

    Where a telephone was rung, or a marker tells, the book does say it, and this is not asked.
    """
    for transfer in call.transfers:
        if transfer.outcome is TransferOutcome.RETURNED:
            transfer.outcome = None


_DIALPLAN: Final = frozenset(MARKS)
