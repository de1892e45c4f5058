"""The administrator's page of the reasons for a pause."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.desk import pause_reasons
from crm_bridge.web.context import context
from crm_bridge.web.pages import render
from crm_bridge.web.policy import who

router = APIRouter(include_in_schema=False)


@router.get("/admin/pause-reasons")
async def pause_reasons_page(
    request: Request, me: Annotated[Account, who(Role.ADMINISTRATOR)]
) -> HTMLResponse:
    """Each reason a line that is edited where it stands."""
    async with context(request).database.reading() as connection:
        found = await pause_reasons.every(connection)
    return render(request, "pauses/list.html", reasons=found)
