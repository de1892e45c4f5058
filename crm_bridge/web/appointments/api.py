"""Acts on appointments."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.appointments import appointment_acts, appointment_notices, appointments
from crm_bridge.appointments.appointment import Appointment
from crm_bridge.appointments.appointment_letters import invitation, meeting
from crm_bridge.appointments.appointment_workflow import Act, State
from crm_bridge.appointments.offices import offices
from crm_bridge.cases import calendars
from crm_bridge.cases.working_days import start_of
from crm_bridge.desk import drafts
from crm_bridge.errors import Refused
from crm_bridge.records.tables import calls
from crm_bridge.web import etags, paging
from crm_bridge.web.appointments.schemas import (
    VISIBLE,
    Agreed,
    AppointmentOut,
    Moved,
    NewAppointment,
    Reason,
    Ref,
    Told,
    WishIn,
    appointment_out,
    draft_key,
    micros_of,
)
from crm_bridge.web.context import Context, context
from crm_bridge.web.policy import EVERYONE, who

router = APIRouter(prefix="/api/v1/appointments", tags=["appointments"])

Reader = Annotated[Account, who(*EVERYONE)]
Hotline = Annotated[Account, who(Role.AGENT, Role.SUPERVISOR)]
Unit = Annotated[Account, who(Role.AGENT, Role.SUPERVISOR, Role.AGENCY_OFFICER)]
Attending = Annotated[
    Account, who(Role.AGENT, Role.SUPERVISOR, Role.AGENCY_OFFICER, Role.PROVINCIAL_OFFICER)
]
OfficeId = Annotated[str | None, Query(max_length=64, pattern=VISIBLE)]


def _out(held: Context, me: Account, one: Appointment) -> AppointmentOut:
    return appointment_out(one, me, offices(held.config), held.standards, held.clock.now_us())


def _done(held: Context, me: Account, response: Response, one: Appointment) -> AppointmentOut:
    """After the commit: those who look are told, the answer carries its ETag."""
    held.hub.publish("appointments", "changed", {"ref": one.ref, "state": one.state.value})
    etags.give(response, one.version)
    return _out(held, me, one)


async def _is_call(held: Context, call_id: str) -> bool:
    """Whether there is such a call; the line may know one that the disk does not yet."""
    known = select(calls.c.call_id).where(calls.c.call_id == call_id)
    async with held.database.reading() as connection:
        if await connection.scalar(known) is not None:
            return True
    if held.declare is None:
        return False
    await held.declare.settle()
    async with held.database.reading() as connection:
        return await connection.scalar(known) is not None


@router.get("", summary="Appointments, newest first")
async def list_appointments(
    request: Request,
    me: Reader,
    state: Annotated[list[State] | None, Query()] = None,
    unit: OfficeId = None,
    province: OfficeId = None,
    person: OfficeId = None,
    cursor: paging.Cursor = None,
    limit: paging.Limit = 50,
) -> paging.Page[AppointmentOut]:
    """Officers of an agency or a province are given their own alone."""
    held = context(request)
    key = paging.decode(cursor, int, str)
    before = (key[0], key[1]) if key else None
    async with held.database.reading() as connection:
        found = await appointments.listed(
            connection, me, states=state or (), unit=unit, province=province, person_id=person,
            before=before, limit=limit + 1,
        )  # fmt: skip
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return paging.Page(
        items=[_out(held, me, one) for one in shown],
        next=paging.encode([last.saved_us, last.id]) if last else None,
    )


@router.get("/calendar", summary="Appointments by the day they take place")
async def by_day(
    request: Request,
    me: Reader,
    first: Annotated[date, Query(alias="from", description="the first day, in Bangkok")],
    days: Annotated[int, Query(ge=1, le=31)] = 7,
) -> list[AppointmentOut]:
    """Those that begin on these days, in order; cancelled ones too."""
    held = context(request)
    if not 2000 <= first.year <= 2200:
        th, en = "วันที่ไม่ถูกต้อง", "the day is not right"
        raise Refused("bad-day", th, en, 422, {"from": (th, en)})
    async with held.database.reading() as connection:
        found = await appointments.between(
            connection, me, start_of(first), start_of(first + timedelta(days=days))
        )
    return [_out(held, me, one) for one in found]


@router.post("", summary="Take a request for an appointment", status_code=201)
async def create(
    request: Request, response: Response, me: Hotline, given: NewAppointment
) -> AppointmentOut:
    """Ends the step intake. The same `form_key` twice gives the one appointment."""
    held = context(request)
    if given.call_id is not None and not await _is_call(held, given.call_id):
        what = ("ไม่พบสายนี้", "there is no such call")
        raise Refused("invalid", *what, 422, {"call_id": what})
    async with held.database.writing() as connection:
        one = await appointment_acts.create(
            connection, held.clock, me, offices(held.config), given.wish(),
            opened=micros_of(given.opened_at) if given.opened_at else None,
            form_key=given.form_key, call_id=given.call_id, person_id=given.person_id,
        )  # fmt: skip
        await drafts.drop(connection, me.id, draft_key(given.call_id, given.person_id))
    response.headers["Location"] = f"/api/v1/appointments/{one.ref}"
    return _done(held, me, response, one)


@router.get("/{ref}", summary="An appointment with its history")
async def read(request: Request, response: Response, me: Reader, ref: Ref) -> AppointmentOut:
    """With its ETag, which every act on it names."""
    held = context(request)
    async with held.database.reading() as connection:
        one = await appointments.find(connection, me, ref)
        history = await appointments.history(connection, one.id)
    etags.give(response, one.version)
    now = held.clock.now_us()
    return appointment_out(one, me, offices(held.config), held.standards, now, history)


@router.put("/{ref}", summary="Change what the person wants")
async def edit(
    request: Request, response: Response, me: Hotline, ref: Ref, given: WishIn
) -> AppointmentOut:
    """The unit and the province stay once an officer and a room are kept."""
    held = context(request)
    async with held.database.writing() as connection:
        calendar = await calendars.current(connection, held.clock)
        one = await appointment_notices.edit(
            connection, held.clock, me, offices(held.config), ref, etags.seen(request),
            given.wish(), calendar.working,
        )  # fmt: skip
    return _done(held, me, response, one)


@router.post("/{ref}/agree", summary="Agree the time; keep the officer and the room")
async def agree(
    request: Request, response: Response, me: Unit, ref: Ref, given: Agreed
) -> AppointmentOut:
    """Ends the step coordinate. 409 `slot-taken` where either is somebody else's."""
    held = context(request)
    async with held.database.writing() as connection:
        calendar = await calendars.current(connection, held.clock)
        one = await appointment_acts.agree(
            connection, held.clock, me, ref, etags.seen(request), officer_id=given.officer,
            room_id=given.room, starts=micros_of(given.starts_at), minutes=given.minutes,
            link=given.link, working=calendar.working,
        )  # fmt: skip
    return _done(held, me, response, one)


