"""Signing in and out, and the language."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from sqlalchemy import update

from crm_bridge.access import accounts, sessions
from crm_bridge.access.account import Account
from crm_bridge.records.desk_tables.accounts import accounts as table
from crm_bridge.web.context import context
from crm_bridge.web.navigation import home
from crm_bridge.web.pages import render
from crm_bridge.web.policy import EVERYONE, OPEN, known, who
from crm_bridge.web.signin import cookies

router = APIRouter()


class Credentials(BaseModel):
    """What a person signs in with."""

    login: str = Field(max_length=200)
    password: str = Field(max_length=1000)
    next: str = Field("", max_length=2000, description="the page to go on to")


class Begun(BaseModel):
    """Where the person goes on."""

    next: str


class Language(BaseModel):
    """The language of the screens."""

    language: Literal["th", "en"]


@router.get("/", include_in_schema=False, dependencies=[OPEN])
async def front(request: Request) -> RedirectResponse:
    """Everybody's own first page."""
    account = await known(request)
    return RedirectResponse(home(account) if account else "/sign-in", 303)


@router.get("/sign-in", include_in_schema=False, dependencies=[OPEN])
async def sign_in_page(request: Request, next: str = "") -> Response:  # its name in the URL
    """The sign-in page; who is signed in goes on."""
    account = await known(request)
    if account is not None:
        return RedirectResponse(cookies.onward(account, next), 303)
    section = context(request).config.oidc
    return render(
        request, "signin/sign_in.html", next=cookies.inside(next), problem=None,
        oidc=section if section.issuer else None,
    )  # fmt: skip


@router.post("/api/v1/sign-in", summary="Sign a browser in", dependencies=[OPEN], tags=["account"])
async def sign_in(request: Request, response: Response, given: Credentials) -> Begun:
    """Begins a session; its cookie is HttpOnly, SameSite=Lax, and Secure over TLS."""
    held = context(request)
    origin = cookies.address(request)
    held.throttle.enter(held.clock, origin)
    account = await accounts.sign_in(held.database, held.clock, given.login, given.password)
    held.throttle.succeeded(origin)
    await cookies.begin(request, response, account)
    return Begun(next=cookies.onward(account, given.next))


@router.post(
    "/api/v1/sign-out", summary="End this browser's session", status_code=204, tags=["account"]
)
async def sign_out(
    request: Request, response: Response, me: Annotated[Account, who(*EVERYONE, before_change=True)]
) -> None:
    """Ends the session; its open pages are told."""
    held = context(request)
    session = request.state.session
    if session is not None:
        async with held.database.writing() as connection:
            await sessions.end(connection, held.clock, session.id)
        cookies.tell(request, [session.id])
    cookies.clear(request, response)


@router.put("/api/v1/language", summary="The language of the screens", status_code=204,
            dependencies=[OPEN], tags=["account"])  # fmt: skip
async def language(request: Request, response: Response, given: Language) -> None:
    """Kept with the account, and in a cookie for the sign-in page."""
    held = context(request)
    account = await known(request)
    if account is not None:
        async with held.database.writing() as connection:
            await connection.execute(
                update(table).where(table.c.id == account.id).values(language=given.language)
            )
    cookies.speak(request, response, given.language)
