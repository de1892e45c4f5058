"""A case gathered for one account: everything a page or an answer of the API shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases import calendars, case_steps, finding, timeline
from crm_bridge.cases.attachments import Attachment, Store
from crm_bridge.cases.case import Assigned, Case, Extension, assignments, extensions, masked, own
from crm_bridge.cases.case_steps import CaseStep
from crm_bridge.cases.ticket_number import parse
from crm_bridge.cases.timeline import Event
from crm_bridge.cases.workflow import ACTS, OPEN, Act, Assignment, State, allowed, why_not
from crm_bridge.cases.working_days import Calendar, last_day
from crm_bridge.clock import iso
from crm_bridge.web.cases.schemas import (
    AssignmentOut,
    AttachmentOut,
    CaseOut,
    CaseSummary,
    EventOut,
    ExtensionOut,
    StepOut,
)
from crm_bridge.web.context import Context
from ivr.calls.call import Micros


@dataclass(frozen=True, slots=True)
class Gathered:
    """One case, already masked for the account it was gathered for."""

    case: Case
    assigned: list[Assigned]
    asked: list[Extension]
    steps: list[CaseStep]
    acts: tuple[Act, ...]
    calendar: Calendar
    now: Micros
    """The moment its steps are judged at: now, or when it was cancelled."""
    due_us: Micros | None
    """The deadline that counts for this account: an agency's is its own."""
    hidden: bool

    @property
    def left(self) -> int | None:
        """Working days left while it is open."""
        return left(self.case, self.due_us, self.calendar, self.now)


@dataclass(frozen=True, slots=True)
class Row:
    """One case of a list."""

    case: Case
    assigned: list[Assigned]
    due_us: Micros | None
    left: int | None
    overdue: bool


def store(held: Context) -> Store:
    """Where files of cases are kept."""
    desk = held.config.desk
    return Store(Path(desk.data_dir), int(desk.attachment_megabytes * 1_048_576))


def left(case: Case, due_us: Micros | None, calendar: Calendar, now: Micros) -> int | None:
    """Working days left of an open case; negative: overdue; None where nothing is owed."""
    if due_us is None or case.state not in OPEN:
        return None
    return calendar.left(now, due_us)


def agency_name(held: Context, agency: str, lang: str) -> str:
    """The agency's name; its id where the directory no longer has it."""
    known = held.config.agency.get(agency)
    if known is None:
        return agency
    names = (known.name_en, known.name_th) if lang == "en" else (known.name_th, known.name_en)
    return names[0] or names[1] or agency


async def gather(connection: AsyncConnection, held: Context, me: Account, case: Case) -> Gathered:
    """All of one case for this account."""
    found = own(await assignments(connection, case), me)
    asked = await extensions(connection, case)
    if me.outside:
        asked = [e for e in asked if e.agency == me.agency]
    calendar = await calendars.current(connection, held.clock)
    now = held.clock.now_us()
    if case.state is State.CANCELLED:  # its steps stand still from then on
        now = await timeline.last(connection, case.id, Act.CANCEL) or now
    return Gathered(
        masked(case, me),
        found,
        asked,
        await case_steps.read(connection, case.id),
        acts_of(case, found, asked, me),
        calendar,
        now,
        _due(case, found, me),
        case.hidden_complainant and me.outside,
    )


