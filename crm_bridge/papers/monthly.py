"""The monthly report: in words, how much there was, how the standards were kept, and the cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from crm_bridge.clock import Clock
from crm_bridge.config import Config
from crm_bridge.papers.desk_papers import dashboard_paper, entry_of, on_paper
from crm_bridge.papers.editions import published_edition
from crm_bridge.papers.paper import Paper
from crm_bridge.records.database import Database
from crm_bridge.reports.dashboard import Chart
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.period import Period, month_of
from crm_bridge.reports.public_counts import (
    ANSWERED,
    BEFORE,
    OTHER,
    WAITED,
    Month,
    counted,
    first_month,
)
from crm_bridge.reports.public_sheets import BECAME_WORDS, COMPLAINT_WORDS, month_words
from crm_bridge.reports.sheets import Column, Kind, Sheet, Words
from crm_bridge.written import share_text

_BY: Final[Words] = ("ระบบสายด่วน 1203 ตามกำหนด", "the hotline 1203 system, on schedule")
VOLUMES: Final = "volumes"
"""The table of how much there was; published as the statistics of the year, not here."""
_MORE: Final = {
    "queues": ("service_level", "abandonment", "demand"),
    "callers": ("by_outcome",),
    "callbacks": ("callbacks",),
    "cases": ("cases_by_kind", "kept", "cases_by_agency", "cases_by_subject"),
}
"""By dashboard, what of it comes after the overview. What is open now is not the month's."""
_WITHIN: Final = frozenset({VOLUMES, *(name for names in _MORE.values() for name in names)})


async def monthly_paper(
    database: Database, config: Config, clock: Clock, month: Period, lang: str
) -> Paper:
    """The report of a month for the office; raises StorageError."""
    filters = Filters(month)
    paper = await dashboard_paper(database, config, clock, "overview", filters, by=_BY, lang=lang)
    async with database.reading() as connection:
        since = await first_month(connection)
        counts = await counted(connection, [month, month.before(), month.a_year_ago()])
    more: list[Sheet | Chart] = []
    for report, names in _MORE.items():
        shown = await entry_of(report).build(database, config, filters)
        more += [block for block in shown.blocks if block.id in names]
    sheets, charts = on_paper(more, lang)
    th, en = month_words(month.first)
    return replace(
        paper,
        id=f"monthly-{month.first:%Y-%m}",
        title=(f"รายงานประจำเดือน{th} สายด่วน 1203", f"Monthly report of hotline 1203, {en}"),
        sheets=(_volumes(counts, since or month.first), *paper.sheets, *sheets),
        charts={**paper.charts, **charts},
        summary=tuple(_summary(counts)),
    )


def published_report(paper: Paper) -> Paper:
    """The edition of it that may leave the office."""
    made = published_edition(paper, _WITHIN)
    see = (
        "จำนวนสาย เรื่องร้องเรียน และนัดหมาย เผยแพร่ที่หน้าสถิติการให้บริการ /public/statistics",
        "Counts of calls, complaints and appointments are published at /public/statistics.",
    )
    return replace(made, summary=(see,))


def _volumes(counts: list[Month], since: date) -> Sheet:
    """Of months before the first call that was counted nothing is known."""
    columns = [
        Column("month", ("เดือน", "Month"), Kind.TEXT),
        Column("calls", ("สายเข้า", "Calls"), suppressible=True),
        *(Column(i, words, suppressible=True) for i, words in BECAME_WORDS.items()),
        Column("complaints", ("เรื่องร้องเรียน", "Complaints"), suppressible=True),
        *(Column(f"c_{i}", words, suppressible=True) for i, words in COMPLAINT_WORDS.items()),
        Column("appointments", ("นัดหมาย", "Appointments"), suppressible=True),
    ]
    rows = tuple(
        (month_words(m.first), *[None] * (len(columns) - 1))
        if m.first < since
        else (
            month_words(m.first),
            m.calls,
            *(m.became[i] for i in BECAME_WORDS),
            m.complaints.total(),
            *(m.complaints[i] for i in COMPLAINT_WORDS),
            m.appointments,
        )
        for m in counts
    )
    return Sheet(
        VOLUMES,
        ("ปริมาณงาน เทียบกับเดือนก่อนและปีก่อน", "How much there was, beside other months"),
        tuple(columns),
        rows,
        sums=(
            ("calls", (ANSWERED, WAITED, BEFORE, OTHER)),
            ("complaints", tuple(f"c_{i}" for i in COMPLAINT_WORDS)),
        ),
    )  # fmt: skip


def _summary(counts: list[Month]) -> list[Words]:
    now, before, year = counts
    th, en = month_words(now.first)
    if not now.calls and not now.complaints.total() and not now.appointments:
        return [(f"เดือน{th} ไม่มีสายเข้าและไม่มีเรื่องใหม่", f"In {en} there was nothing.")]
    more, more_year = _change(now.calls, before.calls), _change(now.calls, year.calls, year=True)
    answered = now.became[ANSWERED]
    part = _part(answered, now.calls)
    found: list[Words] = [
        (
            f"เดือน{th} มีสายเข้า {now.calls:,} สาย {more[0]} ({more_year[0]})"
            f" เจ้าหน้าที่รับสาย {answered:,} สาย{part}",
            f"In {en} there were {now.calls:,} calls, {more[1]} ({more_year[1]});"
            f" officers answered {answered:,}{part}.",
        )
    ]
    timings = now.within + now.over
    if timings:
        was = before.within + before.over
        then = f"{share_text(before.within / was)}" if was else "–"
        share = share_text(now.within / timings)
        found.append(
            (
                f"ขั้นตอนตามคู่มือบริการเสร็จทันเวลามาตรฐาน {share}"
                f" ({now.within:,} จาก {timings:,} ขั้นตอน) เดือนก่อน {then}",
                f"Steps of the guideline were kept within their standard in {share}"
                f" ({now.within:,} of {timings:,}); the month before {then}.",
            )
        )
    n = now.complaints
    found.append(
        (
            f"รับเรื่องร้องเรียน {n.total():,} เรื่อง"
            f" ได้ข้อยุติภายใน 15 วันทำการแล้ว {n['within']:,} เรื่อง"
            f" เกินกำหนด {n['over']:,} เรื่อง ยังไม่ได้ข้อยุติ {n['open']:,} เรื่อง"
            f" และรับนัดหมาย VDO Conference {now.appointments:,} นัด",
            f"{n.total():,} complaints were received: {n['within']:,} settled within"
            f" 15 working days, {n['over']:,} later, {n['open']:,} not yet;"
            f" {now.appointments:,} appointments by VDO conference were asked for.",
        )
    )
    return found


def _change(now: int, then: int, *, year: bool = False) -> Words:
    th, en = ("ปีก่อน", "a year ago") if year else ("เดือนก่อน", "the month before")
    if not then:
        return f"ไม่มีข้อมูลของ{th}", f"nothing of {en} to compare with"
    share = (now - then) / then
    if abs(share) < 0.0005:
        return f"เท่ากับ{th}", f"as many as {en}"
    words = ("เพิ่มขึ้น", "more") if share > 0 else ("ลดลง", "fewer")
    text = share_text(abs(share))
    return f"{words[0]} {text} จาก{th}", f"{text} {words[1]} than {en}"


def _part(part: int, whole: int) -> str:
    return f" ({share_text(part / whole)})" if whole else ""


def month_before(month: Period) -> Period:
    """The month before a month."""
    return month_of(month.first - timedelta(days=1))
