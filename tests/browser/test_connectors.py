"""Other CRMs in real Chromium: callers they know on the pop, and deliveries that failed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import expect

from crm_bridge.access.roles import Role
from crm_bridge.connectors.port import Unreachable
from crm_bridge.desk.pop import Stage
from crm_bridge.records.database import Database
from tests.browser.conftest import judged
from tests.support.browser import Browsers, browsers, served
from tests.support.caller_book import MOBILE, CallerBook, SteppedClock, contact, settled
from tests.support.desk_house import House
from tests.support.migrated import sqlite_url
from tests.support.other_crm import join
from tests.support.scenario import config_of
from tests.support.screens import LineDesk, line_desk

LIMIT = 10.0
COMPANY = contact("สมศรี ใจเย็น", lines=("บริษัท ค้าข้าวไทย จำกัด", "ลูกค้าประจำ"))


@asynccontextmanager
async def desk_with(
    books: list[CallerBook], place: Path, node: pytest.Item
) -> AsyncIterator[tuple[LineDesk, Browsers]]:
    """A desk whose line the test feeds, and CRMs that answer when the test says so."""
    database = Database(await sqlite_url(place / "line.db"))
    others = [(book.connector(), LIMIT) for book in books]
    async with (
        line_desk(config_of("ours"), database, SteppedClock(), others) as line,
        served(line.app) as base,
        browsers(base, line) as opened,
    ):
        yield line, opened
        await judged(opened, place, node)
    await database.close()


def passed(line: LineDesk) -> SteppedClock:
    assert isinstance(line.clock, SteppedClock)
    return line.clock


async def test_a_pop_stands_before_the_others_answer_and_says_what_came_of_asking(
    tmp_path: Path, request: pytest.FixtureRequest
):
    quick, slow, broken = (
        CallerBook("odoo"),
        CallerBook("rt", "rt"),
        CallerBook("roundup", "roundup"),
    )
    async with desk_with([quick, slow, broken], tmp_path, request.node) as (line, opened):
        window = await opened.open(await line.agent())
        page = window.page
        await window.go("/desk")
        await expect(page.locator("#link .dot.good")).to_be_visible()
        elsewhere = page.locator("#cards .elsewhere")
        played = line.play("answered_served")
        played.until(line.context.board.live)
        await settled()
        await quick.reply(MOBILE, COMPANY)
        played.until_stage(Stage.RINGING)
        await expect(page.locator(".call[data-stage=ringing]")).to_contain_text("081 234 5678")
        await expect(elsewhere.locator("[data-crm=odoo]")).to_contain_text("สมศรี ใจเย็น")
        link = elsewhere.get_by_role("link", name="สมศรี ใจเย็น")
        await expect(link).to_have_attribute("href", "https://crm.test/contact/7")
        await expect(link).to_have_attribute("target", "_blank")
        await expect(link).to_have_attribute("rel", "noopener noreferrer")
        await expect(page.locator(".call-there")).to_contain_text("สมศรี ใจเย็น")
        await passed(line).pass_(0)
        # it entered more than half a second before the telephone rang
        await expect(elsewhere.locator("[data-crm=rt]")).to_contain_text("ยังไม่ได้รับคำตอบ")
        await broken.fail(MOBILE, Unreachable("refused"))
        await expect(elsewhere.locator("[data-crm=roundup]")).to_contain_text("สอบถามไม่ได้")
        await slow.reply(MOBILE)
        await expect(elsewhere.locator("[data-crm=rt]")).to_contain_text("ไม่พบหมายเลขนี้")
        await expect(page.locator(".call[data-stage=ringing]")).to_be_visible()
        await window.picture("pop-elsewhere")


async def test_a_name_that_another_crm_knows_is_put_in_only_when_asked(
    tmp_path: Path, request: pytest.FixtureRequest
):
    book = CallerBook("odoo")
    async with desk_with([book], tmp_path, request.node) as (line, opened):
        window = await opened.open(await line.agent())
        page = window.page
        await window.go("/desk")
        await expect(page.locator("#link .dot.good")).to_be_visible()
        played = line.play("answered_served")
        played.until_stage(Stage.RINGING)
        await settled()
        await book.reply(MOBILE, COMPANY)
        use = page.get_by_role("button", name="ใช้ชื่อนี้")
        await expect(page.locator("#cards .elsewhere")).to_be_visible()
        await expect(use).to_be_hidden()
        played.until_stage(Stage.TALKING)
        await expect(page.locator(".call[data-stage=talking]")).to_be_visible()
        await page.keyboard.press("Alt+R")
        name = page.locator("form.complaint [name=complainant_name]")
        await expect(name).to_have_value("")
        await expect(page.locator("form.complaint .suggested")).to_contain_text("สมศรี ใจเย็น")
        await page.locator("form.complaint .suggested button").click()
        await expect(name).to_have_value("สมศรี ใจเย็น")
        await expect(name).to_be_focused()
        await name.fill("")
        await page.locator("#cards .elsewhere").get_by_role("button", name="ใช้ชื่อนี้").press("Enter")
        await expect(name).to_have_value("สมศรี ใจเย็น")


async def test_what_a_crm_refuses_is_mended_and_goes(house: House, office_windows: Browsers):
    joined = await join(house)
    ticket = house.office.cases["recorded"]
    await house.propose_and_assign(ticket, "โปรดตรวจสอบข้อเท็จจริง")
    joined.connector.longest = 30
    await joined.deliver()
    window = await office_windows.open(house.office.of(Role.ADMINISTRATOR))
    page = window.page
    await window.go("/admin/connectors")
    await expect(page.locator("[data-crm=odoo]")).to_contain_text("ทำงานปกติ")
    await window.picture("connectors")
    await page.get_by_role("link", name="ดูและแก้ไข").click()
    row = page.locator("table.entries tbody tr")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("ระบบนั้นไม่รับข้อมูลตามที่ส่ง")
    await row.get_by_role("link", name="เปิดดู").click()
    await expect(page.locator(".fault")).to_contain_text("subject: longer than 30 characters")
    await window.picture("dead-letter")
    subject = page.locator("[name='ticket.subject']")
    await subject.fill("เรื่องสั้น")
    await page.keyboard.press("Alt+S")
    await expect(page.locator("h1")).to_contain_text("รอส่ง")
    await expect(page.locator("tr.set")).to_contain_text("เรื่องสั้น")
    await joined.deliver()
    await page.reload()
    await expect(page.locator("h1")).to_contain_text("ส่งแล้ว")
    await expect(page.locator(".tries li")).to_have_count(3)


async def test_how_a_crm_stands_is_kept_up_to_date_by_itself(
    house: House, office_windows: Browsers
):
    joined = await join(house)
    window = await office_windows.open(house.office.of(Role.SUPERVISOR))
    page = window.page
    await window.go("/admin/connectors")
    figures = page.locator("[data-crm=odoo] .figures > div")
    await expect(figures.nth(0)).to_contain_text("0 รอส่ง")
    await house.propose_and_assign(house.office.cases["recorded"], "โปรดตรวจสอบ")
    await expect(figures.nth(0)).to_contain_text("2 รอส่ง")
    joined.crm.secret = "another"
    await joined.deliver()
    await expect(page.locator("[data-crm=odoo]")).to_contain_text("ถูกปฏิเสธการเข้าใช้")
    joined.crm.secret = None
    await page.get_by_role("button", name="ลองส่งเดี๋ยวนี้").click()
    await expect(page.locator(".toast")).to_contain_text("กำลังลองส่ง")
    await joined.deliver()
    await expect(page.locator("[data-crm=odoo]")).to_contain_text("ทำงานปกติ")
