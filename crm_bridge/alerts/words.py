"""What an alert says, in Thai and in English, and how its values are written. Pure.

Names no caller: queues, steps, tickets, systems.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from crm_bridge.alerts.judgement import Alert
from crm_bridge.alerts.rules import EACH, TOGETHER, Kind, Level, Rule, Unit, Words
from crm_bridge.cases.subjects import SERVICES
from ivr.steps.standards import Service

LEVELS: Final[Mapping[Level, Words]] = {
    Level.NOTICE: ("แจ้งให้ทราบ", "Notice"),
    Level.WARNING: ("ควรดูแล", "Warning"),
    Level.CRITICAL: ("ด่วน", "Critical"),
}
SIGNS: Final[Mapping[Level, str]] = {Level.NOTICE: "●", Level.WARNING: "▲", Level.CRITICAL: "■"}
"""A second cue beside the colour."""

UNITS: Final[Mapping[Unit, Words]] = {
    Unit.SECONDS: ("วินาที", "seconds"),
    Unit.CALLERS: ("ราย", "callers"),
    Unit.PERCENT: ("%", "%"),
    Unit.WORKING_DAYS: ("วันทำการ", "working days"),
    Unit.MINUTES: ("นาที", "minutes"),
    Unit.NONE: ("", ""),
}


@dataclass(frozen=True, slots=True)
class Names:
    """How what alerts are of is called; what is not known is called by its own name."""

    queues: Mapping[str, str] = field(default_factory=dict)
    """Queue → its service."""
    services: Mapping[str, Service] = field(default_factory=dict)

    def queue(self, name: str) -> Words:
        """`คิวรับเรื่องร้องเรียน`; of several queues of one service, with the queue's own name."""
        if name == TOGETHER:
            return "ทุกคิวรวมกัน", "all queues"
        if name == EACH:
            return "แต่ละคิว", "each queue"
        service = self.queues.get(name, "")
        th, en = SERVICES.get(service, (f" {name}", name))
        if service and list(self.queues.values()).count(service) > 1:
            th, en = f"{th} ({name})", f"{en} ({name})"
        return f"คิว{th}", f"queue {en}"

    def step(self, subject: str) -> Words:
        """The published words of `service/step`."""
        service, _, step = subject.partition("/")
        found = self.services.get(service)
        told = found.steps.get(step) if found is not None else None
        return (subject, subject) if told is None else (told.th, told.en)


def amount(value: float, unit: Unit) -> Words:
    """A value with its unit: `3:20 นาที`, `82.5 %`, `3 ราย`."""
    if unit is Unit.SECONDS:
        minutes, seconds = divmod(round(value), 60)
        return f"{minutes}:{seconds:02} นาที", f"{minutes}:{seconds:02} min"
    if unit is Unit.PERCENT:
        text = f"{value:.1f}".removesuffix(".0")
        return f"{text} %", f"{text} %"
    th, en = UNITS[unit]
    whole = f"{round(value)}"
    if round(value) == 1:
        en = en.removesuffix("s")
    return f"{whole} {th}".strip(), f"{whole} {en}".strip()


def of_rule(rule: Rule, names: Names) -> Words:
    """What the rule looks for: `ผู้โทรรอในคิวนานเกิน 2:00 นาที`, and where."""
    th, en = _looks_for(rule)
    if rule.form.queues:
        where_th, where_en = names.queue(rule.scope)
        th, en = f"{th} · {where_th}", f"{en} · {where_en}"
    return th, en


