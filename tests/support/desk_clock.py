"""A clock that tests hold."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from ivr.steps.standards import OFFICE_ZONE

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(text: str) -> int:
    """The moment (µs) that an ISO 8601 text names on the office's wall clock."""
    local = datetime.fromisoformat(text).replace(tzinfo=OFFICE_ZONE)
    return (local - EPOCH) // timedelta(microseconds=1)


NOW = at("2026-11-23T10:00")
"""A Monday, ten in the morning at the office."""


class HeldClock:
    """Stands still until a test moves it; a fake of `crm_bridge.clock.SystemClock`."""

    def __init__(self, moment: str | int = NOW) -> None:
        self.at = at(moment) if isinstance(moment, str) else moment

    def now_us(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return self.at / 1_000_000

    async def sleep(self, seconds: float) -> None:
        self.at += round(seconds * 1_000_000)
        await asyncio.sleep(0)

    def set(self, text: str) -> None:
        self.at = at(text)

    def forward(self, **span: float) -> None:
        """Moves on by days, hours, minutes, seconds."""
        self.at += timedelta(**span) // timedelta(microseconds=1)
