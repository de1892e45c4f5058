"""Figures as files: what the page shows, for whom the page is, in each form."""

from __future__ import annotations

import csv
import io
import zipfile

import openpyxl
import pypdf
import pytest

from crm_bridge.access.roles import Role
from crm_bridge.papers import pdf_paper
from crm_bridge.papers.csv_paper import csv_zip
from crm_bridge.papers.desk_papers import dashboard_paper
from crm_bridge.papers.editions import published_edition
from crm_bridge.papers.monthly_rounds import MonthlyReports
from crm_bridge.papers.press import Press
from crm_bridge.papers.xlsx_paper import xlsx
from crm_bridge.reports.catalogue import CATALOGUE
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.period import Period
from crm_bridge.reports.source import checksum
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.desk_clock import NOW
from tests.support.web import Desk, desk
from tests.web.test_figures import DAY, READERS, today

__all__ = ["desk"]


@pytest.fixture
async def calls(desk: Desk) -> None:
    """Today two served and one lost, the day before one served."""
    noon = Period(today(), today()).since + 4 * 3600 * SECOND
    await save(
        desk.database, served(1, noon), served(2, noon + 600 * SECOND, agents=("1002",)),
        lost(3, noon), served(4, noon - DAY),
    )  # fmt: skip


async def test_a_page_has_its_files(desk, calls):
    page = (await (await desk.browser(Role.SUPERVISOR)).get("/figures?against=year")).text
    for form in ("pdf", "xlsx", "csv"):
        assert f"/figures/export?report=overview&amp;format={form}&amp;first={today()}" in page
    assert "against=year" in page.split("/figures/export")[1]


@pytest.mark.parametrize("role", READERS)
async def test_who_sees_the_page_gets_its_files(desk, calls, role):
    given = await (await desk.browser(role)).get("/figures/export?format=csv")
    assert (given.status_code, given.headers["content-type"]) == (200, "application/zip")


async def test_a_pdf_says_by_whom_and_of_what_it_was_made(desk, calls):
    given = await (await desk.browser(Role.SUPERVISOR)).get("/figures/export")
    assert (given.status_code, given.headers["content-type"]) == (200, "application/pdf")
    assert given.headers["cache-control"] == "no-store"
    assert f'filename="1203-overview-{today()}.pdf"' in given.headers["content-disposition"]
    text = " ".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(given.content)).pages)
    async with desk.database.reading() as connection:
        source = await checksum(connection, Period(today(), today()))
    assert source in text.replace("\n", "").replace(" ", "")
    assert "ทดสอบ" in text


@pytest.mark.parametrize("role", [Role.AGENT, Role.AGENCY_OFFICER, Role.PROVINCIAL_OFFICER])
async def test_who_is_not_shown_the_page_gets_no_file(desk, calls, role):
    assert (await (await desk.browser(role)).get("/figures/export")).status_code == 403


async def test_the_same_figures_in_xlsx_and_csv(desk, calls):
    browser = await desk.browser(Role.SUPERVISOR)
    await browser.put("/api/v1/language", json={"language": "en"})
    days = f"first={today().replace(day=1)}&last={today()}"
    book = (await browser.get(f"/figures/export?format=xlsx&{days}")).content
    sheet = openpyxl.load_workbook(io.BytesIO(book))["Queues"]
    head, row = ([c.value for c in r] for r in sheet.iter_rows(max_row=2))
    told = dict(zip(head, row, strict=False))
    assert (told["Queue"], told["Offered"], told["Answered"]) == ("information", 4, 3)
    packed = zipfile.ZipFile(
        io.BytesIO((await browser.get(f"/figures/export?format=csv&{days}")).content)
    )
    alone = await browser.get(f"/figures/export?format=csv&sheet=queues&{days}")
    assert alone.headers["content-type"] == "text/csv; charset=utf-8"
    assert packed.read("queues.csv") == alone.content
    (line,) = csv.DictReader(io.StringIO(alone.content.decode("utf-8-sig")))
    assert (line["Offered"], line["Abandonment rate (share, 0 to 1)"]) == ("4", "0.250000")


@pytest.mark.parametrize("report", list(CATALOGUE))
async def test_every_dashboard_goes_on_paper(desk, calls, report):
    """As the press would print it: the pages before they are set."""
    found = await dashboard_paper(
        desk.database, desk.context.config, desk.clock, report,
        Filters(Period(today(), today())), by=("ก", "a"), lang="th",
    )  # fmt: skip
    for paper in (found, published_edition(found)):
        assert xlsx(paper)[:2] == csv_zip(paper)[:2] == b"PK"
        page = pdf_paper.html(paper)
        assert page.count("<section") >= len(paper.sheets)
        assert "<text" not in page


