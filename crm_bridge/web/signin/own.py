"""A person's own account: password, browsers, keys of programs."""

from __future__ import annotations

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Row

from crm_bridge.access import accounts, administration, sessions, tokens
from crm_bridge.access.account import Account
from crm_bridge.clock import iso
from crm_bridge.errors import Refused
from crm_bridge.web.context import context
from crm_bridge.web.navigation import home
from crm_bridge.web.pages import render
from crm_bridge.web.policy import EVERYONE, who
from crm_bridge.web.signin import cookies
from crm_bridge.web.signin.agents import browser_name
from crm_bridge.web.signin.schemas import (
    Browser,
    Browsers,
    Id,
    IssuedKey,
    KeyEntry,
    Keys,
    Me,
    NewKey,
    NewPassword,
)

_log = structlog.get_logger(__name__)

router = APIRouter()

Anyone = Annotated[Account, who(*EVERYONE)]
_DAY = 86_400_000_000


@router.get("/account", include_in_schema=False)
async def account_page(request: Request, me: Anyone) -> HTMLResponse:
    """The account's own page."""
    held = context(request)
    async with held.database.reading() as connection:
        browsers = await sessions.live(connection, held.clock, me.id)
        keys = await tokens.working(connection, held.clock, me.id)
        mine = await administration.entry(connection, held.clock, me.id)
    return render(
        request, "signin/account.html", browsers=browsers, keys=keys, mine=mine,
        session_id=_session_id(request), browser_name=browser_name, scopes=tokens.SCOPES,
        agency=held.config.agency.get(me.agency or ""),
    )  # fmt: skip


@router.get("/account/password", include_in_schema=False)
async def password_page(
    request: Request,
    me: Annotated[Account, who(*EVERYONE, before_change=True)],
    next: str = "",  # its name in the URL
) -> HTMLResponse:
    """Where a one-time password is changed before anything else."""
    return render(request, "signin/password.html", next=cookies.inside(next) or home(me))


@router.get("/api/v1/account", summary="Who I am", tags=["account"])
async def who_am_i(me: Annotated[Account, who(*EVERYONE, before_change=True)]) -> Me:
    """The account behind the session or key."""
    return Me(
        id=me.id, login=me.login, name_th=me.name_th, name_en=me.name_en, role=me.role.value,
        agency=me.agency, province=me.province, language=me.language,
    )  # fmt: skip


@router.post(
    "/api/v1/account/password", summary="Change my password", status_code=204, tags=["account"]
)
async def change_password(
    request: Request,
    me: Annotated[Account, who(*EVERYONE, before_change=True)],
    given: NewPassword,
) -> None:
    """The old one is asked, and a wrong one counts as at the sign-in; other browsers are ended."""
    held = context(request)
    if given.repeat is not None and given.repeat != given.password:
        th, en = "รหัสผ่านใหม่สองช่องไม่ตรงกัน", "the new password was not repeated the same"
        raise Refused("password-repeat", th, en, 422, {"repeat": (th, en)})
    if given.password == given.old or given.password.casefold() == me.login:
        th, en = (
            "รหัสผ่านใหม่ต้องไม่ซ้ำกับเดิมหรือชื่อผู้ใช้",
            "the new password must differ from the old and the login",
        )
        raise Refused("password-same", th, en, 422, {"password": (th, en)})
    origin = cookies.address(request)
    held.throttle.enter(held.clock, origin)
    try:
        shown = await accounts.sign_in(held.database, held.clock, me.login, given.old)
    except Refused as refused:
        if refused.code != "sign-in-failed":
            raise
        th, en = "รหัสผ่านเดิมไม่ถูกต้อง", "the old password is wrong"
        raise Refused("old-password", th, en, 422, {"old": (th, en)}) from None
    held.throttle.succeeded(origin)
    async with held.database.writing() as connection:
        await administration.change_password(connection, held.clock, shown, given.password)
        ended = await sessions.end_all(connection, held.clock, me.id, _session_id(request))
    cookies.tell(request, ended)
    _log.info("a password was changed by its person", account=me.id)


