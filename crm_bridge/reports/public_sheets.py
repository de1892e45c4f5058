"""The public statistics of a year as sheets, small counts withheld over all of them together.

A month's calls stand in several tables, by service and by what became of them, so that what is
withheld in one must not be found in another: all of them are one net (`suppression`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from crm_bridge.reports.public_counts import ANSWERED, BEFORE, OTHER, WAITED, Month
from crm_bridge.reports.sheets import TOTAL, WITHHELD, Column, Kind, Sheet, Words
from crm_bridge.reports.suppression import Edge, withheld
from crm_bridge.written import MONTHS_EN
from ivr.steps.standards import Service

_MONTHS_TH: Final = (
    "มกราคม", "กุมภาพันธ์", "มีนาคม", "เมษายน", "พฤษภาคม", "มิถุนายน",
    "กรกฎาคม", "สิงหาคม", "กันยายน", "ตุลาคม", "พฤศจิกายน", "ธันวาคม",
)  # fmt: skip
_MONTH: Final = Column("month", ("เดือน", "Month"), Kind.TEXT)
BECAME_WORDS: Final[Mapping[str, Words]] = {
    ANSWERED: ("เจ้าหน้าที่รับสาย", "Answered by an officer"),
    WAITED: ("วางสายขณะรอหรือรอเกินเวลา", "Hung up waiting, or waited too long"),
    BEFORE: ("วางสายก่อนเข้าคิว", "Hung up before the queue"),
    OTHER: ("อื่น ๆ หรือไม่ทราบผล", "Other or not known"),
}
COMPLAINT_WORDS: Final[Mapping[str, Words]] = {
    "within": ("ได้ข้อยุติภายใน 15 วันทำการ", "Settled within 15 working days"),
    "over": ("ได้ข้อยุติเกิน 15 วันทำการ", "Settled later"),
    "open": ("ยังไม่ได้ข้อยุติ", "Not settled yet"),
    "cancelled": ("ยกเลิกเรื่อง", "Cancelled"),
}
_Place = tuple[str, object, str]
"""A count: its table, its month by number or `year`, its column."""
_Edges = dict[_Place, Edge]
NO_SERVICE: Final[Words] = ("ไม่ได้เลือกบริการ", "No service chosen")


def month_words(first: date) -> Words:
    """`ตุลาคม 2569`, `Oct 2026`."""
    return (
        f"{_MONTHS_TH[first.month - 1]} {first.year + 543}",
        f"{MONTHS_EN[first.month - 1]} {first.year}",
    )


def public_sheets(months: Sequence[Month], wording: Mapping[str, Service]) -> tuple[Sheet, ...]:
    """Channels, services, what became of calls, standards, complaints; `wording` names services."""
    services = [s for s in wording if any(s in m.services for m in months)]
    services += sorted({s for m in months for s in m.services} - set(services))
    net, unpublished = flows(months, services)
    hidden = withheld(net, unpublished)

    def cell(key: _Place) -> Any:
        table, n, name = key
        if (table, name) == ("calls", "all"):
            key = ("services", n, "all")  # one count in two tables
        return WITHHELD if key in hidden else net[key].count

    def sheet(name: str, title: Words, columns: list[tuple[str, Words]], *notes: Words) -> Sheet:
        return Sheet(
            name,
            title,
            (_MONTH, *(Column(str(i), words, suppressible=True) for i, words in columns)),
            _rows(months, lambda n: tuple(cell((name, n, i)) for i, _ in columns)),
            notes,
        )

    def named(service: str) -> Words:
        found = wording.get(service)
        return (found.name_th, found.name_en) if found else NO_SERVICE

    return (
        _channels(months, cell),
        sheet("services", ("สายเข้า 1203 จำแนกตามบริการ", "Calls to 1203 by service"),
              [*((s, named(s)) for s in services), ("all", TOTAL)]),
        sheet("calls", ("สายเข้า 1203 จำแนกตามผล", "Calls to 1203 by what became of them"),
              [*BECAME_WORDS.items(), ("all", TOTAL)]),
        _standards(months, net, hidden),
        sheet("complaints", ("เรื่องร้องเรียนผ่านสายด่วน 1203", "Complaints by hotline 1203"),
              [*COMPLAINT_WORDS.items(), ("all", ("รับเรื่องทั้งหมด", "Received"))],
              ("นับตามเดือนที่รับเรื่อง ตามสถานะ ณ วันที่จัดทำ",
               "By the month in which they were received, as they stood on the day of making")),
    )  # fmt: skip


def _rows(
    months: Sequence[Month], cells: Callable[[object], tuple[Any, ...]]
) -> tuple[tuple[Any, ...], ...]:
    rows = [(month_words(month.first), *cells(n)) for n, month in enumerate(months)]
    return (*rows, (TOTAL, *cells("year"))) if len(rows) > 1 else tuple(rows)


def _channels(months: Sequence[Month], cell: Callable[[_Place], Any]) -> Sheet:
    names = [
        (("services", "all"), ("โทรศัพท์สายด่วน 1203 (สาย)", "Telephone 1203 (calls)")),
        (("complaints", "all"), ("เรื่องร้องเรียน (เรื่อง)", "Complaints (cases)")),
        (("appointments", "all"), ("VDO Conference (นัดหมาย)", "VDO conference (appointments)")),
    ]
    return Sheet(
        "channels",
        ("สถิติการให้บริการจำแนกตามช่องทาง", "Services given, by channel"),
        (_MONTH, *(Column(key[0], words, suppressible=True) for key, words in names)),
        _rows(months, lambda n: tuple(cell((table, n, i)) for (table, i), _ in names)),
    )


def _standards(
    months: Sequence[Month], net: Mapping[_Place, Edge], hidden: frozenset[_Place]
) -> Sheet:
    def cells(n: object) -> tuple[Any, ...]:
        keys = [("standards", n, i) for i in ("all", "within", "over")]
        counts = [WITHHELD if key in hidden else net[key].count for key in keys]
        small, total = any(key in hidden for key in keys), net[keys[0]].count
        share = WITHHELD if small else net[keys[1]].count / total if total else None
        return (*counts, share)

    return Sheet(
        "standards",
        ("ขั้นตอนที่ทันเวลามาตรฐาน", "Steps kept within their standards"),
        (
            _MONTH,
            Column("timings", ("ขั้นตอนที่รู้ผล", "Steps with a verdict"), suppressible=True),
            Column("within", ("ทันกำหนด", "Within"), suppressible=True),
            Column("over", ("เกินกำหนด", "Over"), suppressible=True),
            Column("compliance", ("ร้อยละที่ทันกำหนด", "Share within"), Kind.SHARE, "compliance"),
        ),
        _rows(months, cells),
    )


def flows(
    months: Sequence[Month], services: Sequence[str]
) -> tuple[Mapping[_Place, Edge], set[_Place]]:
    """Every count as a flow, and which of them no table shows."""
    edges: _Edges = {}
    for n, month in enumerate(months):
        for service in services:
            edges["services", n, service] = Edge(
                ("service", service), ("in", n), month.services[service]
            )
        for outcome in BECAME_WORDS:
            edges["calls", n, outcome] = Edge(
                ("out", n), ("became", outcome), month.became[outcome]
            )
        edges["services", n, "all"] = Edge(("in", n), ("out", n), month.calls)
        _parts(edges, "complaints", n, {i: month.complaints[i] for i in COMPLAINT_WORDS})
        _parts(edges, "standards", n, {"within": month.within, "over": month.over})
        _parts(edges, "appointments", n, {"asked": month.appointments})
    _years(edges, months, services)
    unpublished: set[_Place] = {("appointments", n, "asked") for n in (*range(len(months)), "year")}
    if len(months) < 2:  # no sum of one month is shown
        unpublished |= {key for key in edges if key[1] == "year"}
    return edges, unpublished


def _parts(edges: _Edges, table: str, n: object, parts: Mapping[str, int]) -> None:
    for name, count in parts.items():
        edges[table, n, name] = Edge((table, n), (table, "of", name), count)
    edges[table, n, "all"] = Edge((table, "begin"), (table, n), sum(parts.values()))


def _years(edges: _Edges, months: Sequence[Month], services: Sequence[str]) -> None:
    """The sums of the year, which close every circle."""
    total = sum(month.calls for month in months)
    for service in services:
        count = sum(month.services[service] for month in months)
        edges["services", "year", service] = Edge("begin", ("service", service), count)
    for outcome in BECAME_WORDS:
        count = sum(month.became[outcome] for month in months)
        edges["calls", "year", outcome] = Edge(("became", outcome), "end", count)
    edges["services", "year", "all"] = Edge("end", "begin", total)
    tables = {
        "complaints": {i: sum(m.complaints[i] for m in months) for i in COMPLAINT_WORDS},
        "standards": {
            "within": sum(m.within for m in months), "over": sum(m.over for m in months),
        },
        "appointments": {"asked": sum(m.appointments for m in months)},
    }  # fmt: skip
    for table, parts in tables.items():
        for name, count in parts.items():
            edges[table, "year", name] = Edge((table, "of", name), (table, "end"), count)
        edges[table, "year", "all"] = Edge((table, "end"), (table, "begin"), sum(parts.values()))
