"""One appointment by VDO conference, and what may be taken down for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from crm_bridge.appointments.appointment_workflow import Act, State
from crm_bridge.appointments.offices import Offices
from crm_bridge.errors import Refused
from crm_bridge.outgoing.messages import check_address
from crm_bridge.plain_text import plain_line, plain_text
from crm_bridge.records.callers import normalise
from ivr.calls.call import Micros

LIMITS: Final = {"name": 100, "surname": 100, "topic": 2000, "wish_note": 500, "link": 500}
LARGEST_PARTY: Final = 50

_LINK: Final = re.compile(r"https?://[^\s<>\"'\\^`{|}]+")


@dataclass(frozen=True, slots=True)
class Appointment:
    """One appointment as it stands; the columns of its table."""

    id: str
    ref: str
    form_key: str | None
    state: State
    call_id: str | None
    person_id: str | None
    name: str
    surname: str
    phone: str | None
    email: str | None
    language: str
    party: int
    topic: str
    unit: str
    province: str
    wish_us: Micros | None
    wish_note: str
    officer_id: str | None
    room_id: str | None
    starts_us: Micros | None
    ends_us: Micros | None
    link: str | None
    sequence: int
    invited: str
    opened_us: Micros | None
    saved_us: Micros
    agreed_us: Micros | None
    told_us: Micros | None
    closed_us: Micros | None
    created_by: str
    updated_us: Micros
    version: int

    @property
    def full_name(self) -> str:
        """Name and surname."""
        return f"{self.name} {self.surname}".strip()


@dataclass(frozen=True, slots=True)
class Wish:
    """What the officer takes down from the person."""

    name: str
    surname: str
    phone: str
    email: str
    topic: str
    unit: str
    province: str
    language: str = "th"
    party: int = 1
    wish: Micros | None = None
    wish_note: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an appointment's history."""

    at: Micros
    by_name: str
    act: Act
    state: State
    starts: Micros | None
    note: str


def checked(wish: Wish, offices: Offices) -> dict[str, Any]:
    """The columns of a wish, cleaned; `Refused` names every field that does not fit."""
    faults: dict[str, tuple[str, str]] = {}
    kept: dict[str, Any] = {
        "name": plain_line(wish.name),
        "surname": plain_line(wish.surname),
        "topic": plain_text(wish.topic),
        "wish_note": plain_text(wish.wish_note),
        "language": "en" if wish.language == "en" else "th",
        "party": wish.party,
        "unit": wish.unit,
        "province": wish.province,
        "wish_us": wish.wish,
        "phone": None,
        "email": None,
    }
    for key in ("name", "surname", "topic"):
        if not kept[key]:
            faults[key] = ("โปรดระบุ", "This is needed")
    for key, most in LIMITS.items():
        if len(kept.get(key) or "") > most:
            faults[key] = (f"ยาวเกิน {most} ตัวอักษร", f"Longer than {most} characters")
    if phone := plain_line(wish.phone):
        kept["phone"] = normalise(phone).e164
        if kept["phone"] is None:
            faults["phone"] = ("หมายเลขโทรศัพท์ไม่ถูกต้อง", "This is not a telephone number")
    if email := plain_line(wish.email):
        try:
            kept["email"] = check_address(email)
        except Refused as refused:
            faults |= refused.fields
    if not phone and not email:
        faults["phone"] = (
            "โปรดระบุเบอร์ติดต่อหรืออีเมลอย่างน้อยหนึ่งอย่าง",
            "A telephone number or an e-mail address is needed",
        )
    if not 1 <= wish.party <= LARGEST_PARTY:
        faults["party"] = (f"1 ถึง {LARGEST_PARTY} คน", f"1 to {LARGEST_PARTY} persons")
    if not offices.is_unit(wish.unit):
        faults["unit"] = ("โปรดเลือกหน่วยงานส่วนกลาง", "Choose a unit at the centre")
    if not offices.is_province(wish.province):
        faults["province"] = ("โปรดเลือกสำนักงานพาณิชย์จังหวัด", "Choose a provincial office")
    if faults:
        raise Refused("invalid", "ข้อมูลบางช่องไม่ถูกต้อง", "Some fields are not right", 422, faults)
    return kept


def checked_link(text: str) -> str | None:
    """The address of the conference, None for none; `Refused` unless http or https."""
    text = plain_line(text)
    if text and (len(text) > LIMITS["link"] or not _LINK.fullmatch(text)):
        what = ("ลิงก์ต้องขึ้นต้นด้วย https://", "A link begins with https://")
        raise Refused("bad-link", *what, 422, {"link": what})
    return text or None
