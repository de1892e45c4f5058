"""A believable office in a database: who works there, who called, what became of it.

Everything is made by the desk's own functions and the bridge's own pipeline, in the order of time
up to `now` (the moment of the desk's clock), so that what pages show of it hangs together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from crm_bridge.access import accounts
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.appointments import appointment_acts, appointment_notices, resources
from crm_bridge.appointments.appointment import Appointment, Wish
from crm_bridge.appointments.offices import Offices, offices
from crm_bridge.cases import calendars, subjects
from crm_bridge.config import AgencySection, Config
from crm_bridge.desk.declare import Declare
from crm_bridge.desk.wrapup import Entry
from crm_bridge.desk.wrapups import Wrapups
from crm_bridge.people import persons
from crm_bridge.records.database import Database
from ivr.lab.install import read_agencies
from ivr.steps.standards import OFFICE_ZONE, load_standards
from tests.support.desk_clock import NOW, HeldClock
from tests.support.office_calls import Played, replay, saving
from tests.support.office_cases import make_cases
from tests.support.scenario import config_of

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
    await make_cases(office, database, now)
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


async def _calls(office: Office, database: Database, config: Config, now: int) -> None:
    """The captures of the scenarios, as calls of these people at these times."""
    played = []
    for scenario, who, days, minutes in CALLS:
        name, number = "", ""
        if who is not None:
            full, numbers, *_ = PEOPLE[who]
            name, number = full.split(maxsplit=1)[-1], numbers[0]
        played.append(Played(scenario, now - days * _DAY - minutes * _MINUTE, name, number))
    async with saving(database) as loop:
        office.calls += await replay(database, config, played, loop)
        clock = HeldClock(now - 5 * _MINUTE)
        declare = Declare(database, loop, [], config.directory(), load_standards(), clock)
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
