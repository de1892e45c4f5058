"""What is held of a person in recordings: messages left, and the voice on the own calls."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.people.holds import Hold
from crm_bridge.people.room_calls import calls_of
from crm_bridge.people.subject import Subject
from crm_bridge.recordings import book
from crm_bridge.records.desk_tables.recordings import recordings, voicemails


async def held(connection: AsyncConnection, subject: Subject) -> list[dict[str, Any]]:
    """Each recording that is still there: what it is, of which call, when and how long."""
    found = []
    for recording_id in await _of(connection, subject):
        one = await book.one(connection, recording_id)
        if one is not None:
            found.append(
                {"recording_id": one.id, "kind": one.kind, "call_id": one.call_id,
                 "made_us": one.made_us, "length_us": one.length_us}
            )  # fmt: skip
    return found


async def holds(_connection: AsyncConnection, _subject: Subject, _now: int) -> list[Hold]:
    """Nothing is kept of them."""
    return []


async def erase(
    connection: AsyncConnection, clock: Clock, subject: Subject, _kept: frozenset[str]
) -> int:
    """Deletes them: nobody can open them any more, and the next round removes the files."""
    return await book.forget(connection, clock, await _of(connection, subject), "erased")


async def _of(connection: AsyncConnection, subject: Subject) -> list[str]:
    calls = await calls_of(connection, subject.numbers)
    found: dict[str, None] = {}
    for start in range(0, max(len(calls), 1), book.PAGE):
        query = (
            select(recordings.c.id)
            .outerjoin(voicemails, voicemails.c.recording_id == recordings.c.id)
            .where(
                recordings.c.gone_us.is_(None),
                or_(
                    recordings.c.call_id.in_(calls[start : start + book.PAGE]),
                    voicemails.c.number.in_(list(subject.numbers)),
                ),
            )
            .order_by(recordings.c.made_us, recordings.c.id)
        )
        found |= dict.fromkeys((await connection.execute(query)).scalars())
    return list(found)
