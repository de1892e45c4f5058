"""The desk worked by its keys alone, with a hostile caller on the line."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from ivr.lab.sipua import Identity
from tests.support.browser import Browsers
from tests.support.desk_house import LiveHouse
from tests.support.hostile import MARK, assert_nothing_ran
from tests.support.journey import sit
from tests.support.walk import axe_faults, keyboard_faults

pytestmark = [pytest.mark.line, pytest.mark.timeout(180)]

SCRIPT = f"<img src=x onerror=window.{MARK}=1>\u202e"


async def test_every_key_of_the_desk_with_a_hostile_caller(
    live_house: LiveHouse, live_windows: Browsers
):
    stage = live_house.stage
    agency = await stage.agency(2002)
    seat = await sit(live_house, live_windows, live_house.office.accounts["somying"], 1004)
    seat.phone.remote_control = True
    page, keys = seat.page, seat.page.keyboard

    await keys.press("Alt+K")
    await expect(page.locator("#keys")).to_be_visible()
    await keys.press("Escape")
    await expect(page.locator("#keys")).to_be_hidden()
    await keys.press("Alt+P")
    await page.locator("#pause .reason").first.press("Enter")
    await expect(seat.state).to_contain_text("พัก:")
    await keys.press("Alt+Y")
    await expect(seat.state).to_have_text("พร้อมรับสาย")

    since = stage.witness.mark()
    caller = await stage.ask("information", Identity("0861112222", SCRIPT))
    leg = await seat.phone.rung(15)
    leg.ring()
    await seat.at_stage("สายเรียกเข้า")
    await expect(seat.call).to_contain_text("<img src=x onerror=")
    await page.reload()  # the pop is there again, once
    await seat.at_stage("สายเรียกเข้า")
    await expect(page.locator("#calls .call")).to_have_count(1)
    await leg.answer()
    await stage.greeted(since=since)
    await seat.at_stage("กำลังสนทนา")
    await expect(seat.panel("wrapup").locator("form")).to_be_visible()
    faults = [*await axe_faults(page), *await keyboard_faults(page)]
    assert not faults, "\n".join(faults)
    room = await page.evaluate("document.documentElement.scrollHeight - innerHeight")
    assert room <= 0, "an agent with a caller on the line scrolls for nothing"

    await keys.press("Alt+H")
    await seat.at_stage("พักสายผู้ติดต่อ")
    await keys.press("Alt+H")
    await seat.at_stage("กำลังสนทนา")
    await keys.press("Alt+Q")
    step = page.locator("#bars [aria-current=step]")
    await expect(step).to_have_attribute("data-step", "enquire")
    await keys.press("Alt+Q")
    await expect(step).to_have_attribute("data-step", "inform")
    await keys.press("Alt+G")
    await expect(seat.panel("guide")).to_be_visible()

    await keys.press("Alt+T")
    await expect(page.locator("#directory-query")).to_be_focused()
    await keys.type("Business Dev")
    await expect(page.locator("#directory-results .target").first).to_contain_text("2002")
    await keys.press("Enter")
    asked = await agency.rung(15)
    await asked.answer()
    await seat.at_stage("กำลังปรึกษาหน่วยงาน")
    await keys.press("Alt+B")
    await asked.until("let go", lambda one: one.state == "ended", 15)
    await seat.at_stage("กำลังสนทนา")

    await keys.press("Alt+X")
    await caller.until("let go", lambda one: one.state == "ended", 15)
    await seat.at_stage("รอบันทึกการให้บริการ")
    await assert_nothing_ran(page)
    await stage.quiet()
    await seat.window.go("/calls")
    await expect(page.locator("main")).to_contain_text("086 111 2222")
    await assert_nothing_ran(page)
