"""How the writer's transactions run: the same synchronous work on either kind of database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, TypeVar

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection

if TYPE_CHECKING:
    from crm_bridge.records.database import Database

T = TypeVar("T")


class Session(Protocol):
    """A kept connection on which one transaction at a time runs, alone among writers."""

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do the work in one transaction; saved when this returns, undone if it raises."""
        ...

    async def close(self) -> None:
        """Give the connection back; the next `run` opens one anew."""
        ...


class AsyncSession:
    """On the event loop: for a server, where each statement is a round trip."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: AsyncConnection | None = None

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do the work in one transaction; saved when this returns, undone if it raises."""
        if self._connection is None:
            self._connection = await self._database.engine.connect()
        connection = self._connection
        await self._database.lock(connection)
        result = await connection.run_sync(work)
        await connection.commit()
        return result

    async def close(self) -> None:
        """Give the connection back; the next `run` opens one anew."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close()
            except Exception:
                await connection.invalidate()


class ThreadSession:
    """In one thread: for SQLite, where a hop to the driver's thread costs more than a statement.

    aiosqlite hops four times a statement, 94 times a commit of this writer; here it is once. Who
    is cancelled while it waits leaves the thread to end its transaction; `close` waits for it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do the work in one transaction; saved when this returns, undone if it raises."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="hotline-records")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, work)

    def _work(self, work: Callable[[Connection], T]) -> T:
        if self._connection is None:
            self._connection = self._engine.connect()
        connection = self._connection
        try:
            with connection.begin():
                return work(connection)
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def close(self) -> None:
        """Give the connection back; the next `run` opens one anew."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._drop)
            thread.shutdown(wait=True)
