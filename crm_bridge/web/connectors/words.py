"""Other CRMs in words: how each is called, how it stands, what came of asking it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crm_bridge.connectors.port import Status
from crm_bridge.delivery.findings import State
from crm_bridge.delivery.outbox import State as Entered
from crm_bridge.records import outbox

PRODUCTS: Final[dict[str, str]] = {
    "odoo": "Odoo",
    "rt": "Request Tracker",
    "roundup": "Roundup",
    "webhook": "Webhook",
    "zammad": "Zammad",
}
"""Kind → the name that people know it by."""

LOOKED_UP: Final[dict[State, tuple[str, str]]] = {
    State.FOUND: ("พบข้อมูล", "Known there"),
    State.NONE: ("ไม่พบหมายเลขนี้", "Not known there"),
    State.LATE: ("ยังไม่ได้รับคำตอบ กำลังรอ", "No answer yet, still asking"),
    State.FAILED: ("สอบถามไม่ได้ในขณะนี้", "Could not be asked now"),
}
"""What came of asking who calls."""

STATUSES: Final[dict[Status, tuple[str, str]]] = {
    Status.NEW: ("ใหม่", "New"),
    Status.OPEN: ("กำลังดำเนินการ", "Open"),
    Status.WAITING: ("รอข้อมูล", "Waiting"),
    Status.RESOLVED: ("ดำเนินการเสร็จแล้ว", "Resolved"),
    Status.CLOSED: ("ปิดเรื่อง", "Closed"),
    Status.CANCELLED: ("ยกเลิก", "Cancelled"),
}
"""Where a ticket there stands, in this house's words."""

ENTERED: Final[dict[Entered, tuple[str, str, str]]] = {
    Entered.DEAD: ("ส่งไม่ได้", "Failed", "bad"),
    Entered.WAITING: ("รอส่ง", "Waiting", "blue"),
    Entered.DONE: ("ส่งแล้ว", "Sent", "good"),
    Entered.SKIPPED: ("ข้าม", "Skipped", ""),
}
"""How far an entry is: Thai, English, colour; the one to look at first."""

WHAT: Final[dict[str, tuple[str, str]]] = {
    outbox.CALL: ("สาย", "Call"),
    outbox.WRAPUP: ("บันทึกการให้บริการ", "Record of a call"),
    outbox.CASE: ("เรื่อง", "Case"),
    outbox.PERSON: ("ผู้ติดต่อ", "Person"),
    outbox.ALERT: ("การแจ้งเตือน", "Alert"),
}
"""What an entry is of."""

SCOPES: Final[dict[str, tuple[str, str]]] = {
    "contact": ("ผู้ติดต่อ", "Contact"),
    "ticket": ("เรื่อง (ticket)", "Ticket"),
    "note": ("บันทึก", "Note"),
}
"""Records of other CRMs."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something did not reach another CRM, and what a person can do."""

    what: tuple[str, str]
    mend: tuple[str, str]


_AGAIN: Final = (
    "ระบบจะส่งอีกครั้งเอง ไม่ต้องทำอะไร",
    "It is sent again by itself; there is nothing to do.",
)

FAULTS: Final[dict[str, Fault]] = {
    "Unreachable": Fault(
        (
            "ติดต่อระบบนั้นไม่ได้ หรือไม่ได้คำตอบครบถ้วน",
            "It could not be reached, or its answer was broken.",
        ),
        (
            "ระบบจะส่งอีกครั้งเอง หากเป็นนานให้ตรวจว่าระบบนั้นทำงานอยู่และที่อยู่ (url) ถูกต้อง",
            "It is sent again by itself. If it lasts: see that it runs, and that its url is right.",
        ),
    ),
    "Unsettled": Fault(
        (
            "ระบบนั้นรับแล้ว แต่อ่านกลับมาไม่ตรง หรือมีผู้อื่นแก้ไขพร้อมกัน",
            "It was taken, but is not so when read back, or somebody else wrote at that moment.",
        ),
        _AGAIN,
    ),
    "Busy": Fault(("ระบบนั้นขอให้รอ", "It asked for time."), _AGAIN),
    "Denied": Fault(
        (
            "ระบบนั้นไม่ให้เข้าใช้ หรือไม่ให้สิทธิ์ทำรายการ",
            "Its login or a right there was refused.",
        ),
        (
            "ตรวจชื่อผู้ใช้ token และสิทธิ์ของบัญชีในระบบนั้น แล้วกด “ลองส่งเดี๋ยวนี้”",
            "Check the login, its token and its rights there, then choose “Try now”.",
        ),
    ),
    "Rejected": Fault(
        ("ระบบนั้นไม่รับข้อมูลตามที่ส่ง", "It does not take the record as it is."),
        (
            "อ่านเหตุผลด้านล่าง แก้ค่าของช่องที่ผิดในหน้านี้ (หรือแก้ไฟล์ mapping) แล้วส่งอีกครั้ง",
            "Read its reason below, correct the field here (or in the mapping file), send again.",
        ),
    ),
    "Gone": Fault(
        ("รายการในระบบนั้นถูกลบไปแล้ว", "The record there has been deleted."),
        (
            "ส่งอีกครั้งเพื่อสร้างรายการใหม่ หรือข้ามหากตั้งใจลบ",
            "Send it again to make it anew, or skip it if it was meant to go.",
        ),
    ),
    "Unsupported": Fault(
        ("ระบบนั้นไม่มีสิ่งที่ขอ", "It has no such thing."),
        (
            "แก้ไฟล์ mapping หรือการตั้งค่า send ของระบบนี้ แล้วส่งอีกครั้งหรือข้าม",
            "Correct the mapping or what hotline.toml sends there, then send again or skip.",
        ),
    ),
}
"""The port's errors by name."""

UNKNOWN_FAULT: Final = Fault(
    ("เกิดข้อผิดพลาดที่ไม่คาดไว้", "Something unexpected went wrong."),
    (
        "ส่งอีกครั้ง หากยังเป็นอยู่ให้แจ้งผู้ดูแลพร้อมข้อความด้านล่าง",
        "Send it again; if it stays so, tell whoever runs the system the text below.",
    ),
)

DECIDED: Final[dict[str, tuple[str, str]]] = {
    "done": ("ส่งสำเร็จ", "Sent"),
    "skipped": ("ข้ามโดย", "Skipped by"),
    "resent": ("สั่งส่งอีกครั้งโดย", "Sent again by"),
}
"""What an attempt says that is no error."""


def title(name: str, kind: str) -> str:
    """`Odoo`; with its own name where that says more: `Odoo (branch)`."""
    product = PRODUCTS.get(kind, kind)
    return product if name.casefold() in {kind, product.casefold()} else f"{product} ({name})"
