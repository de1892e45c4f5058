"""A call told in order: what happened when, in words, for the page of its record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from crm_bridge.cases.call_words import SEEN
from crm_bridge.desk.caller_rules import KINDS
from crm_bridge.desk.ways import way_words
from ivr.calls.call import (
    OUTBOUND,
    AttemptOutcome,
    Call,
    ConsultationOutcome,
    EndedBy,
    Micros,
    PassageOutcome,
    Transfer,
    TransferOutcome,
)
from ivr.calls.supervising import supervisions

Words = tuple[str, str]
"""Thai and English."""

OUTCOMES: Final = SEEN
"""How a call came out, in words."""

ENDED_BY: Final[dict[EndedBy, Words]] = {
    EndedBy.CALLER: ("ผู้ติดต่อวางสาย", "The caller hung up"),
    EndedBy.AGENT: ("เจ้าหน้าที่วางสาย", "The officer hung up"),
    EndedBy.AGENCY: ("หน่วยงานวางสาย", "The agency hung up"),
    EndedBy.SYSTEM: ("ระบบวางสาย", "The line ended the call"),
    EndedBy.UNKNOWN: ("จบสาย", "The call ended"),
}

_PASSAGE: Final[dict[PassageOutcome, Words]] = {
    PassageOutcome.ABANDONED: ("ออกจากคิว (ผู้ติดต่อวางสาย)", "Left the queue (hung up)"),
    PassageOutcome.TIMEOUT: ("ออกจากคิว (หมดเวลา)", "Left the queue (time was over)"),
    PassageOutcome.LEFT: ("ออกจากคิว", "Left the queue"),
    PassageOutcome.TRANSFERRED: ("ออกจากคิว (โอน)", "Left the queue (transferred)"),
}
_ATTEMPT: Final[dict[AttemptOutcome, Words]] = {
    AttemptOutcome.NO_ANSWER: ("ไม่รับสาย", "no answer"),
    AttemptOutcome.BUSY: ("สายไม่ว่าง", "busy"),
    AttemptOutcome.REJECTED: ("ปฏิเสธสาย", "rejected"),
    AttemptOutcome.CANCELLED: ("ยกเลิก", "cancelled"),
    AttemptOutcome.UNAVAILABLE: ("เครื่องไม่พร้อม", "unavailable"),
}
_CONSULT: Final[dict[ConsultationOutcome, Words]] = {
    ConsultationOutcome.COMPLETED: ("โอนสายต่อ", "handed on"),
    ConsultationOutcome.RETURNED: ("กลับมาหาผู้ติดต่อ", "back to the caller"),
    ConsultationOutcome.NO_ANSWER: ("ไม่รับสาย", "no answer"),
    ConsultationOutcome.BUSY: ("สายไม่ว่าง", "busy"),
    ConsultationOutcome.FAILED: ("ไม่สำเร็จ", "failed"),
    ConsultationOutcome.CANCELLED: ("ยกเลิก", "cancelled"),
}
_TRANSFER: Final[dict[TransferOutcome, Words]] = {
    TransferOutcome.ANSWERED: ("รับสายแล้ว", "answered"),
    TransferOutcome.NO_ANSWER: ("ไม่รับสาย", "no answer"),
    TransferOutcome.BUSY: ("สายไม่ว่าง", "busy"),
    TransferOutcome.FAILED: ("ไม่สำเร็จ", "failed"),
    TransferOutcome.RETURNED: ("กลับมาหาเจ้าหน้าที่", "returned"),
    TransferOutcome.ABANDONED: ("ผู้ติดต่อวางสาย", "the caller hung up"),
}
_UNKNOWN: Final[Words] = ("ไม่ทราบผล", "not known")
_MARKS: Final[dict[str, Words]] = {
    "notice": ("แจ้งการบันทึกเสียงแล้ว", "The recording notice was played"),
    "wrong_key": ("กดหมายเลขที่ไม่มีในเมนู", "A key the menu does not know"),
    "no_key": ("ไม่ได้กดหมายเลข", "No key was pressed"),
    "greeting_end": ("กล่าวทักทายจบ", "The greeting was over"),
    "requeued": ("กลับเข้าคิว", "Back into the queue"),
    "guide": ("ฟังคำแนะนำข้อมูลการตลาดจบ", "The guide was read to its end"),
    "survey_begin": ("เริ่มสอบถามความพึงพอใจ", "The caller is asked how it was"),
    "door": ("ระบบไม่ตอบก่อนเข้าคิว", "The bridge did not answer at the queue"),
    "callback": ("โทรกลับสายที่ไม่ได้รับ", "A lost call is called back"),
    "recording": ("เริ่มบันทึกเสียง", "The conversation is recorded"),
    "recording_paused": ("หยุดบันทึกเสียง", "The recording is paused"),
    "recording_resumed": ("บันทึกเสียงต่อ", "The conversation is recorded again"),
    "form_opened": ("เปิดแบบบันทึกเรื่องร้องเรียน", "The complaint form was opened"),
    "informed": ("ให้ข้อมูลแก่ผู้ติดต่อแล้ว", "The information was given"),
    "enquire_begin": ("เริ่มสอบถามหน่วยงานทางช่องทางอื่น", "An agency is asked by other means"),
    "enquire_end": ("ได้รับคำตอบจากหน่วยงาน", "The agency has answered"),
    "logged": ("บันทึกการให้บริการแล้ว", "The record of the call was saved"),
    "taken_over": ("หัวหน้างานรับสายแทน", "A supervisor takes the caller over"),
}
_CLOSED: Final[dict[str, Words]] = {
    "before": ("ยังไม่ถึงเวลาทำการ", "not open yet"),
    "lunch": ("พักกลางวัน", "lunch"),
    "after": ("หมดเวลาทำการแล้ว", "closed for the day"),
    "weekend": ("วันหยุดประจำสัปดาห์", "a day of the week without hours"),
    "holiday": ("วันหยุดราชการ", "a public holiday"),
    "closure": ("ปิดทำการเป็นกรณีพิเศษ", "closed on this day"),
}
"""Why the office was closed."""
_SELF: Final[dict[str, Words]] = {
    "told": ("แจ้งสถานะแล้ว", "the status was told"),
    "not_found": ("ไม่พบเลขเรื่อง", "no such ticket number"),
    "refused": ("ยืนยันตัวผู้โทรไม่ได้", "the caller was not shown to be the complainant"),
    "failed": ("ระบบขัดข้อง โอนให้เจ้าหน้าที่", "out of order, on to an officer"),
    "left": ("ผู้โทรออกก่อนทราบสถานะ", "left before the status was told"),
}
"""How the status of a case came out."""
_CALL_BACK: Final[dict[str, Words]] = {
    "asked": ("รับคำขอแล้ว", "the wish was taken"),
    "already": ("มีคำขอของหมายเลขนี้อยู่แล้ว", "that number is to be called back already"),
    "failed": ("ระบบขัดข้อง โอนให้เจ้าหน้าที่", "out of order, on to an officer"),
    "left": ("ผู้โทรออกก่อนยืนยันหมายเลข", "left before a number was confirmed"),
}
_SETTLED: Final[dict[str, Words]] = {
    "yes": ("เรื่องได้รับการแก้ไขแล้ว", "the matter is settled"),
    "no": ("เรื่องยังไม่ได้รับการแก้ไข", "the matter is not settled"),
}
_SURVEY: Final[dict[str, Words]] = {
    "answered": ("ตอบครบ", "answered"),
    "skipped": ("ผู้โทรขอข้าม", "skipped by the caller"),
    "no_key": ("ไม่ได้กดหมายเลข", "no key was pressed"),
    "wrong_keys": ("กดหมายเลขที่ไม่มีสามครั้ง", "three keys without a meaning"),
    "left": ("ผู้โทรวางสาย", "the caller hung up"),
}
"""How the survey came out."""
_MESSAGE: Final[dict[str, Words]] = {
    "kept": ("รับข้อความแล้ว", "the message was taken"),
    "spoken": ("ผู้โทรฝากข้อความแล้ววางสาย", "the caller spoke and hung up"),
    "empty": ("ไม่มีเสียงพูด", "nothing was said"),
    "failed": ("เก็บข้อความไม่ได้", "the message could not be kept"),
    "left": ("ผู้โทรวางสายก่อนฝากข้อความ", "left before speaking"),
}
"""How leaving a message came out."""
_RUNG: Final[dict[str, Words]] = {
    "ANSWER": ("รับสาย", "answered"),
    "BUSY": ("สายไม่ว่าง", "busy"),
    "NOANSWER": ("ไม่รับสาย", "no answer"),
    "CANCEL": ("เจ้าหน้าที่วางสายก่อน", "the officer hung up first"),
}
"""How ringing a caller who kept his place came out, by Asterisk's DIALSTATUS."""
_SERVICES: Final[dict[str, Words]] = {
    "status": ("ติดตามสถานะด้วยตนเอง", "Self-service: status"),
    "callback": ("ขอให้เจ้าหน้าที่โทรกลับ", "Self-service: call back"),
    "voicemail": ("ฝากข้อความเสียง", "Self-service: message"),
    "text": ("ขอที่อยู่เว็บไซต์ทางข้อความสั้น", "Self-service: address by text message"),
    "hours": ("บริการนอกเวลาทำการ", "Self-service: out of hours"),
}

