"""What was not heard of the lines: which minutes and calls, what filled them, what is unknown."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.reconciling.gap_book import line_gaps_of
from crm_bridge.reconciling.words import BOOKS, CAUSES, NO_CALLS, NOT_READ, NOTHING_YET
from crm_bridge.web.context import context
from crm_bridge.web.pages import render
from crm_bridge.web.policy import who

router = APIRouter(include_in_schema=False)

READERS: Final = (Role.ADMINISTRATOR, Role.SUPERVISOR, Role.DIRECTOR, Role.AUDITOR)
_SHOWN: Final = 8
"""Calls of one gap that are named; the others are folded."""
_MOST: Final = 200
"""Gaps of one page."""


@router.get("/admin/gaps")
async def gaps_page(
    request: Request,
    me: Annotated[Account, who(*READERS)],
    days: Annotated[int, Query(ge=1, le=366)] = 31,
) -> HTMLResponse:
    """The gaps of the last days, the latest first."""
    held = context(request)
    now = held.clock.now_us()
    since = now - timedelta(days=days) // timedelta(microseconds=1)
    async with held.database.reading() as connection:
        found = await line_gaps_of(connection, since, most=_MOST)
    unknown = {call.call_id for gap in found for call in gap.unknown}
    touched = {call.call_id for gap in found for call in gap.touched}
    books = any(one.cel_file or one.queue_log_file for one in held.config.node)
    return render(
        request, "gaps/gaps.html", gaps=found, days=days, now=now, causes=CAUSES, books=BOOKS,
        nothing_yet=NOTHING_YET, not_read=NOT_READ, no_calls=NO_CALLS, shown=_SHOWN, most=_MOST,
        configured=books,
        touched=len(touched), unknown=len(unknown), links=me.role is not Role.ADMINISTRATOR,
    )  # fmt: skip