def _looks_for(rule: Rule) -> Words:
    much_th, much_en = amount(rule.threshold, rule.form.unit)
    match rule.kind:
        case Kind.WAIT:
            return f"ผู้โทรรอในคิวนานเกิน {much_th}", f"A caller waits longer than {much_en}"
        case Kind.WAITING:
            return f"ผู้โทรที่รออยู่เกิน {much_th}", f"More than {much_en} waiting"
        case Kind.STEP if rule.threshold == 100:
            return "ขั้นตอนใช้เวลาเกินมาตรฐาน", "A step is over its standard"
        case Kind.STEP:
            return (
                f"ขั้นตอนใช้เวลาเกิน {much_th} ของมาตรฐาน",
                f"A step has taken over {much_en} of its standard",
            )
        case Kind.SERVICE_LEVEL:
            span = (
                ("วันนี้", "today")
                if rule.window == 0
                else (f"{rule.window} นาทีล่าสุด", f"in the last {rule.window} minutes")
            )
            return (
                f"ระดับการให้บริการต่ำกว่า {much_th} ({span[0]})",
                f"Service level under {much_en} ({span[1]})",
            )
        case Kind.NOBODY_READY:
            th, en = "มีผู้โทรรอแต่ไม่มีเจ้าหน้าที่พร้อม", "Callers wait and no officer is ready"
            if not rule.threshold:
                return th, en
            return f"{th} (รอเกิน {much_th})", f"{en} (more than {much_en})"
        case Kind.CASE_DUE:
            return f"เรื่องร้องเรียนครบกำหนดภายใน {much_th}", f"A case is due within {much_en}"
        case Kind.CASE_OVERDUE:
            if not rule.threshold:
                return "เรื่องร้องเรียนเกินกำหนด", "A case is overdue"
            return (
                f"เรื่องร้องเรียนเกินกำหนดมากกว่า {much_th}",
                f"A case is overdue by more than {much_en}",
            )
        case Kind.UNWELL:
            return rule.form.name
        case Kind.STANDSTILL:
            return (
                f"ข้อมูลที่รอส่งไป CRM อื่นค้างนานเกิน {much_th}",
                f"What waits for another CRM stands still longer than {much_en}",
            )


def says(rule: Rule, alert: Alert, names: Names, detail: Words | None = None) -> Words:
    """What an alert of this rule says; `detail`: what was found beside the value."""
    return _SAYS[rule.kind](rule, alert, names, detail or ("", ""))


def _wait(rule: Rule, alert: Alert, names: Names, _: Words) -> Words:
    (th, en), (over_th, over_en) = names.queue(alert.subject), _limit(rule)
    return f"{th}: มีผู้โทรรอนานเกิน {over_th}", f"A caller has waited over {over_en} in {en}"


def _waiting(rule: Rule, alert: Alert, names: Names, _: Words) -> Words:
    (th, en), (now_th, now_en) = names.queue(alert.subject), amount(alert.value, Unit.CALLERS)
    limit = f"{rule.threshold:g}"
    return (
        f"{th}: มีผู้โทรรอ {now_th} (เกิน {limit})",
        f"{now_en} waiting in {en} (more than {limit})",
    )


def _step(rule: Rule, alert: Alert, names: Names, detail: Words) -> Words:
    th, en = names.step(alert.subject)
    if rule.threshold == 100:
        return f"เกินเวลามาตรฐาน{detail[0]}: {th}", f"Over its standard{detail[1]}: {en}"
    share = f"{rule.threshold:g} %"
    return (
        f"ใช้เวลาเกิน {share} ของมาตรฐาน{detail[0]}: {th}",
        f"Over {share} of its standard{detail[1]}: {en}",
    )


def _service_level(rule: Rule, alert: Alert, names: Names, detail: Words) -> Words:
    (th, en), (now, _) = names.queue(alert.subject), amount(alert.value, Unit.PERCENT)
    span_th = "วันนี้" if rule.window == 0 else f" {rule.window} นาทีล่าสุด"
    span_en = "today" if rule.window == 0 else f"in the last {rule.window} minutes"
    limit = f"{rule.threshold:g} %"
    return (
        f"{th}: ระดับการให้บริการ{span_th} {now} (ต่ำกว่า {limit}{detail[0]})",
        f"Service level {span_en} {now} in {en} (under {limit}{detail[1]})",
    )


