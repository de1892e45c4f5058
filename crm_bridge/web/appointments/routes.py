"""The pages of appointments: week and day, the form, one appointment, rooms and officers."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.appointments import appointments, bookings, resources
from crm_bridge.appointments.appointment_letters import WAYS, can_text, meeting, text_message
from crm_bridge.appointments.appointment_notices import telling
from crm_bridge.appointments.appointment_steps import SERVICE, timings
from crm_bridge.appointments.appointment_workflow import ACTS, STATES, WHO, Act, State, allowed
from crm_bridge.appointments.invitation import DOCUMENTS
from crm_bridge.appointments.offices import offices
from crm_bridge.appointments.slots import LENGTHS, OFFICE_HOURS, USUAL, Officer, Room
from crm_bridge.cases import calendars
from crm_bridge.cases.ticket_number import parse
from crm_bridge.cases.working_days import office_day, start_of
from crm_bridge.clock import iso, micros
from crm_bridge.desk import drafts
from crm_bridge.outgoing import messages
from crm_bridge.outgoing.messages import parts
from crm_bridge.people import persons
from crm_bridge.records.tables import calls
from crm_bridge.web.appointments.schemas import VISIBLE, Ref, draft_key, part_text
from crm_bridge.web.context import Context, context
from crm_bridge.web.pages import render
from crm_bridge.web.policy import EVERYONE, who
from crm_bridge.written import office_time

router = APIRouter(include_in_schema=False)

BADGES = {
    State.REQUESTED: "near",
    State.AGREED: "near",
    State.MOVED: "near",
    State.NOTIFIED: "blue",
    State.HELD: "good",
    State.MISSED: "bad",
    State.CANCELLED: "",
}
KEPT = (
    "name", "surname", "phone", "email", "topic", "unit", "province", "language", "party",
    "wish_at", "wish_note", "form_key", "opened_at",
)  # fmt: skip
"""Fields of the form that a draft gives back."""
WAITING = (State.REQUESTED, State.AGREED, State.MOVED)
HALVES = [
    (part_text(weekday, opens, closes), weekday, number)
    for weekday in range(5)
    for number, (opens, closes) in enumerate(OFFICE_HOURS)
]
"""Each half of each office day, as the API writes it."""
Reader = Annotated[Account, who(*EVERYONE)]
Key = Annotated[str, Query(max_length=200, pattern=VISIBLE)]


def _words(held: Context) -> dict[str, Any]:
    """What every page of appointments has words for."""
    return {"offices": offices(held.config), "states": STATES, "badges": BADGES, "acts": ACTS}


def _asked_day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if 2000 <= day.year <= 2200 else today


async def _names(connection: AsyncConnection) -> dict[str, Any]:
    return {
        "officers": {one.id: one for one in await resources.officers(connection)},
        "rooms": {one.id: one for one in await resources.rooms(connection)},
    }


@router.get("/appointments")
async def calendar_page(
    request: Request, me: Reader, date: str = "", view: str = "week"
) -> HTMLResponse:
    """The week, or a day, and what waits to be agreed or told."""
    held = context(request)
    today = office_day(held.clock.now_us())
    day = _asked_day(date, today)
    view = "day" if view == "day" else "week"
    first = day if view == "day" else day - timedelta(days=day.weekday())
    span = 1 if view == "day" else 7
    async with held.database.reading() as connection:
        found = await appointments.between(
            connection, me, start_of(first), start_of(first + timedelta(days=span))
        )
        waiting = await appointments.listed(connection, me, states=WAITING, limit=100)
        names = await _names(connection)
        calendar = await calendars.current(connection, held.clock)
    by_day = []
    for number in range(span):
        this = first + timedelta(days=number)
        those = [one for one in found if one.starts_us and office_day(one.starts_us) == this]
        known = calendar.first <= this <= calendar.last
        special = calendar.days.get(this)
        if this.weekday() < 5 or those or view == "day":
            by_day.append((this, those, special, not known or calendar.working(this)))
    return render(
        request, "appointments/calendar.html", by_day=by_day, waiting=list(reversed(waiting)),
        view=view, day=day, today=today, first=first, span=span,
        before=day - timedelta(days=span), after=day + timedelta(days=span),
        may_create=me.role in WHO[Act.CREATE], **names, **_words(held),
    )  # fmt: skip


@router.get("/appointments/new")
async def form_page(
    request: Request,
    me: Annotated[Account, who(Role.AGENT, Role.SUPERVISOR)],
    call: Key | None = None,
    person: Key | None = None,
) -> HTMLResponse:
    """The form of the step intake, filled with what is known of the caller."""
    held = context(request)
    now = held.clock.now_us()
    known = dict.fromkeys(KEPT, "") | {
        "language": "th", "party": "1", "form_key": uuid.uuid4().hex, "opened_at": iso(now),
    }  # fmt: skip
    async with held.database.reading() as connection:
        draft = await drafts.read(connection, me.id, draft_key(call, person))
        if call is not None:
            row = (
                await connection.execute(
                    select(calls.c.caller_e164, calls.c.language, calls.c.withheld).where(
                        calls.c.call_id == call
                    )
                )
            ).first()
            if row is not None and not row.withheld:
                known["phone"] = row.caller_e164 or ""
                known["language"] = "en" if row.language == "en" else "th"
        if person is not None:
            one = await persons.get(connection, person)
            known["name"], _, known["surname"] = (one.name or "").partition(" ")
            known["email"] = one.email or ""
            known["province"] = _province(held, one.province)
            if not known["phone"]:
                numbers = await persons.numbers_of(connection, person)
                known["phone"] = numbers[0].e164 if numbers else ""
    if draft is not None:
        known |= {key: str(value) for key, value in draft.body.items() if key in KEPT}
    step = held.standards.on(now).services[SERVICE].steps["intake"]
    return render(
        request, "appointments/form.html", known=known, call=call, person=person, step=step,
        opened_ms=_opened(known["opened_at"], now) // 1000, now=now, draft=draft,
        draft_key=draft_key(call, person), documents=DOCUMENTS, today=office_day(now),
        **_words(held),
    )  # fmt: skip


def _opened(text: str, now: int) -> int:
    """When the form was first opened, as its draft says; now where that is no time."""
    try:
        return min(micros(text), now)
    except ValueError:
        return now


def _province(held: Context, name: str | None) -> str:
    """The office of the province a person is known to live in."""
    for office in offices(held.config).provinces:
        if name and office.name_th.endswith(name):
            return office.id
    return ""


@router.get("/appointments/{ref}")
async def appointment_page(request: Request, me: Reader, ref: Ref) -> HTMLResponse:
    """One appointment: what is wanted, what was done, and what is to be done next."""
    held = context(request)
    now = held.clock.now_us()
    async with held.database.reading() as connection:
        one = await appointments.find(connection, me, ref)
        history = await appointments.history(connection, one.id)
        sent = [] if me.outside else await messages.about(connection, "appointment", one.id)
        names = await _names(connection)
        booked = await meeting(connection, offices(held.config), one)
        calendar = await calendars.current(connection, held.clock)
    preview = text_message(booked, telling(one)) if booked else ""
    wished = one.starts_us or one.wish_us
    day = office_day(wished) if wished and wished > now else calendar.after(office_day(now), 1)
    edition = held.standards.on(one.opened_us or one.saved_us)
    return render(
        request, "appointments/one.html", one=one, history=history, sent=sent,
        steps=timings(one, held.standards, now), standards=edition.services[SERVICE].steps,
        may={act: allowed(me, one.state, act) for act in Act}, preview=preview,
        preview_parts=parts(preview) if preview else 0, ways=WAYS, can_text=can_text(one.phone),
        wish_local=f"{office_time(one.wish_us):%Y-%m-%dT%H:%M}" if one.wish_us else "",
        spoken=parse(one.ref).spoken(), spoken_en=parse(one.ref).spoken("en"),
        documents=DOCUMENTS, day=day, wished=iso(wished) if wished else "",
        lengths=LENGTHS, usual=USUAL, now=now,
        begun=one.starts_us is not None and one.starts_us <= now, **names, **_words(held),
    )  # fmt: skip


@router.get("/admin/rooms")
async def rooms_page(
    request: Request,
    me: Annotated[
        Account,
        who(Role.ADMINISTRATOR, Role.SUPERVISOR, Role.AGENCY_OFFICER, Role.PROVINCIAL_OFFICER),
    ],
    show: str = "",
) -> HTMLResponse:
    """Rooms and officers, their hours and when they are not to be had."""
    held = context(request)
    now = held.clock.now_us()
    province = me.agency or "" if me.role == Role.PROVINCIAL_OFFICER else None
    unit = me.agency or "" if me.role == Role.AGENCY_OFFICER else None
    async with held.database.reading() as connection:
        rooms = [] if unit is not None else await resources.rooms(connection, province=province)
        who_can = [] if province is not None else await resources.officers(connection, unit=unit)
        both: list[Room | Officer] = [*rooms, *who_can]
        chosen = next((one for one in both if one.id == show), None)
        closed = await bookings.blocks(connection, chosen.resource, now) if chosen else []
    known = offices(held.config)
    places = {office: number for number, office in enumerate(known.by_id)}
    rooms.sort(key=lambda room: places.get(room.province, len(places)))
    without = {office.id for office in known.provinces} - {room.province for room in rooms}
    return render(
        request, "appointments/rooms.html", rooms=rooms, people=who_can, chosen=chosen,
        chosen_room=chosen if chosen in rooms else None,
        chosen_officer=chosen if chosen in who_can else None, part=part_text, closed=closed,
        without=len(without), of_rooms=unit is None, of_officers=province is None, halves=HALVES,
        provinces=[o for o in known.provinces if province in {None, o.id}],
        units=[o for o in known.units if unit in {None, o.id}],
        may_fill=me.role in {Role.ADMINISTRATOR, Role.SUPERVISOR}, **_words(held),
    )  # fmt: skip
