"""What is raised, who sees to it, and the rules: read and changed over the API."""

from __future__ import annotations

from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Header, Path, Query, Request, Response

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.alerts import alert_book, rule_book, telling
from crm_bridge.alerts.keeper import names_of
from crm_bridge.alerts.rules import Rule
from crm_bridge.web import etags, paging
from crm_bridge.web.alerts.schemas import (
    AlertOut,
    Alerts,
    Amended,
    ChangeOut,
    RuleEdit,
    RuleNew,
    RuleOut,
    Snooze,
    Tried,
)
from crm_bridge.web.alerts.stream import AlertStream
from crm_bridge.web.context import Context, context
from crm_bridge.web.policy import COOKIE, who
from crm_bridge.web.streamed import EVENTS, Streamed

_log = structlog.get_logger(__name__)

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])
rules_router = APIRouter(prefix="/api/v1/alert-rules", tags=["alerts"])

READERS: Final = (Role.SUPERVISOR, Role.DIRECTOR, Role.ADMINISTRATOR, Role.AUDITOR)
OVERSEERS: Final = (Role.SUPERVISOR, Role.ADMINISTRATOR)
Reader = Annotated[Account, who(*READERS)]
Overseer = Annotated[Account, who(*OVERSEERS)]
RulePath = Annotated[str, Path(max_length=40, pattern=r"^[a-z0-9-]+$")]

MINUTE: Final = 60 * 1_000_000


@router.get("", summary="What is raised now, the newest first")
async def active(request: Request, me: Reader) -> list[AlertOut]:
    """Also what somebody sees to already."""
    async with context(request).database.reading() as connection:
        return [AlertOut.of(one) for one in await alert_book.active(connection)]


@router.get("/history", summary="What was raised and is over, the newest first")
async def history(
    request: Request, me: Reader, cursor: paging.Cursor = None, limit: paging.Limit = 50
) -> paging.Page[AlertOut]:
    """Tests of destinations too; they say so."""
    key = paging.decode(cursor, int, str)
    async with context(request).database.reading() as connection:
        found = await alert_book.history(
            connection, before=(key[0], key[1]) if key else None, limit=limit + 1
        )
    shown = found[:limit]
    more = len(found) > limit
    return paging.Page(
        items=[AlertOut.of(one) for one in shown],
        next=paging.encode([shown[-1].alert.raised_at, shown[-1].alert.id]) if more else None,
    )


@router.post("/acknowledge", summary="See to these")
async def acknowledge(request: Request, me: Overseer, given: Alerts) -> Amended:
    """Nobody else is told of them; who saw to them is on record."""
    held = context(request)
    now = held.clock.now_us()
    async with held.database.writing() as connection:
        ids = await alert_book.acknowledge(connection, now, me, given.ids)
    if held.alerts is not None:
        held.alerts.acknowledge(ids, me.id, now)
    _log.info("alerts acknowledged", count=len(ids), by=me.id)
    return Amended(ids=ids)


@router.post("/snooze", summary="Tell nobody of these for a while")
async def snooze(request: Request, me: Overseer, given: Snooze) -> Amended:
    """What is still raised by then is told once more."""
    held = context(request)
    until = held.clock.now_us() + given.minutes * MINUTE
    async with held.database.writing() as connection:
        ids = await alert_book.snooze(connection, until, me, given.ids)
    if held.alerts is not None:
        held.alerts.snooze(ids, until)
    _log.info("alerts snoozed", count=len(ids), minutes=given.minutes, by=me.id)
    return Amended(ids=ids)


@router.get(
    "/stream",
    summary="What rises, as server-sent events",
    response_class=Response,
    responses=EVENTS,
)
async def stream(
    request: Request,
    me: Overseer,
    last: Annotated[str | None, Query(max_length=80, description="the last id seen")] = None,
    last_event_id: Annotated[str | None, Header(max_length=80)] = None,
) -> Response:
    """`count` first and after each change; `told` with the alerts that a browser is to show."""
    session = request.state.session
    return Streamed(
        AlertStream(
            context(request),
            session_id=session.id if session is not None else None,
            cookie=request.cookies.get(COOKIE) if session is not None else None,
            last_id=last_event_id or last,
        )
    )


@rules_router.get("", summary="The rules, in their order")
async def every(request: Request, me: Reader) -> list[RuleOut]:
    """Those that are off too."""
    async with context(request).database.reading() as connection:
        return [RuleOut.of(one) for one in await rule_book.every(connection)]


@rules_router.get("/changes", summary="Who changed which rule, the newest first")
async def changes(request: Request, me: Reader) -> list[ChangeOut]:
    """The last fifty."""
    async with context(request).database.reading() as connection:
        return [ChangeOut.of(one) for one in await rule_book.changes(connection)]


@rules_router.get("/{rule_id}", summary="One rule")
async def one(request: Request, response: Response, me: Reader, rule_id: RulePath) -> RuleOut:
    """Its version is the ETag."""
    async with context(request).database.reading() as connection:
        found = await rule_book.find(connection, rule_id)
    etags.give(response, found.version)
    return RuleOut.of(found)


@rules_router.post("", status_code=201, summary="Add a rule")
async def add(request: Request, response: Response, me: Overseer, given: RuleNew) -> RuleOut:
    """Behind all others, off, with what is usual for its kind."""
    held = context(request)
    async with held.database.writing() as connection:
        made = await rule_book.add(connection, held.clock, held.config, me, Rule.new(given.kind))
    _log.info("a rule of alerts was added", rule=made.id, by=me.id)
    return _given(held, response, made)


@rules_router.put("/{rule_id}", summary="Change a rule, or switch it on or off")
async def change(
    request: Request, response: Response, me: Overseer, rule_id: RulePath, given: RuleEdit
) -> RuleOut:
    """Names the version it is based on (If-Match). What a rule that goes off had raised is over."""
    held = context(request)
    based_on = etags.seen(request)
    async with held.database.writing() as connection:
        before = await rule_book.find(connection, rule_id)
        now = await rule_book.change(
            connection, held.clock, held.config, me, based_on, given.rule(rule_id, before.kind)
        )
    _log.info("a rule of alerts was changed", rule=now.id, version=now.version, by=me.id)
    return _given(held, response, now)


@rules_router.post("/{rule_id}/test", status_code=202, summary="Try a rule's destinations")
async def try_out(request: Request, me: Overseer, rule_id: RulePath) -> Tried:
    """Sends a test to everybody whom the rule tells; nothing is raised."""
    held = context(request)
    address = held.config.web.address.rstrip("/")
    async with held.database.writing() as connection:
        rule = await rule_book.find(connection, rule_id)
        names = names_of(held.config, held.standards, held.clock.now_us())
        link = f"{address}/alerts" if address else ""
        tried = await telling.try_out(connection, held.clock, rule, names, link)
    if held.alerts is not None:
        held.alerts.try_out(tried)
    _log.info("a rule of alerts was tried", rule=rule.id, by=me.id)
    return Tried(
        id=tried.id, browser=rule.browser, emails=list(rule.emails), webhooks=list(rule.webhooks)
    )


def _given(held: Context, response: Response, rule: Rule) -> RuleOut:
    """The rule as the answer has it; whoever watches is told that it is another."""
    if held.alerts is not None:
        held.alerts.rules_changed()
    etags.give(response, rule.version)
    return RuleOut.of(rule)