def acts_of(
    case: Case, found: Sequence[Assigned], asked: Sequence[Extension], me: Account
) -> tuple[Act, ...]:
    """What this account can do now: what the workflow allows and the assignments call for."""
    here = [a for a in found if a.round == case.round]
    states = {a.state for a in here}
    mine = {a.state for a in here if a.agency == me.agency} if me.outside else set()
    if me.outside and not mine - {Assignment.DECLINED, Assignment.RELEASED}:
        return ()
    waiting = any(e.state == "asked" for e in asked)
    grounds = {
        Act.ANSWER: Assignment.OUTSTANDING in mine,
        Act.DECLINE: Assignment.OUTSTANDING in mine,
        Act.ASK_EXTENSION: Assignment.OUTSTANDING in mine and not waiting,
        Act.GRANT_EXTENSION: waiting,
        Act.REFUSE_EXTENSION: waiting,
        Act.ACCEPT: Assignment.ANSWERED in states,
        Act.SEND_BACK: bool(states & {Assignment.ANSWERED, Assignment.ACCEPTED}),
        Act.RELEASE: bool(states & {Assignment.ANSWERED, Assignment.OUTSTANDING}),
    }
    return tuple(act for act in allowed(case.state, me.role) if grounds.get(act, True))


_NO_PART: Final = ("หน่วยงานของท่านไม่มีส่วนในเรื่องนี้แล้ว", "your agency has no part in this case now")
_WITHOUT_GROUND: Final[dict[Act, tuple[str, str]]] = {
    Act.NOTE: _NO_PART,
    Act.ATTACH: _NO_PART,
    Act.ANSWER: ("หน่วยงานของท่านไม่ค้างคำตอบเรื่องนี้", "your agency owes no answer to this case"),
    Act.DECLINE: ("หน่วยงานของท่านไม่ค้างคำตอบเรื่องนี้", "your agency owes no answer to this case"),
    Act.ASK_EXTENSION: (
        "มีคำขอขยายเวลาที่รอพิจารณาอยู่ หรือหน่วยงานของท่านตอบแล้ว",
        "a request for more time is waiting, or your agency has answered",
    ),
    Act.GRANT_EXTENSION: ("ไม่มีคำขอขยายเวลาที่รอพิจารณา", "no request for more time is waiting"),
    Act.REFUSE_EXTENSION: ("ไม่มีคำขอขยายเวลาที่รอพิจารณา", "no request for more time is waiting"),
    Act.ACCEPT: ("ยังไม่มีคำตอบที่รอพิจารณา", "there is no answer that awaits judgement"),
    Act.SEND_BACK: ("ยังไม่มีคำตอบจากหน่วยงาน", "no agency has answered yet"),
    Act.RELEASE: ("ไม่มีหน่วยงานที่ยกเลิกการมอบหมายได้", "there is no agency to release"),
}


def reasons(found: Gathered, me: Account) -> list[tuple[Act, tuple[str, str]]]:
    """The acts of this account's role that it cannot do now, each with why (Thai, English)."""
    state = found.case.state
    able = set(found.acts)
    possible = set(allowed(state, me.role))
    return [
        (act, _WITHOUT_GROUND[act] if act in possible else why_not(state, act, me.role))
        for act in ACTS
        if act not in able and any(act in allowed(s, me.role) for s in State)
    ]


async def rows(
    connection: AsyncConnection, held: Context, me: Account, found: Sequence[Case]
) -> list[Row]:
    """Cases of a list with what is beside them."""
    now = held.clock.now_us()
    calendar = await calendars.current(connection, held.clock)
    agencies = await finding.agencies_of(connection, me, found)
    made = []
    for case in found:
        due = _due(case, agencies[case.id], me)
        late = due is not None and case.state in OPEN and now >= due
        made.append(Row(case, agencies[case.id], due, left(case, due, calendar, now), late))
    return made


def _due(case: Case, found: Sequence[Assigned], me: Account) -> Micros | None:
    if not me.outside:
        return case.due_us
    return max((a.due_us for a in found if a.round == case.round), default=case.due_us)


def _iso(moment: Micros | None) -> str | None:
    return None if moment is None else iso(moment)


