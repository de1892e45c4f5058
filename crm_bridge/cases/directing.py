"""What the Director does with a case: returns it, orders agencies to answer, judges what they say.

An agency is given the case's deadline, and more time only for itself; the case is then due when
its last agency is. Answers settle a case when each has been accepted.
"""

from __future__ import annotations

import uuid
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases import acting, bell, calendars, timeline
from crm_bridge.cases.acting import (
    as_it_stands,
    begin,
    days_asked,
    finish,
    must_be,
    of_agency,
    pending,
    said,
    set_assignment,
    words,
)
from crm_bridge.cases.case import Case
from crm_bridge.cases.telling import ring, tell_agencies
from crm_bridge.cases.workflow import Act, Assignment, State
from crm_bridge.cases.working_days import office_day, start_of
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.records.desk_tables.cases import case_assignments, case_extensions
from ivr.calls.call import Micros

MOST_AGENCIES: Final = 20
MOST_CASES: Final = 100
"""Cases of one batch."""
_DAY: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Order:
    """One agency that is to answer, and what it is to do."""

    agency: str
    instruction: str = ""


async def return_(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, *,
    reason: str, based_on: int | None = None,
) -> Case:  # fmt: skip
    """Sends the case back to its owner for correction; the deadline goes on."""
    case = await begin(connection, by, ticket, Act.RETURN, based_on)
    why = said(reason, "reason", "โปรดระบุสิ่งที่ต้องแก้ไข", "say what is to be corrected")
    done = await finish(
        connection, clock, by, case, Act.RETURN, to=State.RETURNED, body={"reason": why},
        internal=True,
    )  # fmt: skip
    await ring(
        connection, clock, done, await bell.one(connection, done.owner), "returned",
        f"เรื่อง {done.ticket} ถูกส่งคืนให้แก้ไข", f"Case {done.ticket} was returned to you",
    )  # fmt: skip
    return done


async def assign(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, *,
    orders: Sequence[Order], known: Container[str], based_on: int | None = None,
) -> Case:  # fmt: skip
    """Orders one or more agencies to answer; one that was released or declined is ordered anew.

    Refused (422) for an agency that is not `known`, 409 for one that already has the case.
    """
    case = await begin(connection, by, ticket, Act.ASSIGN, based_on)
    wanted = _orders(orders, known)
    now = clock.now_us()
    present = {a.agency: a for a in await acting.here(connection, case)}
    for order in wanted:
        before = present.get(order.agency)
        values = {
            "state": Assignment.OUTSTANDING.value,
            "instruction": order.instruction,
            "assigned_us": now,
            "assigned_by": by.id,
            "due_us": _due(case),
        }
        if before is None:
            await connection.execute(
                insert(case_assignments).values(
                    id=uuid.uuid4().hex, case_id=case.id, round=case.round, agency=order.agency,
                    **values,
                )
            )  # fmt: skip
        elif before.state in {Assignment.RELEASED, Assignment.DECLINED}:
            await set_assignment(connection, before, **values)
        else:
            what = (
                "หน่วยงานนี้ได้รับมอบหมายเรื่องนี้อยู่แล้ว",
                "this agency has the case already",
            )
            raise Refused("already-assigned", *what, 409, {"agencies": what})
    for order in wanted[1:]:
        await timeline.add(
            connection, case.id, at=now, kind=Act.ASSIGN, by=by, state=State.ASSIGNED,
            agency=order.agency, body=words(instruction=order.instruction),
        )  # fmt: skip
    first = wanted[0]
    done = await finish(
        connection, clock, by, case, Act.ASSIGN, to=State.ASSIGNED, agency=first.agency,
        body=words(instruction=first.instruction),
    )  # fmt: skip
    await tell_agencies(
        connection, clock, done, [o.agency for o in wanted], "assigned",
        f"ได้รับมอบหมายเรื่อง {done.ticket}", f"Case {done.ticket} is assigned to you",
        f"assigned:{done.version}",
    )  # fmt: skip
    return done