def _nobody_ready(_: Rule, alert: Alert, names: Names, __: Words) -> Words:
    (th, en), (now_th, now_en) = names.queue(alert.subject), amount(alert.value, Unit.CALLERS)
    return (
        f"{th}: ไม่มีเจ้าหน้าที่พร้อมรับสาย มีผู้โทรรอ {now_th}",
        f"No officer is ready in {en}, {now_en} waiting",
    )


def _case_due(_: Rule, alert: Alert, names: Names, detail: Words) -> Words:
    del names
    days = round(alert.value)
    if days <= 0:
        return (
            f"เรื่อง {alert.subject} ครบกำหนดวันนี้{detail[0]}",
            f"Case {alert.subject} is due today{detail[1]}",
        )
    th, en = amount(days, Unit.WORKING_DAYS)
    return (
        f"เรื่อง {alert.subject} เหลือ {th}{detail[0]}",
        f"Case {alert.subject} has {en} left{detail[1]}",
    )


def _case_overdue(_: Rule, alert: Alert, names: Names, detail: Words) -> Words:
    del names
    th, en = amount(alert.value, Unit.WORKING_DAYS)
    return (
        f"เรื่อง {alert.subject} เกินกำหนด {th}{detail[0]}",
        f"Case {alert.subject} is {en} overdue{detail[1]}",
    )


def _unwell(_: Rule, alert: Alert, names: Names, detail: Words) -> Words:
    del names
    return detail[0] or f"{alert.subject} ขัดข้อง", detail[1] or f"{alert.subject} is unwell"


def _standstill(rule: Rule, alert: Alert, names: Names, _: Words) -> Words:
    del names
    th, en = amount(rule.threshold, Unit.MINUTES)
    return (
        f"ข้อมูลที่รอส่งไป {alert.subject} ค้างเกิน {th}",
        f"What waits for {alert.subject} has stood still for over {en}",
    )


_Says = Callable[[Rule, Alert, Names, Words], Words]
_SAYS: Final[Mapping[Kind, _Says]] = {
    Kind.WAIT: _wait,
    Kind.WAITING: _waiting,
    Kind.STEP: _step,
    Kind.SERVICE_LEVEL: _service_level,
    Kind.NOBODY_READY: _nobody_ready,
    Kind.CASE_DUE: _case_due,
    Kind.CASE_OVERDUE: _case_overdue,
    Kind.UNWELL: _unwell,
    Kind.STANDSTILL: _standstill,
}


def _limit(rule: Rule) -> Words:
    return amount(rule.threshold, rule.form.unit)


def letter(alerts: Sequence[Alert], link: str = "") -> tuple[str, str]:
    """Subject and text of the message that tells of these; of many, a summary."""
    first = alerts[0]
    tail = f"\n\n{link}" if link else ""
    sign = "\n\nสายด่วน 1203 กระทรวงพาณิชย์ · Ministry of Commerce hotline 1203"
    if len(alerts) == 1:
        return f"[1203] {_level(first)}{first.th}"[:_LONGEST], f"{first.th}\n{first.en}{tail}{sign}"
    worst = max(alerts, key=lambda one: _WEIGHT[one.level])
    subject = f"[1203] {_level(worst)}แจ้งเตือน {len(alerts)} รายการ · {len(alerts)} alerts"
    shown = sorted(alerts, key=lambda one: -_WEIGHT[one.level])[:_MOST_LINES]
    lines = [f"{SIGNS[one.level]} {one.th}\n   {one.en}" for one in shown]
    if len(alerts) > len(shown):
        more = len(alerts) - len(shown)
        lines.append(f"และอีก {more} รายการ · and {more} more")
    return subject, "\n".join(lines) + tail + sign


_WEIGHT: Final[Mapping[Level, int]] = {Level.NOTICE: 0, Level.WARNING: 1, Level.CRITICAL: 2}
_MOST_LINES: Final = 40
_LONGEST: Final = 190
"""Letters of a subject."""


def _level(alert: Alert) -> str:
    return f"{LEVELS[alert.level][0]}: " if alert.level is Level.CRITICAL else ""
