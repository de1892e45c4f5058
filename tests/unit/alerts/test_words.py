"""What alerts say, and what rules read of what was seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crm_bridge.alerts.judgement import MINUTE, SECOND, Alert
from crm_bridge.alerts.observation import (
    FloorNow,
    Observation,
    Owed,
    Running,
    Span,
    Waiting,
    read,
)
from crm_bridge.alerts.rules import TOGETHER, Kind, Level, Rule
from crm_bridge.alerts.words import Names, letter, of_rule, says
from ivr.steps.standards import load_standards

NOW = 1_795_000_000 * SECOND
NAMES = Names(
    {"information": "information", "complaint": "complaint", "night": "complaint"},
    load_standards().on(NOW).services,
)
FLOOR = FloorNow(
    {"information": Waiting(3, NOW - 125 * SECOND), "complaint": Waiting(1, NOW - 5 * SECOND)},
    {"information/greet": Running(110.0, 4)},
    lambda queue: 0 if queue == "complaint" else 2,
)
SEEN = Observation(
    queues=("information", "complaint", "night"),
    floor=FLOOR,
    levels={
        (30, "information"): Span(0.5, 8), (30, "complaint"): Span(None, 0),
        (30, "night"): Span(1.0, 1), (30, TOGETHER): Span(0.6, 9),
    },
    owed=(
        Owed("69-1", 2, False, "dit"), Owed("69-1", 1, False, None), Owed("69-2", 0, False, None),
        Owed("69-3", -4, True, "dit"), Owed("69-4", 0, True, None),
    ),
    unwell={"pbx1": ("ขัดข้อง", "unwell")},
    standing={"odoo": NOW - 45 * MINUTE},
    agencies={"dit": ("กรมการค้าภายใน", "DIT")},
)  # fmt: skip


def rule(kind: Kind, **given) -> Rule:
    return replace(Rule.new(kind), id="r", window=30 if kind is Kind.SERVICE_LEVEL else 0, **given)


@pytest.mark.parametrize(
    ("of", "reads"),
    [
        (rule(Kind.WAIT), {"information": 125.0, "complaint": 5.0}),
        (rule(Kind.WAIT, scope="complaint"), {"complaint": 5.0}),
        (rule(Kind.WAITING), {"information": 3.0, "complaint": 1.0}),
        (rule(Kind.WAITING, scope=TOGETHER), {TOGETHER: 4.0}),
        (rule(Kind.STEP), {"information/greet": 110.0}),
        (rule(Kind.NOBODY_READY), {"complaint": 1.0}),
        (rule(Kind.SERVICE_LEVEL), {"information": 50.0, "night": 100.0}),
        (rule(Kind.SERVICE_LEVEL, scope=TOGETHER), {TOGETHER: 60.0}),
        (rule(Kind.CASE_DUE), {"69-1": 1.0, "69-2": 0.0}),
        (rule(Kind.CASE_OVERDUE), {"69-3": 4.0, "69-4": 0.0}),
        (rule(Kind.UNWELL), {"pbx1": 1.0}),
        (rule(Kind.STANDSTILL), {"odoo": 45.0}),
    ],
    ids=lambda one: one.kind.value if isinstance(one, Rule) else "",
)
def test_what_a_rule_reads(of: Rule, reads: dict[str, float]):
    found = read(of, SEEN, NOW)
    assert found is not None
    assert {subject: seen.value for subject, seen in found.items()} == reads
    assert read(of, Observation(queues=SEEN.queues), NOW) is None


def test_a_service_level_wants_the_line_and_enough_calls():
    of = rule(Kind.SERVICE_LEVEL)
    found = read(of, SEEN, NOW)
    assert found is not None
    assert [seen.enough for seen in found.values()] == [False, False]
    assert read(of, replace(SEEN, floor=None), NOW) is None
    assert read(replace(of, window=15), SEEN, NOW) is None


def alert(of: Rule, subject: str, value: float) -> Alert:
    made = Alert("a", "r", of.kind, subject, of.level, of.threshold, value, value, NOW)
    found = read(of, SEEN, NOW) or {}
    th, en = says(of, made, NAMES, found[subject].detail if subject in found else None)
    return replace(made, th=th, en=en)


@pytest.mark.parametrize(
    ("of", "subject", "value", "th", "en"),
    [
        (rule(Kind.WAIT), "information", 181.0,
         "คิวให้ข้อมูล / คำปรึกษา: มีผู้โทรรอนานเกิน 3:00 นาที",
         "A caller has waited over 3:00 min in queue Information and advice"),
        (rule(Kind.WAITING), "night", 6.0,
         "คิวรับเรื่องร้องเรียน (night): มีผู้โทรรอ 6 ราย (เกิน 5)",
         "6 callers waiting in queue Complaint (night) (more than 5)"),
        (rule(Kind.WAITING), "other", 1.0, "คิว other: มีผู้โทรรอ 1 ราย (เกิน 5)",
         "1 caller waiting in queue other (more than 5)"),
        (rule(Kind.STEP), "information/greet", 110.0,
         "เกินเวลามาตรฐาน: เจ้าหน้าที่ Call Center รับโทรศัพท์และทักทายผู้สอบถาม",
         "Over its standard: The officer answers and greets the caller"),
        (rule(Kind.STEP, threshold=80.0), "x/y", 90.0,
         "ใช้เวลาเกิน 80 % ของมาตรฐาน: x/y", "Over 80 % of its standard: x/y"),
        (rule(Kind.SERVICE_LEVEL, scope=TOGETHER), TOGETHER, 60.0,
         "ทุกคิวรวมกัน: ระดับการให้บริการ 30 นาทีล่าสุด 60 % (ต่ำกว่า 80 % จาก 9 สาย)",
         "Service level in the last 30 minutes 60 % in all queues (under 80 %, 9 calls)"),
        (rule(Kind.NOBODY_READY), "information", 2.0,
         "คิวให้ข้อมูล / คำปรึกษา: ไม่มีเจ้าหน้าที่พร้อมรับสาย มีผู้โทรรอ 2 ราย",
         "No officer is ready in queue Information and advice, 2 callers waiting"),
        (rule(Kind.CASE_DUE), "69-1", 1.0, "เรื่อง 69-1 เหลือ 1 วันทำการ (ศูนย์บริการฯ)",
         "Case 69-1 has 1 working day left (the centre)"),
        (rule(Kind.CASE_DUE), "69-2", 0.0, "เรื่อง 69-2 ครบกำหนดวันนี้ (ศูนย์บริการฯ)",
         "Case 69-2 is due today (the centre)"),
        (rule(Kind.CASE_OVERDUE), "69-3", 4.0, "เรื่อง 69-3 เกินกำหนด 4 วันทำการ (กรมการค้าภายใน)",
         "Case 69-3 is 4 working days overdue (DIT)"),
        (rule(Kind.UNWELL), "pbx1", 1.0, "ขัดข้อง", "unwell"),
        (rule(Kind.STANDSTILL), "odoo", 45.0, "ข้อมูลที่รอส่งไป odoo ค้างเกิน 30 นาที",
         "What waits for odoo has stood still for over 30 minutes"),
    ],
)  # fmt: skip
def test_what_an_alert_says(of: Rule, subject: str, value: float, th: str, en: str):
    assert (alert(of, subject, value).th, alert(of, subject, value).en) == (th, en)


def test_each_kind_of_rule_is_said():
    assert of_rule(rule(Kind.WAIT), NAMES) == (
        "ผู้โทรรอในคิวนานเกิน 3:00 นาที · แต่ละคิว", "A caller waits longer than 3:00 min · each queue",
    )  # fmt: skip
    assert of_rule(rule(Kind.SERVICE_LEVEL, scope=TOGETHER), NAMES)[1] == (
        "Service level under 80 % (in the last 30 minutes) · all queues"
    )
    assert of_rule(rule(Kind.UNWELL), NAMES)[0] == "ระบบโทรศัพท์หรือระบบบันทึกขัดข้อง"
    assert all(all(of_rule(rule(kind), NAMES)) for kind in Kind)


def test_a_letter_of_one_and_of_many():
    one = alert(rule(Kind.STANDSTILL), "odoo", 45.0)
    subject, text = letter([one], "https://1203.example/alerts")
    assert subject == f"[1203] {one.th}"
    assert text.startswith(f"{one.th}\n{one.en}\n\nhttps://1203.example/alerts\n")
    grave = replace(one, level=Level.CRITICAL, th="ก", en="worst")
    subject, text = letter([*[one] * 60, grave])
    assert subject == "[1203] ด่วน: แจ้งเตือน 61 รายการ · 61 alerts"
    assert text.startswith("■ ก\n")
    assert "และอีก 21 รายการ · and 21 more" in text
    assert len(letter([replace(one, th="ก" * 500)])[0]) <= 200
