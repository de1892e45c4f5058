"""The loop that saves: in virtual time, with a database that does as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from crm_bridge.errors import RecordRefused, StorageUnavailable
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.journal import Piece
from crm_bridge.records.rows import snapshot
from crm_bridge.records.writer import Batch, Committed
from tests.support.records import full_call


class Clock:
    """Sleeping takes no time and moves the clock."""

    def __init__(self) -> None:
        self.at = 0.0
        self.slept: list[float] = []

    def now_us(self) -> int:
        return round(self.at * 1_000_000)

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)


class Disk:
    """Stands for the writer: fails as often as told, refuses what it is told to."""

    def __init__(self) -> None:
        self.failures = 0
        self.forbidden: set[str | int] = set()
        self.saved: list[Batch] = []
        self.closed = 0
        self.before = lambda: None

    async def commit(self, batch: Batch) -> Committed:
        await asyncio.sleep(0)
        self.before()
        if self.failures:
            self.failures -= 1
            raise StorageUnavailable("the disk is full", where="here", mend="free space")
        if self.forbidden & ({*batch.calls} | {p.seq for p in batch.pieces}):
            raise RecordRefused("a value too large")
        self.saved.append(Batch(list(batch.pieces), dict(batch.calls)))
        return Committed(len(batch.calls), len(batch.calls), 0, 0)

    async def close(self) -> None:
        self.closed += 1


def piece(seq: int, size: int = 10) -> Piece:
    return Piece("pbx1", seq, 0, 1, 1, b"x" * size)


def rows(number: int, revision: int = 1):
    call = full_call(number)
    call.revision = revision
    return snapshot(call, [])


def of(*pieces: Piece, calls=()) -> Batch:
    return Batch(list(pieces), {r.call_id: r for r in calls})


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  each turn of the event loop is one step here
            await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def disk() -> Disk:
    return Disk()


@asynccontextmanager
async def running(disk: Disk, clock: Clock, policy: Policy | None = None):
    loop = CommitLoop(disk, policy or Policy(linger=0.2), clock)
    task = asyncio.create_task(loop.run())
    try:
        yield loop
    finally:
        loop.stop()
        await asyncio.wait_for(task, 10)
        assert disk.closed == 1


async def test_what_comes_together_is_saved_together(disk, clock):
    async with running(disk, clock) as loop:
        loop.offer(of(piece(0), calls=[rows(1)]))
        ticket = loop.offer(of(piece(1), calls=[rows(2), rows(1, 2)]))
        await asyncio.wait_for(loop.saved(ticket), 10)
        assert loop.pending_bytes == 0
    (saved,) = disk.saved
    assert [p.seq for p in saved.pieces] == [0, 1]
    assert {r.revision for r in saved.calls.values()} == {1, 2}
    assert loop.counters.commits == 1
    assert loop.healthy


async def test_a_failing_disk_loses_nothing_and_keeps_order(disk, clock):
    disk.failures = 40
    offered = iter(range(1, 30))

    async with running(disk, clock) as loop:

        def more_comes() -> None:
            if (n := next(offered, None)) is not None:
                loop.offer(of(piece(n), calls=[rows(1, n)]))

        disk.before = more_comes
        with capture_logs() as logs:
            ticket = loop.offer(of(piece(0), calls=[rows(1, 0)]))
            await asyncio.wait_for(loop.saved(ticket), 10)
    assert [p.seq for b in disk.saved for p in b.pieces] == list(range(30))
    assert disk.saved[0].calls[rows(1).call_id].revision == 29
    assert loop.counters.retries == 40
    assert loop.counters.last_error is None
    waited = [s for s in clock.slept if s != 0.2]
    assert sorted(set(waited)) == [0.1, 0.4, 0.8, 1.6, 3.2, 5.0]
    shouted = [entry for entry in logs if entry["log_level"] == "error"]
    assert shouted[0]["what"] == "the disk is full"
    assert shouted[0]["mend"] == "free space"
    assert 2 <= len(shouted) <= sum(waited) / 10 + 1
    assert sum(e["unsaid"] for e in shouted) > 20
    assert logs[-1]["event"] == "records are being saved again"


async def test_while_it_fails_health_says_so_and_memory_is_bounded(disk, clock):
    disk.failures = 10**9
    loop = CommitLoop(disk, Policy(full=5000), clock)
    task = asyncio.create_task(loop.run())
    with capture_logs():
        loop.offer(of(piece(0, 3000)))
        await until(lambda: loop.counters.retries >= 3)
        assert not loop.full
        assert not loop.healthy
        assert "free space" in loop.counters.last_error
        assert loop.counters.failing_since is not None
        loop.offer(of(piece(1, 3000)))
        assert loop.full
        disk.failures = 0
        await until(lambda: not loop.pending_bytes)
    assert loop.healthy
    assert not loop.full
    loop.stop()
    await asyncio.wait_for(task, 10)


async def test_a_call_that_changes_while_nothing_is_saved_is_held_once(disk, clock):
    disk.failures = 10**9
    async with running(disk, clock) as loop:
        with capture_logs():
            loop.offer(of(calls=[rows(1, 1)]))
            held = loop.pending_bytes
            for revision in range(2, 500):
                ticket = loop.offer(of(calls=[rows(1, revision)]))
                await asyncio.sleep(0)
            assert loop.pending_bytes <= 2 * held  # once in hand, once waiting
            disk.failures = 0
            await asyncio.wait_for(loop.saved(ticket), 10)
    assert disk.saved[-1].calls[rows(1).call_id].revision == 499
    assert loop.pending_bytes == 0


async def test_a_refused_record_is_set_aside_alone(disk, clock):
    bad = rows(2)
    disk.forbidden = {bad.call_id, 1}
    async with running(disk, clock) as loop:
        with capture_logs() as logs:
            ticket = loop.offer(of(piece(0), piece(1), piece(2), calls=[rows(1), bad, rows(3)]))
            await asyncio.wait_for(loop.saved(ticket), 10)
    assert [p.seq for b in disk.saved for p in b.pieces] == [0, 2]
    assert [c for b in disk.saved for c in b.calls] == [rows(1).call_id, rows(3).call_id]
    assert loop.counters.refused == 2
    assert [e["record"] for e in logs if e["event"] == "record refused"] == [
        "journal pbx1 1",
        bad.call_id,
    ]
    assert not any("สมชาย" in str(entry) or "0812345678" in str(entry) for entry in logs)


async def test_stopping_saves_what_was_offered(disk, clock):
    async with running(disk, clock) as loop:
        loop.offer(of(piece(0)))
    assert [p.seq for b in disk.saved for p in b.pieces] == [0]


async def test_cancelled_it_goes_on_where_it_was(disk, clock):
    disk.failures = 10**9
    loop = CommitLoop(disk, Policy(), clock)
    task = asyncio.create_task(loop.run())
    with capture_logs():
        loop.offer(of(piece(0)))
        await until(lambda: loop.counters.retries >= 2)
        loop.offer(of(piece(1)))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        disk.failures = 0
        loop.stop()
        await asyncio.wait_for(loop.run(), 10)
    assert [p.seq for b in disk.saved for p in b.pieces] == [0, 1]


async def test_a_bug_is_raised(disk, clock):
    def bug() -> None:
        raise ZeroDivisionError

    disk.before = bug
    loop = CommitLoop(disk, Policy(), clock)
    loop.offer(of(piece(0)))
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(loop.run(), 10)
    assert loop.pending_bytes > 0
