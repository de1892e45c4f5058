"""Every figure's definition, once: its name, its formula as a reader is shown it, its source.

The formulas are versioned: a change of one is a new version, so that a report printed last year
says by which it was made. Seconds are microseconds here, as everywhere inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crm_bridge.figures.forms import AGENTS, CALLS, QUEUES, STEPS, Form
from crm_bridge.figures.histogram import percentile, within
from crm_bridge.figures.tallies import Tally


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure as it is defined; `name` and `formula` in Thai and in English."""

    id: str
    name: tuple[str, str]
    formula: tuple[str, str]
    source: str
    version: int = 1


METRICS: Final[Mapping[str, Metric]] = {
    metric.id: metric
    for metric in (
        Metric(
            "compliance",
            ("ทันกำหนด", "Within standard"),
            (
                "ขั้นตอนที่เสร็จทันเวลามาตรฐาน ÷ ขั้นตอนที่รู้ผลแล้ว (ทันหรือเกิน)",
                "timings within the standard ÷ timings with a verdict (within or over)",
            ),
            "hotline 1203",
        ),
        Metric(
            "not_observed",
            ("ไม่มีหลักฐานโดยตรง", "Not observed or declared"),
            (
                "ขั้นตอนที่เวลาได้จากการอนุมานหรือไม่ทราบ ÷ ขั้นตอนทั้งหมด",
                "timings inferred or unknown ÷ all timings",
            ),
            "hotline 1203",
        ),
        Metric(
            "percentile",
            ("เปอร์เซ็นไทล์ของเวลา", "Percentiles of time"),
            (
                "เวลาที่ 50 (มัธยฐาน), 90 หรือ 95 ใน 100 รายการใช้ไม่เกิน คลาดเคลื่อนไม่เกิน 1 %",
                "the time that 50 (median), 90 or 95 of 100 do not exceed, right to 1 %",
            ),
            "hotline 1203",
        ),
        Metric(
            "offered",
            ("สายเข้าคิว", "Offered"),
            (
                "รับแล้ว + วางสายก่อนรับ + ออกจากคิวทางอื่น ไม่นับสายสั้น",
                "answered + abandoned + flowed out, short calls not counted",
            ),
            "Genesys",
        ),
        Metric(
            "short",
            ("สายสั้น", "Short calls"),
            (
                "วางสายในคิวภายในเวลาที่กำหนดสำหรับสายสั้น ไม่นับเป็นสายเข้าคิวหรือวางสายก่อนรับ",
                "hung up in the queue within the threshold; neither offered nor abandoned",
            ),
            "Cisco CUIC",
        ),
        Metric(
            "abandonment",
            ("อัตราวางสายก่อนรับ", "Abandonment rate"),
            ("วางสายก่อนรับ ÷ สายเข้าคิว", "abandoned ÷ offered"),
            "Genesys",
        ),
        Metric(
            "service_level",
            ("ระดับการให้บริการ", "Service level"),
            (
                "รับภายในเวลาเป้าหมาย ÷ (รับแล้ว + วางสายก่อนรับ ไม่นับสายสั้น)",
                "answered within the target time ÷ (answered + abandoned, short calls not counted)",
            ),
            "Genesys",
        ),
        Metric(
            "asa",
            ("เวลารอเฉลี่ยก่อนรับสาย", "Average speed of answer"),
            (
                "เวลารอรวมของสายที่รับ ÷ สายที่รับ",
                "total wait of answered passages ÷ answered passages",
            ),
            "Cisco",
        ),
        Metric(
            "aht",
            ("เวลาให้บริการเฉลี่ย", "Average handle time"),
            (
                "(สนทนา + พักสาย + บันทึก) ÷ สายที่ให้บริการ นับในวันที่บันทึกเสร็จ",
                "(talk + hold + wrap-up) ÷ handled, booked to the day in which the wrap-up ends",
            ),
            "Genesys",
        ),
        Metric(
            "acw",
            ("เวลาบันทึกหลังวางสายเฉลี่ย", "Average after-call work"),
            (
                "เวลาตั้งแต่จบส่วนของเจ้าหน้าที่จนบันทึกสาย ÷ สายที่ให้บริการ",
                "the officer's part over → the record saved, in all ÷ handled",
            ),
            "Amazon Connect",
        ),
        Metric(
            "occupancy",
            ("อัตราการใช้เวลาให้บริการ", "Occupancy"),
            (
                "(สนทนา + พักสาย + บันทึก) ÷ (เวลาลงชื่อเข้างาน − เวลาพัก)",
                "(talk + hold + wrap-up) ÷ (signed in − paused)",
            ),
            "Cisco WFM",
        ),
        Metric(
            "adherence",
            ("อยู่ตามเวร", "Adherence"),
            (
                "เวลาที่พร้อม อยู่ในสาย บันทึก หรือพักตามเหตุผลที่อนุญาตภายในเวร ÷ เวรที่ผ่านไปแล้ว",
                "ready, in a call, in wrap-up or in an allowed pause within the shift"
                " ÷ what of it is over",
            ),
            "hotline 1203",
        ),
        Metric(
            "transfer_rate",
            ("อัตราการโอนสาย", "Transfer rate"),
            (
                "การโอนที่ปลายทางรับ ÷ สายที่รับ แยกโอนทันที โอนหลังพูดคุย และปรึกษาโดยไม่โอน",
                "transfers that were answered ÷ answered; blind, attended, only consulted apart",
            ),
            "Genesys",
        ),
        Metric(
            "callback_time",
            ("เวลาจนติดต่อกลับ", "Call-back time"),
            (
                "สายที่ไม่ได้รับสิ้นสุด → เริ่มสนทนาในสายโทรออกแรกที่ผู้โทรรับ ภายใน 7 วัน",
                "the lost call over → talk in the first answered call back, within 7 days",
            ),
            "NethVoice",
        ),
        Metric(
            "wait_held",
            ("เวลารอที่แจ้งถูกต้อง", "Told wait held"),
            (
                "ผู้ที่รอจริงภายในช่วงที่แจ้ง ÷ ผู้ที่ได้รับแจ้งช่วงเวลาและทราบว่ารอจริงเท่าใด"
                " (นับจากเข้าคิวจนเจ้าหน้าที่รับ ผู้ที่วางสายก่อนถึงปลายช่วงไม่ทราบผล)",
                "callers whose wait lay in the band told ÷ callers told a band whose wait is known"
                " (from joining until answered; who hung up before the band's end is not known)",
            ),
            "hotline 1203",
        ),
        Metric(
            "not_rated",
            ("ไม่ได้ให้คะแนน", "Not rated"),
            (
                "ผู้โทรที่ได้รับการสอบถามแต่ไม่ได้ให้คะแนน ÷ ผู้โทรที่ได้รับการสอบถาม",
                "asked callers who gave no rating ÷ callers asked",
            ),
            "hotline 1203",
        ),
        Metric(
            "rating",
            ("คะแนนเฉลี่ย (เต็ม 5)", "Mean rating (of 5)"),
            (
                "ผลรวมคะแนน 1 ถึง 5 ÷ จำนวนผู้ที่ให้คะแนน",
                "sum of the ratings from 1 to 5 ÷ callers who rated",
            ),
            "hotline 1203",
        ),
        Metric(
            "matter_settled",
            ("เรื่องได้รับการแก้ไข (ตามที่ผู้โทรตอบ)", "Matter settled (as callers say)"),
            (
                "ผู้ที่ตอบว่าเรื่องได้รับการแก้ไขแล้ว ÷ ผู้ที่ตอบคำถามนี้",
                "callers who say that it is settled ÷ callers who say either",
            ),
            "hotline 1203",
        ),
        Metric(
            "first_contact",
            ("ยุติได้โดยไม่ต้องส่งต่อหน่วยงาน", "First-contact resolution"),
            (
                "เรื่องที่ยุติในรอบแรกโดยไม่มอบหมายหน่วยงาน ÷ เรื่องที่ยุติ",
                "cases settled in their first round without any agency ÷ cases settled",
            ),
            "Amazon Connect",
        ),
        Metric(
            "working_days",
            ("ยุติภายใน 15 วันทำการ", "Settled within 15 working days"),
            (
                "เรื่องที่ยุติภายในมาตรฐานวันทำการ ÷ เรื่องที่ยุติและรู้ผลแล้ว",
                "cases settled within the standard of working days ÷ settled with a verdict",
            ),
            "hotline 1203",
        ),
    )
}
"""By id, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class StepFigures:
    """How one step was kept: counts, and spans in microseconds (None of nothing)."""

    timings: int
    within: int
    over: int
    open: int
    compliance: float | None
    p50: int | None
    p90: int | None
    p95: int | None
    longest: int | None
    """To 1 %, as every percentile."""
    not_observed: float | None


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """What came to one queue and what became of it; spans in microseconds."""

    passages: int
    """All of them, short calls too: the load, not the demand."""
    offered: int
    answered: int
    abandoned: int
    short: int
    flowed_out: int
    unknown: int
    """Passages whose end was not heard."""
    abandonment: float | None
    service_level: float | None
    service_level_of: int
    """The denominator of the service level."""
    asa: int | None
    p50: int | None
    p90: int | None
    p95: int | None


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """What one officer did; spans in microseconds."""

    handled: int
    talk: int
    hold: int
    wrap_up: int
    aht: int | None


def timings(tally: Tally) -> int:
    """How many there are in a row of `STEPS` or `AGENT_STEPS`, or a sum of such rows."""
    n = _named(STEPS, tally)
    return n["within"] + n["over"] + n["open"]


def step_figures(tally: Tally) -> StepFigures:
    """Of a row of `STEPS` or `AGENT_STEPS`, or a sum of such rows."""
    n = _named(STEPS, tally)
    (elapsed,) = tally.spans
    every = timings(tally)
    return StepFigures(
        every,
        n["within"],
        n["over"],
        n["open"],
        _share(n["within"], n["within"] + n["over"]),
        percentile(elapsed, 0.5),
        percentile(elapsed, 0.9),
        percentile(elapsed, 0.95),
        percentile(elapsed, 1.0),
        _share(n["inferred"] + n["unknown"], every),
    )


def queue_figures(tally: Tally, *, short_us: int, target_us: int) -> QueueFigures:
    """Of a row of `QUEUES` or a sum; by the thresholds of a short call and of the service level."""
    n = _named(QUEUES, tally)
    waits, given_up = tally.spans
    short = within(given_up, short_us)
    answered, abandoned = n["answered"], n["abandoned"] - short
    flowed = n["timeout"] + n["left"] + n["transferred"]
    return QueueFigures(
        answered + n["abandoned"] + flowed + n["unknown"],
        answered + abandoned + flowed,
        answered,
        abandoned,
        short,
        flowed,
        n["unknown"],
        _share(abandoned, answered + abandoned + flowed),
        _share(within(waits, target_us), answered + abandoned),
        answered + abandoned,
        n["waited_us"] // answered if answered else None,
        percentile(waits, 0.5),
        percentile(waits, 0.9),
        percentile(waits, 0.95),
    )


def agent_figures(tally: Tally) -> AgentFigures:
    """Of a row of `AGENTS` or a sum of such rows."""
    n = _named(AGENTS, tally)
    handled, all_of_it = n["parts"], n["talk_us"] + n["hold_us"] + n["wrap_us"]
    return AgentFigures(
        handled, n["talk_us"], n["hold_us"], n["wrap_us"],
        all_of_it // handled if handled else None,
    )  # fmt: skip


def calls_counted(tally: Tally) -> int:
    """Calls in a row of `CALLS` or a sum; the demand, where only inbound ones are added."""
    return _named(CALLS, tally)["calls"]


def _named(form: Form, tally: Tally) -> dict[str, int]:
    return dict(zip(form.counts, tally.counts, strict=True))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
