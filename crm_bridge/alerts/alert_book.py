"""Alerts as they are kept: what is raised now, what was, and who saw to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.alerts.judgement import Alert, Why
from crm_bridge.alerts.rules import Kind, Level
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


async def acknowledge(
    connection: AsyncConnection, now: Micros, by: Account, ids: Collection[str]
) -> list[str]:
    """Somebody sees to these; those that are over, or seen to already, are passed over."""
    return await _amend(
        connection, ids, alerts.c.acknowledged_us.is_(None),
        acknowledged_us=now, acknowledged_by=by.id,
    )  # fmt: skip


async def snooze(
    connection: AsyncConnection, until: Micros, by: Account, ids: Collection[str]
) -> list[str]:
    """Nobody is told of these until then; those that are over are passed over."""
    return await _amend(connection, ids, snoozed_us=until, snoozed_by=by.id)


async def _amend(
    connection: AsyncConnection, ids: Collection[str], *where: ColumnElement[bool], **values: Any
) -> list[str]:
    """Writes to those of these that are raised; their ids."""
    table = alerts.c
    found = await connection.scalars(
        select(table.id).where(table.id.in_(ids), table.cleared_us.is_(None), *where)
    )
    amended = list(found)
    if amended:
        await connection.execute(update(alerts).where(table.id.in_(amended)).values(values))
    return amended


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