async def test_an_empty_day_goes_on_paper_too(desk):
    given = await (await desk.browser(Role.DIRECTOR)).get("/figures/export?first=2020-02-29")
    assert "29 ก.พ. 2563" in pypdf.PdfReader(io.BytesIO(given.content)).pages[0].extract_text()


async def test_hostile_questions_are_refused(desk, calls):
    browser = await desk.browser(Role.SUPERVISOR)
    for query, status in (
        ("report=../../etc/passwd", 404), ("report=", 404), ("format=exe", 422),
        ("first=2026-02-02&last=2026-02-01", 422), ("first=0001-01-01", 422),
        ("queue=%00", 422), ("queue=" + "x" * 81, 422),
        ("format=csv&sheet=../../x", 404),
    ):  # fmt: skip
        assert (await browser.get(f"/figures/export?{query}")).status_code == status, query
    given = await browser.get("/figures/export?format=csv&report=overview&queue=%3Dcmd()%0d")
    assert given.status_code == 422
    tame = await browser.get('/figures/export?format=csv&queue="%3E%3Cscript%3E=1')
    assert tame.status_code == 200
    assert tame.headers["content-disposition"].count('"') == 2


async def test_the_checksum_is_of_the_figures_alone(desk, calls):
    days = Period(today(), today())
    async with desk.database.reading() as connection:
        before = await checksum(connection, days)
        other = await checksum(connection, days.before())
    assert before != other
    await save(desk.database, lost(9, NOW))
    async with desk.database.reading() as connection:
        assert await checksum(connection, days) != before
        assert await checksum(connection, days.before()) == other


async def test_the_edition_to_publish_names_no_officer_and_withholds_what_is_small(desk, calls):
    browser = await desk.browser(Role.SUPERVISOR)
    given = await browser.get("/figures/export?format=csv&edition=published")
    packed = zipfile.ZipFile(io.BytesIO(given.content))
    assert "officers.csv" not in packed.namelist()
    assert "*" in packed.read("queues.csv").decode()
    assert "ปกปิด" in packed.read("about.csv").decode()
    assert "published" in given.headers["content-disposition"]
    assert "Test supervisor" not in packed.read("about.csv").decode()
    assert "ทดสอบ" not in packed.read("about.csv").decode()
    for report in ("officers", "steps"):
        one = f"/figures/export?format=csv&edition=published&report={report}&agent=1001"
        assert (await browser.get(one)).status_code == 422


async def test_the_monthly_reports_are_listed_and_given_to_who_sees_figures(desk, calls, tmp_path):
    browser = await desk.browser(Role.DIRECTOR)
    page = (await browser.get("/figures/reports")).text
    assert "ยังไม่มีรายงาน" in page
    assert "1 ธ.ค. 2569 08:30" in page
    desk.clock.set("2026-12-01T09:00")
    browser = await desk.browser(Role.DIRECTOR)  # the session of last week has ended
    agent = await desk.browser(Role.AGENT)
    section = desk.context.config.desk.model_copy(update={"data_dir": tmp_path / "kept"})
    config = desk.context.config.model_copy(update={"desk": section})
    desk.context.reports = MonthlyReports(desk.database, config, desk.clock, Press())
    assert await desk.context.reports.make_due() == ["2026-11"]
    page = (await browser.get("/figures/reports")).text
    for name in ("office.pdf", "office.xlsx", "published.pdf"):
        path = f"/figures/reports/2026-11/{name}"
        assert path in page
        given = await browser.get(path)
        assert given.status_code == 200
        assert given.headers["cache-control"] == "no-store"
        assert (await agent.get(path)).status_code == 403
    for path, status in (
        ("2026-10/office.pdf", 404), ("2026-11/secret.pdf", 422), ("..%2f..%2fx/office.pdf", 404),
        ("202611/office.pdf", 422),
    ):  # fmt: skip
        assert (await browser.get(f"/figures/reports/{path}")).status_code == status, path
    for file in (tmp_path / "kept").rglob("office.pdf"):
        file.write_bytes(b"x")
    changed = await browser.get("/figures/reports/2026-11/office.pdf")
    assert (changed.status_code, "แก้ไข" in changed.text) == (409, True)
