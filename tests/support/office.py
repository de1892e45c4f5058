"""A believable office in a database: who works there, who called, what became of it.

Everything is made by the desk's own functions and the bridge's own pipeline, in the order of time
up to `now` (the moment of the desk's clock), so that what pages show of it hangs together.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from crm_bridge.access import accounts
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases import (
    answering,
    appointment_acts,
    appointment_notices,
    calendars,
    complaints,
    directing,
    notices,
    proceedings,
    resources,
    subjects,
)
from crm_bridge.cases.appointment import Appointment, Wish
from crm_bridge.cases.case import Case
from crm_bridge.cases.complaints import Complaint
from crm_bridge.cases.directing import Order
from crm_bridge.cases.offices import Offices, offices
from crm_bridge.config import AgencySection, Config
from crm_bridge.desk.declare import Declare
from crm_bridge.desk.wrapup import Entry
from crm_bridge.desk.wrapups import Wrapups
from crm_bridge.people import persons
from crm_bridge.pipeline import NodePipeline
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import Database
from crm_bridge.records.writer import Writer
from ivr.lab.install import read_agencies
from ivr.steps.standards import OFFICE_ZONE, load_standards
from tests.support.scenario import config_of, messages_of
from tests.support.web import NOW, HeldClock

PASSWORD: Final = "ตลาดสด-ยามเช้า-1203"
"""Of every account of the office."""

STAFF: Final = (
    ("somying", Role.AGENT, "สมหญิง แสงทอง", "Somying Saengthong", None),
    ("prasert", Role.AGENT, "ประเสริฐ ศรีวงศ์", "Prasert Sriwong", None),
    ("wanida", Role.SUPERVISOR, "วนิดา จันทร์เพ็ญ", "Wanida Chanphen", None),
    ("director", Role.DIRECTOR, "อรุณี พงศ์ไพบูลย์", "Arunee Phongphaiboon", None),
    ("dit.officer", Role.AGENCY_OFFICER, "กิตติ รุ่งเรือง", "Kitti Rungrueang", "dit"),
    ("dbd.officer", Role.AGENCY_OFFICER, "ชุติมา วัฒนกุล", "Chutima Watthanakun", "dbd"),
    ("cmi.officer", Role.PROVINCIAL_OFFICER, "บุญมี คำแก้ว", "Bunmi Khamkaeo", "pco-chiang-mai"),
    ("admin", Role.ADMINISTRATOR, "ธนพล ใจมั่น", "Thanaphon Chaiman", None),
    ("auditor", Role.AUDITOR, "พรทิพย์ สุวรรณ", "Phonthip Suwan", None),
)

PEOPLE: Final = (
    ("นายสมชาย ใจดี", ("0812345678", "022345678"), "กรุงเทพมหานคร", "โทรมาเรื่องราคาสินค้าหลายครั้ง สุภาพ"),
    ("นางสาวมาลี วงศ์สวัสดิ์", ("0891112233",), "เชียงใหม่", ""),
    ("นางมาลี วงษ์สวัสดิ์", ("0891112233",), "เชียงใหม่", ""),
    ("บริษัท รุ่งโรจน์การค้า จำกัด", ("025551234",), "นนทบุรี", "ผู้ติดต่อ: คุณอนันต์ ฝ่ายส่งออก"),
    ("นายอับดุลเลาะ มะแซ", ("0865554433",), "ปัตตานี", ""),
    ("Mr. James O’Connor", ("0921234567",), "ภูเก็ต", "พูดภาษาอังกฤษ"),
    ("นางทองใบ ศรีสุข", ("0833334444",), "ขอนแก่น", "หูไม่ค่อยได้ยิน โปรดพูดช้าและดัง"),
)

CALLS: Final = (
    # scenario, caller, days and minutes before now
    ("attended_refer", 0, 3, 95), ("answered_served", 1, 3, 40), ("abandoned_queue", 4, 3, 20),
    ("hold", 6, 0, 80), ("blind_refer", 3, 0, 66), ("withheld", None, 0, 52),
    ("consult_return", 0, 0, 44), ("ring_no_answer", 5, 0, 35), ("queue_timeout", 6, 0, 27),
    ("abandoned_ringing", 1, 0, 18), ("answered_served", 4, 0, 12), ("short_call", 2, 0, 7),
)  # fmt: skip

SUBJECTS: Final = (
    ("ราคาสินค้าและบริการ", "Prices", ("ขายเกินราคา", "ไม่ปิดป้ายแสดงราคา", "ชั่งตวงวัดไม่เที่ยงตรง")),
    ("จดทะเบียนธุรกิจ", "Business registration", ("จดทะเบียนบริษัท", "ทะเบียนพาณิชย์", "งบการเงิน")),
    ("ส่งออก นำเข้า", "Export and import", ("หนังสือรับรองถิ่นกำเนิดสินค้า", "ใบอนุญาตนำเข้า")),
)

_EPOCH_TIME: Final = re.compile(rb"(?<![\d.])(1[6-9]\d{8})(?=\.\d|\D|$)")
_DAY: Final = 86_400_000_000
_MINUTE: Final = 60_000_000


@dataclass
class Office:
    """What was made, by name."""

    config: Config
    accounts: dict[str, Account] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)
    """Ids of `PEOPLE`, in their order."""
    cases: dict[str, str] = field(default_factory=dict)
    """Ticket of a case, by the state it stands for: recorded, assigned, overdue, closed, …"""
    appointments: dict[str, str] = field(default_factory=dict)
    """Number of an appointment, by its state."""
    calls: list[str] = field(default_factory=list)
    """Ids of the calls, oldest first."""

    def of(self, role: Role) -> Account:
        """The first account of this role."""
        return next(account for account in self.accounts.values() if account.role is role)


def office_config(base: Config | None = None) -> Config:
    """A configuration with the whole agency directory in it."""
    found = base or config_of("ours")
    agencies = {
        agency.id: AgencySection(
            name_th=agency.name_th, name_en=agency.name_en, numbers=[agency.number],
            interfaces=[f"PJSIP/{agency.number}"],
        )
        for agency in read_agencies()
    }  # fmt: skip
    return found.model_copy(update={"agency": agencies})


async def furnish(
    database: Database, config: Config, *, now: int = NOW, password: str | None = None
) -> Office:
    """Fills an empty database with the office as it is at `now`.

    With a `password` its people can sign in (hashing takes a moment for each).
    """
    office = Office(config)
    clock = HeldClock(now - 45 * _DAY)
    await _staff(office, database, clock, password)
    await _catalogue(database, clock)
    await _people(office, database, clock)
    await _calls(office, database, config, now)
    await _cases(office, database, now)
    await _appointments(office, database, now)
    return office


async def _staff(
    office: Office, database: Database, clock: HeldClock, password: str | None
) -> None:
    for login, role, name_th, name_en, agency in STAFF:
        async with database.writing() as connection:
            office.accounts[login] = await accounts.create(
                connection, clock, login=login, role=role, name_th=name_th, name_en=name_en,
                agency=agency, province="เชียงใหม่" if agency == "pco-chiang-mai" else None,
                password=password, email=f"{login}@moc.example",
            )  # fmt: skip


async def _catalogue(database: Database, clock: HeldClock) -> None:
    async with database.writing() as connection:
        await calendars.ensure(connection, clock)
        if await subjects.catalogue(connection):
            return
        for name_th, name_en, below in SUBJECTS:
            head = await subjects.add(connection, clock, name_th=name_th, name_en=name_en)
            for name in below:
                await subjects.add(connection, clock, name_th=name, parent_id=head.id)


async def _people(office: Office, database: Database, clock: HeldClock) -> None:
    by = office.accounts["somying"]
    for name, numbers, province, notes in PEOPLE:
        async with database.writing() as connection:
            person = await persons.create(
                connection, clock, by, numbers=numbers,
                fields={"name": name, "province": province, "notes": notes or None},
            )  # fmt: skip
        office.people.append(person.id)


# --- calls ----------------------------------------------------------------------------------------


@asynccontextmanager
async def _saving(database: Database) -> AsyncIterator[CommitLoop]:
    loop = CommitLoop(Writer(database), Policy(linger=0))
    committing = asyncio.create_task(loop.run())
    try:
        yield loop
    finally:
        loop.stop()
        await committing


async def _calls(office: Office, database: Database, config: Config, now: int) -> None:
    """The captures of the scenarios, as calls of these people at these times."""
    directory, standards = config.directory(), load_standards()
    async with _saving(database) as loop:
        pipeline = NodePipeline("pbx1", directory, standards, loop)
        for scenario, who, days, minutes in CALLS:
            seen: dict[str, None] = {}
            pipeline.on_change = lambda call, _event, seen=seen: seen.setdefault(call.call_id)
            at = now - days * _DAY - minutes * _MINUTE
            for raw, arrived in _moved(scenario, at, who):
                pipeline.take(raw, arrived, journal=False)
            pipeline.flush(everything=True)
            office.calls += seen
        pipeline.close_open()
        pipeline.flush(everything=True)
        clock = HeldClock(now - 5 * _MINUTE)
        declare = Declare(database, loop, [], directory, standards, clock)
        await declare.settle()
        await loop.saved(loop.offered)
        save = Wrapups(database, clock, declare).save
        by = office.accounts["somying"]
        async with database.reading() as connection:
            found = await subjects.catalogue(connection)
        entry = Entry(
            "information", "answered", found[0].below[0].id,
            "สอบถามราคาปุ๋ยเคมี แจ้งราคาแนะนำและช่องทางร้องเรียนแล้ว", informed=True,
        )  # fmt: skip
        for call_id in office.calls[:2]:
            await save(by, call_id, "1001", entry)


def _moved(scenario: str, to: int, who: int | None) -> list[tuple[bytes, int]]:
    """The messages of a capture as if it began at `to`, from this person's number."""
    _, messages = messages_of(scenario)
    shift = to // 1_000_000 - messages[0][1] // 1_000_000

    def later(found: re.Match[bytes]) -> bytes:
        return str(int(found[1]) + shift).encode()

    moved = []
    for raw, arrived in messages:
        text = _EPOCH_TIME.sub(later, raw)
        if who is not None:
            name, numbers, *_ = PEOPLE[who]
            text = text.replace(b"0812345678", numbers[0].encode())
            text = text.replace("สมชาย ใจดี".encode(), name.split(maxsplit=1)[-1].encode())
        moved.append((text, arrived + shift * 1_000_000))
    return moved


