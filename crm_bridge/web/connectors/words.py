"""Other CRMs in words: how each is called, how it stands, what came of asking it."""

from __future__ import annotations

from typing import Final

from crm_bridge.connectors.port import Status
from crm_bridge.delivery.lookup import State

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


def title(name: str, kind: str) -> str:
    """`Odoo`; with its own name where that says more: `Odoo (branch)`."""
    product = PRODUCTS.get(kind, kind)
    return product if name.casefold() in {kind, product.casefold()} else f"{product} ({name})"