async def assign_all(
    connection: AsyncConnection, clock: Clock, by: Account, chosen: Mapping[str, int | None], *,
    orders: Sequence[Order], known: Container[str],
) -> list[Case]:  # fmt: skip
    """The same order for several cases at once, all or none; Refused names the case at fault.

    `chosen`: ticket number → the version the order is based on.
    """
    if not 1 <= len(chosen) <= MOST_CASES:
        th = f"เลือกได้ครั้งละ 1 ถึง {MOST_CASES} เรื่อง"
        en = f"choose 1 to {MOST_CASES} cases at a time"
        raise Refused("batch-size", th, en, 422, {"tickets": (th, en)})
    done = []
    for ticket, based_on in chosen.items():
        try:
            done.append(
                await assign(
                    connection, clock, by, ticket, orders=orders, known=known, based_on=based_on
                )
            )
        except Refused as error:
            raise Refused(
                error.code,
                f"ยังไม่ได้สั่งการเรื่องใด: {ticket}: {error.th}",
                f"nothing was assigned: {ticket}: {error.en}",
                error.status,
                error.fields,
            ) from None
    return done


async def release(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, *,
    agency: str, reason: str, based_on: int | None = None,
) -> Case:  # fmt: skip
    """Takes the case from an agency that need not answer it, and tells it so."""
    case = await begin(connection, by, ticket, Act.RELEASE, based_on)
    why = said(reason, "reason", "โปรดระบุเหตุผล", "give the reason")
    assigned = await of_agency(connection, case, agency)
    must_be(assigned, Assignment.OUTSTANDING, Assignment.ANSWERED)
    await set_assignment(connection, assigned, state=Assignment.RELEASED)
    await acting.lapse(connection, clock, case, assigned.id)
    done = await as_it_stands(connection, clock, by, case, Act.RELEASE, agency, {"reason": why})
    await _tell_released(connection, clock, done, [agency])
    return done


async def send_back(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, *,
    agency: str, reason: str, based_on: int | None = None,
) -> Case:  # fmt: skip
    """The answer does not settle the matter: the agency owes another, by the same deadline."""
    case = await begin(connection, by, ticket, Act.SEND_BACK, based_on)
    why = said(reason, "reason", "โปรดระบุสิ่งที่ยังขาด", "say what is lacking")
    assigned = await of_agency(connection, case, agency)
    must_be(assigned, Assignment.ANSWERED, Assignment.ACCEPTED)
    await set_assignment(connection, assigned, state=Assignment.OUTSTANDING)
    done = await as_it_stands(connection, clock, by, case, Act.SEND_BACK, agency, {"reason": why})
    await tell_agencies(
        connection, clock, done, [agency], "sent_back",
        f"คำตอบเรื่อง {done.ticket} ต้องดำเนินการเพิ่มเติม",
        f"The answer to case {done.ticket} was sent back", f"sent_back:{done.version}",
    )  # fmt: skip
    return done


async def accept(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, *,
    agency: str | None = None, note: str = "", based_on: int | None = None,
) -> Case:  # fmt: skip
    """Accepts the answer of one agency, or all given; once all are accepted the case is settled.

    Settled when the last of them answered: that is when the matter came to its end.
    """
    case = await begin(connection, by, ticket, Act.ACCEPT, based_on)
    found = [
        a
        for a in await acting.here(connection, case)
        if a.state is Assignment.ANSWERED and agency in {None, a.agency}
    ]
    if not found:
        raise Refused(
            "nothing-to-accept",
            "ยังไม่มีคำตอบที่รอพิจารณา",
            "there is no answer that awaits judgement",
            409,
        )
    for assigned in found:
        await set_assignment(connection, assigned, state=Assignment.ACCEPTED)
    body = {**words(note=note), "agencies": [a.agency for a in found]}
    one = found[0].agency if len(found) == 1 else None
    return await as_it_stands(connection, clock, by, case, Act.ACCEPT, one, body)


async def settle(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, *,
    text: str, based_on: int | None = None,
) -> Case:  # fmt: skip
    """The Director settles the matter with an answer of the own; nobody owes one any more.

    Agencies that had still to answer are released, and told so.
    """
    case = await begin(connection, by, ticket, Act.SETTLE, based_on)
    text_ = said(text, "text", "โปรดระบุข้อยุติ", "say how it is settled")
    here = await acting.here(connection, case)
    owing = [a for a in here if a.state is Assignment.OUTSTANDING]
    for assigned in owing:
        await set_assignment(connection, assigned, state=Assignment.RELEASED)
    done = await finish(
        connection, clock, by, case, Act.SETTLE, to=State.SETTLED, values={"settlement": text_},
        body={"text": text_},
    )  # fmt: skip
    await _tell_released(connection, clock, done, [a.agency for a in owing])
    return done


