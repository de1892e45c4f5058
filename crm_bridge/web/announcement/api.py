"""The emergency message on the line: put there, taken off, and whether it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.clock import iso
from crm_bridge.desk.announcements import Announcements, Place
from crm_bridge.errors import Refused
from crm_bridge.web.context import Context, context
from crm_bridge.web.policy import who
from ivr.steps.standards import OFFICE_ZONE

router = APIRouter(prefix="/api/v1/announcement", tags=["announcement"])

MAY_READ = (Role.ADMINISTRATOR, Role.SUPERVISOR, Role.DIRECTOR, Role.AUDITOR)
MAY_ANNOUNCE = (Role.ADMINISTRATOR, Role.SUPERVISOR)
Reader = Annotated[Account, who(*MAY_READ)]
Announcer = Annotated[Account, who(*MAY_ANNOUNCE)]


class AnnouncementIn(BaseModel):
    """What callers are to hear from now on."""

    model_config = ConfigDict(extra="forbid")
    prompt: str = Field(max_length=80, pattern=r"^[a-z0-9/-]+$")
    place: Place
    until: datetime = Field(description="the end; without an offset it is Bangkok's time")


class OnLine(BaseModel):
    """One Asterisk, and whether it plays what is wished."""

    node: str
    confirmed: bool


class AnnouncementOut(BaseModel):
    """What callers hear; `prompt` is null where no message is on."""

    prompt: str | None
    place: Place | None
    until: str | None
    begun_at: str | None
    begun_by: str | None
    nodes: list[OnLine]


@router.get("", summary="The emergency message that is on the line")
async def read(request: Request, me: Reader) -> AnnouncementOut:
    """And which Asterisk has said that it plays it."""
    return _out(kept(context(request)))


@router.put("", summary="Put an emergency message on the line, in place of the one that is")
async def put(request: Request, me: Announcer, given: AnnouncementIn) -> AnnouncementOut:
    """Every next caller hears it, until its end, whatever becomes of the bridge."""
    held = kept(context(request))
    until = given.until if given.until.tzinfo else given.until.replace(tzinfo=OFFICE_ZONE)
    await held.begin(me.name_th, given.prompt, given.place, round(until.timestamp() * 1_000_000))
    return _out(held)


@router.delete("", summary="Take the emergency message off the line")
async def take_off(request: Request, me: Announcer) -> AnnouncementOut:
    """The next caller does not hear it."""
    held = kept(context(request))
    await held.end(me.name_th)
    return _out(held)


def kept(held: Context) -> Announcements:
    """What keeps the message; Refused (503) where pages are served without a bridge."""
    if held.announcements is None:
        raise Refused("line-not-connected", "ระบบโทรศัพท์ยังไม่เชื่อมต่อ", "there is no line here", 503)
    return held.announcements


def _out(held: Announcements) -> AnnouncementOut:
    found = held.on()
    return AnnouncementOut(
        prompt=found.prompt if found else None,
        place=found.place if found else None,
        until=iso(found.until_us) if found else None,
        begun_at=iso(found.begun_us) if found else None,
        begun_by=found.begun_by if found else None,
        nodes=[
            OnLine(node=node.name, confirmed=held.stands_at(node.name)) for node in held.line.nodes
        ],
    )
