"""Public pages and the list of reports in Chromium: without scripts, by keyboard, and narrow."""

from __future__ import annotations

from datetime import date

import pytest

from crm_bridge.access.roles import Role
from crm_bridge.papers.monthly_rounds import MonthlyReports
from crm_bridge.papers.press import Press
from crm_bridge.reports.period import month_of
from tests.support.browser import IMAGES, SCREENSHOTS, Browsers, Window
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.walk import Walk, axe_faults
from tests.support.web import Desk

HOUR = 3600 * SECOND
SERVICES = ("information", "complaint", "appointment", "market_information")
PAGES = ("/public/", "/public/guide", "/public/statistics")


@pytest.fixture
async def calls(desk: Desk) -> None:
    """Three months of calls, one of them with few."""
    made = []
    for n, month in enumerate((8, 9, 10)):
        begins = month_of(date(2026, month, 1)).since + 32 * HOUR
        many = (70, 9, 90)[n]
        made += [
            served(100 * n + i, begins + i * HOUR // 4, service=SERVICES[i * i % 7 % 4])
            for i in range(many)
        ]
        made += [lost(1000 + 100 * n + i, begins + i * HOUR) for i in range(many // 8)]
    await save(desk.database, *made)


async def picture(window: Window, name: str) -> None:
    if SCREENSHOTS:
        await window.look(IMAGES / f"{name}.png")


@pytest.mark.parametrize("lang", ["th", "en"])
async def test_public_pages_need_no_script_and_are_accessible(
    desk: Desk, windows: Browsers, calls: None, lang: str
):
    window = await windows.open()
    query = "?lang=en" if lang == "en" else ""
    for path in PAGES:
        assert await window.go(path + query) == 200
        assert await axe_faults(window.page) == []
        assert await window.page.evaluate("document.scripts.length") == 0
        name = path.removeprefix("/public/") or "index"
        await picture(window, f"public-{name}-{lang}")
        for width in (1920, 390):
            await window.page.set_viewport_size({"width": width, "height": 844})
            wide = await window.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (path, width, wide)
        await window.page.set_viewport_size({"width": 1366, "height": 768})
    assert await window.context.cookies() == []


async def test_a_person_finds_from_the_first_page_to_a_year_and_another_language(
    desk: Desk, windows: Browsers, calls: None
):
    window = await windows.open()
    await window.go("/public/")
    await window.page.get_by_role("link", name="พ.ศ. 2569").click()
    await window.page.get_by_role("heading", name="ปี พ.ศ. 2569").wait_for()
    await window.page.get_by_role("link", name="English").click()
    await window.page.get_by_role(
        "heading", name="Service statistics of hotline 1203, 2026"
    ).wait_for()
    await window.page.get_by_role("link", name="Guide to the services").click()
    await window.page.get_by_text("15 working days").first.wait_for()


async def test_the_public_pages_by_keyboard(desk: Desk, windows: Browsers, calls: None):
    walk = Walk()
    opened = await walk.all(await windows.open(), begin=("/public/",))
    assert {"/public/", "/public/guide", "/public/statistics"} <= {p.split("?")[0] for p in opened}
    assert not walk.faults, "\n".join(walk.faults)


async def test_the_list_of_reports(desk: Desk, windows: Browsers, tmp_path):
    await save(desk.database, served(1, month_of(date(2026, 10, 1)).since + HOUR))
    desk.clock.set("2026-11-05T10:00")
    section = desk.context.config.desk.model_copy(update={"data_dir": tmp_path / "kept"})
    mailed = desk.context.config.reports.model_copy(update={"mail_to": ["director@moc.example"]})
    config = desk.context.config.model_copy(update={"desk": section, "reports": mailed})
    desk.context.config = config
    desk.context.reports = MonthlyReports(desk.database, config, desk.clock, Press())
    assert await desk.context.reports.make_due() == ["2026-10"]
    window = await windows.open(await desk.account(Role.DIRECTOR))
    await window.go("/figures/reports")
    assert await axe_faults(window.page) == []
    async with window.page.expect_download() as coming:
        await window.page.get_by_role("link", name="PDF", exact=True).first.click()
    assert (await coming.value).suggested_filename == "1203-2026-10-office.pdf"
