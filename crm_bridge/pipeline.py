"""One node's messages in order: event → call → steps → what is to be saved.

`NodePipeline.take` is synchronous and touches no disk; `flush` hands the records and the journal
piece gathered since the last time to the commit loop. `Intake` stands before it: a bounded queue
that a busy disk cannot overflow unnoticed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import structlog

from crm_bridge.records.commit_loop import CommitLoop
from crm_bridge.records.journal import Message, Scribe
from crm_bridge.records.rows import snapshot
from crm_bridge.records.writer import Batch
from ivr.ami.message import LINK_LOST, LINK_UP, declaration, event_name, synthetic
from ivr.calls.call import Call, Micros
from ivr.calls.directory import Directory
from ivr.calls.members import OF_MEMBERS, TO_BOTH, Members
from ivr.calls.tracker import Tracker
from ivr.events.decode import decode
from ivr.events.types import Event
from ivr.steps.standards import Standards
from ivr.steps.timeline import timeline
from ivr.steps.timing import StepTiming

_log = structlog.get_logger(__name__)

_SLICE: Final = 500
"""Messages worked on before others get a turn."""

_TOLD_EVERY: Final = 0.02
"""Seconds of arrival between two reads whose lag is told."""

_FEW: Final = 10
"""Changed calls that are all written at each flush: the line is quiet."""

_FLUSHES: Final = 4
"""A call that stays open is written again on a busy line once so many flushes have passed."""


@dataclass(slots=True)
class Tally:
    """What a pipeline has seen; for health, metrics and the summary of a replay."""

    events: int = 0
    unread: int = 0
    """Messages that are no event to us, or lack what their decoder needs."""
    failed: int = 0
    """Events on which the tracker raised: a bug, shouted and gone past."""
    calls: int = 0
    last_event_at: Micros | None = None
    last_lag: Micros | None = None
    """Arrival less Asterisk's own time of the last event."""


class NodePipeline:
    """The records of one node's calls, from its messages in order."""

    def __init__(
        self,
        node: str,
        directory: Directory,
        standards: Standards,
        loop: CommitLoop | None,
        scribe: Scribe | None = None,
    ) -> None:
        """Without a `scribe` nothing is journaled (a capture is its own journal)."""
        self.node = node
        self.directory = directory
        self.standards = standards
        self.tracker = Tracker(node, directory)
        self.tally = Tally()
        self.on_change: Callable[[Call, Event], None] | None = None
        """Told of every change at once, before it is saved; must not wait or raise."""
        self.on_over: Callable[[list[StepTiming]], None] | None = None
        """Told of the steps of a call that is over, when they are to be saved; must not raise."""
        self.members = Members()
        """Who serves which queue, and how each telephone is; not journaled, a snapshot tells it."""
        self.on_members: Callable[[Event], None] | None = None
        """Told of every change of `members` at once; must not wait or raise."""
        self._loop = loop
        self._scribe = scribe
        self._dirty: dict[str, Call] = {}
        self._flushes = 0
        self._written: dict[str, int] = {}
        """Call that is open → the flush that last wrote it."""
        self._messages: list[Message] = []
        self._from: Micros | None = None
        self._to: Micros = 0

    def take(self, raw: bytes, arrived: Micros, *, journal: bool = True) -> None:
        """Works in one message; never raises, whatever it holds."""
        event = decode(raw)
        if event is None:
            self.tally.unread += 1
            return
        tally = self.tally
        tally.events += 1
        tally.last_event_at = event.at
        tally.last_lag = arrived - event.at
        if isinstance(event, OF_MEMBERS):
            self._tell_members(event)
            return
        if journal and self._scribe is not None:
            self._messages.append((arrived, raw))
            if self._from is None or event.at < self._from:
                self._from = event.at
            self._to = max(self._to, event.at)
        try:
            changed = self.tracker.apply(event)
        except Exception:
            # The caller's record matters more than one event: the journal keeps the message.
            tally.failed += 1
            _log.exception("event not understood", node=self.node, kind=type(event).__name__)
            return
        if isinstance(event, TO_BOTH):
            self._tell_members(event)
        for call in changed:
            if call.call_id not in self._dirty and call.revision == 1:
                tally.calls += 1
            self._dirty[call.call_id] = call
            if self.on_change is not None:
                self.on_change(call, event)

    def _tell_members(self, event: Event) -> None:
        if self.members.apply(event) and self.on_members is not None:
            self.on_members(event)

    def declare(
        self, call_id: str, mark: str, at: Micros, by: str, value: str, now: Micros
    ) -> bool:
        """Puts an act of the desk on a call in progress; false where it is none of this node's.

        Worked in here and now, between two of Asterisk's messages, and journaled there: nothing can
        come in between finding the call in progress and marking it. A `flush` saves it.
        """
        live = self.tracker.lives.get(call_id)
        if live is None:
            return False
        # never before the call, whose journal would not be read for it; never in the future
        at = max(min(at, now), live.call.entered_at)
        self.take(declaration(call_id, mark, at, value, by), now)
        self._written.pop(call_id, None)  # ready at the next flush, however busy the line is
        return True

    def close_open(self) -> None:
        """Ends what is still open as interrupted: nothing more will be heard of it."""
        for call in self.tracker.interrupt_all():
            self._dirty[call.call_id] = call

    @property
    def waiting(self) -> bool:
        """Something is there to be saved."""
        return bool(self._dirty or self._messages)

    @property
    def due(self) -> bool:
        """A call of a busy line is ready to be saved."""
        return any(self._is_ready(call) for call in self._dirty.values())

    def batch(
        self, *, everything: bool = False, most: int | None = None, further: bool = False
    ) -> Batch:
        """What is to be saved now, calls in the order in which they changed.

        A call is ready once it is closed or has never been written; on a busy line one that stays
        open may wait a few flushes, for it will change again. Its events are in the journal piece,
        which is always whole, so that nothing is lost; `everything` leaves nothing waiting.
        At most `most` calls (of a busy line) are taken; `further` ones belong to the flush before.
        """
        batch = Batch()
        if not further:
            self._flushes += 1
        if everything or (not further and len(self._dirty) <= _FEW):
            ready = list(self._dirty.values())
            self._dirty.clear()
        else:
            ready = [call for call in self._dirty.values() if self._is_ready(call)][:most]
            for call in ready:
                del self._dirty[call.call_id]
        for call in ready:
            steps = timeline(call, self.directory, self.standards)
            rows = snapshot(call, steps)
            batch.calls[rows.call_id] = rows
            if call.closed:
                self._written.pop(call.call_id, None)
                if self.on_over is not None:
                    self.on_over(steps)
            else:
                self._written[call.call_id] = self._flushes
        if self._messages and self._scribe is not None:
            start = self._to if self._from is None else self._from
            batch.pieces.append(self._scribe.piece(self._messages, start, self._to))
            self._messages.clear()
            self._from = None
        return batch

    def _is_ready(self, call: Call) -> bool:
        written = self._written.get(call.call_id)
        return call.closed or written is None or self._flushes - written >= _FLUSHES

    def flush(
        self, *, everything: bool = False, most: int | None = None, further: bool = False
    ) -> int | None:
        """Offers `batch`; the ticket to wait on, or `None` where there was nothing."""
        if self._loop is None or not self.waiting:
            return None
        batch = self.batch(everything=everything, most=most, further=further)
        return self._loop.offer(batch) if batch else None


