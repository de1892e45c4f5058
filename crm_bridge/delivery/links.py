"""What of ours stands in other CRMs: our key → the record there, its address and status."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.connectors.port import Kind, Status
from crm_bridge.records import outbox as entries
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.records.desk_tables.connectors import connector_links
from ivr.calls.call import Micros

_DIGITS: Final = 32


@dataclass(frozen=True, slots=True)
class Link:
    """A record of ours in one CRM; `theirs`: it was there before us."""

    connector: str
    key: str
    kind: Kind
    id: str
    url: str | None
    theirs: bool
    digest: str | None
    """Of what was last sent; `None`: whatever comes is sent."""
    status: Status | None
    """Of a ticket, in our word, as last known; `None` also where theirs has none of ours."""
    native: str | None
    """The same in their own word."""
    status_us: Micros | None
    made_us: Micros
    updated_us: Micros


def digest(*parts: object) -> str:
    """What is sent, as a short text: the same parts give the same."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def link_of(row: Row[Any]) -> Link:
    """The link that a row of the table holds."""
    given = {name: getattr(row, name) for name in Link.__dataclass_fields__}
    status = given["status"]
    given |= {"kind": Kind(given["kind"]), "status": None if status is None else Status(status)}
    return Link(**given)


async def find(connection: AsyncConnection, connector: str, key: str) -> Link | None:
    """Where the record of this key stands in that CRM, as far as we know."""
    query = select(connector_links).where(
        connector_links.c.connector == connector, connector_links.c.key == key
    )
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else link_of(row)


async def of_keys(connection: AsyncConnection, keys: Iterable[str]) -> list[Link]:
    """Where records of these keys stand, in every CRM; for the pages of a call, case or person."""
    query = (
        select(connector_links)
        .where(connector_links.c.key.in_(list(keys)))
        .order_by(connector_links.c.connector, connector_links.c.key)
    )
    return [link_of(row) for row in await connection.execute(query)]


async def save(connection: AsyncConnection, found: Iterable[Link]) -> None:
    """Keeps these, over what was known; the moment of the first time stays.

    So does a status of the same record that was learned later: whoever writes fields may have read
    the link before that.
    """
    rows = [_row(link) for link in found]
    if not rows:
        return
    table = connector_links
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(table)
    new = statement.excluded
    fixed = {"connector", "key", "made_us"}
    set_: dict[str, ColumnElement[Any]] = {
        c.name: new[c.name] for c in table.c if c.name not in fixed
    }
    old = table.c
    newer = or_(
        old.status_us.is_(None), new.status_us >= old.status_us, new["id"] != old["id"]
    )  # fmt: skip
    for name in ("status", "native", "status_us"):
        set_[name] = case((newer, new[name]), else_=old[name])
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["connector", "key"], set_=set_), rows
    )


async def forget(connection: AsyncConnection, connector: str, keys: Iterable[str]) -> None:
    """The records of these keys are not there any more."""
    await connection.execute(
        delete(connector_links).where(
            connector_links.c.connector == connector, connector_links.c.key.in_(list(keys))
        )
    )


async def forget_all(connection: AsyncConnection, connector: str) -> None:
    """Nothing is known of what stands there: under this name it is another CRM now."""
    await connection.execute(
        delete(connector_links).where(connector_links.c.connector == connector)
    )


async def forget_digests(
    connection: AsyncConnection, connector: str, kind: str, subject: str
) -> None:
    """What an entry of this kind and subject wrote is written once more, though nothing changed."""
    keys = []
    match kind:
        case entries.CALL:
            keys = [f"call:{subject}"]
        case entries.WRAPUP:
            keys = [f"call:{subject.rpartition('/')[0]}"]
        case entries.CASE:
            ticket = await connection.scalar(select(cases.c.ticket).where(cases.c.id == subject))
            keys = [f"case:{ticket}"]
        case entries.PERSON:
            keys = [f"person:{subject}"]
    await connection.execute(
        update(connector_links)
        .where(connector_links.c.connector == connector, connector_links.c.key.in_(keys))
        .values(digest=None)
    )


def _row(link: Link) -> Mapping[str, Any]:
    given = {name: getattr(link, name) for name in Link.__dataclass_fields__}
    return {**given, "kind": link.kind.value, "status": link.status and link.status.value}
