"""The calendar of working days over the API: read by all, changed by an administrator."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases import calendars
from crm_bridge.cases.working_days import Calendar
from crm_bridge.clock import iso
from crm_bridge.errors import Refused
from crm_bridge.web import etags
from crm_bridge.web.context import context
from crm_bridge.web.policy import who

router = APIRouter(prefix="/api/v1/calendar", tags=["calendar"])

_Name = Annotated[str, StringConstraints(max_length=200)]


class DayIn(BaseModel):
    """What a day is, against its weekday or the published calendar."""

    model_config = ConfigDict(extra="forbid")
    closed: bool
    name_th: _Name = Field(description="why, for example the cabinet's resolution")
    name_en: _Name = ""


class DayOut(BaseModel):
    """A day that is not what its weekday says."""

    day: date
    closed: bool
    name_th: str
    name_en: str
    source: str


class CalendarOut(BaseModel):
    """One version of the calendar."""

    version: int
    first: date
    last: date
    days: list[DayOut]


class VersionOut(BaseModel):
    """One version in the list of versions."""

    version: int
    first: date
    last: date
    reason: str
    made_at: str


class ReckonedOut(BaseModel):
    """A limit reckoned: the last day of so many working days."""

    version: int
    start: date
    working_days: int
    last_day: date


def _out(calendar: Calendar) -> CalendarOut:
    return CalendarOut(
        version=calendar.version,
        first=calendar.first,
        last=calendar.last,
        days=[
            DayOut(
                day=s.day, closed=s.closed, name_th=s.name_th, name_en=s.name_en, source=s.source
            )
            for s in sorted(calendar.days.values(), key=lambda s: s.day)
        ],
    )


@router.get("", summary="The calendar in force")
async def read(
    request: Request, response: Response, me: Annotated[Account, who(*Role)]
) -> CalendarOut:
    """Its days that are not what their weekday says."""
    held = context(request)
    async with held.database.reading() as connection:
        found = await calendars.current(connection, held.clock)
    etags.give(response, found.version)
    return _out(found)


@router.get("/versions", summary="Every version, newest first")
async def versions(request: Request, me: Annotated[Account, who(*Role)]) -> list[VersionOut]:
    """Deadlines keep the version they were made by."""
    async with context(request).database.reading() as connection:
        return [
            VersionOut(
                version=v.version, first=v.first, last=v.last, reason=v.reason,
                made_at=iso(v.made_us),
            )
            for v in await calendars.versions(connection)
        ]  # fmt: skip


@router.get("/reckon", summary="The last day of so many working days")
async def reckon(
    request: Request,
    me: Annotated[Account, who(*Role)],
    start: date,
    working_days: Annotated[int, Query(ge=1, le=250)] = 15,
) -> ReckonedOut:
    """Not counting the day itself; by the calendar in force."""
    held = context(request)
    async with held.database.reading() as connection:
        found = await calendars.current(connection, held.clock)
    try:
        last = found.after(start, working_days)
    except (ValueError, OverflowError):
        what = (
            f"ปฏิทินนี้มีวันตั้งแต่ {found.first} ถึง {found.last}",
            f"this calendar holds days from {found.first} to {found.last}",
        )
        raise Refused("day-out-of-range", *what, 422, {"start": what}) from None
    return ReckonedOut(version=found.version, start=start, working_days=working_days, last_day=last)


@router.put("/days/{day}", summary="Close or open a day (If-Match)")
async def set_day(
    request: Request, response: Response, me: Annotated[Account, who(Role.ADMINISTRATOR)],
    day: date, body: DayIn,
) -> CalendarOut:  # fmt: skip
    """In a new version; deadlines already given do not move."""
    held = context(request)
    seen = etags.seen(request)
    async with held.database.writing() as connection:
        made = await calendars.set_day(
            connection, held.clock, me, based_on=seen, day=day, closed=body.closed,
            name_th=body.name_th, name_en=body.name_en,
        )  # fmt: skip
    etags.give(response, made.version)
    return _out(made)


@router.delete("/days/{day}", summary="Take back a day that was set (If-Match)")
async def clear_day(
    request: Request, response: Response, me: Annotated[Account, who(Role.ADMINISTRATOR)],
    day: date,
) -> CalendarOut:  # fmt: skip
    """In a new version."""
    held = context(request)
    seen = etags.seen(request)
    async with held.database.writing() as connection:
        made = await calendars.clear_day(connection, held.clock, me, based_on=seen, day=day)
    etags.give(response, made.version)
    return _out(made)
