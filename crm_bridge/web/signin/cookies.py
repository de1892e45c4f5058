"""The session's cookie: HttpOnly, SameSite=Lax, Secure wherever the pages are reached over TLS."""

from __future__ import annotations

from typing import Final

from fastapi import Request, Response

from crm_bridge.access import sessions
from crm_bridge.access.account import Account
from crm_bridge.records import audit
from crm_bridge.web.context import context
from crm_bridge.web.navigation import home
from crm_bridge.web.pages import LANGUAGE_COOKIE
from crm_bridge.web.policy import CHANGE_PAGE, COOKIE

SIGNED_IN: Final = "account.signed_in"
"""The act of the audit log, by a password or by the ministry's own sign-in."""


def over_tls(request: Request) -> bool:
    """Whether the browser speaks TLS, to us or to the proxy before us."""
    return context(request).config.web.https or request.url.scheme == "https"


def address(request: Request) -> str | None:
    """Where a request comes from; behind a trusted proxy, what that says."""
    return request.client.host if request.client else None


async def begin(request: Request, response: Response, account: Account) -> None:
    """Signs this browser in: a new session in place of the one it had, whatever it showed before.

    A session is never taken over from what a browser brings, so none can be planted.
    """
    held = context(request)
    shown = request.cookies.get(COOKIE)
    replaced = None
    async with held.database.writing() as connection:
        if shown:
            replaced = await sessions.end_shown(connection, held.clock, shown)
        session, token = await sessions.begin(
            connection,
            held.clock,
            account,
            address=address(request),
            user_agent=request.headers.get("user-agent"),
        )
        audit.note(connection, audit.Entry(
            SIGNED_IN, held.clock.now_us(), f"account:{account.id}", {"session": session.id},
            by=account.id, via="browser",
        ))  # fmt: skip
    if replaced is not None:
        tell(request, [replaced])
    response.set_cookie(
        COOKIE, token, max_age=sessions.LONGEST // 1_000_000, httponly=True, samesite="lax",
        secure=over_tls(request),
    )  # fmt: skip


def tell(request: Request, ended: list[str]) -> None:
    """Tells the open pages of sessions that have ended; after the commit."""
    for session_id in ended:
        context(request).hub.publish(f"session:{session_id}", "ended", {})


def clear(request: Request, response: Response) -> None:
    """Takes the session's cookie from the browser."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=over_tls(request))


def speak(request: Request, response: Response, language: str) -> None:
    """Keeps the language in the browser, for the pages before the sign-in."""
    response.set_cookie(
        LANGUAGE_COOKIE, language, max_age=31_536_000, samesite="lax", httponly=True,
        secure=over_tls(request),
    )  # fmt: skip


def inside(path: str) -> str:
    """The path if it leads within these pages, else nothing."""
    fine = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if fine and path.isprintable() else ""


def onward(account: Account, next_: str) -> str:
    """Where a person goes on after the sign-in; first to change a one-time password."""
    if account.must_change:
        return CHANGE_PAGE
    return inside(next_) or home(account)
