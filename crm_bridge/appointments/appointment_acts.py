"""What is done to an appointment, from the request on the telephone to the meeting.

Every act takes the version it is based on, asks the table of `appointment_workflow.py`, and writes
the appointment with one line of its history in the caller's transaction. Telling the person is in
`appointment_notices.py`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.appointments import bookings, resources
from crm_bridge.appointments.appointment import Appointment, Wish, checked, checked_link
from crm_bridge.appointments.appointment_figures import APPOINTMENT_FIGURES
from crm_bridge.appointments.appointment_workflow import BOOKED, WHO, Act, State, next_state
from crm_bridge.appointments.appointments import find, get, one
from crm_bridge.appointments.offices import Offices
from crm_bridge.appointments.slots import (
    LENGTHS,
    MINUTE,
    OFFICE_HOURS,
    IsWorkingDay,
    Officer,
    Room,
    minutes_of,
    within,
)
from crm_bridge.cases.case import is_person
from crm_bridge.cases.ticket_number import next_number
from crm_bridge.cases.working_days import office_day
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.plain_text import plain_text
from crm_bridge.records.desk_tables.appointments import appointment_events, appointments
from crm_bridge.records.figure_sources import changed
from ivr.calls.call import Micros

FORM_OPEN_AT_MOST: Final = 12 * 60 * MINUTE
"""A form said to have been opened longer ago than a shift is not believed."""


async def create(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    offices: Offices,
    wish: Wish,
    *,
    opened: Micros | None = None,
    form_key: str | None = None,
    call_id: str | None = None,
    person_id: str | None = None,
) -> Appointment:
    """Saves a request: the step intake ends. The same `form_key` twice is one appointment.

    Refused (422) where the person is not there.
    """
    _may(by, Act.CREATE)
    if form_key is not None:
        known = await one(connection, appointments.c.form_key == form_key)
        if known is not None and known.created_by == by.id:
            return known
        if known is not None:
            what = ("แบบฟอร์มนี้บันทึกโดยผู้อื่นแล้ว", "Somebody else has saved this form")
            raise Refused("form-taken", *what)
    kept = checked(wish, offices)
    if person_id is not None and not await is_person(connection, person_id):
        what = ("ไม่พบบุคคลนี้", "there is no such person")
        raise Refused("invalid", *what, 422, {"person_id": what})
    now = clock.now_us()
    if opened is not None and not now - FORM_OPEN_AT_MOST <= opened <= now:
        opened = None
    new = uuid.uuid4().hex
    number = await next_number(connection, now)
    await connection.execute(
        insert(appointments).values(
            id=new,
            ref=str(number),
            form_key=form_key,
            state=State.REQUESTED.value,
            call_id=call_id,
            person_id=person_id,
            sequence=0,
            invited="",
            opened_us=opened,
            saved_us=now,
            created_by=by.id,
            updated_us=now,
            version=1,
            **kept,
        )
    )
    made = await get(connection, new)
    await _note(connection, clock, by, made, Act.CREATE, "")
    return made


async def edit(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    offices: Offices,
    ref: str,
    version: int,
    wish: Wish,
) -> Appointment:
    """Changes what the person wants; `Refused` once a room is kept and the place would change."""
    found = await acted(connection, by, ref, version, Act.EDIT)
    kept = checked(wish, offices)
    if found.state in BOOKED:
        if (kept["unit"], kept["province"]) != (found.unit, found.province):
            raise Refused(
                "place-is-booked",
                "นัดหมายเจ้าหน้าที่และห้องไว้แล้ว หากจะเปลี่ยนหน่วยงานหรือจังหวัด ให้ยกเลิกแล้วรับเรื่องใหม่",
                "An officer and a room are kept: to change the unit or the province, cancel this"
                " and take a new request",
            )
        room = await resources.room(connection, found.room_id or "")
        _fits_party(room, kept["party"])
    return await write(connection, clock, by, found, Act.EDIT, "", **kept)


async def agree(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    ref: str,
    version: int,
    *,
    officer_id: str,
    room_id: str,
    starts: Micros,
    minutes: int,
    link: str = "",
    working: IsWorkingDay,
) -> Appointment:
    """Agrees the time with the central officer and keeps the officer and the room for it."""
    found = await acted(connection, by, ref, version, Act.AGREE)
    place = await _place(connection, clock, found, officer_id, room_id, starts, minutes, working)
    await _book(connection, found, place)
    return await write(
        connection, clock, by, found, Act.AGREE, "",
        agreed_us=clock.now_us(), link=checked_link(link), **place.columns,
    )  # fmt: skip


async def move(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    ref: str,
    version: int,
    *,
    officer_id: str,
    room_id: str,
    starts: Micros,
    minutes: int,
    link: str | None = None,
    reason: str = "",
    working: IsWorkingDay,
) -> Appointment:
    """Gives it another time, officer or room; the old ones are free again in the same moment.

    `link` None keeps the one there is.
    """
    found = await acted(connection, by, ref, version, Act.MOVE)
    await bookings.release(connection, found.id)
    place = await _place(connection, clock, found, officer_id, room_id, starts, minutes, working)
    await _book(connection, found, place)
    return await write(
        connection, clock, by, found, Act.MOVE, reason,
        sequence=found.sequence + 1, closed_us=None,
        link=found.link if link is None else checked_link(link), **place.columns,
    )  # fmt: skip


async def close(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    ref: str,
    version: int,
    act: Act,
    reason: str = "",
) -> Appointment:
    """Ends it as held, missed or cancelled; what was kept for a cancelled one is free again."""
    found = await acted(connection, by, ref, version, act)
    now = clock.now_us()
    if act in {Act.HELD, Act.MISSED} and (found.starts_us is None or found.starts_us > now):
        raise Refused("not-yet", "ยังไม่ถึงเวลานัดหมาย", "The time of the appointment has not come yet")
    values: dict[str, Any] = {"closed_us": now}
    if act == Act.CANCEL:
        await bookings.release(connection, found.id)
        values["sequence"] = found.sequence + 1
    return await write(connection, clock, by, found, act, reason, **values)


@dataclass(frozen=True, slots=True)
class _Place:
    officer: Officer
    room: Room
    starts: Micros
    ends: Micros

    @property
    def columns(self) -> dict[str, Any]:
        return {
            "officer_id": self.officer.id,
            "room_id": self.room.id,
            "starts_us": self.starts,
            "ends_us": self.ends,
        }


async def _place(
    connection: AsyncConnection,
    clock: Clock,
    found: Appointment,
    officer_id: str,
    room_id: str,
    starts: Micros,
    minutes: int,
    working: IsWorkingDay,
) -> _Place:
    """Whom and where it is with; `Refused` unless officer, room and offices are open then."""

    def refuse(field: str, th: str, en: str) -> Refused:
        return Refused("does-not-fit", th, en, 422, {field: (th, en)})

    if minutes not in LENGTHS:
        raise refuse("minutes", "ระยะเวลาไม่ถูกต้อง", "It cannot be that long")
    if not bookings.aligned(starts):
        raise refuse("starts", "เวลาเริ่มต้องลงตัวทุก 15 นาที", "It begins on a quarter hour")
    if starts <= clock.now_us():
        raise refuse("starts", "เวลานี้ผ่านไปแล้ว", "That time has passed")
    day = office_day(starts)
    try:
        open_then = working(day)
    except ValueError:
        raise refuse("starts", "ปฏิทินยังไม่มีวันนั้น", "The calendar does not know that day") from None
    first = minutes_of(starts)
    if not open_then:
        raise refuse("starts", "วันนั้นเป็นวันหยุดราชการ", "Offices do not work on that day")
    if not within(OFFICE_HOURS, first, first + minutes):
        raise refuse("starts", "อยู่นอกเวลาราชการ", "That is outside office hours")
    officer = await resources.officer(connection, officer_id)
    room = await resources.room(connection, room_id)
    if officer.unit != found.unit or not officer.active:
        raise refuse("officer", "เจ้าหน้าที่ไม่ได้อยู่ในหน่วยงานนี้", "The officer is not of this unit")
    if room.province != found.province or not room.active:
        raise refuse("room", "ห้องไม่ได้อยู่ในจังหวัดนี้", "The room is not in this province")
    if not within(officer.on(day), first, first + minutes):
        raise refuse("officer", "เจ้าหน้าที่ไม่ให้นัดหมายในเวลานั้น", "The officer is not to be had then")
    if not within(room.on(day), first, first + minutes):
        raise refuse("room", "ห้องไม่เปิดในเวลานั้น", "The room is not open then")
    _fits_party(room, found.party)
    return _Place(officer, room, starts, starts + minutes * MINUTE)


def _fits_party(room: Room, party: int) -> None:
    if party > room.capacity:
        what = (
            f"ห้องนี้รับได้ {room.capacity} คน แต่ผู้มาพบมี {party} คน",
            f"The room has {room.capacity} seats for {party} persons",
        )
        raise Refused("room-too-small", *what, fields={"room": what})


async def _book(connection: AsyncConnection, found: Appointment, place: _Place) -> None:
    pair = (place.officer.resource, place.room.resource)
    held = await bookings.taken(connection, pair, place.starts, place.ends)
    for resource in pair:  # told before it is tried: a failed insert says only that one is taken
        if any(name == resource for name, _ in held):
            raise bookings.not_free(resource)
    for resource in pair:
        await bookings.take(connection, found.id, resource, place.starts, place.ends)


def _may(by: Account, act: Act) -> None:
    if by.role not in WHO[act]:
        raise Refused(
            "not-allowed",
            "บัญชีของท่านไม่มีสิทธิ์ทำรายการนี้",
            "Your account may not do this",
            403,
        )


async def acted(
    connection: AsyncConnection, by: Account, ref: str, version: int, act: Act
) -> Appointment:
    """The appointment this account is about to act on; `Refused` where it may not, or not now."""
    found = await find(connection, by, ref)
    _may(by, act)
    if found.version != version:
        raise Refused(
            "changed-meanwhile",
            "มีผู้อื่นแก้ไขนัดหมายนี้ไปแล้ว โปรดโหลดใหม่แล้วทำรายการอีกครั้ง",
            "Somebody else has changed this appointment meanwhile: load it again",
            412,
        )
    next_state(found.state, act)
    return found


async def write(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    found: Appointment,
    act: Act,
    note: str,
    **values: Any,
) -> Appointment:
    """Writes what an act changes, the state it leads to and a line of history."""
    state = next_state(found.state, act)
    await connection.execute(
        update(appointments)
        .where(appointments.c.id == found.id)
        .values(
            state=state.value,
            updated_us=clock.now_us(),
            version=found.version + 1,
            **values,
        )
    )
    now = await get(connection, found.id)
    await _note(connection, clock, by, now, act, note)
    return now


async def _note(
    connection: AsyncConnection, clock: Clock, by: Account, now: Appointment, act: Act, note: str
) -> None:
    table = appointment_events
    changed(connection, APPOINTMENT_FIGURES, now.id)
    count = await connection.scalar(
        select(func.count()).select_from(table).where(table.c.appointment_id == now.id)
    )
    await connection.execute(
        insert(table).values(
            appointment_id=now.id,
            ordinal=count or 0,
            at_us=clock.now_us(),
            by_account=by.id,
            by_name=by.name(),
            act=act.value,
            state=now.state.value,
            starts_us=now.starts_us,
            note=plain_text(note)[:1000],
        )
    )
