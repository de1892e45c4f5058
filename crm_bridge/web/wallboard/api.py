"""The wallboard's streams, and the administrator's acts on screens that have nobody at them."""

from __future__ import annotations

from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from crm_bridge.access import wall_screens
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.access.wall_screens import LONGEST_NAME, WallScreen
from crm_bridge.clock import iso
from crm_bridge.errors import Refused
from crm_bridge.web.context import context
from crm_bridge.web.pages import language_of
from crm_bridge.web.policy import OPEN, who
from crm_bridge.web.signin.schemas import Id
from crm_bridge.web.wallboard.looking import (
    SCREEN_COOKIE,
    Lang,
    Looker,
    may_look,
    person_still,
    screen_of,
    screen_still,
)
from crm_bridge.web.wallboard.stream import WallStream

_log = structlog.get_logger(__name__)

router = APIRouter(prefix="/api/v1/wallboard", tags=["wallboard"])

Administrator = Annotated[Account, who(Role.ADMINISTRATOR)]
Name = Annotated[str, Field(max_length=LONGEST_NAME, pattern=r"^[^\u0000-\u001f\u007f]*$")]

_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "events until the session ends"}
}


@router.get(
    "/stream",
    summary="The wallboard, as server-sent events",
    response_class=Response,
    responses=_EVENTS,
)
async def stream(request: Request, me: Looker, lang: Lang = "") -> Response:
    """`state` first, then `change` at most four times a second; `now` every five seconds."""
    held = context(request)
    may_look(held, me)
    session = request.state.session
    return WallStream(
        held.wall, held.clock, lang or language_of(request),
        topics=[f"session:{session.id}"] if session is not None else [],
        still=lambda: person_still(held, request),
    )  # fmt: skip


@router.get(
    "/screen/stream",
    summary="The same for a screen without a person, known by its cookie",
    response_class=Response,
    responses=_EVENTS,
    dependencies=[OPEN],
)
async def screen_stream(request: Request, lang: Lang = "") -> Response:
    """Until the screen is withdrawn."""
    held = context(request)
    secret = request.cookies.get(SCREEN_COOKIE, "")
    screen_id = await screen_of(held, secret)
    return WallStream(
        held.wall, held.clock, lang or language_of(request),
        topics=[wall_screens.topic_of(screen_id)], still=lambda: screen_still(held, secret),
    )  # fmt: skip


class NewScreen(BaseModel):
    """A screen to be made."""

    name: Name = Field(description="where it hangs")


class ScreenOut(BaseModel):
    """A screen, without its secret."""

    id: str
    name: str
    made_at: str
    made_by: str
    seen_at: str | None
    ended_at: str | None
    ended_by: str | None

    @classmethod
    def of(cls, one: WallScreen) -> ScreenOut:
        """The published form."""
        return cls(
            id=one.id, name=one.name, made_at=iso(one.made_us), made_by=one.made_by,
            seen_at=iso(one.seen_us) if one.seen_us is not None else None,
            ended_at=iso(one.ended_us) if one.ended_us is not None else None,
            ended_by=one.ended_by,
        )  # fmt: skip


class ScreenMade(BaseModel):
    """A new screen's address, shown this once."""

    id: str
    name: str
    path: str = Field(description="holds the secret: whoever opens it sees the wallboard")
    address: str = Field(description="the same with the host, as browsers reach the desk")


@router.get("/screens", summary="Screens that show the wallboard with nobody at them")
async def every(request: Request, me: Administrator) -> list[ScreenOut]:
    """Those in use first; withdrawn ones stay on record."""
    async with context(request).database.reading() as connection:
        return [ScreenOut.of(one) for one in await wall_screens.every(connection)]


@router.post("/screens", status_code=201, summary="Make a screen")
async def make(request: Request, me: Administrator, given: NewScreen) -> ScreenMade:
    """Its address is shown this once; it works until the screen is withdrawn."""
    held = context(request)
    async with held.database.writing() as connection:
        made, secret = await wall_screens.make(connection, held.clock, me, given.name)
    _log.info("a wallboard screen was made", screen=made.id, by=me.id)
    path = f"/wallboard/screen/{secret}"
    base = held.config.web.address.rstrip("/") or str(request.base_url).rstrip("/")
    return ScreenMade(id=made.id, name=made.name, path=path, address=base + path)


@router.delete("/screens/{screen_id}", status_code=204, summary="Withdraw a screen")
async def withdraw(request: Request, me: Administrator, screen_id: Id) -> None:
    """It goes dark at once. Refused (404) where none of this id is in use."""
    held = context(request)
    async with held.database.writing() as connection:
        done = await wall_screens.withdraw(connection, held.clock, me, screen_id)
    if not done:
        th, en = "ไม่พบจอที่ใช้งานอยู่นี้", "there is no such screen in use"
        raise Refused("no-such-screen", th, en, 404)
    held.hub.publish(wall_screens.topic_of(screen_id), "ended", {})
    _log.info("a wallboard screen was withdrawn", screen=screen_id, by=me.id)
