"""What a supervisor tells an officer's desk: there at once, and kept until it is read."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.desk.seats import account_topic
from crm_bridge.live.hub import Hub
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.supervision import notices
from ivr.calls.call import Micros

NOTICES: Final = "notices"
"""The kind of event by which an account's open pages hear that there is something to read."""

SHOWN: Final = 20
"""Unread notices shown at once, the newest."""


class Kind(StrEnum):
    """What a notice is."""

    MESSAGE = "message"
    SIGNED_OUT = "signed_out"


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice that has not been read."""

    id: str
    kind: Kind
    body: str
    sent_us: Micros
    from_th: str
    from_en: str


async def send(
    connection: AsyncConnection,
    *,
    act_id: str,
    by: str,
    to: Iterable[str],
    kind: Kind,
    body: str,
    at: Micros,
) -> None:
    """Keeps one notice for each of these accounts; whoever calls tells their pages."""
    rows = [
        {
            "id": uuid.uuid4().hex, "act_id": act_id, "from_account": by, "to_account": account,
            "kind": kind.value, "body": body, "sent_us": at,
        }
        for account in to
    ]  # fmt: skip
    if rows:
        await connection.execute(insert(notices), rows)


async def unread(connection: AsyncConnection, account_id: str) -> list[Notice]:
    """What this account has not read, the newest first; at most `SHOWN`."""
    query = (
        select(notices, accounts.c.name_th, accounts.c.name_en)
        .join(accounts, accounts.c.id == notices.c.from_account)
        .where(notices.c.to_account == account_id, notices.c.read_us.is_(None))
        .order_by(notices.c.sent_us.desc(), notices.c.id)
        .limit(SHOWN)
    )
    return [
        Notice(row["id"], Kind(row["kind"]), row["body"], row["sent_us"], row["name_th"],
               row["name_en"])
        for row in (await connection.execute(query)).mappings()
    ]  # fmt: skip


async def read(connection: AsyncConnection, account_id: str, notice_id: str, at: Micros) -> bool:
    """Keeps that it was read; false where this account has no such unread notice."""
    done = await connection.execute(
        update(notices)
        .where(
            notices.c.id == notice_id,
            notices.c.to_account == account_id,
            notices.c.read_us.is_(None),
        )
        .values(read_us=at)
    )
    return bool(done.rowcount)


async def is_mine(connection: AsyncConnection, account_id: str, notice_id: str) -> bool:
    """Whether this account has such a notice, read or not."""
    query = select(notices.c.id).where(
        notices.c.id == notice_id, notices.c.to_account == account_id
    )
    return (await connection.execute(query)).first() is not None


def tell(hub: Hub, accounts_of: Iterable[str]) -> None:
    """Lets these accounts' open pages know that what they have not read has changed."""
    for account in accounts_of:
        hub.publish(account_topic(account), NOTICES, {}, key=NOTICES)


async def message_of(connection: AsyncConnection, act_id: str) -> tuple[str, int, int]:
    """The text of a message, to how many it went and how many have read it; of its act's id."""
    rows = (
        await connection.execute(
            select(notices.c.body, notices.c.read_us).where(notices.c.act_id == act_id)
        )
    ).all()
    return (rows[0].body if rows else "", len(rows), sum(row.read_us is not None for row in rows))
