"""What is held of a person in text messages and e-mails that went out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.people import room_appointments, room_cases
from crm_bridge.people.holds import Hold
from crm_bridge.people.subject import Subject
from crm_bridge.records.desk_tables.appointments import appointments
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.records.desk_tables.messages import messages

_SHOWN: Final = ("kind", "recipient", "subject", "body", "state", "created_us", "sent_us")


def belongs(subject: Subject) -> ColumnElement[bool]:
    """A message to a number that is the person's alone, or to an address of the person."""
    return messages.c.recipient.in_((*subject.numbers, *subject.emails))


async def held(connection: AsyncConnection, subject: Subject) -> list[dict[str, Any]]:
    """Each message as it was sent."""
    query = select(*[messages.c[name] for name in _SHOWN]).where(belongs(subject))
    rows = await connection.execute(query.order_by(messages.c.seq))
    return [dict(row) for row in rows.mappings().all()]


async def holds(_connection: AsyncConnection, _subject: Subject, _now: int) -> list[Hold]:
    """None of their own: a message is kept with the case or appointment it is about."""
    return []


async def erase(
    connection: AsyncConnection, clock: Clock, subject: Subject, kept: frozenset[str]
) -> int:
    """Empty what went to the person, or to others about a case or appointment of the person.

    What is about one that is kept (`kept`: the refs) stays. What has not gone yet does not go.
    """
    about, theirs = set(kept), set[str]()
    for table, ref, belong in (
        (cases, cases.c.ticket, room_cases.belongs(subject)),
        (appointments, appointments.c.ref, room_appointments.belongs(subject)),
    ):
        for i, name in (await connection.execute(select(table.c.id, ref).where(belong))).all():
            (about if name in kept else theirs).add(i)
    query_free = select(messages.c.id).where(
        or_(belongs(subject), messages.c.about_id.in_(sorted(theirs))),
        messages.c.about_id.not_in(sorted(about)),
    )
    free = list((await connection.execute(query_free)).scalars())
    await empty(connection, free)
    return len(free)


async def empty(connection: AsyncConnection, free: Sequence[str]) -> None:
    """Takes out of these messages (ids) what they said and to whom; what waits does not go."""
    if not free:
        return
    await connection.execute(
        update(messages)
        .where(messages.c.id.in_(free), messages.c.state == "waiting")
        .values(state="withdrawn")
    )
    await connection.execute(
        update(messages)
        .where(messages.c.id.in_(free))
        .values(
            recipient="",
            subject=None,
            body="",
            calendar=None,
            last_error=None,
            reference=None,
            version=messages.c.version + 1,
        )
    )
