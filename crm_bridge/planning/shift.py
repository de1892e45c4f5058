"""A shift, as it is written and as it is counted: pure.

Times are the office's (Bangkok): minutes since midnight inside, `08:30` outside. A day is written
as `08:30-12:00 13:00-16:30`; an empty text is a day off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from crm_bridge.errors import Refused

MIDNIGHT: Final = 24 * 60
MOST_PARTS: Final = 6
"""Parts of one officer's day."""
AGENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
"""What an officer's id, the extension, can be."""

_PART: Final = re.compile(
    r"([0-9]{1,2})[:.]([0-9]{2})\s*(?:-|–|—|ถึง|to)\s*([0-9]{1,2})[:.]([0-9]{2})", re.ASCII
)
_BETWEEN: Final = re.compile(r"[\s,;/]*")
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """A part of a day on which an officer is to work; the end is not of it."""

    day: date
    agent: str
    from_minute: int
    to_minute: int

    @property
    def hours(self) -> float:
        """How long it is."""
        return (self.to_minute - self.from_minute) / 60


def monday_of(day: date) -> date:
    """The Monday of the week in which this day lies."""
    return day - timedelta(days=day.weekday())


def clock_text(minute: int) -> str:
    """`08:30`; the end of a day is `24:00`."""
    return f"{minute // 60:02}:{minute % 60:02}"


def parts_text(shifts: Iterable[Shift]) -> str:
    """The parts of one officer's day as they are written."""
    return " ".join(
        f"{clock_text(s.from_minute)}-{clock_text(s.to_minute)}" for s in sorted(shifts)
    )


def minute_of(hours: str, minutes: str) -> int | None:
    """Minutes since midnight; None where there is no such time."""
    minute = int(hours) * 60 + int(minutes)
    return minute if int(minutes) < 60 and minute <= MIDNIGHT else None


def parts_of(text: str, day: date, agent: str) -> list[Shift]:
    """One officer's day from what was written; ValueError says in English what is wrong with it."""
    if len(text) > _LONGEST:
        raise ValueError("longer than a day can be")
    found: list[Shift] = []
    place = _skip(text, 0)
    while place < len(text):
        part = _PART.match(text, place)
        if part is None:
            raise ValueError("not like 08:30-12:00 13:00-16:30")
        begin, end = minute_of(part[1], part[2]), minute_of(part[3], part[4])
        if begin is None or end is None:
            raise ValueError("there is no such time of day")
        found.append(Shift(day, agent, begin, end))
        place = _skip(text, part.end())
    check(found)
    return sorted(found)


def check(shifts: Sequence[Shift]) -> None:
    """ValueError where parts of one officer's day end before they begin, or overlap."""
    if len(shifts) > MOST_PARTS:
        raise ValueError(f"more than {MOST_PARTS} parts of one day")
    until = -1
    for shift in sorted(shifts):
        if shift.to_minute <= shift.from_minute:
            raise ValueError("it ends before it begins; a night is two days' parts")
        if shift.from_minute < until:
            raise ValueError("two parts of the day overlap")
        until = shift.to_minute


_WRONG_TH: Final = {
    "longer than a day can be": "ข้อความยาวเกินไป",
    "not like 08:30-12:00 13:00-16:30": "โปรดเขียนแบบ 08:30-12:00 13:00-16:30",
    "there is no such time of day": "ไม่มีเวลานี้ใน 1 วัน",
    f"more than {MOST_PARTS} parts of one day": f"แบ่งได้ไม่เกิน {MOST_PARTS} ช่วงต่อวัน",
    "it ends before it begins; a night is two days' parts": (
        "เวลาเลิกอยู่ก่อนเวลาเริ่ม หากข้ามคืนให้แยกเป็น 2 วัน"
    ),
    "two parts of the day overlap": "ช่วงเวลาในวันเดียวกันซ้อนกัน",
}


def wrong_words(error: ValueError) -> tuple[str, str]:
    """What is wrong with a day, in Thai and English."""
    english = str(error)
    return _WRONG_TH.get(english, english), english


def refused_agent(agent: str) -> Refused:
    """Of a name that no officer can have; it is told shortened."""
    return Refused(
        "no-such-officer",
        f"เลขภายในของเจ้าหน้าที่ไม่ถูกต้อง: {agent[:40]}",
        f"no officer can have this extension: {agent[:40]}",
        422,
    )


def present(shifts: Iterable[Shift], day: date, begins: int, ends: int) -> float:
    """Officers in the house between two minutes of a day, each by the share that he is there."""
    span = ends - begins
    overlap = sum(
        max(0, min(shift.to_minute, ends) - max(shift.from_minute, begins))
        for shift in shifts
        if shift.day == day
    )
    return overlap / span


def _skip(text: str, place: int) -> int:
    found = _BETWEEN.match(text, place)
    return place if found is None else found.end()
