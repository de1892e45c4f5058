"""The rights of a person: a supervisor asks, an administrator acts."""

from __future__ import annotations

from typing import Annotated, Any, Final

import structlog
from fastapi import APIRouter, Request, Response

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.people import privacy
from crm_bridge.web.context import context
from crm_bridge.web.people.api import tell
from crm_bridge.web.people.schemas import (
    Declined,
    DoRequest,
    NewRequest,
    PersonId,
    RequestOut,
    request_out,
)
from crm_bridge.web.policy import who

_log = structlog.get_logger(__name__)

router = APIRouter(prefix="/api/v1", tags=["people"])

Administrator = Annotated[Account, who(Role.ADMINISTRATOR)]
Asker = Annotated[Account, who(Role.SUPERVISOR, Role.ADMINISTRATOR)]
Overseer = Annotated[Account, who(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR)]

_ZIP: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/zip": {}}, "description": "data.json and record.html"}
}


@router.get("/privacy-requests", summary="Requests that nobody has answered yet")
async def waiting(request: Request, me: Overseer) -> list[RequestOut]:
    """The oldest first: the law gives thirty days."""
    async with context(request).database.reading() as connection:
        return [request_out(act) for act in await privacy.asked(connection)]


@router.get("/people/{person_id}/privacy", summary="What was asked for and done")
async def of_person(request: Request, me: Overseer, person_id: PersonId) -> list[RequestOut]:
    """The newest first; of an erased person too, with what the law kept."""
    async with context(request).database.reading() as connection:
        return [request_out(act) for act in await privacy.acts_of(connection, person_id)]


@router.post("/people/{person_id}/privacy", summary="Ask for a copy or erasure", status_code=201)
async def ask(request: Request, me: Asker, person_id: PersonId, given: NewRequest) -> RequestOut:
    """Asked for already, it is the same request."""
    held = context(request)
    async with held.database.writing() as connection:
        act = await privacy.ask(connection, held.clock, me, person_id, given.kind, given.why)
    return request_out(act)


@router.post("/privacy-requests/{request_id}/decline", summary="Decline a request")
async def decline(
    request: Request, me: Administrator, request_id: PersonId, given: Declined
) -> RequestOut:
    """With the reason that the person is told."""
    held = context(request)
    async with held.database.writing() as connection:
        act = await privacy.decline(connection, held.clock, me, request_id, given.why)
    return request_out(act)


@router.post(
    "/people/{person_id}/export",
    summary="Everything held of a person",
    response_class=Response,
    responses=_ZIP,
)
async def export(
    request: Request, me: Administrator, person_id: PersonId, given: DoRequest
) -> Response:
    """A zip, recorded as given out; it is not kept here."""
    held = context(request)
    async with held.database.writing() as connection:
        act, packed = await privacy.export(
            connection, held.clock, me, person_id, given.why, given.request,
            identity=given.identity,
        )  # fmt: skip
    _log.info("person exported", act=act.id, by=me.id)
    name = f"person-{act.id[:8]}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(packed, media_type="application/zip", headers=headers)


@router.post("/people/{person_id}/erase", summary="Erase a person")
async def erase(
    request: Request, me: Administrator, person_id: PersonId, given: DoRequest
) -> RequestOut:
    """What may be erased is gone for good; the answer names what the law keeps."""
    held = context(request)
    async with held.database.writing() as connection:
        act = await privacy.erase(
            connection, held.clock, me, person_id, given.why, given.request,
            identity=given.identity,
        )  # fmt: skip
    tell(held, person_id)
    _log.info("person erased", act=act.id, by=me.id)
    return request_out(act)