def summary(row: Row) -> CaseSummary:
    """A case on one line, as the API gives it."""
    case = row.case
    return CaseSummary(
        ticket=case.ticket,
        kind=case.kind,
        state=case.state,
        title=case.title,
        respondent=case.respondent,
        province=case.province,
        recorded_at=iso(case.recorded_us),
        due_at=_iso(row.due_us),
        due_day=None if row.due_us is None else last_day(row.due_us).isoformat(),
        working_days_left=row.left,
        overdue=row.overdue,
        told=case.told_us is not None,
        agencies=[a.agency for a in row.assigned if a.state is not Assignment.RELEASED],
        version=case.version,
    )


def step_out(step: CaseStep, now: Micros) -> StepOut:
    """A timing as the API gives it."""
    elapsed = step.elapsed(now)
    return StepOut.model_validate(
        {
            "step": step.step,
            "round": step.round,
            "started_at": _iso(step.started_us),
            "ended_at": _iso(step.ended_us),
            "elapsed_seconds": None if elapsed is None else elapsed / 1_000_000,
            "standard_seconds": step.standard_seconds,
            "standard_working_days": step.standard_working_days,
            "due_at": _iso(step.due_us),
            "state": step.state(now),
            "evidence": str(step.evidence),
        }
    )


def whole(held: Context, found: Gathered, lang: str) -> CaseOut:
    """A case as the API gives it."""
    case = found.case
    late = found.due_us is not None and case.state in OPEN and found.now >= found.due_us
    here = [a for a in found.assigned if a.round == case.round]
    return CaseOut(
        **summary(Row(case, here, found.due_us, found.left, late)).model_dump(),
        ticket_spoken=parse(case.ticket).spoken(lang),
        facts=case.facts,
        wanted=case.wanted,
        respondent_contact=case.respondent_contact,
        place=case.place,
        product=case.product,
        subject_id=case.subject_id,
        identity=case.identity,
        complainant_hidden=found.hidden,
        person_id=case.person_id,
        complainant_name=case.complainant_name,
        complainant_number=case.complainant_number,
        complainant_email=case.complainant_email,
        complainant_province=case.complainant_province,
        notice_version=case.notice_version,
        consent=case.consent,
        consent_how=case.consent_how,
        consent_at=_iso(case.consent_us),
        call_id=case.call_id,
        opened_at=_iso(case.opened_us),
        told_at=_iso(case.told_us),
        told_how=case.told_how,
        proposed_at=_iso(case.proposed_us),
        settled_at=_iso(case.settled_us),
        settlement=case.settlement,
        closed_at=_iso(case.closed_us),
        round=case.round,
        calendar_version=case.calendar_version,
        assignments=[
            AssignmentOut(
                agency=a.agency,
                agency_name=agency_name(held, a.agency, lang),
                round=a.round,
                state=a.state,
                instruction=a.instruction,
                assigned_at=iso(a.assigned_us),
                due_at=iso(a.due_us),
                answer=a.answer,
                answered_at=_iso(a.answered_us),
            )
            for a in found.assigned
        ],
        extensions=[
            ExtensionOut(
                agency=e.agency,
                working_days=e.working_days,
                reason=e.reason,
                state=e.state,
                asked_at=iso(e.asked_us),
                old_due_at=iso(e.old_due_us),
                new_due_at=_iso(e.new_due_us),
                decision=e.decision,
            )
            for e in found.asked
        ],
        steps=[step_out(s, found.now) for s in found.steps],
        acts=list(found.acts),
    )


def event_out(event: Event) -> EventOut:
    """An entry of the timeline as the API gives it."""
    return EventOut(
        ordinal=event.ordinal,
        at=iso(event.at),
        kind=event.kind,
        by=event.by_name,
        agency=event.agency,
        state=event.state,
        internal=event.internal,
        body=event.body,
    )


def attachment_out(file: Attachment) -> AttachmentOut:
    """A file as the API gives it."""
    return AttachmentOut(
        id=file.id,
        name=file.name,
        type=file.type,
        size=file.size,
        sha256=file.sha256,
        internal=file.internal,
        by=file.by_name,
        at=iso(file.at_us),
    )
