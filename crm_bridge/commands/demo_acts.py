"""What the people of the demo do at the desk while and after the telephone rings.

Each act is a request to the API, in the order in which the guideline has them: the information
given, the form, the ticket number and its telling, Director, agency, appointment, the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

from crm_bridge.cases import notices
from crm_bridge.clock import SystemClock, iso
from crm_bridge.commands.demo_desk import Desk, Floor, NotDone
from crm_bridge.commands.demo_office import PROVINCE, UNIT
from crm_bridge.commands.words import Lang
from crm_bridge.desk.pop import Stage
from crm_bridge.people.fields import e164_of
from ivr.lab.sipua import talk
from ivr.steps.standards import OFFICE_ZONE

_WRITING: Final = 4.0
"""Seconds an officer writes the record after a call."""
_ACT: Final = 1.5
"""Seconds between two acts of one person."""
_CALL: Final = 90.0
_LISTED: Final = 10.0
_DAYS: Final = 30
_LOOKED: Final = 30.0
"""Seconds that the supervisor looks at the wallboard before writing to an officer."""
_TOLD: Final = "1003"


class Part(StrEnum):
    """What an officer's desk does with a call."""

    INFORMATION = "information"
    COMPLAINT = "complaint"
    APPOINTMENT = "appointment"
    UNLOGGED = "unlogged"
    """Informs, and leaves without a record."""
    CALL_BACK = "call_back"


_COMPLAINTS: Final = (
    ({"title": "ร้านค้าขายข้าวสารเกินราคาที่ปิดป้าย",
      "facts": "ซื้อข้าวสารหอมมะลิ 5 กิโลกรัม ป้ายราคา 185 บาท แต่คิดเงิน 215 บาท เมื่อทักท้วงแล้วไม่คืนเงิน",
      "wanted": "ขอให้ตรวจสอบร้านและคืนเงินส่วนต่าง", "respondent": "ร้านเจริญพานิช",
      "place": "ตลาดสดเทศบาล ถนนราชดำเนิน", "province": "นครปฐม", "product": "ข้าวสาร"},
     ("dit",)),
    ({"title": "สั่งซื้อสินค้าออนไลน์แล้วไม่ได้รับสินค้า",
      "facts": "โอนเงิน 2,490 บาท เพื่อซื้อหม้อหุงข้าวเมื่อสองสัปดาห์ก่อน ร้านไม่ส่งสินค้าและไม่ตอบข้อความ",
      "wanted": "ขอให้ติดตามร้านค้าและขอเงินคืน", "respondent": "ร้านบ้านสุขใจออนไลน์",
      "place": "ร้านค้าออนไลน์", "province": "กรุงเทพมหานคร", "product": "เครื่องใช้ไฟฟ้า"},
     ("dit", "dbd")),
)  # fmt: skip
"""What is complained of, and the agencies the Director has answer."""

_SUMMARIES: Final = {
    Part.INFORMATION: "สอบถามราคาสินค้าควบคุม แจ้งราคาแนะนำและช่องทางร้องเรียนแล้ว",
    Part.COMPLAINT: "รับเรื่องร้องเรียน แจ้งเลขที่ทางข้อความ และเสนอผู้อำนวยการกองกลางแล้ว",
    Part.APPOINTMENT: "นัดหมาย VDO Conference เรื่องการส่งออก แจ้งวัน เวลา และเอกสารที่ต้องเตรียมแล้ว",
    Part.CALL_BACK: "โทรกลับตามสายที่วางไปขณะรอ ให้ข้อมูลเรียบร้อยแล้ว",
}
_OUTCOMES: Final = {
    Part.INFORMATION: ("information", "answered"),
    Part.COMPLAINT: ("complaint", "complaint"),
    Part.APPOINTMENT: ("appointment", "appointment"),
    Part.CALL_BACK: ("information", "answered"),
}


