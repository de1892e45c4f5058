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


class HeldClock:
    """Stands still until a test moves it."""

    def __init__(self, text: str = "2026-11-23T09:00") -> None:
        self.now = at(text)

    def now_us(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / 1_000_000

    async def sleep(self, seconds: float) -> None:
        self.now += round(seconds * 1_000_000)
        await asyncio.sleep(0)

    def set(self, text: str) -> None:
        self.now = at(text)

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span) // timedelta(microseconds=1)
