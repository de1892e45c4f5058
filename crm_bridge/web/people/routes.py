"""The pages of people: the search, and a person's card."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access import masking
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.appointments.appointment_workflow import STATES as APPOINTMENT_STATES
from crm_bridge.cases.workflow import STATES as CASE_STATES
from crm_bridge.desk import caller_rules
from crm_bridge.desk.caller_rules import KINDS, TREATMENTS
from crm_bridge.people import merge, notes, persons, privacy, room_appointments, room_cases
from crm_bridge.people.fields import LANGUAGES, PROVINCES
from crm_bridge.people.rooms import ROOMS
from crm_bridge.people.subject import subject_of
from crm_bridge.records.callers import normalise
from crm_bridge.records.desk_tables.appointments import appointments
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.web.connectors import suggesting
from crm_bridge.web.connectors.elsewhere import elsewhere
from crm_bridge.web.context import context
from crm_bridge.web.pages import fragment, language_of, render
from crm_bridge.web.people.api import WRITERS, Reader, Writer, ranked
from crm_bridge.web.people.schemas import PersonId
from crm_bridge.web.policy import who

router = APIRouter(include_in_schema=False)

Overseer = Annotated[Account, who(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR)]
Q = Annotated[str, Query(max_length=200)]

SHOWN: Final = 50
_PROVINCES: Final = sorted(PROVINCES)
OUTCOMES: Final = {
    "served": ("ได้รับบริการ", "Served"),
    "abandoned_menu": ("วางสายในเมนู", "Left in the menu"),
    "abandoned_queue": ("วางสายขณะรอ", "Left while waiting"),
    "queue_timeout": ("รอจนหมดเวลา", "Waited in vain"),
    "short": ("สายสั้น", "Short"),
    "failed": ("ติดต่อไม่สำเร็จ", "Failed"),
    "interrupted": ("สายถูกตัด", "Interrupted"),
    "unknown": ("ไม่ทราบผล", "Unknown"),
}
SERVICES: Final = {
    "information": ("ข้อมูล/คำปรึกษา", "Information"),
    "complaint": ("ร้องเรียน", "Complaint"),
    "appointment": ("นัดหมาย", "Appointment"),
    "market_information": ("ข้อมูลการตลาด", "Market information"),
}


@router.get("/people")
async def people_page(request: Request, me: Reader, q: Q = "") -> HTMLResponse:
    """The search, with what it found."""
    hits = await ranked(request, q)
    return render(
        request, "people/search.html", q=q, hits=hits[:SHOWN], more=len(hits) > SHOWN,
        may_write=me.role in WRITERS,
    )  # fmt: skip


@router.get("/people/found")
async def found_rows(request: Request, me: Reader, q: Q = "") -> HTMLResponse:
    """What was found, alone: the page asks for it as one types."""
    hits = await ranked(request, q)
    text = fragment(
        "people/found.html", language_of(request), q=q, hits=hits[:SHOWN],
        masks=masking.hides(me.role, request.url.path),
        more=len(hits) > SHOWN, may_write=me.role in WRITERS,
    )  # fmt: skip
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})


@router.get("/people/new")
async def new_page(request: Request, me: Writer, number: Q = "", name: Q = "") -> HTMLResponse:
    """The form for a new person, with what is known already."""
    e164 = normalise(number).e164
    async with context(request).database.reading() as connection:
        match = await persons.match(connection, e164) if e164 else None
    suggested = suggesting.of_number(context(request).board, e164) if not name else []
    return render(
        request, "people/new.html", number=number, name=name, match=match, suggested=suggested,
        fill="name", provinces=_PROVINCES, languages=LANGUAGES,
    )  # fmt: skip


@router.get("/people/duplicates")
async def duplicates_page(request: Request, me: Reader) -> HTMLResponse:
    """Pairs who are likely one person."""
    async with context(request).database.reading() as connection:
        pairs = await merge.suggestions(connection)
    return render(request, "people/duplicates.html", pairs=pairs, may_write=me.role in WRITERS)


@router.get("/people/requests")
async def requests_page(request: Request, me: Overseer) -> HTMLResponse:
    """Requests for a copy or erasure that wait for an administrator."""
    async with context(request).database.reading() as connection:
        asked = await privacy.asked(connection)
    return render(request, "people/requests.html", asked=asked)


@router.get("/people/{person_id}")
async def person_page(request: Request, me: Reader, person_id: PersonId) -> Response:
    """A person's card; of an erased one only what was done and what the law kept."""
    held = context(request)
    oversees = me.role in (Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR)
    async with held.database.reading() as connection:
        root = await persons.root_of(connection, person_id)
        if root is not None and root != person_id:
            return RedirectResponse(f"/people/{root}", 303)
        row = await persons.listed(connection, person_id)
        acts = await privacy.acts_of(connection, person_id) if oversees else []
        if row.erased_us is not None:
            return render(
                request, "people/erased.html", person=row, acts=acts, rooms=ROOMS, status_code=410
            )
        values = await _card(connection, row)
        keys = [f"person:{row.id}", *(f"number:{one.e164}" for one in values["numbers"])]
        others = await elsewhere(connection, me, keys, f"person:{row.id}")
        rules = await caller_rules.of_person(connection, held.clock.now_us(), row.id)
        counts, holds = (
            await privacy.preview(connection, held.clock, row.id)
            if me.role is Role.ADMINISTRATOR
            else ({}, [])
        )
    return render(
        request, "people/person.html", **values, acts=acts, counts=counts, holds=holds,
        rooms=ROOMS, identities=privacy.IDENTITIES, oversees=oversees, elsewhere=others,
        may_write=me.role in WRITERS,
        provinces=_PROVINCES, languages=LANGUAGES, outcomes=OUTCOMES, services=SERVICES,
        case_states=CASE_STATES, appointment_states=APPOINTMENT_STATES, rules=rules,
        rule_kinds=KINDS, treatments=TREATMENTS,
        may_rule=me.role in (Role.SUPERVISOR, Role.ADMINISTRATOR),
    )  # fmt: skip


async def _card(connection: AsyncConnection, person: persons.Person) -> dict[str, Any]:
    subject = await subject_of(connection, person.id)
    merges = await merge.merges_of(connection, person.id)
    merged = {i: await persons.listed(connection, i) for i in subject.ids[1:]}
    theirs = select(
        cases.c.ticket, cases.c.title, cases.c.state, cases.c.recorded_us, cases.c.due_us
    ).where(room_cases.belongs(subject))
    met = select(
        appointments.c.id, appointments.c.ref, appointments.c.state, appointments.c.starts_us,
        appointments.c.topic,
    ).where(room_appointments.belongs(subject))  # fmt: skip
    return {
        "person": person,
        "numbers": await persons.numbers_of(connection, person.id),
        "notes": await notes.notes_of(connection, person.id),
        "contacts": await persons.last_contacts(connection, [], person.id, 20),
        "cases": (
            await connection.execute(theirs.order_by(cases.c.recorded_us.desc()).limit(50))
        ).all(),
        "appointments": (
            await connection.execute(met.order_by(appointments.c.saved_us.desc()).limit(50))
        ).all(),
        "merged": merged,
        "merges": [m for m in merges if m.undone_us is None and m.person_id in merged],
        "suggestions": await merge.suggestions(connection, person.id),
    }
