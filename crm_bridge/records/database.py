"""The database behind the records: one URL, two engines, the same promises.

SQLite: WAL with synchronous=FULL, so that a commit that returned is on disk; foreign keys on;
what is deleted is overwritten (a recording's key must not stay in a free page); a write transaction
takes its lock at the start. PostgreSQL: as the server is configured.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiosqlite
from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from crm_bridge.errors import ConfigMistake
from crm_bridge.records import audit, before_commit
from crm_bridge.records.faults import storage_fault
from crm_bridge.records.sessions import AsyncSession, Session, ThreadSession

WRITER_LOCK: Final = 1203
"""Key of PostgreSQL's advisory lock: one writer at a time, as BEGIN IMMEDIATE does on SQLite."""


class Database:
    """An engine and how to begin on it; `close` it when done."""

    def __init__(self, url: str, *, busy_timeout: float = 5.0) -> None:
        """`url` as in hotline.toml; `busy_timeout`: seconds to wait for another's lock."""
        self.url = driver_url(url)
        self.where = self.url.render_as_string(hide_password=True)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        # what a driver complains of may be a caller's number: it must not reach a log
        options: dict[str, Any] = {"hide_parameters": True}
        if self.sqlite:
            options["connect_args"] = {"timeout": busy_timeout, "async_creator_fn": _connect}
            # a file is opened anew in microseconds; what is not kept open cannot go stale
            options["poolclass"] = NullPool
        else:
            options["pool_pre_ping"] = True
            options["connect_args"] = {
                "timeout": 10,
                "command_timeout": 60,  # a server that fell silent is as good as lost
                "server_settings": {"lock_timeout": str(round(busy_timeout * 1000))},
            }
        self.engine: AsyncEngine = create_async_engine(self.url, **options)
        if self.sqlite:
            listen(self.engine.sync_engine)
        self._busy_timeout = busy_timeout

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection for as long as the block lasts; a fault of the store is a `StorageError`."""
        try:
            connection = await self._opened()
            try:
                yield connection
            finally:
                await asyncio.shield(asyncio.ensure_future(connection.close()))
        except Exception as error:
            if (fault := storage_fault(error, self.where)) is None:
                raise
            raise fault from error

    async def _opened(self) -> AsyncConnection:
        """A connection that has been made; one whose user is cancelled meanwhile is closed.

        The thread of SQLite's driver would else answer a loop that may have ended by then.
        """
        opening = asyncio.ensure_future(_start(self.engine.connect()))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await (await opening).close()
            raise

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """One unmoving view of the records for as long as the block lasts."""
        async with self.connection() as connection:
            if not self.sqlite:
                await connection.execution_options(isolation_level="REPEATABLE READ")
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, alone among writers; saved when the block ends, undone if it raises."""
        async with self.connection() as connection:
            await self.lock(connection)
            yield connection
            await before_commit.finish(connection)
            await audit.finish(connection)
            await connection.commit()

    async def lock(self, connection: AsyncConnection) -> None:
        """Begin on this connection and keep other writers out until it ends."""
        before_commit.begin(connection)
        audit.begin(connection)
        if self.sqlite:
            await connection.execution_options(hotline_begin="BEGIN IMMEDIATE")
            await connection.begin()
        else:
            await connection.begin()
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")

    def writing_session(self) -> Session:
        """A session for the writer, which commits all day; close it when done."""
        if self.sqlite:
            engine = create_engine(
                self.url.set(drivername="sqlite"),
                poolclass=NullPool,
                hide_parameters=True,
                connect_args={"timeout": self._busy_timeout, "check_same_thread": False},
                execution_options={"hotline_begin": "BEGIN IMMEDIATE"},
            )
            listen(engine)
            return ThreadSession(engine)
        return AsyncSession(self)

    async def close(self) -> None:
        """Give back every connection."""
        await self.engine.dispose()


class _Connection(aiosqlite.Connection):
    """A connection whose thread is told to stop once, however often its user is cancelled.

    A second request would lie behind the one that ended the thread, and whoever waits for its
    answer would wait for ever: SQLAlchemy's closing of a connection, when a bridge stops while the
    database is locked.
    """

    _stopped: asyncio.Future[Any] | None = None

    def stop(self) -> asyncio.Future[Any] | None:
        if self._stopped is None:
            self._stopped = super().stop()
        return self._stopped


def _connect(file: str, **options: Any) -> aiosqlite.Connection:
    """What SQLAlchemy's dialect makes of a file by itself, but for the class."""
    connection = _Connection(lambda: sqlite3.connect(file, **options), 64)
    connection._thread.daemon = True  # an unclosed one must not keep the program from its end
    return connection


async def _start(connection: AsyncConnection) -> AsyncConnection:
    return await connection


def driver_url(url: str) -> URL:
    """The URL with the asynchronous driver of its kind; `ConfigMistake` if it cannot be used."""
    mend = 'set it to "sqlite:///hotline.db" or "postgresql://user:password@host/name"'
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigMistake("not a database URL", where="database.url", mend=mend) from error
    match parsed.get_backend_name():
        case "sqlite":
            if parsed.database in {None, "", ":memory:"}:
                what = "a database in memory keeps nothing"
                raise ConfigMistake(what, where="database.url", mend=mend)
            return parsed.set(drivername="sqlite+aiosqlite")
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+asyncpg")
        case other:
            raise ConfigMistake(f"{other} is not supported", where="database.url", mend=mend)


def listen(engine: Engine) -> None:
    """Make an engine of SQLite keep the promises of this module."""
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin on its own
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")
    except BaseException:
        cursor.close()
        connection.close()  # the pool does not yet know it, and would leave it open
        raise
    cursor.close()


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("hotline_begin", "BEGIN"))
