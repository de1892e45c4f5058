"""Browsers that are signed in: begun, found again by their cookie, ended.

The cookie holds a random token; only its SHA-256 is kept. A session ends by itself `IDLE` after
the last use and `LONGEST` after its start, at once when it is ended or its account closed.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import uuid
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.accounts import of_row
from crm_bridge.clock import Clock
from crm_bridge.errors import StorageError
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.accounts import accounts, sessions

_HOUR: Final = 3600 * 1_000_000
IDLE: Final = 10 * _HOUR
LONGEST: Final = 16 * _HOUR
_SEEN_EVERY: Final = 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """A browser's session; `csrf` is what its requests must show besides the cookie."""

    id: str
    csrf: str
    account: Account


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


async def begin(
    connection: AsyncConnection,
    clock: Clock,
    account: Account,
    *,
    address: str | None = None,
    user_agent: str | None = None,
) -> tuple[Session, str]:
    """A new session and the token for its cookie."""
    token = secrets.token_urlsafe(32)
    now = clock.now_us()
    session = Session(uuid.uuid4().hex, secrets.token_urlsafe(24), account)
    await connection.execute(
        sessions.insert().values(
            id=session.id, token_hash=digest(token), csrf=session.csrf, account_id=account.id,
            created_us=now, seen_us=now, expires_us=now + LONGEST, address=address,
            user_agent=(user_agent or "")[:200] or None,
        )
    )  # fmt: skip
    return session, token


async def find(database: Database, clock: Clock, token: str) -> Session | None:
    """The session of a cookie; `None` where there is none any more."""
    now = clock.now_us()
    query = (
        select(accounts, sessions.c.id.label("session_id"), sessions.c.csrf, sessions.c.seen_us)
        .join(sessions, sessions.c.account_id == accounts.c.id)
        .where(
            sessions.c.token_hash == digest(token),
            sessions.c.ended_us.is_(None),
            sessions.c.expires_us > now,
            sessions.c.seen_us > now - IDLE,
            accounts.c.active,
        )
    )
    async with database.reading() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    if now - row.seen_us > _SEEN_EVERY:
        # who is known stays so while the database takes no writes: the desk must still be seen
        with contextlib.suppress(StorageError):
            async with database.writing() as connection:
                await connection.execute(
                    update(sessions).where(sessions.c.id == row.session_id).values(seen_us=now)
                )
    return Session(row.session_id, row.csrf, of_row(row))


async def end(
    connection: AsyncConnection, clock: Clock, session_id: str, account_id: str | None = None
) -> bool:
    """Ends one session, of this account where one is named; false where none ended."""
    act = update(sessions).where(sessions.c.id == session_id, sessions.c.ended_us.is_(None))
    if account_id is not None:
        act = act.where(sessions.c.account_id == account_id)
    done = await connection.execute(act.values(ended_us=clock.now_us()))
    return done.rowcount > 0


async def end_shown(connection: AsyncConnection, clock: Clock, token: str) -> str | None:
    """Ends the session of a cookie that is being replaced; its id."""
    query = select(sessions.c.id).where(
        sessions.c.token_hash == digest(token), sessions.c.ended_us.is_(None)
    )
    found = (await connection.execute(query)).scalar_one_or_none()
    if found is not None:
        await end(connection, clock, found)
    return found


async def live(connection: AsyncConnection, clock: Clock, account_id: str) -> list[Row[Any]]:
    """The sessions of an account that go on, the newest first."""
    now = clock.now_us()
    query = (
        select(sessions)
        .where(
            sessions.c.account_id == account_id,
            sessions.c.ended_us.is_(None),
            sessions.c.expires_us > now,
            sessions.c.seen_us > now - IDLE,
        )
        .order_by(sessions.c.created_us.desc(), sessions.c.id)
    )
    return list(await connection.execute(query))


async def end_all(
    connection: AsyncConnection, clock: Clock, account_id: str, but: str | None = None
) -> list[str]:
    """Ends every session of an account, `but` this one; their ids."""
    query = select(sessions.c.id).where(
        sessions.c.account_id == account_id, sessions.c.ended_us.is_(None)
    )
    ended = [found for found in (await connection.execute(query)).scalars() if found != but]
    if ended:
        await connection.execute(
            update(sessions).where(sessions.c.id.in_(ended)).values(ended_us=clock.now_us())
        )
    return ended
