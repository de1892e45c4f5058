"""The words of an appointment's messages: text message, letter, invitation; in either language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import phonenumbers
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.appointments import resources
from crm_bridge.appointments.appointment import Appointment
from crm_bridge.appointments.invitation import DOCUMENTS, Invitation, Method, ics
from crm_bridge.appointments.office_words import day_words, time_words
from crm_bridge.appointments.offices import Offices
from crm_bridge.appointments.slots import Officer, Room
from crm_bridge.cases.working_days import office_day
from crm_bridge.outgoing.mail import HOTLINE_NAME
from ivr.calls.call import Micros

Way = Literal["voice", "sms", "email"]
WAYS: Final[dict[Way, tuple[str, str]]] = {
    "voice": ("แจ้งทางโทรศัพท์", "Told on the telephone"),
    "sms": ("ข้อความสั้น (SMS)", "Text message"),
    "email": ("อีเมลพร้อมไฟล์นัดหมาย", "E-mail with the invitation"),
}

HOTLINE_NAME_EN: Final = "Hotline 1203, Ministry of Commerce"


@dataclass(frozen=True, slots=True)
class Meeting:
    """A booked appointment with the officer and the room that are kept for it."""

    appointment: Appointment
    officer: Officer
    room: Room
    offices: Offices
    starts: Micros
    ends: Micros

    @property
    def about(self) -> tuple[str, str]:
        """What its messages are about."""
        return ("appointment", self.appointment.id)


async def meeting(
    connection: AsyncConnection, offices: Offices, found: Appointment
) -> Meeting | None:
    """The meeting of an appointment; None where no time is agreed."""
    if (
        found.officer_id is None
        or found.room_id is None
        or found.starts_us is None
        or found.ends_us is None
    ):
        return None
    officer = await resources.officer(connection, found.officer_id)
    room = await resources.room(connection, found.room_id)
    return Meeting(found, officer, room, offices, found.starts_us, found.ends_us)


def can_text(number: str | None) -> bool:
    """Whether a text message can reach this number: Thai land lines take none."""
    if number is None:
        return False
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return False
    kind = phonenumbers.number_type(parsed)
    return kind != phonenumbers.PhoneNumberType.FIXED_LINE


def text_message(held: Meeting, occasion: str = "notify") -> str:
    """The text message to the person: `notify`, `move`, `before`, `today` or `cancel`."""
    one, lang = held.appointment, held.appointment.language
    when = f"{day_words(office_day(held.starts), lang)} {time_words(held.starts, held.ends, lang)}"
    place = held.offices.name(one.province, lang)
    if lang == "en":
        head = {
            "notify": "Your VDO conference appointment",
            "move": "MOVED: your VDO conference appointment is now on",
            "before": "Reminder of your VDO conference appointment",
            "today": "Today: your VDO conference appointment",
            "cancel": "CANCELLED: your VDO conference appointment",
        }[occasion]
        text = f"1203 {head} {when}, {place}. Ref {one.ref}"
        return text if occasion == "cancel" else f"{text}. Bring your ID card or passport"
    head = {
        "notify": "แจ้งนัดหมาย VDO Conference",
        "move": "แจ้งเลื่อนนัดหมาย VDO Conference เป็น",
        "before": "ขอเตือนนัดหมาย VDO Conference",
        "today": "วันนี้ท่านมีนัดหมาย VDO Conference",
        "cancel": "แจ้งยกเลิกนัดหมาย VDO Conference",
    }[occasion]
    text = f"1203 {head} {when} ณ {place} เลขที่ {one.ref}"
    return text if occasion == "cancel" else f"{text} โปรดนำบัตรประชาชนหรือหนังสือเดินทาง"


def letter(held: Meeting, lang: str, *, officer: bool = False) -> str:
    """What the invitation and the e-mail say: time, place, unit, topic, what to bring."""
    one = held.appointment
    english = lang == "en"
    rows = [
        ("Reference", "เลขที่นัดหมาย", one.ref),
        ("Date", "วันที่", day_words(office_day(held.starts), lang)),
        ("Time", "เวลา", time_words(held.starts, held.ends, lang)),
        ("Place", "สถานที่", _place(held, lang)),
        ("With", "หน่วยงานที่ให้คำปรึกษา", held.offices.name(one.unit, lang)),
        ("Topic", "ประเด็นที่หารือ", one.topic),
    ]
    if officer:
        rows.append(("Person", "ผู้ขอรับบริการ", f"{one.full_name} ({one.party})"))
    if one.link:
        rows.append(("Link", "ลิงก์", one.link))
    if not officer:
        rows.append(("Bring", "เอกสารที่ต้องนำมา", DOCUMENTS[english]))
    lines = [f"{en if english else th}: {value}" for en, th, value in rows]
    tail = "Questions: call 1203" if english else "สอบถามหรือขอเลื่อนนัด โทร. 1203"
    return "\n".join([*lines, tail])


def _place(held: Meeting, lang: str) -> str:
    return f"{held.offices.name(held.appointment.province, lang)} {held.room.name(lang)}"


def summary(held: Meeting, lang: str) -> str:
    """The title of the invitation and the subject of its e-mail."""
    if lang == "en":
        return f"VDO conference appointment {held.appointment.ref}"
    return f"นัดหมายปรึกษาผ่าน VDO Conference เลขที่ {held.appointment.ref}"


def invitation(held: Meeting, method: Method, sender: str, *, officer: bool = False) -> bytes:
    """The calendar file; the officer's names the person, the person's names the documents."""
    one = held.appointment
    lang = "th" if officer else one.language
    if officer:
        attendees = ((held.officer.name(lang), held.officer.email or ""),)
    else:
        attendees = ((one.full_name, one.email or ""),)
    return ics(
        Invitation(
            appointment_id=one.id,
            sequence=one.sequence,
            starts=held.starts,
            ends=held.ends,
            stamped=one.updated_us,
            summary=summary(held, lang),
            description=letter(held, lang, officer=officer),
            location=_place(held, lang),
            organizer=sender,
            organizer_name=HOTLINE_NAME_EN if lang == "en" else HOTLINE_NAME,
            attendees=tuple(a for a in attendees if a[1]),
            link=one.link,
        ),
        method,
    )
