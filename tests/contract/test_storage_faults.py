"""Real faults of real databases: nothing is lost, everything is said."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from structlog.testing import capture_logs

from crm_bridge.errors import StorageUnavailable
from crm_bridge.records import journal
from crm_bridge.records.calls import read_calls, snapshot
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import WRITER_LOCK, Database
from crm_bridge.records.schema import upgrade
from crm_bridge.records.writer import Batch, Writer, batch_of
from tests.support.figures import counted_anew, figures
from tests.support.postgres import Cluster, cluster
from tests.support.records import full_call, full_steps

QUICK = Policy(linger=0.0, first_delay=0.01, longest_delay=0.05)
DEADLINE = 30


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[tuple[Path, Database]]:
    path = tmp_path / "hotline.db"
    database = Database(f"sqlite:///{path}", busy_timeout=0.05)
    await upgrade(database)
    yield path, database
    await database.close()


@pytest.fixture
def on_connect() -> Iterator[Callable[[str | None], None]]:
    """Call it with a statement that each new connection shall begin with, or with None."""
    first: list[str] = []

    def listener(connection, _record) -> None:
        for statement in first:
            connection.execute(statement)

    def tell(statement: str | None) -> None:
        first[:] = [] if statement is None else [statement]

    event.listen(Engine, "connect", listener)
    yield tell
    event.remove(Engine, "connect", listener)


@asynccontextmanager
async def looping(database: Database) -> AsyncIterator[CommitLoop]:
    loop = CommitLoop(Writer(database), QUICK)
    task = asyncio.create_task(loop.run())
    try:
        with capture_logs():
            yield loop
    finally:
        loop.stop()
        await asyncio.wait_for(task, DEADLINE)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110  counters have no event; the deadline is above
            await asyncio.sleep(0.005)


def batches(count: int) -> list[Batch]:
    scribe = journal.Scribe("pbx1", None)
    made = []
    for n in range(count):
        call = full_call(n)
        piece = scribe.piece([(n, os.urandom(2000))], call.entered_at, call.entered_at + 1)
        made.append(batch_of([piece], [snapshot(call, full_steps(call))]))
    return made


async def all_there(database: Database, count: int) -> None:
    assert [s.call async for s in read_calls(database)] == [full_call(n) for n in range(count)]
    found = [p.seq async for p in journal.read_since(database, "pbx1", 0)]
    assert found == list(range(count))
    kept = await figures(database)
    assert sum(row[6] for row in kept["figures_calls"] if row[0] == "month") == count
    assert await counted_anew(database) == kept


async def test_a_locked_database_is_waited_for(file):
    path, database = file
    holder = sqlite3.connect(path, isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        async with looping(database) as loop:
            for batch in batches(20):
                ticket = loop.offer(batch)
            await until(lambda: loop.counters.retries > 2)
            assert "locked" in loop.counters.last_error
            assert loop.pending_bytes > 20 * 2000
            holder.execute("ROLLBACK")
            await asyncio.wait_for(loop.saved(ticket), DEADLINE)
            assert loop.healthy
    finally:
        holder.close()
    await all_there(database, 20)


async def test_a_full_disk_is_waited_for(file, on_connect):
    """SQLite's own limit of pages gives the very error of a full disk, on any file system."""
    _, database = file
    on_connect("PRAGMA max_page_count = 1")  # never below what is used already: no page more
    async with looping(database) as loop:
        for batch in batches(50):
            ticket = loop.offer(batch)
        await until(lambda: loop.counters.retries > 2)
        assert "disk is full" in loop.counters.last_error
        assert "free space" in loop.counters.last_error
        assert [s async for s in read_calls(database)] == []
        on_connect(None)
        await asyncio.wait_for(loop.saved(ticket), DEADLINE)
    await all_there(database, 50)


