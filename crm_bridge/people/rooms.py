"""Where data of a person is held: one entry a room, so that a new room joins by one line.

A room says what it holds (for an export), what the law makes it keep, and erases the rest. Rooms
know a person by its ids (with those merged into it), by the numbers that are its alone, and by
its e-mail addresses.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.people import (
    room_appointments,
    room_call_backs,
    room_caller_rules,
    room_calls,
    room_cases,
    room_connectors,
    room_messages,
    room_people,
    room_voices,
)
from crm_bridge.people.holds import Hold
from crm_bridge.people.subject import Subject

Held = Callable[[AsyncConnection, Subject], Awaitable[list[dict[str, Any]]]]
Holds = Callable[[AsyncConnection, Subject, int], Awaitable[list[Hold]]]
Erase = Callable[[AsyncConnection, Clock, Subject, frozenset[str]], Awaitable[int]]
"""Given what is held (the refs of the room's holds); returns how many records were cleared."""


@dataclass(frozen=True, slots=True)
class Room:
    """One place that holds data of persons."""

    key: str
    th: str
    en: str
    held: Held
    holds: Holds
    erase: Erase


ROOMS: Final[tuple[Room, ...]] = (
    Room("messages", "ข้อความที่ส่งถึง", "Messages sent",
         room_messages.held, room_messages.holds, room_messages.erase),
    Room("connectors", "ในระบบ CRM อื่น", "In other CRMs",
         room_connectors.held, room_connectors.holds, room_connectors.erase),
    Room("cases", "เรื่องร้องเรียนและเรื่องขอคำปรึกษา", "Complaints and advice",
         room_cases.held, room_cases.holds, room_cases.erase),
    Room("appointments", "การนัดหมาย", "Appointments",
         room_appointments.held, room_appointments.holds, room_appointments.erase),
    Room("call_backs", "คำขอให้โทรกลับ", "Call backs asked for",
         room_call_backs.held, room_call_backs.holds, room_call_backs.erase),
    Room("caller_rules", "กฎการรับสาย", "Rules of how calls are taken",
         room_caller_rules.held, room_caller_rules.holds, room_caller_rules.erase),
    Room("voices", "เสียงที่บันทึกไว้", "Recorded voices",
         room_voices.held, room_voices.holds, room_voices.erase),
    Room("calls", "การโทรและบันทึกหลังสาย", "Calls and what was written of them",
         room_calls.held, room_calls.holds, room_calls.erase),
    Room("people", "ข้อมูลบุคคล หมายเลข และบันทึก", "The person, numbers and notes",
         room_people.held, room_people.holds, room_people.erase),
)  # fmt: skip
"""In the order in which they are erased: messages and what stands in other CRMs are found through
calls, cases and appointments, these through the person, who is the last."""
