"""The administrator's pages of accounts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from crm_bridge.access import administration, sessions
from crm_bridge.access.account import Account
from crm_bridge.access.roles import NAMES, OUTSIDE, Role
from crm_bridge.web import paging
from crm_bridge.web.accounts import directory
from crm_bridge.web.context import context
from crm_bridge.web.pages import render
from crm_bridge.web.policy import who
from crm_bridge.web.signin.agents import browser_name
from crm_bridge.web.signin.schemas import PLAIN, Id

router = APIRouter(include_in_schema=False)

Admin = Annotated[Account, who(Role.ADMINISTRATOR)]
ROWS = 50


@router.get("/admin/accounts")
async def accounts_page(
    request: Request,
    me: Admin,
    q: Annotated[str, Query(max_length=100, pattern=PLAIN)] = "",
    role: str = "",
    active: str = "",
    cursor: paging.Cursor = None,
) -> HTMLResponse:
    """The accounts, and a form for a new one."""
    held = context(request)
    after = paging.decode(cursor, str)
    async with held.database.reading() as connection:
        found = await administration.listing(
            connection, held.clock, text=q, role=Role(role) if role in set(Role) else None,
            active={"yes": True, "no": False}.get(active), after=after[0] if after else None,
            limit=ROWS + 1,
        )  # fmt: skip
    rows = found[:ROWS]
    return render(
        request, "accounts/list.html", rows=rows, names=NAMES, q=q, role=role, active=active,
        outside=OUTSIDE, agencies=directory.choices(held.config), config=held.config,
        next=paging.encode([rows[-1].account.login]) if len(found) > ROWS else None,
        first=not after,
    )  # fmt: skip


@router.get("/admin/accounts/{account_id}")
async def account_page(request: Request, me: Admin, account_id: Id) -> HTMLResponse:
    """One account: what it is, what can be done with it, where it is signed in."""
    held = context(request)
    async with held.database.reading() as connection:
        entry = await administration.entry(connection, held.clock, account_id)
        browsers = await sessions.live(connection, held.clock, account_id)
    return render(
        request, "accounts/one.html", entry=entry, account=entry.account, browsers=browsers,
        names=NAMES, outside=OUTSIDE, agencies=directory.choices(held.config), config=held.config,
        browser_name=browser_name,
    )  # fmt: skip
