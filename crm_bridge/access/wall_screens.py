"""Screens that show the wallboard with nobody at them: made by an administrator, withdrawn by one.

A screen is known by the secret in its address, which is shown once and kept only as its SHA-256. It
may see the wallboard and nothing else, and goes on for as long as nobody withdraws it.
"""

from __future__ import annotations

import contextlib
import secrets
import uuid
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.sessions import digest
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused, StorageError
from crm_bridge.plain_text import plain_line
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.wall_screens import wall_screens
from ivr.calls.call import Micros

MOST: Final = 50
"""Screens that may be in use at once."""

LONGEST_NAME: Final = 80
_SEEN_EVERY: Final = 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class WallScreen:
    """One screen, without its secret."""

    id: str
    name: str
    made_us: Micros
    made_by: str
    """Who made it, by name."""
    seen_us: Micros | None
    ended_us: Micros | None
    ended_by: str | None


def topic_of(screen_id: str) -> str:
    """The hub's topic for what concerns one screen."""
    return f"screen:{screen_id}"


async def make(
    connection: AsyncConnection, clock: Clock, by: Account, name: str
) -> tuple[WallScreen, str]:
    """A new screen and its secret, which is shown this once. Raises Refused."""
    name = plain_line(name).strip()[:LONGEST_NAME]
    if not name:
        why = ("กรุณาระบุชื่อจอ", "a screen needs a name")
        raise Refused("name-missing", *why, 422, {"name": why})
    using = [screen for screen in await every(connection) if screen.ended_us is None]
    if any(screen.name == name for screen in using):
        why = ("มีจอชื่อนี้ใช้งานอยู่แล้ว", "a screen of this name is in use")
        raise Refused("name-taken", *why, 409, {"name": why})
    if len(using) >= MOST:
        raise Refused(
            "screens-full",
            f"มีจอได้ไม่เกิน {MOST} จอ โปรดยกเลิกจอที่ไม่ใช้",
            f"there are {MOST} screens at most; withdraw one first",
            409,
        )
    secret, made_us, screen_id = secrets.token_urlsafe(32), clock.now_us(), uuid.uuid4().hex
    await connection.execute(
        wall_screens.insert().values(
            id=screen_id, name=name, secret_hash=digest(secret), made_us=made_us, made_by=by.id
        )
    )
    return WallScreen(screen_id, name, made_us, by.name_th, None, None, None), secret


async def withdraw(connection: AsyncConnection, clock: Clock, by: Account, screen_id: str) -> bool:
    """The screen may look no longer; false where none of this id was in use."""
    done = await connection.execute(
        update(wall_screens)
        .where(wall_screens.c.id == screen_id, wall_screens.c.ended_us.is_(None))
        .values(ended_us=clock.now_us(), ended_by=by.id)
    )
    return done.rowcount > 0


async def every(connection: AsyncConnection) -> list[WallScreen]:
    """All of them, those in use first, the newest first."""
    maker, ender = accounts.alias("maker"), accounts.alias("ender")
    query = (
        select(
            wall_screens,
            maker.c.name_th.label("maker"),
            ender.c.name_th.label("ender"),
        )
        .outerjoin(maker, maker.c.id == wall_screens.c.made_by)
        .outerjoin(ender, ender.c.id == wall_screens.c.ended_by)
        .order_by(
            wall_screens.c.ended_us.is_not(None), wall_screens.c.made_us.desc(), wall_screens.c.id
        )
    )
    return [_of_row(row) for row in await connection.execute(query)]


async def find(database: Database, clock: Clock, secret: str) -> str | None:
    """The id of the screen of this secret; `None` where it may not look (any more)."""
    now = clock.now_us()
    query = select(wall_screens).where(
        wall_screens.c.secret_hash == digest(secret), wall_screens.c.ended_us.is_(None)
    )
    async with database.reading() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    if row.seen_us is None or now - row.seen_us > _SEEN_EVERY:
        # it is known while the database takes no writes, too: the wall must still be seen
        with contextlib.suppress(StorageError):
            async with database.writing() as connection:
                await connection.execute(
                    update(wall_screens).where(wall_screens.c.id == row.id).values(seen_us=now)
                )
    return str(row.id)


def _of_row(row: Row[Any]) -> WallScreen:
    return WallScreen(
        row.id, row.name, row.made_us, row.maker or row.made_by, row.seen_us, row.ended_us,
        (row.ender or row.ended_by) if row.ended_us is not None else None,
    )  # fmt: skip
