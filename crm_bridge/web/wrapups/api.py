"""Calls, what officers declare and write of them, drafts, and lost calls."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.clock import iso, micros
from crm_bridge.desk import call_list, drafts, lost_calls, wrapups
from crm_bridge.desk.wrapup import Entry
from crm_bridge.errors import Refused
from crm_bridge.records.calls import StoredCall, call_as_json, load_call
from crm_bridge.web import etags, paging
from crm_bridge.web.context import context
from crm_bridge.web.policy import EVERYONE, who
from crm_bridge.web.wrapups.acting import (
    declare_of,
    may_see_supervision,
    officer_in,
    wrapups_of,
)
from crm_bridge.web.wrapups.schemas import (
    PLAIN,
    CallId,
    CountOut,
    DraftKept,
    DraftKey,
    DraftOut,
    LostOut,
    MarkIn,
    MarkOut,
    OutcomeName,
    Reason,
    ServiceName,
    UnloggedOut,
    WrapupIn,
    WrapupOut,
)
from ivr.events.markers import OBSERVED

router = APIRouter(prefix="/api/v1", tags=["calls"])

Officer = Annotated[Account, who(Role.AGENT, Role.SUPERVISOR)]
Reader = Annotated[Account, who(Role.AGENT, Role.SUPERVISOR, Role.AUDITOR)]
Text = Annotated[str | None, Query(max_length=80, pattern=PLAIN)]
When = Annotated[str | None, Query(max_length=40, description="ISO 8601")]


@router.get("/calls", summary="Calls, the newest first")
async def calls(
    request: Request,
    me: Reader,
    since: When = None,
    until: When = None,
    agent: Text = None,
    service: ServiceName | None = None,
    outcome: OutcomeName | None = None,
    direction: Annotated[str | None, Query(pattern="^(inbound|outbound)$")] = None,
    number: Annotated[Text, Query(description="the caller's number")] = None,
    subject: Annotated[Text, Query(description="id of a subject, or of a heading")] = None,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> paging.Page[dict[str, Any]]:
    """Each as `hotline calls --jsonl` prints it."""
    place = paging.decode(cursor, int, str)
    asked = call_list.Asked(
        _moment("since", since), _moment("until", until), agent, service, outcome, direction,
        number, subject,
    )  # fmt: skip
    async with context(request).database.reading() as connection:
        found = await call_list.find(
            connection, asked, after=(place[0], place[1]) if place else None, limit=limit + 1
        )
    page = found[:limit]
    return paging.Page(
        items=[call_as_json(s.call, s.steps, s.caller_number) for s in page],
        next=_after(page[-1]) if len(found) > limit else None,
    )


@router.get("/calls/unlogged", summary="Calls that wait for their officer's record")
async def unlogged(
    request: Request,
    me: Officer,
    everybody: Annotated[bool, Query(description="all officers' (a supervisor)")] = False,
    limit: paging.Limit = 50,
    cursor: paging.Cursor = None,
) -> paging.Page[UnloggedOut]:
    """One's own, or everybody's; the newest first."""
    place = paging.decode(cursor, int, str)
    own = None if everybody and me.role is Role.SUPERVISOR else me.id
    async with context(request).database.reading() as connection:
        found = await wrapups.unlogged(
            connection, None, account_id=own, limit=limit + 1,
            after=(place[0], place[1]) if place else None,
        )  # fmt: skip
    page = found[:limit]
    return paging.Page(
        items=[UnloggedOut.of(u) for u in page],
        next=paging.encode((page[-1].released_us, page[-1].call_id))
        if len(found) > limit
        else None,
    )


@router.get("/calls/counts", summary="Each officer's calls and how many of them are logged")
async def counts(
    request: Request,
    me: Annotated[Account, who(Role.SUPERVISOR, Role.AUDITOR)],
    since: Annotated[str, Query(max_length=40, description="ISO 8601")],
    until: Annotated[str, Query(max_length=40, description="ISO 8601")],
) -> list[CountOut]:
    """By when the officer's part of the call ended."""
    start, end = _moment("since", since), _moment("until", until)
    async with context(request).database.reading() as connection:
        return [CountOut.of(c) for c in await wrapups.counts(connection, start or 0, end or 0)]


@router.get("/calls/{call_id}", summary="One call, with its marks and officers' records")
async def call(request: Request, me: Reader, call_id: CallId) -> dict[str, Any]:
    """As `hotline calls --jsonl` prints it, and `marks` and `wrapups`."""
    held = context(request)
    stored = await load_call(held.database, call_id)
    if stored is None:
        raise no_such_call()
    async with held.database.reading() as connection:
        written = (await wrapups.of_calls(connection, [call_id])).get(call_id, [])
    return {
        **call_as_json(stored.call, stored.steps, stored.caller_number),
        "marks": [
            {"name": m.name, "at": iso(m.at), "value": m.value, "by": m.by}
            for m in stored.call.marks
            if m.name not in OBSERVED or may_see_supervision(held, me)
        ],
        "wrapups": [WrapupOut.of(w).model_dump() for w in written],
    }


