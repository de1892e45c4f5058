"""Appointments by VDO conference, read: by number, by list, by time, by person.

What is done to them is in `appointment_acts.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.roles import OUTSIDE, Role
from crm_bridge.appointments.appointment import Appointment, Event
from crm_bridge.appointments.appointment_workflow import OPEN, Act, State, sees
from crm_bridge.cases.case import of_person
from crm_bridge.cases.ticket_number import NotATicket, parse
from crm_bridge.errors import Refused
from crm_bridge.records import audit
from crm_bridge.records.desk_tables.appointments import appointment_events, appointments
from ivr.calls.call import Micros


def from_row(row: Any) -> Appointment:
    """The appointment that a row of the table holds."""
    values = {field.name: getattr(row, field.name) for field in fields(Appointment)}
    return Appointment(**{**values, "state": State(row.state)})


async def one(connection: AsyncConnection, condition: ColumnElement[bool]) -> Appointment | None:
    """The appointment of which this is true, if there is one."""
    row = (await connection.execute(select(appointments).where(condition))).first()
    return None if row is None else from_row(row)


async def get(connection: AsyncConnection, appointment_id: str) -> Appointment:
    """The appointment of this id, which there is."""
    query = select(appointments).where(appointments.c.id == appointment_id)
    return from_row((await connection.execute(query)).one())


async def find(connection: AsyncConnection, account: Account, ref: str) -> Appointment:
    """The appointment of this number, in whatever way it is written; `Refused` (404) where there
    is none, or none that this account may see.
    """
    try:
        number = str(parse(ref))
    except NotATicket:
        number = ""
    found = await one(connection, appointments.c.ref == number) if number else None
    if found is None or not sees(account, found.unit, found.province):
        raise Refused("no-such-appointment", "ไม่พบนัดหมายนี้", "There is no such appointment", 404)
    return found


def visible(account: Account, query: Select[Any]) -> Select[Any]:
    """The query, of what this account may see (the same rule as `sees`)."""
    if account.role not in OUTSIDE:
        return query
    own = account.agency or ""
    column = appointments.c.province
    if account.role == Role.AGENCY_OFFICER:
        column = appointments.c.unit
    return query.where(column == own)


async def listed(
    connection: AsyncConnection,
    account: Account,
    *,
    states: Sequence[State] = (),
    unit: str | None = None,
    province: str | None = None,
    person_id: str | None = None,
    before: tuple[Micros, str] | None = None,
    limit: int = 50,
) -> list[Appointment]:
    """Appointments this account may see, newest first, before (`saved_us`, `id`)."""
    table = appointments.c
    query = visible(account, select(appointments)).order_by(table.saved_us.desc(), table.id.desc())
    if states:
        query = query.where(table.state.in_([state.value for state in states]))
    for column, wanted in ((table.unit, unit), (table.province, province)):
        if wanted is not None:
            query = query.where(column == wanted)
    if person_id is not None:
        query = query.where(of_person(table.person_id, person_id))
    if before is not None:
        saved, last = before
        query = query.where(
            or_(table.saved_us < saved, and_(table.saved_us == saved, table.id < last))
        )
    return _shown([from_row(row) for row in await connection.execute(query.limit(limit))])


async def between(
    connection: AsyncConnection, account: Account, starts: Micros, ends: Micros
) -> list[Appointment]:
    """Those this account may see that begin in this time, by their time; cancelled ones too."""
    table = appointments.c
    query = visible(account, select(appointments)).where(
        table.starts_us >= starts, table.starts_us < ends
    )
    rows = await connection.execute(query.order_by(table.starts_us, table.id))
    return _shown([from_row(row) for row in rows])


def _shown(found: list[Appointment]) -> list[Appointment]:
    audit.shows(*(f"appointment:{one.ref}" for one in found))
    return found


async def open_appointments(
    connection: AsyncConnection, numbers: Sequence[str], person_id: str | None
) -> list[Appointment]:
    """What is still open of a person or of these numbers (E.164), for the screen pop."""
    table = appointments.c
    who: list[ColumnElement[bool]] = [table.phone.in_(list(numbers))] if numbers else []
    if person_id is not None:
        who.append(of_person(table.person_id, person_id))
    if not who:
        return []
    rows = await connection.execute(
        select(appointments)
        .where(or_(*who), table.state.in_([state.value for state in OPEN]))
        .order_by(table.starts_us, table.saved_us, table.id)
    )
    return [from_row(row) for row in rows]


async def history(connection: AsyncConnection, appointment_id: str) -> list[Event]:
    """Everything that was done to it, oldest first."""
    table = appointment_events
    rows = await connection.execute(
        select(table).where(table.c.appointment_id == appointment_id).order_by(table.c.ordinal)
    )
    return [
        Event(r.at_us, r.by_name, Act(r.act), State(r.state), r.starts_us, r.note) for r in rows
    ]
