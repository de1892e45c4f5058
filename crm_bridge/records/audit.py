"""Writing the audit log: each row in the transaction of what it tells of, or not at all.

Whoever writes has the writers' lock (`Database.writing`), and so the head of the chain to itself.
What is noted in a transaction is appended when it is saved. Where a signed-in account or a command
changes something and nothing was noted, the transaction is noted by what was asked for: there is no
act without a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.records import chain
from crm_bridge.records.desk_tables.audit import audit_log

_KEY: Final = "hotline_audit"
LONGEST: Final = 200
"""Ids that one row names; the others are counted."""


@dataclass(slots=True)
class Actor:
    """Who asks for what, for as long as a request or a command lasts."""

    act: str
    via: str
    now_us: Callable[[], int]
    by: str | None = None
    about: str | None = None
    reads: bool = False
    """Nothing is asked to be changed: what is written meanwhile is housekeeping."""
    once: bool = False
    """A command: it is noted with the first transaction only."""
    noted: bool = False
    shown: dict[str, None] = field(default_factory=dict)
    """Of whom something was shown meanwhile: `person:ID`, `call:ID`, …"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be on record; who and how are the actor's where they are not given."""

    act: str
    at_us: int
    about: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "act"
    by: str | None = None
    via: str | None = None


ACTOR: ContextVar[Actor | None] = ContextVar("hotline_actor", default=None)
"""Who asks, in this task; `None`: the system itself."""


def begin(connection: AsyncConnection) -> None:
    """Takes notes for the transaction that begins on this connection."""
    connection.info[_KEY] = []


def note(connection: AsyncConnection, entry: Entry) -> None:
    """Puts it on record when the transaction is saved; only in one of `Database.writing`."""
    noted: list[Entry] | None = connection.info.get(_KEY)
    if noted is None:
        raise RuntimeError(f"{entry.act}: only a transaction of Database.writing may note it")
    noted.append(entry)


def shows(*about: str) -> None:
    """What is being answered shows something of these: they stand on the row of the read."""
    actor = ACTOR.get()
    if actor is not None:
        actor.shown.update(dict.fromkeys(about))


def named(ids: Iterable[str]) -> dict[str, Any]:
    """A detail that names these, `LONGEST` at the most, and says how many they are."""
    every = list(dict.fromkeys(ids))
    return {"of": every[:LONGEST], "count": len(every)} if every else {}


async def finish(connection: AsyncConnection) -> None:
    """Appends what was noted, or that something was changed."""
    noted: list[Entry] = connection.info.pop(_KEY)
    actor = ACTOR.get()
    if not noted and actor is not None and not actor.reads and not (actor.once and actor.noted):
        noted.append(Entry(actor.act, actor.now_us(), actor.about, named(actor.shown)))
    if not noted:
        return
    if actor is not None:
        actor.noted = True
    await connection.run_sync(append, [_filled(entry, actor) for entry in noted])


def write(connection: Connection, entry: Entry, actor: Actor | None) -> None:
    """Appends an entry of this actor at once, for who writes in a transaction of the writer's."""
    append(connection, [_filled(entry, actor)])


def append(connection: Connection, rows: Iterable[chain.Row]) -> None:
    """Appends rows that say everything but their place in the chain."""
    query = select(audit_log.c.seq, audit_log.c.hash).order_by(audit_log.c.seq.desc()).limit(1)
    seq, previous = connection.execute(query).one_or_none() or (0, chain.FIRST)
    values = []
    for row in rows:
        seq += 1
        placed = chain.Row(
            seq, row.at_us, row.kind, row.by_account, row.via, row.act, row.about, row.detail,
            previous, "",
        ).sealed()  # fmt: skip
        previous = placed.hash
        values.append(placed.as_json())
    for value in values:  # one after the other: each is looked at against the one before
        connection.execute(insert(audit_log).values(value))


def _filled(entry: Entry, actor: Actor | None) -> chain.Row:
    by = entry.by if entry.by is not None or actor is None else actor.by
    via = entry.via or (actor.via if actor is not None else "system")
    detail = chain.canonical(entry.detail)
    return chain.Row(
        0, entry.at_us, entry.kind, by, via, entry.act, entry.about, detail, "", ""
    )  # fmt: skip
