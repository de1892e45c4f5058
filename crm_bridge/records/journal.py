"""The journal: the AMI messages that made the records, kept until no open call needs them.

A body is zlib (level 1) over: the count n, n arrival times (int64), n lengths (uint32), and then
the n messages one after another, all numbers little-endian. So it is split again exactly,
whatever the messages hold.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.records.database import Database
from crm_bridge.records.tables import calls, journal
from ivr.calls.call import Micros

Message = tuple[Micros, bytes]
"""When it arrived, and the message as it came."""

_COUNT = struct.Struct("<I")
_MARGIN: Final = 60_000_000
_PAGE = 64


@dataclass(frozen=True, slots=True)
class Piece:
    """What one group commit keeps of one node's messages; `from_us` to `to_us` is event time."""

    node: str
    seq: int
    from_us: Micros
    to_us: Micros
    events: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Last:
    """The newest piece of a node."""

    seq: int
    to_us: Micros


def encode(messages: Sequence[Message]) -> bytes:
    """The messages, in order, as one body."""
    n = len(messages)
    head = struct.pack(
        f"<I{n}q{n}I", n, *[arrived for arrived, _ in messages], *[len(raw) for _, raw in messages]
    )
    return zlib.compress(head + b"".join([raw for _, raw in messages]), 1)


def decode(body: bytes) -> list[Message]:
    """The messages of a body, in order; `ValueError` where it is damaged."""
    try:
        plain = zlib.decompress(body)
        (n,) = _COUNT.unpack_from(plain)
        numbers = struct.unpack_from(f"<{n}q{n}I", plain, _COUNT.size)
    except (zlib.error, struct.error) as error:
        raise ValueError(f"damaged journal body: {error}") from error
    at = _COUNT.size + 12 * n
    messages: list[Message] = []
    for arrived, length in zip(numbers[:n], numbers[n:], strict=True):
        messages.append((arrived, plain[at : at + length]))
        at += length
    if at != len(plain):
        raise ValueError("damaged journal body: lengths do not add up")
    return messages


class Scribe:
    """Numbers one node's pieces; ask `last` where to begin."""

    def __init__(self, node: str, last: Last | None) -> None:
        self.node = node
        self._next = 0 if last is None else last.seq + 1

    def piece(self, messages: Sequence[Message], from_us: Micros, to_us: Micros) -> Piece:
        """The next piece of this node: earliest and latest event time of the messages in it."""
        seq = self._next
        self._next += 1
        return Piece(self.node, seq, from_us, to_us, len(messages), encode(messages))


async def last(database: Database, node: str) -> Last | None:
    """The newest piece of a node; `None` where nothing was ever kept of it."""
    query = (
        select(journal.c.seq, journal.c.to_us)
        .where(journal.c.node == node)
        .order_by(journal.c.seq.desc())
        .limit(1)
    )
    async with database.reading() as connection:
        row = (await connection.execute(query)).one_or_none()
    return None if row is None else Last(row.seq, row.to_us)


async def read_since(database: Database, node: str, from_us: Micros) -> AsyncIterator[Piece]:
    """A node's pieces that may hold an event at or after `from_us`, in order of arrival."""
    after = -1
    while True:
        query = (
            select(journal)
            .where(journal.c.node == node, journal.c.to_us >= from_us, journal.c.seq > after)
            .order_by(journal.c.seq)
            .limit(_PAGE)
        )
        async with database.reading() as connection:
            rows = (await connection.execute(query)).all()
        for row in rows:
            yield Piece(row.node, row.seq, row.from_us, row.to_us, row.events, row.body)
        if len(rows) < _PAGE:
            return
        after = rows[-1].seq


async def open_calls(database: Database, node: str) -> Micros | None:
    """When the earliest call of the node still open entered; `None` if none is open."""
    query = select(func.min(calls.c.entered_us)).where(
        calls.c.node == node, calls.c.closed.is_(False)
    )
    async with database.reading() as connection:
        earliest: Micros | None = (await connection.execute(query)).scalar_one()
    return earliest


async def prune(
    database: Database, before_us: Micros, *, margin_us: Micros = _MARGIN, at_once: int = 256
) -> int:
    """Delete pieces that ended before `before_us` and that no open call needs; returns how many.

    A piece is needed from `margin_us` before the earliest open call of its node entered. A node's
    newest piece stays always, so that numbering goes on. `at_once` rows a transaction, so that
    the writer never waits long.
    """
    doomed = _doomed(before_us, margin_us).limit(at_once)
    deleted = 0
    while True:
        async with database.writing() as connection:
            rows = (await connection.execute(doomed)).all()
            for row in rows:
                await connection.execute(
                    delete(journal).where(journal.c.node == row.node, journal.c.seq == row.seq)
                )
        deleted += len(rows)
        if len(rows) < at_once:
            return deleted


async def prunable(
    connection: AsyncConnection, before_us: Micros
) -> tuple[int, Micros | None, Micros | None]:
    """How many pieces `prune` would delete, and when the oldest and the newest of them ended."""
    old = _doomed(before_us, _MARGIN).subquery()
    query = select(func.count(), func.min(old.c.to_us), func.max(old.c.to_us)).select_from(old)
    count, oldest, newest = (await connection.execute(query)).one()
    return count, oldest, newest


def _doomed(before_us: Micros, margin_us: Micros) -> Select[Any]:
    earliest = (
        select(func.min(calls.c.entered_us) - margin_us)
        .where(calls.c.node == journal.c.node, calls.c.closed.is_(False))
        .correlate(journal)
        .scalar_subquery()
    )
    newest = journal.alias("newest")
    top = (
        select(func.max(newest.c.seq))
        .where(newest.c.node == journal.c.node)
        .correlate(journal)
        .scalar_subquery()
    )
    return (
        select(journal.c.node, journal.c.seq, journal.c.to_us)
        .where(
            journal.c.to_us < before_us,
            journal.c.to_us < func.coalesce(earliest, before_us),
            journal.c.seq < top,
        )
        .order_by(journal.c.node, journal.c.seq)
    )
