"""The categories: what is too old in each, and how it is taken away.

Each function of a category works within the caller's transaction. What the law keeps (a complaint
that goes on, an appointment to come) keeps the call it belongs to whole.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.config_retention import RetentionSection
from crm_bridge.people import room_appointments, room_calls, room_cases, room_messages, room_people
from crm_bridge.people.holds import load_rules
from crm_bridge.people.subject import Subject
from crm_bridge.records.desk_tables.appointments import appointments
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.records.desk_tables.messages import messages
from crm_bridge.records.desk_tables.people import (
    erased_calls,
    person_notes,
    person_numbers,
    persons,
)
from crm_bridge.records.desk_tables.wrapups import (
    call_back_tries,
    call_back_wishes,
    drafts,
    wrapups,
)
from crm_bridge.records.erasure import erase_callers
from crm_bridge.records.tables import calls
from ivr.calls.call import Micros

DAY: Final = 86_400_000_000
_ENDED_CASE: Final = ("settled", "closed", "cancelled")

Old = Select[tuple[str, int]]
"""Id and moment of what is too old, without order or limit."""


@dataclass(frozen=True, slots=True)
class Category:
    """One category: `old` says what is too old at `before`, `remove` takes these ids away."""

    key: str
    th: str
    en: str
    before: Callable[[RetentionSection, Micros], Micros]
    old: Callable[[Micros], Old]
    remove: Callable[[AsyncConnection, Clock, Sequence[str]], Awaitable[None]]
    days: Callable[[RetentionSection], int]


# --- complaints and appointments: the periods of the law -----------------------------------------


def _law_days(name: str) -> int:
    rule = load_rules()[name]
    return (rule.years or 0) * 366 + (rule.days or 0)


_case_ended: Final = func.coalesce(cases.c.closed_us, cases.c.settled_us, cases.c.updated_us)


def _old_cases(before: Micros) -> Old:
    there = or_(
        cases.c.facts != "", cases.c.complainant_name != "",
        cases.c.complainant_number.is_not(None), cases.c.complainant_email.is_not(None),
    )  # fmt: skip
    return select(cases.c.id, _case_ended).where(
        cases.c.state.in_(_ENDED_CASE), _case_ended < before, there
    )


async def _empty_cases(connection: AsyncConnection, clock: Clock, ids: Sequence[str]) -> None:
    await room_cases.empty(connection, clock.now_us(), ids)


def _old_appointments(before: Micros) -> Old:
    a = appointments.c
    there = or_(a.name != "", a.surname != "", a.phone.is_not(None), a.email.is_not(None))
    return select(a.id, a.closed_us).where(a.closed_us < before, there)


async def _empty_appointments(
    connection: AsyncConnection, clock: Clock, ids: Sequence[str]
) -> None:
    await room_appointments.empty(connection, clock.now_us(), ids)


# --- calls ---------------------------------------------------------------------------------------


def _of_a_kept_matter(call_id: ColumnElement[str]) -> ColumnElement[bool]:
    """A complaint or appointment that is not ended was recorded in the call."""
    case = exists().where(cases.c.call_id == call_id, cases.c.state.not_in(_ENDED_CASE))
    visit = exists().where(appointments.c.call_id == call_id, appointments.c.closed_us.is_(None))
    return or_(case, visit)


def _old_callers(before: Micros) -> Old:
    done = exists().where(erased_calls.c.call_id == calls.c.call_id)
    return select(calls.c.call_id, calls.c.entered_us).where(
        calls.c.entered_us < before, calls.c.closed.is_(True), not_(done),
        not_(_of_a_kept_matter(calls.c.call_id)),
    )  # fmt: skip


async def _erase_callers(connection: AsyncConnection, clock: Clock, ids: Sequence[str]) -> None:
    await erase_callers(connection, clock, ids)


def _old_wrapups(before: Micros) -> Old:
    w = wrapups.c
    return (
        select(w.call_id, func.min(w.saved_us))
        .where(w.saved_us < before, or_(w.summary != "", w.follow_up != ""))
        .where(not_(_of_a_kept_matter(w.call_id)))
        .group_by(w.call_id)
    )


async def _empty_wrapups(connection: AsyncConnection, clock: Clock, ids: Sequence[str]) -> None:
    await room_calls.empty_wrapups(connection, clock.now_us(), ids)


def _old_wishes(before: Micros) -> Old:
    w = call_back_wishes.c
    return select(w.call_id, w.asked_us).where(w.asked_us < before)


async def _drop_wishes(connection: AsyncConnection, _clock: Clock, ids: Sequence[str]) -> None:
    for table in (call_back_tries, call_back_wishes):
        await connection.execute(delete(table).where(table.c.call_id.in_(list(ids))))


# --- messages, drafts, persons -------------------------------------------------------------------


def _old_messages(before: Micros) -> Old:
    m = messages.c
    return select(m.id, m.created_us).where(
        m.created_us < before, m.state != "waiting", or_(m.recipient != "", m.body != ""),
        not_(exists().where(cases.c.id == m.about_id, cases.c.state.not_in(_ENDED_CASE))),
    )  # fmt: skip


async def _empty_messages(connection: AsyncConnection, _clock: Clock, ids: Sequence[str]) -> None:
    await room_messages.empty(connection, ids)


def _old_drafts(before: Micros) -> Old:
    d = drafts.c
    return select(d.account_id + "|" + d.key, d.updated_us).where(d.updated_us < before)


async def _drop_drafts(connection: AsyncConnection, _clock: Clock, ids: Sequence[str]) -> None:
    for one in ids:
        account, _, key = one.partition("|")
        await connection.execute(
            delete(drafts).where(drafts.c.account_id == account, drafts.c.key == key)
        )


def _old_persons(before: Micros) -> Old:
    """Of whom nothing was heard or written, in any of those merged into one, since then."""
    other = persons.alias("same_person")
    same = and_(other.c.root_id == persons.c.root_id)
    of_them = select(other.c.id).where(same).correlate(persons)
    numbers = person_numbers.alias("their_numbers")
    called = exists(
        select(calls.c.call_id)
        .join(numbers, numbers.c.e164 == calls.c.caller_e164)
        .join(other, other.c.id == numbers.c.person_id)
        .where(same, calls.c.entered_us >= before)
        .correlate(persons)
    )
    matter = exists().where(
        cases.c.person_id.in_(of_them),
        or_(cases.c.state.not_in(_ENDED_CASE), _case_ended >= before),
    )
    visit = exists().where(
        appointments.c.person_id.in_(of_them),
        or_(appointments.c.closed_us.is_(None), appointments.c.closed_us >= before),
    )
    # `heard_us`: numbers go from calls earlier than persons go
    touched = exists().where(same, or_(other.c.updated_us >= before, other.c.heard_us >= before))
    noted = exists().where(person_notes.c.person_id.in_(of_them), person_notes.c.at_us >= before)
    return select(persons.c.id, persons.c.updated_us).where(
        persons.c.erased_us.is_(None), persons.c.updated_us < before,
        not_(called), not_(matter), not_(visit), not_(touched), not_(noted),
    )  # fmt: skip


async def _erase_persons(connection: AsyncConnection, clock: Clock, ids: Sequence[str]) -> None:
    await room_people.erase(connection, clock, Subject(tuple(ids), (), (), ()), frozenset())


def _by(name: str) -> dict[str, Any]:
    def days(section: RetentionSection) -> int:
        return int(getattr(section, name))

    return {"before": lambda section, now: now - days(section) * DAY, "days": days}


def _by_law(name: str) -> dict[str, Any]:
    return {
        "before": lambda _section, now: now - _law_days(name) * DAY,
        "days": lambda _section: _law_days(name),
    }


CATEGORIES: Final[tuple[Category, ...]] = (
    Category("cases", "เรื่องร้องเรียนที่ยุติแล้ว พร้อมไฟล์แนบ", "Settled complaints, with their files",
             old=_old_cases, remove=_empty_cases, **_by_law("closed_case")),
    Category("appointments", "นัดหมายที่เสร็จสิ้นแล้ว", "Appointments that are over",
             old=_old_appointments, remove=_empty_appointments, **_by_law("closed_appointment")),
    Category("wrapups", "บันทึกหลังสาย", "What officers wrote of calls",
             old=_old_wrapups, remove=_empty_wrapups, **_by("caller_days")),
    Category("callers", "หมายเลขและชื่อผู้โทรในบันทึกสาย", "Callers' numbers and names on calls",
             old=_old_callers, remove=_erase_callers, **_by("caller_days")),
    Category("wishes", "คำขอให้โทรกลับ", "Wishes to be called back",
             old=_old_wishes, remove=_drop_wishes, **_by("wish_days")),
    Category("messages", "ข้อความและอีเมลที่ส่งแล้ว", "Messages that were sent",
             old=_old_messages, remove=_empty_messages, **_by("message_days")),
    Category("drafts", "แบบร่างที่ไม่ได้บันทึก", "Drafts that were not saved",
             old=_old_drafts, remove=_drop_drafts, **_by("draft_days")),
    Category("persons", "บุคคลที่ไม่มีการติดต่ออีก", "Persons of whom nothing was heard any more",
             old=_old_persons, remove=_erase_persons, **_by("person_days")),
)  # fmt: skip
"""In the order in which they are gone through."""
