"""Slots, and the rooms and officers they are made of."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.appointments import appointments, bookings, resources
from crm_bridge.appointments.offices import offices
from crm_bridge.appointments.slots import LENGTHS, USUAL, slots
from crm_bridge.cases import calendars
from crm_bridge.cases.working_days import start_of
from crm_bridge.errors import Refused
from crm_bridge.web import etags
from crm_bridge.web.appointments.schemas import (
    VISIBLE,
    BlockIn,
    BlockOut,
    Filled,
    Id,
    OfficerIn,
    OfficerOut,
    RoomIn,
    RoomOut,
    Slots,
    block_out,
    micros_of,
    officer_out,
    room_out,
    slot_out,
)
from crm_bridge.web.context import context
from crm_bridge.web.policy import EVERYONE, who

router = APIRouter(prefix="/api/v1", tags=["appointments"])

Reader = Annotated[Account, who(*EVERYONE)]
Booker = Annotated[Account, who(Role.AGENT, Role.SUPERVISOR, Role.AGENCY_OFFICER)]
Admin = Annotated[Account, who(Role.ADMINISTRATOR, Role.SUPERVISOR)]
OfRooms = Annotated[Account, who(Role.ADMINISTRATOR, Role.SUPERVISOR, Role.PROVINCIAL_OFFICER)]
OfOfficers = Annotated[Account, who(Role.ADMINISTRATOR, Role.SUPERVISOR, Role.AGENCY_OFFICER)]
OfficeId = Annotated[str | None, Query(max_length=64, pattern=VISIBLE)]
DAY_US = 86_400_000_000


def own(me: Account, office: str) -> None:
    """Refused unless the office is this account's: an outside officer's own alone."""
    if me.outside and me.agency != office:
        raise Refused(
            "not-allowed",
            "ท่านดูและจัดการได้เฉพาะของหน่วยงานตนเอง",
            "You may see and administer your own office alone",
            403,
        )


@router.get("/slots", summary="When an officer of a unit and a room of a province are free")
async def free_slots(
    request: Request,
    me: Booker,
    day: Annotated[date, Query(alias="date", description="in Bangkok")],
    unit: Annotated[str, Query(max_length=64, pattern=VISIBLE)],
    province: Annotated[str, Query(max_length=64, pattern=VISIBLE)],
    minutes: Annotated[int, Query(description="30, 45, 60, 90 or 120")] = USUAL,
    party: Annotated[int, Query(ge=1, le=50)] = 1,
    without: Annotated[
        str | None, Query(max_length=40, description="an appointment to be moved: its time is free")
    ] = None,
) -> Slots:
    """Every half hour of the office day still to come, free or not; an agency's own unit alone."""
    held = context(request)
    own(me, unit)
    if minutes not in LENGTHS:
        th, en = "ระยะเวลาไม่ถูกต้อง", "It cannot be that long"
        raise Refused("bad-length", th, en, 422, {"minutes": (th, en)})
    async with held.database.reading() as connection:
        calendar = await calendars.current(connection, held.clock)
        if not calendar.first <= day <= calendar.last:
            th, en = "ปฏิทินยังไม่มีวันนั้น", "The calendar does not know that day"
            raise Refused("bad-day", th, en, 422, {"date": (th, en)})
        who_can = [o for o in await resources.officers(connection, unit=unit) if o.active]
        rooms = [r for r in await resources.rooms(connection, province=province) if r.active]
        midnight = start_of(day)
        names = [*(o.resource for o in who_can), *(r.resource for r in rooms)]
        book = await bookings.taken(connection, names, midnight, midnight + DAY_US)
        if without is not None:
            moving = (await appointments.find(connection, me, without)).id
            book = {key: holder for key, holder in book.items() if holder != moving}
    found = slots(
        day, minutes, officers=who_can, rooms=rooms, party=party, taken=set(book),
        working=calendar.working, now=held.clock.now_us(),
    )  # fmt: skip
    return Slots(
        working_day=calendar.working(day),
        slots=[slot_out(slot) for slot in found],
        officers=[{"id": o.id, "th": o.name(), "en": o.name("en")} for o in who_can],
        rooms=[
            {"id": r.id, "th": r.name(), "en": r.name("en"), "capacity": str(r.capacity)}
            for r in rooms
        ],
    )


@router.get("/rooms", summary="The rooms with VDO conference")
async def list_rooms(request: Request, me: Reader, province: OfficeId = None) -> list[RoomOut]:
    """All of them, or those of one province; an outside account's own alone."""
    async with context(request).database.reading() as connection:
        found = await resources.rooms(connection, province=province)
    return [room_out(one) for one in found if not me.outside or one.province == me.agency]


