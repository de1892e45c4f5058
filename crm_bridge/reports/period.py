"""The span of days that figures are of: in its address, in words, and the one before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ivr.steps.standards import OFFICE_ZONE


@dataclass(frozen=True, slots=True)
class Period:
    """Days of the office's calendar, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def since(self) -> int:
        """The beginning, microseconds since the epoch."""
        return _midnight(self.first)

    @property
    def until(self) -> int:
        """The moment after the end, microseconds since the epoch."""
        return _midnight(self.last + timedelta(days=1))

    @property
    def query(self) -> str:
        """As it stands in an address."""
        return f"first={self.first}&last={self.last}"

    def before(self) -> Period:
        """As many days just before; of a whole month, the month before."""
        day_before = self.first - timedelta(days=1)
        if self == month_of(self.first):
            return month_of(day_before)
        return Period(day_before - timedelta(days=self.days - 1), day_before)

    def a_year_ago(self) -> Period:
        """The same days of the year before; 29 February is the 28th, a whole month a whole one."""
        if self == month_of(self.first):
            return month_of(_year_before(self.first))
        return Period(_year_before(self.first), _year_before(self.last))


def month_of(day: date) -> Period:
    """The whole month in which this day lies."""
    first = day.replace(day=1)
    return Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


def chosen(today: date) -> dict[str, tuple[str, str, Period]]:
    """What is often wanted: id → its name in Thai and English, and the days."""
    yesterday = today - timedelta(days=1)
    month = month_of(today)
    year = Period(today.replace(month=1, day=1), today)
    return {
        "today": ("วันนี้", "Today", Period(today, today)),
        "yesterday": ("เมื่อวาน", "Yesterday", Period(yesterday, yesterday)),
        "week": ("7 วันล่าสุด", "Last 7 days", Period(today - timedelta(days=6), today)),
        "month": ("เดือนนี้", "This month", Period(month.first, today)),
        "last_month": ("เดือนก่อน", "Last month", month_of(month.first - timedelta(days=1))),
        "year": ("ตั้งแต่ต้นปี", "This year", year),
    }


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=OFFICE_ZONE).timestamp()) * 1_000_000


def _year_before(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        return day.replace(year=day.year - 1, day=28)
    return day.replace(year=day.year - 1)
