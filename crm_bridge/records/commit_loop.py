"""Group commit: takes what is to be saved at any time, saves it together, and loses nothing.

Whatever the database does, `offer` never waits. A commit that fails is tried again with a capped
delay, its batch kept in order and newer records of the same calls laid over it; every failure is
counted and shouted, at most once in `Policy.shout_every` seconds. A record that the database will
never take is set aside alone, so that it does not hold up the others; its journal remains.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import structlog

from crm_bridge.clock import Clock, SystemClock
from crm_bridge.errors import RecordRefused, StorageError, StorageUnavailable
from crm_bridge.records.writer import Batch, Committed, Writer
from ivr.calls.call import Micros

_log = structlog.get_logger(__name__)

_MEGABYTE: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Policy:
    """How the loop paces itself; seconds and bytes."""

    linger: float = 0.2
    """A commit waits this long for company after the first thing that is offered."""
    enough: int = 4 * _MEGABYTE
    """So much waits for nobody."""
    full: int = 64 * _MEGABYTE
    """From here on `full` is true: the pipeline should take no more from the line."""
    first_delay: float = 0.1
    longest_delay: float = 5.0
    shout_every: float = 10.0

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return min(self.longest_delay, self.first_delay * 2.0 ** min(failures - 1, 32))


@dataclass(slots=True)
class Counters:
    """What the loop did so far, for /healthz and /metrics."""

    commits: int = 0
    rows: int = 0
    calls_written: int = 0
    calls_unchanged: int = 0
    calls_stale: int = 0
    retries: int = 0
    refused: int = 0
    last_error: str | None = None
    """Why nothing can be saved now; `None` while saving goes well."""
    failing_since: Micros | None = None
    last_commit_at: Micros | None = None


class CommitLoop:
    """Between the pipeline, which offers, and the writer, which saves. Run `run` in one task."""

    def __init__(
        self, writer: Writer, policy: Policy | None = None, clock: Clock | None = None
    ) -> None:
        self.counters = Counters()
        self.saved_at: float | None = None
        """When a commit was last saved, on the clock that never goes back."""
        self.on_commit: Callable[[float], None] | None = None
        """Told how many seconds a commit took that was saved; must not wait or raise."""
        self._failing: float | None = None
        self._begun: float | None = None
        """When the attempt that is under way began."""
        self._writer = writer
        self._policy = policy or Policy()
        self._clock = clock or SystemClock()
        self._waiting = Batch()
        self._waiting_bytes = 0
        self._in_hand = Batch()
        self._in_hand_bytes = 0
        self._offered = 0
        self._saved = 0
        self._overtaken: set[str] = set()
        self._stopping = False
        self._failures = 0
        self._next_shout = 0.0
        self._unsaid = 0
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._progress = asyncio.Condition()

    @property
    def pending_bytes(self) -> int:
        """About how many bytes are offered and not yet on disk."""
        return self._waiting_bytes + self._in_hand_bytes

    @property
    def full(self) -> bool:
        """More waits than memory should hold: close the link on purpose, the books fill the gap."""
        return self.pending_bytes >= self._policy.full

    @property
    def busy_for(self) -> float:
        """Seconds since the attempt that is under way began; 0 where there is none.

        An attempt that fails ends it: a locked database keeps the loop busy, and does not hang it.
        """
        return 0.0 if self._begun is None else self._clock.monotonic() - self._begun

    @property
    def failing_for(self) -> float:
        """Seconds for which nothing could be saved, whatever the clock did; 0 where it can."""
        return 0.0 if self._failing is None else self._clock.monotonic() - self._failing

    @property
    def healthy(self) -> bool:
        """The last commit that was tried was saved."""
        return self.counters.last_error is None

    def offer(self, batch: Batch) -> int:
        """Take the batch for the next commit; returns the ticket with which to ask `saved`.

        The loop keeps `batch`'s pieces and records, not the batch. Never waits, never refuses.
        """
        self._waiting_bytes += self._waiting.add(batch)
        self._offered += 1
        self._wake.set()
        if self._waiting_bytes >= self._policy.enough:
            self._hurry.set()
        return self._offered

    @property
    def offered(self) -> int:
        """The ticket of the last batch that was offered; 0 before any."""
        return self._offered

    async def saved(self, ticket: int) -> None:
        """Return when what was offered under this ticket, and all before it, is on disk."""
        self._hurry.set()
        async with self._progress:
            await self._progress.wait_for(lambda: self._saved >= ticket)

    def overtaken(self, ids: Iterable[str]) -> set[str]:
        """Which of these were not saved, for their record was changed by somebody else meanwhile.

        Asked once `saved` has returned, by who offered rows with `based_on`; told once.
        """
        found = self._overtaken.intersection(ids)
        self._overtaken -= found
        return found

    def stop(self) -> None:
        """Let `run` return once everything offered is on disk; bound that wait from outside."""
        self._stopping = True
        self._wake.set()
        self._hurry.set()

    async def run(self) -> None:
        """Commit until `stop`, and what was offered before it. A bug is raised, a fault is not.

        Cancelled, it keeps what is not yet on disk and gives the connection back; run again, it
        goes on from there.
        """
        try:
            while True:
                await self._wake.wait()
                if not self._waiting and not self._in_hand:
                    if self._stopping:
                        return
                    self._wake.clear()
                    continue
                await self._pause(self._policy.linger)
                await self._save_all()
        finally:
            await self._writer.close()

    async def _pause(self, seconds: float) -> None:
        """Wait for company, unless there is enough of it or somebody waits for the disk."""
        if self._stopping or seconds <= 0:
            return
        pause = asyncio.ensure_future(self._clock.sleep(seconds))
        hurry = asyncio.ensure_future(self._hurry.wait())
        try:
            await asyncio.wait({pause, hurry}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            hurry.cancel()
            await asyncio.gather(pause, hurry, return_exceptions=True)

    async def _save_all(self) -> None:
        """Commit what waits, and what comes while that fails, until it is saved."""
        alone = False
        while True:
            self._take()
            batch, ticket = self._in_hand, self._offered
            try:
                if alone:
                    await self._save_one_by_one(batch)
                else:
                    self._done(await self._commit(batch))
            except RecordRefused as fault:
                self._shout(fault)
                alone = True
            except StorageError as fault:
                # a missing table too is mended from outside while the line goes on
                self._failed(fault)
                await self._clock.sleep(self._policy.delay(self._failures))
            else:
                break
        self._in_hand = Batch()
        self._in_hand_bytes = 0
        self._recovered()
        async with self._progress:
            self._saved = ticket
            self._progress.notify_all()

    def _take(self) -> None:
        """Lay what waits over what is in hand: it stays in hand until it is saved."""
        self._in_hand_bytes += self._in_hand.add(self._waiting)
        self._waiting = Batch()
        self._waiting_bytes = 0
        self._wake.clear()
        self._hurry.clear()
        if self._stopping:
            self._wake.set()

    async def _save_one_by_one(self, batch: Batch) -> None:
        """Save each piece and record in a commit of its own; set aside those that are refused."""
        while batch:
            piece = batch.pieces[0] if batch.pieces else None
            call_id = next(iter(batch.calls)) if piece is None else ""
            one = Batch([piece]) if piece else Batch(calls={call_id: batch.calls[call_id]})
            try:
                self._done(await self._commit(one))
            except RecordRefused as fault:
                self.counters.refused += 1
                name = f"journal {piece.node} {piece.seq}" if piece else call_id
                _log.error("record refused", record=name, what=fault.what, where=fault.where)
            if piece:
                del batch.pieces[0]
            else:
                del batch.calls[call_id]

    async def _commit(self, batch: Batch) -> Committed:
        """One attempt, timed."""
        self._begun = began = self._clock.monotonic()
        try:
            committed = await self._writer.commit(batch)
        finally:
            self._begun = None
        self.saved_at = self._clock.monotonic()
        if self.on_commit is not None:
            self.on_commit(self.saved_at - began)
        return committed

    def _done(self, committed: Committed) -> None:
        counters = self.counters
        counters.commits += 1
        counters.rows += committed.rows
        counters.calls_written += committed.written
        counters.calls_unchanged += committed.unchanged
        counters.calls_stale += committed.stale
        self._overtaken.update(committed.overtaken)
        counters.last_commit_at = self._clock.now_us()

    def _failed(self, fault: StorageError) -> None:
        self._failures += 1
        self.counters.retries += 1
        self.counters.last_error = str(fault)
        if self.counters.failing_since is None:
            self.counters.failing_since = self._clock.now_us()
            self._failing = self._clock.monotonic()
        self._shout(fault)

    def _shout(self, fault: StorageError) -> None:
        now = self._clock.monotonic()
        if now < self._next_shout:
            self._unsaid += 1
            return
        self._next_shout = now + self._policy.shout_every
        _log.error(
            "records are not being saved",
            what=fault.what,
            where=fault.where,
            mend=fault.mend,
            retry=isinstance(fault, StorageUnavailable),
            pending_bytes=self.pending_bytes,
            failures=self._failures,
            unsaid=self._unsaid,
        )
        self._unsaid = 0

    def _recovered(self) -> None:
        if self._failures:
            _log.warning("records are being saved again", failures=self._failures)
        self._failures = 0
        self._unsaid = 0
        self._next_shout = 0.0
        self.counters.last_error = None
        self.counters.failing_since = None
        self._failing = None
