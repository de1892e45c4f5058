"""Two made-up sets of facts: everything is known, and as little as can be known.

A mapping is tried against both when it is read, and `hotline connector show --sample` shows what it
makes of them. The numbers belong to nobody: no exchange of Bangkok has the code 000.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from crm_bridge.connectors.facts import (
    CallFacts,
    CaseFacts,
    ContactFacts,
    EventFacts,
    Facts,
    StepFacts,
    WrapupFacts,
)
from crm_bridge.connectors.port import Status
from ivr.calls.call import Micros

_AT: Final[Micros] = 1_795_500_309_123_456
"""24 November 2026, 13:05:09 in Bangkok."""
_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND


@dataclass(frozen=True, slots=True)
class Sample:
    """The facts of every occasion at once, each with what goes with it."""

    contact: Facts
    call: Facts
    wrapup: Facts
    case: Facts
    event: Facts


_PERSON: Final = ContactFacts(
    key="person:4711",
    number="+6620000000",
    numbers=("+6620000000", "+6620000001"),
    name="สมหญิง ตัวอย่าง",
    email="somying@example.invalid",
    province="นนทบุรี",
    address="99/1 หมู่ 3 ต.บางกระสอ อ.เมือง",
    language="th",
    link="https://hotline.example/people/4711",
)
CALL: Final = CallFacts(
    key="call:1795500309.12",
    call_id="1795500309.12",
    revision=9,
    direction="inbound",
    dialled="1203",
    number="+6620000000",
    presented="020000000",
    name="สมหญิง",
    withheld=False,
    entered_at=_AT,
    answered_at=_AT + _SECOND,
    ended_at=_AT + 262 * _SECOND,
    ended_by="caller",
    outcome="served",
    outcome_name=("ได้รับบริการ", "served"),
    service="complaint",
    service_name=("ร้องเรียน", "Complaint"),
    language="th",
    queue="complaint",
    agents=("1001",),
    officers=("สมชาย เจ้าหน้าที่",),
    wait_seconds=14.6,
    talk_seconds=231.2,
    total_seconds=262.0,
    menu="2",
    transfers=(("กรมการค้าภายใน", "Department of Internal Trade"),),
    steps=(
        StepFacts("receive", ("รับแจ้งเรื่อง", "Take the complaint"), 41.0, 60, "within", "observed"),
        StepFacts("record", ("ลงเรื่อง", "Record it"), None, None, "open", "unknown"),
    ),
    observed=True,
    cases=("1203-69-000123",),
    link="https://hotline.example/calls/1795500309.12",
)
CASE: Final = CaseFacts(
    key="case:1203-69-000123",
    ticket="1203-69-000123",
    kind="complaint",
    kind_name=("เรื่องร้องเรียน", "Complaint"),
    title="ราคาน้ำมันปาล์มไม่ตรงป้าย",
    facts="ร้านขายน้ำมันปาล์มขวดละ 68 บาท\nป้ายแสดงราคา 55 บาท",
    wanted="ขอให้ตรวจสอบและคืนเงินส่วนต่าง",
    respondent="ร้านตัวอย่าง",
    place="ตลาดตัวอย่าง",
    province="นนทบุรี",
    product="น้ำมันปาล์ม",
    subject=("ราคาสินค้า", "Prices"),
    identity="open",
    complainant=_PERSON,
    state="in_progress",
    state_name=("อยู่ระหว่างดำเนินการ", "In progress"),
    status=Status.OPEN,
    recorded_at=_AT + 200 * _SECOND,
    due_at=_AT + 15 * _DAY,
    settled_at=_AT + 9 * _DAY,
    settlement="คืนเงินส่วนต่างแล้ว",
    agencies=(("กรมการค้าภายใน", "Department of Internal Trade"),),
    officer="สมชาย เจ้าหน้าที่",
    call_key="call:1795500309.12",
    link="https://hotline.example/cases/1203-69-000123",
)
WRAPUP: Final = WrapupFacts(
    key="wrapup:1795500309.12/1001/1",
    agent="1001",
    officer="สมชาย เจ้าหน้าที่",
    subject=("ราคาสินค้า", "Prices"),
    service=("ร้องเรียน", "Complaint"),
    outcome=("รับเรื่องแล้ว", "Taken"),
    summary="แจ้งราคาน้ำมันปาล์มไม่ตรงป้าย\nผู้ร้องมีใบเสร็จ",
    follow_up=("โทรกลับ", "Call back"),
    follow_up_on="2026-11-27",
    saved_at=_AT + 300 * _SECOND,
)
_EVENT: Final = EventFacts(
    key="event:1203-69-000123/4",
    kind="answer",
    name=("หน่วยงานตอบ", "The agency answers"),
    at=_AT + 2 * _DAY,
    by="กรมการค้าภายใน",
    text="ส่งเจ้าหน้าที่ตรวจสอบแล้ว",
    state_name=("อยู่ระหว่างดำเนินการ", "In progress"),
    agency=("กรมการค้าภายใน", "Department of Internal Trade"),
)

FULL: Final = Sample(
    contact=Facts(contact=_PERSON),
    call=Facts(call=CALL, contact=_PERSON),
    wrapup=Facts(wrapup=WRAPUP, call=CALL, contact=_PERSON),
    case=Facts(case=CASE, contact=_PERSON),
    event=Facts(event=_EVENT, case=CASE, contact=_PERSON),
)
"""A complaint by a known person, its call, its wrap-up and an answer to it."""

_BARE_CALL: Final = CallFacts(
    key="call:1795500400.7",
    call_id="1795500400.7",
    revision=1,
    direction="inbound",
    dialled="1203",
    number=None,
    presented=None,
    name=None,
    withheld=True,
    entered_at=_AT + 91 * _SECOND,
    answered_at=None,
    ended_at=None,
    ended_by=None,
    outcome=None,
    outcome_name=("", ""),
    service=None,
    service_name=("", ""),
    language=None,
    queue=None,
    observed=False,
)
_BARE_CASE: Final = CaseFacts(
    key="case:1203-69-000124",
    ticket="1203-69-000124",
    kind="complaint",
    kind_name=("เรื่องร้องเรียน", "Complaint"),
    title="",
    facts="",
    wanted="",
    respondent="",
    place="",
    province=None,
    product="",
    subject=("", ""),
    identity="anonymous",
    complainant=None,
    state="recorded",
    state_name=("รับเรื่องแล้ว", "Recorded"),
    status=Status.NEW,
    recorded_at=_AT + 120 * _SECOND,
    due_at=None,
    settled_at=None,
    settlement=None,
)
_BARE_WRAPUP: Final = WrapupFacts(
    key="wrapup:1795500400.7/1002/1",
    agent="1002",
    officer="",
    subject=("", ""),
    service=("", ""),
    outcome=("", ""),
    summary="",
    follow_up=("", ""),
    follow_up_on=None,
    saved_at=_AT + 130 * _SECOND,
)
_BARE_EVENT: Final = EventFacts(
    key="event:1203-69-000124/1",
    kind="recorded",
    name=("รับเรื่อง", "Recorded"),
    at=_AT + 120 * _SECOND,
    by="",
    text="",
    state_name=("รับเรื่องแล้ว", "Recorded"),
)

BARE: Final = Sample(
    contact=Facts(contact=ContactFacts(key="number:+6620000002", number="+6620000002",
                                       numbers=("+6620000002",))),
    call=Facts(call=_BARE_CALL),
    wrapup=Facts(wrapup=_BARE_WRAPUP, call=_BARE_CALL),
    case=Facts(case=_BARE_CASE),
    event=Facts(event=_BARE_EVENT, case=_BARE_CASE),
)  # fmt: skip
"""A withheld call that nobody answered, an anonymous case, a number of which nothing is known."""


def lacking(facts: Facts) -> Iterator[Facts]:
    """The same facts over and over, each time without one thing that may be missing.

    A template that is right of everything and of nothing may yet be wrong of a call that was
    answered by somebody without a name.
    """
    for part in fields(Facts):
        whole = getattr(facts, part.name)
        if whole is None:
            continue
        if part.name == "contact":
            yield replace(facts, contact=None)
        hints = typing.get_type_hints(type(whole))
        for each in fields(whole):
            nothing = _nothing(hints[each.name])
            if nothing is not ... and each.name != "key":
                changes: dict[str, Any] = {part.name: replace(whole, **{each.name: nothing})}
                yield replace(facts, **changes)


def _nothing(hint: object) -> object:
    """What stands there when nothing is known; `...` of what always is."""
    if isinstance(hint, types.UnionType):
        return None
    if hint is str:
        return ""
    held = typing.get_args(hint)
    if len(held) == 2 and held[1] is ...:
        return ()
    return ("", "") if held == (str, str) else ...
