"""The monthly reports that were made: a list, and their files as they were made."""

from __future__ import annotations

from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, Response

from crm_bridge.cases import calendars
from crm_bridge.cases.working_days import office_day
from crm_bridge.errors import Refused
from crm_bridge.outgoing import messages
from crm_bridge.papers.monthly_rounds import ReportChanged, due_at
from crm_bridge.reports.period import month_of
from crm_bridge.reports.public_sheets import month_words
from crm_bridge.web.context import context
from crm_bridge.web.figures.export import given
from crm_bridge.web.figures.routes import Reader
from crm_bridge.web.pages import render

router = APIRouter(include_in_schema=False)
_log = structlog.get_logger(__name__)

MonthName = Annotated[str, Path(pattern=r"^\d{4}-\d{2}$")]
FileName = Literal["office.pdf", "office.xlsx", "published.pdf"]


@router.get("/figures/reports")
async def reports_page(request: Request, me: Reader) -> HTMLResponse:
    """Every report that was made, the newest first, and when the next one will be."""
    held = context(request)
    made = await held.reports.listed()
    month = month_of(office_day(held.clock.now_us()))
    async with held.database.reading() as connection:
        told = {m.month: await messages.about(connection, "report", m.month) for m in made[:12]}
        calendar = await calendars.current(connection, held.clock)
    settings = held.config.reports
    return render(
        request, "figures/reports.html", made=made, told=told, month_words=month_words,
        month=month, next_at=due_at(month, calendar, settings.working_day), settings=settings,
    )  # fmt: skip


@router.get("/figures/reports/{month}/{name}")
async def report_file(request: Request, me: Reader, month: MonthName, name: FileName) -> Response:
    """A file as it was made. Refused (404; 409 where it is not as it was made)."""
    try:
        data = await context(request).reports.file(month, name)
    except ReportChanged as fault:
        _log.error("a report is not as it was made", what=fault.what, where=fault.where)
        raise Refused(
            "report-changed",
            "ไฟล์รายงานที่เก็บไว้หายหรือถูกแก้ไข โปรดแจ้งผู้ดูแลระบบ",
            "The kept file is gone or was changed: tell the administrator.",
            409,
        ) from fault
    if data is None:
        raise Refused("no-such-report", "ไม่มีรายงานนี้", "There is no such report.", 404)
    return given(data, name.rpartition(".")[2], f"1203-{month}-{name}")
