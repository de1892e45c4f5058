"""Removing what is too old, page by page, each page with its proof in the same transaction.

The proof is a row of the audit log: the category, its period, how many, from when to when, and the
SHA-256 of the ids that went, in order, one a line. Who has the ids can show that they are among
them; who has not learns nothing of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.config_retention import RetentionSection
from crm_bridge.records import audit, audit_book, journal
from crm_bridge.records.audit import Entry
from crm_bridge.records.database import Database
from crm_bridge.retention.categories import CATEGORIES, DAY, Category
from ivr.calls.call import Micros

PAGE: Final = 200
"""Of one category in one transaction: callers wait for the writers' lock meanwhile."""

JOURNAL: Final = ("journal", "สิ่งที่ Asterisk แจ้ง ตามตัวอักษร", "What an Asterisk said, word for word")
AUDIT: Final = ("audit", "บันทึกการตรวจสอบ", "The audit log")


@dataclass(frozen=True, slots=True)
class Removed:
    """How much of a category is or was too old, and from when to when."""

    key: str
    th: str
    en: str
    days: int
    count: int
    oldest_us: Micros | None
    newest_us: Micros | None


async def look(database: Database, clock: Clock, section: RetentionSection) -> list[Removed]:
    """What would be removed now; nothing is."""
    found, now = [], clock.now_us()
    async with database.reading() as connection:
        for one in CATEGORIES:
            old = one.old(one.before(section, now)).subquery()
            id_, at = old.c
            row = (
                await connection.execute(select(func.count(id_), func.min(at), func.max(at)))
            ).one()
            found.append(_removed(one, section, *row))
        pieces = await journal.prunable(connection, now - section.journal_days * DAY)
        found.append(Removed(*JOURNAL, section.journal_days, *pieces))
        rows = await audit_book.cuttable(connection, now - section.audit_days * DAY)
        found.append(Removed(*AUDIT, section.audit_days, *rows))
    return found


async def remove(database: Database, clock: Clock, section: RetentionSection) -> list[Removed]:
    """Removes what is too old of every category. Raises StorageError; what is done is done."""
    found = []
    for one in CATEGORIES:
        count, oldest, newest = 0, None, None
        while page := await _page(database, clock, section, one):
            count += len(page)
            moments = [at for _, at in page]
            oldest = min(moments) if oldest is None else min(oldest, *moments)
            newest = max(moments) if newest is None else max(newest, *moments)
        found.append(_removed(one, section, count, oldest, newest))
    found.append(await _journal(database, clock, section))
    now = clock.now_us()
    async with database.writing() as connection:
        rows = await audit_book.cuttable(connection, now - section.audit_days * DAY)
        await audit_book.cut(connection, now, now - section.audit_days * DAY)
    found.append(Removed(*AUDIT, section.audit_days, *rows))
    return found


async def _page(
    database: Database, clock: Clock, section: RetentionSection, one: Category
) -> list[tuple[str, int]]:
    before = one.before(section, clock.now_us())
    async with database.reading() as connection:
        if not await _oldest(connection, one, before):
            return []  # the usual answer costs no lock
    async with database.writing() as connection:
        page = await _oldest(connection, one, before)
        if page:
            ids = [id_ for id_, _ in page]
            await one.remove(connection, clock, ids)
            _prove(connection, clock, one.key, one.days(section), before, page)
    return page


async def _oldest(
    connection: AsyncConnection, one: Category, before: Micros
) -> list[tuple[str, int]]:
    old = one.old(before).subquery()
    id_, at = old.c
    query = select(id_, at).order_by(at, id_).limit(PAGE)
    return [(str(row[0]), int(row[1])) for row in await connection.execute(query)]


async def _journal(database: Database, clock: Clock, section: RetentionSection) -> Removed:
    before = clock.now_us() - section.journal_days * DAY
    async with database.reading() as connection:
        count, oldest, newest = await journal.prunable(connection, before)
    if count:
        # each page of it is a transaction of its own: the proof says what was about to go
        async with database.writing() as connection:
            told = {"period_days": section.journal_days, "before_us": before, "count": count,
                    "oldest_us": oldest, "newest_us": newest}  # fmt: skip
            entry = Entry("retention.journal", clock.now_us(), None, told, "retention")
            audit.note(connection, entry)
        await journal.prune(database, before)
    return Removed(*JOURNAL, section.journal_days, count, oldest, newest)


def _prove(
    connection: AsyncConnection,
    clock: Clock,
    key: str,
    days: int,
    before: Micros,
    page: Sequence[tuple[str, int]],
) -> None:
    moments = [at for _, at in page]
    told = {
        "period_days": days, "before_us": before, "count": len(page),
        "oldest_us": min(moments), "newest_us": max(moments),
        "ids_sha256": ids_digest([id_ for id_, _ in page]),
    }  # fmt: skip
    audit.note(connection, Entry(f"retention.{key}", clock.now_us(), None, told, "retention"))


def ids_digest(ids: Sequence[str]) -> str:
    """SHA-256 of the ids in order, one a line."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()


def _removed(
    one: Category, section: RetentionSection, count: int, oldest: int | None, newest: int | None
) -> Removed:
    return Removed(one.key, one.th, one.en, one.days(section), count, oldest, newest)
