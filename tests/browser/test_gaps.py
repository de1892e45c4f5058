"""What was not heard, in real Chromium: the list, and the card of one call it leads to."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from crm_bridge.access.roles import Role
from crm_bridge.reconciling.gap_book import keep_gap, keep_places
from ivr.calls.call import Call, Gap
from tests.support.browser import IMAGES, SCREENSHOTS, Browsers, Window
from tests.support.desk_calls import SECOND, save, served
from tests.support.desk_clock import NOW
from tests.support.web import Desk

AT = NOW - 7_200 * SECOND
NIGHT = AT - 9 * 3_600 * SECOND


@pytest.fixture
async def killed(desk: Desk) -> Call:
    """A stop with ten calls, one of them unfilled and without an end; a lost link at night."""
    made = [served(n, AT + n * SECOND, presented=f"02123456{n}") for n in range(10)]
    for n, call in enumerate(made):
        call.gaps = [Gap(call.entered_at + 100 * SECOND, AT + 600 * SECOND, "cel" if n else None)]
    broken = made[0]
    broken.ended_at = broken.ended_by = broken.outcome = broken.agents[0].released_at = None
    await save(desk.database, *made)
    nodes = [n.model_copy(update={"cel_file": Path("cel.csv")}) for n in desk.context.config.node]
    desk.context.config = desk.context.config.model_copy(update={"node": nodes})
    async with desk.database.writing() as connection:
        await keep_gap(connection, "lab1", NIGHT, NIGHT + 2 * SECOND, "link")
        await keep_gap(connection, "lab1", AT + 100 * SECOND, AT + 600 * SECOND, "asterisk")
        await keep_places(connection, "lab1", 0, None, None, NOW, NOW)
    return broken


@pytest.mark.parametrize("lang", ["th", "en"])
async def test_from_the_list_to_the_call_and_what_is_unknown(
    desk: Desk, windows: Browsers, killed: Call, lang: str
) -> None:
    names = {"name_th": "วิไลวรรณ ศรีสุข", "name_en": "Wilaiwan Srisuk"}
    head = await desk.account(Role.SUPERVISOR, "head", **names, language=lang)
    window = await windows.open(head, lang=lang)
    page = window.page
    await window.go("/admin/gaps")
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not await page.evaluate(wide)
    await picture(window, IMAGES / f"gaps-{lang}.png")
    folded = page.locator("tbody details")
    await expect(folded.locator("a").first).to_be_hidden()
    await folded.locator("summary").click()
    await expect(folded.locator("a").first).to_be_visible()
    await page.locator(f'a[href="/calls/{killed.call_id}"]').last.click()
    card = page.locator("#unheard tbody tr")
    await expect(card).to_have_count(1)
    await expect(card.locator("li").nth(1)).to_have_text(
        {"th": "เวลาที่สายจบ", "en": "when the call ended"}[lang]
    )
    await picture(window, IMAGES / f"gaps-call-{lang}.png")


async def picture(window: Window, file: Path) -> None:
    """The screen, where pictures are asked for."""
    if SCREENSHOTS:
        await window.look(file)
