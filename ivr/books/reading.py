"""Both books of a node read side by side: pieces of work that each give the calls they end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ivr.books.cel import CelReader, CelRow
from ivr.books.ledger import BookCall, Ledger
from ivr.books.queue_log import QueueLogReader, QueueRow
from ivr.books.tail import Place, Tail
from ivr.calls.call import Micros
from ivr.calls.directory import Directory

_AHEAD: Final = 10_000_000
"""queue_log is read so far (µs) ahead of CEL."""
_LATE: Final = 60_000_000
"""A row of queue_log this young (µs) may be of a caller whom CEL will only name later."""


class Reading:
    """One reading of a node's books, from a place to their end as it is now."""

    def __init__(
        self,
        node: str,
        directory: Directory,
        cel: Path | None,
        queue_log: Path | None,
        places: tuple[Place | None, Place | None] = (None, None),
        *,
        rotated: tuple[bool, bool] = (False, False),
    ) -> None:
        """`places` are those of CEL and queue_log; OSError where a book cannot be read.

        `rotated`: where there is no place, the older parts beside CEL and queue_log are read first.
        """
        self.ledger = Ledger(node, directory, of_queues=cel is None)
        self.cel: Tail[CelRow] | None = None
        self.queues: Tail[QueueRow] | None = None
        if cel is not None:
            self.cel = Tail(cel, CelReader, places[0], rotated=rotated[0])
        if queue_log is not None:
            self.queues = Tail(queue_log, QueueLogReader, places[1], rotated=rotated[1])

    def calls(self) -> Iterator[list[BookCall]]:
        """The calls that are over, piece by piece; whoever takes them may rest in between."""
        queues = self._queue_rows()
        pending: Sequence[QueueRow] = ()
        if self.cel is None:
            for piece in queues:
                yield [call for row in piece for call in self.ledger.take_queue(row)]
        else:
            for cel_rows in self.cel.rows():
                found: list[BookCall] = []
                for row in cel_rows:
                    pending = self._until(queues, pending, row.at + _AHEAD)
                    found += self.ledger.take(row)
                yield found
            for piece in (pending, *queues):
                for entry in piece:
                    self.ledger.take_queue(entry)
        yield self.ledger.end()

    def places(self, unfinished: list[BookCall]) -> tuple[Place | None, Place | None]:
        """From where to read the next time: what is open, and `unfinished` calls, come again."""
        if self.cel is None:
            if self.queues is None:
                return None, None
            numbers = [self.queues.at, self.ledger.open_since, *(c.place for c in unfinished)]
            return None, self.queues.place_of(min(n for n in numbers if n is not None))
        numbers = [self.cel.at, self.ledger.open_since, *(c.place for c in unfinished)]
        cel = self.cel.place_of(min(n for n in numbers if n is not None))
        if self.queues is None:
            return cel, None
        since = [self.queues.at, *(c.queue_place for c in unfinished)]
        since.append(self.ledger.queues_since(_LATE))
        return cel, self.queues.place_of(min(n for n in since if n is not None))

    @property
    def lost(self) -> list[Path]:
        """The books in which the place was not found again."""
        return [tail.path for tail in (self.cel, self.queues) if tail is not None and tail.lost]

    def _queue_rows(self) -> Iterator[Sequence[QueueRow]]:
        if self.queues is not None:
            yield from self.queues.rows()

    def _until(
        self, queues: Iterator[Sequence[QueueRow]], pending: Sequence[QueueRow], at: Micros
    ) -> Sequence[QueueRow]:
        """Takes in queue_log's rows up to this time; returns those read beyond it."""
        while True:
            for n, row in enumerate(pending):
                if row.at > at:
                    return pending[n:]
                self.ledger.take_queue(row)
            more = next(queues, None)
            if more is None:
                return ()
            pending = more
