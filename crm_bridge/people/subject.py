"""Whose data it is: the person with everyone merged into it, and by what others know the person."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.people.persons import group_ids, numbers_of
from crm_bridge.records.desk_tables.people import persons


@dataclass(frozen=True, slots=True)
class Subject:
    """`ids` with the root first; `numbers` are the person's alone, `shared` another's too."""

    ids: tuple[str, ...]
    numbers: tuple[str, ...]
    shared: tuple[str, ...]
    emails: tuple[str, ...]


async def subject_of(connection: AsyncConnection, person_id: str) -> Subject:
    """The person as the rooms look for it."""
    ids = await group_ids(connection, person_id)
    numbers = await numbers_of(connection, person_id)
    query = select(persons.c.email).where(persons.c.id.in_(ids), persons.c.email.is_not(None))
    emails = {str(email) for email in (await connection.execute(query)).scalars()}
    return Subject(
        tuple(ids),
        tuple(n.e164 for n in numbers if not n.shared),
        tuple(n.e164 for n in numbers if n.shared),
        tuple(sorted(emails)),
    )
