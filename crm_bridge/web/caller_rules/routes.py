"""The page of rules by which callers are received: in force, ended, and a new one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from crm_bridge.desk import caller_rules
from crm_bridge.desk.caller_rules import KINDS, LONGEST, LONGEST_REASON, TREATMENTS
from crm_bridge.people import persons
from crm_bridge.web.caller_rules.api import MAY_RULE, PLAIN, Reader
from crm_bridge.web.context import context
from crm_bridge.web.pages import render
from crm_bridge.written import office_time

router = APIRouter(include_in_schema=False)


@router.get("/admin/caller-rules")
async def caller_rules_page(
    request: Request,
    me: Reader,
    person: Annotated[str, Query(max_length=64, pattern=PLAIN)] = "",
) -> HTMLResponse:
    """`person`: whose rule is to be made, where a person's page leads here.

    No number is taken: what stands in an address is kept in logs.
    """
    held = context(request)
    now = held.clock.now_us()
    async with held.database.reading() as connection:
        rules = await caller_rules.page(connection, now)
        ended = await caller_rules.page(connection, now, ended=True, limit=50)
        whose = await persons.get(connection, person) if person else None
    latest = now + round(LONGEST.total_seconds()) * 1_000_000
    return render(
        request, "caller_rules/rules.html", rules=rules, ended=ended, may=me.role in MAY_RULE,
        kinds=KINDS, treatments=TREATMENTS, whose=whose, longest=LONGEST_REASON,
        door=held.config.door, earliest=f"{office_time(now):%Y-%m-%dT%H:%M}",
        latest=f"{office_time(latest):%Y-%m-%dT%H:%M}",
    )  # fmt: skip
