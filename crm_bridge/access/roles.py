"""Who may be who at the hotline."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What an account is for; one account has one role."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    DIRECTOR = "director"
    AGENCY_OFFICER = "agency_officer"
    PROVINCIAL_OFFICER = "provincial_officer"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


NAMES: Final[dict[Role, tuple[str, str]]] = {
    Role.AGENT: ("เจ้าหน้าที่ Call Center", "Agent"),
    Role.SUPERVISOR: ("หัวหน้างาน", "Supervisor"),
    Role.DIRECTOR: ("ผู้อำนวยการกองกลาง", "Director of the Central Division"),
    Role.AGENCY_OFFICER: ("เจ้าหน้าที่ของหน่วยงาน", "Agency officer"),
    Role.PROVINCIAL_OFFICER: ("เจ้าหน้าที่สำนักงานพาณิชย์จังหวัด", "Provincial officer"),
    Role.ADMINISTRATOR: ("ผู้ดูแลระบบ", "Administrator"),
    Role.AUDITOR: ("ผู้ตรวจสอบ", "Auditor"),
}
"""Each role's name in Thai and English."""

OUTSIDE: Final = frozenset({Role.AGENCY_OFFICER, Role.PROVINCIAL_OFFICER})
"""Roles that see only the cases of their own agency."""

CENTRAL: Final = frozenset(Role) - OUTSIDE
"""Roles of the hotline itself, which see every case."""