@router.post("/rooms", summary="Make a room", status_code=201)
async def make_room(request: Request, response: Response, me: OfRooms, given: RoomIn) -> RoomOut:
    """A provincial officer's own province alone."""
    held = context(request)
    own(me, given.province)
    async with held.database.writing() as connection:
        one = await resources.save_room(
            connection, offices(held.config), None, **given.model_dump()
        )
    etags.give(response, one.version)
    return room_out(one)


@router.post("/rooms/fill", summary="Give every province without a room one")
async def fill_rooms(request: Request, me: Admin) -> Filled:
    """Of eight seats, open in office hours; to be corrected afterwards."""
    held = context(request)
    async with held.database.writing() as connection:
        return Filled(made=await resources.fill_rooms(connection, offices(held.config)))


@router.put("/rooms/{room_id}", summary="Change a room")
async def change_room(
    request: Request, response: Response, me: OfRooms, room_id: Id, given: RoomIn
) -> RoomOut:
    """What is booked in it stays booked."""
    held = context(request)
    own(me, given.province)
    async with held.database.writing() as connection:
        before = await resources.room(connection, room_id)
        own(me, before.province)
        etags.require(request, before.version)
        one = await resources.save_room(
            connection, offices(held.config), room_id, **given.model_dump()
        )
    etags.give(response, one.version)
    return room_out(one)


@router.get("/officers", summary="The officers whom a person can meet")
async def list_officers(request: Request, me: Reader, unit: OfficeId = None) -> list[OfficerOut]:
    """All of them, or those of one unit; an outside account's own alone."""
    async with context(request).database.reading() as connection:
        found = await resources.officers(connection, unit=unit)
    return [officer_out(one) for one in found if not me.outside or one.unit == me.agency]


@router.post("/officers", summary="Make an officer", status_code=201)
async def make_officer(
    request: Request, response: Response, me: OfOfficers, given: OfficerIn
) -> OfficerOut:
    """An agency officer's own unit alone."""
    held = context(request)
    own(me, given.unit)
    async with held.database.writing() as connection:
        one = await resources.save_officer(connection, offices(held.config), None, **given.values())
    etags.give(response, one.version)
    return officer_out(one)


@router.put("/officers/{officer_id}", summary="Change an officer")
async def change_officer(
    request: Request, response: Response, me: OfOfficers, officer_id: Id, given: OfficerIn
) -> OfficerOut:
    """What is booked with the officer stays booked."""
    held = context(request)
    own(me, given.unit)
    async with held.database.writing() as connection:
        before = await resources.officer(connection, officer_id)
        own(me, before.unit)
        etags.require(request, before.version)
        one = await resources.save_officer(
            connection, offices(held.config), officer_id, **given.values()
        )
    etags.give(response, one.version)
    return officer_out(one)


@router.post("/rooms/{room_id}/blocks", summary="Close a room for a time", status_code=201)
async def close_room(request: Request, me: OfRooms, room_id: Id, given: BlockIn) -> BlockOut:
    """409 where there are appointments then."""
    held = context(request)
    async with held.database.writing() as connection:
        one = await resources.room(connection, room_id)
        own(me, one.province)
        return block_out(
            await bookings.block(
                connection, held.clock, one.resource, micros_of(given.starts_at),
                micros_of(given.ends_at), given.reason,
            )
        )  # fmt: skip


@router.delete("/rooms/{room_id}/blocks/{block_id}", summary="Open it again", status_code=204)
async def open_room(request: Request, me: OfRooms, room_id: Id, block_id: Id) -> None:
    """The time is free at once."""
    async with context(request).database.writing() as connection:
        one = await resources.room(connection, room_id)
        own(me, one.province)
        await bookings.unblock(connection, one.resource, block_id)


@router.post("/officers/{officer_id}/blocks", summary="An officer is away", status_code=201)
async def officer_away(
    request: Request, me: OfOfficers, officer_id: Id, given: BlockIn
) -> BlockOut:
    """409 where there are appointments then."""
    held = context(request)
    async with held.database.writing() as connection:
        one = await resources.officer(connection, officer_id)
        own(me, one.unit)
        return block_out(
            await bookings.block(
                connection, held.clock, one.resource, micros_of(given.starts_at),
                micros_of(given.ends_at), given.reason,
            )
        )  # fmt: skip


@router.delete(
    "/officers/{officer_id}/blocks/{block_id}", summary="The officer is back", status_code=204
)
async def officer_back(request: Request, me: OfOfficers, officer_id: Id, block_id: Id) -> None:
    """The time is free at once."""
    async with context(request).database.writing() as connection:
        one = await resources.officer(connection, officer_id)
        own(me, one.unit)
        await bookings.unblock(connection, one.resource, block_id)
