"""Signing in, as a person at a browser does it."""

from __future__ import annotations

from playwright.async_api import expect

from crm_bridge.access.roles import Role
from tests.support.browser import Browsers
from tests.support.web import Desk

PASSWORD = "ผลไม้-สดใหม่-1203"


async def test_a_person_signs_in_with_the_keyboard_and_out_again(desk: Desk, windows: Browsers):
    await desk.account(Role.AUDITOR, "malee", password=PASSWORD)
    window = await windows.open()
    page = window.page
    await window.go("/account")
    await expect(page).to_have_title("ลงชื่อเข้าใช้ · 1203")
    await expect(page.locator("[name=login]")).to_be_focused()
    await page.keyboard.type("malee")
    await page.keyboard.press("Tab")
    await page.keyboard.type("ผิด")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("ชื่อผู้ใช้หรือรหัสผ่านไม่ถูกต้อง")
    await page.fill("[name=password]", PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="บัญชีของฉัน")).to_be_visible()
    await expect(page.locator(".me")).to_contain_text("ทดสอบ auditor")
    await window.picture("account")
    await page.get_by_role("button", name="ออกจากระบบ").click()
    await expect(page.locator("[name=login]")).to_be_visible()
    await window.go("/account")
    await expect(page.locator("[name=login]")).to_be_visible()


async def test_the_screens_speak_the_chosen_language(desk: Desk, windows: Browsers):
    window = await windows.open(await desk.account(Role.AGENT))
    await window.go("/account")
    await expect(window.page.locator("html")).to_have_attribute("lang", "th")
    await window.page.get_by_role("button", name="English").click()
    await expect(window.page.get_by_role("heading", name="My account")).to_be_visible()
    await expect(window.page.locator("html")).to_have_attribute("lang", "en")


async def test_a_fault_of_a_page_is_seen_here(desk: Desk, windows: Browsers):
    """The collector itself: a script put into a page is blocked and counted."""
    window = await windows.open(await desk.account(Role.AGENT))
    await window.go("/account")
    async with window.page.expect_console_message(lambda said: "Content Security" in said.text):
        await window.page.evaluate(
            "document.body.insertAdjacentHTML('beforeend', '<p style=\"color:red\">x</p>')"
        )
    assert any("Content Security Policy" in fault for fault in window.faults)
    window.faults.clear()
