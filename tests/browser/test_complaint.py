"""A complaint from the ring to its ticket number, the Director, the agency, and settled."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta

import pytest
from playwright.async_api import Locator, expect

from crm_bridge.access.roles import Role
from crm_bridge.cases import calendars
from crm_bridge.cases.rounds import go_round
from crm_bridge.written import day_text
from ivr.lab.sipua import Identity
from ivr.steps.standards import OFFICE_ZONE
from tests.support.browser import Browsers, Window
from tests.support.desk_house import LiveHouse
from tests.support.journey import sit

pytestmark = [pytest.mark.line, pytest.mark.timeout(240)]

FACTS = (
    "ซื้อปุ๋ยยูเรีย 46-0-0 กระสอบละ 50 กิโลกรัม ร้านคิดราคา 1,250 บาท สูงกว่าราคาแนะนำ "
    "ผู้ร้องมีใบเสร็จและภาพถ่ายป้ายราคา"
)
ANSWER = "ตรวจสอบร้านค้าแล้วพบจำหน่ายเกินราคาที่แสดง เปรียบเทียบปรับ และร้านคืนเงินส่วนต่างให้ผู้ร้องแล้ว"


class Days:
    """The office's days, counted here by hand from the days it is closed."""

    def __init__(self, house: LiveHouse, closed: Iterable[date]) -> None:
        self.house = house
        self.closed = set(closed)

    @property
    def today(self) -> date:
        return datetime.fromtimestamp(self.house.clock.now_us() / 1e6, OFFICE_ZONE).date()

    def works(self, day: date) -> bool:
        return day.weekday() < 5 and day not in self.closed

    def after(self, day: date, count: int) -> date:
        while count:
            day += timedelta(days=1)
            count -= self.works(day)
        return day

    def before(self, day: date, count: int) -> date:
        while count:
            day -= timedelta(days=1)
            count -= self.works(day)
        return day

    async def go(self, day: date, hour: int, windows: Browsers) -> None:
        """It becomes this day and hour; rounds are made, and who was signed in signs in again."""
        at = datetime(day.year, day.month, day.day, hour, tzinfo=OFFICE_ZONE)
        self.house.clock.set(int(at.timestamp() * 1_000_000))
        await go_round(self.house.database, self.house.clock)
        for window in windows.windows:
            if window.account is not None:
                await windows.seat(window, window.account)


async def act(window: Window, path: str) -> Locator:
    """The form of an act on the page of a case, opened."""
    form = window.page.locator(f"form[data-act$='/{path}']")
    details = window.page.locator("details", has=form)
    if await details.count() and await details.first.get_attribute("open") is None:
        await details.first.locator("summary").first.click()
    await expect(form).to_be_visible()
    return form


async def send(window: Window, form: Locator) -> None:
    """Sends a form whose page then loads again."""
    async with window.page.expect_navigation():
        await form.locator("button[type=submit]").click()


