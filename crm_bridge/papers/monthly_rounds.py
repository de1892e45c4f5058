"""The monthly report made on its day, kept, and told by e-mail: once for each month.

A month's row is written in one transaction with its e-mails. A bridge that ends before it makes the
report again; a second bridge that comes to the row later finds it there and throws its own away.
After an outage the months that are missing are made, the oldest first; old ones are told to nobody.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import uuid
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases import calendars
from crm_bridge.cases.working_days import Calendar, office_day, opening
from crm_bridge.clock import Clock
from crm_bridge.config import Config
from crm_bridge.errors import HotlineError
from crm_bridge.outgoing.messages import enqueue
from crm_bridge.papers.monthly import month_before, monthly_paper, published_report
from crm_bridge.papers.paper import Paper
from crm_bridge.papers.press import Press
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.reports import monthly_reports, report_files
from crm_bridge.records.figures_walk import whole
from crm_bridge.reports.period import Period, month_of
from crm_bridge.reports.public_counts import first_month
from ivr.calls.call import Micros

EVERY: Final = 300.0
"""Seconds between two looks."""
MISSED: Final = 6
"""Months back that are made up for."""
STILL_NEWS: Final = 31 * 86_400_000_000
"""After so long past its day nobody is told of a report by e-mail."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """A report that was made."""

    month: str
    made_us: Micros
    whole: bool
    source: str
    files: tuple[tuple[str, str, int], ...]
    """Name, SHA-256 and size in bytes."""

    @property
    def first(self) -> date:
        """The first day of the month."""
        return date.fromisoformat(f"{self.month}-01")


def name_of(month: Period) -> str:
    """As its row and its folder are called: `2026-10`."""
    return f"{month.first:%Y-%m}"


def due_at(month: Period, calendar: Calendar, working_day: int) -> Micros:
    """When the report of a month is to be made: offices open on that working day after it."""
    return opening(calendar.after(month.last, working_day))


def due(now: Micros, calendar: Calendar, working_day: int, since: date) -> list[Period]:
    """The months whose day has come, the oldest first; none that was over before `since`."""
    found: list[Period] = []
    month = month_before(month_of(office_day(now)))
    while len(found) < MISSED and month.last >= since and month.last > calendar.first:
        if due_at(month, calendar, working_day) <= now:
            found.append(month)
        month = month_before(month)
    return found[::-1]


class MonthlyReports:
    """Makes the reports that are due and gives out those that were made."""

    def __init__(self, database: Database, config: Config, clock: Clock, press: Press) -> None:
        self._database = database
        self._config = config
        self._clock = clock
        self._press = press
        self._folder = config.desk.data_dir / "reports"

    async def run(self) -> None:
        """Looks for what is due again and again; ends with its task."""
        while True:
            try:
                await self.make_due()
            except HotlineError as error:
                _log.warning("the monthly report waits", what=error.what, where=error.where)
            await self._clock.sleep(EVERY)

    async def make_due(self) -> list[str]:
        """Makes every report that is due and is not there; returns the months made.

        None is made while calls of before are still being counted. Raises StorageError,
        PrintingFailed; the next look tries again.
        """
        async with self._database.reading() as connection:
            first = await first_month(connection)
            if first is None or not await whole(connection):
                return []
            calendar = await calendars.current(connection, self._clock)
            there = set(await connection.scalars(select(monthly_reports.c.month)))
        now, day = self._clock.now_us(), self._config.reports.working_day
        made = []
        for month in due(now, calendar, day, first):
            news = now < due_at(month, calendar, day) + STILL_NEWS
            if name_of(month) not in there and await self._make(month, tell=news):
                made.append(name_of(month))
        return made

    async def _make(self, month: Period, *, tell: bool) -> bool:
        """Makes one; False where another has made it meanwhile."""
        settings = self._config.reports
        paper = await monthly_paper(
            self._database, self._config, self._clock, month, settings.language
        )
        files = {
            "office.pdf": await self._press.print(paper, "pdf"),
            "office.xlsx": await self._press.print(paper, "xlsx"),
            "published.pdf": await self._press.print(published_report(paper), "pdf"),
        }
        name = name_of(month)
        folder = f"{name}-{uuid.uuid4().hex[:12]}"
        await asyncio.to_thread(_keep, self._folder / folder, files)
        async with self._database.writing() as connection:
            found = await connection.scalar(
                select(monthly_reports.c.month).where(monthly_reports.c.month == name)
            )
            if found is None:
                await self._written(connection, name, folder, paper, files, tell=tell)
        if found is not None:
            await asyncio.to_thread(shutil.rmtree, self._folder / folder, ignore_errors=True)
            return False
        _log.info("monthly report made", month=name, told=len(settings.mail_to) if tell else 0)
        return True

    async def _written(
        self,
        connection: AsyncConnection,
        name: str,
        folder: str,
        paper: Paper,
        files: dict[str, bytes],
        *,
        tell: bool,
    ) -> None:
        await connection.execute(
            insert(monthly_reports).values(
                month=name,
                made_us=paper.made,
                whole=paper.whole,
                source=paper.source,
                folder=folder,
            )
        )
        rows = [
            {
                "month": name,
                "name": n,
                "sha256": hashlib.sha256(data).hexdigest(),
                "size": len(data),
            }
            for n, data in files.items()
        ]
        await connection.execute(insert(report_files), rows)
        for address in self._config.reports.mail_to if tell else ():
            await enqueue(
                connection, self._clock, kind="email", to=address,
                subject=paper.say(paper.title), text=self._letter(name, paper),
                about=("report", name), dedupe=f"report:{name}:{address}",
            )  # fmt: skip

    def _letter(self, name: str, paper: Paper) -> str:
        link = f"{self._config.web.address.rstrip('/')}/figures/reports"
        say = paper.say
        lines = [
            say(paper.title),
            "",
            *(say(words) for words in paper.summary),
            "",
            say(("ดาวน์โหลดรายงาน (ต้องลงชื่อเข้าใช้):", "The report (sign in to read it):")),
            f"{link}/{name}/office.pdf",
            link,
            "",
            say(("ค่าตรวจสอบแหล่งข้อมูล", "Checksum of the source")) + f": SHA-256 {paper.source}",
        ]
        return "\n".join(lines)

    async def listed(self) -> list[Made]:
        """Every report that was made, the newest first; raises StorageError."""
        async with self._database.reading() as connection:
            files = (await connection.execute(select(report_files))).all()
            rows = (
                await connection.execute(
                    select(monthly_reports).order_by(monthly_reports.c.month.desc())
                )
            ).all()
        of: dict[str, list[tuple[str, str, int]]] = {}
        for f in files:
            of.setdefault(f.month, []).append((f.name, f.sha256, f.size))
        return [
            Made(
                row.month, row.made_us, row.whole, row.source, tuple(sorted(of.get(row.month, ())))
            )
            for row in rows
        ]

    async def file(self, month: str, name: str) -> bytes | None:
        """A file as it was made; None where there is none. ReportChanged where it is another."""
        query = (
            select(report_files.c.sha256, monthly_reports.c.folder)
            .join(monthly_reports, monthly_reports.c.month == report_files.c.month)
            .where(report_files.c.month == month, report_files.c.name == name)
        )
        async with self._database.reading() as connection:
            found = (await connection.execute(query)).first()
        if found is None:
            return None
        path: Path = self._folder / found.folder / name
        try:
            data: bytes = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise ReportChanged(
                f"cannot be read: {error.strerror}",
                where=str(path),
                mend="restore it from a backup",
            ) from error
        if hashlib.sha256(data).hexdigest() != found.sha256:
            raise ReportChanged(
                "is not as it was made", where=str(path), mend="restore it from a backup"
            )
        return data


class ReportChanged(HotlineError):
    """A kept file is gone, or its bytes are not those whose checksum was written down."""


def _keep(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, data in files.items():
        part = folder / f".{name}.part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / name)
