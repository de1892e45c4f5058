"""Cases over the API: listed, recorded, read, corrected."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases import complaints, timeline
from crm_bridge.cases.case import Case, find
from crm_bridge.cases.complaints import Complaint
from crm_bridge.cases.finding import Wanted, search
from crm_bridge.cases.workflow import State
from crm_bridge.clock import micros
from crm_bridge.desk import drafts
from crm_bridge.errors import Refused
from crm_bridge.web import etags, paging
from crm_bridge.web.cases import view
from crm_bridge.web.cases.form import draft_key
from crm_bridge.web.cases.performing import AGENTS, CENTRE, perform
from crm_bridge.web.cases.schemas import (
    CaseFields,
    CaseIn,
    CaseOut,
    CaseSummary,
    EventOut,
)
from crm_bridge.web.cases.written import number_form
from crm_bridge.web.context import context
from crm_bridge.web.pages import language_of
from crm_bridge.web.policy import EVERYONE, who

router = APIRouter(prefix="/api/v1", tags=["cases"])


@router.get("/cases", summary="Cases this account may see, a page at a time")
async def list_cases(
    request: Request,
    me: Annotated[Account, who(*EVERYONE)],
    text: Annotated[str, Query(max_length=200, description="ticket number, name, matter")] = "",
    state: Annotated[list[State], Query(max_length=20)] = [],  # noqa: B006  # FastAPI copies it
    kind: Literal["complaint", "advice"] | None = None,
    agency: Annotated[str | None, Query(max_length=100)] = None,
    mine: bool = False,
    overdue: bool = False,
    untold: bool = False,
    call: Annotated[str | None, Query(max_length=200)] = None,
    person: Annotated[str | None, Query(max_length=200)] = None,
    order: Literal["newest", "due"] = "newest",
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> paging.Page[CaseSummary]:
    """Narrowed by every parameter given; an agency's officer gets the own agency's."""
    held = context(request)
    after = paging.decode(cursor, int, str)
    for value in (text, agency, call, person):
        if value is not None and "\0" in value:
            raise Refused("invalid", "มีอักขระที่ใช้ไม่ได้", "it holds a character that has no place", 422)
    wanted = Wanted(
        text=text,
        states=frozenset(state),
        kind=kind,
        agency=agency,
        owner=me.id if mine else None,
        overdue_at=held.clock.now_us() if overdue else None,
        call_id=call,
        person_id=person,
        untold=untold,
        order=order,
    )
    async with held.database.reading() as connection:
        found, place = await search(
            connection,
            me,
            wanted,
            limit=limit,
            after=None if after is None else (after[0], after[1]),
        )
        rows = await view.rows(connection, held, me, found)
    return paging.Page(
        items=[view.summary(row) for row in rows],
        next=None if place is None else paging.encode(place),
    )


@router.post("/cases", status_code=201, summary="Record a case; it gets its ticket number")
async def record(
    request: Request, response: Response, me: Annotated[Account, who(*AGENTS)], body: CaseIn
) -> CaseOut:
    """The step `record` ends; `tell_ticket` and `propose` begin."""
    held = context(request)
    opened = None
    if body.opened_at is not None:
        try:
            opened = micros(body.opened_at)
        except (ValueError, OverflowError):
            what = ("เวลาไม่ถูกต้อง", "this is no time")
            raise Refused("invalid", *what, 422, {"opened_at": what}) from None

    async def run(connection: AsyncConnection, _: int | None) -> Case:
        case = await complaints.record(
            connection,
            held.clock,
            me,
            _written(body),
            call_id=body.call_id,
            opened_us=opened,
            made_key=body.key,
        )
        await drafts.drop(connection, me.id, draft_key(body.call_id))
        return case

    made = await perform(request, response, me, run, guarded=False)
    response.headers["Location"] = f"/api/v1/cases/{made.ticket}"
    return made


@router.get("/cases/{ticket}", summary="One case")
async def read(
    request: Request, response: Response, me: Annotated[Account, who(*EVERYONE)], ticket: str
) -> CaseOut:
    """As this account may read it; `acts` says what it can do now."""
    held = context(request)
    async with held.database.reading() as connection:
        case = await find(connection, me, ticket)
        found = await view.gather(connection, held, me, case)
    etags.give(response, case.version)
    return view.whole(held, found, language_of(request))


@router.patch("/cases/{ticket}", summary="Correct a case (If-Match)")
async def edit(
    request: Request, response: Response, me: Annotated[Account, who(*CENTRE)], ticket: str,
    body: CaseFields,
) -> CaseOut:  # fmt: skip
    """Fields that are not named stay as they are."""
    held = context(request)
    seen = etags.seen(request)

    async def run(connection: AsyncConnection, _: int | None) -> Case:
        before = complaints.as_form(await find(connection, me, ticket))
        given = _written(body)
        changes = {name: getattr(given, name) for name in body.model_fields_set}
        return await complaints.edit(
            connection, held.clock, me, ticket, replace(before, **changes), based_on=seen
        )

    return await perform(request, response, me, run)


@router.get("/cases/{ticket}/events", summary="The timeline of a case")
async def events(
    request: Request, me: Annotated[Account, who(*EVERYONE)], ticket: str
) -> list[EventOut]:
    """In order, what this account may read of it."""
    held = context(request)
    async with held.database.reading() as connection:
        case = await find(connection, me, ticket)
        return [view.event_out(e) for e in await timeline.read(connection, case.id, me)]


def _written(body: CaseFields) -> Complaint:
    values = body.model_dump(include=set(CaseFields.model_fields))
    return Complaint(**{**values, "complainant_number": number_form(body.complainant_number)})