_ANNOUNCED: Final[dict[str, Words]] = {
    "announcement": ("เริ่มเล่นประกาศฉุกเฉิน", "The emergency message begins"),
    "announced": ("ฟังประกาศฉุกเฉินจบ", "The emergency message was heard to its end"),
}
_KINDS: Final[dict[str, Words]] = {kind.value: words for kind, words in KINDS.items()}
_KNOWN: Final[dict[str, Words]] = {
    "case": ("มีเรื่องที่ยังไม่ยุติ", "an open case"),
    "call": ("เพิ่งคุยกัน", "they spoke of late"),
}
_RULED: Final[dict[str, Words]] = {
    "priority": ("ได้ลำดับในคิวตามกฎ", "Placed in the queue by a rule"),
    "refused": ("ไม่รับสายตามกฎ", "Turned away by a rule"),
}
_WAITS: Final[dict[str, Words]] = {
    "now": ("มีเจ้าหน้าที่ว่าง ไม่ต้องแจ้ง", "an officer was free, nothing was said"),
    "unknown": ("ยังประมาณไม่ได้", "not known"),
    "nobody": ("ไม่มีเจ้าหน้าที่พร้อมรับสาย", "no officer was taking calls"),
}
_MINUTES: Final[Words] = ("นาที", "minutes")
_PLACES: Final[dict[str, Words]] = {
    "before": ("ก่อนคำทักทาย", "before the welcome"),
    "instead": ("แทนเมนู", "in place of the menu"),
}
_TEXT: Final[dict[str, Words]] = {
    "sent": ("ส่งแล้ว", "sent"),
    "already": ("วันนี้ส่งแล้ว", "sent today already"),
    "no_mobile": ("ไม่ใช่โทรศัพท์มือถือในประเทศไทย", "no Thai mobile"),
    "declined": ("ผู้โทรไม่รับ", "declined by the caller"),
    "failed": ("ส่งไม่ได้", "could not be sent"),
    "left": ("ผู้โทรวางสาย", "the caller hung up"),
}
"""How sending the guide's address came out."""
_HOW: Final = {"callback": _CALL_BACK, "voicemail": _MESSAGE, "text": _TEXT}


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened in a call: when, what, and the names within it."""

    at: Micros
    th: str
    en: str
    detail: str = ""
    """A number, an id or a name, shown as it is."""
    until: Micros | None = None
    came_of_it: Words | None = None
    """How it came out, behind the name."""
    declared: bool = False
    """A person's own act says so, not the telephone."""