@router.get("/calls/{call_id}/wrapup", summary="An officer's record of a call")
async def wrapup(
    request: Request, response: Response, me: Reader, call_id: CallId, agent: Text = None
) -> WrapupOut:
    """One's own, or that of the officer named; 404 while nothing is saved."""
    held = context(request)
    async with held.database.reading() as connection:
        names = [agent] if agent else await wrapups.agents_of(connection, call_id, me.id)
        found = [w for name in names if (w := await wrapups.find(connection, call_id, name))]
    if not found:
        raise Refused("nothing-saved", "สายนี้ยังไม่มีบันทึก", "nothing is saved of this call", 404)
    etags.give(response, found[-1].version)
    return WrapupOut.of(found[-1])


@router.put("/calls/{call_id}/wrapup", summary="Save an officer's record of a call")
async def save(
    request: Request, response: Response, me: Officer, call_id: CallId, given: WrapupIn
) -> WrapupOut:
    """Ends the step `log`. A correction names the version it is based on (If-Match)."""
    held = context(request)
    based_on = etags.seen(request) if "if-match" in request.headers else None
    agent = await officer_in(held, me, call_id, given.agent)
    entry = Entry(**given.model_dump(exclude={"agent"}))
    saved = await wrapups_of(held).save(me, call_id, agent, entry, based_on)
    if held.agents is not None:
        await held.agents.record_saved(agent, call_id)
    etags.give(response, saved.version)
    return WrapupOut.of(saved)


@router.post("/calls/{call_id}/marks", status_code=201, summary="Declare an act on a call")
async def mark(request: Request, me: Officer, call_id: CallId, given: MarkIn) -> MarkOut:
    """What the telephone does not show: the form opened, the information given, an agency asked."""
    held = context(request)
    at = held.clock.now_us()
    agent = await officer_in(held, me, call_id, given.agent)
    await declare_of(held)(call_id, given.mark, at, agent, given.value)
    return MarkOut(call_id=call_id, mark=given.mark, at=iso(at), by=agent)


# --- drafts


@router.get("/drafts/{key}", summary="What one has typed and not yet saved", tags=["drafts"])
async def draft(
    request: Request, me: Annotated[Account, who(*EVERYONE)], key: DraftKey
) -> DraftOut:
    """One's own draft; 404 where there is none."""
    async with context(request).database.reading() as connection:
        found = await drafts.read(connection, me.id, key)
    if found is None:
        raise Refused("no-draft", "ไม่มีร่าง", "there is no draft", 404)
    return DraftOut(key=found.key, body=found.body, updated_at=iso(found.updated_us))


@router.put("/drafts/{key}", summary="Keep what one has typed", tags=["drafts"])
async def keep_draft(
    request: Request,
    me: Annotated[Account, who(*EVERYONE)],
    key: DraftKey,
    body: Annotated[dict[str, Any], Body()],
) -> DraftKept:
    """In place of the draft before; two tabs of one person: the last one stands."""
    held = context(request)
    async with held.database.writing() as connection:
        kept = await drafts.keep(connection, held.clock, me.id, key, body)
    return DraftKept(updated_at=iso(kept))


@router.delete("/drafts/{key}", status_code=204, summary="Forget a draft", tags=["drafts"])
async def drop_draft(
    request: Request, me: Annotated[Account, who(*EVERYONE)], key: DraftKey
) -> None:
    """Also where there was none."""
    async with context(request).database.writing() as connection:
        await drafts.drop(connection, me.id, key)


# --- lost calls


@router.get("/lost-calls", summary="Numbers to call back", tags=["lost calls"])
async def lost(
    request: Request,
    me: Reader,
    settled: Annotated[bool, Query(description="also those that are settled")] = False,
) -> list[LostOut]:
    """Of the last seven days, who waits longest first."""
    held = context(request)
    async with held.database.reading() as connection:
        found = await lost_calls.lost_calls(connection, held.clock, settled=settled)
    return [LostOut.of(line) for line in found]


@router.post(
    "/lost-calls/{call_id}/give-up", status_code=204, summary="Nobody calls back any more",
    tags=["lost calls"],
)  # fmt: skip
async def give_up(request: Request, me: Officer, call_id: CallId, given: Reason) -> None:
    """With the reason; the next lost call of the same number is a new one."""
    held = context(request)
    async with held.database.writing() as connection:
        await lost_calls.give_up(connection, held.clock, me, call_id, given.reason)


def no_such_call() -> Refused:
    """There is no call of this id."""
    return Refused("no-such-call", "ไม่พบสายนี้", "there is no such call", 404)


def _after(stored: StoredCall) -> str:
    return paging.encode((stored.call.entered_at, stored.call.call_id))


def _moment(name: str, text: str | None) -> int | None:
    if not text:
        return None
    try:
        return micros(text)
    except (ValueError, OverflowError):
        why = ("เวลาไม่ถูกต้อง", "this is no time")
        raise Refused("no-time", *why, 422, {name: why}) from None
