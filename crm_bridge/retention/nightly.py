"""Retention by itself: once a night, at the hour of `[retention] at` on the office's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog

from crm_bridge.clock import Clock
from crm_bridge.config_retention import RetentionSection
from crm_bridge.errors import StorageError
from crm_bridge.records.database import Database
from crm_bridge.retention.removing import remove
from ivr.steps.standards import OFFICE_ZONE

_log = structlog.get_logger(__name__)


def seconds_until(now_us: int, at: str) -> float:
    """From this moment to the next time the office's clock says so; never 0."""
    now = datetime.fromtimestamp(now_us / 1_000_000, UTC).astimezone(OFFICE_ZONE)
    hour, minute = map(int, at.split(":"))
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if then <= now:
        then += timedelta(days=1)
    return (then - now).total_seconds()


class Nightly:
    """Goes on until cancelled; a night that fails is logged, and the next does its work too."""

    def __init__(self, database: Database, clock: Clock, section: RetentionSection) -> None:
        self._database = database
        self._clock = clock
        self._section = section

    async def run(self) -> None:
        """Night after night."""
        while True:
            await self._clock.sleep(seconds_until(self._clock.now_us(), self._section.at))
            await self.go()

    async def go(self) -> None:
        """One night's work."""
        try:
            for one in await remove(self._database, self._clock, self._section):
                if one.count:
                    _log.info("removed by retention", category=one.key, count=one.count)
        except StorageError as fault:
            _log.error(
                "retention is not through", what=fault.what, where=fault.where,
                mend="it goes on tomorrow night, or now by `hotline retention`",
            )  # fmt: skip