def story(
    call: Call, party: Callable[[str | None, str], str], *, supervised: bool = True
) -> list[Moment]:
    """What happened in the call, in order; `party(agency, target)` names who was asked.

    `supervised`: also which supervisors were at the call.
    """
    told = list(_moments(call, party))
    if supervised:
        told += _supervisions(call)
    return sorted(told, key=lambda m: m.at)


def _came_of(handed: Transfer) -> Words | None:
    """What came of a transfer; nothing yet while it goes on."""
    if handed.outcome is None:
        return None if handed.ended_at is None else _UNKNOWN
    return _TRANSFER[handed.outcome]


def _supervisions(call: Call) -> Iterator[Moment]:
    for there in supervisions(call):
        th, en = way_words(there.way)
        yield Moment(there.since, f"หัวหน้างาน{th}", f"A supervisor {en}", there.by, there.until)


def _moments(call: Call, party: Callable[[str | None, str], str]) -> Iterator[Moment]:
    if call.direction == OUTBOUND:
        began = ("เจ้าหน้าที่โทรออก", "The officer calls out")
        if call.passages:
            began = ("ถึงลำดับผู้ขอให้โทรกลับ", "The turn of who keeps his place")
        yield Moment(call.entered_at, *began, call.dialled)
        if call.answered_at is not None:
            yield Moment(call.answered_at, "ปลายทางรับสาย", "The person answered")
    else:
        yield Moment(call.entered_at, "สายเข้า", "The call came in", call.dialled)
    for choice in call.menu:
        yield Moment(choice.at, "กดเมนู", "Key pressed", choice.key)
    for passage in call.passages:
        yield Moment(passage.joined_at, "เข้าคิว", "Joined the queue", passage.queue)
        if passage.left_at is not None and passage.outcome in _PASSAGE:
            yield Moment(passage.left_at, *_PASSAGE[passage.outcome], passage.queue)
        for attempt in passage.attempts:
            yield Moment(
                attempt.rang_at, "เรียกเจ้าหน้าที่", "Rang the officer", attempt.agent,
                attempt.ended_at, _ATTEMPT.get(attempt.outcome) if attempt.outcome else None,
            )  # fmt: skip
    for part in call.agents:
        yield Moment(
            part.connected_at, "สนทนากับเจ้าหน้าที่", "With the officer", part.agent, part.released_at
        )
    for hold in call.holds:
        yield Moment(hold.started_at, "พักสาย", "On hold", hold.by, hold.ended_at)
    for asked in call.consultations:
        yield Moment(
            asked.started_at, "ปรึกษา", "Asked", party(asked.agency, asked.target),
            asked.ended_at, _CONSULT.get(asked.outcome) if asked.outcome else None,
        )  # fmt: skip
    for handed in call.transfers:
        yield Moment(
            handed.asked_at, "โอนสายไปยัง", "Transferred to", party(handed.agency, handed.target),
            handed.answered_at or handed.ended_at,
            _came_of(handed),
        )  # fmt: skip
    for leg in call.agency_legs:
        yield Moment(
            leg.connected_at, "สนทนากับหน่วยงาน", "With the agency", party(leg.agency, leg.number),
            leg.released_at,
        )  # fmt: skip
    for mark in call.marks:
        if mark.name == "self_end":
            name, _, how = mark.value.rpartition(":")
            came = _HOW.get(name, _SELF).get(how)
            yield Moment(mark.at, *_SERVICES.get(name, _SERVICES["status"]), came_of_it=came)
        if mark.name in _ANNOUNCED:
            place = _PLACES.get(mark.value.partition(":")[0])
            yield Moment(mark.at, *_ANNOUNCED[mark.name], came_of_it=place)
        if mark.name == "known":
            officer, _, rest = mark.value.partition(":")
            because = _KNOWN.get(rest.rpartition(":")[2])
            told_by = ("เรียกเจ้าหน้าที่ที่รู้เรื่องก่อน", "Offered first to who knows the caller")
            yield Moment(mark.at, *told_by, officer, came_of_it=because)
        if mark.name in _RULED:
            # KIND:RULE, a priority before it; the site's own dialplan may say anything
            kind = mark.value.rpartition(":")[0].rpartition(":")[2]
            yield Moment(mark.at, *_RULED[mark.name], came_of_it=_KINDS.get(kind))
        if mark.name == "wait":
            told = ("แจ้งเวลารอคิว", "Told how long the wait will be")
            known = mark.value not in _WAITS
            came_of = _MINUTES if known else _WAITS[mark.value]
            yield Moment(mark.at, *told, mark.value if known else "", came_of_it=came_of)
        if mark.name == "callback_end":
            came = _RUNG.get(mark.value, ("ติดต่อไม่ได้", "cannot be reached"))
            yield Moment(mark.at, "โทรหาผู้ขอให้โทรกลับ", "Rang who keeps his place", came_of_it=came)
        if mark.name == "closed":
            told = ("แจ้งว่าอยู่นอกเวลาทำการ", "Told that the office is closed")
            yield Moment(mark.at, *told, came_of_it=_CLOSED.get(mark.value))
        if mark.name == "survey_rating":
            yield Moment(mark.at, "ผู้โทรให้คะแนน", "The caller's rating", f"{mark.value}/5")
        if mark.name == "survey_settled":
            words = _SETTLED.get(mark.value)
            yield Moment(mark.at, "ผู้โทรตอบว่า", "The caller says", came_of_it=words)
        if mark.name == "survey_end":
            came = _SURVEY.get(mark.value)
            yield Moment(mark.at, "จบแบบสอบถาม", "The survey was over", came_of_it=came)
        if mark.name in _MARKS:
            yield Moment(mark.at, *_MARKS[mark.name], mark.by or "", declared=mark.by is not None)
    for gap in call.gaps:
        yield Moment(gap.started_at, "ระบบไม่ได้ยินเหตุการณ์", "Nothing was heard", "", gap.ended_at)
    if call.ended_at is not None:
        yield Moment(call.ended_at, *ENDED_BY[call.ended_by or EndedBy.UNKNOWN])
