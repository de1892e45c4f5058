"""The agent's page in real Chromium: no pop is lost, none is stale, nothing typed is touched."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from crm_bridge.access.account import Account
from crm_bridge.desk.pop import Stage
from tests.browser.conftest import judged
from tests.support.browser import Browsers, Window, browsers, served
from tests.support.screens import LineDesk, line

__all__ = ["line"]


@pytest.fixture
async def windows(
    line: LineDesk, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Browsers]:
    """Windows on a desk whose line the test feeds."""
    async with served(line.app) as base, browsers(base, line) as opened:
        yield opened
        await judged(opened, tmp_path, request.node)


async def at_the_desk(windows: Browsers, account: Account) -> Window:
    window = await windows.open(account)
    await window.go("/desk")
    await expect(window.page.locator("#link .dot.good")).to_be_visible()
    return window


def forgive_being_offline(window: Window) -> None:
    """What the browser itself says of having no network is no fault of the page."""
    window.faults[:] = [x for x in window.faults if "ERR_INTERNET_DISCONNECTED" not in x]


def pop(page: Page) -> Locator:
    return page.locator(".call[data-stage=ringing]")


async def test_a_ring_pops_and_goes_when_it_ends(line: LineDesk, windows: Browsers):
    page = (await at_the_desk(windows, await line.agent())).page
    await expect(page.locator("#idle h2").first).to_be_visible()
    played = line.play("ring_no_answer")
    played.until_stage(Stage.RINGING)
    await expect(pop(page)).to_contain_text("081 234 5678")
    await expect(pop(page)).to_contain_text("สมชาย ใจดี")
    await expect(page.locator("#cards")).to_contain_text("ผู้ติดต่อใหม่")
    await expect(page.locator("#bars [aria-current=step]")).to_contain_text("รับโทรศัพท์และทักทาย")
    played.until(lambda: line.view() is None)
    await expect(page.locator(".call")).to_have_count(0)
    await expect(page.locator("#idle")).to_be_visible()


async def test_a_withheld_number_is_said_as_such(line: LineDesk, windows: Browsers):
    page = (await at_the_desk(windows, await line.agent())).page
    line.play("withheld").until_stage(Stage.RINGING)
    await expect(pop(page)).to_contain_text("ไม่แสดงหมายเลข")
    assert not any(c.isdigit() for c in await pop(page).locator(".call-number").inner_text())


async def test_a_page_without_network_says_so_at_once_and_comes_back_to_what_is(
    line: LineDesk, windows: Browsers
):
    window = await at_the_desk(windows, await line.agent())
    page = window.page
    played = line.play("hold")
    played.until_stage(Stage.RINGING)
    await expect(pop(page)).to_be_visible()
    await window.context.set_offline(True)
    await expect(page.locator("#cut")).to_be_visible()
    await expect(page.locator("#cut")).to_contain_text("ขาดการเชื่อมต่อ")
    played.until_stage(Stage.HELD)
    await window.context.set_offline(False)
    await expect(page.locator("#cut")).to_be_hidden()
    await expect(pop(page)).to_have_count(0)
    await expect(page.locator(".call[data-stage=held]")).to_be_visible()
    window.faults[:] = [
        fault for fault in window.faults if "ERR_INTERNET_DISCONNECTED" not in fault
    ]


async def test_a_pop_that_came_and_went_meanwhile_is_not_shown(line: LineDesk, windows: Browsers):
    window = await at_the_desk(windows, await line.agent())
    await window.context.set_offline(True)
    await expect(window.page.locator("#cut")).to_be_visible()
    await window.page.evaluate(
        """window.rung = 0; new MutationObserver(() => {
          if (document.querySelector('.call[data-stage="ringing"]')) window.rung++;
        }).observe(document.getElementById("calls"),
                   {subtree: true, childList: true, attributes: true})"""
    )
    played = line.play("ring_no_answer")
    played.until_stage(Stage.RINGING)
    played.until(lambda: line.view() is None)
    await window.context.set_offline(False)
    await expect(window.page.locator("#cut")).to_be_hidden()
    await expect(window.page.locator(".call")).to_have_count(0)
    assert await window.page.evaluate("window.rung") == 0
    window.faults[:] = [
        fault for fault in window.faults if "ERR_INTERNET_DISCONNECTED" not in fault
    ]


async def test_a_reload_in_mid_ring_and_a_second_tab_show_the_same(
    line: LineDesk, windows: Browsers
):
    window = await at_the_desk(windows, await line.agent())
    played = line.play("answered_served")
    played.until_stage(Stage.RINGING)
    await expect(pop(window.page)).to_be_visible()
    await window.page.reload()
    await expect(pop(window.page)).to_contain_text("081 234 5678")
    second = await window.context.new_page()
    window.watch(second)
    await second.goto(f"{windows.base}/desk")
    await expect(pop(second)).to_contain_text("081 234 5678")
    played.until_stage(Stage.TALKING)
    for page in (window.page, second):
        await expect(page.locator(".call[data-stage=talking]")).to_be_visible()
        await expect(pop(page)).to_have_count(0)
    await second.close()


async def test_what_is_typed_stands_while_the_call_goes_on(line: LineDesk, windows: Browsers):
    page = (await at_the_desk(windows, await line.agent())).page
    played = line.play("consult_return")
    played.until_stage(Stage.TALKING)
    summary = page.locator("form.wrapup [name=summary]")
    await summary.fill("ถามราคาปุ๋ย")
    await summary.press("End")
    played.until_stage(Stage.CONSULTING)
    await expect(page.locator(".call[data-stage=consulting]")).to_contain_text("กรมการค้าภายใน")
    await expect(summary).to_be_focused()
    await page.keyboard.type(" กระสอบละเท่าใด")
    played.all()
    await expect(page.locator(".call[data-stage=wrapup]")).to_be_visible()
    await expect(summary).to_have_value("ถามราคาปุ๋ย กระสอบละเท่าใด")
    await expect(page.locator("form.wrapup [data-draft-state]")).to_contain_text("เก็บร่างแล้ว")
    await page.reload()
    await expect(summary).to_have_value("ถามราคาปุ๋ย กระสอบละเท่าใด")


async def test_a_saved_record_clears_the_screen(line: LineDesk, windows: Browsers):
    page = (await at_the_desk(windows, await line.agent())).page
    line.play("answered_served").all()
    await expect(page.locator(".call[data-stage=wrapup]")).to_be_visible()
    await page.select_option("form.wrapup [name=outcome]", "cut_off")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".call")).to_have_count(0)
    await expect(page.locator("#idle")).to_be_visible()


async def test_a_step_turns_amber_and_red_by_the_servers_clock(line: LineDesk, windows: Browsers):
    page = (await at_the_desk(windows, await line.agent())).page
    line.play("hold").until_stage(Stage.TALKING)
    step = page.locator("[data-step=inform]")
    await expect(step).to_have_class("step open")
    for seconds, colour in ((245, "near"), (60, "over")):
        line.clock.forward(seconds=seconds)
        await page.reload()
        await expect(step).to_have_class(f"step open {colour}")


async def test_a_hostile_name_is_text(line: LineDesk, windows: Browsers):
    page = (await at_the_desk(windows, await line.agent())).page
    line.play("answered_served").until_stage(Stage.RINGING)
    call, _ = line.context.board.live()[0]
    call.caller_name = "<img src=x onerror=document.title='taken'>\u202e gnirts"
    line.context.board.take_up([call])
    await expect(pop(page).locator(".call-name")).to_contain_text("<img src=x onerror=")
    assert await page.locator(".call img").count() == 0
    assert "taken" not in await page.title()


async def test_the_screen_needs_no_scrolling(line: LineDesk, windows: Browsers):
    page = (await at_the_desk(windows, await line.agent())).page
    line.play("hold").until_stage(Stage.TALKING)
    for key in ("Alt+H", "Alt+T", "Alt+X", "Alt+I", "Alt+Q", "Alt+W"):
        await expect(page.locator(f'[data-key="{key}"]').first).to_be_in_viewport()
    await expect(page.locator("form.wrapup button[type=submit]")).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    await page.keyboard.press("Alt+KeyT")
    await expect(page.locator("#directory")).to_be_visible()
    await expect(page.locator("#directory-query")).to_be_focused()