# --- cases ----------------------------------------------------------------------------------------

_RICE: Final = Complaint(
    title="ร้านค้าขายข้าวสารเกินราคาที่ปิดป้าย",
    facts="ผู้ร้องซื้อข้าวสารหอมมะลิ 5 กิโลกรัม ป้ายแสดงราคา 189 บาท แต่ร้านคิดเงิน 215 บาท เมื่อทักท้วง"
    "พนักงานแจ้งว่าป้ายเก่ายังไม่ได้เปลี่ยน มีใบเสร็จรับเงินเป็นหลักฐาน",
    wanted="ขอให้ตรวจสอบและดำเนินการตามกฎหมาย พร้อมคืนเงินส่วนต่าง",
    respondent="ร้านรวมทรัพย์มินิมาร์ท", respondent_contact="ปากซอยลาดพร้าว 71 โทร. 02 999 1111",
    place="เลขที่ 12 ถนนลาดพร้าว แขวงวังทองหลาง", province="กรุงเทพมหานคร",
    product="ข้าวสารหอมมะลิ 5 กก.", complainant_name="นายสมชาย ใจดี",
    complainant_number="+66812345678", complainant_province="กรุงเทพมหานคร",
    consent=True, consent_how="verbal",
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
    consent_how="verbal",
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
        day = datetime.fromtimestamp(now / 1e6, OFFICE_ZONE).date() - timedelta(days=days)
        begun = datetime.combine(day, datetime.min.time(), OFFICE_ZONE) + timedelta(hours=hour)
        self.clock.at = int(begun.timestamp() * 1_000_000)

    async def do(self, act: Any, login: str, *args: Any, minutes: int = 10, **more: Any) -> Any:
        self.clock.forward(minutes=minutes)
        async with self.database.writing() as connection:
            return await act(connection, self.clock, self.office.accounts[login], *args, **more)

    async def record(self, written: Complaint, **more: Any) -> str:
        opened = self.clock.now_us()
        case: Case = await self.do(
            complaints.record, "somying", written, opened_us=opened, minutes=4, **more
        )
        return case.ticket

    async def assigned(self, written: Complaint, *agencies: str) -> str:
        ticket = await self.record(written)
        await self.do(complaints.tell, "somying", ticket, how="voice", minutes=1)
        await self.do(proceedings.propose, "somying", ticket)
        orders = [Order(agency, "โปรดตรวจสอบข้อเท็จจริงและรายงานผลภายในกำหนด") for agency in agencies]
        await self.do(directing.assign, "director", ticket, orders=orders, known=self.known)
        return ticket


async def _cases(office: Office, database: Database, now: int) -> None:
    desk = _Desk(office, database, HeldClock(now), set(office.config.agency))
    notice = notices.current(now).version
    rice = _with(_RICE, notice_version=notice, person_id=office.people[0])
    oil = _with(_LABEL, notice_version=notice)
    advice = _with(_ADVICE, notice_version=notice, person_id=office.people[3])
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
        _with(rice, title="ชั่งน้ำหนักหมูไม่เต็มกิโลกรัม", product="เนื้อหมู"), "dit"
    )
    desk.clock.forward(days=4)
    await desk.do(
        answering.answer, "dit.officer", kept["answered"],
        text="ได้ตรวจสอบเครื่องชั่งของผู้ค้าแล้ว พบคลาดเคลื่อนเกินอัตราที่กำหนด จึงผูกบัตรห้ามใช้และดำเนินคดี",
    )  # fmt: skip
    await desk.at(now, 12)
    kept["settled"] = await desk.assigned(_with(oil, title="ราคาไข่ไก่สูงผิดปกติ"), "dit")
    await desk.do(directing.settle, "director", kept["settled"], text="ชี้แจงราคาแนะนำแก่ผู้ร้องแล้ว")
    await desk.at(now, 6)
    kept["assigned"] = await desk.assigned(
        _with(_UNNAMED, notice_version=notice, title="แผงลอยในตลาดไม่ปิดป้ายแสดงราคา"), "pco-chiang-mai"
    )
    await desk.at(now, 5)
    kept["returned"] = await desk.record(_with(oil, title="สินค้าออนไลน์ไม่ตรงปก"))
    await desk.do(proceedings.propose, "somying", kept["returned"])
    await desk.do(
        directing.return_, "director", kept["returned"], reason="ขอชื่อร้านค้าและหลักฐานการโอนเงิน"
    )
    await desk.at(now, 4)
    kept["cancelled"] = await desk.record(_with(rice, title="เรื่องซ้ำกับที่แจ้งไว้"))
    await desk.do(proceedings.cancel, "somying", kept["cancelled"], why="duplicate", note="เรื่องซ้ำ")
    for day, name in ((3, "proposed"), (3, "proposed2")):
        await desk.at(now, day, 13.5)
        kept[name] = await desk.record(
            _with(rice, title="ปุ๋ยเคมีขายเกินราคาแนะนำ" if name == "proposed" else "ก๊าซหุงต้มไม่เต็มถัง"),
            call_id=office.calls[0] if name == "proposed" else None,
        )
        await desk.do(complaints.tell, "somying", kept[name], how="voice", minutes=1)
        await desk.do(proceedings.propose, "somying", kept[name])
    await desk.at(now, 0, 9.25)
    kept["recorded"] = await desk.record(_with(_UNNAMED, notice_version=notice))


