"""Connections to the database whose users are cancelled."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event

from crm_bridge.records.database import Database
from tests.support.migrated import sqlite_url


@pytest.mark.parametrize("first", ["user", "closing"])
async def test_nothing_waits_for_ever_for_a_connection_whose_user_is_cancelled(
    tmp_path: Path, first: str
) -> None:
    """Twice, while another program holds the lock: the second time as a loop does that ends."""
    url = await sqlite_url(tmp_path / "hotline.db")
    database = Database(url, busy_timeout=0.5)
    locked = sqlite3.connect(tmp_path / "hotline.db", isolation_level=None)
    locked.execute("BEGIN IMMEDIATE")
    asks = asyncio.Event()
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *_: asks.set())

    async def writes() -> None:
        async with database.writing():
            pytest.fail("the lock is another's")

    try:
        before = asyncio.all_tasks()
        writing = asyncio.create_task(writes())
        await asks.wait()
        writing.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        closing = asyncio.all_tasks() - before - {writing}
        assert closing, "its connection is closed by a task of its own"
        tasks = [writing, *closing] if first == "user" else [*closing, writing]
        for task in tasks:
            task.cancel()
        _, waiting = await asyncio.wait(tasks, timeout=10)
        assert not waiting
        assert writing.cancelled()
    finally:
        locked.execute("ROLLBACK")
        locked.close()
        await database.close()