async def test_a_missing_folder_is_named_and_waited_for(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'away' / 'hotline.db'}")
    try:
        async with looping(database) as loop:
            for batch in batches(2):
                ticket = loop.offer(batch)
            await until(lambda: loop.counters.retries > 1)
            assert "cannot be opened" in loop.counters.last_error
            (tmp_path / "away").mkdir()
            await until(lambda: "hotline migrate" in (loop.counters.last_error or ""))
            await upgrade(database)
            await asyncio.wait_for(loop.saved(ticket), DEADLINE)
        await all_there(database, 2)
    finally:
        await database.close()


async def test_a_read_only_database_is_named(file, on_connect):
    _, database = file
    writer = Writer(database)
    on_connect("PRAGMA query_only = ON")
    with pytest.raises(StorageUnavailable, match="read-only") as caught:
        await writer.commit(batches(1)[0])
    assert caught.value.retry
    assert caught.value.mend
    on_connect(None)
    await writer.commit(batches(1)[0])
    await writer.close()


async def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "hotline.db"
    path.write_bytes(b"Dear caller, " * 1000)
    database = Database(f"sqlite:///{path}")
    writer = Writer(database)
    with pytest.raises(StorageUnavailable, match="not a database"):
        await writer.commit(batches(1)[0])
    with pytest.raises(StorageUnavailable, match="not a database"):
        await upgrade(database)
    await writer.close()
    await database.close()


async def test_a_saved_record_survives_the_end_of_the_process(file):
    """What `saved` said is on disk is there for whoever opens the file next, without a close."""
    path, database = file
    writer = Writer(database)
    await writer.commit(batches(1)[0])
    reader = sqlite3.connect(path)
    assert reader.execute("SELECT count(*) FROM calls").fetchone() == (1,)
    assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    reader.close()
    async with database.connection() as connection:
        for pragma, wanted in (("synchronous", 2), ("foreign_keys", 1)):  # FULL, on
            found = await connection.exec_driver_sql(f"PRAGMA {pragma}")
            assert found.scalar_one() == wanted
    await writer.close()


@pytest.mark.postgres
async def test_a_lost_server_connection_is_made_again(postgres: Cluster):
    postgres.sql("CREATE DATABASE faulty")
    database = Database(postgres.url("faulty"))
    await upgrade(database)
    made = batches(20)
    try:
        async with looping(database) as loop:
            ticket = loop.offer(made[0])
            await asyncio.wait_for(loop.saved(ticket), DEADLINE)
            killer = await asyncpg.connect(postgres.url())
            for batch in made[1:]:
                await killer.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname='faulty'"
                )
                ticket = loop.offer(batch)
            await killer.close()
            await asyncio.wait_for(loop.saved(ticket), DEADLINE)
            assert loop.counters.retries > 0
            assert loop.counters.refused == 0
        await all_there(database, 20)
    finally:
        await database.close()
        postgres.sql("DROP DATABASE faulty WITH (FORCE)")


@pytest.mark.postgres
async def test_another_writer_that_holds_on_is_named(postgres: Cluster):
    postgres.sql("CREATE DATABASE held")
    database = Database(postgres.url("held"), busy_timeout=0.05)
    await upgrade(database)
    try:
        holder = await asyncpg.connect(postgres.url("held"))
        await holder.execute(f"SELECT pg_advisory_lock({WRITER_LOCK})")
        async with looping(database) as loop:
            ticket = loop.offer(batches(1)[0])
            await until(lambda: loop.counters.retries > 2)
            assert "locked" in loop.counters.last_error
            await holder.close()
            await asyncio.wait_for(loop.saved(ticket), DEADLINE)
        await all_there(database, 1)
    finally:
        await database.close()
        postgres.sql("DROP DATABASE held WITH (FORCE)")


@pytest.mark.postgres
async def test_a_server_that_is_not_there_is_named():
    with cluster() as server:
        database = Database(server.url())
        await upgrade(database)
        writer = Writer(database)
        await writer.commit(batches(1)[0])
    with pytest.raises(StorageUnavailable) as caught:
        await writer.commit(batches(1)[0])
    assert caught.value.retry
    with pytest.raises(StorageUnavailable):
        await writer.commit(batches(1)[0])
    await writer.close()
    await database.close()
