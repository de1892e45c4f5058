"""A report as it goes on paper: its sheets and charts, and what a reader must know of them.

The same paper is written as CSV, XLSX or PDF; of the same paper each of them is the same to the
byte, so that what was printed a year ago can be made again and compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

from crm_bridge.reports.metrics import METRICS, Metric
from crm_bridge.reports.period import Period
from crm_bridge.reports.sheets import WITHHELD, Cell, Sheet, Words
from crm_bridge.written import day_text, moment_text, office_time, share_text
from ivr.calls.call import Micros

Form = Literal["csv", "xlsx", "pdf"]
FORMS: Final[tuple[Form, ...]] = ("csv", "xlsx", "pdf")
MEDIA_TYPES: Final[dict[str, str]] = {
    "csv": "text/csv; charset=utf-8",
    "zip": "application/zip",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/json",
}
OFFICE: Final[Words] = (
    "สายด่วน 1203 กระทรวงพาณิชย์",
    "Hotline 1203, Ministry of Commerce",
)


@dataclass(frozen=True, slots=True)
class Paper:
    """One report, whole; `lang` is `th` or `en`, the language in which it is written."""

    id: str
    title: Words
    lang: str
    period: Period | None
    """None where it is of no days, as the guide to the services."""
    sheets: tuple[Sheet, ...]
    made: Micros
    made_by: Words
    whole: bool = True
    """All calls on record were counted: else the figures lack some."""
    not_observed: float | None = None
    """The share of timings that was inferred or is unknown; None where there are none."""
    source: str = ""
    """SHA-256 of the rows of figures that it was made of; see `reports.source`."""
    filters: tuple[Words, ...] = ()
    summary: tuple[Words, ...] = ()
    """Paragraphs before the tables."""
    charts: Mapping[str, str] = field(default_factory=dict)
    """SVG by the id of the sheet that holds the same in figures."""
    published: bool = False
    """Small counts are withheld, and nobody is named."""
    open: bool = False
    """For the public: dated by the day, by itself made, without the hour."""

    def say(self, words: Words) -> str:
        """In the language of the paper."""
        return words[self.lang == "en"]

    def about(self) -> Iterator[tuple[str, str]]:
        """What stands on every paper beside the tables: a name, and what it says."""
        say = self.say
        yield say(("รายงาน", "Report")), say(self.title)
        yield say(("หน่วยงาน", "Office")), say(OFFICE)
        if self.period is not None:
            yield say(("ช่วงเวลา", "Period")), self.days()
        for n, words in enumerate(self.filters):
            yield ("" if n else say(("ตัวกรอง", "Filters"))), say(words)
        if self.open:
            yield say(("จัดทำเมื่อวันที่", "Made on")), day_text(self.day(), self.lang)
        else:
            yield say(("จัดทำเมื่อ", "Made at")), moment_text(self.made, self.lang) + self._zone()
        yield say(("จัดทำโดย", "Made by")), say(self.made_by)
        if self.source:
            yield say(("ความครบถ้วน", "Whole")), say(_WHOLE if self.whole else _LACKING)
            share = "–" if self.not_observed is None else share_text(self.not_observed)
            yield say(METRICS["not_observed"].name), share
            yield say(("ค่าตรวจสอบแหล่งข้อมูล", "Checksum of the source")), f"SHA-256 {self.source}"
        if self.published:
            yield say(("การปกปิด", "Withheld")), say(_WITHHELD)

    def day(self) -> date:
        """On which it was made."""
        return office_time(self.made).date()

    def days(self) -> str:
        """The period in words."""
        if self.period is None:
            return ""
        first, last = (day_text(d, self.lang) for d in (self.period.first, self.period.last))
        return first if first == last else f"{first} – {last}"

    def definitions(self) -> list[Metric]:
        """Every figure's definition, in the order of `METRICS`."""
        named = {c.metric for sheet in self.sheets for c in sheet.columns}
        return [metric for metric in METRICS.values() if metric.id in named]

    def file_name(self, form: str) -> str:
        """Such as `1203-overview-2026-11-01_2026-11-30.pdf`: letters of every system."""
        days = ""
        if self.period is not None:
            days = f"-{self.period.first}"
            if self.period.last != self.period.first:
                days += f"_{self.period.last}"
        return f"1203-{self.id}{days}.{form}"

    def _zone(self) -> str:
        return self.say((" น. (เวลาประเทศไทย UTC+7)", " (Bangkok, UTC+7)"))


_WHOLE: Final[Words] = (
    "นับครบทุกสายที่จบแล้ว",
    "every call that is over is counted",
)
_LACKING: Final[Words] = (
    "ยังนับสายเก่าไม่ครบ ตัวเลขยังไม่สมบูรณ์",
    "old calls are still being counted: the figures lack some",
)
_WITHHELD: Final[Words] = (
    f"{WITHHELD.mark} หมายถึง จำนวนน้อยกว่า 5 หรือจำนวนที่จะทำให้คำนวณจำนวนดังกล่าวได้",
    f"{WITHHELD.mark} stands for a count below 5, or one that would give such a count away",
)


def bare(value: Any) -> Any:
    """The value of a cell."""
    return value.value if isinstance(value, Cell) else value
