"""What an officer writes of one call: the entry and what it must hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from crm_bridge.cases.call_words import WRITTEN
from crm_bridge.cases.subjects import SERVICES
from crm_bridge.errors import Refused
from crm_bridge.plain_text import plain_line, plain_text
from ivr.calls.call import Micros

OUTCOMES: Final = WRITTEN
"""How a call came out, in the officer's words: Thai and English."""

LONGEST_SUMMARY: Final = 4000
LONGEST_FOLLOW_UP: Final = 500
_NO_SUBJECT: Final = frozenset({"cut_off"})


@dataclass(frozen=True, slots=True)
class Entry:
    """What the officer writes."""

    service: str
    outcome: str
    subject_id: str | None = None
    summary: str = ""
    follow_up: str = ""
    follow_up_on: str | None = None
    """The day it is due, `2026-11-30`."""
    follow_up_done: bool = False
    informed: bool = False
    asked_agency: bool = False


@dataclass(frozen=True, slots=True)
class Wrapup:
    """An officer's record of a call as it is saved."""

    call_id: str
    agent: str
    account_id: str
    entry: Entry
    saved_us: Micros
    updated_us: Micros
    version: int


def checked(entry: Entry) -> Entry:
    """The entry fit to be kept; Refused (422), naming the inputs, where something is missing."""
    entry = replace(
        entry,
        summary=plain_text(entry.summary),
        follow_up=plain_line(entry.follow_up),
        subject_id=entry.subject_id or None,
        follow_up_on=entry.follow_up_on or None,
    )
    wrong: dict[str, tuple[str, str]] = {}
    if entry.service not in SERVICES:
        wrong["service"] = ("กรุณาเลือกบริการ", "choose a service")
    if entry.outcome not in OUTCOMES:
        wrong["outcome"] = ("กรุณาเลือกผลการให้บริการ", "choose an outcome")
    if not entry.subject_id and entry.outcome not in _NO_SUBJECT:
        wrong["subject_id"] = ("กรุณาเลือกหัวข้อเรื่อง", "choose a subject")
    if len(entry.summary) > LONGEST_SUMMARY:
        n = LONGEST_SUMMARY
        wrong["summary"] = (f"สรุปยาวได้ไม่เกิน {n:,} ตัวอักษร", f"at most {n:,} characters")
    if len(entry.follow_up) > LONGEST_FOLLOW_UP:
        n = LONGEST_FOLLOW_UP
        wrong["follow_up"] = (f"ยาวได้ไม่เกิน {n:,} ตัวอักษร", f"at most {n:,} characters")
    if entry.follow_up_on is not None and not _is_day(entry.follow_up_on):
        wrong["follow_up_on"] = ("วันที่ไม่ถูกต้อง", "this is no day")
    if wrong:
        raise Refused(
            "wrapup-incomplete", "กรุณากรอกข้อมูลให้ครบถ้วน", "please complete the record", 422, wrong
        )
    return entry


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
