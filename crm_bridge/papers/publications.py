"""What is published, made once a day and kept: each page and file is only given out.

A question costs a look into a dictionary, whoever asks and however often. What is kept is of one
day of the office; the first question of a day makes it anew.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

from crm_bridge.clock import Clock
from crm_bridge.papers.paper import Form, Paper
from crm_bridge.papers.press import Press, PrintingFailed
from crm_bridge.papers.public_papers import as_json, guide_paper, statistics_paper
from crm_bridge.records.database import Database
from crm_bridge.reports.period import Period
from crm_bridge.reports.public_counts import first_month, months_over
from crm_bridge.written import office_time
from ivr.steps.standards import Standards

PublicForm = Literal["csv", "xlsx", "pdf", "json"]
PUBLIC_FORMS: Final[tuple[PublicForm, ...]] = ("pdf", "xlsx", "csv", "json")
_MOST_YEARS: Final = 30
"""Years that are offered, the newest."""
_AGAIN: Final = 600.0
"""Seconds after which a file at which the press failed is tried again."""


@dataclass(frozen=True, slots=True)
class File:
    """Bytes as they are given out, and their tag."""

    data: bytes
    etag: str

    @classmethod
    def of(cls, data: bytes) -> File:
        """The file of these bytes."""
        return cls(data, f'"{hashlib.sha256(data).hexdigest()[:32]}"')


class Publications:
    """The guide and the statistics, kept for a day."""

    def __init__(
        self, database: Database, press: Press, clock: Clock, standards: Standards
    ) -> None:
        self._database = database
        self._press = press
        self._clock = clock
        self._standards = standards
        self._day = date.min
        self._papers: dict[int, Paper] = {}
        self._files: dict[tuple[object, ...], File] = {}
        self._years: list[int] = []
        self._making = asyncio.Lock()
        self._printing = asyncio.Lock()
        self._failed: dict[tuple[object, ...], tuple[float, PrintingFailed]] = {}
        """When the press failed at a file: whoever asks next does not set it to work at once."""

    def guide(self, lang: str) -> Paper:
        """The guide to the services in force today."""
        today = Period(self._today(), self._today())
        return guide_paper(self._standards.on(today.since), today.since, lang)

    async def years(self) -> list[int]:
        """The years of which something is published, the newest first; raises StorageError."""
        today = self._today()
        if not self._years:
            async with self._database.reading() as connection:
                first = await first_month(connection)
            newest = range(today.year, first.year - 1, -1) if first else ()
            self._years = [year for year in newest if first and months_over(year, today, first)][
                :_MOST_YEARS
            ]
        return self._years

    async def statistics(self, year: int, lang: str) -> Paper | None:
        """The statistics of a year; None where none are published. Raises StorageError."""
        if year not in await self.years():
            return None
        if (kept := self._papers.get(year)) is not None:
            return replace(kept, lang=lang)
        async with self._making:
            today = self._today()
            if year not in self._papers:
                made = Period(today, today).since
                services = self._standards.on(made).services
                paper = await statistics_paper(self._database, services, year, today, made)
                if paper is None:
                    return None
                self._papers[year] = paper
        return replace(self._papers[year], lang=lang)

    async def file(self, paper: Paper, form: PublicForm) -> File:
        """The paper as a file. Refused (503) where the press is busy; PrintingFailed."""
        if form == "json":
            return await self.kept((paper.id, form), lambda: _given(as_json(paper)))
        printed: Form = form
        key = (paper.id, paper.lang, form)
        failed = self._failed.get(key)
        if failed is not None and self._clock.monotonic() - failed[0] < _AGAIN:
            raise failed[1]
        try:
            # pages do not wait behind the press
            return await self.kept(key, lambda: self._press.print(paper, printed), self._printing)
        except PrintingFailed as fault:
            self._failed[key] = self._clock.monotonic(), fault
            raise

    async def kept(
        self,
        key: tuple[object, ...],
        make: Callable[[], Awaitable[bytes]],
        lock: asyncio.Lock | None = None,
    ) -> File:
        """What is kept under this key today, made where there is none yet."""
        self._today()
        found = self._files.get(key)
        if found is None:
            async with lock or self._making:
                found = self._files.get(key) or File.of(await make())
                self._files[key] = found
        return found

    def _today(self) -> date:
        today = office_time(self._clock.now_us()).date()
        if today != self._day:
            self._day = today
            self._papers.clear()
            self._files.clear()
            self._failed.clear()
            self._years = []
        return today


async def _given(data: bytes) -> bytes:
    return data
