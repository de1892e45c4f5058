"""Dashboards as files: `/figures/export?report=ID&format=pdf`, with the filters of their pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from crm_bridge.errors import Refused
from crm_bridge.papers.csv_paper import one_csv
from crm_bridge.papers.desk_papers import dashboard_paper, entry_of
from crm_bridge.papers.editions import published_edition
from crm_bridge.papers.paper import MEDIA_TYPES, OFFICE, Form, Paper
from crm_bridge.papers.press import PrintingFailed
from crm_bridge.reports.filters import Filters
from crm_bridge.web.context import Context, context
from crm_bridge.web.figures.asked import Name, asked
from crm_bridge.web.figures.routes import Reader
from crm_bridge.web.pages import language_of

_log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)


@router.get("/figures/export")
async def export(
    request: Request,
    me: Reader,
    filters: Annotated[Filters, Depends(asked)],
    report: Name = "overview",
    form: Annotated[Form, Query(alias="format")] = "pdf",
    sheet: Name = "",
    edition: Literal["office", "published"] = "office",
) -> Response:
    """What a page of figures shows, as a file; `sheet` names one table of it, as plain CSV.

    The published edition may leave the office: nobody is named, small counts are withheld.
    """
    held = context(request)
    entry = entry_of(report)  # a name that is none costs nothing
    if edition == "published" and filters.agent and "agent" in entry.takes:
        raise Refused(
            "names-an-officer",
            "ฉบับเผยแพร่ต้องไม่เป็นของเจ้าหน้าที่คนเดียว",
            "What is published may not be of one officer.",
            422,
        )
    lang = language_of(request)
    paper = await dashboard_paper(
        held.database, held.config, held.clock, report, filters,
        by=(me.name("th"), me.name("en")), lang=lang,
    )  # fmt: skip
    if edition == "published":
        paper = replace(published_edition(paper), made_by=OFFICE)
    if sheet:
        return given(one_csv(paper, sheet), "csv", paper.file_name("csv"))
    made = await printed(held, paper, form)
    kind = "zip" if form == "csv" else form
    return given(made, kind, paper.file_name(kind))


async def printed(held: Context, paper: Paper, form: Form) -> bytes:
    """The paper's bytes; Refused (422, 503) where it is too long, or the press is busy or fails."""
    try:
        return await held.press.print(paper, form)
    except PrintingFailed as fault:
        _log.error("a report was not printed", what=fault.what, where=fault.where)
        raise Refused(
            "printing-failed",
            "จัดทำไฟล์ไม่สำเร็จ โปรดเลือกช่วงเวลาสั้นลงหรือแจ้งผู้ดูแลระบบ",
            "The file could not be made: take fewer days, or tell the administrator.",
            503,
        ) from fault


def given(data: bytes, kind: str, name: str) -> Response:
    """A file to be kept by who asked, and by nobody on the way."""
    return Response(
        data,
        media_type=MEDIA_TYPES[kind],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )
