"""An alert as a webhook is told of it, read when it is sent."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.config import Config
from crm_bridge.connectors.port import AlertFacts
from crm_bridge.delivery.contents import link
from crm_bridge.records.desk_tables.alerts import alerts

UNITS = {
    "wait": "seconds", "waiting": "callers", "step": "percent", "service_level": "percent",
    "nobody_ready": "callers", "case_due": "working_days", "case_overdue": "working_days",
    "unwell": "none", "standstill": "minutes",
}  # fmt: skip
"""Kind of a rule → the unit of its values; a test holds it to the rules' own."""


async def alert_facts(
    connection: AsyncConnection, config: Config, alert_id: str
) -> AlertFacts | None:
    """What is told of this alert; `None` where there is none."""
    row = (await connection.execute(select(alerts).where(alerts.c.id == alert_id))).one_or_none()
    if row is None:
        return None
    return AlertFacts(
        id=row.id, rule=row.rule_id, kind=row.kind, level=row.level, subject=row.subject,
        text=(row.text_th, row.text_en), value=row.value, threshold=row.threshold,
        unit=UNITS.get(row.kind, "none"), raised_at=row.raised_us, cleared_at=row.cleared_us,
        test=row.test, link=link(config, "alerts"),
    )  # fmt: skip
