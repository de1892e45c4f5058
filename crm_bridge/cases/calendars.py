"""The working-day calendar as it is kept: numbered versions, each whole and never changed.

A version is made when an administrator sets or takes back a day, and by itself when the published
days it was built on are others or its years run out. Deadlines keep the version they were made by.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases.working_days import Calendar, SpecialDay, build, office_day, published
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.plain_text import plain_line
from crm_bridge.records.desk_tables.cases import calendar_days, calendar_versions
from ivr.calls.call import Micros

_BACK: Final = 2
_AHEAD: Final = 2
"""A version knows so many whole years before and after the one it is made in."""
_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Version:
    """One version as the list of versions shows it."""

    version: int
    first: date
    last: date
    reason: str
    made_us: Micros
    made_by: str | None


def _years(now: Micros) -> range:
    year = office_day(now).year
    return range(year - _BACK, year + _AHEAD + 1)


def _base(years: Iterable[int]) -> str:
    days = [f"{s.day}" for year in years for s in published(year)]
    return hashlib.sha256("\n".join(days).encode()).hexdigest()


async def read(connection: AsyncConnection, version: int) -> Calendar | None:
    """The calendar of that version, exactly as it was made."""
    head = (
        await connection.execute(
            select(calendar_versions).where(calendar_versions.c.version == version)
        )
    ).one_or_none()
    if head is None:
        return None
    rows = await connection.execute(select(calendar_days).where(calendar_days.c.version == version))
    days = {
        row.day: SpecialDay(row.day, row.closed, row.name_th, row.name_en, row.source)
        for row in rows
    }
    return Calendar(version, head.first_day, head.last_day, days)


async def current(connection: AsyncConnection, clock: Clock) -> Calendar:
    """The newest version; what it would be, as version 0, where none was ever made."""
    newest = await connection.scalar(select(func.max(calendar_versions.c.version)))
    found = await read(connection, newest) if newest is not None else None
    return found or build(0, _years(clock.now_us()))


async def ensure(connection: AsyncConnection, clock: Clock) -> Calendar:
    """The version to reckon a new deadline by; makes one where the newest is out of date.

    Call it in a writing transaction.
    """
    found = await current(connection, clock)
    years = _years(clock.now_us())
    if found.version == 0:
        return await _make(connection, clock, 1, years, [], "published days", None)
    base = await connection.scalar(
        select(calendar_versions.c.base).where(calendar_versions.c.version == found.version)
    )
    if base == _base(years):
        return found
    reason = f"published days of {years[0]}-{years[-1]}"
    return await _make(connection, clock, found.version + 1, years, overrides(found), reason, None)


def overrides(calendar: Calendar) -> list[SpecialDay]:
    """What an administrator set in this version, in order."""
    return sorted(
        (s for s in calendar.days.values() if s.source == "override"), key=lambda s: s.day
    )


async def set_day(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    *,
    based_on: int,
    day: date,
    closed: bool,
    name_th: str,
    name_en: str,
) -> Calendar:
    """Closes or opens a day in a new version; deadlines already given do not move.

    Refused where the calendar has changed since version `based_on`, or the day is not in it.
    """
    name_th, name_en = plain_line(name_th)[:_NAME], plain_line(name_en)[:_NAME]
    if not name_th:
        th, en = "โปรดระบุเหตุ เช่น มติคณะรัฐมนตรี", "say why, for example the cabinet's resolution"
        raise Refused("name-missing", th, en, 422, {"name_th": (th, en)})
    found = await _unchanged(connection, clock, based_on)
    if not found.first <= day <= found.last:
        th = f"ปฏิทินนี้มีวันตั้งแต่ {found.first} ถึง {found.last}"
        en = f"this calendar holds days from {found.first} to {found.last}"
        raise Refused("day-out-of-range", th, en, 422, {"day": (th, en)})
    special = SpecialDay(day, closed, name_th, name_en or name_th, "override")
    others = [s for s in overrides(found) if s.day != day]
    word = "closed" if closed else "opened"
    return await _make(
        connection, clock, found.version + 1, _span(found), [*others, special],
        f"{word} {day}: {name_th}", by.id,
    )  # fmt: skip


async def clear_day(
    connection: AsyncConnection, clock: Clock, by: Account, *, based_on: int, day: date
) -> Calendar:
    """Takes an administrator's day back, in a new version; Refused where there is none."""
    found = await _unchanged(connection, clock, based_on)
    others = [s for s in overrides(found) if s.day != day]
    if len(others) == len(overrides(found)):
        raise Refused("no-such-day", "ไม่มีวันที่กำหนดเองในวันนี้", "no day of your own is set there", 404)
    return await _make(
        connection, clock, found.version + 1, _span(found), others, f"took back {day}", by.id
    )


async def versions(connection: AsyncConnection) -> Sequence[Version]:
    """Every version, newest first."""
    rows = await connection.execute(
        select(calendar_versions).order_by(calendar_versions.c.version.desc())
    )
    return [
        Version(r.version, r.first_day, r.last_day, r.reason, r.made_us, r.made_by) for r in rows
    ]


def _span(calendar: Calendar) -> range:
    return range(calendar.first.year, calendar.last.year + 1)


async def _unchanged(connection: AsyncConnection, clock: Clock, based_on: int) -> Calendar:
    found = await current(connection, clock)
    if found.version != based_on:
        raise Refused(
            "changed-meanwhile",
            "มีผู้อื่นแก้ไขปฏิทินไปแล้ว โปรดโหลดใหม่แล้วแก้ไขอีกครั้ง",
            "somebody else has changed the calendar meanwhile: load it again, then repeat",
            412,
        )
    return await ensure(connection, clock)


async def _make(
    connection: AsyncConnection,
    clock: Clock,
    version: int,
    years: range,
    mine: Sequence[SpecialDay],
    reason: str,
    by: str | None,
) -> Calendar:
    made = build(version, years, mine)
    await connection.execute(
        insert(calendar_versions).values(
            version=version,
            first_day=made.first,
            last_day=made.last,
            base=_base(years),
            reason=reason,
            made_us=clock.now_us(),
            made_by=by,
        )
    )
    rows = [
        {
            "version": version,
            "day": s.day,
            "closed": s.closed,
            "name_th": s.name_th,
            "name_en": s.name_en,
            "source": s.source,
        }
        for s in made.days.values()
        if made.first <= s.day <= made.last
    ]
    await connection.execute(insert(calendar_days), rows)
    return made
