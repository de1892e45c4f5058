"""The PDPA notice read or shown to a complainant, by version: consent says which one was given.

A text that has been in force is never changed; a new one is a further entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from crm_bridge.cases.working_days import office_day
from ivr.calls.call import Micros


@dataclass(frozen=True, slots=True)
class Notice:
    """One version of the notice."""

    version: str
    valid_from: date
    th: str
    en: str


NOTICES: Final = (
    Notice(
        "2569-01",
        date(2024, 1, 1),
        "กระทรวงพาณิชย์เก็บชื่อ หมายเลขโทรศัพท์ และข้อเท็จจริงที่ท่านแจ้ง เพื่อดำเนินการเรื่องร้องเรียนตาม"
        "หน้าที่ของรัฐ และจะส่งต่อให้หน่วยงานที่ต้องดำเนินการเท่าที่จำเป็น ท่านขอปกปิดชื่อ ขอไม่แจ้งชื่อ "
        "ขอดู แก้ไข หรือลบข้อมูลของท่านได้ ตามพระราชบัญญัติคุ้มครองข้อมูลส่วนบุคคล พ.ศ. 2562 "
        "ท่านยินยอมให้เปิดเผยชื่อและหมายเลขติดต่อของท่านแก่หน่วยงานที่ดำเนินการหรือไม่",
        "The Ministry of Commerce keeps your name, telephone number and what you report, to handle"
        " the complaint as the law charges it to, and passes on to the agencies concerned what they"
        " need. You may ask that your name be concealed, give none, and see, correct or erase your"
        " data under the Personal Data Protection Act B.E. 2562. Do you consent that your name and"
        " number are disclosed to the agencies that handle this?",
    ),
)
"""Oldest first."""


def current(now: Micros) -> Notice:
    """The notice in force."""
    day = office_day(now)
    return next((n for n in reversed(NOTICES) if n.valid_from <= day), NOTICES[0])


def find(version: str) -> Notice | None:
    """The notice of that version."""
    return next((n for n in NOTICES if n.version == version), None)
