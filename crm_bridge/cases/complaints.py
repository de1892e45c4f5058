"""Complaints and formal requests for advice: recorded, corrected, their number told, found again.

Saving gives the ticket number and ends the step `record`; what happens afterwards with Director
and agencies is in `proceedings.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Row, and_, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases import acting, calendars, case_steps, notices, timeline
from crm_bridge.cases.case import IDENTITIES, KINDS, Case, case_of, is_person, of_person
from crm_bridge.cases.ticket_number import next_number
from crm_bridge.cases.workflow import OPEN, Act, State
from crm_bridge.cases.working_days import last_day
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.outgoing import messages
from crm_bridge.plain_text import plain_line, plain_text
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.records.desk_tables.messages import messages as messages_table
from crm_bridge.records.desk_tables.wrapups import subjects
from crm_bridge.records.tables import marks
from ivr.calls.call import Evidence, Micros

LINE: Final = 300
"""Characters of a field of one line."""
_MARK: Final = "form_opened"
_DAY: Final = 86_400_000_000
_CHECK: Final = ("โปรดตรวจสอบช่องที่ระบุ", "please check the fields named")
_LONG_FIELDS: Final = frozenset({"facts", "wanted", "respondent_contact", "place"})


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the form holds; texts as typed."""

    kind: str = "complaint"
    title: str = ""
    facts: str = ""
    wanted: str = ""
    respondent: str = ""
    respondent_contact: str = ""
    place: str = ""
    province: str | None = None
    product: str = ""
    subject_id: str | None = None
    identity: str = "open"
    person_id: str | None = None
    complainant_name: str = ""
    complainant_number: str | None = None
    complainant_email: str | None = None
    complainant_province: str | None = None
    notice_version: str | None = None
    consent: bool | None = None
    consent_how: str | None = None


@dataclass(frozen=True, slots=True)
class CaseLine:
    """An open case on one line, for the screen pop."""

    ticket: str
    title: str
    state: State
    due_us: Micros | None
    left: int | None
    """Working days left, today not counted; negative: overdue."""


def fit(written: Complaint) -> Complaint:
    """The form as it is kept; Refused (422) that names every field at fault."""
    faults: dict[str, tuple[str, str]] = {}
    values: dict[str, Any] = {}
    for name, value in asdict(written).items():
        if not isinstance(value, str):
            values[name] = value
            continue
        text = plain_text(value) if name in _LONG_FIELDS else plain_line(value)
        longest = acting.LONG if name in _LONG_FIELDS else LINE
        if len(text) > longest:
            faults[name] = (
                f"ยาวเกิน {longest:,} ตัวอักษร", f"longer than {longest:,} characters"
            )  # fmt: skip
        values[name] = text or ("" if isinstance(_DEFAULTS[name], str) else None)
    found = Complaint(**values)
    if found.kind not in KINDS:
        faults["kind"] = ("ไม่มีประเภทนี้", "there is no such kind")
    if not found.title:
        faults["title"] = ("โปรดระบุเรื่อง", "say in a line what it is about")
    if not found.facts:
        faults["facts"] = ("โปรดระบุข้อเท็จจริง", "write down the facts")
    if found.identity not in IDENTITIES:
        faults["identity"] = ("โปรดเลือกการเปิดเผยชื่อ", "say how far the complainant is known")
    elif found.identity == "anonymous":
        found = replace(
            found,
            person_id=None,
            complainant_name="",
            complainant_number=None,
            complainant_email=None,
            consent=None,
            consent_how=None,
        )
    else:
        faults |= _known(found)
    if found.notice_version is not None and notices.find(found.notice_version) is None:
        faults["notice_version"] = ("ไม่มีประกาศฉบับนี้", "there is no such notice")
    if faults:
        raise Refused("invalid", *_CHECK, 422, faults)
    return found


def _known(found: Complaint) -> dict[str, tuple[str, str]]:
    """What is at fault with a complainant who is known."""
    faults: dict[str, tuple[str, str]] = {}
    if not (found.complainant_name or found.person_id):
        faults["complainant_name"] = (
            "โปรดระบุชื่อผู้ร้องเรียน หรือเลือก “ไม่ประสงค์แจ้งชื่อ”",
            "give the complainant's name, or choose that none is given",
        )
    try:
        if found.complainant_number is not None:
            messages.check_number(found.complainant_number, "complainant_number")
        if found.complainant_email is not None:
            messages.check_address(found.complainant_email, "complainant_email")
    except Refused as error:
        faults |= error.fields
    if found.identity == "open" and found.consent is not True:
        faults["consent"] = (
            "เปิดเผยชื่อได้เมื่อผู้ร้องเรียนยินยอม มิฉะนั้นให้เลือก “ปกปิดชื่อต่อหน่วยงาน”",
            "a name is disclosed with consent only; else choose to conceal it",
        )
    if found.consent is True and (found.notice_version is None or not found.consent_how):
        faults["notice_version"] = (
            "โปรดบันทึกว่าได้แจ้งประกาศความเป็นส่วนตัวแล้วและยินยอมโดยวิธีใด",
            "record which notice was given and how consent was",
        )
    return faults


