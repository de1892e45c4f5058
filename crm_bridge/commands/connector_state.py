"""How the configured CRMs stand: whether they answer, and what waits for them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.config import Config
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors import registry
from crm_bridge.connectors.port import ConnectorError, Health
from crm_bridge.delivery import outbox
from crm_bridge.delivery.outbox import Count, State
from crm_bridge.errors import ConfigMistake, HotlineError, StorageError
from crm_bridge.records import schema
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables import connectors as tables
from ivr.calls.call import Micros

AT_ONCE: Final = 4
"""CRMs that are asked at a time."""


@dataclass(frozen=True, slots=True)
class Past:
    """What its outbox says, in microseconds since the epoch; of one never joined, nothing."""

    count: Count | None = None
    last_done: Micros | None = None
    last_failed: Micros | None = None
    why: str = ""
    """The last failure that is on record."""

    @property
    def failing(self) -> bool:
        """Whether the last try that is on record failed."""
        return self.last_failed is not None and self.last_failed > (self.last_done or 0)

    @property
    def begun(self) -> bool:
        """Whether an entry that was sent, or tried in vain, is still on record."""
        active = self.count is not None and self.count.active
        return active and (self.last_done is not None or self.last_failed is not None)


@dataclass(frozen=True, slots=True)
class Standing:
    """One CRM: what it answered now, or why it did not."""

    name: str
    section: ConnectorSection
    health: Health | None
    error: HotlineError | None
    seconds: float
    past: Past


async def standings(config: Config, clock: Clock, names: list[str]) -> list[Standing]:
    """Asks each of these, a few at a time, and reads what waits for them; raises nothing."""
    past = await _past(config, names)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> Standing:
        section = config.connector[name]
        async with gate:
            began = clock.monotonic()
            health, error = await _ask(name, section, clock)
            took = clock.monotonic() - began
        return Standing(name, section, health, error, took, past.get(name, Past()))

    return list(await asyncio.gather(*map(one, names)))


async def _ask(
    name: str, section: ConnectorSection, clock: Clock
) -> tuple[Health | None, HotlineError | None]:
    try:
        connector = registry.make(name, section, clock=clock)
    except ConfigMistake as mistake:
        return None, mistake
    try:
        return await connector.health(), None
    except ConnectorError as error:
        return None, error
    finally:
        await connector.close()


async def _past(config: Config, names: list[str]) -> dict[str, Past]:
    """What the outbox of each says; nothing where there is no database to be read."""
    database = Database(config.database.url)
    try:
        if _absent(database):
            return {}
        await schema.check(database)
        async with database.reading() as connection:
            counts = {count.connector: count for count in await outbox.counts(connection)}
            return {name: await _of(connection, name, counts.get(name)) for name in names}
    except StorageError:
        return {}
    finally:
        await database.close()


def _absent(database: Database) -> bool:
    """No file yet: looking into it would make one."""
    return database.sqlite and not Path(database.url.database or "").exists()


async def _of(connection: AsyncConnection, name: str, count: Count | None) -> Past:
    entry, tried = tables.outbox.c, tables.delivery_attempts.c
    done = await connection.scalar(
        select(func.max(entry.done_us)).where(entry.connector == name, entry.state == State.DONE)
    )
    failed = (
        select(tried.at_us, tried.outcome, tried.error)
        .join(tables.outbox, entry.seq == tried.seq)
        .where(entry.connector == name, tried.outcome.not_in(("done", "skipped", "resent")))
        .order_by(tried.at_us.desc())
        .limit(1)
    )
    row = (await connection.execute(failed)).one_or_none()
    if row is None:
        return Past(count, done)
    return Past(count, done, row.at_us, row.error or row.outcome)
