"""What is held of a person as such: name, numbers, notes, merges."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.people.holds import Hold
from crm_bridge.people.index import index_name
from crm_bridge.people.subject import Subject
from crm_bridge.records.desk_tables.people import (
    person_merges,
    person_notes,
    person_numbers,
    persons,
)


async def held(connection: AsyncConnection, subject: Subject) -> list[dict[str, Any]]:
    """Each record of the person with its numbers and notes."""
    found = []
    rows = await connection.execute(select(persons).where(persons.c.id.in_(subject.ids)))
    for row in rows.mappings().all():
        numbers = await connection.execute(
            select(person_numbers.c.e164, person_numbers.c.label, person_numbers.c.created_us)
            .where(person_numbers.c.person_id == row["id"])
            .order_by(person_numbers.c.created_us, person_numbers.c.e164)
        )
        notes = await connection.execute(
            select(person_notes.c.at_us, person_notes.c.text, person_notes.c.call_id)
            .where(person_notes.c.person_id == row["id"])
            .order_by(person_notes.c.at_us, person_notes.c.id)
        )
        hidden = {"root_id", "created_by", "updated_by", "version", "erased_us"}
        found.append(
            {
                **{key: value for key, value in row.items() if key not in hidden},
                "numbers": [dict(n) for n in numbers.mappings().all()],
                "dated_notes": [dict(n) for n in notes.mappings().all()],
            }
        )
    return sorted(found, key=lambda record: subject.ids.index(record["id"]))


async def holds(_connection: AsyncConnection, _subject: Subject, _now: int) -> list[Hold]:
    """Nothing here is kept by law: what a case needs of the person stands with the case."""
    return []


async def erase(
    connection: AsyncConnection, clock: Clock, subject: Subject, _kept: frozenset[str]
) -> int:
    """Forget who the person is; the bare row says that it was erased and when."""
    for person_id in subject.ids:
        await index_name(connection, person_id, None)
    await connection.execute(
        delete(person_numbers).where(person_numbers.c.person_id.in_(subject.ids))
    )
    await connection.execute(delete(person_notes).where(person_notes.c.person_id.in_(subject.ids)))
    await connection.execute(
        update(person_merges)
        .where(
            person_merges.c.person_id.in_(subject.ids) | person_merges.c.into_id.in_(subject.ids)
        )
        .values(why="")
    )
    now = clock.now_us()
    await connection.execute(
        update(persons)
        .where(persons.c.id.in_(subject.ids))
        .values(
            name=None,
            email=None,
            province=None,
            address=None,
            notes=None,
            heard_us=None,
            erased_us=now,
            updated_us=now,
            version=persons.c.version + 1,
        )
    )
    return len(subject.ids)
