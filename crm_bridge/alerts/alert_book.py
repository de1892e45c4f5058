"""Alerts as they are kept: what is raised now, what was, and who saw to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.alerts.judgement import Alert, Why
from crm_bridge.alerts.rules import Kind, Level
from crm_bridge.errors import Refused
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.alerts import alerts
from ivr.calls.call import Micros

MOST_ACTIVE: Final = 1000
"""Alerts that are raised, as far as they are read at once."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An alert with the names of who saw to it, as the pages show it."""

    alert: Alert
    by_th: str | None
    by_en: str | None


async def write(connection: AsyncConnection, changed: Iterable[Alert]) -> None:
    """Keeps them as they are now; what people did of them stays as it is."""
    for one in changed:
        moving = {
            "worst": one.worst,
            "told_us": one.told_at,
            "cleared_us": one.cleared_at,
            "why": one.why,
        }
        found = await connection.execute(update(alerts).where(alerts.c.id == one.id).values(moving))
        if not found.rowcount:
            await connection.execute(
                insert(alerts).values(
                    id=one.id, rule_id=one.rule, kind=one.kind, subject=one.subject,
                    level=one.level, threshold=one.threshold, value=one.value, text_th=one.th,
                    text_en=one.en, raised_us=one.raised_at, browser=one.browser, test=one.test,
                    **moving,
                )
            )  # fmt: skip


async def active(connection: AsyncConnection) -> list[Kept]:
    """What is raised now, the newest first."""
    query = (
        _query()
        .where(alerts.c.cleared_us.is_(None))
        .order_by(alerts.c.raised_us.desc(), alerts.c.id)
        .limit(MOST_ACTIVE)
    )
    return [_kept(row) for row in await connection.execute(query)]


async def history(
    connection: AsyncConnection,
    *,
    before: tuple[Micros, str] | None = None,
    limit: int = 50,
) -> list[Kept]:
    """What is no longer raised, the newest raising first; those after `before` (time, id)."""
    table = alerts.c
    query = _query().where(table.cleared_us.is_not(None))
    if before is not None:
        at, one = before
        query = query.where((table.raised_us < at) | ((table.raised_us == at) & (table.id > one)))
    query = query.order_by(table.raised_us.desc(), table.id).limit(limit)
    return [_kept(row) for row in await connection.execute(query)]


async def find(connection: AsyncConnection, alert_id: str) -> Kept:
    """The alert; Refused (404) where there is none."""
    row = (await connection.execute(_query().where(alerts.c.id == alert_id))).one_or_none()
    if row is None:
        raise Refused("no-such-alert", "ไม่พบการแจ้งเตือนนี้", "there is no such alert", 404)
    return _kept(row)


async def last_told(
    connection: AsyncConnection, since: Micros
) -> list[tuple[str, str, Micros | None, Micros | None]]:
    """Rule, subject, when it was told last, until when it is snoozed; of those newer than this."""
    table = alerts.c
    rows = await connection.execute(
        select(
            table.rule_id, table.subject, func.max(table.told_us), func.max(table.snoozed_us)
        )
        .where(table.raised_us >= since, table.test.is_(False))
        .group_by(table.rule_id, table.subject)
    )  # fmt: skip
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def acknowledge(connection: AsyncConnection, now: Micros, by: Account, alert_id: str) -> Kept:
    """Somebody sees to it; twice is once. Refused (404, 409) where it is not raised."""
    found = await _raised(connection, alert_id)
    if found.alert.acknowledged_at is None:
        await connection.execute(
            update(alerts)
            .where(alerts.c.id == alert_id)
            .values(acknowledged_us=now, acknowledged_by=by.id)
        )
    return await find(connection, alert_id)


async def snooze(connection: AsyncConnection, until: Micros, by: Account, alert_id: str) -> Kept:
    """Nobody is told of it until then. Refused (404, 409) where it is not raised."""
    await _raised(connection, alert_id)
    await connection.execute(
        update(alerts).where(alerts.c.id == alert_id).values(snoozed_us=until, snoozed_by=by.id)
    )
    return await find(connection, alert_id)


async def _raised(connection: AsyncConnection, alert_id: str) -> Kept:
    found = await find(connection, alert_id)
    if found.alert.cleared_at is not None:
        raise Refused(
            "alert-over", "การแจ้งเตือนนี้สิ้นสุดไปแล้ว", "this alert is over; there is nothing to see to"
        )
    return found


def _query() -> Select[Any]:
    return select(alerts, accounts.c.name_th, accounts.c.name_en).outerjoin(
        accounts, accounts.c.id == alerts.c.acknowledged_by
    )


def _kept(row: Row[Any]) -> Kept:
    alert = Alert(
        id=row.id, rule=row.rule_id, kind=Kind(row.kind), subject=row.subject,
        level=Level(row.level), threshold=row.threshold, value=row.value, worst=row.worst,
        raised_at=row.raised_us, th=row.text_th, en=row.text_en, told_at=row.told_us,
        cleared_at=row.cleared_us, why=None if row.why is None else Why(row.why),
        acknowledged_at=row.acknowledged_us, acknowledged_by=row.acknowledged_by,
        snoozed_until=row.snoozed_us, browser=row.browser, test=row.test,
    )  # fmt: skip
    return Kept(alert, row.name_th, row.name_en or row.name_th)
