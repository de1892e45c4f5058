"""What is held of a person in appointments by VDO conference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.people.holds import Hold, load_rules
from crm_bridge.people.subject import Subject
from crm_bridge.records.desk_tables.appointments import appointment_events, appointments

_INNER: Final = frozenset({"created_by", "form_key", "version", "sequence"})


def belongs(subject: Subject) -> ColumnElement[bool]:
    """An appointment of the person, or of nobody known with a number that is the person's alone."""
    theirs: ColumnElement[bool] = appointments.c.person_id.in_(subject.ids)
    if not subject.numbers:
        return theirs
    by_number = and_(appointments.c.person_id.is_(None), appointments.c.phone.in_(subject.numbers))
    return or_(theirs, by_number)


async def held(connection: AsyncConnection, subject: Subject) -> list[dict[str, Any]]:
    """Each appointment as kept."""
    rows = await connection.execute(
        select(appointments).where(belongs(subject)).order_by(appointments.c.saved_us)
    )
    return [
        {key: value for key, value in row.items() if key not in _INNER}
        for row in rows.mappings().all()
    ]


async def holds(connection: AsyncConnection, subject: Subject, now: int) -> list[Hold]:
    """Appointments to come or not closed, and closed ones within their period."""
    rules = load_rules()
    query = select(appointments.c.ref, appointments.c.closed_us).where(belongs(subject))
    found = []
    for ref, closed in (await connection.execute(query.order_by(appointments.c.saved_us))).all():
        if closed is None:
            found.append(Hold("appointments", ref, rules["open_appointment"], None))
            continue
        until = rules["closed_appointment"].until(closed)
        if until is None or until > now:
            found.append(Hold("appointments", ref, rules["closed_appointment"], until))
    return found


async def erase(
    connection: AsyncConnection, clock: Clock, subject: Subject, kept: frozenset[str]
) -> int:
    """Empty who came and why of every appointment that nothing keeps; the time stays."""
    query = select(appointments.c.id, appointments.c.ref).where(belongs(subject))
    free = [i for i, ref in (await connection.execute(query)).all() if ref not in kept]
    await empty(connection, clock.now_us(), free)
    return len(free)


async def empty(connection: AsyncConnection, now: int, free: Sequence[str]) -> None:
    """Takes out of these appointments (ids) who came and why."""
    if not free:
        return
    await connection.execute(
        update(appointments)
        .where(appointments.c.id.in_(free))
        .values(
            name="",
            surname="",
            phone=None,
            email=None,
            topic="",
            wish_note="",
            updated_us=now,
            version=appointments.c.version + 1,
        )
    )
    await connection.execute(
        update(appointment_events)
        .where(appointment_events.c.appointment_id.in_(free))
        .values(note="")
    )
