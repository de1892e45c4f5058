"""The office of the demo: who works there and who is known to it, put into its database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access import accounts, administration, tokens
from crm_bridge.access.account import Account
from crm_bridge.access.roles import NAMES, Role
from crm_bridge.appointments import resources
from crm_bridge.appointments.offices import offices
from crm_bridge.clock import Clock, SystemClock
from crm_bridge.commands.words import Lang
from crm_bridge.config import Config
from crm_bridge.errors import Refused
from crm_bridge.people import persons
from crm_bridge.people.fields import e164_of
from crm_bridge.records import schema
from crm_bridge.records.database import Database

UNIT: Final = "dft"
"""The unit at the centre that the demo's appointment is with."""
PROVINCE: Final = "pco-chiang-mai"

_KEY_LASTS: Final = 12 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Staff:
    """One person of the office; `extension` is where an officer sits."""

    login: str
    role: Role
    name_th: str
    name_en: str
    extension: str = ""
    agency: str | None = None
    province: str | None = None


STAFF: Final = (
    Staff("somying", Role.AGENT, "สมหญิง แสงทอง", "Somying Saengthong", "1001"),
    Staff("prasert", Role.AGENT, "ประเสริฐ ศรีวงศ์", "Prasert Sriwong", "1002"),
    Staff("kanya", Role.AGENT, "กัญญา พึ่งบุญ", "Kanya Phuengbun", "1003"),
    Staff("chai", Role.AGENT, "ชัยวัฒน์ ธรรมดี", "Chaiwat Thamdi", "1004"),
    Staff("daeng", Role.AGENT, "แดงน้อย มีสุข", "Daengnoi Misuk", "1005"),
    Staff("nipha", Role.AGENT, "นิภา ทองแท้", "Nipha Thongthae", "1006"),
    Staff("wichai", Role.AGENT, "วิชัย พรหมมา", "Wichai Phromma", "1007"),
    Staff("wanida", Role.SUPERVISOR, "วนิดา จันทร์เพ็ญ", "Wanida Chanphen"),
    Staff("director", Role.DIRECTOR, "อรุณี พงศ์ไพบูลย์", "Arunee Phongphaiboon"),
    Staff("dit.officer", Role.AGENCY_OFFICER, "กิตติ รุ่งเรือง", "Kitti Rungrueang", agency="dit"),
    Staff("dbd.officer", Role.AGENCY_OFFICER, "ชุติมา วัฒนกุล", "Chutima Watthanakun", agency="dbd"),
    Staff("cmi.officer", Role.PROVINCIAL_OFFICER, "บุญมี คำแก้ว", "Bunmi Khamkaeo",
          agency=PROVINCE, province="เชียงใหม่"),
    Staff("admin", Role.ADMINISTRATOR, "ธนพล ใจมั่น", "Thanaphon Chaiman"),
    Staff("auditor", Role.AUDITOR, "พรทิพย์ สุวรรณ", "Phonthip Suwan"),
)  # fmt: skip

KNOWN: Final = (
    ("นายสมชาย ใจดี", "0812345600", "กรุงเทพมหานคร", "โทรมาเรื่องราคาสินค้าหลายครั้ง สุภาพ"),
    ("นางอรุณี แสงทอง", "0812345601", "นครปฐม", None),
    ("นายมานะ รักไทย", "0812345602", "ขอนแก่น", None),
    ("นางมานี รักไทย", "0812345602", "ขอนแก่น", "ใช้โทรศัพท์ร่วมกับนายมานะ"),
    ("นายวิชัย มั่นคง", "0812345603", "ชลบุรี", None),
    ("นางนภา วงศ์งาม", "0812345607", "เชียงใหม่", "ส่งออกลำไยอบแห้ง"),
)
"""People known before they call: name, number, province, what to know before speaking."""


@dataclass(frozen=True, slots=True)
class Office:
    """The office as it opens: the one password of all, and each person's key for programs."""

    passphrase: str
    keys: Mapping[str, str]
    """Login → key."""


async def open_office(config: Config, lang: Lang) -> Office:
    """Puts the office into its database; where it stands already, only the password is new."""
    clock = SystemClock()
    database = Database(config.database.url)
    passphrase = administration.drawn()
    keys: dict[str, str] = {}
    try:
        await schema.upgrade(database)
        for staff in STAFF:
            async with database.writing() as connection:
                account = await _account(connection, clock, staff, passphrase, lang)
                expires = clock.now_us() + _KEY_LASTS
                _, keys[staff.login] = await tokens.issue(
                    connection, clock, account, "hotline demo", ("read", "write"), expires
                )
        async with database.writing() as connection:
            by = await accounts.named(connection, STAFF[0].login)
            await _rooms(connection, config)
            await _people(connection, clock, by)
    finally:
        await database.close()
    return Office(passphrase, keys)


async def close_office(config: Config) -> None:
    """Ends the programs' keys; the people can still sign in with the password."""
    clock = SystemClock()
    database = Database(config.database.url)
    try:
        async with database.writing() as connection:
            for staff in STAFF:
                account = await accounts.named(connection, staff.login)
                await tokens.end_all(connection, clock, account.id)
    finally:
        await database.close()


async def _account(
    connection: AsyncConnection, clock: Clock, staff: Staff, passphrase: str, lang: Lang
) -> Account:
    try:
        found = await accounts.named(connection, staff.login)
    except Refused:
        return await accounts.create(
            connection, clock, login=staff.login, role=staff.role, name_th=staff.name_th,
            name_en=staff.name_en, password=passphrase, agency=staff.agency,
            province=staff.province, language=lang.value,
        )  # fmt: skip
    await administration.set_password(connection, clock, found.id, passphrase, once=False)
    return await accounts.find(connection, found.id)


async def _rooms(connection: AsyncConnection, config: Config) -> None:
    """Rooms of the provinces and one officer who can be met, where there are none."""
    every = offices(config)
    await resources.fill_rooms(connection, every)
    if not await resources.officers(connection, unit=UNIT):
        await resources.save_officer(
            connection, every, None, unit=UNIT, name_th="นางสาวปิยะดา เลิศสกุล",
            name_en="Piyada Loetsakun", email="piyada@moc.example",
        )  # fmt: skip


async def _people(connection: AsyncConnection, clock: Clock, by: Account) -> None:
    for name, number, province, notes in KNOWN:
        match = await persons.match(connection, e164_of(number))
        if any(known.name == name for known in match.persons):
            continue
        await persons.create(
            connection, clock, by, numbers=[number],
            fields={"name": name, "province": province, "notes": notes},
        )  # fmt: skip


def staff_table(office: Office, base: str, lang: Lang) -> RenderableType:
    """Who can sign in where, with the one password."""
    english = lang is Lang.EN
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in ("login", "role", "name", "sits at") if english else (
        "ชื่อผู้ใช้", "บทบาท", "ชื่อ", "ประจำที่",
    ):  # fmt: skip
        table.add_column(head, no_wrap=True)
    for staff in STAFF:
        place = staff.extension or staff.agency or ""
        name = staff.name_en if english else staff.name_th
        table.add_row(staff.login, NAMES[staff.role][english], name, place)
    where = ("sign in at", "password of all") if english else ("ลงชื่อเข้าใช้ที่", "รหัสผ่านของทุกคน")
    line = Text.assemble(
        f"{where[0]} ", (base, "bold"), f"  {where[1]} ", (office.passphrase, "bold")
    )
    return Group(table, line)
