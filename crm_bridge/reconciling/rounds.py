"""Asterisk's books read by the bridge itself: at its start, after every reconnect, and nightly.

A round reads what was written since the last one, a piece at a time in a thread, and compares each
call that is over with its record. Calls that go on, or have only just ended, are left for the next
round, and so is the place in the book. While a call with a gap is in progress, another round comes
soon. What is not heard of a node is put on record, calls or none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from crm_bridge.clock import Clock
from crm_bridge.config import NodeSection
from crm_bridge.desk.declare import Declare
from crm_bridge.errors import StorageError
from crm_bridge.reconciling import gap_book
from crm_bridge.reconciling.books import Books
from crm_bridge.reconciling.comparing import Compared, compare, mended_call, repaired
from crm_bridge.records.commit_loop import CommitLoop
from crm_bridge.records.database import Database
from crm_bridge.records.writer import batch_of
from crm_bridge.written import office_time
from ivr.books.ledger import BookCall
from ivr.books.reading import Reading
from ivr.calls.call import Micros
from ivr.calls.directory import Directory
from ivr.calls.tracker import Tracker
from ivr.steps.standards import Standards

_log = structlog.get_logger(__name__)

LOOK_EVERY: Final = 1.0
"""Seconds between looks at whether the lines are heard."""
SETTLED: Final = 3_000_000
"""Microseconds after which a call that is over is on record, and in the books."""
AGAIN: Final = 10_000_000
"""Microseconds to the next round while something waits for it."""
AFTER_FAULT: Final = 300_000_000
NIGHT: Final = 3
"""The hour, office time, from which the nightly round is due."""
_LATE: Final = 2_000_000
"""Microseconds by which an event may be told later than CEL has it."""
_AT_ONCE: Final = 50
"""Calls compared at once."""
_REST: Final = 0.01
"""Seconds between pieces, for the line."""


class Overflowing(Protocol):
    """What counts how often events came too fast."""

    overflows: int


@dataclass(slots=True)
class Watched:
    """A node whose books are read."""

    name: str
    tracker: Tracker
    books: Books | None
    """`None` where none are configured."""
    intake: Overflowing
    overflows: int = 0
    due_at: Micros = 0
    night: object = None
    """The day of the last nightly round."""
    lost_at: Micros | None = None
    boot: str | None = None
    cause: str = gap_book.STOPPED
    up_at: Micros | None = None
    said: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Round:
    """What a round has done."""

    calls: int = 0
    repaired: int = 0
    made: int = 0
    unfinished: list[BookCall] = field(default_factory=list)


class ReadingRounds:
    """Keeps the records complete by the books, for as long as the bridge runs."""

    def __init__(
        self, database: Database, loop: CommitLoop, declare: Declare, directory: Directory,
        standards: Standards, clock: Clock,
    ) -> None:  # fmt: skip
        self.nodes: list[Watched] = []
        self._database = database
        self._loop = loop
        self._declare = declare
        self._directory = directory
        self._standards = standards
        self._clock = clock
        self._began = clock.now_us()

    def watch(self, section: NodeSection, name: str, tracker: Tracker, intake: Overflowing) -> None:
        """Another node; where it has no books configured, only what is not heard is kept."""
        books = None
        if section.cel_file or section.queue_log_file:
            books = Books(name, section.cel_file, section.queue_log_file)
        else:
            _log.warning(
                "no books are configured: what is not heard stays unknown", node=name,
                mend="set node.cel_file and node.queue_log_file",
            )  # fmt: skip
        self.nodes.append(Watched(name, tracker, books, intake))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            for node in self.nodes:
                await self._look(node)
                if self._due(node):
                    await self.round(node)
            await self._clock.sleep(LOOK_EVERY)

    # What is not heard.

    async def _look(self, node: Watched) -> None:
        hearing = node.tracker.hearing
        lost, up = hearing.lost_at, None if hearing.down else hearing.up_at
        if lost is not None and lost != node.lost_at:
            # the one at the start is named by `restore`, before the first link-up
            node.cause = gap_book.LINK if node.up_at is not None else gap_book.STOPPED
            if node.intake.overflows > node.overflows:
                node.cause = gap_book.FULL
            node.overflows = node.intake.overflows
            node.lost_at = lost
            await self._keep(node, None)
        if up is None or up == node.up_at:
            return
        node.up_at = up
        if node.lost_at is not None and up >= node.lost_at:
            if node.boot is not None and hearing.boot not in {None, node.boot}:
                node.cause = gap_book.ASTERISK
            await self._keep(node, up)
        node.boot = hearing.boot or node.boot
        node.due_at = self._clock.now_us() + SETTLED

    async def _keep(self, node: Watched, ended: Micros | None) -> None:
        if node.lost_at is None:
            return
        try:
            async with self._database.writing() as connection:
                await gap_book.keep_gap(connection, node.name, node.lost_at, ended, node.cause)
        except StorageError as fault:
            _log.warning("a gap is not on record yet", node=node.name, what=fault.what)

    def _due(self, node: Watched) -> bool:
        if node.books is None or node.up_at is None:
            return False
        now = self._clock.now_us()
        if node.due_at:
            return now >= node.due_at
        local = office_time(now)
        if node.night is None:
            node.night = local.date()
        return local.hour >= NIGHT and local.date() != node.night

    # A round.

    async def round(self, node: Watched) -> Round | None:
        """Reads on in a node's books and repairs by them; `None` where they cannot be read."""
        if node.books is None:
            return None
        node.night = office_time(self._clock.now_us()).date()
        try:
            done = await self._round(node, node.books)
        except OSError as error:
            self._say(node, str(error.filename), error.strerror or "")
            node.due_at = self._clock.now_us() + AFTER_FAULT
            return None
        except StorageError as fault:
            _log.warning("books not compared", node=node.name, what=fault.what, where=fault.where)
            node.due_at = self._clock.now_us() + AGAIN
            return None
        waits = done.unfinished or any(
            gap.filled_by is None for live in node.tracker.lives.values() for gap in live.call.gaps
        )
        node.due_at = self._clock.now_us() + AGAIN if waits else 0
        if done.repaired or done.made:
            _log.info(
                "records completed by the books", node=node.name, calls=done.calls,
                repaired=done.repaired, made=done.made,
            )  # fmt: skip
        return done

    async def _round(self, node: Watched, books: Books) -> Round:
        async with self._database.reading() as connection:
            kept = await gap_book.places(connection, node.name)
            first = None if kept else await gap_book.first_call(connection, node.name)
        # a record's own moment may be a little later than the one its book has
        since = kept[0] if kept else (self._began if first is None else first) - _LATE
        began = self._clock.now_us()
        reading = await asyncio.to_thread(
            Reading, node.name, self._directory, books.cel, books.queue_log,
            (kept[1], kept[2]) if kept else (None, None),
        )  # fmt: skip
        for path in reading.lost:
            _log.error(
                "a part of a book is gone before it was read", book=str(path), node=node.name,
                mend="keep rotated books beside it for a day at least",
            )  # fmt: skip
        done = Round()
        pieces = reading.calls()
        waiting: list[BookCall] = []
        while (found := await asyncio.to_thread(_next, pieces)) is not None:
            waiting += [one for one in found if one.call.entered_at >= since]
            if len(waiting) >= _AT_ONCE:
                await self._take(node, waiting, done)
                waiting = []
            await self._clock.sleep(_REST)
        await self._take(node, waiting, done)
        cel, queue_log = await asyncio.to_thread(reading.places, done.unfinished)
        async with self._database.writing() as connection:
            await gap_book.keep_places(
                connection, node.name, since, cel, queue_log, self._clock.now_us(), began
            )
        return done

    async def _take(self, node: Watched, told: Sequence[BookCall], done: Round) -> None:
        ready = []
        for one in told:
            if self._goes_on(node, one):
                done.unfinished.append(one)
            else:
                ready.append(one)
        done.calls += len(ready)
        if not any(c.found for c in await compare(self._database, ready)):
            return
        async with self._declare.alone():
            wrong = [c for c in await compare(self._database, ready) if c.found]
            wrong = [c for c in wrong if not self._goes_on(node, c.told)]
            rows = [repaired(c, self._directory, self._standards) for c in wrong]
            await self._loop.saved(self._loop.offer(batch_of(calls=rows)))
            overtaken = self._loop.overtaken([one.call_id for one in rows])
        for compared in wrong:
            if compared.call_id in overtaken:
                done.unfinished.append(compared.told)
            else:
                self._tell(compared, done)

    def _tell(self, compared: Compared, done: Round) -> None:
        if compared.record is None:
            done.made += 1
        else:
            done.repaired += 1
        if self._declare.on_amended is not None:
            self._declare.on_amended(mended_call(compared))

    def _goes_on(self, node: Watched, told: BookCall) -> bool:
        """Whether the line still has the call, or may not have written it yet."""
        call, tracker = told.call, node.tracker
        caller = call.legs[0].uniqueid if call.legs else ""
        if call.call_id in tracker.lives or tracker.of_caller(caller) is not None:
            return True
        last = call.ended_at or max((leg.ended_at or 0 for leg in call.legs), default=0)
        return self._clock.now_us() - last < SETTLED

    def _say(self, node: Watched, book: str, why: str) -> None:
        if book not in node.said:
            node.said.add(book)
            _log.error(
                "a book cannot be read: gaps stay unfilled", node=node.name, book=book, why=why,
                mend="let the bridge's user read it (node.cel_file, node.queue_log_file);"
                " a new Asterisk makes CEL with its first call",
            )  # fmt: skip


def _next(pieces: Iterator[list[BookCall]]) -> list[BookCall] | None:
    return next(pieces, None)
