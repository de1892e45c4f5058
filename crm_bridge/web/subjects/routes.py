"""The administrator's page of the catalogue of subjects."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases import subjects
from crm_bridge.cases.subjects import SERVICES
from crm_bridge.web.context import context
from crm_bridge.web.pages import render
from crm_bridge.web.policy import who

router = APIRouter(include_in_schema=False)


@router.get("/admin/subjects")
async def subjects_page(
    request: Request, me: Annotated[Account, who(Role.ADMINISTRATOR)]
) -> HTMLResponse:
    """The whole catalogue, each entry a line that is edited where it stands."""
    async with context(request).database.reading() as connection:
        found = await subjects.catalogue(connection, unused=True)
    opened = request.query_params.get("open", "")
    return render(request, "subjects/list.html", catalogue=found, services=SERVICES, opened=opened)