@router.post("/{ref}/move", summary="Give it another time, officer or room")
async def move(
    request: Request, response: Response, me: Unit, ref: Ref, given: Moved
) -> AppointmentOut:
    """The old time is free again in the same moment; the person is still to be told."""
    held = context(request)
    async with held.database.writing() as connection:
        calendar = await calendars.current(connection, held.clock)
        one = await appointment_notices.move(
            connection, held.clock, me, offices(held.config), held.config.mail.sender, ref,
            etags.seen(request), officer_id=given.officer, room_id=given.room,
            starts=micros_of(given.starts_at), minutes=given.minutes, link=given.link,
            reason=given.reason, working=calendar.working,
        )  # fmt: skip
    return _done(held, me, response, one)


@router.post("/{ref}/notify", summary="The person is told")
async def notify(
    request: Request, response: Response, me: Hotline, ref: Ref, given: Told
) -> AppointmentOut:
    """Ends the step notify; sends the text message and the invitation, and sets the reminders."""
    held = context(request)
    async with held.database.writing() as connection:
        calendar = await calendars.current(connection, held.clock)
        one = await appointment_notices.notify(
            connection, held.clock, me, offices(held.config), held.config.mail.sender, ref,
            etags.seen(request), set(given.ways), calendar.working,
        )  # fmt: skip
    return _done(held, me, response, one)


@router.post("/{ref}/cancel", summary="Cancel it")
async def cancel(
    request: Request, response: Response, me: Hotline, ref: Ref, given: Reason
) -> AppointmentOut:
    """Gives back the time and tells those who had been told."""
    held = context(request)
    async with held.database.writing() as connection:
        one = await appointment_notices.cancel(
            connection, held.clock, me, offices(held.config), held.config.mail.sender, ref,
            etags.seen(request), given.reason,
        )  # fmt: skip
    return _done(held, me, response, one)


async def _attended(
    request: Request, response: Response, me: Account, ref: str, act: Act, note: str
) -> AppointmentOut:
    held = context(request)
    async with held.database.writing() as connection:
        one = await appointment_acts.close(
            connection, held.clock, me, ref, etags.seen(request), act, note
        )
    return _done(held, me, response, one)


@router.post("/{ref}/held", summary="The person came")
async def came(
    request: Request, response: Response, me: Attending, ref: Ref, given: Reason
) -> AppointmentOut:
    """Once its time has come."""
    return await _attended(request, response, me, ref, Act.HELD, given.reason)


@router.post("/{ref}/missed", summary="The person did not come")
async def missed(
    request: Request, response: Response, me: Attending, ref: Ref, given: Reason
) -> AppointmentOut:
    """Once its time has come; it can be moved to another."""
    return await _attended(request, response, me, ref, Act.MISSED, given.reason)


@router.get(
    "/{ref}/invitation.ics",
    summary="Its calendar file",
    response_class=Response,
    responses={200: {"content": {"text/calendar": {}}}},
)
async def calendar_file(request: Request, me: Reader, ref: Ref) -> Response:
    """409 where no time is agreed yet."""
    held = context(request)
    async with held.database.reading() as connection:
        one = await appointments.find(connection, me, ref)
        booked = await meeting(connection, offices(held.config), one)
    if booked is None:
        raise Refused("no-time-yet", "ยังไม่ได้นัดหมายวัน เวลา", "No time has been agreed yet")
    gone = one.state == State.CANCELLED
    return Response(
        invitation(booked, "CANCEL" if gone else "PUBLISH", held.config.mail.sender),
        media_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="1203-{one.ref}.ics"'},
    )
