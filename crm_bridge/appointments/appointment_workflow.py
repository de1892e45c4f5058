"""The states of an appointment and who may do what in which; one table.

requested ─agree─► agreed ─notify─► notified ─► held | missed     notified ─notify─► told again
                     ▲ move           │ move
                     └──── moved ◄────┘◄─ missed: another time
                             └─notify─► notified         any before ─cancel─► cancelled
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from crm_bridge.access.account import Account
from crm_bridge.access.roles import CENTRAL, Role
from crm_bridge.errors import Refused


class State(StrEnum):
    """How far an appointment has come."""

    REQUESTED = "requested"
    AGREED = "agreed"
    NOTIFIED = "notified"
    MOVED = "moved"
    """Agreed anew after the person had been told another time."""
    HELD = "held"
    MISSED = "missed"
    CANCELLED = "cancelled"


class Act(StrEnum):
    """What a person does to it."""

    CREATE = "create"
    EDIT = "edit"
    AGREE = "agree"
    MOVE = "move"
    NOTIFY = "notify"
    CANCEL = "cancel"
    HELD = "held"
    MISSED = "missed"


STATES: Final[dict[State, tuple[str, str]]] = {
    State.REQUESTED: ("รอประสานนัดหมาย", "To be agreed"),
    State.AGREED: ("นัดหมายแล้ว รอแจ้งประชาชน", "Agreed, to be told"),
    State.NOTIFIED: ("แจ้งประชาชนแล้ว", "Told"),
    State.MOVED: ("เลื่อนนัดแล้ว รอแจ้งประชาชน", "Moved, to be told"),
    State.HELD: ("เข้าพบแล้ว", "Held"),
    State.MISSED: ("ไม่มาตามนัด", "Missed"),
    State.CANCELLED: ("ยกเลิกแล้ว", "Cancelled"),
}
ACTS: Final[dict[Act, tuple[str, str]]] = {
    Act.CREATE: ("รับเรื่องขอนัดหมาย", "Request taken"),
    Act.EDIT: ("แก้ไขข้อมูล", "Details changed"),
    Act.AGREE: ("นัดหมายวัน เวลา", "Time agreed"),
    Act.MOVE: ("เลื่อนนัด", "Moved"),
    Act.NOTIFY: ("แจ้งวัน เวลา ให้ประชาชนทราบ", "Person told"),
    Act.CANCEL: ("ยกเลิกนัด", "Cancelled"),
    Act.HELD: ("บันทึกว่าเข้าพบแล้ว", "Marked as held"),
    Act.MISSED: ("บันทึกว่าไม่มาตามนัด", "Marked as missed"),
}

BOOKED: Final = frozenset({State.AGREED, State.NOTIFIED, State.MOVED})
"""An officer and a room are kept for it."""
CLOSED: Final = frozenset({State.HELD, State.MISSED, State.CANCELLED})
OPEN: Final = frozenset(State) - CLOSED

TABLE: Final[dict[tuple[State, Act], State]] = {
    **{(state, Act.EDIT): state for state in OPEN},
    (State.REQUESTED, Act.AGREE): State.AGREED,
    (State.AGREED, Act.MOVE): State.AGREED,
    (State.NOTIFIED, Act.MOVE): State.MOVED,
    (State.MOVED, Act.MOVE): State.MOVED,
    (State.MISSED, Act.MOVE): State.MOVED,
    (State.AGREED, Act.NOTIFY): State.NOTIFIED,
    (State.MOVED, Act.NOTIFY): State.NOTIFIED,
    (State.NOTIFIED, Act.NOTIFY): State.NOTIFIED,
    **{(state, Act.CANCEL): State.CANCELLED for state in OPEN},
    **{(state, Act.HELD): State.HELD for state in BOOKED},
    **{(state, Act.MISSED): State.MISSED for state in BOOKED},
}
"""What each act makes of each state; what is not here is not allowed."""

_HOTLINE: Final = frozenset({Role.AGENT, Role.SUPERVISOR})
_UNIT: Final = _HOTLINE | {Role.AGENCY_OFFICER}
_ATTENDING: Final = _UNIT | {Role.PROVINCIAL_OFFICER}
WHO: Final[dict[Act, frozenset[Role]]] = {
    Act.CREATE: _HOTLINE,
    Act.EDIT: _HOTLINE,
    Act.AGREE: _UNIT,
    Act.MOVE: _UNIT,
    Act.NOTIFY: _HOTLINE,
    Act.CANCEL: _HOTLINE,
    Act.HELD: _ATTENDING,
    Act.MISSED: _ATTENDING,
}
"""Whose act it is; officers outside for their own appointments alone."""


def sees(account: Account, unit: str, province: str) -> bool:
    """Whether this account may see an appointment of this unit and province."""
    match account.role:
        case Role.AGENCY_OFFICER:
            return account.agency == unit
        case Role.PROVINCIAL_OFFICER:
            return account.agency == province
        case role:
            return role in CENTRAL


def next_state(state: State, act: Act) -> State:
    """The state that the act leads to; `Refused`, saying why, where it leads nowhere."""
    try:
        return TABLE[state, act]
    except KeyError:
        raise Refused("not-in-this-state", *_why(state, act)) from None


def allowed(account: Account, state: State, act: Act) -> bool:
    """Whether this account could do it in this state (its place is asked by `sees`)."""
    return (state, act) in TABLE and account.role in WHO[act]


def _why(state: State, act: Act) -> tuple[str, str]:
    if state == State.CANCELLED:
        return ("นัดหมายนี้ยกเลิกแล้ว", "This appointment has been cancelled")
    if state == State.HELD:
        return ("นัดหมายนี้เสร็จสิ้นแล้ว", "This appointment has been held")
    if state == State.REQUESTED:
        return (
            "ยังไม่ได้นัดหมายวัน เวลา กับเจ้าหน้าที่ส่วนกลาง",
            "No time has been agreed with a central officer yet",
        )
    if act == Act.AGREE:
        return ("นัดหมายวัน เวลา ไว้แล้ว ให้ใช้การเลื่อนนัด", "A time is agreed already: move it instead")
    name_th, name_en = STATES[state]
    return (
        f"ทำรายการนี้ไม่ได้ขณะที่สถานะเป็น “{name_th}”",
        f"This cannot be done while the state is “{name_en}”",
    )
