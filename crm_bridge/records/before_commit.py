"""What a transaction does once more before it is saved, noted by whatever happens in it.

An act may change the same thing several times: what is made of it is made once, at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

_KEY: Final = "hotline_before_commit"

Work = Callable[[Connection, Sequence[str]], None]


def begin(connection: AsyncConnection) -> None:
    """Takes notes for the transaction that begins on this connection."""
    connection.info[_KEY] = {}


def before_commit(connection: AsyncConnection, name: str, work: Work, ids: Iterable[str]) -> None:
    """Does this work with all ids noted under that name, when the transaction is to be saved.

    RuntimeError on a connection that is not of `Database.writing`.
    """
    notes: dict[str, tuple[Work, dict[str, None]]] | None = connection.info.get(_KEY)
    if notes is None:
        raise RuntimeError(f"{name}: only a transaction of Database.writing may change it")
    notes.setdefault(name, (work, {}))[1].update(dict.fromkeys(ids))


async def finish(connection: AsyncConnection) -> None:
    """Does all that was noted."""
    notes: dict[str, tuple[Work, dict[str, Any]]] = connection.info.pop(_KEY)
    for work, ids in notes.values():
        await connection.run_sync(work, list(ids))