_DEFAULTS: Final = {f.name: f.default for f in fields(Complaint)}


async def record(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    written: Complaint,
    *,
    call_id: str | None = None,
    opened_us: Micros | None = None,
    made_key: str | None = None,
) -> Case:
    """Saves a new case with its ticket number; the same `made_key` again gives the same case.

    The step `record` begins when the form was opened: the call's mark says so, or else `opened_us`.
    Refused (409) where the key is somebody else's.
    """
    found = fit(written)
    if made_key is not None:
        query = select(cases).where(cases.c.made_key == made_key)
        known = (await connection.execute(query)).one_or_none()
        if known is not None and known.created_by != by.id:
            what = ("แบบฟอร์มนี้บันทึกโดยผู้อื่นแล้ว", "somebody else has saved this form")
            raise Refused("form-taken", *what)
        if known is not None:
            return case_of(known)
    await _refer(connection, found.person_id, found.subject_id)
    now = clock.now_us()
    opened = await _opened(connection, call_id, opened_us, now)
    values: dict[str, Any] = {
        **asdict(found),
        "id": uuid.uuid4().hex,
        "ticket": str(await next_number(connection, now)),
        "state": State.RECORDED.value,
        "round": 1,
        "consent_us": None if found.consent is None else now,
        "call_id": call_id,
        "opened_us": opened,
        "recorded_us": now,
        "owner": by.id,
        "created_by": by.id,
        "made_key": made_key,
        "updated_us": now,
        "version": 1,
    }
    rows = await connection.execute(insert(cases).values(**values).returning(cases))
    case = case_of(rows.one())
    await case_steps.begin(
        connection, case.id, "record", now if opened is None else opened, ended=now,
        unseen=opened is None,
    )  # fmt: skip
    await case_steps.begin(connection, case.id, "tell_ticket", now)
    await case_steps.begin(connection, case.id, "propose", now)
    await timeline.add(
        connection, case.id, at=now, kind="record", by=by, state=case.state.value,
        body={"kind": case.kind, "identity": case.identity},
    )  # fmt: skip
    return case


async def _opened(
    connection: AsyncConnection, call_id: str | None, given: Micros | None, now: Micros
) -> Micros | None:
    """When the form was opened: the call's mark for its first case, else what the form says."""
    if given is not None and not now - _DAY <= given <= now:
        given = None
    if call_id is None:
        return given
    already = await connection.scalar(
        select(func.count()).select_from(cases).where(cases.c.call_id == call_id)
    )
    marked = await connection.scalar(
        select(func.min(marks.c.at_us)).where(marks.c.call_id == call_id, marks.c.name == _MARK)
    )
    if already or marked is None or marked > now:
        return given
    return int(marked)


async def edit(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    ticket: str,
    written: Complaint,
    *,
    based_on: int,
) -> Case:
    """Corrects a case; the timeline names the fields that changed, and what they held before."""
    case = await acting.begin(connection, by, ticket, Act.EDIT, based_on)
    found = fit(written)
    before = as_form(case)
    changed = {
        name: value for name, value in asdict(found).items() if value != getattr(before, name)
    }
    if not changed:
        return case
    await _refer(connection, changed.get("person_id"), changed.get("subject_id"))
    body = {"fields": sorted(changed), "before": {n: getattr(before, n) for n in sorted(changed)}}
    values = dict(changed)
    if "consent" in changed:
        values["consent_us"] = None if found.consent is None else clock.now_us()
    return await acting.finish(
        connection, clock, by, case, "edit", values=values, body=body, internal=True
    )


async def _refer(
    connection: AsyncConnection, person_id: str | None, subject_id: str | None
) -> None:
    """Refused (422) unless the person and the subject that are named are there."""
    faults: dict[str, tuple[str, str]] = {}
    if person_id is not None and not await is_person(connection, person_id):
        faults["person_id"] = ("ไม่พบบุคคลนี้", "there is no such person")
    if subject_id is not None:
        query = select(subjects.c.id).where(subjects.c.id == subject_id)
        if await connection.scalar(query) is None:
            faults["subject_id"] = ("ไม่มีหัวข้อนี้", "there is no such subject")
    if faults:
        raise Refused("invalid", *_CHECK, 422, faults)


def as_form(case: Case) -> Complaint:
    """What the form would hold to make this case."""
    return Complaint(**{name: getattr(case, name) for name in _DEFAULTS})


