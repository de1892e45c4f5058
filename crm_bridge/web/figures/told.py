"""A figure in words, part by part: above the list of what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from crm_bridge.cases.call_words import SEEN, WRITTEN
from crm_bridge.cases.case import KINDS
from crm_bridge.cases.workflow import STATES
from crm_bridge.config import Config
from crm_bridge.figures.forms import (
    AGENT_TIMES,
    CALLBACKS,
    CASES,
    SUBJECTS,
    TRANSFERS,
    WAITS_TOLD,
)
from crm_bridge.reports.dashboards import callbacks, transfers, waits
from crm_bridge.reports.figure import Figure
from crm_bridge.reports.names import agency_name, edition_of, service_name, step_name
from crm_bridge.reports.sheets import Words
from crm_bridge.written import hour_words, length_text

WORDS: Final[dict[str, Words]] = {
    "within": ("ทันกำหนด", "within the standard"),
    "over": ("เกินกำหนด", "over the standard"),
    "open": ("ไม่จบ", "still open"),
    "observed": ("จากระบบโทรศัพท์", "observed"),
    "declared": ("เจ้าหน้าที่ระบุ", "declared"),
    "inferred": ("อนุมาน", "inferred"),
    "unknown": ("ไม่ทราบแน่ชัด", "not known"),
    "answered": ("รับแล้ว", "answered"),
    "abandoned": ("วางสายก่อนรับ", "abandoned"),
    "timeout": ("รอจนหมดเวลา", "waited in vain"),
    "left": ("ออกจากคิว", "left the queue"),
    "transferred": ("โอนออกจากคิว", "transferred out"),
    "answered_after": ("รับแล้ว", "answered"),
    "abandoned_after": ("วางสายก่อนรับ", "abandoned"),
    "parts": ("ให้บริการ", "handled"),
    "calls": ("ทุกสาย", "all calls"),
    "callers": ("ผู้โทร แสดงสายล่าสุดของแต่ละเลขหมาย", "callers, each by the last call in the month"),
    "withheld": ("ไม่แสดงหมายเลข", "number withheld"),
    "not_observed": ("ระบบไม่ได้ยินครบ", "not wholly observed"),
    "after": ("โทรกลับ", "called back"),
    "cases": ("ทุกเรื่องที่บันทึก", "all cases recorded"),
    "settled": ("ได้ข้อยุติ", "settled"),
    "settled_within": ("ได้ข้อยุติทันกำหนด", "settled within the standard"),
    "settled_over": ("ได้ข้อยุติเกินกำหนด", "settled over the standard"),
    "first_contact": ("ยุติในครั้งแรก", "settled at first contact"),
    "reopened": ("เปิดใหม่", "reopened"),
    "unrated": ("ไม่ได้ให้คะแนน", "not rated"),
    "one": ("1 คะแนน", "rated 1"),
    "two": ("2 คะแนน", "rated 2"),
    "three": ("3 คะแนน", "rated 3"),
    "four": ("4 คะแนน", "rated 4"),
    "five": ("5 คะแนน", "rated 5"),
    "matter_settled": ("เรื่องได้รับการแก้ไขแล้ว", "matter settled"),
    "matter_open": ("เรื่องยังไม่ได้รับการแก้ไข", "matter not settled"),
    "held": ("ตรงตามที่แจ้ง", "as told"),
    "sooner": ("เร็วกว่าที่แจ้ง", "sooner than told"),
    "later": ("ช้ากว่าที่แจ้ง", "later than told"),
    "unjudged": ("ไม่ทราบ", "not known"),
    "records": ("บันทึกของเจ้าหน้าที่", "officers' records"),
    "time_us": ("เวลาที่โต๊ะ", "time at the desk"),
}
AT_THE_DESK: Final[dict[str, Words]] = {
    "ready": ("พร้อมรับสาย", "Ready"),
    "paused": ("พัก", "Paused"),
    "wrapup": ("บันทึกหลังสนทนา", "Wrap-up"),
}
"""What an officer is who is signed in."""
UNASSIGNED: Final[Words] = ("ยังไม่ได้มอบหมาย", "Not assigned")
_LOST_CALLS: Final[Words] = ("สายที่ไม่ได้รับ", "lost calls")
_ALL_TIMINGS: Final = ("within", "over", "open")
_NAMED: Final[dict[tuple[Any, str], Mapping[Any, Words]]] = {
    (CALLBACKS, "state"): callbacks.STATES,
    (CASES, "state"): STATES,
    (CASES, "kind"): KINDS,
    (AGENT_TIMES, "state"): AT_THE_DESK,
    (SUBJECTS, "outcome"): WRITTEN,
    (TRANSFERS, "kind"): transfers.KINDS,
    (TRANSFERS, "outcome"): transfers.OUTCOMES,
}
_NOT_NAMED: Final[dict[str, Words]] = {
    "subject": ("ไม่ได้เลือกหัวข้อ", "no subject chosen"),
    "province": ("ไม่ระบุจังหวัด", "no province named"),
    "agency": UNASSIGNED,
}


def told(
    figure: Figure, config: Config, subjects: Mapping[str, Words] | None = None
) -> list[Words]:
    """The figure in words, part by part; `subjects` by id."""
    parts = [_key(figure, config, subjects or {}, *item) for item in figure.only.items()]
    if figure.counts == _ALL_TIMINGS:
        parts.append(("ทุกผล", "whatever the verdict"))
    else:
        lost = figure.form is CALLBACKS and figure.counts == ("calls",)
        words = [_LOST_CALLS] if lost else [WORDS.get(n, (n, n)) for n in figure.counts]
        parts.append((" + ".join(w[0] for w in words), " + ".join(w[1] for w in words)))
    if figure.above is not None:
        parts.append((f"นานกว่า {length_text(figure.above)}",
                      f"longer than {length_text(figure.above, 'en')}"))  # fmt: skip
    if figure.upto is not None:
        parts.append((f"ไม่เกิน {length_text(figure.upto)}",
                      f"up to {length_text(figure.upto, 'en')}"))  # fmt: skip
    return parts


def _key(
    figure: Figure, config: Config, subjects: Mapping[str, Words], key: str, value: str
) -> Words:
    """One of the keys by which the figure is narrowed."""
    if figure.form is WAITS_TOLD and key == "told":
        return waits.told_words(value)
    if (named := _NAMED.get((figure.form, key))) is not None:
        return {str(k): words for k, words in named.items()}.get(value, (value, value))
    if not value and figure.form in (CASES, SUBJECTS) and key in _NOT_NAMED:
        return _NOT_NAMED[key]
    edition, service = edition_of(figure.period), figure.only.get("service", "")
    words: dict[str, Callable[[], Words]] = {
        "service": lambda: service_name(edition, value),
        "step": lambda: step_name(edition, service, value),
        "agency": lambda: agency_name(config, value),
        "queue": lambda: (f"คิว {value}", f"queue {value}"),
        "agent": lambda: (f"เจ้าหน้าที่ {value}", f"officer {value}"),
        "subject": lambda: subjects.get(value, (value, value)),
        "outcome": lambda: {str(k): w for k, w in SEEN.items()}.get(value, (value, value)),
        "times": lambda: (
            f"สายของผู้ที่โทร {value} ครั้งในเดือน",
            f"of callers with {value} in the month",
        ),
        "direction": lambda: _DIRECTIONS.get(value, (value, value)),
        "hour_of_week": lambda: _hour(value),
    }
    return words[key]() if key in words else (value, value)


_DIRECTIONS: Final[dict[str, Words]] = {
    "inbound": ("สายเข้า", "inbound"), "outbound": ("สายออก", "outbound"),
}  # fmt: skip


def _hour(value: str) -> Words:
    if not (value.isascii() and value.isdecimal() and int(value) < 7 * 24):
        return (value, value)
    return hour_words(*divmod(int(value), 24))
