"""The calendar of working days as a page: looked at by all, changed by an administrator."""

from __future__ import annotations

import calendar as months
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases import calendars
from crm_bridge.cases.working_days import Calendar, office_day
from crm_bridge.web.context import context
from crm_bridge.web.pages import render
from crm_bridge.web.policy import who
from crm_bridge.written import MONTHS_EN, MONTHS_TH

router = APIRouter(include_in_schema=False)


@router.get("/admin/calendar")
async def calendar_page(
    request: Request,
    me: Annotated[Account, who(Role.ADMINISTRATOR, Role.SUPERVISOR, Role.DIRECTOR, Role.AUDITOR)],
    year: Annotated[int | None, Query(ge=1, le=9999)] = None,
) -> HTMLResponse:
    """A year of the calendar in force, what was set by hand, and the versions."""
    held = context(request)
    today = office_day(held.clock.now_us())
    async with held.database.reading() as connection:
        found = await calendars.current(connection, held.clock)
        made = await calendars.versions(connection)
    shown = min(max(year or today.year, found.first.year), found.last.year)
    return render(
        request, "calendar/calendar.html", calendar=found, versions=made, year=shown, today=today,
        years=range(found.first.year, found.last.year + 1),
        months=[_month(found, shown, n) for n in range(1, 13)],
        days=sorted((s for s in found.days.values() if s.day.year == shown), key=lambda s: s.day),
        may_edit=me.role is Role.ADMINISTRATOR,
    )  # fmt: skip


def _month(found: Calendar, year: int, month: int) -> dict[str, Any]:
    """The weeks of a month, Monday first, each day with its classes."""

    def cell(day: date) -> tuple[date | None, str, str]:
        if day.month != month:
            return None, "", ""
        special = found.days.get(day)
        if special is None:
            return day, "off" if day.weekday() >= 5 else "", ""
        classes = ["closed" if special.closed else "opened"]
        if special.source == "override":
            classes.append("mine")
        return day, " ".join(classes), special.name_th

    weeks = months.Calendar(0).monthdatescalendar(year, month)
    return {
        "th": MONTHS_TH[month - 1],
        "en": MONTHS_EN[month - 1],
        "weeks": [[cell(day) for day in week] for week in weeks],
    }
