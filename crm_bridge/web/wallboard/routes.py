"""The wallboard for people and for screens without one, and the administrator's page of these."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from crm_bridge.access import wall_screens
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.web.context import Context, context
from crm_bridge.web.pages import day_text, language_of, office_time, render
from crm_bridge.web.policy import OPEN, who
from crm_bridge.web.signin.cookies import over_tls
from crm_bridge.web.wallboard.looking import (
    SCREEN_COOKIE,
    Lang,
    Looker,
    Theme,
    may_look,
    screen_of,
)

router = APIRouter(include_in_schema=False)

_FOR_EVER: Final = 400 * 24 * 3600
"""Seconds: as long as a browser keeps a cookie; each look at the page begins it anew."""


@router.get("/wallboard")
async def wallboard(request: Request, me: Looker, theme: Theme = "", lang: Lang = "") -> Response:
    """The wall, full screen; what stands on it comes by the stream."""
    held = context(request)
    may_look(held, me)
    return _page(request, held, theme, lang, stream="/api/v1/wallboard/stream")


@router.get("/wallboard/screen/{secret}", dependencies=[OPEN])
async def screen_address(
    request: Request, secret: str, theme: Theme = "", lang: Lang = ""
) -> Response:
    """A screen's own address: the secret goes into a cookie, and out of what the screen shows."""
    held = context(request)
    await screen_of(held, secret)
    query = "&".join(f"{k}={v}" for k, v in (("theme", theme), ("lang", lang)) if v)
    answer = RedirectResponse(f"/wallboard/screen{'?' if query else ''}{query}", 303)
    answer.headers["Cache-Control"] = "no-store"
    _remember(request, answer, secret)
    return answer


@router.get("/wallboard/screen", dependencies=[OPEN])
async def screen_page(request: Request, theme: Theme = "", lang: Lang = "") -> Response:
    """The wall on a screen with nobody at it."""
    held = context(request)
    secret = request.cookies.get(SCREEN_COOKIE, "")
    await screen_of(held, secret)
    page = _page(request, held, theme, lang, stream="/api/v1/wallboard/screen/stream")
    _remember(request, page, secret)
    return page


@router.get("/admin/screens")
async def screens_page(
    request: Request, me: Annotated[Account, who(Role.ADMINISTRATOR)]
) -> HTMLResponse:
    """The screens there are, and a form for a new one."""
    held = context(request)
    async with held.database.reading() as connection:
        found = await wall_screens.every(connection)
    return render(request, "wallboard/screens.html", screens=found)


def _page(request: Request, held: Context, theme: str, lang: str, *, stream: str) -> HTMLResponse:
    if lang:
        request.state.language = lang
    shown = language_of(request)
    today = office_time(held.clock.now_us()).date()
    return render(
        request, "wallboard/wall.html", theme=theme, stream=f"{stream}?lang={shown}",
        now=held.clock.now_us() // 1000, today=day_text(today, shown),
        keeps_places=held.config.callback is not None,
    )  # fmt: skip


def _remember(request: Request, answer: Response, secret: str) -> None:
    answer.set_cookie(
        SCREEN_COOKIE, secret, max_age=_FOR_EVER, path="/", httponly=True, samesite="lax",
        secure=over_tls(request),
    )  # fmt: skip