async def test_a_complaint_goes_from_the_ring_to_its_settlement(
    live_house: LiveHouse, live_windows: Browsers
):
    office, stage = live_house.office, live_house.stage
    async with live_house.database.reading() as connection:
        calendar = await calendars.current(connection, live_house.clock)
    days = Days(live_house, {day for day, special in calendar.days.items() if special.closed})

    # --- the call ---------------------------------------------------------------------------------
    seat = await sit(live_house, live_windows, office.accounts["somying"], 1001)
    agent = seat.window
    since = stage.witness.mark()
    caller = await stage.ask("complaint", Identity("0833334444", "ทองใบ"))
    leg = await seat.phone.rung(15)
    await leg.answer()
    await stage.greeted(since=since)
    await seat.at_stage("กำลังสนทนา")
    await expect(seat.call).to_contain_text("นางทองใบ ศรีสุข")
    await expect(agent.page.locator("#cards")).to_contain_text("หูไม่ค่อยได้ยิน โปรดพูดช้าและดัง")

    form = await seat.open("Alt+R", "complaint")
    await expect(form.locator("[name=complainant_name]")).to_have_value("นางทองใบ ศรีสุข")
    await expect(form.locator("[name=complainant_number]")).to_have_value("083 333 4444")
    await agent.page.keyboard.press("Alt+1")
    await agent.page.keyboard.type("ปุ๋ยยูเรียขายเกินราคาแนะนำ")
    await agent.page.keyboard.press("Alt+2")
    await agent.page.keyboard.type(FACTS)
    await agent.page.keyboard.press("Alt+3")
    await agent.page.keyboard.type("ร้านเกษตรรุ่งเรือง")
    await form.locator("[name=province]").fill("ขอนแก่น")
    await agent.page.keyboard.press("Alt+5")
    await expect(form.locator("[name=consent]")).to_be_checked()
    await agent.picture("complaint-form")
    await agent.page.keyboard.press("Alt+S")
    link = seat.panel("complaint").locator("a.ticket")
    await expect(link).to_be_visible()
    ticket = (await link.text_content() or "").strip()
    await agent.picture("ticket")
    caller.hang_up()
    await stage.quiet()
    await seat.at_stage("รอบันทึกการให้บริการ")

    await agent.go(f"/cases/{ticket}")
    page = agent.page
    await expect(page.locator("h1")).to_contain_text(ticket)
    async with page.expect_navigation():
        await page.keyboard.press("Alt+T")  # told by voice
    await expect(page.locator(".tell-now")).to_have_count(0)
    await send(agent, await act(agent, "propose"))
    await expect(page.locator("h1")).to_contain_text("เสนอผู้อำนวยการกองกลางแล้ว")
    last = days.after(days.today, 15)
    await expect(page.locator(".due")).to_contain_text(day_text(last, "th"))
    await agent.picture("case-proposed")

    # --- the Director -----------------------------------------------------------------------------
    director = await live_windows.open(office.of(Role.DIRECTOR))
    await director.go("/director")
    proposal = director.page.locator(".proposals > li", has_text=ticket)
    await expect(proposal).to_contain_text("ปุ๋ยยูเรียขายเกินราคาแนะนำ")
    await proposal.locator("input[name=tickets]").check()
    batch = director.page.locator("#batch")
    await batch.locator("[data-filter=agencies]").focus()
    await director.page.keyboard.type("กรมการค้าภายใน")
    await director.page.keyboard.press("Enter")
    await expect(batch.locator("input[value=dit]")).to_be_checked()
    await director.picture("director")
    async with director.page.expect_navigation():
        await director.page.keyboard.press("Alt+S")
    await expect(director.page.locator(".proposals > li", has_text=ticket)).to_have_count(0)

    # --- the agency, reminded on its day, asks for time -------------------------------------------
    officer = await live_windows.open(office.accounts["dit.officer"])
    other = await live_windows.open(office.accounts["dbd.officer"], name="other_agency")
    assert await other.go(f"/cases/{ticket}") == 404
    await officer.go("/notifications")
    await expect(officer.page.locator(".bell")).not_to_contain_text(f"{ticket} เหลือ")
    await days.go(days.before(last, 3), 9, live_windows)
    await officer.go("/notifications")
    await expect(officer.page.locator(".bell")).to_contain_text(f"{ticket} เหลือ 3 วันทำการ")
    await officer.go("/agency")
    row = officer.page.locator("tr", has_text=ticket)
    await expect(row).to_contain_text(day_text(last, "th"))
    await officer.picture("agency")
    await officer.go(f"/cases/{ticket}")
    form = await act(officer, "ask-extension")
    await form.locator("[name=working_days]").fill("5")
    await form.locator("[name=reason]").fill("รอผลการตรวจสอบจากสำนักงานพาณิชย์จังหวัดขอนแก่น")
    await send(officer, form)
    await expect(officer.page.locator("main")).to_contain_text("รอพิจารณา")

    await director.go("/director")
    asked = director.page.locator("li", has_text="รอผลการตรวจสอบจากสำนักงานพาณิชย์จังหวัดขอนแก่น")
    await expect(asked).to_contain_text("ขอ 5 วันทำการ")
    await send(director, asked.locator("form[data-act$='/grant-extension']"))
    later = days.after(last, 5)
    await agent.go(f"/cases/{ticket}")
    await expect(agent.page.locator(".due")).to_contain_text(day_text(later, "th"))

    # --- the last day: the agency answers ---------------------------------------------------------
    await days.go(later, 9, live_windows)
    await officer.go("/notifications")
    await expect(officer.page.locator(".bell")).to_contain_text(f"{ticket} ครบกำหนดวันนี้")
    await officer.picture("bell")
    await officer.go(f"/cases/{ticket}")
    form = await act(officer, "answer")
    await form.locator("[name=text]").fill(ANSWER)
    await officer.picture("agency-answer")
    await send(officer, form)

    await director.go(f"/cases/{ticket}")
    await expect(director.page.locator("main")).to_contain_text(ANSWER)
    await send(director, await act(director, "accept"))
    await expect(director.page.locator("h1")).to_contain_text("ได้ข้อยุติ")

    await agent.go(f"/cases/{ticket}")
    form = await act(agent, "close")
    await form.locator("[name=note]").fill("แจ้งผลทางโทรศัพท์แล้ว ผู้ร้องพอใจ")
    await send(agent, form)
    await expect(agent.page.locator("h1")).to_contain_text("ปิดเรื่องแล้ว")

    # --- who looks --------------------------------------------------------------------------------
    auditor = await live_windows.open(office.of(Role.AUDITOR))
    await auditor.go(f"/cases/{ticket}")
    await expect(auditor.page.locator(".timeline li")).to_have_count(9)
    await expect(auditor.page.locator(".steps li")).to_have_count(4)
    # an extension moves the deadline, never the published standard
    await expect(auditor.page.locator(".steps li.over")).to_have_text([re.compile("15 วันทำการ")])
    await expect(auditor.page.locator("form[data-act*='/cases/']")).to_have_count(0)
    await auditor.picture("case-closed")

    (call,) = [
        c for c in await live_house.calls() if c["call_id"].startswith(f"lab{stage.lab.number}")
    ]
    steps = {step["step"]: step for step in call["steps"]}
    assert call["service"] == "complaint"
    assert (steps["receive"]["state"], steps["receive"]["evidence"]) == ("within", "declared")
