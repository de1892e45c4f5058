"""The bell over the API: what an account is to know of, and that it has seen it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases import bell
from crm_bridge.clock import iso
from crm_bridge.web.cases.schemas import BellOut, NotificationOut, SeenIn, SeenOut
from crm_bridge.web.context import context
from crm_bridge.web.pages import language_of
from crm_bridge.web.policy import who

router = APIRouter(prefix="/api/v1/notifications", tags=["notifications"])


@router.get("", summary="What the bell shows")
async def read(request: Request, me: Annotated[Account, who(*Role)]) -> BellOut:
    """The newest entries of this account, unseen ones first."""
    async with context(request).database.reading() as connection:
        entries = await bell.read(connection, me)
        unseen = await bell.unseen(connection, me)
    english = language_of(request) == "en"
    return BellOut(
        unseen=unseen,
        items=[
            NotificationOut(
                id=e.id,
                kind=e.kind,
                ticket=e.ticket,
                text=e.en if english else e.th,
                made_at=iso(e.made),
                seen=e.seen is not None,
            )
            for e in entries
        ],
    )


@router.post("/seen", summary="Entries were seen")
async def see(request: Request, me: Annotated[Account, who(*Role)], body: SeenIn) -> SeenOut:
    """Those named, or all."""
    held = context(request)
    async with held.database.writing() as connection:
        return SeenOut(seen=await bell.see(connection, held.clock, me, body.ids))
