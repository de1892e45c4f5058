"""Expected calls and officers: the page, its files, and the same as JSON; days of a campaign."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases.working_days import office_day
from crm_bridge.papers.paper import Form, Paper
from crm_bridge.planning import campaigns
from crm_bridge.reports.catalogue import CATALOGUE
from crm_bridge.reports.forecast_json import as_json
from crm_bridge.reports.forecast_sheets import (
    KINDS,
    charts,
    day_words,
    days_sheet,
    file_sheets,
    half_hours_sheet,
    paper_charts,
    paper_sheets,
)
from crm_bridge.reports.forecasting import Asked, Forecast
from crm_bridge.reports.period import Period
from crm_bridge.web.context import Context, context
from crm_bridge.web.figures.export import given, printed
from crm_bridge.web.figures.readers import READERS
from crm_bridge.web.figures.view import body_of, columns_of
from crm_bridge.web.forecast.question import Question, asked_of, question
from crm_bridge.web.pages import language_of, render
from crm_bridge.web.policy import who

pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1/forecast", tags=["figures"])
campaign_api = APIRouter(prefix="/api/v1/campaign-days", tags=["figures"])

PLANNERS: Final = (Role.SUPERVISOR, Role.ADMINISTRATOR)
Reader = Annotated[Account, who(*READERS)]
Planner = Annotated[Account, who(*PLANNERS)]
Day = Annotated[date, Path(description="a day of the office's calendar")]


class CampaignIn(BaseModel):
    """What comes on a day."""

    model_config = ConfigDict(extra="forbid")
    name_th: str = Field(max_length=200)
    name_en: str = Field("", max_length=200)
    factor: float = Field(description="so many times the calls of a usual day", allow_inf_nan=False)


class CampaignOut(BaseModel):
    """A day of a campaign."""

    day: date
    name_th: str
    name_en: str
    factor: float
    version: int


@pages.get("/figures/forecast")
async def forecast_page(request: Request, me: Reader) -> HTMLResponse:
    """A week ahead, or the days asked for."""
    held = context(request)
    asked_for = question(request)
    found = await _make(held, asked_for.asked(held))
    as_usual = found.asked.as_usual
    usual = None if as_usual == found.asked else await _make(held, as_usual)
    async with held.database.reading() as connection:
        named = await campaigns.every(connection)
    shown = next((d for d in found.days if d.day == asked_for.day), None)
    if shown is None:
        busy = [d for d in found.days if d.outcome is not None] or found.days
        shown = busy[0]
    return render(
        request, "forecast/forecast.html", found=found, asked=found.asked, shown=shown,
        charts=charts(found), days=days_sheet(found), usual=usual,
        half_hours=half_hours_sheet(found, (shown,), short=True),
        queues=sorted(held.config.queue), campaigns=named, may_edit=me.role in PLANNERS,
        kinds=KINDS, day_words=day_words, body_of=body_of, columns_of=columns_of,
        catalogue=CATALOGUE, today=office_day(held.clock.now_us()),
    )  # fmt: skip


@pages.get("/figures/forecast/file")
async def forecast_file(
    request: Request, me: Reader, form: Annotated[Form, Query(alias="format")] = "pdf"
) -> Response:
    """The same as a file: by the day, and every half-hour."""
    held = context(request)
    found = await _make(held, asked_of(request))
    lang = language_of(request)
    paper = Paper(
        "forecast",
        ("พยากรณ์สายและกำลังคน", "Forecast of calls and officers"),
        lang,
        Period(found.asked.first, found.asked.last),
        paper_sheets(found) if form == "pdf" else file_sheets(found),
        held.clock.now_us(),
        (me.name("th"), me.name("en")),
        whole=found.whole,
        charts=paper_charts(found, lang),
    )
    kind = "zip" if form == "csv" else form
    return given(await printed(held, paper, form), kind, paper.file_name(kind))


@api.get("", summary="Expected calls by half-hour, and the officers they need")
async def forecast_json(
    request: Request, me: Reader, asked_for: Annotated[Question, Query()]
) -> dict[str, Any]:
    """Calls are queue passages to be served; seconds, shares from 0 to 1; half-hours from 0."""
    held = context(request)
    return as_json(await _make(held, asked_for.asked(held)))


@campaign_api.get("", summary="Days of a campaign, the latest first")
async def campaign_days(request: Request, me: Reader) -> list[CampaignOut]:
    """Those to come and those that are over."""
    async with context(request).database.reading() as connection:
        return [CampaignOut(**asdict(one)) for one in await campaigns.every(connection)]


@campaign_api.put("/{day}", summary="Name a campaign on a day")
async def set_campaign(request: Request, me: Planner, day: Day, body: CampaignIn) -> CampaignOut:
    """Forecasts raise the day by the factor; when it is over they do not learn of it."""
    held = context(request)
    async with held.database.writing() as connection:
        made = await campaigns.set_day(connection, held.clock, me, day=day, **body.model_dump())
    return CampaignOut(**asdict(made))


@campaign_api.delete("/{day}", status_code=204, summary="Take a campaign back")
async def take_back_campaign(request: Request, me: Planner, day: Day) -> None:
    """The day is as its kind again."""
    async with context(request).database.writing() as connection:
        await campaigns.take_back(connection, day)


async def _make(held: Context, asked: Asked) -> Forecast:
    return await held.forecasts.make(held.database, held.config, held.clock, asked)
