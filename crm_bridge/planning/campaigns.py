"""Days of a campaign, named by an administrator with so many times the calls of a usual day.

Forecasts raise the day by its factor before it comes, and do not learn of it when it is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.plain_text import plain_line
from crm_bridge.records.desk_tables.planning import campaign_days

LEAST: Final = 0.1
MOST: Final = 20.0
_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Campaign:
    """One such day."""

    day: date
    name_th: str
    name_en: str
    factor: float
    version: int = 1


async def every(connection: AsyncConnection) -> list[Campaign]:
    """All of them, the latest first."""
    rows = await connection.execute(select(campaign_days).order_by(campaign_days.c.day.desc()))
    return [Campaign(r.day, r.name_th, r.name_en, r.factor, r.version) for r in rows]


async def find(connection: AsyncConnection, day: date) -> Campaign | None:
    """The one of this day."""
    return next((one for one in await every(connection) if one.day == day), None)


async def set_day(
    connection: AsyncConnection, clock: Clock, by: Account, *, day: date, name_th: str,
    name_en: str, factor: float,
) -> Campaign:  # fmt: skip
    """Names a campaign on this day, or names it anew. Refused (422) without a name or a factor."""
    name_th, name_en = plain_line(name_th)[:_NAME], plain_line(name_en)[:_NAME]
    if not name_th:
        why = ("กรุณาระบุชื่อกิจกรรม", "say what comes on this day")
        raise Refused("name-missing", *why, 422, {"name_th": why})
    if not LEAST <= factor <= MOST:
        why = (f"ต้องอยู่ระหว่าง {LEAST:g} ถึง {MOST:g}", f"from {LEAST:g} to {MOST:g}")
        raise Refused("factor-out-of-range", *why, 422, {"factor": why})
    before = await find(connection, day)
    values = {
        "name_th": name_th, "name_en": name_en or name_th, "factor": factor,
        "version": before.version + 1 if before else 1,
        "changed_us": clock.now_us(), "changed_by": by.id,
    }  # fmt: skip
    if before is None:
        await connection.execute(insert(campaign_days).values(day=day, **values))
    else:
        await connection.execute(
            update(campaign_days).where(campaign_days.c.day == day).values(**values)
        )
    return Campaign(day, name_th, name_en or name_th, factor, before.version + 1 if before else 1)


async def take_back(connection: AsyncConnection, day: date) -> None:
    """There is no campaign on this day; Refused (404) where there was none."""
    gone = await connection.execute(delete(campaign_days).where(campaign_days.c.day == day))
    if not gone.rowcount:
        raise Refused(
            "no-such-campaign", "ไม่มีกิจกรรมในวันนั้น", "no campaign is named on that day", 404
        )
