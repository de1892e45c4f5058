"""Officers at the centre and rooms in the provinces: what an appointment can be made with."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.appointments.offices import Offices
from crm_bridge.appointments.slots import OFFICE_HOURS, Officer, Room
from crm_bridge.errors import Refused
from crm_bridge.outgoing.messages import check_address
from crm_bridge.plain_text import plain_line
from crm_bridge.records.desk_tables.appointments import (
    appointment_hours,
    appointment_officers,
    appointment_rooms,
)

Hours = Sequence[tuple[int, int, int]]
"""Weekday (Monday 0), from minute, to minute."""

LARGEST_ROOM = 200
ROOM_NAME = ("ห้องประชุม VDO Conference", "VDO conference room")


async def officers(
    connection: AsyncConnection, *, unit: str | None = None, officer_id: str | None = None
) -> list[Officer]:
    """The officers, of one unit or one alone, by unit and name."""
    table = appointment_officers
    query = select(table).order_by(table.c.unit, table.c.name_th, table.c.id)
    if unit is not None:
        query = query.where(table.c.unit == unit)
    if officer_id is not None:
        query = query.where(table.c.id == officer_id)
    rows = list(await connection.execute(query))
    weekly = select(appointment_hours).order_by(
        appointment_hours.c.weekday, appointment_hours.c.from_minute
    )
    hours: dict[str, list[tuple[int, int, int]]] = {}
    for row in await connection.execute(
        weekly.where(appointment_hours.c.officer_id.in_([row.id for row in rows]))
    ):
        hours.setdefault(row.officer_id, []).append((row.weekday, row.from_minute, row.to_minute))
    return [
        Officer(
            row.id, row.unit, row.name_th, row.name_en, row.email, row.active, row.version,
            tuple(hours.get(row.id, ())),
        )
        for row in rows
    ]  # fmt: skip


async def officer(connection: AsyncConnection, officer_id: str) -> Officer:
    """One officer; `Refused` (404) where there is none."""
    found = await officers(connection, officer_id=officer_id)
    if not found:
        raise Refused("no-such-officer", "ไม่พบเจ้าหน้าที่คนนี้", "There is no such officer", 404)
    return found[0]


async def rooms(
    connection: AsyncConnection, *, province: str | None = None, room_id: str | None = None
) -> list[Room]:
    """The rooms, of one province or one alone, by province and name."""
    table = appointment_rooms
    query = select(table).order_by(table.c.province, table.c.name_th, table.c.id)
    if province is not None:
        query = query.where(table.c.province == province)
    if room_id is not None:
        query = query.where(table.c.id == room_id)
    return [_room(row) for row in await connection.execute(query)]


async def room(connection: AsyncConnection, room_id: str) -> Room:
    """One room; `Refused` (404) where there is none."""
    found = await rooms(connection, room_id=room_id)
    if not found:
        raise Refused("no-such-room", "ไม่พบห้องนี้", "There is no such room", 404)
    return found[0]


def _room(row: Row[Any]) -> Room:
    return Room(
        row.id, row.province, row.name_th, row.name_en, row.capacity,
        row.opens_minute, row.closes_minute, row.active, row.version,
    )  # fmt: skip


async def save_officer(
    connection: AsyncConnection,
    offices: Offices,
    officer_id: str | None,
    *,
    unit: str,
    name_th: str,
    name_en: str,
    email: str | None,
    active: bool = True,
    hours: Hours = (),
) -> Officer:
    """Makes an officer (`officer_id` None) or writes one anew; `Refused` names what is wrong."""
    faults: dict[str, tuple[str, str]] = {}
    if not offices.is_unit(unit):
        faults["unit"] = ("ไม่พบหน่วยงานนี้", "There is no such unit")
    if not (name := plain_line(name_th)):
        faults["name_th"] = ("โปรดระบุชื่อ", "A name is needed")
    if not _weekly(hours):
        faults["hours"] = ("ช่วงเวลาไม่ถูกต้อง", "The hours are not right")
    _raise(faults)
    values = {
        "unit": unit,
        "name_th": name[:200],
        "name_en": plain_line(name_en)[:200],
        "email": check_address(email) if email else None,
        "active": active,
    }
    table = appointment_officers
    if officer_id is None:
        officer_id = uuid.uuid4().hex
        await connection.execute(insert(table).values(id=officer_id, version=1, **values))
    else:
        await connection.execute(
            update(table)
            .where(table.c.id == officer_id)
            .values(version=table.c.version + 1, **values)
        )
        await connection.execute(
            delete(appointment_hours).where(appointment_hours.c.officer_id == officer_id)
        )
    for weekday, start, end in hours:
        await connection.execute(
            insert(appointment_hours).values(
                officer_id=officer_id, weekday=weekday, from_minute=start, to_minute=end
            )
        )
    return await officer(connection, officer_id)


def _weekly(hours: Hours) -> bool:
    """Whether they are parts of days that do not overlap."""
    last: dict[int, int] = {}
    for weekday, start, end in sorted(hours):
        if not (0 <= weekday <= 6 and last.get(weekday, 0) <= start < end <= 24 * 60):
            return False
        last[weekday] = end
    return True


async def save_room(
    connection: AsyncConnection,
    offices: Offices,
    room_id: str | None,
    *,
    province: str,
    name_th: str,
    name_en: str,
    capacity: int,
    opens: int = OFFICE_HOURS[0][0],
    closes: int = OFFICE_HOURS[-1][1],
    active: bool = True,
) -> Room:
    """Makes a room (`room_id` None) or writes one anew; `Refused` names what does not fit."""
    faults: dict[str, tuple[str, str]] = {}
    if not offices.is_province(province):
        faults["province"] = ("ไม่พบสำนักงานพาณิชย์จังหวัดนี้", "There is no such provincial office")
    if not (name := plain_line(name_th)):
        faults["name_th"] = ("โปรดระบุชื่อห้อง", "A name is needed")
    if not 1 <= capacity <= LARGEST_ROOM:
        faults["capacity"] = (f"1 ถึง {LARGEST_ROOM} คน", f"1 to {LARGEST_ROOM} persons")
    if not 0 <= opens < closes <= 24 * 60:
        faults["closes"] = ("เวลาปิดต้องอยู่หลังเวลาเปิด", "It must close after it opens")
    _raise(faults)
    values = {
        "province": province,
        "name_th": name[:200],
        "name_en": plain_line(name_en)[:200],
        "capacity": capacity,
        "opens_minute": opens,
        "closes_minute": closes,
        "active": active,
    }
    table = appointment_rooms
    if room_id is None:
        room_id = uuid.uuid4().hex
        await connection.execute(insert(table).values(id=room_id, version=1, **values))
    else:
        await connection.execute(
            update(table).where(table.c.id == room_id).values(version=table.c.version + 1, **values)
        )
    return await room(connection, room_id)


async def fill_rooms(connection: AsyncConnection, offices: Offices) -> int:
    """Gives every province without a room one of eight seats; returns how many were made."""
    have = {room.province for room in await rooms(connection)}
    missing = [office for office in offices.provinces if office.id not in have]
    for office in missing:
        th, en = ROOM_NAME
        await save_room(
            connection, offices, None, province=office.id, name_th=th, name_en=en, capacity=8
        )
    return len(missing)


def _raise(faults: dict[str, tuple[str, str]]) -> None:
    if faults:
        th, en = ("; ".join(words[i] for words in faults.values()) for i in (0, 1))
        raise Refused("invalid", th, en, 422, faults)
