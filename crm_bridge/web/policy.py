"""Who may use a route: every route states it, and a test walks them all.

    @router.get("/cases")
    async def cases(request: Request, me: Annotated[Account, who(Role.AGENT, Role.DIRECTOR)]): …

    @router.get("/healthz", dependencies=[OPEN])      # for everybody, signed in or not

A browser is known by its session cookie, and must show the session's token (`X-CSRF-Token`) with
everything that is not a read; a program by `Authorization: Bearer`, within its token's scopes.
Who is not signed in is sent to the sign-in page (a page) or told 401 (the API); who may not, 403.
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

COOKIE: Final = "hotline"
CSRF_HEADER: Final = "X-CSRF-Token"
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

    async def __call__(self, request: Request) -> Account:
        """The account that asks. Raises Refused (401, 403) or NotSignedIn."""
        account = await known(request)
        if account is None:
            if request.method in _SAFE and not request.url.path.startswith("/api/"):
                back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
                raise NotSignedIn(f"/sign-in?next={quote(back, safe='')}")
            raise Refused("not-signed-in", "กรุณาลงชื่อเข้าใช้", "please sign in", 401)
        if account.role not in self.roles:
            th, en = NAMES[account.role]
            raise Refused(
                "not-allowed",
                f"บัญชีของท่าน ({th}) ไม่มีสิทธิ์ทำรายการนี้",
                f"your account ({en}) may not do this",
                403,
            )
        return account


@dataclass(frozen=True, slots=True)
class Open:
    """For everybody; called by FastAPI, does nothing."""

    async def __call__(self) -> None:
        """Lets everybody through."""


def who(*roles: Role) -> Any:
    """The dependency that lets these roles through and gives the account."""
    return Depends(Who(frozenset(roles)))


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
        account = request.state.account
        if account is not None:
            request.state.language = account.language
    found: Account | None = request.state.account
    return found


async def _look_up(request: Request) -> tuple[Account | None, sessions.Session | None]:
    held = context(request)
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        account = await tokens.find(
            held.database, held.clock, bearer.strip(), writing=request.method not in _SAFE
        )
        return account, None
    cookie = request.cookies.get(COOKIE)
    if not cookie:
        return None, None
    session = await sessions.find(held.database, held.clock, cookie)
    if session is None:
        return None, None
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
