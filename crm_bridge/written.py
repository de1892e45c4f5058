"""How days, moments, spans and shares are written for people, in Thai and in English.

The wall clock is the office's (Asia/Bangkok); Thai years are of the Buddhist era.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from ivr.steps.standards import OFFICE_ZONE

MONTHS_TH: Final = (
    "ม.ค.", "ก.พ.", "มี.ค.", "เม.ย.", "พ.ค.", "มิ.ย.",
    "ก.ค.", "ส.ค.", "ก.ย.", "ต.ค.", "พ.ย.", "ธ.ค.",
)  # fmt: skip
MONTHS_EN: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
WEEKDAYS_TH: Final = ("จ.", "อ.", "พ.", "พฤ.", "ศ.", "ส.", "อา.")
WEEKDAYS_EN: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""From Monday on."""


def office_time(moment: int) -> datetime:
    """The moment (µs since the epoch) on the office's wall clock."""
    return datetime.fromtimestamp(moment / 1_000_000, UTC).astimezone(OFFICE_ZONE)


def hour_words(day: int, hour: int) -> tuple[str, str]:
    """An hour of a weekday, Monday 0, in Thai and in English."""
    return f"{WEEKDAYS_TH[day]} {hour:02}:00", f"{WEEKDAYS_EN[day]} {hour:02}:00"


def day_text(when: date, lang: str) -> str:
    """`23 พ.ย. 2569` or `23 Nov 2026`."""
    if lang == "en":
        return f"{when.day} {MONTHS_EN[when.month - 1]} {when.year}"
    return f"{when.day} {MONTHS_TH[when.month - 1]} {when.year + 543}"


def short_day_text(when: date, lang: str) -> str:
    """`23 พ.ย.` or `23 Nov`: where the year stands elsewhere."""
    return f"{when.day} {(MONTHS_EN if lang == 'en' else MONTHS_TH)[when.month - 1]}"


def month_text(when: date, lang: str) -> str:
    """`พ.ย. 69` or `Nov 26`."""
    if lang == "en":
        return f"{MONTHS_EN[when.month - 1]} {when.year % 100:02}"
    return f"{MONTHS_TH[when.month - 1]} {(when.year + 543) % 100:02}"


def moment_text(moment: int, lang: str) -> str:
    """`23 พ.ย. 2569 14:05`, the office's wall clock."""
    when = office_time(moment)
    return f"{day_text(when.date(), lang)} {when:%H:%M}"


def span_text(seconds: float, lang: str = "th") -> str:
    """`4:07` or `1:02:03`: minutes and seconds, hours where any; `2 วัน 15 ชม.` of days."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours >= 24:
        days, hours = divmod(hours, 24)
        return f"{days} d {hours} h" if lang == "en" else f"{days} วัน {hours} ชม."
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def length_text(micros: int, lang: str = "th") -> str:
    """A measured span of microseconds, to the nearest second, as `span_text` writes it."""
    return span_text((micros + 500_000) // 1_000_000, lang)


def share_text(share: float) -> str:
    """`66.7 %` of 0.667."""
    return f"{share * 100:.1f} %"


def day_of(text: str) -> date | None:
    """The day that somebody writes as 2026-11-30; `None` where it is none of this age."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2200 else None
