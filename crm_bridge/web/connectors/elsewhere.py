"""Where a record of ours stands in other CRMs, for the pages of a call, a case, a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.delivery import links
from crm_bridge.delivery.links import Link
from crm_bridge.delivery.outbox import State
from crm_bridge.records.desk_tables.connectors import connectors, outbox
from crm_bridge.web.connectors.words import title


@dataclass(frozen=True, slots=True)
class There:
    """One CRM: the records of ours there, and what of this one is still on its way."""

    connector: str
    title: str
    links: tuple[Link, ...]
    waiting: int
    failed: int
    entry: str | None
    """The page of what failed, for those who may mend it."""


MENDERS = frozenset({Role.ADMINISTRATOR, Role.SUPERVISOR})


async def elsewhere(
    connection: AsyncConnection, me: Account, keys: Iterable[str], lane: str
) -> list[There]:
    """What stands of these keys in each CRM, and what waits in this lane; nothing for outsiders."""
    known = select(connectors.c.name, connectors.c.kind).order_by(connectors.c.name)
    kinds = {row.name: row.kind for row in await connection.execute(known)}
    if me.outside or not kinds:
        return []
    found: dict[str, list[Link]] = {}
    for link in await links.of_keys(connection, keys):
        found.setdefault(link.connector, []).append(link)
    table = outbox.c
    query = (
        select(table.connector, table.state, func.count(), func.min(table.seq))
        .where(
            table.connector.in_(list(kinds)), table.lane == lane,
            table.state.in_((State.WAITING, State.DEAD)),
        )
        .group_by(table.connector, table.state)
    )  # fmt: skip
    rows = {(name, state): (n, seq) for name, state, n, seq in await connection.execute(query)}
    made = []
    for name, kind in kinds.items():
        waiting, _ = rows.get((name, State.WAITING), (0, 0))
        failed, seq = rows.get((name, State.DEAD), (0, 0))
        if name not in found and not waiting and not failed:
            continue
        page = f"/admin/connectors/{name}/{seq}" if failed and me.role in MENDERS else None
        there = There(name, title(name, kind), tuple(found.get(name, [])), waiting, failed, page)
        made.append(there)
    return made
