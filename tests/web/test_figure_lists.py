"""The lists of cases, records and time behind figures: who may see them, and nothing of people."""

from __future__ import annotations

import html
import re

import pytest
from sqlalchemy import select

from crm_bridge.access.roles import Role
from crm_bridge.desk import agent_states, sittings
from crm_bridge.desk.agent_states import Sitting
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.reports.period import month_of
from crm_bridge.written import office_time
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.desk_clock import NOW
from tests.support.desk_house import House, furnished, house
from tests.support.web import Desk, desk

__all__ = ["desk", "furnished", "house"]

TODAY = office_time(NOW).date()
MONTH = month_of(TODAY)
YEAR = f"first={TODAY.replace(year=TODAY.year - 1)}&last={TODAY}"
READERS = [Role.SUPERVISOR, Role.DIRECTOR, Role.ADMINISTRATOR, Role.AUDITOR]
OTHERS = [Role.AGENT, Role.AGENCY_OFFICER, Role.PROVINCIAL_OFFICER]
PAGES = [
    f"/figures/behind?of=cases&count=cases&{YEAR}",
    f"/figures/behind?of=subjects&count=records&{YEAR}",
    f"/figures/behind?of=agent_times&count=time_us&{YEAR}",
    "/figures/open-cases",
]


def tickets(page):
    return re.findall(r'href="/cases/([^"/]+)"', page)


def plain(page):
    return html.unescape(page).replace(" ", "").replace("-", "")


@pytest.mark.parametrize("role", READERS)
async def test_managers_see_cases_and_no_complainant(house: House, role):
    async with house.database.reading() as connection:
        rows = (await connection.execute(select(cases))).mappings().all()
    browser = await house.browser(role)
    page = (await browser.get(PAGES[0])).text
    assert sorted(tickets(page)) == sorted(row["ticket"] for row in rows)
    opened = (await browser.get(PAGES[3])).text
    assert 0 < len(tickets(opened)) < len(rows)
    for shown in (page, opened):
        for row in rows:
            for hidden in (row["complainant_name"], row["complainant_number"], row["title"]):
                assert not hidden or hidden.replace(" ", "") not in plain(shown)
    assert (await browser.get(f"/cases/{tickets(page)[0]}")).status_code == 200


async def test_the_board_of_cases_leads_to_as_many_as_it_says(house: House):
    browser = await house.browser(Role.DIRECTOR)
    board = (await browser.get(f"/figures/cases?{YEAR}")).text
    hrefs = re.findall(r'href="(/figures/behind[^"]*)">([\d,]+)</a>', board)
    assert len(hrefs) > 10
    for href, count in dict.fromkeys(hrefs):
        page = (await browser.get(html.unescape(href))).text
        assert len(tickets(page)) == int(count), href


@pytest.mark.parametrize("role", OTHERS)
async def test_others_see_none_of_these_lists(desk: Desk, role):
    browser = await desk.browser(role)
    assert {(await browser.get(page)).status_code for page in PAGES} == {403}


async def test_an_empty_list_and_a_wrong_address_say_so(desk: Desk):
    browser = await desk.browser(Role.SUPERVISOR)
    for page, words in zip(
        PAGES,
        ("ไม่มีเรื่องที่นับ", "ไม่มีบันทึกที่นับ", "ไม่มีช่วงเวลาที่นับ", "ไม่มีเรื่องที่นับ"),
        strict=True,
    ):
        assert words in (await browser.get(page)).text
    for wrong in (
        "behind?of=steps&count=over", "behind?of=nothing&count=over",
        "behind?of=cases&count=records", "behind?of=subjects&count=cases",
        "open-cases?state=closed", "open-cases?state=nothing", "open-cases?age=9",
    ):  # fmt: skip
        answer = await browser.get(f"/figures/{wrong}")
        assert answer.status_code == 404, wrong
        assert "ไม่มีตัวเลขนี้" in answer.text
    assert (await browser.get(f"{PAGES[0]}&cursor=abc")).status_code == 422


async def test_lost_and_repeated_callers_lead_to_calls_without_numbers(desk: Desk):
    made = [
        lost(1, NOW - 7200 * SECOND), lost(2, NOW - 3600 * SECOND, presented=None),
        served(3, NOW - 5400 * SECOND, direction="outbound"), served(4, NOW - 900 * SECOND),
    ]  # fmt: skip
    await save(desk.database, *made)
    browser = await desk.browser(Role.AUDITOR)
    for of, count in (
        ("callbacks&count=calls&state=called_back", 1), ("callbacks&count=calls", 2),
        ("callbacks&count=after&state=called_back&upto=10000000000", 1),
        ("repeats&count=calls&times=2", 2), ("repeats&count=calls&times=1", 0),
        ("repeats&count=callers&times=2", 1), ("repeats&count=callers&times=1", 0),
    ):  # fmt: skip
        query = f"of={of}&first={MONTH.first}&last={MONTH.last}"
        page = (await browser.get(f"/figures/calls?{query}")).text
        assert len(set(re.findall(r'href="/calls/([^"]+)"', page))) == count, of
        assert "812345678" not in plain(page)
    back = await browser.get(f"/figures/calls?of=callbacks&count=calls&state=called_back&{YEAR}")
    assert "โทรกลับแล้วมีผู้รับ" in back.text


async def test_time_at_the_desk_leads_to_its_states(desk: Desk):
    by = await desk.account(Role.AGENT)
    hour = 3600 * SECOND
    seat = Sitting("s1", by.id, "1001", (), NOW - 3 * hour, "t1", agent_states.State.READY,
                   NOW - 3 * hour)  # fmt: skip
    async with desk.database.writing() as connection:
        await sittings.begin(connection, seat)
    async with desk.database.writing() as connection:
        await sittings.end(connection, seat, NOW - hour, "desk")
    browser = await desk.browser(Role.SUPERVISOR)
    board = (await browser.get("/figures/officers")).text
    (href,) = set(re.findall(r'href="(/figures/behind[^"]*)"', board))
    page = (await browser.get(html.unescape(href))).text
    assert page.count("2:00:00") == 2
    assert "พร้อมรับสาย" in page


async def test_an_hour_of_the_week_leads_to_the_calls_of_that_hour(desk: Desk):
    """Told by the page as well, so that nobody takes it for the calls of every hour."""
    await save(desk.database, served(1, NOW - 7200 * SECOND), served(2, NOW - 900 * SECOND))
    browser = await desk.browser(Role.SUPERVISOR)
    board = (await browser.get("/figures/queues")).text
    hrefs = {
        html.unescape(href)
        for href in re.findall(r'href="(/figures/calls[^"]*hour_of_week[^"]*)"', board)
        if "count=offered" in href
    }
    assert len(hrefs) == 2
    for href in hrefs:
        page = (await browser.get(href)).text
        assert len(set(re.findall(r'href="/calls/([^"]+)"', page))) == 1
        assert "จ. 0" in page or "จ. 1" in page
