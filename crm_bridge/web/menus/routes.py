"""The page of the menus: what leads where, how many went there on a day, where they gave up."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from crm_bridge.access.account import Account
from crm_bridge.records.figures_walk import whole
from crm_bridge.reports.dashboards import menu_flow
from crm_bridge.reports.menu_tree import picture
from crm_bridge.web.context import context
from crm_bridge.web.figures.asked import period_of
from crm_bridge.web.figures.readers import READERS
from crm_bridge.web.figures.view import body_of, columns_of
from crm_bridge.web.pages import render
from crm_bridge.web.policy import who
from crm_bridge.written import office_time
from ivr.menu.tree import MenuFault, Tree, read
from ivr.prompts.catalogue import dialplan_directory

router = APIRouter(include_in_schema=False)


@router.get("/admin/menu")
async def menu_page(
    request: Request,
    me: Annotated[Account, who(*READERS)],
    day: Annotated[date | None, Query(description="yesterday where none is given")] = None,
) -> HTMLResponse:
    """The tree as a picture and as a list, and the ways of the day's callers through it."""
    held = context(request)
    yesterday = office_time(held.clock.now_us()).date() - timedelta(days=1)
    period = period_of(yesterday, day, None)
    file = held.config.line.menu or dialplan_directory() / "menu.toml"
    tree, faults = await asyncio.to_thread(_read, file)
    async with held.database.reading() as connection:
        ways = await menu_flow.ways(connection, period)
        counted = await whole(connection)
    return render(
        request, "menus/menus.html", day=period.first, yesterday=yesterday, file=file,
        faults=faults, tree=picture(tree, ways, held.config),
        flow=menu_flow.of_days(ways, period) if ways else None, whole=counted,
        body_of=body_of, columns_of=columns_of,
    )  # fmt: skip


def _read(file: Path) -> tuple[Tree | None, list[MenuFault]]:
    try:
        return read(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        return None, [MenuFault(1, f"cannot be read: {error}", "see line.menu in hotline.toml")]
