"""Alerts in Chromium: one tab notifies, a page in view shows it itself, rules are kept."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, expect

from crm_bridge.access.roles import Role
from crm_bridge.alerts.observation import FloorNow, Waiting
from tests.support.alerts import Watched, with_hook
from tests.support.browser import IMAGES, SCREENSHOTS, Browsers, Window
from tests.support.desk_house import House

SECOND = 1_000_000
RECORDED = """
window.shown = [];
localStorage.setItem("alerts-notify", "on");
window.Notification = class {
  static permission = "granted";
  static requestPermission = async () => "granted";
  constructor(title, options) { window.shown.push([title, options.body]); }
};
window.look = (hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
};
"""


@pytest.fixture
async def watched(house: House) -> Watched:
    house.context.config = with_hook(house.context.config)
    made = Watched(house.database, house.clock, house.context.hub, house.context.config)
    await made.joined()
    house.context.alerts = made.keeper
    return made


async def picture(window: Window, name: str) -> None:
    if SCREENSHOTS:
        await window.look(IMAGES / f"alerts-{name}.png")


async def shown(*pages: Page) -> list[tuple[str, str]]:
    return [tuple(one) for page in pages for one in await page.evaluate("window.shown")]


async def notified(*pages: Page) -> None:
    """Waits until one of them has shown a notification."""
    async with asyncio.timeout(15):
        while not await shown(*pages):  # noqa: ASYNC110  # a page tells the test nothing by itself
            await asyncio.sleep(0.05)


async def test_one_tab_notifies_and_only_while_none_is_looked_at(
    house: House, office_windows: Browsers, watched: Watched
):
    window = await office_windows.open(house.office.of(Role.SUPERVISOR))
    await window.context.add_init_script(RECORDED)
    await window.go("/alerts")
    other = await window.context.new_page()
    window.watch(other)
    await other.goto(window.base + "/cases")
    await watched.only("wait", quiet_minutes=0)
    pages = (window.page, other)
    # looked at: a note on the page, and nothing of the system
    watched.waits("information", 130)
    await watched.look()
    await expect(other.locator("#toasts .toast")).to_contain_text("มีผู้โทรรอนานเกิน 2:00 นาที")
    for page in pages:
        await expect(page.locator("[data-alerts] .bell-count")).to_have_text("1")
    assert await shown(*pages) == []
    # nobody looks: one tab of the two notifies, once
    for page in pages:
        await page.evaluate("window.look(true)")
    watched.waits("complaint", 130)
    await watched.look(seconds=25)
    await notified(*pages)
    for page in pages:
        await expect(page.locator("[data-alerts] .bell-count")).to_have_text("2")
    assert [title for title, _ in await shown(*pages)] == [
        "1203: คิวรับเรื่องร้องเรียน: มีผู้โทรรอนานเกิน 2:00 นาที"
    ]
    # the tab that held the stream is closed: the other takes it over
    await window.page.close()
    watched.waits("appointment", 130)
    await watched.look(seconds=25)
    await notified(other)
    assert [title for title, _ in await shown(other)] == [
        "1203: คิวนัดหมาย VDO Conference: มีผู้โทรรอนานเกิน 2:00 นาที"
    ]
    window.page = other


async def test_a_supervisor_sees_to_it_and_keeps_the_rules(
    house: House, office_windows: Browsers, watched: Watched
):
    window = await office_windows.open(
        house.office.of(Role.SUPERVISOR), permissions=("notifications",)
    )
    page = window.page
    await window.go("/alerts")
    await expect(page.locator(".calm")).to_be_visible()
    await watched.only("wait", "wait-standard", "waiting", "nobody-ready")
    now = house.clock.now_us()
    watched.floor = FloorNow(
        {
            "information": Waiting(7, now - 310 * SECOND),
            "complaint": Waiting(2, now - 130 * SECOND),
        },
        {},
        lambda _queue: 0,
    )
    await watched.look(times=40)
    await window.go("/alerts")
    await expect(page.locator(".alert-group.critical li")).to_have_count(3)
    await expect(page.locator("[data-alerts] .bell-count")).not_to_be_empty()
    await picture(window, "now")
    first = page.locator(".alert-group").first
    await first.get_by_role("button", name="รับทราบ", exact=True).first.click()
    await expect(page.locator(".alert-group li.seen")).to_have_count(1)
    await first.locator("summary").first.click()
    await first.get_by_role("button", name="1 ชั่วโมง").first.click()
    await expect(page.locator(".alert-group").first).to_contain_text("พักการเตือนถึง")
    watched.floor = FloorNow()
    await watched.look(times=80)
    await window.go("/alerts")
    await expect(page.locator(".calm")).to_be_visible()
    await expect(page.locator(".alert-history tbody tr").first).to_be_visible()
    await picture(window, "history")

    await window.go("/admin/alerts")
    await picture(window, "rules")
    rule = page.locator("#rule-waiting")
    await rule.locator("summary").click()
    await rule.get_by_label("แจ้งเมื่อเกิน (ราย)").fill("4")
    await rule.get_by_label("สิ้นสุดเมื่อไม่เกิน (ราย)").fill("6")
    await rule.get_by_role("button", name="บันทึก", exact=True).click()
    await expect(rule.locator(".field-problem")).to_have_text("ต้องไม่สูงกว่าค่าที่แจ้งเตือน")
    await rule.get_by_label("สิ้นสุดเมื่อไม่เกิน (ราย)").fill("2")
    await rule.get_by_label("อีเมล").fill("head@moc.example, duty@moc.example")
    await rule.get_by_label("เว็บฮุก alarms").check()
    await picture(window, "rule")
    await rule.get_by_role("button", name="บันทึก", exact=True).click()
    await expect(page.locator("#rule-waiting .rule-words")).to_contain_text("4 ราย")
    await rule.locator("summary").click()
    await rule.get_by_role("button", name="ทดสอบปลายทางที่บันทึกไว้").click()
    await expect(page.locator(".toast.good")).to_be_visible()
    mailed = [
        to for to, subject, _ in await watched.mails() if subject and "ทดสอบการแจ้งเตือน" in subject
    ]
    assert mailed == ["head@moc.example", "duty@moc.example"]
    await rule.get_by_role("button", name="ปิดกฎนี้").click()
    await expect(page.locator("#rule-waiting.off")).to_be_visible()
    await page.get_by_label("เพิ่มกฎ:").select_option("step")
    await page.get_by_role("button", name="เพิ่ม", exact=True).click()
    await expect(page.locator(".rule")).to_have_count(12)
