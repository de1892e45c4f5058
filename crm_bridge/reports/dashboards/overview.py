"""The first dashboard: steps, queues and officers of all the hotline."""

from __future__ import annotations

from crm_bridge.config import Config
from crm_bridge.records.database import Database
from crm_bridge.reports.dashboard import Dashboard
from crm_bridge.reports.dashboards.tables import officers_table, queues_table, steps_table
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.overview import overview


async def build(database: Database, config: Config, filters: Filters) -> Dashboard:
    """As `catalogue.Build` says."""
    period, other = filters.period, filters.other
    now = await overview(database, config, period.since, period.until)
    then = await overview(database, config, other.since, other.until)
    return Dashboard(
        (
            steps_table(now.steps, then.steps, filters),
            queues_table(now.queues, then.queues, filters),
            officers_table(now.agents, then.agents, filters),
        ),
        whole=now.whole,
        calls=now.calls,
        calls_before=then.calls,
    )
