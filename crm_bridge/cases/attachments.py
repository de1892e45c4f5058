"""Files of a case: taken in a stream, judged, kept under a random name, given to who may see them.

A file is written into `incoming/` of the data folder while it arrives, never whole in memory, and
is moved to its place once it is judged; only then does a row speak of it. What was left behind by
a process that ended in between is swept at the next start.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import structlog
from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases import acting
from crm_bridge.cases.case import Case
from crm_bridge.cases.file_types import file_name, judge
from crm_bridge.cases.workflow import Act
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.cases import case_attachments, doomed_files
from ivr.calls.call import Micros

_log = structlog.get_logger(__name__)

_AT_ONCE: Final = 500
MOST_FILES: Final = 50
"""Files of one case."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One row of `case_attachments`."""

    id: str
    case_id: str
    name: str
    type: str
    size: int
    sha256: str
    stored: str
    internal: bool
    agency: str | None
    by_account: str
    by_name: str
    at_us: Micros


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that has been taken in and judged, not yet of any case."""

    name: str
    type: str
    size: int
    sha256: str
    stored: str


class Store:
    """The folder of the files; `limit` is the most bytes of one."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit

    def path(self, stored: str) -> Path:
        """Where a file lies."""
        return self.folder / "attachments" / stored[:2] / stored

    def sweep(self, older_than: float = 3600.0) -> int:
        """Removes what began to arrive so many seconds ago and never finished. Blocks."""
        count = 0
        for path in (self.folder / "incoming").glob("*"):
            if time.time() - path.stat().st_mtime >= older_than:
                path.unlink(missing_ok=True)
                count += 1
        return count

    async def take(self, name: str, chunks: AsyncIterator[bytes]) -> Arrived:
        """Writes a stream to disk and judges it; Refused (413, 422) leaves nothing behind."""
        file_name(name)  # a name that is not taken need not be waited for
        stored = uuid.uuid4().hex
        part = self.folder / "incoming" / stored
        await asyncio.to_thread(_make, part.parent)
        digest = hashlib.sha256()
        size = 0
        try:
            file = await asyncio.to_thread(part.open, "xb")
            try:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > self.limit:
                        raise self.too_large()
                    digest.update(chunk)
                    await asyncio.to_thread(file.write, chunk)
                await asyncio.to_thread(_to_disk, file)
            finally:
                await asyncio.to_thread(file.close)
            judged = await asyncio.to_thread(judge, name, part)
            place = self.path(stored)
            await asyncio.to_thread(_move, part, place)
        except BaseException:
            await asyncio.to_thread(part.unlink, True)
            raise
        return Arrived(judged.name, judged.type, size, digest.hexdigest(), stored)

    async def discard(self, arrived: Arrived) -> None:
        """Removes a file whose row was not written."""
        await asyncio.to_thread(self.path(arrived.stored).unlink, True)

    def too_large(self) -> Refused:
        """Why a file is not taken that is larger than the limit."""
        megabytes = f"{self.limit / 1_048_576:.3g}"
        what = (f"ไฟล์ใหญ่เกิน {megabytes} MB", f"the file is larger than {megabytes} MB")
        return Refused("file-size", *what, 413, {"file": what})


async def attach(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    ticket: str,
    arrived: Arrived,
    *,
    internal: bool = False,
) -> tuple[Case, Attachment]:
    """Makes a file that has arrived one of the case's; an agency's is seen by it and the centre."""
    case = await acting.begin(connection, by, ticket, Act.ATTACH, None)
    table = case_attachments
    count = await connection.scalar(
        select(func.count()).select_from(table).where(table.c.case_id == case.id)
    )
    if (count or 0) >= MOST_FILES:
        what = (f"แนบได้ไม่เกิน {MOST_FILES} ไฟล์", f"at most {MOST_FILES} files")
        raise Refused("too-many-files", *what, 409, {"file": what})
    made = Attachment(
        uuid.uuid4().hex, case.id, arrived.name, arrived.type, arrived.size, arrived.sha256,
        arrived.stored, internal and not by.outside, by.agency if by.outside else None, by.id,
        by.name(), clock.now_us(),
    )  # fmt: skip
    await connection.execute(
        insert(table).values({name: getattr(made, name) for name in made.__dataclass_fields__})
    )
    done = await acting.finish(
        connection, clock, by, case, Act.ATTACH, agency=made.agency, internal=made.internal,
        body={"name": made.name, "size": made.size, "attachment": made.id},
    )  # fmt: skip
    return done, made


async def may_attach(connection: AsyncConnection, by: Account, ticket: str) -> None:
    """Refused before a file is taken in where the act would be refused after it."""
    await acting.begin(connection, by, ticket, Act.ATTACH, None)


async def of_case(connection: AsyncConnection, by: Account, case: Case) -> list[Attachment]:
    """The files of a case that this account may see, in order."""
    table = case_attachments
    query = select(table).where(table.c.case_id == case.id).order_by(table.c.at_us, table.c.id)
    if by.outside:
        query = query.where(
            table.c.internal.is_(False),
            or_(table.c.agency.is_(None), table.c.agency == by.agency),
        )
    return [Attachment(**row._mapping) for row in await connection.execute(query)]


async def one(connection: AsyncConnection, by: Account, case: Case, file_id: str) -> Attachment:
    """One file of a case; Refused (404) where this account may not see it."""
    for found in await of_case(connection, by, case):
        if found.id == file_id:
            return found
    raise Refused("no-such-file", "ไม่พบไฟล์นี้", "there is no such file", 404)


async def doom(connection: AsyncConnection, now: Micros, case_ids: Sequence[str]) -> int:
    """Forgets the files of these cases; from the commit on nobody can open them, and the next round
    deletes them on disk. Returns how many.
    """
    query = select(case_attachments.c.stored).where(case_attachments.c.case_id.in_(list(case_ids)))
    stored = list((await connection.execute(query)).scalars())
    if stored:
        await connection.execute(
            insert(doomed_files), [{"stored": one, "at_us": now} for one in stored]
        )
        await connection.execute(
            delete(case_attachments).where(case_attachments.c.case_id.in_(list(case_ids)))
        )
    return len(stored)


async def clear(database: Database, store: Store) -> int:
    """Deletes on disk the files that are doomed; one that cannot be is tried again next time."""
    async with database.reading() as connection:
        query = select(doomed_files.c.stored).order_by(doomed_files.c.at_us).limit(_AT_ONCE)
        stored = list((await connection.execute(query)).scalars())
    if not stored:
        return 0
    gone = await asyncio.to_thread(_deleted, store, stored)
    async with database.writing() as connection:
        await connection.execute(delete(doomed_files).where(doomed_files.c.stored.in_(gone)))
    return len(gone)


def _deleted(store: Store, stored: Sequence[str]) -> list[str]:
    gone = []
    for one in stored:
        try:
            store.path(one).unlink(missing_ok=True)
        except OSError as error:
            _log.error(
                "a file of a case that is forgotten is not deleted", file=one, what=error.strerror,
                mend="give the bridge's user the right to delete in the data folder",
            )  # fmt: skip
        else:
            gone.append(one)
    return gone


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _move(part: Path, place: Path) -> None:
    _make(place.parent)
    part.replace(place)
