"""Reads on record: each once, whoever writes, waits or gives up meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from crm_bridge.records import audit_book
from crm_bridge.records.audit import ACTOR, Actor
from crm_bridge.records.database import Database
from crm_bridge.web import reads as reads_
from crm_bridge.web.reads import LOST, Reads
from tests.support.desk_clock import HeldClock


async def on_record(database: Database) -> list[tuple[str, str | None, str | None]]:
    return [(row.act, row.about, row.by_account) async for row in audit_book.rows(database)]


async def begun() -> None:
    """Whoever was started has come as far as it comes without the database."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_comes_while_others_settle_is_on_record_once(database: Database):
    reads = Reads(database, HeldClock())
    async with database.writing():  # nobody else gets to write
        reads.saw_later("a", "browser", "first", ["person:1"])
        settling = [asyncio.create_task(reads.settle()) for _ in range(2)]
        await begun()
        reads.did("a", "browser", "second", ["person:2"])
        await begun()
    await asyncio.gather(*settling)
    await reads.settle()
    assert await on_record(database) == [("first", "person:1", "a"), ("second", "person:2", "a")]
    reads.did("a", "browser", "third", ["person:3"])
    await reads.close()
    assert len(await on_record(database)) == 3


class Late:
    """A database whose word that it has saved takes its time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.saved, self.told = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Any]:
        async with self._database.writing() as connection:
            yield connection
        self.saved.set()
        await self.told.wait()


async def test_who_gives_up_waiting_writes_nothing_twice(database: Database):
    late = Late(database)
    reads = Reads(late, HeldClock())  # type: ignore[arg-type]  # all that it asks for
    reads.saw_later("a", "browser", "seen", ["person:1"])
    settling = asyncio.create_task(reads.settle())
    await late.saved.wait()
    settling.cancel()
    await asyncio.gather(settling, return_exceptions=True)
    late.told.set()
    await reads.close()
    assert await on_record(database) == [("seen", "person:1", "a")]


async def test_what_is_lost_is_nobodys_read(database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reads_, "WAITING", 1)
    reads = Reads(database, HeldClock())
    asked = ACTOR.set(Actor("POST /api/v1/audit/verify", "browser", lambda: 7, by="auditor"))
    try:
        for n in range(3):
            reads.did("a", "browser", f"act {n}")
        await reads.settle()
    finally:
        ACTOR.reset(asked)
    await reads.close()
    assert await on_record(database) == [("act 0", None, "a"), (LOST, None, None)]