@router.get("/api/v1/account/sessions", summary="My browsers", tags=["account"])
async def my_browsers(request: Request, me: Anyone) -> Browsers:
    """Where I am signed in, the newest first."""
    held = context(request)
    async with held.database.reading() as connection:
        rows = await sessions.live(connection, held.clock, me.id)
    return Browsers(items=[browser_of(row, _session_id(request)) for row in rows])


@router.delete(
    "/api/v1/account/sessions", summary="End my other browsers", status_code=204, tags=["account"]
)
async def end_other_browsers(request: Request, me: Anyone) -> None:
    """All but the one that asks."""
    held = context(request)
    async with held.database.writing() as connection:
        ended = await sessions.end_all(connection, held.clock, me.id, _session_id(request))
    cookies.tell(request, ended)


@router.delete(
    "/api/v1/account/sessions/{session_id}",
    summary="End one of my browsers",
    status_code=204,
    tags=["account"],
)
async def end_browser(request: Request, me: Anyone, session_id: Id) -> None:
    """Its open pages are told."""
    held = context(request)
    async with held.database.writing() as connection:
        if not await sessions.end(connection, held.clock, session_id, me.id):
            raise Refused("no-session", "ไม่พบเบราว์เซอร์นี้", "there is no such browser", 404)
    cookies.tell(request, [session_id])


@router.get("/api/v1/account/keys", summary="My keys for programs", tags=["account"])
async def my_keys(request: Request, me: Anyone) -> Keys:
    """Those that work, the newest first; a key itself is not kept."""
    held = context(request)
    async with held.database.reading() as connection:
        rows = await tokens.working(connection, held.clock, me.id)
    return Keys(items=[_key_of(row) for row in rows])


@router.post(
    "/api/v1/account/keys", summary="Issue a key for a program", status_code=201, tags=["account"]
)
async def issue_key(request: Request, me: Anyone, given: NewKey) -> IssuedKey:
    """The key is shown this once. Only from a signed-in browser: a key makes no keys."""
    held = context(request)
    if request.state.session is None:
        th, en = (
            "ออกกุญแจได้จากเบราว์เซอร์ที่ลงชื่อเข้าใช้เท่านั้น",
            "keys are issued to a signed-in browser only",
        )
        raise Refused("browser-only", th, en, 403)
    expires = held.clock.now_us() + given.days * _DAY
    async with held.database.writing() as connection:
        key_id, key = await tokens.issue(
            connection, held.clock, me, given.name.strip() or given.name, (given.scope,), expires
        )
    _log.info("a key was issued", account=me.id, key=key_id, scope=given.scope)
    return IssuedKey(id=key_id, key=key)


@router.delete(
    "/api/v1/account/keys/{key_id}", summary="End one of my keys", status_code=204, tags=["account"]
)
async def end_key(request: Request, me: Anyone, key_id: Id) -> None:
    """The program that uses it is out at once."""
    held = context(request)
    async with held.database.writing() as connection:
        if not await tokens.end(connection, held.clock, key_id, me.id):
            raise Refused("no-key", "ไม่พบกุญแจนี้", "there is no such key", 404)


def browser_of(row: Row[Any], current: str | None = None) -> Browser:
    """A session as the API gives it."""
    return Browser(
        id=row.id, created_at=iso(row.created_us), seen_at=iso(row.seen_us), address=row.address,
        user_agent=row.user_agent, current=row.id == current,
    )  # fmt: skip


def _key_of(row: Row[Any]) -> KeyEntry:
    return KeyEntry(
        id=row.id, name=row.name, scopes=row.scopes.split(), created_at=iso(row.created_us),
        expires_at=iso(row.expires_us) if row.expires_us is not None else None,
        used_at=iso(row.used_us) if row.used_us is not None else None,
    )  # fmt: skip


def _session_id(request: Request) -> str | None:
    session = request.state.session
    return session.id if session is not None else None
