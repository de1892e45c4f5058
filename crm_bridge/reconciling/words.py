"""Gaps in words, Thai first."""

from __future__ import annotations

from typing import Final

from crm_bridge.reconciling.gap_book import ASTERISK, FULL, LINK, STOPPED

Words = tuple[str, str]

CAUSES: Final[dict[str, Words]] = {
    STOPPED: ("ระบบบันทึกหยุดทำงาน", "the bridge did not run"),
    LINK: ("ขาดการเชื่อมต่อกับ Asterisk", "the connection to Asterisk was lost"),
    FULL: ("เหตุการณ์มาเร็วเกินกว่าจะรับได้", "events came faster than they could be taken"),
    ASTERISK: ("Asterisk เริ่มทำงานใหม่", "Asterisk was started anew"),
    "": ("ขาดหายเฉพาะสายเหล่านี้", "these calls alone"),
}
"""Why nothing was heard."""

BOOKS: Final[dict[str, Words]] = {
    "cel": ("สมุด CEL ของ Asterisk", "Asterisk's CEL"),
    "queue_log": ("สมุดคิว (queue_log) ของ Asterisk", "Asterisk's queue_log"),
}
"""The books that fill it."""

NOTHING_YET: Final[Words] = ("ยังไม่ได้เติม", "nothing yet")
"""Where no book has told it."""

NOT_READ: Final[Words] = ("ยังไม่ได้ตรวจสมุด", "books not read yet")
"""Where nobody knows yet whether there were calls."""

NO_CALLS: Final[Words] = ("ตรวจสมุดแล้ว ไม่มีสาย", "books read: no calls")