async def _tell_released(
    connection: AsyncConnection, clock: Clock, case: Case, agencies: Sequence[str]
) -> None:
    await tell_agencies(
        connection, clock, case, agencies, "released",
        f"ไม่ต้องดำเนินการเรื่อง {case.ticket} แล้ว", f"Case {case.ticket} is no longer yours to answer",
        f"released:{case.version}",
    )  # fmt: skip


async def decide_extension(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, *,
    agency: str, granted: bool, working_days: int | None = None, note: str = "",
    based_on: int | None = None,
) -> Case:  # fmt: skip
    """Grants the time asked for (or another number of days), or refuses it with the reason.

    Granted time runs from the old deadline, from today where that is past.
    """
    act = Act.GRANT_EXTENSION if granted else Act.REFUSE_EXTENSION
    case = await begin(connection, by, ticket, act, based_on)
    assigned = await of_agency(connection, case, agency)
    asked = await pending(connection, assigned)
    if asked is None:
        raise Refused(
            "nothing-asked",
            "ไม่มีคำขอขยายเวลาที่รอพิจารณา",
            "no request for more time is waiting",
            409,
        )
    now = clock.now_us()
    values: dict[str, Any] = {"decided_us": now, "decided_by": by.id}
    changes: dict[str, Any] = {}
    if granted:
        days = days_asked(asked.working_days if working_days is None else working_days)
        calendar = await calendars.ensure(connection, clock)
        today = start_of(office_day(now)) + _DAY
        due = calendar.extended(max(assigned.due_us, today), days)
        values |= {"state": "granted", "new_due_us": due, "calendar_version": calendar.version}
        values["working_days"] = days
        await set_assignment(connection, assigned, due_us=due)
        if due > _due(case):
            changes = {"due_us": due, "calendar_version": calendar.version}
        body: dict[str, Any] = {**words(note=note), "working_days": days, "due_us": due}
        told = (f"อนุมัติขยายเวลาเรื่อง {case.ticket}", f"More time is granted for case {case.ticket}")
    else:
        why = said(note, "note", "โปรดระบุเหตุผลที่ไม่อนุมัติ", "give the reason for refusing")
        values["state"] = "refused"
        body = {"note": why}
        told = (
            f"ไม่อนุมัติขยายเวลาเรื่อง {case.ticket}",
            f"More time is refused for case {case.ticket}",
        )
    values["decision"] = body.get("note", "")
    await connection.execute(
        update(case_extensions).where(case_extensions.c.id == asked.id).values(**values)
    )
    done = await finish(connection, clock, by, case, act, agency=agency, values=changes, body=body)
    await tell_agencies(
        connection, clock, done, [agency], "extension", *told, f"extension:{asked.id}"
    )
    return done


def _orders(orders: Sequence[Order], known: Container[str]) -> list[Order]:
    """The orders fit to be carried out: at least one, none twice, agencies that exist."""
    names = [o.agency for o in orders]
    what: tuple[str, str] | None = None
    if not orders:
        what = ("โปรดเลือกหน่วยงานอย่างน้อยหนึ่งแห่ง", "choose at least one agency")
    elif len(names) > MOST_AGENCIES:
        what = (f"ไม่เกิน {MOST_AGENCIES} หน่วยงาน", f"at most {MOST_AGENCIES} agencies")
    elif len(set(names)) != len(names):
        what = ("เลือกหน่วยงานซ้ำ", "an agency is named twice")
    elif not all(name in known for name in names):
        what = ("ไม่มีหน่วยงานนี้ในระบบ", "there is no such agency")
    if what is not None:
        raise Refused("agencies", *what, 422, {"agencies": what})
    return [
        Order(
            o.agency, said(o.instruction, "instruction", "โปรดระบุข้อสั่งการ", "give the instruction")
        )
        for o in orders
    ]


def _due(case: Case) -> Micros:
    """The deadline; a case that was proposed has one."""
    if case.due_us is None:
        raise ValueError(f"case {case.id} was never proposed")
    return case.due_us
