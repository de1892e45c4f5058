"""The reasons for a pause: read by those of the line, edited by administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.desk import pause_reasons
from crm_bridge.desk.pause_reasons import PauseReason
from crm_bridge.web import etags
from crm_bridge.web.context import context
from crm_bridge.web.policy import who

router = APIRouter(prefix="/api/v1/pause-reasons", tags=["agents"])

Administrator = Annotated[Account, who(Role.ADMINISTRATOR)]
Reader = Annotated[Account, who(Role.AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR)]
Code = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[a-z0-9_-]+$")]
Name = Annotated[str, Field(max_length=60, pattern=r"^[^\u0000-\u001f\u007f]*$")]


class PauseReasonNew(BaseModel):
    """A reason to be added."""

    name_th: Name = ""
    name_en: Name = ""


class PauseReasonEdit(PauseReasonNew):
    """A reason as it is from now on."""

    position: int = Field(0, ge=0, le=10_000, description="place among the others")
    active: bool = True


class PauseReasonOut(BaseModel):
    """A reason; its version is the ETag."""

    code: str
    name_th: str
    name_en: str
    position: int
    active: bool
    version: int

    @classmethod
    def of(cls, one: PauseReason) -> PauseReasonOut:
        """The published form."""
        return cls(
            code=one.code, name_th=one.name_th, name_en=one.name_en, position=one.position,
            active=one.active, version=one.version,
        )  # fmt: skip


@router.get("", summary="The reasons for a pause")
async def every(request: Request, me: Reader) -> list[PauseReasonOut]:
    """In their order, those out of use too."""
    async with context(request).database.reading() as connection:
        return [PauseReasonOut.of(one) for one in await pause_reasons.every(connection)]


@router.post("", status_code=201, summary="Add a reason")
async def add(
    request: Request, response: Response, me: Administrator, given: PauseReasonNew
) -> PauseReasonOut:
    """Behind all others."""
    async with context(request).database.writing() as connection:
        made = await pause_reasons.add(connection, **given.model_dump())
    etags.give(response, made.version)
    return PauseReasonOut.of(made)


@router.put("/{code}", summary="Change a reason, or put it out of use")
async def change(
    request: Request, response: Response, me: Administrator, code: Code, given: PauseReasonEdit
) -> PauseReasonOut:
    """Names the version it is based on (If-Match)."""
    based_on = etags.seen(request)
    async with context(request).database.writing() as connection:
        now = await pause_reasons.change(connection, code, based_on, **given.model_dump())
    etags.give(response, now.version)
    return PauseReasonOut.of(now)
