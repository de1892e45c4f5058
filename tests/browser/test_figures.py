"""The managers' dashboards in Chromium: no grave fault of axe, and figures that open."""

from __future__ import annotations

from datetime import date
from random import Random

import pytest
from playwright.async_api import expect

from benchmarks.year.calls import Year
from crm_bridge.access.roles import Role
from crm_bridge.reports.catalogue import CATALOGUE
from crm_bridge.reports.period import Period
from crm_bridge.written import office_time
from ivr.calls.call import Call, Mark, MenuChoice, Transfer, TransferKind, TransferOutcome
from tests.support.browser import IMAGES, SCREENSHOTS, Browsers
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.desk_clock import NOW
from tests.support.walk import axe_faults
from tests.support.web import Desk

DAY = office_time(NOW).date()
MORNING = Period(DAY, DAY).since + 3 * 3600 * SECOND
PAGES = [
    *("/figures" if name == "overview" else f"/figures/{name}" for name in CATALOGUE),
    "/figures/steps?service=information&step=transfer",
    "/figures/officers?agent=1001",
    "/figures/calls?of=steps&count=within,over,open&service=information&step=greet",
    "/figures/calls?of=callbacks&count=calls",
    "/figures/calls?of=surveys&count=unrated,one,two,three,four,five",
    "/figures/behind?of=cases&count=cases",
    "/figures/behind?of=agent_times&count=time_us",
    "/figures/open-cases",
    f"/admin/menu?day={DAY}",
]


async def a_morning(desk: Desk) -> None:
    """Enough calls that every chart and table has something to show."""
    made = []
    for n in range(12):
        call = served(n, MORNING + n * 900 * SECOND, agents=(f"100{n % 3 + 1}",))
        call.menu.append(MenuChoice("main", str(n % 3), call.entered_at + SECOND))
        asked = call.agents[0].connected_at + 60 * SECOND
        outcome = TransferOutcome.ANSWERED if n % 3 else TransferOutcome.BUSY
        call.transfers.append(
            Transfer(TransferKind.BLIND, call.agents[0].agent, "2001", "dit", asked,
                     asked + (20 + 8 * n) * SECOND if n % 3 else None, call.ended_at, outcome)
        )  # fmt: skip
        call.marks.append(Mark("logged", call.ended_at + 30 * SECOND, by=call.agents[0].agent))
        call.marks.append(Mark("survey_begin", call.ended_at - SECOND, "information"))
        if n % 4:
            call.marks.append(Mark("survey_rating", call.ended_at, str(5 - n % 3)))
            call.marks.append(Mark("survey_settled", call.ended_at, "yes" if n % 5 else "no"))
        made.append(call)
    made += [lost(50 + n, MORNING + n * 1800 * SECOND) for n in range(6)]
    await save(desk.database, *made)


@pytest.mark.parametrize(("lang", "pages"), [("th", PAGES[::2]), ("en", PAGES[1::2])])
async def test_every_dashboard_is_accessible(
    desk: Desk, windows: Browsers, lang: str, pages: list[str]
):
    """Each once, in one language or the other: what axe judges does not hang on the words."""
    await a_morning(desk)
    window = await windows.open(await desk.account(Role.SUPERVISOR, language=lang))
    faults = []
    for path in pages:
        await window.page.goto(window.base + path)
        for summary in await window.page.locator("figure.chart summary").all():
            await summary.click()
        faults += [f"{path}: {fault}" for fault in await axe_faults(window.page)]
    assert not faults, "\n".join(faults)


async def test_a_definition_opens_beside_its_figure_by_the_keyboard(desk: Desk, windows: Browsers):
    await a_morning(desk)
    window = await windows.open(await desk.account(Role.DIRECTOR))
    page = window.page
    await page.goto(window.base + "/figures")
    button = page.locator("[popovertarget=metric-compliance]").first
    told = page.locator("#metric-compliance")
    await expect(told).to_be_hidden()
    await button.focus()
    await page.keyboard.press("Enter")
    await expect(told).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(told).to_be_hidden()
    await expect(button).to_be_focused()


async def test_from_a_figure_to_its_calls_to_the_events_of_one(desk: Desk, windows: Browsers):
    await a_morning(desk)
    window = await windows.open(await desk.account(Role.SUPERVISOR))
    page = window.page
    await page.goto(window.base + "/figures")
    figure = page.locator("table.figures.queues td a").first
    count = int(await figure.inner_text())
    await figure.click()
    rows = page.locator("main table tbody tr")
    await expect(rows).to_have_count(count)
    await rows.first.locator("a").click()
    await page.locator("summary", has_text="ทุกเหตุการณ์พร้อมหลักฐาน").click()
    await expect(page.locator("table.events tbody tr").first).to_be_visible()


async def test_nothing_is_wider_than_the_screen(desk: Desk, windows: Browsers):
    await a_morning(desk)
    window = await windows.open(await desk.account(Role.AUDITOR))
    for path in PAGES:
        await window.page.goto(window.base + path)
        wide = await window.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, path


def surveyed(call: Call, chance: Random) -> Call:
    """The call, its caller asked at its end; some hang up before, some say nothing."""
    if call.agents and call.ended_at is not None and chance.random() < 0.7:
        queue = call.passages[-1].queue if call.passages else "information"
        call.marks.append(Mark("survey_begin", call.ended_at - 20 * SECOND, queue))
        if chance.random() < 0.55:
            (rating,) = chance.choices("54321", (46, 31, 13, 6, 4))
            call.marks.append(Mark("survey_rating", call.ended_at - 12 * SECOND, rating))
            if chance.random() < 0.85:
                said = "yes" if chance.random() < 0.5 + int(rating) / 11 else "no"
                call.marks.append(Mark("survey_settled", call.ended_at - 5 * SECOND, said))
    return call


@pytest.mark.skipif(not SCREENSHOTS, reason="takes the guide's picture of the survey")
async def test_the_survey_is_pictured(desk: Desk, windows: Browsers):
    year, chance = Year(1203, 12_000, 2026), Random(1203)
    for day in year.days:
        if date(2026, 5, 1) <= day.day <= date(2026, 6, 30):
            await save(desk.database, *(surveyed(call, chance) for call in year.on(day)))
    for lang, name in (("th", "survey"), ("en", "survey-en")):
        who = await desk.account(Role.SUPERVISOR, f"boss-{lang}", language=lang)
        window = await windows.open(who, lang=lang)
        await window.go("/figures/survey?first=2026-06-01&last=2026-06-30")
        await expect(window.page.locator("table.figures td a").first).to_be_visible()
        await window.look(IMAGES / f"figures-{name}.png")
