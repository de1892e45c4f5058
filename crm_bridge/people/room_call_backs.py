"""What is held of a person in wishes to be called back: the number, and when it was asked for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.people.holds import Hold
from crm_bridge.people.room_calls import calls_of
from crm_bridge.people.subject import Subject
from crm_bridge.records.desk_tables.wrapups import call_back_tries, call_back_wishes

_PAGE = 500


async def held(connection: AsyncConnection, subject: Subject) -> list[dict[str, Any]]:
    """Each wish for a call to one of the person's own numbers, whoever's telephone it came from."""
    rows = await connection.execute(
        select(call_back_wishes)
        .where(call_back_wishes.c.number.in_(list(subject.numbers)))
        .order_by(call_back_wishes.c.asked_us, call_back_wishes.c.call_id)
    )
    return [dict(row) for row in rows.mappings().all()]


async def holds(_connection: AsyncConnection, _subject: Subject, _now: int) -> list[Hold]:
    """Nothing is kept of them."""
    return []


async def erase(
    connection: AsyncConnection, _clock: Clock, subject: Subject, _kept: frozenset[str]
) -> int:
    """Forgets those wishes, and those that came from the person's own calls."""
    ids = await calls_of(connection, subject.numbers)
    wishes = call_back_wishes
    gone = 0
    for start in range(0, max(len(ids), 1), _PAGE):
        of_them = or_(
            wishes.c.call_id.in_(ids[start : start + _PAGE]),
            wishes.c.number.in_(list(subject.numbers)),
        )
        of_wishes = select(wishes.c.call_id).where(of_them)
        tries = call_back_tries
        await connection.execute(delete(tries).where(tries.c.call_id.in_(of_wishes)))
        gone += (await connection.execute(delete(wishes).where(of_them))).rowcount
    return gone
