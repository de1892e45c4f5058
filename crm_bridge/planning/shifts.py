"""The plan of shifts as it is kept: read by days, written by whole weeks and whole days.

Call writers in a writing transaction. Every change makes the next version of its week.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import structlog
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.planning.shift import (
    AGENT,
    Shift,
    check,
    monday_of,
    parts_of,
    refused_agent,
    wrong_words,
)
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.agents import agent_sessions
from crm_bridge.records.desk_tables.planning import shift_weeks, shifts
from ivr.calls.call import Micros

_log = structlog.get_logger(__name__)

WEEK: Final = timedelta(days=7)
MOST: Final = 20_000
"""Shifts of one reading or writing: a thousand officers' two parts of ten days."""


@dataclass(frozen=True, slots=True)
class Version:
    """The last change to a week's plan; version 0 where there never was one."""

    version: int
    changed_us: Micros | None = None
    changed_by: str | None = None
    """The name of who made it, or the account's id where it is gone."""
    how: str = ""


async def between(connection: AsyncConnection, first: date, last: date) -> list[Shift]:
    """Shifts of these days, both included, by day and officer."""
    rows = await connection.execute(
        select(shifts.c.day, shifts.c.agent, shifts.c.from_minute, shifts.c.to_minute)
        .where(shifts.c.day >= first, shifts.c.day <= last)
        .order_by(shifts.c.day, shifts.c.agent, shifts.c.from_minute)
    )
    return [Shift(*row) for row in rows]


async def version_of(connection: AsyncConnection, monday: date) -> Version:
    """How the plan of a week stands."""
    row = (
        await connection.execute(
            select(shift_weeks, accounts.c.name_th)
            .outerjoin(accounts, accounts.c.id == shift_weeks.c.changed_by)
            .where(shift_weeks.c.monday == monday)
        )
    ).one_or_none()
    if row is None:
        return Version(0)
    return Version(row.version, row.changed_us, row.name_th or row.changed_by, row.how)


async def known_names(connection: AsyncConnection, since: Micros) -> dict[str, tuple[str, str]]:
    """Extension → Thai and English name of who sat there last, of sittings begun since then."""
    rows = await connection.execute(
        select(agent_sessions.c.extension, accounts.c.name_th, accounts.c.name_en)
        .join(accounts, accounts.c.id == agent_sessions.c.account_id)
        .where(agent_sessions.c.started_us >= since)
        .order_by(agent_sessions.c.started_us)
    )
    return {row.extension: (row.name_th, row.name_en or row.name_th) for row in rows}


async def set_week(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    *,
    monday: date,
    based_on: int,
    written: Mapping[str, str],
) -> int:
    """A week as the page has it: `AGENT/DAY` → what is written for it; the new version.

    All of the week is replaced. Refused with the fields at fault (422), or where the week was
    changed since version `based_on` (412).
    """
    await _unchanged(connection, monday, based_on)
    found: list[Shift] = []
    wrong: dict[str, tuple[str, str]] = {}
    for key, text in written.items():
        agent, _, name = key.rpartition("/")
        day = _day_in(monday, name)
        if day is None or AGENT.fullmatch(agent) is None:
            raise refused_agent(key)
        try:
            found += parts_of(text, day, agent)
        except ValueError as error:
            wrong[key] = wrong_words(error)
    if wrong:
        raise Refused(
            "shift-wrong",
            f"อ่านเวลาทำงานไม่ได้ {len(wrong)} ช่อง ยังไม่ได้บันทึก",
            f"{len(wrong)} of the times cannot be read; nothing was saved",
            422,
            wrong,
        )
    await _replace(connection, [monday + timedelta(days=n) for n in range(7)], found)
    return await _changed(connection, clock, by, monday, "page")


async def copy_week(
    connection: AsyncConnection, clock: Clock, by: Account, *, monday: date, based_on: int,
    of: date,
) -> int:  # fmt: skip
    """The week of the Monday `of` once more in this one, which is replaced; the new version.

    Refused (409) where nobody is planned there.
    """
    await _unchanged(connection, monday, based_on)
    source = await between(connection, of, of + timedelta(days=6))
    if not source:
        raise Refused("week-empty", "สัปดาห์นั้นยังไม่มีแผนเวร", "nobody is planned in that week", 409)
    later = monday - of
    copied = [Shift(s.day + later, s.agent, s.from_minute, s.to_minute) for s in source]
    await _replace(connection, [monday + timedelta(days=n) for n in range(7)], copied)
    return await _changed(connection, clock, by, monday, "copy")


async def replace_days(
    connection: AsyncConnection, clock: Clock, by: Account, found: Sequence[Shift],
    days: Collection[date],
) -> int:  # fmt: skip
    """These days as a file has them, whole; how many weeks were changed."""
    await _replace(connection, sorted(days), found)
    mondays = sorted({monday_of(day) for day in days})
    for monday in mondays:
        await _changed(connection, clock, by, monday, "file")
    return len(mondays)


def _day_in(monday: date, name: str) -> date | None:
    try:
        day = date.fromisoformat(name)
    except ValueError:
        return None
    return day if monday <= day < monday + WEEK else None


async def _unchanged(connection: AsyncConnection, monday: date, based_on: int) -> None:
    if (await version_of(connection, monday)).version != based_on:
        raise Refused(
            "changed-meanwhile",
            "มีผู้อื่นแก้ไขแผนเวรของสัปดาห์นี้ไปแล้ว โปรดโหลดใหม่แล้วแก้ไขอีกครั้ง",
            "somebody else has changed this week's plan: load it again, then repeat the edit",
            412,
        )


async def _replace(
    connection: AsyncConnection, days: Sequence[date], found: Sequence[Shift]
) -> None:
    if len(found) > MOST:
        raise Refused("too-many-shifts", f"เกิน {MOST:,} ช่วง", f"more than {MOST:,} shifts", 422)
    by_day: dict[tuple[date, str], list[Shift]] = {}
    for shift in found:
        by_day.setdefault((shift.day, shift.agent), []).append(shift)
    for parts in by_day.values():
        check(parts)
    for day in days:
        await connection.execute(delete(shifts).where(shifts.c.day == day))
    rows = [
        {"day": s.day, "agent": s.agent, "from_minute": s.from_minute, "to_minute": s.to_minute}
        for s in sorted(found)
    ]
    if rows:
        await connection.execute(insert(shifts), rows)


async def _changed(
    connection: AsyncConnection, clock: Clock, by: Account, monday: date, how: str
) -> int:
    version = (await version_of(connection, monday)).version + 1
    values = {
        "version": version, "changed_us": clock.now_us(), "changed_by": by.id, "how": how,
    }  # fmt: skip
    if version == 1:
        await connection.execute(insert(shift_weeks).values(monday=monday, **values))
    else:
        await connection.execute(
            update(shift_weeks).where(shift_weeks.c.monday == monday).values(**values)
        )
    _log.info("shifts changed", week=str(monday), version=version, how=how, by=by.id)
    return version
