"""The tables that several dashboards show: steps, queues and officers, each beside other days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import quote

from crm_bridge.figures.forms import AGENTS, QUEUES, STEPS, Form
from crm_bridge.reports.dashboards.officer_times import ON_PAGE
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.links import calls_behind, dashboard, of_calls
from crm_bridge.reports.metrics import AgentFigures, QueueFigures, StepFigures
from crm_bridge.reports.names import (
    edition_of,
    judged_by,
    service_name,
    standard_text,
    step_name,
    step_of,
)
from crm_bridge.reports.overview import Officer, Queue, Step
from crm_bridge.reports.sheets import Cell, Column, Kind, Rows, Sheet, Words

P50: Final[Words] = ("มัธยฐาน", "p50")
P90: Final[Words] = ("p90", "p90")
P95: Final[Words] = ("p95", "p95")
THEN: Final[Words] = ("ช่วงที่เทียบ", "Compared")

FIGURES_OF_STEPS: Final = (
    Column("timings", ("จำนวน", "Timings"), suppressible=True),
    Column("compliance", ("ทันกำหนด", "Within standard"), Kind.SHARE, "compliance"),
    Column("compliance_then", THEN, Kind.SHARE, then_of="compliance"),
    Column("over", ("เกิน", "Over"), suppressible=True),
    Column("open", ("ไม่จบ", "Open"), suppressible=True),
    Column("p50", P50, Kind.SPAN, "percentile"),
    Column("p90", P90, Kind.SPAN, "percentile"),
    Column("p95", P95, Kind.SPAN, "percentile"),
    Column("longest", ("นานสุด", "Longest"), Kind.SPAN),
    Column("not_observed", ("ไม่มีหลักฐานโดยตรง", "Not observed"), Kind.SHARE, "not_observed"),
)
"""What is said of timings, whatever they are set apart by."""


def cells_of_step(
    now: StepFigures,
    then: StepFigures | None,
    filters: Filters,
    only: Mapping[str, str],
    form: Form = STEPS,
) -> tuple[object, ...]:
    """The cells below `FIGURES_OF_STEPS`; each count leads to its calls."""
    base = calls_behind(form, filters.period, (), only)
    calls = of_calls(only.get("step", ""))

    def behind(*counts: str) -> str | None:
        return f"{base}&count={'%2C'.join(counts)}" if calls else None

    return (
        Cell(now.timings, behind("within", "over", "open")),
        now.compliance,
        then.compliance if then else None,
        Cell(now.over, behind("over") if now.over else None),
        Cell(now.open, behind("open") if now.open else None),
        now.p50,
        now.p90,
        now.p95,
        now.longest,
        Cell(now.not_observed, behind("inferred", "unknown") if now.not_observed else None),
    )


def steps_table(
    steps: Iterable[Step], then: Iterable[Step], filters: Filters, form: Form = STEPS
) -> Sheet:
    """Every step of every service."""
    edition = edition_of(filters.period)
    before = {(s.service, s.step): s.figures for s in then}
    more = {name: v for name, v in filters.narrowed.items() if name in form.keys}
    board = dashboard("steps", filters, service="", step="")
    rows = []
    for s in steps:
        published = step_of(edition, s.service, s.step)
        rows.append(
            (
                service_name(edition, s.service),
                Cell(
                    step_name(edition, s.service, s.step),
                    f"{board}&service={quote(s.service)}&step={quote(s.step)}",
                ),
                standard_text(published),
                *cells_of_step(
                    s.figures, before.get((s.service, s.step)), filters,
                    more | {"service": s.service, "step": s.step}, form,
                ),
            )
        )  # fmt: skip
    return Sheet(
        "steps",
        ("ขั้นตอนตามคู่มือบริการ", "Steps of the published guideline"),
        (
            Column("service", ("บริการ", "Service"), Kind.TEXT, heads=True),
            Column("step", ("ขั้นตอน", "Step"), Kind.TEXT),
            Column("standard", ("มาตรฐาน", "Standard"), Kind.TEXT),
            *FIGURES_OF_STEPS,
        ),
        tuple(rows),
        judged_by(filters.period),
    )


def queues_table(queues: Iterable[Queue], then: Iterable[Queue], filters: Filters) -> Sheet:
    """What came to every queue, and what became of it."""
    before = {q.queue: q.figures for q in then}
    rows = [
        (Cell(q.queue, dashboard("queues", filters, queue=q.queue)),
         *_of_queue(q, before.get(q.queue), filters))
        for q in queues
    ]  # fmt: skip
    return Sheet(
        "queues",
        ("คิว", "Queues"),
        (
            Column("queue", ("คิว", "Queue"), Kind.TEXT),
            Column("offered", ("สายเข้าคิว", "Offered"), metric="offered", suppressible=True),
            Column("answered", ("รับแล้ว", "Answered"), suppressible=True),
            Column("abandoned", ("วางสายก่อนรับ", "Abandoned"), suppressible=True),
            Column("abandonment", ("อัตราวางสาย", "Abandonment rate"), Kind.SHARE, "abandonment"),
            Column("short", ("สายสั้น", "Short calls"), metric="short", suppressible=True),
            Column("flowed_out", ("ออกทางอื่น", "Flowed out"), suppressible=True),
            Column("asa", ("รอเฉลี่ย", "ASA"), Kind.SPAN, "asa"),
            Column("p90", ("รอ p90", "Wait p90"), Kind.SPAN, "percentile"),
            Column(
                "service_level", ("ระดับการให้บริการ", "Service level"), Kind.SHARE, "service_level"
            ),
            Column("service_level_then", THEN, Kind.SHARE, then_of="service_level"),
            Column("service_level_of", ("ตัวหาร", "of"), metric="service_level"),
            Column("target", ("เป้าหมาย", "Target"), Kind.TEXT),
        ),
        tuple(rows),
        (("นับทุกครั้งที่สายเข้าคิว ไม่ใช่จำนวนผู้โทร", "Each time a caller joined, not callers."),),
        sums=(("offered", ("answered", "abandoned", "flowed_out")),),
    )


def _of_queue(q: Queue, then: QueueFigures | None, filters: Filters) -> tuple[object, ...]:
    n, seconds = q.figures, f"{q.service_level_seconds:g}"

    def behind(*counts: str, **more: int) -> str:
        return calls_behind(QUEUES, filters.period, counts, {"queue": q.queue}, **more)

    return (
        n.offered,
        Cell(n.answered, behind("answered") if n.answered else None),
        Cell(n.abandoned, behind("abandoned_after", above=q.short_us) if n.abandoned else None),
        n.abandonment,
        Cell(n.short, behind("abandoned_after", upto=q.short_us) if n.short else None),
        Cell(n.flowed_out, behind("timeout", "left", "transferred") if n.flowed_out else None),
        n.asa,
        n.p90,
        Cell(
            n.service_level,
            bad=n.service_level is not None and n.service_level < q.service_level_target,
        ),
        then.service_level if then else None,
        n.service_level_of,
        (
            f"{q.service_level_target * 100:g} % ≤ {seconds} วินาที",
            f"{q.service_level_target * 100:g} % ≤ {seconds} s",
        ),
    )


def officers_table(officers: Iterable[Officer], then: Iterable[Officer], filters: Filters) -> Sheet:
    """What every officer did, who handled the most first."""
    before = {o.agent: o.figures for o in then}
    more = {"queue": filters.queue} if filters.queue else {}
    board = dashboard("officers", filters, agent="")
    calls = calls_behind(AGENTS, filters.period, ["parts"], more)

    def row(o: Officer) -> tuple[object, ...]:
        name = quote(o.agent)
        behind = _of_officer(o, before.get(o.agent), f"{calls}&agent={name}")
        return (Cell(o.agent, f"{board}&agent={name}"), *behind)

    return Sheet(
        "officers",
        ("เจ้าหน้าที่", "Officers"),
        (
            Column("agent", ("เจ้าหน้าที่", "Officer"), Kind.TEXT),
            Column("handled", ("ให้บริการ", "Handled"), suppressible=True),
            Column("talk", ("สนทนา", "Talk"), Kind.SPAN),
            Column("hold", ("พักสาย", "Hold"), Kind.SPAN),
            Column("wrap_up", ("บันทึก", "Wrap-up"), Kind.SPAN),
            Column("aht", ("เวลาเฉลี่ย", "AHT"), Kind.SPAN, "aht"),
            Column("aht_then", THEN, Kind.SPAN, then_of="aht"),
        ),
        Rows(sorted(officers, key=lambda o: (-o.figures.handled, o.agent)), row),
        on_page=ON_PAGE,
    )  # fmt: skip


def _of_officer(o: Officer, then: AgentFigures | None, href: str) -> tuple[object, ...]:
    n = o.figures
    return (
        Cell(n.handled, href),
        n.talk,
        n.hold,
        n.wrap_up,
        n.aht,
        then.aht if then else None,
    )
