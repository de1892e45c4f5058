"""Signing in through the ministry's own sign-in, where one is configured.

What the browser must bring back lies in a cookie of its own, signed by this process: nothing is
kept here for those who never come back. It works once, for ten minutes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import astuple
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from crm_bridge.access import outsiders
from crm_bridge.access.oidc import CALLBACK, Attempt, Provider
from crm_bridge.errors import Refused
from crm_bridge.web.context import context
from crm_bridge.web.pages import language_of, render
from crm_bridge.web.policy import OPEN
from crm_bridge.web.signin import cookies

router = APIRouter()

ATTEMPT_COOKIE: Final = "hotline_oidc"
ATTEMPT_FOR: Final = 10 * 60 * 1_000_000
_PATH: Final = "/sign-in/oidc"
_KEY: Final = secrets.token_bytes(32)


@router.get(_PATH, include_in_schema=False, dependencies=[OPEN])
async def begin(request: Request, next: str = "") -> Response:  # its name in the URL
    """Sends the browser to the provider."""
    held = context(request)
    try:
        url, attempt = await _provider(request).begin(held.clock, cookies.inside(next)[:500])
    except Refused as refused:
        return _shown(request, refused, next)
    response = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
    response.set_cookie(
        ATTEMPT_COOKIE, _sealed(attempt), max_age=ATTEMPT_FOR // 1_000_000, path=_PATH,
        httponly=True, samesite="lax", secure=cookies.over_tls(request),
    )  # fmt: skip
    return response


@router.get(CALLBACK, include_in_schema=False, dependencies=[OPEN])
async def finish(
    request: Request, state: str = "", code: str = "", error: str = "", iss: str | None = None
) -> Response:
    """The provider has sent the browser back: signs it in, or says why not."""
    held = context(request)
    next_ = ""
    try:
        provider = _provider(request)
        attempt = _opened(request.cookies.get(ATTEMPT_COOKIE, ""))
        if attempt is None or not hmac.compare_digest(attempt.state.encode(), state.encode()):
            th = "การลงชื่อเข้าใช้นี้ไม่ได้เริ่มจากเบราว์เซอร์นี้ โปรดเริ่มใหม่"
            en = "this sign-in was not begun in this browser; please begin again"
            raise Refused("oidc-state", th, en, 400)
        next_ = attempt.next
        if attempt.began_us + ATTEMPT_FOR < held.clock.now_us():
            th, en = (
                "การลงชื่อเข้าใช้หมดเวลาแล้ว โปรดเริ่มใหม่",
                "the sign-in has run out; please begin again",
            )
            raise Refused("oidc-expired", th, en, 401)
        # RFC 9207: an answer of another provider than the one that was asked
        if error or not code or (iss is not None and iss != provider.section.issuer):
            th = "ไม่ได้ลงชื่อเข้าใช้ที่ระบบของกระทรวง โปรดเริ่มใหม่"
            en = "the ministry's sign-in was not completed; please begin again"
            raise Refused("oidc-cancelled", th, en, 401)
        claims = await provider.finish(held.clock, attempt, code)
        async with held.database.writing() as connection:
            account, ended = await outsiders.account_of(
                connection, held.clock, provider.section, held.config.agency.keys(), claims
            )
        cookies.tell(request, ended)
    except Refused as refused:
        response = _shown(request, refused, next_)
    else:
        response = RedirectResponse(cookies.onward(account, next_), 303)
        await cookies.begin(request, response, account)
    response.delete_cookie(ATTEMPT_COOKIE, path=_PATH)
    return response


def _provider(request: Request) -> Provider:
    provider = context(request).oidc
    if provider is None:
        th, en = "ระบบนี้ไม่ได้เปิดใช้การลงชื่อเข้าใช้ของกระทรวง", "no other sign-in is set up here"
        raise Refused("oidc-off", th, en, 404)
    return provider


def _shown(request: Request, refused: Refused, next_: str) -> Response:
    """The sign-in page again, with what went wrong."""
    section = context(request).config.oidc
    said = refused.en if language_of(request) == "en" else refused.th
    return render(
        request, "signin/sign_in.html", status_code=refused.status, problem=said,
        next=cookies.inside(next_), oidc=section if section.issuer else None,
    )  # fmt: skip


def _sealed(attempt: Attempt) -> str:
    body = base64.urlsafe_b64encode(json.dumps(astuple(attempt)).encode()).decode()
    return f"{body}.{_seal(body)}"


def _opened(text: str) -> Attempt | None:
    body, _, seal = text.partition(".")
    if not hmac.compare_digest(_seal(body).encode(), seal.encode()):
        return None
    return Attempt(*json.loads(base64.urlsafe_b64decode(body)))


def _seal(body: str) -> str:
    return hmac.new(_KEY, body.encode(), hashlib.sha256).hexdigest()
