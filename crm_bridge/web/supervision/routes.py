"""The supervisors' page of the floor, the list of what they did, and notices on the desk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.desk import notices, sittings, supervision_log
from crm_bridge.desk.supervision_log import Act, Came
from crm_bridge.desk.supervision_officers import LONGEST
from crm_bridge.reports.period import Period
from crm_bridge.web import paging
from crm_bridge.web.context import context
from crm_bridge.web.pages import language_of, render
from crm_bridge.web.policy import COOKIE, who
from crm_bridge.web.streamed import EVENTS, Streamed
from crm_bridge.web.supervision import mine
from crm_bridge.web.supervision.stream import FloorStream
from crm_bridge.web.supervision.words import ACTS, CAME, REFUSALS
from crm_bridge.written import day_of

router = APIRouter()

Supervisor = Annotated[Account, who(Role.SUPERVISOR)]
PAGE: Final = 50


@router.get("/floor", include_in_schema=False)
async def floor(request: Request, me: Supervisor) -> HTMLResponse:
    """Who sits where and does what; what stands on it comes by the stream."""
    held = context(request)
    async with held.database.reading() as connection:
        reasons = await sittings.reasons(connection)
    return render(
        request, "supervision/floor.html", reasons=reasons, now=held.clock.now_us() // 1000,
        rules=held.config.supervision, longest=LONGEST, line=held.floor is not None,
    )  # fmt: skip


@router.get("/floor/officers/{extension}", include_in_schema=False)
async def officer(request: Request, me: Supervisor, extension: str) -> HTMLResponse:
    """One officer, and what I may do there; a part of the page."""
    held = context(request)
    body = mine.panel(held, me, extension, language_of(request))
    return HTMLResponse(body, headers={"Cache-Control": "no-store"})


@router.get(
    "/api/v1/supervision/floor",
    tags=["supervision"],
    summary="What happens on the floor, as server-sent events",
    response_class=Response,
    responses=EVENTS,
)
async def stream(request: Request, me: Supervisor) -> Response:
    """`state` first, then `floor` with what has changed, and `now`; pieces of HTML."""
    mine.floor_view(context(request))
    session = request.state.session
    return Streamed(
        FloorStream(
            context(request), me, language_of(request),
            session_id=session.id if session is not None else None,
            cookie=request.cookies.get(COOKIE) if session is not None else None,
            last_id=None,
        )
    )  # fmt: skip


@router.get("/desk/notices", include_in_schema=False)
async def my_notices(
    request: Request, me: Annotated[Account, who(Role.AGENT, Role.SUPERVISOR)]
) -> HTMLResponse:
    """What supervisors tell me that I have not read; a part of the page."""
    async with context(request).database.reading() as connection:
        found = await notices.unread(connection, me.id)
    return render(request, "supervision/notices.html", notices=found)


@router.get("/supervision/audit", include_in_schema=False)
async def audit(
    request: Request,
    me: Annotated[Account, who(Role.ADMINISTRATOR, Role.AUDITOR)],
    act: Annotated[str, Query(max_length=20)] = "",
    outcome: Annotated[str, Query(max_length=20)] = "",
    by: Annotated[str, Query(max_length=64)] = "",
    to: Annotated[str, Query(max_length=64)] = "",
    call_id: Annotated[str, Query(max_length=80)] = "",
    since: Annotated[str, Query(max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
    cursor: paging.Cursor = None,
) -> HTMLResponse:
    """Every act of a supervisor, the newest first; what makes no filter is left out."""
    before = paging.decode(cursor, int, str)
    first, last = day_of(since), day_of(until)
    held = context(request)
    async with held.database.reading() as connection:
        found = await supervision_log.page(
            connection,
            act=Act(act) if act in list(Act) else None,
            outcome=Came(outcome) if outcome in list(Came) else None,
            by_account=by, to=to.strip(), call_id=call_id.strip(),
            since=Period(first, first).since if first else None,
            until=Period(last, last).until if last else None,
            before=before, limit=PAGE + 1,
        )  # fmt: skip
        people = await supervision_log.supervisors(connection)
        reasons = {r.code: r for r in await sittings.reasons(connection, every=True)}
        texts = {
            line.id: await notices.message_of(connection, line.id)
            for line in found[:PAGE]
            if line.act is Act.MESSAGE
        }
    shown = found[:PAGE]
    asked: Mapping[str, str] = {
        "act": act, "outcome": outcome, "by": by, "to": to, "call_id": call_id,
        "since": since if first else "", "until": until if last else "",
    }  # fmt: skip
    following = paging.encode((shown[-1].started_us, shown[-1].id)) if found[PAGE:] else None
    query = urlencode({key: value for key, value in asked.items() if value})
    return render(
        request, "supervision/audit.html", lines=shown, asked=asked, people=people, acts=ACTS,
        came=CAME, refusals=REFUSALS, reasons=reasons, texts=texts, next=following,
        query_text=query, first=cursor is None,
    )  # fmt: skip
