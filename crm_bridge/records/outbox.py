"""What other CRMs shall hear of, written in the transaction of the change itself.

An entry names the record and holds nothing of it; one is written for each CRM that is active in
`connectors`, so that without any nothing is. The same entry twice is one. What becomes of them is
the delivery's.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Dialect, Text, bindparam, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import Insert

from crm_bridge.records.desk_tables.connectors import connectors, outbox
from ivr.calls.call import Micros

CALL: Final = "call"
WRAPUP: Final = "wrapup"
CASE: Final = "case"
PERSON: Final = "person"
ALERT: Final = "alert"

RAISED: Final = 1
CLEARED: Final = 2
"""Revisions of an alert's entries."""

COLUMNS: Final = ("kind", "subject", "revision", "lane", "contact", "made_us")
"""What an entry is made of, in the order of the parameters of `statement`."""

_TYPES: Final = {"revision": BigInteger(), "made_us": BigInteger()}


def statement(dialect: Dialect, only: Collection[str] | None = None) -> Insert:
    """Puts an entry of these parameters (`COLUMNS`) into the outbox of every active CRM.

    `only`: of those of these names.
    """
    insert = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    given = {name: bindparam(name, type_=_TYPES.get(name, Text())) for name in COLUMNS}
    zero: ColumnElement[int] = literal_column("0")
    chosen: dict[str, Any] = {
        "connector": connectors.c.name,
        **given,
        "state": literal_column("'waiting'"),
        "next_us": zero,
        "attempts": zero,
        "charged": zero,
        "version": literal_column("1"),
    }
    source = select(*chosen.values()).where(connectors.c.active.is_(True))
    if only is not None:
        source = source.where(connectors.c.name.in_(only))
    made: Insert = insert(outbox).from_select(list(chosen), source).on_conflict_do_nothing()
    return made


async def add(
    connection: AsyncConnection,
    at: Micros,
    kind: str,
    subject: str,
    revision: int,
    *,
    lane: str,
    contact: str | None = None,
    only: Collection[str] | None = None,
) -> None:
    """Notes that this record is to reach every active CRM; give a connection of `writing`.

    `lane`: the call, case or person whose order is kept; `contact`: the number or person behind it;
    `only`: the CRMs that are to hear of it, by name.
    """
    await connection.execute(
        statement(connection.dialect, only),
        {"kind": kind, "subject": subject, "revision": revision, "lane": lane, "contact": contact,
         "made_us": at},
    )  # fmt: skip
