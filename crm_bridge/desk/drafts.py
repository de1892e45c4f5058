"""What a person has typed and not yet saved: kept as it is typed, so that closing loses nothing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.records.desk_tables.wrapups import drafts
from ivr.calls.call import Micros

LARGEST: Final = 128 * 1024
"""Bytes of one draft as it is kept; a Thai letter takes six."""

MOST: Final = 200
"""Drafts of one account; the oldest make room."""

_KEY: Final = re.compile(r"[a-z][a-z_-]{0,30}:[A-Za-z0-9._:-]{1,160}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as it was last kept."""

    key: str
    body: dict[str, Any]
    updated_us: Micros


async def read(connection: AsyncConnection, account_id: str, key: str) -> Draft | None:
    """The account's draft of this key; `None` where there is none."""
    _checked(key)
    query = select(drafts).where(drafts.c.account_id == account_id, drafts.c.key == key)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Draft(row.key, json.loads(row.body), row.updated_us)


async def keep(
    connection: AsyncConnection, clock: Clock, account_id: str, key: str, body: dict[str, Any]
) -> Micros:
    """Keeps the draft in place of the one before; returns when. Refused (413) if too large."""
    _checked(key)
    try:  # ASCII: no letter that a database refuses
        text = json.dumps(body, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        raise Refused("draft-form", "ร่างนี้เก็บไม่ได้", "this draft cannot be kept", 422) from None
    if len(text) > LARGEST:
        raise Refused("draft-too-large", "ร่างนี้ยาวเกินไป", "this draft is too long", 413)
    now = clock.now_us()
    mine = (drafts.c.account_id == account_id) & (drafts.c.key == key)
    changed = await connection.execute(update(drafts).where(mine).values(body=text, updated_us=now))
    if changed.rowcount == 0:
        await _make_room(connection, account_id)
        await connection.execute(
            insert(drafts).values(account_id=account_id, key=key, body=text, updated_us=now)
        )
    return now


async def drop(connection: AsyncConnection, account_id: str, key: str) -> None:
    """Forgets the draft: what it was for is saved, or given up."""
    await connection.execute(
        delete(drafts).where(drafts.c.account_id == account_id, drafts.c.key == key)
    )


async def _make_room(connection: AsyncConnection, account_id: str) -> None:
    own = drafts.c.account_id == account_id
    held = (await connection.execute(select(func.count()).select_from(drafts).where(own))).scalar()
    if (held or 0) < MOST:
        return
    oldest = select(drafts.c.key).where(own).order_by(drafts.c.updated_us).limit(1)
    key = (await connection.execute(oldest)).scalar_one()
    await drop(connection, account_id, key)


def _checked(key: str) -> None:
    if not _KEY.fullmatch(key):
        raise Refused("draft-key", "ชื่อร่างไม่ถูกต้อง", "this is no name of a draft", 422)
