"""An appointment from the call to the agreed time, told to the person and the provincial office."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import icalendar
import pytest
from playwright.async_api import expect

from ivr.lab.sipua import Identity
from tests.support.browser import Browsers
from tests.support.desk_house import LiveHouse
from tests.support.journey import choose, sit
from tests.support.live import until

pytestmark = [pytest.mark.line, pytest.mark.timeout(180)]

TOPIC = "ปรึกษาการส่งออกลำไยอบแห้งไปตลาดอินเดีย และใบรับรองถิ่นกำเนิดสินค้า"


def sent(outbox: Path, word: str) -> list[dict[str, Any]]:
    """The messages of the file gateway that hold this word."""
    files = [file.read_text("utf-8") for file in outbox.glob("*.json")]
    return [json.loads(text) for text in files if word in text]


async def test_an_appointment_goes_from_the_call_to_the_person_told(
    live_house: LiveHouse, live_windows: Browsers
):
    office, stage = live_house.office, live_house.stage
    seat = await sit(live_house, live_windows, office.accounts["somying"], 1003)
    page = seat.page
    since = stage.witness.mark()
    caller = await stage.ask("appointment", Identity("0891112233", "มาลี"))
    leg = await seat.phone.rung(15)
    await leg.answer()
    await stage.greeted(since=since)
    await seat.at_stage("กำลังสนทนา")
    await expect(seat.call).to_contain_text("อาจเป็นหนึ่งใน 2 คน")
    await seat.window.picture("maybe-two")

    form = await seat.open("Alt+M", "appointment")
    await form.locator("[name=name]").fill("มาลี")
    await form.locator("[name=surname]").fill("วงศ์สวัสดิ์")
    await expect(form.locator("[name=phone]")).to_have_value("089 111 2233")
    await form.locator("[name=email]").fill("malee@mail.example")
    await form.locator("[name=topic]").fill(TOPIC)
    await choose(form, "unit", "dft")
    await choose(form, "province", "pco-chiang-mai")
    await form.locator("[name=wish_note]").fill("สะดวกช่วงเช้า")
    await seat.window.picture("appointment-form")
    await page.keyboard.press("Control+Enter")
    link = seat.panel("appointment").locator("a.ticket")
    await expect(link).to_be_visible()
    ref = (await link.text_content() or "").strip()

    await seat.window.go(f"/appointments/{ref}")
    await expect(page.locator("h1")).to_contain_text("รอประสานนัดหมาย")
    agree = page.locator("form[data-act$='/agree']")
    slot = agree.locator("[data-slot-list] input[type=radio]:enabled").first
    await slot.focus()
    await page.keyboard.press("Space")
    await expect(slot).to_be_checked()
    await expect(agree.locator("[data-slot-officer]")).not_to_have_value("")
    await expect(agree.locator("[data-slot-room]")).not_to_have_value("")
    await agree.locator("[name=link]").fill("https://vdo.moc.example/1203-malee")
    await seat.window.picture("slots")
    async with page.expect_navigation():
        await agree.locator("button[type=submit]").click()
    await expect(page.locator("h1")).to_contain_text("นัดหมายแล้ว รอแจ้งประชาชน")
    when = (await page.locator(".when").text_content() or "").strip()

    notify = page.locator("form[data-act$='/notify']")
    async with page.expect_navigation():
        await notify.locator("button[type=submit]").click()
    await expect(page.locator("h1")).to_contain_text("แจ้งประชาชนแล้ว")
    await seat.window.picture("appointment-told")
    caller.hang_up()
    await stage.quiet()

    # --- what was sent ----------------------------------------------------------------------------
    await until("three messages sent", lambda: len(sent(live_house.outbox, ref)) >= 3)
    messages = sent(live_house.outbox, ref)
    (text,) = [m for m in messages if m["kind"] == "sms"]
    assert text["to"] == "+66891112233"
    assert "สำนักงานพาณิชย์จังหวัดเชียงใหม่" in text["text"]
    (letter,) = [m for m in messages if m["kind"] == "email" and m["to"] == "malee@mail.example"]
    assert "บัตรประจำตัวประชาชน" in letter["text"]
    calendar = icalendar.Calendar.from_ical(_calendar(letter))
    (event,) = calendar.walk("VEVENT")
    starts = event.decoded("dtstart")
    assert f"{starts.day} " in when
    assert calendar["method"] == "REQUEST"
    assert event.decoded("dtend") > starts
    answer = await seat.window.context.request.get(f"/api/v1/appointments/{ref}/invitation.ics")
    (file,) = icalendar.Calendar.from_ical(await answer.body()).walk("VEVENT")
    assert file.decoded("dtstart") == starts

    # --- who sees it ------------------------------------------------------------------------------
    province = await live_windows.open(office.accounts["cmi.officer"])
    await province.go(f"/appointments/{ref}")
    await expect(province.page.locator("h1")).to_contain_text("แจ้งประชาชนแล้ว")
    await expect(province.page.locator("main")).to_contain_text(TOPIC)
    await province.picture("province")
    other = await live_windows.open(office.accounts["dbd.officer"], name="other_agency")
    assert await other.go(f"/appointments/{ref}") == 404


def _calendar(letter: dict[str, Any]) -> bytes:
    return str(letter["calendar"]).encode()
