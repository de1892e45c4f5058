"""Transfers: how they ended, and which part of the wait was the ministry's, which the agency's."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.charts.bars import Bar, Bars
from crm_bridge.config import Config
from crm_bridge.figures.forms import TRANSFERS
from crm_bridge.figures.histogram import percentile, plain
from crm_bridge.figures.tallies import Tally
from crm_bridge.reports.dashboard import Chart
from crm_bridge.reports.dashboards.parts import together
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.links import dashboard
from crm_bridge.reports.names import agency_name
from crm_bridge.reports.reading import added_up
from crm_bridge.reports.sheets import Cell, Column, Kind, Sheet, Words

KINDS: Final[dict[str, Words]] = {
    "blind": ("โอนโดยไม่รอ", "Blind"),
    "attended": ("พูดกับปลายทางก่อนโอน", "Attended"),
    "consult": ("ปรึกษาโดยไม่โอน", "Consulted only"),
}
OUTCOMES: Final[dict[str, Words]] = {
    "answered": ("รับสาย", "Answered"),
    "completed": ("โอนสายต่อ", "Handed on"),
    "returned": ("กลับมาหาผู้ติดต่อ", "Back to the caller"),
    "no_answer": ("ไม่รับสาย", "No answer"),
    "busy": ("สายไม่ว่าง", "Busy"),
    "failed": ("ไม่สำเร็จ", "Failed"),
    "cancelled": ("ยกเลิก", "Cancelled"),
    "abandoned": ("ผู้ติดต่อวางสาย", "The caller hung up"),
    "": ("ไม่ทราบผล", "Not known"),
}
_MOST: Final = 15
"""Agencies that are drawn; the table has them all."""


async def shares(
    connection: AsyncConnection, config: Config, filters: Filters
) -> list[Sheet | Chart]:
    """Of transfers to agencies: the ministry's share and the agency's, with their percentiles."""
    period = filters.period
    only = {"agency": filters.agency} if filters.agency else {}
    sums = await added_up(
        connection, TRANSFERS, ("agency", "kind", "outcome"), since=period.since,
        until=period.until, only=only,
    )  # fmt: skip
    parts: dict[str, list[Tally]] = {}
    answered: dict[str, int] = {}
    for (agency, kind, outcome), tally in sums.items():
        if kind == "consult" or not agency:
            continue
        name = str(agency)
        parts.setdefault(name, []).append(tally)
        answered[name] = answered.get(name, 0) + (tally.counts[0] if outcome == "answered" else 0)
    by = {name: together(TRANSFERS, tallies) for name, tallies in parts.items()}
    most = sorted(by, key=lambda name: -by[name].counts[0])
    title: Words = (
        "เวลาโอนสาย: ส่วนของกระทรวงและส่วนของหน่วยงาน",
        "The time of a transfer: the ministry's share and the agency's",
    )
    rows = tuple(_row(config, filters, name, by[name], answered[name]) for name in most)
    sheet = Sheet("transfer_shares", title, _COLUMNS, rows, (_NOTE,))
    parted = [(name, ours, theirs) for name in most[:_MOST] for ours, theirs in [_means(by[name])]]
    bars = tuple(
        Bar(agency_name(config, name), (ours, theirs or 0.0))
        for name, ours, theirs in parted
        if ours is not None
    )
    legend: tuple[Words, ...] = (
        ("กระทรวง: ขอโอนจนปลายทางดัง (เฉลี่ย)", "ministry: asked until it rings (mean)"),
        ("หน่วยงาน: ดังจนรับสาย (เฉลี่ย)", "agency: rings until answered (mean)"),
    )
    means = Sheet(
        "transfer_means", title,
        (Column("agency", ("หน่วยงาน", "Agency"), Kind.TEXT),
         Column("ours", ("กระทรวง (เฉลี่ย)", "Ministry (mean)"), Kind.SPAN),
         Column("theirs", ("หน่วยงาน (เฉลี่ย)", "Agency (mean)"), Kind.SPAN)),
        tuple((bar.label, *(round(part) for part in bar.parts)) for bar in bars),
    )  # fmt: skip
    return [Chart("transfer_bars", title, Bars(title, bars, "span", legend), means), sheet]


_COLUMNS: Final = (
    Column("agency", ("หน่วยงาน", "Agency"), Kind.TEXT),
    Column("transfers", ("ขอโอน", "Transfers"), suppressible=True),
    Column("answered", ("รับสาย", "Answered"), suppressible=True),
    Column("whole_p50", ("ทั้งหมด p50", "Whole p50"), Kind.SPAN, "percentile"),
    Column("whole_p90", ("ทั้งหมด p90", "Whole p90"), Kind.SPAN, "percentile"),
    Column("ours_p50", ("กระทรวง p50", "Ministry p50"), Kind.SPAN, "percentile"),
    Column("ours_p90", ("กระทรวง p90", "Ministry p90"), Kind.SPAN, "percentile"),
    Column("theirs_p50", ("หน่วยงาน p50", "Agency p50"), Kind.SPAN, "percentile"),
    Column("theirs_p90", ("หน่วยงาน p90", "Agency p90"), Kind.SPAN, "percentile"),
    Column("parted", ("แยกส่วนได้", "Parted"), suppressible=True),
)
_NOTE: Final[Words] = (
    "แยกส่วนได้เฉพาะการโอนที่เห็นโทรศัพท์ของหน่วยงานเริ่มดัง ที่เหลือทราบเพียงเวลาทั้งหมด",
    "Parted where the agency's telephone was seen to ring; of others only the whole is known.",
)


def _row(
    config: Config, filters: Filters, name: str, tally: Tally, answered: int
) -> tuple[Any, ...]:
    wholly, ours, theirs = tally.spans
    return (
        Cell(agency_name(config, name), dashboard("steps", filters, agency=name)),
        tally.counts[0],
        answered,
        percentile(wholly, 0.5), percentile(wholly, 0.9),
        percentile(ours, 0.5), percentile(ours, 0.9),
        percentile(theirs, 0.5), percentile(theirs, 0.9),
        sum(plain(ours).values()),
    )  # fmt: skip


def _means(tally: Tally) -> tuple[float | None, float | None]:
    """Mean spans of the ministry and of the agency; None where no transfer could be parted."""
    _, _, ours_us, theirs_us = tally.counts
    parted, heard = (sum(plain(spans).values()) for spans in tally.spans[1:])
    return (
        ours_us / parted if parted else None,
        theirs_us / heard if heard else None,
    )
