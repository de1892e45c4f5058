"""The catalogue of subjects: read by all of the hotline, edited by administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from crm_bridge.access.account import Account
from crm_bridge.access.roles import CENTRAL, Role
from crm_bridge.cases import subjects
from crm_bridge.web import etags
from crm_bridge.web.context import context
from crm_bridge.web.policy import who
from crm_bridge.web.subjects.schemas import (
    HeadingOut,
    NewSubject,
    ServiceName,
    SubjectEdit,
    SubjectId,
    SubjectOut,
)

router = APIRouter(prefix="/api/v1/subjects", tags=["subjects"])

Central = Annotated[Account, who(*sorted(CENTRAL))]
Administrator = Annotated[Account, who(Role.ADMINISTRATOR)]


@router.get("", summary="The catalogue of subjects")
async def catalogue(
    request: Request,
    me: Central,
    service: ServiceName | None = None,
    unused: Annotated[bool, Query(description="also what is out of use")] = False,
) -> list[HeadingOut]:
    """Headings in their order, each with the subjects below it."""
    async with context(request).database.reading() as connection:
        found = await subjects.catalogue(connection, service=service, unused=unused)
    return [HeadingOut.whole(heading) for heading in found]


@router.post("", status_code=201, summary="Add a subject")
async def add(
    request: Request, response: Response, me: Administrator, given: NewSubject
) -> SubjectOut:
    """Behind its neighbours."""
    held = context(request)
    async with held.database.writing() as connection:
        made = await subjects.add(connection, held.clock, **given.model_dump())
    etags.give(response, made.version)
    return SubjectOut.of(made)


@router.get("/{subject_id}", summary="One subject")
async def one(
    request: Request, response: Response, me: Central, subject_id: SubjectId
) -> SubjectOut:
    """In use or not."""
    async with context(request).database.reading() as connection:
        found = await subjects.find(connection, subject_id)
    etags.give(response, found.version)
    return SubjectOut.of(found)


@router.put("/{subject_id}", summary="Change a subject, or put it out of use")
async def change(
    request: Request,
    response: Response,
    me: Administrator,
    subject_id: SubjectId,
    given: SubjectEdit,
) -> SubjectOut:
    """Names the version it is based on (If-Match)."""
    held = context(request)
    based_on = etags.seen(request)
    async with held.database.writing() as connection:
        before = await subjects.find(connection, subject_id)
        etags.check(based_on, before.version)
        changed = await subjects.change(connection, held.clock, subject_id, **given.model_dump())
    etags.give(response, changed.version)
    return SubjectOut.of(changed)
