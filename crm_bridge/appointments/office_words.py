"""Days and times of the office in words, as messages to people say them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from ivr.calls.call import Micros
from ivr.steps.standards import OFFICE_ZONE

WEEKDAYS_TH: Final = ("จันทร์", "อังคาร", "พุธ", "พฤหัสบดี", "ศุกร์", "เสาร์", "อาทิตย์")
WEEKDAYS_EN: Final = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip
MONTHS_TH: Final = (
    "มกราคม", "กุมภาพันธ์", "มีนาคม", "เมษายน", "พฤษภาคม", "มิถุนายน",
    "กรกฎาคม", "สิงหาคม", "กันยายน", "ตุลาคม", "พฤศจิกายน", "ธันวาคม",
)  # fmt: skip
MONTHS_EN: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def day_words(day: date, language: str) -> str:
    """`วันอังคารที่ 24 พฤศจิกายน 2569` or `Tuesday 24 November 2026`."""
    if language == "en":
        return f"{WEEKDAYS_EN[day.weekday()]} {day.day} {MONTHS_EN[day.month - 1]} {day.year}"
    month = MONTHS_TH[day.month - 1]
    return f"วัน{WEEKDAYS_TH[day.weekday()]}ที่ {day.day} {month} {day.year + 543}"


def time_words(starts: Micros, ends: Micros, language: str) -> str:
    """`09.00-10.00 น.` or `09:00-10:00`, the office's wall clock."""
    first, last = (
        datetime.fromtimestamp(moment // 1_000_000, UTC).astimezone(OFFICE_ZONE)
        for moment in (starts, ends)
    )
    if language == "en":
        return f"{first:%H:%M}-{last:%H:%M}"
    return f"{first:%H.%M}-{last:%H.%M} น."
