"""Restores a backup into a folder that is empty, and a database that is: never over anything.

All is written beside its place and takes it in one step at the end; what fails leaves the folder as
it was. Tables that are older than this program are brought up; newer ones are refused.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Final

from sqlalchemy import inspect

from crm_bridge.backup import engines
from crm_bridge.backup.archive import BackupFault, Head, unpack
from crm_bridge.recordings.keyring import Keyring
from crm_bridge.records import schema
from crm_bridge.records.database import Database

DATABASE: Final = "hotline.db"
DATA: Final = "desk-data"


async def restore(path: Path, keys: Keyring, into: Path, url: str | None) -> Head:
    """Restores the backup; what it is of. `url`: the empty PostgreSQL database for one of those.

    Raises BackupFault and StorageError.
    """
    _check_empty(into)
    into.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{into.name}-", dir=into.parent))
    try:
        head, _ = await asyncio.to_thread(unpack, path, keys, work)
        await _database(work, head, path, url)
        await asyncio.to_thread(_take_place, work, into)
    except OSError as error:
        raise BackupFault(
            f"cannot be restored: {error.strerror or type(error).__name__}",
            where=str(error.filename or into), mend="make room, or give another folder",
        ) from error  # fmt: skip
    finally:
        await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)
    return head


def _take_place(work: Path, into: Path) -> None:
    desk = work / "desk"
    if desk.exists():
        desk.rename(work / DATA)
    _check_empty(into)
    if into.exists():
        into.rmdir()
    work.rename(into)


def _check_empty(into: Path) -> None:
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise BackupFault(
            "is not empty: nothing is written over what stands there", where=str(into),
            mend="give a new folder",
        )  # fmt: skip


async def _database(work: Path, head: Head, path: Path, url: str | None) -> None:
    if head.schema not in schema.revisions():
        raise BackupFault(
            f"its tables are at {head.schema}, which this program does not know", where=str(path),
            mend=f"install the hotline that made it ({head.program}) or a newer one",
        )  # fmt: skip
    if head.engine == "sqlite":
        if url is not None:
            raise BackupFault("is of a SQLite database", where=str(path),
                              mend="leave --database out: it becomes a file")  # fmt: skip
        file = work / DATABASE
        (work / engines.SQLITE_FILE).rename(file)
        engines.sound(engines.SQLITE_FILE, file)
        (work / "database").rmdir()
        await schema.upgrade(f"sqlite:///{file}")
        return
    if url is None:
        raise BackupFault("is of a PostgreSQL database", where=str(path),
                          mend="name an empty one with --database postgresql://…")  # fmt: skip
    database = Database(url)
    try:
        async with database.connection() as connection:
            names = await connection.run_sync(lambda c: inspect(c).get_table_names())
        if names:
            raise BackupFault(
                "is not empty: nothing is written over what stands there", where=database.where,
                mend="make a new database, or name another one",
            )  # fmt: skip
        await asyncio.to_thread(engines.fill, database.url, work / engines.POSTGRES_FILE)
        await schema.upgrade(database)
    finally:
        await database.close()
    shutil.rmtree(work / "database")
