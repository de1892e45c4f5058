"""What the books say is up: channels, their ends read ahead, queue_log's rows of each caller."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ivr.books.queue_log import QueueRow
from ivr.calls.call import Micros

GONE: Final = 150_000
"""What ends this close (µs) to an answer or somebody's leaving ended because of it."""
WITHIN: Final = 2_000_000
"""queue_log's whole seconds and CEL's microseconds of one act are not further apart (µs)."""


@dataclass(slots=True)
class Chan:
    """A channel that exists at this point of the book."""

    uniqueid: str
    linkedid: str
    name: str
    place: int
    began_at: Micros
    last_at: Micros
    """When it was last told of."""
    app: str = ""
    data: str = ""
    bridge: str | None = None
    up: bool = False
    queue: str | None = None
    """The queue whose passage is under way, for a caller."""
    winner: str | None = None
    """The member's channel that has answered this caller."""
    rings_for: str | None = None
    """The caller for whom a queue rings this channel."""
    dialled_by: str | None = None
    asked: bool = False
    music: str | None = None
    """The officer's channel that holds this caller."""
    shown: tuple[str, str] = ("", "")
    """Number and name last told of it."""
    exten: str = ""


@dataclass(frozen=True, slots=True)
class Hangup:
    """A channel's end, read ahead: whose hang-up it says it was, and when the channel left."""

    at: Micros
    source: str
    left_at: Micros
    cause: int | None


@dataclass(slots=True)
class QueueBook:
    """queue_log's rows of the callers who are up, by their uniqueid; bounded."""

    rows: dict[str, list[QueueRow]] = field(default_factory=dict)
    most: int = 50_000
    """Callers whose rows are kept; the oldest go first."""
    started: Micros | None = None
    """The second of the last start of Asterisk that it tells."""
    first_at: Micros | None = None
    """The time of the first row that was read; `None`: there is no such book."""

    def add(self, row: QueueRow) -> None:
        """Keeps a row until its caller is gone."""
        if self.first_at is None:
            self.first_at = row.at
        if row.verb == "QUEUESTART":
            self.started = row.at
        if not row.call:
            return
        rows = self.rows.get(row.call)
        if rows is None:
            while len(self.rows) >= self.most:
                del self.rows[next(iter(self.rows))]
            rows = self.rows[row.call] = []
        rows.append(row)

    def begins_after(self, at: Micros) -> bool:
        """Whether it cannot tell of this moment: it is not kept, or was rotated apart from CEL."""
        return self.first_at is None or self.first_at > at

    def of(self, uniqueid: str) -> list[QueueRow]:
        """The caller's rows, in the order in which they were written."""
        return self.rows.get(uniqueid, [])

    def forget(self, uniqueid: str) -> None:
        """The caller is gone."""
        self.rows.pop(uniqueid, None)
