"""What an account is to know of: the bell on every page of the desk."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.roles import OUTSIDE, Role
from crm_bridge.clock import Clock
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.cases import notifications
from ivr.calls.call import Micros

SHOWN = 50
"""The bell shows so many at the most."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """An account to be told, and the e-mail address where there is one."""

    id: str
    email: str | None


@dataclass(frozen=True, slots=True)
class Notification:
    """One entry of the bell."""

    id: str
    kind: str
    ticket: str | None
    th: str
    en: str
    made: Micros
    seen: Micros | None


async def directors(connection: AsyncConnection) -> list[Recipient]:
    """The Director's accounts."""
    return await _accounts(connection, accounts.c.role == Role.DIRECTOR)


async def officers(connection: AsyncConnection, agencies: Iterable[str]) -> list[Recipient]:
    """The officers of these agencies."""
    return await _accounts(
        connection,
        and_(
            accounts.c.agency.in_(list(agencies)), accounts.c.role.in_([r.value for r in OUTSIDE])
        ),
    )


async def one(connection: AsyncConnection, account_id: str) -> list[Recipient]:
    """That account, if it is still in use."""
    return await _accounts(connection, accounts.c.id == account_id)


async def notify(
    connection: AsyncConnection,
    clock: Clock,
    to: Iterable[Recipient],
    *,
    kind: str,
    ticket: str | None,
    th: str,
    en: str,
    dedupe: str,
) -> list[str]:
    """Rings the bell of each; the same `dedupe` again rings nobody twice. Returns whom it rang."""
    rung = []
    for recipient in {r.id: r for r in to}.values():
        key = f"{dedupe}:{recipient.id}"
        known = await connection.scalar(
            select(notifications.c.id).where(notifications.c.dedupe == key)
        )
        if known is not None:
            continue
        await connection.execute(
            insert(notifications).values(
                id=uuid.uuid4().hex,
                account_id=recipient.id,
                kind=kind,
                ticket=ticket,
                text_th=th,
                text_en=en,
                made_us=clock.now_us(),
                seen_us=None,
                dedupe=key,
            )
        )
        rung.append(recipient.id)
    return rung


async def read(connection: AsyncConnection, by: Account) -> Sequence[Notification]:
    """The newest entries of this account, unseen ones first."""
    table = notifications.c
    rows = await connection.execute(
        select(notifications)
        .where(table.account_id == by.id)
        .order_by(table.seen_us.is_not(None), table.made_us.desc(), table.id)
        .limit(SHOWN)
    )
    return [
        Notification(r.id, r.kind, r.ticket, r.text_th, r.text_en, r.made_us, r.seen_us)
        for r in rows
    ]


async def unseen(connection: AsyncConnection, by: Account) -> int:
    """How many entries this account has not seen."""
    table = notifications.c
    count = await connection.scalar(
        select(func.count()).where(table.account_id == by.id, table.seen_us.is_(None))
    )
    return count or 0


async def see(
    connection: AsyncConnection, clock: Clock, by: Account, ids: Sequence[str] | None
) -> int:
    """Marks these entries of this account seen, all with None; returns how many were not yet."""
    table = notifications.c
    query = (
        update(notifications)
        .where(table.account_id == by.id, table.seen_us.is_(None))
        .values(seen_us=clock.now_us())
    )
    if ids is not None:
        query = query.where(table.id.in_(list(ids)))
    return (await connection.execute(query)).rowcount


async def _accounts(connection: AsyncConnection, where: ColumnElement[bool]) -> list[Recipient]:
    rows = await connection.execute(
        select(accounts.c.id, accounts.c.email)
        .where(where, accounts.c.active.is_(True))
        .order_by(accounts.c.id)
    )
    return [Recipient(row.id, row.email) for row in rows]
