"""The supervisors' floor and the officers' desks beside it, in real Chromium."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.desk import notices, supervision_log
from crm_bridge.desk.agent_states import State
from crm_bridge.desk.supervision_log import Act, Came, Line
from ivr.events import types as ev
from tests.browser.conftest import judged
from tests.support.browser import IMAGES, SCREENSHOTS, Browsers, Window, browsers, served
from tests.support.screens import LineDesk, Played, line

__all__ = ["line"]


@pytest.fixture
async def windows(
    line: LineDesk, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Browsers]:
    """Windows on a desk whose line the test feeds."""
    async with served(line.app) as base, browsers(base, line) as opened:
        yield opened
        await judged(opened, tmp_path, request.node)


async def picture(window: Window, name: str) -> None:
    if SCREENSHOTS:
        await window.look(IMAGES / f"floor-{name}.png")


async def at(window: Window, path: str) -> Window:
    await window.go(path)
    await expect(window.page.locator("#link .dot.good")).to_be_visible()
    return window


def until_supervised(line: LineDesk, way: str) -> Played:
    """A caller with 1001, and 1003 at that call in this way."""
    played = line.play("supervised")
    played.until(lambda: any(s.way == way for s in line.floor.line.spyings()))
    return played


def waits(line: LineDesk, queue: str) -> None:
    """A caller who has just joined a queue."""
    at = line.clock.at
    caller = "lab-9.9"
    for event in (
        ev.ChannelStarted(
            at, False, caller, caller, "PJSIP/trunk-00000099", True, "021234567", None,
            "from-trunk", "1203",
        ),
        ev.QueueJoined(at, False, caller, queue, 1),
    ):  # fmt: skip
        for call in line.pipeline.tracker.apply(event):
            line.floor.line.heard(call, event)


async def head_of(line: LineDesk, language: str = "th") -> Account:
    """A supervisor, who sits nowhere."""
    return await line.account(
        Role.SUPERVISOR, "head", name_th="วิไลวรรณ ศรีสุข", name_en="Wilaiwan Srisuk",
        language=language,
    )  # fmt: skip


async def test_a_message_arrives_on_the_officers_desk_and_stays_until_read(
    line: LineDesk, windows: Browsers
) -> None:
    desk = await at(await windows.open(await line.agent()), "/desk")
    head = await head_of(line)
    floor = await at(await windows.open(head), "/floor")
    await expect(floor.page.locator("[data-officer='1001']")).to_contain_text("สมหญิง แสงทอง")
    await expect(floor.page.locator("#panel [data-key='Alt+M']")).to_be_enabled()
    await floor.page.keyboard.press("Alt+M")
    await floor.page.keyboard.type("ช่วงบ่ายมีผู้โทรเข้ามาก\nโปรดบันทึกให้กระชับ")
    await floor.page.click("dialog[open] button.primary")
    await expect(floor.page.locator("dialog[open]")).to_have_count(0)
    notice = desk.page.locator("#notices .notice")
    await expect(notice).to_contain_text("โปรดบันทึกให้กระชับ")
    await expect(notice).to_contain_text("วิไลวรรณ ศรีสุข")
    await picture(desk, "message")
    await at(desk, "/desk")
    await expect(notice).to_contain_text("โปรดบันทึกให้กระชับ")
    await desk.page.click("#notices button")
    await expect(notice).to_have_count(0)
    await at(desk, "/desk")
    await expect(notice).to_have_count(0)


async def test_who_is_at_a_call_is_seen_on_the_floor_and_on_the_officers_desk(
    line: LineDesk, windows: Browsers
) -> None:
    desk = await at(await windows.open(await line.agent()), "/desk")
    head = await head_of(line)
    await line.sit(head, "1003", State.PAUSED)
    floor = await at(await windows.open(head), "/floor")
    played = until_supervised(line, "listen")
    await expect(floor.page.locator("[data-officer='1001']")).to_contain_text("ฟังสาย")
    await expect(floor.page.locator("#mine")).to_contain_text("กำลังฟังสายของ 1001")
    await expect(desk.page.locator(".supervised")).to_contain_text("หัวหน้างานฟังสาย")
    await expect(floor.page.locator("#panel [data-key='Alt+L']")).to_be_disabled()
    await expect(floor.page.locator("#panel [data-key='Alt+W']")).to_be_enabled()
    played.until(lambda: any(s.way == "barge" for s in line.floor.line.spyings()))
    await expect(desk.page.locator(".supervised")).to_contain_text("ร่วมสนทนา")
    played.until(lambda: line.floor.line.spyings() == [])
    await expect(desk.page.locator(".supervised")).to_have_count(0)
    await expect(floor.page.locator("#mine")).not_to_contain_text("ร่วมสนทนา")


@pytest.mark.parametrize(
    ("lang", "size"), [("th", (1366, 768)), ("en", (1920, 1080))], ids=["th", "en"]
)
async def test_a_busy_floor_fits_the_screen(
    line: LineDesk, windows: Browsers, lang: str, size: tuple[int, int]
) -> None:
    await line.agent()
    people = (("1002", "ธนพล ใจงาม", State.PAUSED), ("1004", "อรทัย บุญมา", State.READY),
              ("1005", "ชัยวัฒน์ ทองดี", State.READY))  # fmt: skip
    for extension, name, state in people:
        account = await line.account(Role.AGENT, f"a{extension}", name_th=name, name_en=name)
        await line.sit(account, extension, state)
    head = await head_of(line, lang)
    await line.sit(head, "1003", State.PAUSED)
    until_supervised(line, "whisper")
    waits(line, "complaint")
    line.clock.forward(seconds=262)
    floor = await at(await windows.open(head, lang=lang, size=size), "/floor")
    await expect(floor.page.locator("#officers tr")).to_have_count(5)
    await expect(floor.page.locator("#panel h2")).to_contain_text("1001")
    await expect(floor.page.locator(".queue.waits")).to_have_count(1)
    wide, tall = await floor.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert wide <= size[0]
    assert tall <= size[1] + 40
    await picture(floor, f"{lang}")


async def test_the_audit_page_reads_well(line: LineDesk, windows: Browsers) -> None:
    officer = await line.agent()
    head = await head_of(line)
    now = line.clock.at
    acts = (
        (Act.LISTEN, "call", "", Came.DONE, None, 184),
        (Act.WHISPER, "call", "", Came.DONE, None, 61),
        (Act.TAKE_OVER, "call", "answered", Came.DONE, None, 8),
        (Act.BARGE, "call", "", Came.REFUSED, "forbidden-by-setting", 0),
        (Act.PAUSE, None, "meeting", Came.DONE, None, 0),
        (Act.MESSAGE, None, "", Came.DONE, None, 0),
    )  # fmt: skip
    async with line.database.writing() as connection:
        for n, (act, call, detail, came, code, seconds) in enumerate(acts):
            at_us = now + n * 300_000_000
            await supervision_log.begin(
                connection,
                Line(
                    f"{n:032}", act, head.id, at_us, "1003", officer.id, "1001",
                    "lab-1795905679.0" if call else None, detail, at_us + seconds * 1_000_000,
                    came, code,
                ),
            )  # fmt: skip
        await notices.send(
            connection, act_id=f"{5:032}", by=head.id, to=[officer.id],
            kind=notices.Kind.MESSAGE, body="ช่วงบ่ายมีผู้โทรเข้ามาก โปรดบันทึกให้กระชับ", at=now,
        )  # fmt: skip
    auditor = await line.account(Role.AUDITOR, "auditor", name_th="พรทิพย์ สุวรรณ", name_en="Phonthip")
    window = await windows.open(auditor)
    assert await window.go("/supervision/audit") == 200
    await expect(window.page.locator("tbody tr")).to_have_count(6)
    assert await window.page.evaluate("document.documentElement.scrollWidth") <= 1366
    await picture(window, "audit")
    await window.page.select_option("[name=act]", "take_over")
    await window.page.click(".filters button")
    await expect(window.page.locator("tbody tr")).to_have_count(1)
