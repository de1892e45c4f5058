"""What must be done about cases without anybody's act, looked for each minute.

Reminders of deadlines, ticket numbers that have gone by text message, and files of cases that were
forgotten. A round that finds
nothing to do takes no lock.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from crm_bridge.cases import attachments, calendars, complaints, reminders
from crm_bridge.cases.attachments import Store
from crm_bridge.clock import Clock
from crm_bridge.errors import StorageError
from crm_bridge.records.database import Database

EVERY: Final = 60.0
"""Seconds between two rounds."""

_log = structlog.get_logger(__name__)


async def go_round(database: Database, clock: Clock) -> int:
    """One round; returns how much there was to do."""
    async with database.reading() as connection:
        calendar = await calendars.current(connection, clock)
        work = await reminders.waiting(connection, clock.now_us(), calendar)
        if not work and not await complaints.told_by_message(connection):
            return 0
    async with database.writing() as connection:
        told = await complaints.confirm_told(connection, clock)
        return told + await reminders.remind(connection, clock)


async def keep_going(
    database: Database, clock: Clock, store: Store, stop: asyncio.Event, *, every: float = EVERY
) -> None:
    """Rounds until `stop`. A round that fails is logged and made again: the line, which runs beside
    it, must not end for a reminder.
    """
    try:
        await asyncio.to_thread(store.sweep)
    except OSError as error:
        _log.warning("files that never arrived were not swept", why=error.strerror)
    while not stop.is_set():
        try:
            await go_round(database, clock)
            await attachments.clear(database, store)
        except StorageError as error:
            _log.warning("reminders wait for the database", why=error.what)
        except Exception as error:
            _log.error("a round of reminders failed", why=type(error).__name__)
        try:
            async with asyncio.timeout(every):
                await stop.wait()
        except TimeoutError:
            continue
