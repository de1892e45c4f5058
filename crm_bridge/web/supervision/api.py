"""What supervisors do to officers and their calls, who did it, and notices on officers' desks."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.desk import notices, supervision_log
from crm_bridge.desk.line import not_connected
from crm_bridge.desk.supervision import Supervision
from crm_bridge.desk.supervision_log import Act, Came
from crm_bridge.errors import Refused
from crm_bridge.reports.period import Period
from crm_bridge.web import paging
from crm_bridge.web.context import context
from crm_bridge.web.policy import who
from crm_bridge.web.supervision.schemas import (
    ActedOut,
    AtCall,
    ForcedPause,
    LineOut,
    Message,
    NoticeId,
    NoticeOut,
    NoticesOut,
    RulesOut,
    Whom,
)

router = APIRouter(prefix="/api/v1", tags=["supervision"])

Supervisor = Annotated[Account, who(Role.SUPERVISOR)]
Remover = Annotated[Account, who(Role.SUPERVISOR, Role.ADMINISTRATOR)]
Checker = Annotated[Account, who(Role.ADMINISTRATOR, Role.AUDITOR)]
Reader = Annotated[Account, who(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR)]
Day = Annotated[
    date | None,
    Query(ge=date(2000, 1, 1), le=date(2199, 12, 31), description="a day in Bangkok, included"),
]
OnTheLine = Annotated[Account, who(Role.AGENT, Role.SUPERVISOR)]


def supervision_of(request: Request) -> Supervision:
    """The acts; Refused (503) where pages are served without a line."""
    floor = context(request).floor
    if floor is None:
        raise not_connected()
    return floor.supervision


@router.post("/supervision/listen", summary="Hear an officer's call")
async def listen(request: Request, me: Supervisor, given: AtCall) -> ActedOut:
    """My telephone rings; answered when the line says that I am there."""
    return await _at(request, me, Act.LISTEN, given)


@router.post("/supervision/whisper", summary="Speak to the officer alone")
async def whisper(request: Request, me: Supervisor, given: AtCall) -> ActedOut:
    """The caller hears nothing of it; from listening the telephone does not ring again."""
    return await _at(request, me, Act.WHISPER, given)


@router.post("/supervision/barge", summary="Speak to officer and caller")
async def barge(request: Request, me: Supervisor, given: AtCall) -> ActedOut:
    """Both hear it; from listening the telephone does not ring again."""
    return await _at(request, me, Act.BARGE, given)


async def _at(request: Request, me: Account, act: Act, given: AtCall) -> ActedOut:
    calls = supervision_of(request).calls
    return ActedOut.of(await calls.listen(me, act, given.agent, given.call_id))


@router.post("/supervision/leave", summary="Leave the officer's call")
async def leave(request: Request, me: Supervisor) -> ActedOut:
    """Ends my listening, whispering or barging; the call goes on."""
    return ActedOut.of(await supervision_of(request).calls.leave(me))


@router.post("/supervision/take-over", summary="Have the caller handed to my telephone")
async def take_over(request: Request, me: Supervisor, given: AtCall) -> ActedOut:
    """A transfer by the officer's part; not picked up, the caller goes back to the officer."""
    calls = supervision_of(request).calls
    return ActedOut.of(await calls.take_over(me, given.agent, given.call_id))


@router.post("/supervision/pause", summary="Pause an officer")
async def pause(request: Request, me: Supervisor, given: ForcedPause) -> ActedOut:
    """In every queue the officer serves; the officer's desk says whose doing it is."""
    officers = supervision_of(request).officers
    return ActedOut.of(await officers.pause(me, given.extension, given.reason))


@router.post("/supervision/ready", summary="End an officer's pause or wrap-up")
async def ready(request: Request, me: Supervisor, given: Whom) -> ActedOut:
    """The officer takes calls."""
    return ActedOut.of(await supervision_of(request).officers.ready(me, given.extension))


@router.post("/supervision/sign-out", summary="Sign an officer out of a telephone")
async def sign_out(request: Request, me: Remover, given: Whom) -> ActedOut:
    """Nothing changes where nobody sits; the officer's desk says who did it."""
    return ActedOut.of(await supervision_of(request).officers.sign_out(me, given.extension))


@router.post("/supervision/messages", summary="Write to an officer's desk, or to all")
async def message(request: Request, me: Supervisor, given: Message) -> ActedOut:
    """There at once, and until it is read."""
    officers = supervision_of(request).officers
    return ActedOut.of(await officers.message(me, given.text, given.extension))


@router.get("/supervision/rules", summary="Which acts the settings allow")
async def rules(request: Request, me: Reader) -> RulesOut:
    """As `[supervision]` has them."""
    return RulesOut(**context(request).config.supervision.model_dump())


@router.get("/supervision/acts", summary="What supervisors did")
async def acts(
    request: Request,
    me: Checker,
    act: Act | None = None,
    outcome: Came | None = None,
    by: Annotated[str | None, Query(max_length=64, description="account of the supervisor")] = None,
    to: Annotated[str | None, Query(max_length=64, description="officer: account, number")] = None,
    call_id: Annotated[str | None, Query(max_length=80)] = None,
    since: Day = None,
    until: Day = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> paging.Page[LineOut]:
    """The newest first; every act that was tried, those that were refused too."""
    before = paging.decode(cursor, int, str)
    async with context(request).database.reading() as connection:
        found = await supervision_log.page(
            connection, act=act, outcome=outcome, by_account=by, to=to, call_id=call_id,
            since=Period(since, since).since if since is not None else None,
            until=Period(until, until).until if until is not None else None,
            before=before, limit=limit + 1,
        )  # fmt: skip
    shown = found[:limit]
    following = paging.encode((shown[-1].started_us, shown[-1].id)) if found[limit:] else None
    return paging.Page(items=[LineOut.of(line) for line in shown], next=following)


@router.get("/notices", summary="What supervisors tell me that I have not read")
async def unread(request: Request, me: OnTheLine) -> NoticesOut:
    """The newest first."""
    async with context(request).database.reading() as connection:
        found = await notices.unread(connection, me.id)
    return NoticesOut(items=[NoticeOut.of(notice) for notice in found])


@router.post("/notices/{notice_id}/read", summary="I have read it", status_code=204)
async def read(request: Request, me: OnTheLine, notice_id: NoticeId) -> None:
    """It is shown no longer, on any of my pages. Again changes nothing."""
    held = context(request)
    async with held.database.writing() as connection:
        done = await notices.read(connection, me.id, notice_id, held.clock.now_us())
        mine = done or await notices.is_mine(connection, me.id, notice_id)
    if not mine:
        raise Refused("no-such-notice", "ไม่พบข้อความนี้", "there is no such notice", 404)
    notices.tell(held.hub, [me.id])
