"""The database of a command, its tables those of this program."""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

from crm_bridge.clock import SystemClock
from crm_bridge.records import audit, schema
from crm_bridge.records.audit import ACTOR, Actor, Entry
from crm_bridge.records.database import Database

COMMAND: ContextVar[str] = ContextVar("hotline_command", default="hotline")
"""The command that runs, in words: `hotline account create`."""


@asynccontextmanager
async def opened(url: str, *, brought_up: bool = False) -> AsyncIterator[Database]:
    """The database, checked, for as long as the block lasts; raises StorageError.

    What the command changes in it is on record as the command's, by who runs it. `brought_up`: its
    tables are made those of this program first.
    """
    database = Database(url)
    try:
        await (schema.upgrade(database) if brought_up else schema.check(database))
        with acting():
            yield database
    finally:
        await database.close()


@contextmanager
def acting() -> Iterator[None]:
    """What is written meanwhile is on record as the command's, by who runs it."""
    actor = Actor(COMMAND.get(), f"command:{_user()}", SystemClock().now_us, once=True)
    asked = ACTOR.set(actor)
    try:
        yield
    finally:
        ACTOR.reset(asked)


async def reads(database: Database, about: Iterable[str] = (), **more: Any) -> None:
    """Puts on record that the command reads of these (`call:ID`, …); wait for it, then show them.

    `more` stands in the row's detail: ids, counts and moments, nothing of anybody. Raises
    StorageError: then nothing is to be shown.
    """
    every = list(about)
    one = every[0] if len(every) == 1 and not more else None
    detail = {} if one is not None else {**audit.named(every), **more}
    entry = Entry(COMMAND.get(), SystemClock().now_us(), one, detail, "read")
    async with database.writing() as connection:
        audit.note(connection, entry)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in a container
        return "unknown"
