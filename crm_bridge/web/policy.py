"""Who may use a route: every route states it, and a test walks them all.

    @router.get("/cases")
    async def cases(request: Request, me: Annotated[Account, who(Role.AGENT, Role.DIRECTOR)]): …

    @router.get("/healthz", dependencies=[OPEN])      # for everybody, signed in or not

A browser is known by its session cookie, and must show the session's token (`X-CSRF-Token`) with
everything that is not a read; a program by `Authorization: Bearer`, within its token's scopes.
Who is not signed in is sent to the sign-in page (a page) or told 401 (the API); who may not, 403.
A browser signed in with a one-time password gets nothing else before it is changed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from fastapi import Depends, Request

from crm_bridge.access import sessions, tokens
from crm_bridge.access.account import Account
from crm_bridge.access.roles import NAMES, Role
from crm_bridge.errors import Refused
from crm_bridge.web.context import context
from crm_bridge.web.watch import asked

COOKIE: Final = "hotline"
CSRF_HEADER: Final = "X-CSRF-Token"
CHANGE_PAGE: Final = "/account/password"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class NotSignedIn(Exception):
    """A page was asked for by nobody we know; `to` is the sign-in page that leads back."""

    def __init__(self, to: str) -> None:
        super().__init__(to)
        self.to = to


@dataclass(frozen=True, slots=True)
class Who:
    """The roles that may use a route; called by FastAPI, gives the account."""

    roles: frozenset[Role]
    before_change: bool = False
    """Also while a one-time password is still to be changed."""

    async def __call__(self, request: Request) -> Account:
        """The account that asks. Raises Refused (401, 403) or NotSignedIn."""
        account = await known(request)
        if account is None:
            if _page(request):
                raise NotSignedIn(f"/sign-in?next={_back(request)}")
            raise Refused("not-signed-in", "กรุณาลงชื่อเข้าใช้", "please sign in", 401)
        if account.must_change and not self.before_change and request.state.session is not None:
            if _page(request):
                raise NotSignedIn(f"{CHANGE_PAGE}?next={_back(request)}")
            th, en = "โปรดเปลี่ยนรหัสผ่านชั่วคราวก่อน", "change the one-time password first"
            raise Refused("password-change-first", th, en, 403)
        if account.role not in self.roles:
            th, en = NAMES[account.role]
            raise Refused(
                "not-allowed",
                f"บัญชีของท่าน ({th}) ไม่มีสิทธิ์ทำรายการนี้",
                f"your account ({en}) may not do this",
                403,
            )
        asked(request, account, request.state.via)
        return account


@dataclass(frozen=True, slots=True)
class Open:
    """For everybody; called by FastAPI."""

    async def __call__(self, request: Request) -> None:
        """Lets everybody through."""
        asked(request, None, "nobody")


def who(*roles: Role, before_change: bool = False) -> Any:
    """The dependency that lets these roles through and gives the account.

    `before_change`: also while a one-time password is still to be changed.
    """
    return Depends(Who(frozenset(roles), before_change))


def _page(request: Request) -> bool:
    return request.method in _SAFE and not request.url.path.startswith("/api/")


def _back(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return quote(request.url.path + query, safe="")


EVERYONE: Final = tuple(Role)
"""Every role: whoever is signed in."""

OPEN: Final = Depends(Open())
"""For everybody, signed in or not."""


async def known(request: Request) -> Account | None:
    """The account behind a request, `None` where nobody is signed in; looked up once a request.

    Raises Refused where a browser's act lacks its token (403), or a program's key its scope (403).
    """
    if not hasattr(request.state, "account"):
        request.state.account, request.state.session = await _look_up(request)
    found: Account | None = request.state.account
    return found


async def _look_up(request: Request) -> tuple[Account | None, sessions.Session | None]:
    held = context(request)
    request.state.via = "browser"
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        key = await tokens.find(held.database, held.clock, bearer.strip())
        request.state.via = "key" if key is None else f"key:{key.id}"
        asked = _asked_language(request)
        if asked or key is not None:
            request.state.language = asked or (key.account.language if key is not None else None)
        if key is None:
            return None, None
        if request.method not in _SAFE:
            key.allow_writing()
        return key.account, None
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        return None, None
    session = await sessions.find(held.database, held.clock, cookie)
    if session is None:
        return None, None
    request.state.language = session.account.language
    if request.method not in _SAFE:
        shown = request.headers.get(CSRF_HEADER, "")
        if not secrets.compare_digest(shown.encode(), session.csrf.encode()):
            raise Refused(
                "csrf",
                "หน้านี้เก่าเกินไป โปรดโหลดหน้าใหม่แล้วทำรายการอีกครั้ง",
                "this page is out of date: load it again, then repeat the act",
                403,
            )
    return session.account, session


def _asked_language(request: Request) -> str | None:
    """The one of our languages that a program's `Accept-Language` puts first; `None` for none."""
    best: tuple[float, str] | None = None
    for part in request.headers.get("accept-language", "")[:200].split(","):
        name, _, weight = part.partition(";")
        language = name.strip().lower().partition("-")[0]
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if language in {"th", "en"} and quality > 0 and (best is None or quality > best[0]):
            best = quality, language
    return best[1] if best else None