def _with(written: Complaint, **changes: Any) -> Complaint:
    return Complaint(**{**{f: getattr(written, f) for f in Complaint.__dataclass_fields__}, **changes})


# --- appointments ---------------------------------------------------------------------------------


async def _appointments(office: Office, database: Database, now: int) -> None:
    every: Offices = offices(office.config)
    clock = HeldClock(now - 10 * _DAY)
    by = office.accounts["somying"]
    async with database.writing() as connection:
        await resources.fill_rooms(connection, every)
        officer = await resources.save_officer(
            connection, every, None, unit="dft", name_th="นางสาวปิยะดา เลิศสกุล",
            name_en="Piyada Loetsakun", email="piyada@moc.example",
        )  # fmt: skip
        await resources.save_officer(
            connection, every, None, unit="ditp", name_th="นายวีระ ทรงธรรม",
            name_en="Weera Songtham", email="weera@moc.example",
        )  # fmt: skip
        calendar = await calendars.ensure(connection, clock)
        room = next(r for r in await resources.rooms(connection) if r.province == "pco-chiang-mai")
    days = [day for day in _days(now) if calendar.working(day)]
    wishes = (
        ("requested", "ปรึกษาการส่งออกลำไยอบแห้งไปตลาดอินเดีย", None),
        ("agreed", "ขอคำแนะนำเรื่องใบรับรองถิ่นกำเนิดสินค้า Form E", days[1]),
        ("notified", "การใช้สิทธิประโยชน์ทางภาษี RCEP ของผู้ประกอบการใหม่", days[2]),
        ("cancelled", "ขอข้อมูลงานแสดงสินค้าในต่างประเทศ", None),
    )
    for number, (name, topic, day) in enumerate(wishes):
        wish = Wish(
            "มาลี", "วงศ์สวัสดิ์", "0891112233", "malee@mail.example", topic, "dft", "pco-chiang-mai",
            wish_note="สะดวกช่วงเช้า",
        )  # fmt: skip
        clock.forward(minutes=90)
        async with database.writing() as connection:
            made: Appointment = await appointment_acts.create(
                connection, clock, by, every, wish, opened=clock.now_us() - 3 * _MINUTE,
                person_id=office.people[1],
            )  # fmt: skip
            if day is not None:
                starts = datetime.combine(day, datetime.min.time(), OFFICE_ZONE)
                starts += timedelta(hours=9 + number)
                made = await appointment_acts.agree(
                    connection, clock, by, made.ref, made.version, officer_id=officer.id,
                    room_id=room.id, starts=int(starts.timestamp() * 1_000_000), minutes=60,
                    link="https://vdo.moc.example/1203", working=calendar.working,
                )  # fmt: skip
            if name == "notified":
                made = await appointment_notices.notify(
                    connection, clock, by, every, "1203@moc.example", made.ref, made.version,
                    {"voice", "sms", "email"}, calendar.working,
                )  # fmt: skip
            if name == "cancelled":
                made = await appointment_acts.close(
                    connection, clock, by, made.ref, made.version,
                    appointment_acts.Act.CANCEL, "ผู้ขอนัดหมายไม่สะดวกแล้ว",
                )  # fmt: skip
        office.appointments[name] = made.ref


def _days(now: int) -> list[date]:
    today = datetime.fromtimestamp(now / 1e6, OFFICE_ZONE).date()
    return [today + timedelta(days=n) for n in range(1, 20)]
