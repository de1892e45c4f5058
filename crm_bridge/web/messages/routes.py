"""The page of messages that went out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.outgoing import messages
from crm_bridge.outgoing.messages import parts
from crm_bridge.web import paging
from crm_bridge.web.context import context
from crm_bridge.web.pages import render
from crm_bridge.web.policy import who

router = APIRouter(include_in_schema=False)

ROWS = 50
TABS = {"": (), "dead": ("dead",), "waiting": ("waiting",), "sent": ("sent",)}


@router.get("/admin/messages")
async def messages_page(
    request: Request,
    me: Annotated[Account, who(Role.ADMINISTRATOR, Role.SUPERVISOR)],
    state: str = "",
    cursor: paging.Cursor = None,
) -> HTMLResponse:
    """What went out, what waits, what could not go and can be sent again."""
    held = context(request)
    key = paging.decode(cursor, int)
    state = state if state in TABS else ""
    async with held.database.reading() as connection:
        found = await messages.listed(
            connection, states=TABS[state], before=key[0] if key else None, limit=ROWS + 1
        )
        counts = await messages.counts(connection)
    rows = found[:ROWS]
    return render(
        request,
        "messages/list.html",
        rows=rows,
        counts=counts,
        state=state,
        parts=parts,
        to_files=[
            name
            for name, section in (("sms", held.config.messages), ("email", held.config.mail))
            if section.gateway == "file"
        ],
        next=paging.encode([rows[-1].seq]) if len(found) > ROWS else None,
    )
