"""A known caller's information call, handed on to the agency; and a lost call, called back."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from crm_bridge.desk.lost_calls import lost_calls
from ivr.lab.sipua import Identity
from tests.support.browser import Browsers
from tests.support.desk_house import LiveHouse
from tests.support.journey import choose, sit

pytestmark = [pytest.mark.line, pytest.mark.timeout(180)]

SOMCHAI = Identity("0812345678", "สมชาย ใจดี")


def steps_of(call: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["step"]: step for step in call["steps"]}


async def test_a_known_caller_is_informed_and_handed_on(
    live_house: LiveHouse, live_windows: Browsers
):
    stage = live_house.stage
    agency = await stage.agency(2001)
    seat = await sit(live_house, live_windows, live_house.office.accounts["somying"], 1001)
    page = seat.page

    since = stage.witness.mark()
    caller = await stage.ask("information", SOMCHAI)
    leg = await seat.phone.rung(15)
    leg.ring()
    await seat.at_stage("สายเรียกเข้า")
    await expect(seat.call.locator(".call-number")).to_have_text("081 234 5678")
    await expect(seat.call).to_contain_text("นายสมชาย ใจดี")
    card = page.locator("#cards")
    await expect(card).to_contain_text("โทรมาเรื่องราคาสินค้าหลายครั้ง สุภาพ")
    await expect(card).to_contain_text(live_house.office.cases["answered"])
    await seat.window.picture("ringing")

    await leg.answer()
    await stage.greeted(since=since)
    await seat.at_stage("กำลังสนทนา")
    step = page.locator("#bars [aria-current=step]")
    await expect(step).to_have_attribute("data-step", "inform")
    await seat.window.picture("talking")
    await page.keyboard.press("Alt+I")
    await expect(page.locator("#bars [data-step=inform]")).not_to_have_attribute(
        "aria-current", "step"
    )

    await expect(seat.call).to_contain_text("กำลังบันทึกเสียง")
    await page.keyboard.press("Alt+V")
    await expect(seat.call).to_contain_text("หยุดบันทึกเสียงอยู่")
    await seat.window.picture("recording-paused")
    await page.keyboard.press("Alt+V")
    await expect(seat.call).to_contain_text("กำลังบันทึกเสียง")

    await page.keyboard.press("Alt+T")
    await expect(page.locator("#directory-query")).to_be_focused()
    await page.keyboard.type("การค้าภายใน")
    first = page.locator("#directory-results .target").first
    await expect(first).to_contain_text("กรมการค้าภายใน")
    await expect(first).to_contain_text("2001")
    await seat.window.picture("directory")
    await page.keyboard.press("Enter")
    asked = await agency.rung(15)
    await asked.answer()
    await seat.at_stage("กำลังปรึกษาหน่วยงาน")
    await expect(seat.call).to_contain_text("กำลังคุยกับ")
    await expect(seat.call).to_contain_text("กรมการค้าภายใน")
    await expect(page.locator("#directory")).to_be_hidden()
    await seat.window.picture("consulting")

    since = stage.witness.mark()
    await page.keyboard.press("Alt+C")
    await leg.until("let go", lambda one: one.state == "ended", 15)
    await seat.at_stage("รอบันทึกการให้บริการ")
    assert caller.state == asked.state == "up"

    form = await seat.open("Alt+W", "wrapup")
    await choose(form, "outcome", "handed_on")
    await form.locator("[name=subject_id]").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await expect(form.locator("[name=summary]")).to_be_focused()
    await page.keyboard.type("แจ้งราคาแนะนำแล้ว โอนสายให้กรมการค้าภายในอธิบายขั้นตอน")
    await expect(form.locator("[data-draft-state]")).to_contain_text("ร่าง")
    await seat.window.picture("wrapup")
    await page.reload()  # a browser that is closed loses nothing
    summary = seat.panel("wrapup").locator("[name=summary]")
    await expect(summary).to_have_value("แจ้งราคาแนะนำแล้ว โอนสายให้กรมการค้าภายในอธิบายขั้นตอน")
    await summary.focus()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#idle")).to_be_visible()
    await expect(seat.state).to_contain_text("พร้อมรับสาย")

    caller.hang_up()
    await stage.quiet()
    calls = await live_house.calls()
    (call,) = [c for c in calls if c["call_id"].startswith(f"lab{stage.lab.number}")]
    assert call["service"] == "information"
    assert call["outcome"] == "served"
    assert call["caller_number"] == "+66812345678"
    assert [a["agent"] for a in call["agents"]] == ["1001"]
    (transfer,) = call["transfers"]
    assert (transfer["kind"], transfer["by"], transfer["agency"], transfer["outcome"]) == (
        "attended", "1001", "dit", "answered",
    )  # fmt: skip
    steps = steps_of(call)
    assert set(steps) == {"greet", "inform", "enquire", "transfer", "log"}
    # the officer had said his part, then asked the agency: the telephone knows when inform ended
    for name in ("greet", "inform", "enquire", "transfer"):
        assert (steps[name]["state"], steps[name]["evidence"]) == ("within", "observed"), (
            name,
            steps,
        )
    assert (steps["log"]["state"], steps["log"]["evidence"]) == ("within", "declared")


async def test_a_lost_call_is_called_back(live_house: LiveHouse, live_windows: Browsers):
    stage = live_house.stage
    carrier = await stage.carrier()
    seat = await sit(live_house, live_windows, live_house.office.accounts["prasert"], 1002)
    page = seat.page
    waiting = await stage.ask("information", Identity("0899998888", "ทองดี"))
    leg = await seat.phone.rung(15)
    leg.ring()
    await seat.at_stage("สายเรียกเข้า")
    waiting.hang_up()
    await stage.quiet()
    line = page.locator("#idle li:has(button)", has_text="089 999 8888")
    await expect(line).to_be_visible()
    await seat.window.picture("lost")

    back = line.get_by_role("button", name="โทรกลับ")
    await back.focus()
    await page.keyboard.press("Enter")
    own = await seat.phone.rung(15)
    await own.answer()
    person = await carrier.rung(15)
    since = stage.witness.mark()
    await person.answer()
    await stage.bridged(since=since)
    await seat.at_stage("กำลังสนทนา")
    await expect(seat.call).to_contain_text("089 999 8888")
    await expect(seat.call).to_contain_text("โทรออก")
    await seat.window.picture("call-back")
    await page.keyboard.press("Alt+X")
    await person.until("let go", lambda one: one.state == "ended", 15)
    await stage.quiet()

    form = await seat.open("Alt+W", "wrapup")
    await choose(form, "outcome", "cut_off")
    await form.locator("[name=summary]").fill("โทรกลับแล้ว ผู้ติดต่อได้ข้อมูลจากเว็บไซต์แล้ว")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#idle")).to_be_visible()
    await expect(line).to_have_count(0)

    mine = [
        call
        for call in await live_house.calls()
        if call["call_id"].startswith(f"lab{stage.lab.number}")
    ]
    lost, called = sorted(mine, key=lambda call: call["entered_at"])[-2:]
    assert (lost["outcome"], lost["direction"]) == ("abandoned_queue", "inbound")
    assert (called["outcome"], called["direction"]) == ("served", "outbound")
    assert [part["agent"] for part in called["agents"]] == ["1002"]
    async with live_house.database.reading() as connection:
        waiting_still = await lost_calls(connection, live_house.clock)
    assert "+66899998888" not in [one.e164 for one in waiting_still]
