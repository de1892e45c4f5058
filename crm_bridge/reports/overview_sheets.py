"""The overview as sheets: steps, queues, officers, for any paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crm_bridge.reports.overview import Overview
from crm_bridge.reports.sheets import Cell, Column, Kind, Sheet
from ivr.steps.standards import Service

_STEP: Final = (
    Column("service", ("บริการ", "Service"), Kind.TEXT),
    Column("step", ("ขั้นตอน", "Step"), Kind.TEXT),
    Column("standard", ("มาตรฐาน", "Standard"), Kind.SPAN),
    Column("timings", ("จำนวน", "Timings"), suppressible=True),
    Column("compliance", ("ทันกำหนด", "Within standard"), Kind.SHARE, "compliance"),
    Column("over", ("เกิน", "Over"), suppressible=True),
    Column("open", ("ไม่จบ", "Open"), suppressible=True),
    Column("p50", ("มัธยฐาน", "p50"), Kind.SPAN),
    Column("p90", ("p90", "p90"), Kind.SPAN),
    Column("p95", ("p95", "p95"), Kind.SPAN),
    Column("longest", ("นานสุด", "Longest"), Kind.SPAN),
    Column(
        "not_observed", ("ไม่มีหลักฐานโดยตรง", "Not observed or declared"), Kind.SHARE, "not_observed"
    ),
)
_QUEUE: Final = (
    Column("queue", ("คิว", "Queue"), Kind.TEXT),
    Column("offered", ("สายเข้าคิว", "Offered"), metric="offered", suppressible=True),
    Column("answered", ("รับแล้ว", "Answered"), suppressible=True),
    Column("abandoned", ("วางสายก่อนรับ", "Abandoned"), suppressible=True),
    Column("flowed_out", ("ออกจากคิวทางอื่น", "Flowed out"), suppressible=True),
    Column("abandonment", ("อัตราวางสายก่อนรับ", "Abandonment rate"), Kind.SHARE, "abandonment"),
    Column("short", ("สายสั้น", "Short calls"), metric="short", suppressible=True),
    Column("asa", ("เวลารอเฉลี่ยก่อนรับสาย", "Average speed of answer"), Kind.SPAN, "asa"),
    Column("p90", ("เวลารอ p90", "Wait p90"), Kind.SPAN),
    Column("service_level", ("ระดับการให้บริการ", "Service level"), Kind.SHARE, "service_level"),
    Column("target", ("เป้าหมาย", "Target"), Kind.SHARE),
    Column("within", ("ภายใน", "Within"), Kind.SPAN),
)
_OFFICER: Final = (
    Column("officer", ("เจ้าหน้าที่", "Officer"), Kind.TEXT),
    Column("handled", ("ให้บริการ", "Handled"), suppressible=True),
    Column("talk", ("สนทนา", "Talk"), Kind.SPAN),
    Column("hold", ("พักสาย", "Hold"), Kind.SPAN),
    Column("wrap_up", ("บันทึก", "Wrap-up"), Kind.SPAN),
    Column("aht", ("เวลาให้บริการเฉลี่ย", "Average handle time"), Kind.SPAN, "aht"),
)
_SECOND: Final = 1_000_000


def overview_sheets(found: Overview, wording: Mapping[str, Service]) -> tuple[Sheet, ...]:
    """Steps, queues and officers; `wording` names services and steps, by id."""
    return steps_sheet(found, wording), queues_sheet(found), officers_sheet(found)


def steps_sheet(found: Overview, wording: Mapping[str, Service]) -> Sheet:
    """Every published step, in the order of the guideline, in its words."""
    rows = []
    for row in found.steps:
        told, n = wording.get(row.service), row.figures
        step = told.steps.get(row.step) if told else None
        rows.append(
            (
                (told.name_th, told.name_en) if told else row.service,
                (step.th, step.en) if step else row.step,
                step.seconds * _SECOND if step and step.seconds else None,
                n.timings, n.compliance, n.over, n.open,
                n.p50, n.p90, n.p95, n.longest, n.not_observed,
            )
        )  # fmt: skip
    return Sheet(
        "steps", ("ขั้นตอนตามคู่มือบริการ", "Steps of the published guideline"), _STEP, tuple(rows)
    )


def queues_sheet(found: Overview) -> Sheet:
    """Every queue, by its passages."""
    rows: list[tuple[Any, ...]] = []
    for row in found.queues:
        n = row.figures
        missed = n.service_level is not None and n.service_level < row.service_level_target
        rows.append(
            (
                row.queue, n.offered, n.answered, n.abandoned, n.flowed_out, n.abandonment,
                n.short, n.asa, n.p90, Cell(n.service_level, bad=missed),
                row.service_level_target, round(row.service_level_seconds * _SECOND),
            )
        )  # fmt: skip
    note = ("นับทุกครั้งที่สายเข้าคิว ไม่ใช่จำนวนผู้โทร", "Each time a caller joined, not callers.")
    return Sheet(
        "queues", ("คิว", "Queues"), _QUEUE, tuple(rows), (note,),
        sums=(("offered", ("answered", "abandoned", "flowed_out")),),
    )  # fmt: skip


def officers_sheet(found: Overview) -> Sheet:
    """Every officer, by the extension."""
    rows = []
    for row in found.agents:
        n = row.figures
        rows.append((row.agent, n.handled, n.talk, n.hold, n.wrap_up, n.aht))
    return Sheet("officers", ("เจ้าหน้าที่", "Officers"), _OFFICER, tuple(rows))


def not_observed(found: Overview) -> float | None:
    """The share of all timings that was inferred or is unknown; None of none."""
    known = [s.figures for s in found.steps if s.figures.not_observed is not None]
    timings = sum(n.timings for n in known)
    missed = sum(n.timings * (n.not_observed or 0.0) for n in known)
    return missed / timings if timings else None
