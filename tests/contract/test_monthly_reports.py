"""The monthly report: on its day, once, as late as it must be, and kept as it was made."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import date

import pytest
from sqlalchemy import select, update

from crm_bridge.cases.working_days import build
from crm_bridge.config import Config, DeskSection, ReportsSection, WebSection
from crm_bridge.papers.monthly_rounds import MonthlyReports, ReportChanged, due, due_at
from crm_bridge.papers.paper import Paper
from crm_bridge.papers.press import Press, PrintingFailed
from crm_bridge.records.desk_tables.messages import messages
from crm_bridge.records.desk_tables.reports import monthly_reports
from crm_bridge.records.figure_tables import figures_state
from crm_bridge.reports.period import month_of
from crm_bridge.reports.sheets import WITHHELD
from crm_bridge.reports.source import checksum
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.desk_clock import HeldClock, at

OCTOBER = month_of(date(2026, 10, 1))
TO = ["director@moc.example", "supervisor@moc.example"]


@pytest.fixture
def config(tmp_path) -> Config:
    return Config(
        desk=DeskSection(data_dir=tmp_path / "data"),
        reports=ReportsSection(mail_to=TO),
        web=WebSection(address="https://desk.example"),
    )


class Stub(Press):
    """A press that keeps the papers and prints their names: what it prints is tested elsewhere."""

    def __init__(self, fails: int = 0) -> None:
        super().__init__()
        self.papers: dict[str, Paper] = {}
        self.fails = fails
        self.failed = asyncio.Event()

    async def print(self, paper, form):
        await asyncio.sleep(0)
        if self.fails:
            self.fails -= 1
            if not self.fails:
                self.failed.set()
            raise PrintingFailed("no paper")
        self.papers[f"{paper.id}.{form}"] = paper
        return f"{paper.id}.{form} {paper.made}".encode()


def bridge(database, config, clock, press=None) -> MonthlyReports:
    return MonthlyReports(database, config, clock, press or Stub())


async def october(database) -> None:
    noon = OCTOBER.since + 36 * 3600 * SECOND
    await save(
        database, *(served(n, noon + n * 600 * SECOND) for n in range(8)), lost(20, noon),
        served(30, noon - 20 * 86_400 * SECOND),
    )  # fmt: skip


async def mails(database) -> list[tuple[str, str]]:
    async with database.reading() as connection:
        rows = await connection.execute(select(messages.c.recipient, messages.c.body))
        return sorted((row.recipient, row.body) for row in rows)


async def test_on_the_first_working_day_and_once_whoever_asks(database, config):
    await october(database)
    clock = HeldClock("2026-11-01T12:00")  # a Sunday
    reports = bridge(database, config, clock)
    assert await reports.make_due() == ["2026-09"]  # the month of the first call was missed
    clock.set("2026-11-02T08:29")
    assert await reports.make_due() == []
    clock.set("2026-11-02T08:30")
    both = await asyncio.gather(*(bridge(database, config, clock).make_due() for _ in range(2)))
    assert sorted(both) == [[], ["2026-10"]]
    assert await bridge(database, config, clock).make_due() == []
    assert [m.month for m in await reports.listed()] == ["2026-10", "2026-09"]
    assert len(list((config.desk.data_dir / "reports").glob("2026-10-*"))) == 1
    told = [one for one in await mails(database) if "ตุลาคม" in one[1]]
    assert [to for to, _ in told] == TO
    assert "https://desk.example/figures/reports/2026-10/office.pdf" in told[0][1]
    assert "มีสายเข้า 9 สาย" in told[0][1]


async def test_after_an_outage_what_is_missing_is_made_and_old_months_are_not_news(
    database, config
):
    await october(database)
    clock = HeldClock("2027-01-20T10:00")
    reports = bridge(database, config, clock)
    assert await reports.make_due() == ["2026-09", "2026-10", "2026-11", "2026-12"]
    assert len(await mails(database)) == 2  # December's alone
    letter = (await mails(database))[0][1]
    assert "เดือนธันวาคม 2569 ไม่มีสายเข้า" in letter


async def test_none_is_made_before_all_calls_are_counted_or_without_any(database, config):
    clock = HeldClock("2026-12-10T10:00")
    reports = bridge(database, config, clock)
    assert await reports.make_due() == []
    await october(database)
    async with database.writing() as connection:
        await connection.execute(update(figures_state).values(whole=0))
    assert await reports.make_due() == []


async def test_what_is_kept_is_what_was_made_and_its_source_can_be_checked(database, config):
    await october(database)
    clock = HeldClock("2026-11-05T10:00")
    reports = bridge(database, config, clock)
    await reports.make_due()
    made = (await reports.listed())[0]
    async with database.reading() as connection:
        assert made.source == await checksum(connection, OCTOBER)
    assert [name for name, _, _ in made.files] == ["office.pdf", "office.xlsx", "published.pdf"]
    for name, sha256, size in made.files:
        data = await reports.file("2026-10", name)
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (sha256, size)
    assert await reports.file("2026-10", "other.pdf") is None
    assert await reports.file("2025-10", "office.pdf") is None
    (path,) = (config.desk.data_dir / "reports").glob("2026-10-*/office.pdf")
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"another")
    with pytest.raises(ReportChanged, match="not as it was made"):
        await reports.file("2026-10", "office.pdf")
    path.unlink()
    with pytest.raises(ReportChanged, match="cannot be read"):
        await reports.file("2026-10", "office.pdf")


async def test_two_editions(database, config):
    await october(database)
    press = Stub()
    await bridge(database, config, HeldClock("2026-11-05T10:00"), press).make_due()
    office = press.papers["monthly-2026-10.pdf"]
    public = press.papers["monthly-2026-10-published.pdf"]
    assert office.sheets == press.papers["monthly-2026-10.xlsx"].sheets
    assert [s.id for s in office.sheets] == [
        "volumes", "steps", "queues", "officers", "service_level", "abandonment", "demand",
        "by_outcome", "callbacks", "cases_by_kind", "kept", "cases_by_agency", "cases_by_subject",
    ]  # fmt: skip
    assert office.charts.keys() == {"service_level", "abandonment", "demand"}  # no case in October
    assert [s.id for s in public.sheets] == ["steps", "queues"]
    volumes = office.sheets[0].rows
    assert [row[:3] for row in volumes] == [
        (("ตุลาคม 2569", "Oct 2026"), 9, 8),
        (("กันยายน 2569", "Sep 2026"), 1, 1),
        (("ตุลาคม 2568", "Oct 2025"), None, None),
    ]
    assert "มีสายเข้า 9 สาย เพิ่มขึ้น 800.0 % จากเดือนก่อน" in office.summary[0][0]
    assert "nothing of a year ago" in office.summary[0][1]
    assert public.published
    assert "/public/statistics" in public.summary[0][0]
    (queue,) = public.sheets[1].rows
    assert WITHHELD in queue


async def test_a_report_that_cannot_be_printed_is_made_later(database, config):
    await october(database)
    clock = HeldClock("2026-11-05T10:00")
    press = Stub(fails=2)
    looking = asyncio.create_task(bridge(database, config, clock, press).run())
    await press.failed.wait()  # two looks, and it goes on
    looking.cancel()
    assert clock.at > at("2026-11-05T10:00")
    async with database.reading() as connection:
        assert (await connection.execute(select(monthly_reports))).first() is None
    assert await mails(database) == []
    assert await bridge(database, config, clock).make_due() == ["2026-09", "2026-10"]


def test_the_day_is_of_the_government_calendar():
    calendar = build(1, [2026, 2027])
    december = month_of(date(2026, 12, 1))
    assert due_at(december, calendar, 1) == at("2027-01-04T08:30")  # New Year, then a week-end
    assert due_at(december, calendar, 2) == at("2027-01-05T08:30")
    found = due(at("2026-06-15T10:00"), calendar, 1, date(2026, 4, 1))
    assert [m.first.month for m in found] == [4, 5]
