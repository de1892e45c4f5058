"""What an exception of a database driver means: wait and try again, or never."""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import InterfaceError as SQLAlchemyInterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from crm_bridge.errors import RecordRefused, SchemaMismatch, StorageError, StorageUnavailable

_MIGRATE: Final = "run `hotline migrate`"

_SQLITE: Final[dict[str, tuple[str, str]]] = {
    "SQLITE_BUSY": ("the database is locked", "end the other program that holds it"),
    "SQLITE_LOCKED": ("the database is locked", "end the other program that holds it"),
    "SQLITE_FULL": ("the disk is full", "free space on its disk"),
    "SQLITE_IOERR_SHMSIZE": ("the disk is full", "free space on its disk"),
    "SQLITE_READONLY": ("the database is read-only", "make its file and folder writable"),
    "SQLITE_PERM": ("access to the database is refused", "make its file and folder writable"),
    "SQLITE_CANTOPEN": ("the database cannot be opened", "make its folder exist and writable"),
    "SQLITE_IOERR": ("the disk failed", "check the disk and the system's log"),
    "SQLITE_PROTOCOL": ("the database is locked", "end the other program that holds it"),
    "SQLITE_NOMEM": ("out of memory", "free memory"),
    "SQLITE_CORRUPT": ("the database file is damaged", "put it aside and restore a backup"),
    "SQLITE_NOTADB": ("the file is not a database", "name another file, or move this one away"),
}
"""SQLite's result code → what happened and the mend. All may pass once a person has mended them.

A code also stands for those that begin with it: the longer one comes first.
"""

_POSTGRES: Final[dict[str, tuple[str, str]]] = {
    "08": ("the connection to the database was lost", "check that the server runs"),
    "25006": ("the database is read-only", "point the URL at the primary server"),
    "28": ("the database refuses the login", "check user and password in database.url"),
    "3D": ("there is no such database", "create it, or correct database.url"),
    "40": ("another writer came in between", "nothing: it is tried again"),
    "53100": ("the disk is full", "free space on the server's disk"),
    "53": ("the database server is out of resources", "check the server"),
    "55P03": ("the database is locked", "end the other program that holds it"),
    "57": ("the database server is stopping or starting", "nothing if it was meant"),
    "58": ("the disk of the database server failed", "check the disk and the server's log"),
    "XX": ("the database server failed", "check the server's log"),
}
"""SQLSTATE, or its class → the same."""


def storage_fault(error: BaseException, where: str) -> StorageError | None:
    """The failure of ours that stands for a driver's exception; `None` if it is none of these."""
    if isinstance(error, StorageError):
        return error
    if isinstance(error, PoolTimeout):
        return StorageUnavailable("no free connection", where=where, mend="check the server")
    origin: BaseException | None = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(origin, "sqlite_errorname", None)
    if code is not None:
        return _sqlite(str(code), str(origin), where)
    state = getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None)
    if state is not None:
        return _postgres(str(state), str(origin), where)
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if lost or isinstance(origin, OSError) or isinstance(error, SQLAlchemyInterfaceError):
        return StorageUnavailable(
            "the connection to the database was lost", where=where, mend="check that it runs"
        )
    if isinstance(origin, (OverflowError, UnicodeError)) or isinstance(error, DBAPIError):
        return RecordRefused(f"the database cannot hold a value: {_brief(origin)}", where=where)
    return None


def _sqlite(code: str, text: str, where: str) -> StorageError:
    for name, (what, mend) in _SQLITE.items():
        if code == name or code.startswith(name + "_"):
            return StorageUnavailable(what, where=where, mend=mend)
    if "no such table" in text or "no such column" in text or "has no column" in text:
        return SchemaMismatch("tables are missing", where=where, mend=_MIGRATE)
    return RecordRefused(f"the database refuses a row ({code})", where=where)


def _postgres(state: str, text: str, where: str) -> StorageError:
    if state in {"42P01", "42703"}:
        return SchemaMismatch("tables are missing", where=where, mend=_MIGRATE)
    found = _POSTGRES.get(state) or _POSTGRES.get(state[:2])
    if found is not None:
        return StorageUnavailable(found[0], where=where, mend=found[1])
    return RecordRefused(f"the database refuses a row ({state})", where=where)


def _brief(error: BaseException | None) -> str:
    """The kind of error only: its text may hold a caller's data."""
    return type(error).__name__
