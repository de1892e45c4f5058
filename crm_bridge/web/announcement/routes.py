"""The page of the emergency message: what is on, how one is put on, and who did so before."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from crm_bridge.desk import announcements
from crm_bridge.desk.announcements import LONGEST
from crm_bridge.web.announcement.api import MAY_ANNOUNCE, Reader
from crm_bridge.web.context import context
from crm_bridge.web.pages import render
from crm_bridge.written import office_time
from ivr.prompts.catalogue import announceable

router = APIRouter(include_in_schema=False)

_HOUR = 3_600_000_000


@router.get("/admin/announcement")
async def announcement_page(request: Request, me: Reader) -> HTMLResponse:
    """Read by those who watch over the line, acted on by those who may announce."""
    held = context(request)
    now = held.clock.now_us()
    kept = held.announcements
    async with held.database.reading() as connection:
        on = await announcements.running(connection, now)
        before = await announcements.page(connection)
    nodes = kept.line.nodes if kept is not None else ()
    return render(
        request, "announcement/announcement.html", on=on, before=before, now=now,
        choices=announcements.choices(kept.shelves if kept is not None else ()),
        texts={prompt.id: prompt for prompt in announceable()},
        nodes=[(node.name, kept is not None and kept.stands_at(node.name)) for node in nodes],
        may=me.role in MAY_ANNOUNCE, line=kept is not None,
        earliest=_field(now), proposed=_field(now + _HOUR),
        latest=_field(now + round(LONGEST.total_seconds()) * 1_000_000),
    )  # fmt: skip


def _field(moment: int) -> str:
    """A moment as a field of date and time holds it, on the office's clock."""
    return f"{office_time(moment):%Y-%m-%dT%H:%M}"