@dataclass(slots=True)
class Intake:
    """Messages between the socket and the pipeline, bounded in bytes.

    `put` never waits. Should it be full, the link is closed on purpose and everything up to the
    next link-up is left out: the gap is named by a link-lost message of our own, at the moment the
    first message was left out, and the books fill it.
    """

    limit: int = 128 * 1024 * 1024
    """A minute of an Asterisk at its limit is about 7,000 needed events a second of 520 bytes."""
    drop_link: Callable[[str], None] | None = None
    size: int = 0
    overflows: int = 0
    _closed: bool = False
    _queue: deque[tuple[list[bytes], float, int]] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, messages: list[bytes], at: float) -> None:
        """Takes messages in order; `at` is their arrival in epoch seconds."""
        if self._closed:
            messages = self._from_link_up(messages)
            if not messages:
                return
            self._closed = False
        size = sum(map(len, messages))
        if self.size + size > self.limit:
            self._closed = True
            self.overflows += 1
            lost = synthetic(LINK_LOST, at)
            self._append([lost], at, len(lost))
            _log.error(
                "events come faster than they can be worked in: link closed on purpose",
                waiting_bytes=self.size,
                mend="see whether the database is slow or locked; the books fill this gap",
            )
            if self.drop_link is not None:
                self.drop_link("the bridge's queue is full")
            return
        self._append(messages, at, size)

    def _from_link_up(self, messages: list[bytes]) -> list[bytes]:
        if self.size > self.limit // 2:
            if self.drop_link is not None and any(event_name(m) == LINK_UP for m in messages):
                self.drop_link("the bridge's queue is still full")
            return []
        for n, message in enumerate(messages):
            if event_name(message) == LINK_UP:
                return messages[n:]
        return []

    def _append(self, messages: list[bytes], at: float, size: int) -> None:
        self._queue.append((messages, at, size))
        self.size += size
        self._wake.set()

    async def get(self) -> tuple[list[bytes], float]:
        """The next messages; waits for them."""
        while not self._queue:
            self._wake.clear()
            await self._wake.wait()
        return self.take()

    def take(self) -> tuple[list[bytes], float]:
        """The next messages; IndexError where there are none."""
        messages, at, size = self._queue.popleft()
        self.size -= size
        return messages, at

    def __len__(self) -> int:
        return len(self._queue)


async def work(
    intake: Intake,
    pipeline: NodePipeline,
    room: Callable[[], bool],
    worked_in: Callable[[Micros], None] = lambda _at: None,
) -> None:
    """The one ordered consumer of a node: runs until cancelled, losing nothing it took.

    `room` tells whether the commit loop can hold more; until it can, messages stay in the intake.
    `worked_in` is told of the last event's time after a read that held one, at most 50 times a
    second: a busy line is not to pay for being measured.
    """
    told = 0.0
    try:
        while True:
            while not room():  # noqa: ASYNC110  # room comes with a commit, which tells nobody
                await asyncio.sleep(0.05)
            messages, at = await intake.get()
            arrived, events = int(at * 1_000_000), pipeline.tally.events
            for n, message in enumerate(messages, 1):
                pipeline.take(message, arrived)
                if n % _SLICE == 0:
                    await asyncio.sleep(0)
            latest = pipeline.tally.last_event_at
            new = latest is not None and pipeline.tally.events != events
            if latest is not None and new and abs(at - told) >= _TOLD_EVERY:
                told = at
                worked_in(latest)
    finally:
        pipeline.flush(everything=True)


def take_all(pipeline: NodePipeline, messages: Iterable[bytes], at: float) -> None:
    """Works in messages that arrived together at `at` (epoch seconds)."""
    arrived = int(at * 1_000_000)
    for message in messages:
        pipeline.take(message, arrived)
