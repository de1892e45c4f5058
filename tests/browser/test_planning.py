"""A supervisor plans a week and looks at the forecast beside it, in Chromium."""

from __future__ import annotations

from datetime import date, timedelta

from playwright.async_api import expect

from crm_bridge.access.roles import Role
from tests.support.browser import Browsers
from tests.support.busy_weeks import busy_weeks
from tests.support.walk import Walk
from tests.support.web import Desk

TODAY = date(2026, 11, 23)
"""The desk's clock is held on this Monday."""


async def test_a_week_is_planned_mended_and_seen_beside_the_forecast(desk: Desk, windows: Browsers):
    await busy_weeks(desk.database, TODAY - timedelta(days=1), 56)
    window = await windows.open(await desk.account(Role.SUPERVISOR, "head", language="en"))
    page = window.page
    walk = Walk()
    await window.go("/figures/shifts?week=2026-11-23")
    await walk.judge(window, "shifts")
    tuesday = page.get_by_label("1001 24 Nov 2026")
    await tuesday.fill("8.30-12 late")
    await page.get_by_role("button", name="Save the week").click()
    await expect(page.locator(".field-problem")).to_have_text("not like 08:30-12:00 13:00-16:30")
    await tuesday.fill("8.30-12.00 13.00-16.30")
    await page.get_by_role("button", name="Save the week").click()
    await expect(page.get_by_text("Last changed")).to_be_visible()
    await expect(tuesday).to_have_value("08:30-12:00 13:00-16:30")
    await page.get_by_role("link", name="Beside the forecast").click()
    await expect(page.get_by_text("short in")).to_be_visible()
    await walk.judge(window, "forecast")
    await page.locator("[data-day]").fill("2026-11-25")
    await page.get_by_label("Times the usual").fill("2.5")
    await page.get_by_label("Name in Thai").fill("ธงฟ้า")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("li", has_text="×2.5")).to_be_visible()
    await page.get_by_label("Calls, % more").fill("50")
    await page.get_by_role("button", name="Reckon").click()
    await expect(page.get_by_text("as usual").first).to_be_visible()
    assert "calls=50" in page.url
    assert not walk.faults, "\n".join(walk.faults)
