"""What is held of a person in recordings: messages left, and the voice on the own calls."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
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
    """Ids in order of time. By call and by number apart: together neither index would serve."""
    calls = await calls_of(connection, subject.numbers)
    there = select(recordings.c.made_us, recordings.c.id).where(recordings.c.gone_us.is_(None))
    of_calls = (
        there.where(recordings.c.call_id.in_(calls[start : start + book.PAGE]))
        for start in range(0, len(calls), book.PAGE)
    )
    left = there.join(voicemails, voicemails.c.recording_id == recordings.c.id).where(
        voicemails.c.number.in_(list(subject.numbers))
    )
    found: set[tuple[int, str]] = set()
    for query in (*of_calls, left):
        found |= {(row.made_us, row.id) for row in await connection.execute(query)}
    return [recording_id for _, recording_id in sorted(found)]
