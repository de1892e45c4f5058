"""What the tests of appointments stand on: two provinces, two units, an officer, a room."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.appointments import appointment_acts as acts
from crm_bridge.appointments import resources
from crm_bridge.appointments.appointment import Appointment, Wish
from crm_bridge.appointments.offices import Office, Offices
from crm_bridge.appointments.slots import Officer, Room
from tests.support.desk_clock import at

OFFICES = Offices(
    {
        office.id: office
        for office in (
            Office("dip", "กรมทรัพย์สินทางปัญญา", "Department of Intellectual Property"),
            Office("dit", "กรมการค้าภายใน", "Department of Internal Trade"),
            Office("pco-krabi", "สำนักงานพาณิชย์จังหวัดกระบี่", "Krabi Provincial Commerce Office"),
            Office("pco-nan", "สำนักงานพาณิชย์จังหวัดน่าน", "Nan Provincial Commerce Office"),
        )
    }
)
SENDER = "no-reply@moc.example"
TUESDAY = at("2026-11-24T10:00")


def account(role: Role, agency: str | None = None) -> Account:
    name = role.value
    return Account(f"id-{name}-{agency}", name, f"ชื่อ {name}", name, role, agency)


AGENT = account(Role.AGENT)


def wish(**given: Any) -> Wish:
    values = {
        "name": "สมชาย",
        "surname": "ใจดี",
        "phone": "081 234 5678",
        "email": "somchai@example.th",
        "topic": "จดทะเบียนเครื่องหมายการค้า",
        "unit": "dip",
        "province": "pco-krabi",
    }
    return Wish(**{**values, **given})


async def officer(connection: AsyncConnection, **given: Any) -> Officer:
    values = {
        "unit": "dip",
        "name_th": "อรทัย",
        "name_en": "Orathai",
        "email": "orathai@moc.example",
    }
    return await resources.save_officer(connection, OFFICES, None, **{**values, **given})


async def room(connection: AsyncConnection, **given: Any) -> Room:
    values = {"province": "pco-krabi", "name_th": "ห้อง 1", "name_en": "Room 1", "capacity": 4}
    return await resources.save_room(connection, OFFICES, None, **{**values, **given})


def weekday(day: date) -> bool:
    return day.weekday() < 5


async def agreed(
    connection: AsyncConnection, clock: Any, one: Appointment, who: Officer, where: Room, **given
) -> Appointment:
    values = {"starts": TUESDAY, "minutes": 60, "working": weekday, **given}
    return await acts.agree(
        connection,
        clock,
        values.pop("by", AGENT),
        one.ref,
        one.version,
        officer_id=who.id,
        room_id=where.id,
        **values,
    )
