"""What everybody may read: pages and files that need nobody, keep nothing of who asks, and last."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import date

import openpyxl
import pypdf
import pytest
from sqlalchemy import insert, update

from crm_bridge.access.roles import Role
from crm_bridge.records.desk_tables.appointments import appointments
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.records.figure_tables import figures_state
from crm_bridge.reports.period import Period, month_of
from crm_bridge.reports.source import checksum, published_checksum
from crm_bridge.web.context import Context
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.web import Desk, desk
from tests.web.test_figures import today

__all__ = ["desk"]

YEAR = 2026
PAGES = ("/public/", "/public/guide", "/public/statistics", f"/public/statistics/{YEAR + 543}")
FILES = (
    "/public/guide.pdf", "/public/guide.json",
    *(f"/public/statistics/{YEAR}.{form}" for form in ("pdf", "xlsx", "csv", "json")),
)  # fmt: skip


@pytest.fixture
async def calls(desk: Desk) -> None:
    """In October nine served and one lost, in September seven served, this month one."""
    assert today().year == YEAR
    october, september = (month_of(date(YEAR, m, 1)).since + 30 * 3600 * SECOND for m in (10, 9))
    await save(
        desk.database,
        *(served(n, october + n * 3600 * SECOND) for n in range(9)),
        lost(20, october),
        *(served(30 + n, september + n * 3600 * SECOND) for n in range(7)),
        served(50, month_of(today()).since + 3600 * SECOND),
    )


@pytest.mark.parametrize("path", PAGES + FILES)
async def test_it_asks_for_nobody_and_lasts_an_hour(desk, calls, path):
    nobody = await desk.browser()
    given = await nobody.get(path)
    assert given.status_code == 200, given.text
    assert "set-cookie" not in given.headers
    assert given.headers["cache-control"] == "public, max-age=3600"
    assert "script-src" not in given.headers["content-security-policy"]
    assert "default-src 'none'" in given.headers["content-security-policy"]
    again = await nobody.get(path, headers={"If-None-Match": f'"x", W/{given.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == given.headers["etag"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_the_same_for_all_and_runs_nothing(desk, calls, path):
    nobody, somebody = await desk.browser(), await desk.browser(Role.SUPERVISOR)
    await somebody.put("/api/v1/language", json={"language": "en"})
    page = await nobody.get(path)
    assert "hotline_lang" in somebody.cookies
    assert page.text == (await somebody.get(path)).text
    for no in ("<script", "style=", "onclick", "csrf", "<form"):
        assert no not in page.text
    assert 'lang="th"' in page.text
    english = await nobody.get(f"{path}?lang=en")
    assert '<html lang="en">' in english.text
    assert english.headers["etag"] != page.headers["etag"]


async def test_the_guide_has_every_service_in_the_ministry_s_words(desk):
    nobody = await desk.browser()
    page = (await nobody.get("/public/guide")).text
    for said in (
        "การให้บริการรับเรื่องร้องเรียนผ่าน Call Center สายด่วน 1203", "15 วันทำการ", "ไม่มีค่าธรรมเนียม",
        "มาตรา ๔๑ (๒)", "หนังสือรับรองบุคคล (กรณีคนต่างด้าว)", "www.ops.moc.go.th", "20 นาที",
        "กรณีข้อมูลไม่เพียงพอ / ข้อมูลเชิงลึก", "กองบริหารการพาณิชย์ภูมิภาค",
    ):  # fmt: skip
        assert said in page, said
    data = json.loads((await nobody.get("/public/guide.json")).content)
    assert [len(t["rows"]) for t in data["tables"]] == [5, 5, 3, 4]
    assert data["tables"][1]["rows"][4][-1] == {"th": "15 วันทำการ", "en": "15 working days"}
    pdf = pypdf.PdfReader(io.BytesIO((await nobody.get("/public/guide.pdf?lang=en")).content))
    text = " ".join(p.extract_text() for p in pdf.pages)
    assert "Every provincial commerce office" in text
    assert "Published edition" in text
    assert "\n1 minute" in text


async def test_statistics_are_of_months_that_are_over_with_small_counts_withheld(desk, calls):
    nobody = await desk.browser()
    data = json.loads((await nobody.get(f"/public/statistics/{YEAR}.json")).content)
    tables = {t["id"]: t for t in data["tables"]}
    assert (data["first"], data["last"]) == ("2026-09-01", "2026-10-31")
    # before September nothing is known, and November is not over
    assert len(data["source_sha256"]) == 64
    rows = {row[0]["en"]: row[1:] for row in tables["calls"]["rows"]}
    assert rows["Oct 2026"] == ["*", "*", 0, 0, 10]  # one lost: nine served would say so
    assert list(rows) == ["Sep 2026", "Oct 2026", "Total"]
    assert rows["Total"][-1] == 17
    assert rows["Sep 2026"].count("*") != 1
    assert tables["channels"]["rows"][-1][1:] == [17, 0, 0]
    october = {row[0]["en"]: row[1:] for row in tables["standards"]["rows"]}["Oct 2026"]
    assert october[0] == october[1]
    assert october[2:] == [0, 1.0]


async def test_every_file_says_the_same(desk, calls):
    nobody = await desk.browser()
    page = (await nobody.get("/public/statistics")).text
    data = json.loads((await nobody.get(f"/public/statistics/{YEAR}.json")).content)
    book = openpyxl.load_workbook(
        io.BytesIO((await nobody.get(f"/public/statistics/{YEAR}.xlsx?lang=en")).content)
    )
    sheet = book["Calls to 1203 by what became of"[:31]]
    october = next(row for row in sheet.iter_rows(values_only=True) if row[0] == "Oct 2026")
    assert october == ("Oct 2026", "*", "*", 0, 0, 10)
    packed = zipfile.ZipFile(
        io.BytesIO((await nobody.get(f"/public/statistics/{YEAR}.csv?lang=en")).content)
    )
    assert b"Oct 2026,*,*,0,0,10" in packed.read("calls.csv")
    pdf = pypdf.PdfReader(io.BytesIO((await nobody.get(f"/public/statistics/{YEAR}.pdf")).content))
    text = "".join(p.extract_text() for p in pdf.pages).replace("\n", "").replace(" ", "")
    for told in (page.replace(" ", ""), text):
        assert data["source_sha256"] in told
        assert "ตุลาคม2569" in told
    assert "1001" not in page  # no officer


def row_of(table, **given):
    """A row with something in each column that must have something."""
    kinds = {str: "x", int: 0, bool: False}
    must = {c.name: kinds[c.type.python_type] for c in table.c if not c.nullable}
    return must | given


async def test_the_checksum_is_of_complaints_and_appointments_too(desk, calls):
    october, nobody = month_of(date(YEAR, 10, 1)), await desk.browser()
    published = Period(date(YEAR, 9, 1), october.last)

    async def changed(*statements):
        async with desk.database.writing() as connection:
            for statement in statements:
                await connection.execute(statement)
        async with desk.database.reading() as connection:
            found = await published_checksum(connection, published)
            return found, await checksum(connection, published)

    nothing, figures = await changed()
    assert nothing == figures
    at = {"recorded_us": october.since + SECOND, "kind": "complaint", "state": "recorded"}
    complaint = row_of(cases, id="c1", ticket="1", **at)
    advice = row_of(cases, id="c2", ticket="2", **at | {"kind": "advice"})
    visit = row_of(appointments, id="a1", saved_us=october.since + SECOND)
    found = [nothing]
    for statement in (
        insert(cases).values(complaint), update(cases).values(state="settled"),
        insert(appointments).values(visit),
    ):  # fmt: skip
        made, still = await changed(statement)
        assert still == figures
        found.append(made)
    assert len(set(found)) == 4
    other = update(appointments).values(topic="another")
    assert await changed(insert(cases).values(advice), other) == (found[-1], figures)
    for form in ("pdf", "json"):
        given = await nobody.get(f"/public/statistics/{YEAR}.{form}?lang=en")
        text = given.text if form == "json" else "".join(
            page.extract_text() for page in pypdf.PdfReader(io.BytesIO(given.content)).pages
        )  # fmt: skip
        assert found[-1] in text.replace("\n", "")
    assert found[-1] in (await nobody.get("/public/statistics")).text


async def test_it_is_made_once_a_day(desk, calls):
    nobody = await desk.browser()
    path = f"/public/statistics/{YEAR}.json"
    first = await nobody.get(path)
    await save(desk.database, served(99, month_of(date(YEAR, 8, 1)).since))
    assert (await nobody.get(path)).content == first.content
    desk.clock.at += 86_400 * SECOND
    later = await nobody.get(path)
    assert later.headers["etag"] != first.headers["etag"]
    assert json.loads(later.content)["made"] > json.loads(first.content)["made"]


async def test_nothing_is_published_while_calls_are_still_counted(desk, calls):
    async with desk.database.writing() as connection:
        await connection.execute(update(figures_state).values(whole=0))
    nobody = await desk.browser()
    assert (await nobody.get(f"/public/statistics/{YEAR}")).status_code == 404
    assert "ยังไม่มีเดือน" in (await nobody.get("/public/statistics")).text
    async with desk.database.writing() as connection:
        await connection.execute(update(figures_state).values(whole=1))
    assert (await nobody.get(f"/public/statistics/{YEAR}")).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("statistics/1999", 404), ("statistics/9999.pdf", 404), ("statistics/0", 422),
        ("statistics/02026", 404), ("statistics/2_026", 404), ("statistics/+2026", 404),
        ("statistics/2026.exe", 422), ("statistics/x", 422), ("guide.xlsx", 422),
        ("guide?lang=fr", 422), ("guide?lang=../../x", 422), ("other", 404),
    ],
)  # fmt: skip
async def test_what_is_not_there_is_not_made(desk, calls, path, status):
    given = await (await desk.browser()).get(f"/public/{path}")
    assert given.status_code == status
    assert "set-cookie" not in given.headers


async def test_it_can_be_switched_off(desk):
    reports = desk.context.config.reports.model_copy(update={"public": False})
    config = desk.context.config.model_copy(update={"reports": reports})
    closed = Desk(
        Context(config, desk.database, desk.context.health, desk.clock), desk.clock, desk.browsers
    )
    nobody = await closed.browser()
    for path in PAGES + FILES:
        assert (await nobody.get(path)).status_code == 404


async def test_without_any_calls_the_page_says_so(desk):
    nobody = await desk.browser()
    assert "No month is over" in (await nobody.get("/public/statistics?lang=en")).text
    assert "No month is complete" in (await nobody.get("/public/?lang=en")).text
