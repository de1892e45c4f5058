"""The plan of shifts: a week on a page, a file, and the same over the API."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field, RootModel
from python_multipart.exceptions import MultipartParseError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases import calendars
from crm_bridge.cases.working_days import office_day, start_of
from crm_bridge.errors import Refused
from crm_bridge.figures.forms import AGENTS
from crm_bridge.planning import shift_file, shifts
from crm_bridge.planning.shift import AGENT, clock_text, monday_of, parts_text, refused_agent
from crm_bridge.reports import adherence
from crm_bridge.reports.catalogue import CATALOGUE
from crm_bridge.reports.forecast_source import works_in
from crm_bridge.reports.metrics import METRICS
from crm_bridge.reports.reading import added_up
from crm_bridge.web import etags
from crm_bridge.web.context import Context, context
from crm_bridge.web.figures.export import given
from crm_bridge.web.figures.readers import READERS
from crm_bridge.web.pages import render
from crm_bridge.web.policy import who

pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1/shifts", tags=["figures"])

PLANNERS: Final = (Role.SUPERVISOR, Role.ADMINISTRATOR)
Reader = Annotated[Account, who(*READERS)]
Planner = Annotated[Account, who(*PLANNERS)]
Week = Annotated[date, Path(description="any day of the week")]

_SEEN: Final = timedelta(days=56)
"""Officers who worked or sat at the desk since are offered a row."""
_EARLIEST: Final = date(2000, 1, 3)
_LATEST: Final = date(2200, 12, 29)
_Cell = Annotated[str, Field(max_length=200)]

_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


class WeekIn(RootModel[dict[str, _Cell]]):
    """`AGENT/DAY` → `08:30-12:00 13:00-16:30`; all of the week."""


class CopyIn(BaseModel):
    """Which week is to be copied."""

    model_config = ConfigDict(extra="forbid")
    of: date = Field(description="any day of it")


class ShiftOut(BaseModel):
    """A part of an officer's day; the end is not of it, `24:00` is midnight."""

    day: date
    agent: str
    begins: str
    ends: str


class WeekOut(BaseModel):
    """A week's plan; its version is the ETag."""

    monday: date
    version: int
    shifts: list[ShiftOut]


class TakenOut(BaseModel):
    """What a file brought."""

    shifts: int
    days: int
    weeks: int


@pages.get("/figures/shifts")
async def shifts_page(
    request: Request,
    me: Reader,
    week: Annotated[date | None, Query()] = None,
    add: Annotated[str, Query(max_length=40)] = "",
) -> HTMLResponse:
    """A week, a row for each officer; those of lately too, and one to be added."""
    held = context(request)
    now = held.clock.now_us()
    today = office_day(now)
    monday = _monday(week or today)
    days = [monday + timedelta(days=n) for n in range(7)]
    add = add.strip()
    if add and AGENT.fullmatch(add) is None:
        raise refused_agent(add)
    async with held.database.reading() as connection:
        found = await shifts.between(connection, days[0], days[-1])
        version = await shifts.version_of(connection, monday)
        since = start_of(today - _SEEN)
        names = await shifts.known_names(connection, since)
        worked = await added_up(connection, AGENTS, ("agent",), since=since, spans=False)
        kept = await adherence.of_days(connection, days[0], days[-1], now)
        calendar = await calendars.current(connection, held.clock)
    may_edit = me.role in PLANNERS
    seen = {*names, *(str(agent) for (agent,) in worked)} if may_edit else set()
    agents = sorted({*(s.agent for s in found), *seen, *([add] if add and may_edit else [])})
    works = works_in(calendar)
    return render(
        request, "shifts/shifts.html", monday=monday, days=days, version=version, agents=agents,
        names=names, add=add, may_edit=may_edit, catalogue=CATALOGUE, today=today,
        cells={(a, d): parts_text(s for s in found if s.agent == a and s.day == d)
               for a in agents for d in days},
        there={d: len({s.agent for s in found if s.day == d}) for d in days},
        hours={d: sum(s.hours for s in found if s.day == d) for d in days},
        week_hours={a: sum(s.hours for s in found if s.agent == a) for a in agents},
        closed={d for d in days if not works(d)}, special=calendar.days, kept=kept,
        before=monday - shifts.WEEK, after=monday + shifts.WEEK, adherence=METRICS["adherence"],
    )  # fmt: skip


