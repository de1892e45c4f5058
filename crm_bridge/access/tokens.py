"""Keys of programs: each acts as its account, within its scopes, until it is ended or runs out."""

from __future__ import annotations

import contextlib
import secrets
import uuid
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.accounts import of_row
from crm_bridge.access.sessions import digest
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused, StorageError
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.accounts import accounts, api_tokens

PREFIX: Final = "h1203_"
SCOPES: Final = {
    "read": ("อ่านข้อมูล", "read"),
    "write": ("อ่านและทำรายการ", "read and act"),
}
"""Scope → its name in Thai and English."""

KEYS: Final = 20
"""Keys an account may have at once."""

_SEEN_EVERY: Final = 60 * 1_000_000


async def issue(
    connection: AsyncConnection,
    clock: Clock,
    account: Account,
    name: str,
    scopes: tuple[str, ...],
    expires_us: int | None = None,
) -> tuple[str, str]:
    """A new key's id and the key itself, which is shown this once. Raises Refused."""
    if not scopes or any(scope not in SCOPES for scope in scopes):
        th, en = "ขอบเขตของกุญแจต้องเป็น read หรือ write", "a scope is read or write"
        raise Refused("scope-unknown", th, en, 422, {"scopes": (th, en)})
    count = select(func.count()).where(
        api_tokens.c.account_id == account.id, api_tokens.c.ended_us.is_(None)
    )
    if (await connection.execute(count)).scalar_one() >= KEYS:
        th = f"บัญชีหนึ่งมีกุญแจได้ไม่เกิน {KEYS} ดอก โปรดยกเลิกดอกที่ไม่ใช้"
        raise Refused("keys-full", th, f"an account has {KEYS} keys at most; end one first", 409)
    key = PREFIX + secrets.token_urlsafe(32)
    token_id = uuid.uuid4().hex
    await connection.execute(
        api_tokens.insert().values(
            id=token_id, account_id=account.id, name=name, token_hash=digest(key),
            scopes=" ".join(scopes), created_us=clock.now_us(), expires_us=expires_us,
        )
    )  # fmt: skip
    return token_id, key


async def end(connection: AsyncConnection, clock: Clock, token_id: str, account_id: str) -> bool:
    """Ends a key of this account; false where there was none that worked."""
    done = await connection.execute(
        update(api_tokens)
        .where(
            api_tokens.c.id == token_id,
            api_tokens.c.account_id == account_id,
            api_tokens.c.ended_us.is_(None),
        )
        .values(ended_us=clock.now_us())
    )
    return done.rowcount > 0


async def end_all(connection: AsyncConnection, clock: Clock, account_id: str) -> None:
    """Ends every key of an account."""
    await connection.execute(
        update(api_tokens)
        .where(api_tokens.c.account_id == account_id, api_tokens.c.ended_us.is_(None))
        .values(ended_us=clock.now_us())
    )


async def working(connection: AsyncConnection, clock: Clock, account_id: str) -> list[Row[Any]]:
    """The keys of an account that work, the newest first."""
    query = (
        select(api_tokens)
        .where(
            api_tokens.c.account_id == account_id,
            api_tokens.c.ended_us.is_(None),
            api_tokens.c.expires_us.is_(None) | (api_tokens.c.expires_us > clock.now_us()),
        )
        .order_by(api_tokens.c.created_us.desc(), api_tokens.c.id)
    )
    return list(await connection.execute(query))


@dataclass(frozen=True, slots=True)
class Key:
    """A key that works: whom it acts as, and what it may."""

    account: Account
    scopes: tuple[str, ...]
    id: str

    def allow_writing(self) -> None:
        """Refused (403) where the key may only read."""
        if "write" not in self.scopes:
            th = "กุญแจนี้อ่านได้อย่างเดียว ทำรายการไม่ได้"
            en = "this key may read only; the act needs the scope write"
            raise Refused("scope-missing", th, en, 403)


async def find(database: Database, clock: Clock, key: str) -> Key | None:
    """The key as it works now; `None` where it does not (any more)."""
    now = clock.now_us()
    query = (
        select(
            accounts,
            api_tokens.c.id.label("token_id"),
            api_tokens.c.scopes,
            api_tokens.c.used_us,
        )
        .join(api_tokens, api_tokens.c.account_id == accounts.c.id)
        .where(
            api_tokens.c.token_hash == digest(key),
            api_tokens.c.ended_us.is_(None),
            api_tokens.c.expires_us.is_(None) | (api_tokens.c.expires_us > now),
            accounts.c.active,
        )
    )
    async with database.reading() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    if row.used_us is None or now - row.used_us > _SEEN_EVERY:
        # who is known stays so while the database takes no writes: the desk must still be seen
        with contextlib.suppress(StorageError):
            async with database.writing() as connection:
                await connection.execute(
                    update(api_tokens).where(api_tokens.c.id == row.token_id).values(used_us=now)
                )
    return Key(of_row(row), tuple(row.scopes.split()), row.token_id)