async def tell(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    ticket: str,
    *,
    how: Literal["voice", "sms"],
    based_on: int | None = None,
) -> Case:
    """Declares the ticket number told by voice, or sends it by text message.

    By message the step ends once the gateway has it (`confirm_told`). Refused where there is no
    number to send to, or such a message waits to go already.
    """
    case = await acting.begin(connection, by, ticket, Act.TELL, based_on)
    now = clock.now_us()
    if how == "voice":
        await case_steps.end(connection, case.id, "tell_ticket", now)
        values = {} if case.told_us is not None else {"told_us": now, "told_how": "voice"}
        return await acting.finish(
            connection, clock, by, case, "tell", values=values, body={"how": how}
        )
    if case.complainant_number is None:
        what = (
            "ไม่มีหมายเลขโทรศัพท์ของผู้ร้องเรียน โปรดแจ้งด้วยวาจา",
            "there is no number of the complainant; tell it by voice",
        )
        raise Refused("no-number", *what, 422, {"how": what})
    key = f"case:{case.id}:told:"
    sent_before = await messages.about(connection, "case", case.id)
    if any(one.state == "waiting" and one.dedupe.startswith(key) for one in sent_before):
        what = ("ข้อความแจ้งเลขเรื่องกำลังส่งอยู่แล้ว", "a message with the number is on its way")
        raise Refused("message-waiting", *what)
    sent = await messages.enqueue(
        connection,
        clock,
        kind="sms",
        to=case.complainant_number,
        text=f"1203 กระทรวงพาณิชย์ รับเรื่องของท่านแล้ว เลขที่ {case.ticket} สอบถามความคืบหน้า โทร 1203",
        about=("case", case.id),
        dedupe=f"{key}{case.version}",
    )
    values = {} if case.told_us is not None else {"told_how": "sms", "told_message": sent}
    return await acting.finish(
        connection, clock, by, case, "tell", values=values, body={"how": how}
    )


async def told_by_message(connection: AsyncConnection) -> Sequence[Row[Any]]:
    """Cases whose number has gone by text message, which their step does not yet know."""
    rows = await connection.execute(
        select(cases, messages_table.c.sent_us)
        .join(messages_table, messages_table.c.id == cases.c.told_message)
        .where(cases.c.told_us.is_(None), messages_table.c.sent_us.is_not(None))
    )
    return rows.all()


async def confirm_told(connection: AsyncConnection, clock: Clock) -> int:
    """Ends the step tell_ticket of cases whose text message has gone; returns how many."""
    count = 0
    for row in await told_by_message(connection):
        case = case_of(row)
        await case_steps.end(
            connection, case.id, "tell_ticket", row.sent_us, evidence=Evidence.OBSERVED
        )
        await acting.finish(
            connection, clock, None, case, "told", values={"told_us": row.sent_us},
            body={"how": "sms"},
        )  # fmt: skip
        count += 1
    return count


async def note(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    ticket: str,
    *,
    text: str,
    internal: bool = False,
) -> Case:
    """Writes a note into the timeline; an agency's is seen by that agency and the centre."""
    case = await acting.begin(connection, by, ticket, Act.NOTE, None)
    words = acting.said(text, "text", "โปรดเขียนหมายเหตุ", "write the note")
    return await acting.finish(
        connection, clock, by, case, "note", body={"text": words},
        agency=by.agency if by.outside else None, internal=internal and not by.outside,
    )  # fmt: skip


async def open_cases(
    connection: AsyncConnection,
    numbers: Sequence[str],
    person_id: str | None,
    *,
    clock: Clock | None = None,
) -> list[CaseLine]:
    """Cases not yet settled of these E.164 numbers or this person, the most pressing first."""
    who: list[ColumnElement[bool]] = []
    if numbers:
        who.append(cases.c.complainant_number.in_(list(numbers)))
    if person_id is not None:
        who.append(of_person(cases.c.person_id, person_id))
    if not who:
        return []
    rows = await connection.execute(
        select(cases)
        .where(and_(or_(*who), cases.c.state.in_([s.value for s in OPEN])))
        .order_by(func.coalesce(cases.c.due_us, 2**62), cases.c.recorded_us.desc())
        .limit(20)
    )
    found = [case_of(row) for row in rows]
    calendar = await calendars.current(connection, clock) if clock and found else None
    now = clock.now_us() if clock else 0
    return [
        CaseLine(
            c.ticket,
            c.title,
            c.state,
            c.due_us,
            calendar.left(now, c.due_us) if calendar and c.due_us else None,
        )
        for c in found
    ]


def due_day(case: Case) -> str | None:
    """The last day of the deadline as ISO date, Bangkok."""
    return None if case.due_us is None else last_day(case.due_us).isoformat()
