"""What is held of a person in rules by which callers are received."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.people.holds import Hold
from crm_bridge.people.subject import Subject
from crm_bridge.records.desk_tables.caller_rules import caller_rules


def belongs(subject: Subject) -> ColumnElement[bool]:
    """A rule of the person, or of a number that is the person's alone."""
    return or_(caller_rules.c.person_id.in_(subject.ids), caller_rules.c.e164.in_(subject.numbers))


async def held(connection: AsyncConnection, subject: Subject) -> list[dict[str, Any]]:
    """Each rule, also those that have ended."""
    query = select(caller_rules).where(belongs(subject))
    rows = await connection.execute(query.order_by(caller_rules.c.begun_us, caller_rules.c.id))
    return [dict(row) for row in rows.mappings().all()]


async def holds(_connection: AsyncConnection, _subject: Subject, _now: int) -> list[Hold]:
    """Nothing is kept of them."""
    return []


async def erase(
    connection: AsyncConnection, _clock: Clock, subject: Subject, _kept: frozenset[str]
) -> int:
    """Forgets them: a number that is nobody's any more is received as all are."""
    return (await connection.execute(delete(caller_rules).where(belongs(subject)))).rowcount