@pages.get("/figures/shifts/file")
async def shifts_file(request: Request, me: Reader, week: date) -> Response:
    """A week as CSV."""
    monday = _monday(week)
    found = await _week(context(request), monday)
    return given(shift_file.written(found.shifts).encode(), "csv", f"1203-shifts-{monday}.csv")


@api.get("/{week}", summary="A week's plan of shifts")
async def read(request: Request, response: Response, me: Reader, week: Week) -> WeekOut:
    """By day and officer."""
    monday = _monday(week)
    found = await _week(context(request), monday)
    etags.give(response, found.version)
    return _out(monday, found)


@api.put("/{week}", summary="Replace a week's plan (If-Match)")
async def write(
    request: Request, response: Response, me: Planner, week: Week, body: WeekIn
) -> WeekOut:
    """All of it, or nothing where one of the times cannot be read."""
    held, monday = context(request), _monday(week)
    seen = etags.seen(request)
    async with held.database.writing() as connection:
        await shifts.set_week(
            connection, held.clock, me, monday=monday, based_on=seen, written=body.root
        )
    found = await _week(held, monday)
    etags.give(response, found.version)
    return _out(monday, found)


@api.post("/{week}/copy", summary="Copy another week into this one (If-Match)")
async def copy(
    request: Request, response: Response, me: Planner, week: Week, body: CopyIn
) -> WeekOut:
    """What was planned here is replaced."""
    held, monday = context(request), _monday(week)
    seen = etags.seen(request)
    async with held.database.writing() as connection:
        await shifts.copy_week(
            connection, held.clock, me, monday=monday, based_on=seen, of=_monday(body.of)
        )
    found = await _week(held, monday)
    etags.give(response, found.version)
    return _out(monday, found)


@api.post("/file", summary="Take shifts in from a CSV file", openapi_extra=_BODY)
async def take_in(request: Request, me: Planner) -> TakenOut:
    """Columns agent, day, from, to; the file is the whole plan of the days it names."""
    try:
        form = await request.form(max_files=1, max_fields=4)
    except (HTTPException, MultipartParseError):
        raise _no_file() from None
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise _no_file()
        data = await file.read(shift_file.LARGEST + 1)
    finally:
        await form.close()
    found = shift_file.read(data)
    days = {shift.day for shift in found}
    held = context(request)
    async with held.database.writing() as connection:
        weeks = await shifts.replace_days(connection, held.clock, me, found, days)
    return TakenOut(shifts=len(found), days=len(days), weeks=weeks)


class _Week:
    """A week as it is kept."""

    def __init__(self, found: list[Any], version: int) -> None:
        self.shifts, self.version = found, version


async def _week(held: Context, monday: date) -> _Week:
    async with held.database.reading() as connection:
        found = await shifts.between(connection, monday, monday + timedelta(days=6))
        version = await shifts.version_of(connection, monday)
    return _Week(found, version.version)


def _out(monday: date, found: _Week) -> WeekOut:
    return WeekOut(
        monday=monday,
        version=found.version,
        shifts=[
            ShiftOut(
                day=s.day, agent=s.agent, begins=clock_text(s.from_minute),
                ends=clock_text(s.to_minute),
            )
            for s in found.shifts
        ],
    )  # fmt: skip


def _monday(day: date) -> date:
    if not _EARLIEST <= day <= _LATEST:
        raise Refused("no-such-days", "ไม่มีวันเหล่านั้น", "there are no such days", 422)
    return monday_of(day)


def _no_file() -> Refused:
    what = ("โปรดเลือกไฟล์ CSV หนึ่งไฟล์", "choose one CSV file")
    return Refused("file-missing", *what, 422, {"file": what})
