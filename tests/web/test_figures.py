"""The managers' page of figures and the same in the API: spans of days, comparison, definitions."""

from __future__ import annotations

import html
import re
from datetime import date

import pytest
from sqlalchemy import update

from crm_bridge.access.roles import Role
from crm_bridge.records.figure_tables import figures_state
from crm_bridge.reports.period import Period, chosen, month_of
from crm_bridge.written import office_time
from ivr.calls.call import Mark
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.desk_clock import NOW
from tests.support.web import Desk, desk

__all__ = ["desk"]

DAY = 86_400 * SECOND
READERS = [Role.SUPERVISOR, Role.DIRECTOR, Role.ADMINISTRATOR, Role.AUDITOR]


def today() -> date:
    return office_time(NOW).date()


@pytest.fixture
async def calls(desk: Desk) -> None:
    """Today two served, one logged, one who hung up; the day before one served."""
    noon = Period(today(), today()).since + 4 * 3600 * SECOND
    logged = served(1, noon)
    logged.marks.append(Mark("logged", logged.ended_at + 30 * SECOND, by="1001"))
    await save(
        desk.database, logged, served(2, noon + 600 * SECOND, agents=("1002",)),
        lost(3, noon), served(4, noon - DAY),
    )  # fmt: skip


@pytest.mark.parametrize("role", READERS)
async def test_managers_see_how_the_standards_were_kept(desk, calls, role):
    page = (await (await desk.browser(role)).get("/figures")).text
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.replace("&nbsp;", " ")))
    assert "3 สายเข้าที่จบแล้ว" in text
    assert "เจ้าหน้าที่ Call Center รับโทรศัพท์และทักทายผู้สอบถาม" in text
    assert "100.0 %" in text
    assert "66.7 %" in text  # two of three were answered within 20 seconds
    assert "1001" in text
    assert "นิยามของตัวเลข" in text


@pytest.mark.parametrize("role", [Role.AGENT, Role.AGENCY_OFFICER, Role.PROVINCIAL_OFFICER])
async def test_officers_are_not_shown_each_others_figures(desk, calls, role):
    browser = await desk.browser(role)
    assert (await browser.get("/figures")).status_code == 403
    assert (await browser.get("/api/v1/figures")).status_code == 403


async def test_the_same_in_the_api(desk, calls):
    browser = await desk.browser(Role.SUPERVISOR)
    found = (await browser.get("/api/v1/figures")).json()
    assert (found["first"], found["whole"], found["calls"]) == (str(today()), True, 3)
    log = next(s["figures"] for s in found["steps"] if s["step"] == "log")
    assert (log["within"], log["open"], log["p50"]) == (1, 1, 30 * SECOND)
    (queue,) = found["queues"]
    assert queue["figures"]["abandonment"] == pytest.approx(1 / 3)
    days = {"first": str(today().replace(day=1)), "last": str(today())}
    assert (await browser.get("/api/v1/figures", params=days)).json()["calls"] == 4


async def test_it_is_told_beside_the_days_before_or_a_year_ago(desk, calls):
    browser = await desk.browser(Role.SUPERVISOR)
    await browser.put("/api/v1/language", json={"language": "en"})
    before = (await browser.get("/figures")).text
    assert re.search(r"against [^<]*: 1</span>", before)
    assert "▲" not in before.split("Queues")[0]  # as it was the day before
    a_year = (await browser.get("/figures?against=year")).text
    assert re.search(r"against [^<]*: 0</span>", a_year)


async def test_an_empty_day_says_so(desk, calls):
    browser = await desk.browser(Role.SUPERVISOR)
    await browser.put("/api/v1/language", json={"language": "en"})
    assert (
        "No call was over in these days." in (await browser.get("/figures?first=2020-02-29")).text
    )


async def test_what_is_left_of_a_call_of_the_day_before_is_shown(desk):
    """Entered a minute before midnight: its log and its officer are today's, the call is not."""
    await save(desk.database, served(1, Period(today(), today()).since - 60 * SECOND))
    browser = await desk.browser(Role.SUPERVISOR)
    found = (await browser.get("/api/v1/figures")).json()
    assert (found["calls"], [s["step"] for s in found["steps"]]) == (0, ["log"])
    page = (await browser.get("/figures")).text
    assert 'class="figures steps"' in page
    assert 'class="figures officers"' in page
    assert "ไม่มีสายที่จบแล้ว" not in page


async def test_figures_that_are_not_whole_say_so(desk, calls):
    async with desk.database.writing() as connection:
        await connection.execute(update(figures_state).values(whole=0))
    browser = await desk.browser(Role.SUPERVISOR)
    assert "ยังไม่สมบูรณ์" in (await browser.get("/figures")).text
    assert (await browser.get("/api/v1/figures")).json()["whole"] is False


async def test_days_that_cannot_be_are_refused(desk):
    browser = await desk.browser(Role.SUPERVISOR)
    turned = await browser.get("/api/v1/figures?first=2026-02-02&last=2026-02-01")
    assert turned.status_code == 422
    assert turned.json()["type"].endswith("days-turned-round")
    for query in ("first=2026-13-01", "first=0001-01-01", "first=9999-12-31"):
        assert (await browser.get(f"/api/v1/figures?{query}")).status_code == 422
        assert (await browser.get(f"/figures?{query}")).status_code == 422


def test_the_days_before():
    assert Period(date(2026, 3, 1), date(2026, 3, 31)).before() == month_of(date(2026, 2, 1))
    week = Period(date(2026, 3, 2), date(2026, 3, 8))
    assert week.before() == Period(date(2026, 2, 23), date(2026, 3, 1))
    assert Period(date(2024, 2, 29), date(2024, 2, 29)).a_year_ago().first == date(2023, 2, 28)
    february = month_of(date(2025, 2, 1))
    assert february.a_year_ago() == Period(date(2024, 2, 1), date(2024, 2, 29))
    assert february.before() == month_of(date(2025, 1, 1))
    assert month_of(date(2024, 2, 29)).a_year_ago() == month_of(date(2023, 2, 1))
    assert week.until - week.since == 7 * DAY
    assert chosen(date(2026, 1, 3))["last_month"][2] == month_of(date(2025, 12, 1))


async def test_a_figure_opens_to_its_calls_and_they_to_their_records(desk, calls):
    browser = await desk.browser(Role.DIRECTOR)
    page = (await browser.get("/figures")).text
    (href,) = {
        html.unescape(found)
        for found in re.findall(r'href="(/figures/calls\?[^"]*)"', page)
        if "step=greet" in found and "within%2Cover%2Copen" in found
    }
    behind = (await browser.get(href)).text
    records = re.findall(r'href="(/calls/[^"]+)"', behind)
    assert len(records) == 3
    assert "0812345678" not in behind.replace(" ", "")
    assert (await browser.get(records[0])).status_code == 200
    manager = await desk.browser(Role.ADMINISTRATOR)
    assert 'href="/calls/' not in (await manager.get(href)).text
    assert (await (await desk.browser(Role.AGENT)).get(href)).status_code == 403


async def test_calls_behind_no_figure_are_refused(desk):
    browser = await desk.browser(Role.SUPERVISOR)
    for query in ("of=steps&count=parts", "of=nothing&count=over", "of=steps&count=over&agent=1"):
        assert (await browser.get(f"/figures/calls?{query}")).status_code == 404
    nothing = await browser.get("/figures/calls?of=steps&count=over&first=2020-02-29")
    assert "ไม่มีสายที่นับในตัวเลขนี้" in nothing.text
