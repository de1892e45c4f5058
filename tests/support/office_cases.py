"""The cases of the office: one in every state, by way of the desk's own acts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from crm_bridge.cases import answering, complaints, directing, notices, proceedings
from crm_bridge.cases.complaints import Complaint
from crm_bridge.cases.directing import Order
from crm_bridge.records.database import Database
from ivr.steps.standards import OFFICE_ZONE
from tests.support.desk_clock import HeldClock

if TYPE_CHECKING:
    from tests.support.office import Office

_MINUTE: Final = 60_000_000

_RICE: Final = Complaint(
    title="ร้านค้าขายข้าวสารเกินราคาที่ปิดป้าย",
    facts="ผู้ร้องซื้อข้าวสารหอมมะลิ 5 กิโลกรัม ป้ายแสดงราคา 189 บาท แต่ร้านคิดเงิน 215 บาท เมื่อทักท้วง"
    "พนักงานแจ้งว่าป้ายเก่ายังไม่ได้เปลี่ยน มีใบเสร็จรับเงินเป็นหลักฐาน",
    wanted="ขอให้ตรวจสอบและดำเนินการตามกฎหมาย พร้อมคืนเงินส่วนต่าง",
    respondent="ร้านรวมทรัพย์มินิมาร์ท", respondent_contact="ปากซอยลาดพร้าว 71 โทร. 02 999 1111",
    place="เลขที่ 12 ถนนลาดพร้าว แขวงวังทองหลาง", province="กรุงเทพมหานคร",
    product="ข้าวสารหอมมะลิ 5 กก.", complainant_name="นายสมชาย ใจดี",
    complainant_number="+66812345678", complainant_province="กรุงเทพมหานคร",
    consent=True, consent_how="voice",
)  # fmt: skip
_LABEL: Final = Complaint(
    title="ปั๊มน้ำมันจ่ายน้ำมันไม่ครบลิตร",
    facts="เติมน้ำมันดีเซล 40 ลิตร แต่มาตรวัดของรถและถังตวงที่นำไปเทียบได้เพียง 37.5 ลิตร",
    wanted="ขอให้ตรวจสอบหัวจ่าย", respondent="สถานีบริการน้ำมันบุญเจริญ", product="น้ำมันดีเซล",
    place="ถนนซุปเปอร์ไฮเวย์ อำเภอเมือง", province="เชียงใหม่", identity="concealed",
    complainant_name="นางสาวมาลี วงศ์สวัสดิ์", complainant_number="+66891112233", consent=False,
)  # fmt: skip
_ADVICE: Final = Complaint(
    kind="advice", title="ขอคำปรึกษาการใช้สิทธิ FTA ส่งออกผลไม้ไปจีน",
    facts="บริษัทจะส่งออกทุเรียนแช่แข็งครั้งแรก ขอทราบขั้นตอนและแบบหนังสือรับรองถิ่นกำเนิดสินค้า",
    complainant_name="บริษัท รุ่งโรจน์การค้า จำกัด", complainant_number="+6625551234", consent=True,
    consent_how="voice",
)  # fmt: skip
_UNNAMED: Final = Complaint(
    title="แผงลอยไม่ปิดป้ายแสดงราคา", facts="แผงขายอาหารหน้าตลาดไม่ปิดป้ายราคาและคิดราคานักท่องเที่ยวสูงกว่า",
    place="ตลาดวโรรส", province="เชียงใหม่", identity="anonymous",
)  # fmt: skip


@dataclass
class _Desk:
    """Acts on cases at moments that go on."""

    office: Office
    database: Database
    clock: HeldClock
    known: set[str]

    async def at(self, now: int, days: float, hour: float = 9.5) -> None:
        """Goes to an hour of a day before; on the day itself a little before now."""
        if not days:
            self.clock.at = now - 45 * _MINUTE
            return
        day = datetime.fromtimestamp(now / 1e6, OFFICE_ZONE).date() - timedelta(days=days)
        begun = datetime.combine(day, datetime.min.time(), OFFICE_ZONE) + timedelta(hours=hour)
        self.clock.at = int(begun.timestamp() * 1_000_000)

    async def do(self, act: Any, login: str, *args: Any, minutes: int = 10, **more: Any) -> Any:
        self.clock.forward(minutes=minutes)
        async with self.database.writing() as connection:
            return await act(connection, self.clock, self.office.accounts[login], *args, **more)

    async def record(self, written: Complaint, **more: Any) -> str:
        opened = self.clock.now_us()
        case = await self.do(
            complaints.record, "somying", written, opened_us=opened, minutes=4, **more
        )
        return str(case.ticket)

    async def assigned(self, written: Complaint, *agencies: str) -> str:
        ticket = await self.record(written)
        await self.do(complaints.tell, "somying", ticket, how="voice", minutes=1)
        await self.do(proceedings.propose, "somying", ticket)
        orders = [Order(agency, "โปรดตรวจสอบข้อเท็จจริงและรายงานผลภายในกำหนด") for agency in agencies]
        await self.do(directing.assign, "director", ticket, orders=orders, known=self.known)
        return ticket


async def make_cases(office: Office, database: Database, now: int) -> None:
    desk = _Desk(office, database, HeldClock(now), set(office.config.agency))
    notice = notices.current(now).version
    rice = replace(_RICE, notice_version=notice, person_id=office.people[0])
    oil = replace(_LABEL, notice_version=notice)
    advice = replace(_ADVICE, notice_version=notice, person_id=office.people[3])
    kept = office.cases

    await desk.at(now, 34)
    kept["closed"] = await desk.assigned(rice, "dit")
    desk.clock.forward(days=6)
    await desk.do(
        answering.answer, "dit.officer", kept["closed"],
        text="ตรวจสอบแล้วพบว่าแสดงราคาไม่ตรงจริง เปรียบเทียบปรับร้านค้า 2,000 บาท และคืนเงินส่วนต่างแล้ว",
    )  # fmt: skip
    await desk.do(directing.accept, "director", kept["closed"], note="รับทราบ ถือเป็นข้อยุติ")
    await desk.do(proceedings.close, "somying", kept["closed"], how="voice")

    await desk.at(now, 32)
    kept["overdue"] = await desk.assigned(oil, "dit", "pco-chiang-mai")

    await desk.at(now, 20)
    kept["extension"] = await desk.assigned(advice, "dft", "dit")
    desk.clock.forward(days=7)
    await desk.do(
        answering.ask_extension, "dit.officer", kept["extension"], working_days=5,
        reason="รอเอกสารจากด่านศุลกากร",
    )  # fmt: skip

    await desk.at(now, 13)
    kept["answered"] = await desk.assigned(
        replace(rice, title="ชั่งน้ำหนักหมูไม่เต็มกิโลกรัม", product="เนื้อหมู"), "dit"
    )
    desk.clock.forward(days=4)
    await desk.do(
        answering.answer, "dit.officer", kept["answered"],
        text="ได้ตรวจสอบเครื่องชั่งของผู้ค้าแล้ว พบคลาดเคลื่อนเกินอัตราที่กำหนด จึงผูกบัตรห้ามใช้และดำเนินคดี",
    )  # fmt: skip
    await desk.at(now, 12)
    kept["settled"] = await desk.assigned(replace(oil, title="ราคาไข่ไก่สูงผิดปกติ"), "dit")
    await desk.do(directing.settle, "director", kept["settled"], text="ชี้แจงราคาแนะนำแก่ผู้ร้องแล้ว")
    await desk.at(now, 6)
    kept["assigned"] = await desk.assigned(
        replace(_UNNAMED, notice_version=notice, title="แผงลอยในตลาดไม่ปิดป้ายแสดงราคา"),
        "pco-chiang-mai",
    )
    await desk.at(now, 5)
    kept["returned"] = await desk.record(replace(oil, title="สินค้าออนไลน์ไม่ตรงปก"))
    await desk.do(proceedings.propose, "somying", kept["returned"])
    await desk.do(
        directing.return_, "director", kept["returned"], reason="ขอชื่อร้านค้าและหลักฐานการโอนเงิน"
    )
    await desk.at(now, 4)
    kept["cancelled"] = await desk.record(replace(rice, title="เรื่องซ้ำกับที่แจ้งไว้"))
    await desk.do(proceedings.cancel, "somying", kept["cancelled"], why="duplicate", note="เรื่องซ้ำ")
    for day, name in ((3, "proposed"), (3, "proposed2")):
        await desk.at(now, day, 13.5)
        kept[name] = await desk.record(
            replace(rice, title="ปุ๋ยเคมีขายเกินราคาแนะนำ" if name == "proposed" else "ก๊าซหุงต้มไม่เต็มถัง"),
            call_id=office.calls[0] if name == "proposed" else None,
        )
        await desk.do(complaints.tell, "somying", kept[name], how="voice", minutes=1)
        await desk.do(proceedings.propose, "somying", kept[name])
    await desk.at(now, 0, 9.25)
    kept["recorded"] = await desk.record(replace(_UNNAMED, notice_version=notice))
