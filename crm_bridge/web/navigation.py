"""The places of the desk, in the order of the menu, and whom each is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crm_bridge.access.account import Account
from crm_bridge.access.roles import CENTRAL, OUTSIDE, Role


@dataclass(frozen=True, slots=True)
class Entry:
    """One place in the menu."""

    path: str
    th: str
    en: str
    roles: frozenset[Role]

    @property
    def setup(self) -> bool:
        """Seldom gone to: under the menu's last word."""
        return self.path.startswith(("/admin/", "/supervision/"))


ENTRIES: Final[tuple[Entry, ...]] = (
    Entry("/desk", "โต๊ะรับสาย", "Desk", frozenset({Role.AGENT, Role.SUPERVISOR})),
    Entry("/desk/live", "สายขณะนี้", "Calls now", frozenset({Role.ADMINISTRATOR})),
    Entry("/floor", "ห้องรับสาย", "Floor", frozenset({Role.SUPERVISOR})),
    Entry("/director", "สั่งการ", "Director", frozenset({Role.DIRECTOR, Role.SUPERVISOR})),
    Entry("/agency", "เรื่องของหน่วยงาน", "Our cases", OUTSIDE),
    Entry("/calls", "สาย", "Calls", frozenset({Role.AGENT, Role.SUPERVISOR, Role.AUDITOR})),
    Entry(
        "/wallboard",
        "กระดานสถานะ",
        "Wallboard",
        frozenset({Role.AGENT, Role.SUPERVISOR, Role.DIRECTOR, Role.ADMINISTRATOR, Role.AUDITOR}),
    ),
    Entry(
        "/figures",
        "สถิติ",
        "Figures",
        frozenset({Role.SUPERVISOR, Role.DIRECTOR, Role.ADMINISTRATOR, Role.AUDITOR}),
    ),
    Entry(
        "/alerts",
        "เฝ้าระวัง",
        "Alerts",
        frozenset({Role.SUPERVISOR, Role.DIRECTOR, Role.ADMINISTRATOR, Role.AUDITOR}),
    ),
    Entry("/cases", "เรื่องร้องเรียน", "Cases", CENTRAL),
    Entry("/appointments", "นัดหมาย", "Appointments", frozenset(Role)),
    Entry("/people", "ผู้ติดต่อ", "People", CENTRAL),
    Entry(
        "/admin/announcement",
        "ประกาศฉุกเฉิน",
        "Emergency message",
        frozenset({Role.ADMINISTRATOR, Role.SUPERVISOR, Role.DIRECTOR, Role.AUDITOR}),
    ),
    Entry(
        "/admin/caller-rules",
        "กฎการรับสาย",
        "Who is taken first",
        frozenset({Role.ADMINISTRATOR, Role.SUPERVISOR, Role.DIRECTOR, Role.AUDITOR}),
    ),
    Entry(
        "/admin/menu",
        "เมนูของสาย",
        "Menus of the line",
        frozenset({Role.ADMINISTRATOR, Role.SUPERVISOR, Role.DIRECTOR, Role.AUDITOR}),
    ),
    Entry(
        "/admin/gaps",
        "ช่วงที่ไม่ได้ยิน",
        "What was not heard",
        frozenset({Role.ADMINISTRATOR, Role.SUPERVISOR, Role.DIRECTOR, Role.AUDITOR}),
    ),
    Entry(
        "/admin/calendar",
        "ปฏิทินวันทำการ",
        "Working days",
        frozenset({Role.ADMINISTRATOR, Role.SUPERVISOR, Role.DIRECTOR, Role.AUDITOR}),
    ),
    Entry(
        "/admin/rooms",
        "ห้องและเจ้าหน้าที่",
        "Rooms",
        frozenset(
            {Role.ADMINISTRATOR, Role.SUPERVISOR, Role.AGENCY_OFFICER, Role.PROVINCIAL_OFFICER}
        ),
    ),
    Entry(
        "/admin/messages",
        "ข้อความ",
        "Messages",
        frozenset({Role.ADMINISTRATOR, Role.SUPERVISOR}),
    ),
    Entry(
        "/admin/connectors",
        "ระบบ CRM อื่น",
        "Other CRMs",
        frozenset({Role.ADMINISTRATOR, Role.SUPERVISOR}),
    ),
    Entry(
        "/supervision/audit",
        "การกำกับสาย",
        "Supervision",
        frozenset({Role.ADMINISTRATOR, Role.AUDITOR}),
    ),
    Entry(
        "/admin/audit",
        "บันทึกการตรวจสอบ",
        "Audit log",
        frozenset({Role.ADMINISTRATOR, Role.AUDITOR}),
    ),
    Entry(
        "/admin/alerts",
        "กฎการแจ้งเตือน",
        "Rules of alerts",
        frozenset({Role.ADMINISTRATOR, Role.SUPERVISOR}),
    ),
    Entry("/admin/subjects", "หัวข้อเรื่อง", "Subjects", frozenset({Role.ADMINISTRATOR})),
    Entry(
        "/admin/pause-reasons", "เหตุผลการพักรับสาย", "Pause reasons", frozenset({Role.ADMINISTRATOR})
    ),
    Entry(
        "/admin/hooks/schemas", "เหตุการณ์เว็บฮุก", "Webhook events", frozenset({Role.ADMINISTRATOR})
    ),
    Entry("/admin/screens", "จอกระดานสถานะ", "Wallboard screens", frozenset({Role.ADMINISTRATOR})),
    Entry("/admin/accounts", "บัญชีผู้ใช้", "Accounts", frozenset({Role.ADMINISTRATOR})),
)
"""A feature adds its line here."""


def entries(account: Account | None) -> list[Entry]:
    """The places this account may go; none for nobody."""
    if account is None:
        return []
    return [entry for entry in ENTRIES if account.role in entry.roles]


def home(account: Account) -> str:
    """Where this account begins."""
    return next((entry.path for entry in entries(account)), "/account")
