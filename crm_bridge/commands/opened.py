"""The database of a command, its tables those of this program."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crm_bridge.records import schema
from crm_bridge.records.database import Database


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """The database, checked, for as long as the block lasts; raises StorageError."""
    database = Database(url)
    try:
        await schema.check(database)
        yield database
    finally:
        await database.close()