class Acts:
    """What is done at the desks; `failed` says what the desk refused."""

    def __init__(self, floor: Floor, lang: Lang, tell: Callable[[str], None]) -> None:
        """`tell` is given a line about each act worth one."""
        self.floor = floor
        self.failed: list[str] = []
        self.tickets: list[tuple[str, str]] = []
        """Number of each complainant who was told the ticket, and the ticket."""
        self.left_to = ""
        """The extension whose records a person at a browser writes."""
        self._english = lang is Lang.EN
        self._tell = tell
        self._tasks: set[asyncio.Task[None]] = set()
        self._subjects: dict[str, str] = {}
        self._complaints = 0

    async def open(self) -> None:
        """Reads the catalogue of subjects. Raises NotDone."""
        headings = await self.floor.people["admin"].read("/subjects")
        for service in ("information", "complaint", "appointment"):
            fit = [h for h in headings if h["service"] in {service, None}]
            own = [h for h in fit if h["service"] == service] or fit
            self._subjects[service] = next(b["id"] for h in own for b in [*h["below"], h])

    async def finished(self, seconds: float) -> None:
        """Waits until everything under way is done; what is not by then is ended."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self._tasks and loop.time() < end:
            await asyncio.wait(self._tasks, timeout=end - loop.time())
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Goes about it beside everything else; what is refused is kept in `failed`."""
        task = asyncio.create_task(self._kept(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _kept(self, work: Awaitable[None]) -> None:
        try:
            await work
        except NotDone as error:
            self.failed.append(str(error))

    def _say(self, th: str, en: str) -> None:
        self._tell(en if self._english else th)

    # --- an officer ------------------------------------------------------------------------------

    async def serve(self, extension: str, part: Part, number: str, name: str) -> None:
        """All that the officer does at the desk for the caller who has just been answered."""
        desk = self.floor.desks[extension]
        call_id = await desk.talking()
        if extension == self.left_to:
            return
        await talk(_ACT)
        match part:
            case Part.COMPLAINT:
                await self._complaint(desk, call_id, number, name)
            case Part.APPOINTMENT:
                await self._appointment(desk, call_id, number, name)
            case _:
                await self._mark(desk, call_id, "informed")
        await self._over(desk, call_id)
        if part is Part.UNLOGGED:
            await desk.act("/agent/ready")
            self._say(f"{extension} รับสายต่อโดยยังไม่บันทึกสาย",
                      f"{extension} goes on without logging the call")  # fmt: skip
            return
        service, outcome = _OUTCOMES[part]
        entry = {
            "service": service, "outcome": outcome, "subject_id": self._subjects[service],
            "summary": _SUMMARIES[part], "informed": True,
        }  # fmt: skip
        await desk.act(f"/calls/{_quoted(call_id)}/wrapup", entry, method="PUT")

    async def _over(self, desk: Desk, call_id: str) -> None:
        """Until the officer has written; a caller who comes back meanwhile is served first."""
        while True:
            await desk.released(call_id, _CALL)
            await talk(_WRITING)
            if desk.stages.get(call_id) in {Stage.WRAPUP.value, None}:
                return

    async def _mark(self, desk: Desk, call_id: str, mark: str) -> None:
        await desk.act(f"/calls/{_quoted(call_id)}/marks", {"mark": mark})

    async def _complaint(self, desk: Desk, call_id: str, number: str, name: str) -> None:
        written, agencies = _COMPLAINTS[self._complaints % len(_COMPLAINTS)]
        first = self._complaints % len(_COMPLAINTS) == 0
        self._complaints += 1
        opened = SystemClock().now_us()
        await self._mark(desk, call_id, "form_opened")
        found = (await desk.read("/people", q=number))["items"]
        known = [one["person_id"] for one in found if e164_of(number) in one["numbers"]]
        await talk(2 * _ACT)
        case = await desk.act(
            "/cases",
            written | {
                "call_id": call_id, "opened_at": iso(opened), "key": call_id,
                "person_id": known[0] if len(known) == 1 else None,
                "complainant_name": name, "complainant_number": number,
                "notice_version": notices.current(opened).version, "consent": True,
                "consent_how": "voice",
            },
        )  # fmt: skip
        ticket = case["ticket"]
        self._say(f"{desk.extension} บันทึกเรื่องร้องเรียน เลขที่ {ticket} และแจ้งทางข้อความ",
                  f"{desk.extension} records complaint {ticket}, told by text message")  # fmt: skip
        await desk.act(f"/cases/{ticket}/tell", {"how": "sms"})
        self.tickets.append((number, ticket))
        await talk(_ACT)
        await desk.act_on_case(ticket, "propose", {"note": "เอกสารครบถ้วน"})
        self.spawn(self._proceed(ticket, agencies, judged=first))

    async def _appointment(self, desk: Desk, call_id: str, number: str, name: str) -> None:
        opened = SystemClock().now_us()
        first, _, last = name.partition(" ")
        await talk(2 * _ACT)
        made = await desk.act(
            "/appointments",
            {"name": first, "surname": last or first, "phone": number, "unit": UNIT,
             "email": "caller@mail.example", "province": PROVINCE, "call_id": call_id,
             "topic": "ปรึกษาการส่งออกลำไยอบแห้งไปตลาดอินเดีย", "wish_note": "สะดวกช่วงเช้า",
             "opened_at": iso(opened)},
        )  # fmt: skip
        ref = made["ref"]
        slot = await self._free_slot(desk)
        made = await desk.act(
            f"/appointments/{ref}/agree",
            {"officer": slot["officers"][0], "room": slot["rooms"][0], "minutes": 60,
             "starts_at": slot["starts_at"], "link": "https://vdo.moc.example/1203"},
            version=made["version"],
        )  # fmt: skip
        await talk(_ACT)
        await desk.act(
            f"/appointments/{ref}/notify", {"ways": ["voice", "sms", "email"]},
            version=made["version"],
        )  # fmt: skip
        self._say(f"{desk.extension} นัดหมาย VDO Conference เลขที่ {ref} และแจ้งผู้ขอนัดแล้ว",
                  f"{desk.extension} makes appointment {ref} and tells the caller")  # fmt: skip

    async def _free_slot(self, desk: Desk) -> Any:
        """The first hour of the coming working days when officer and room are free."""
        today = datetime.now(OFFICE_ZONE).date()
        for after in range(1, _DAYS):
            day = (today + timedelta(days=after)).isoformat()
            found = await desk.read("/slots", date=day, unit=UNIT, province=PROVINCE, minutes=60)
            for slot in found["slots"]:
                if found["working_day"] and slot["free"]:
                    return slot
        raise NotDone(f"no free hour in {_DAYS} days")

    # --- Director, agencies, lead ----------------------------------------------------------------

    async def _proceed(self, ticket: str, agencies: tuple[str, ...], *, judged: bool) -> None:
        """The case goes its way; only the first agency has answered when the demo ends."""
        people = self.floor.people
        await talk(2 * _ACT)
        order = {"agencies": list(agencies), "instruction": "โปรดตรวจสอบข้อเท็จจริงและรายงานผล"}
        await people["director"].act_on_case(ticket, "assign", order)
        self._say(f"ผู้อำนวยการมอบเรื่อง {ticket} ให้ {', '.join(agencies)}",
                  f"the Director assigns {ticket} to {', '.join(agencies)}")  # fmt: skip
        await talk(2 * _ACT)
        answer = "ตรวจสอบแล้ว พบว่ามีการกระทำตามที่ร้องเรียน ได้เปรียบเทียบปรับและให้คืนเงินแก่ผู้ร้องแล้ว"
        await people[f"{agencies[0]}.officer"].act_on_case(ticket, "answer", {"text": answer})
        self._say(f"{agencies[0]} ตอบเรื่อง {ticket}", f"{agencies[0]} answers {ticket}")
        if judged:
            await talk(_ACT)
            await people["wanida"].act_on_case(ticket, "accept", {"agency": agencies[0]})
            self._say(f"เรื่อง {ticket} ได้ข้อยุติ", f"{ticket} is settled")

    # --- the supervisor --------------------------------------------------------------------------

    async def oversee(self) -> None:
        """The supervisor writes to an officer, who reads it: both are in the audit."""
        await talk(_LOOKED)
        desk, lead = self.floor.desks[_TOLD], self.floor.people["wanida"]
        text = "สายรอหลายสาย ขอให้บันทึกสายให้จบก่อนพัก"
        await lead.act("/supervision/messages", {"text": text, "extension": _TOLD})
        await talk(_ACT)
        for notice in (await desk.read("/notices"))["items"]:
            await desk.act(f"/notices/{notice['id']}/read")
        self._say(f"หัวหน้าส่งข้อความถึง {_TOLD} และเจ้าหน้าที่เปิดอ่านแล้ว",
                  f"the supervisor writes to {_TOLD}, who has read it")  # fmt: skip

    # --- a lost call -----------------------------------------------------------------------------

    async def call_back(self, number: str) -> None:
        """An officer who is free calls a lost caller back from the list. Raises NotDone."""
        lost = await self._listed(e164_of(number))
        last: NotDone | None = None
        for desk in reversed(self.floor.desks.values()):
            if desk.stages or desk.extension == self.left_to:
                continue
            try:
                await desk.act("/line/call-back", {"number": number, "lost_call": lost})
            except NotDone as error:
                last = error
                continue
            self._say(f"{desk.extension} โทรกลับสายที่วางไป {number}",
                      f"{desk.extension} calls back the lost call of {number}")  # fmt: skip
            return
        raise last or NotDone("no officer is free to call back")

    async def _listed(self, number: str) -> str:
        loop = asyncio.get_running_loop()
        end = loop.time() + _LISTED
        while loop.time() < end:
            for line in await self.floor.people["wanida"].read("/lost-calls"):
                if line["number"] == number and line["state"] == "open":
                    return str(line["call_id"])
            await asyncio.sleep(0.3)
        raise NotDone("the lost call is not on the list")


def _quoted(call_id: str) -> str:
    return quote(call_id, safe="")
