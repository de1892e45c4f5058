"""Pages of other CRMs: how they stand, what failed to reach them, one entry and its mend."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.connectors import registry
from crm_bridge.delivery import outbox
from crm_bridge.delivery.outbox import Entry, State
from crm_bridge.delivery.preview import Preview, preview
from crm_bridge.errors import ConfigMistake
from crm_bridge.web import paging
from crm_bridge.web.connectors import view, words
from crm_bridge.web.connectors.schemas import Name, Seq
from crm_bridge.web.context import Context, context
from crm_bridge.web.pages import fragment, language_of, render
from crm_bridge.web.policy import who

router = APIRouter(include_in_schema=False, prefix="/admin/connectors")

Overseer = Annotated[Account, who(Role.ADMINISTRATOR, Role.SUPERVISOR)]
ROWS: Final = 50
_SHARED: Final[dict[str, Any]] = {
    "stands": view.STANDS,
    "entered": words.ENTERED,
    "faults": words.FAULTS,
    "unknown_fault": words.UNKNOWN_FAULT,
    "decided": words.DECIDED,
    "statuses": words.STATUSES,
    "scopes": words.SCOPES,
}


@router.get("")
async def connectors_page(request: Request, me: Overseer) -> HTMLResponse:
    """Every other CRM and how it stands; without any, how one is added."""
    held = context(request)
    async with held.database.reading() as connection:
        found = await view.crms(connection, held)
    return render(
        request, "connectors/list.html", crms=found, now=held.clock.now_us() // 1000, **_SHARED
    )


@router.get("/standing")
async def standing(request: Request, me: Overseer, name: str = "") -> HTMLResponse:
    """How they stand (or the one), alone: the page asks for it every few seconds."""
    held = context(request)
    async with held.database.reading() as connection:
        found = (
            [await view.crm(connection, held, name)] if name else await view.crms(connection, held)
        )
    body = fragment(
        "connectors/standing.html", language_of(request), crms=found, alone=bool(name), **_SHARED
    )
    return HTMLResponse(body, headers={"Cache-Control": "no-store"})


@router.get("/{name}")
async def connector_page(
    request: Request, me: Overseer, name: Name, state: str = "", cursor: paging.Cursor = None
) -> HTMLResponse:
    """One CRM and what goes to it; what failed first."""
    held = context(request)
    key = paging.decode(cursor, int)
    async with held.database.reading() as connection:
        crm = await view.crm(connection, held, name)
        states = [one.value for one in State]
        chosen = State(state if state in states else "dead" if crm.count.dead else "waiting")
        found = await outbox.listed(
            connection, name, (chosen,), after=key[0] if key else None, limit=ROWS + 1
        )
        rows = await view.lines(connection, me, found[:ROWS])
    return render(
        request, "connectors/crm.html", crm=crm, rows=rows, state=chosen, first=key is None,
        next=paging.encode([rows[-1].entry.seq]) if len(found) > ROWS else None,
        now=held.clock.now_us() // 1000, **_SHARED,
    )  # fmt: skip


@router.get("/{name}/{seq}")
async def entry_page(request: Request, me: Overseer, name: Name, seq: Seq) -> HTMLResponse:
    """One entry: what would be sent now, what was tried, what stands there."""
    held = context(request)
    async with held.database.reading() as connection:
        crm = await view.crm(connection, held, name)
        found = await view.whole(connection, me, name, seq)
        shown, mistake = await _preview(connection, held, found.line.entry)
    return render(
        request, "connectors/entry.html", crm=crm, found=found, line=found.line,
        entry=found.line.entry, preview=shown, mistake=mistake,
        may_mend=me.role is Role.ADMINISTRATOR and found.line.entry.state in ("dead", "waiting"),
        now=held.clock.now_us() // 1000, **_SHARED,
    )  # fmt: skip


async def _preview(
    connection: AsyncConnection, held: Context, entry: Entry
) -> tuple[Preview | None, str | None]:
    """What would be sent, or why that cannot be said."""
    section = held.config.connector.get(entry.connector)
    if section is None:
        return None, None
    try:
        mapping = registry.mapping_of(section)
    except ConfigMistake as mistake:
        return None, str(mistake)
    return await preview(connection, held.config, section, mapping, entry), None
