"""How calls come out, in Thai and English: as the line saw it, and as the officer wrote it."""

from __future__ import annotations

from typing import Final

from ivr.calls.call import Outcome

Words = tuple[str, str]

SEEN: Final[dict[Outcome, Words]] = {
    Outcome.SERVED: ("ได้รับบริการ", "Served"),
    Outcome.ABANDONED_MENU: ("วางสายในเมนู", "Hung up in the menu"),
    Outcome.ABANDONED_QUEUE: ("วางสายขณะรอ", "Hung up while waiting"),
    Outcome.QUEUE_TIMEOUT: ("รอจนหมดเวลา", "Waited in vain"),
    Outcome.SHORT: ("สายสั้น", "Short call"),
    Outcome.FAILED: ("ติดต่อไม่สำเร็จ", "Not reached"),
    Outcome.INTERRUPTED: ("ระบบขัดข้อง", "Interrupted"),
    Outcome.UNKNOWN: ("ไม่ทราบผล", "Not known"),
}
"""As the line saw it."""

WRITTEN: Final[dict[str, Words]] = {
    "answered": ("ให้ข้อมูล / คำปรึกษาแล้ว", "Information or advice given"),
    "handed_on": ("โอนสายไปหน่วยงานเจ้าของเรื่อง", "Handed on to the agency"),
    "referred": ("แนะนำให้ติดต่อหน่วยงานอื่น", "Referred to another agency"),
    "complaint": ("รับเรื่องร้องเรียน", "Complaint taken"),
    "appointment": ("นัดหมายแล้ว", "Appointment made"),
    "call_back": ("จะติดต่อกลับ", "To be called back"),
    "cut_off": ("สายหลุด / ไม่มีผู้พูด", "Cut off, nobody spoke"),
    "other": ("อื่น ๆ", "Other"),
}
"""As the officer wrote it after the call."""
