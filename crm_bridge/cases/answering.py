"""What an agency does with a case it was given: answers, declines, asks for more time."""

from __future__ import annotations

import uuid

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases import acting, bell
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
)
from crm_bridge.cases.case import Case
from crm_bridge.cases.telling import centre, ring
from crm_bridge.cases.workflow import Act, Assignment
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.records.desk_tables.cases import case_extensions


async def answer(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, *,
    text: str, based_on: int | None = None,
) -> Case:  # fmt: skip
    """The agency's answer; with the last one outstanding the case awaits judgement."""
    case = await begin(connection, by, ticket, Act.ANSWER, based_on)
    text_ = said(text, "text", "โปรดเขียนคำตอบ", "write the answer")
    assigned = await of_agency(connection, case, by.agency)
    must_be(assigned, Assignment.OUTSTANDING)
    await set_assignment(
        connection, assigned, state=Assignment.ANSWERED, answer=text_,
        answered_us=clock.now_us(), answered_by=by.id,
    )  # fmt: skip
    await acting.lapse(connection, clock, case, assigned.id)
    done = await as_it_stands(connection, clock, by, case, Act.ANSWER, by.agency, {"text": text_})
    await ring(
        connection, clock, done, await centre(connection, done), "answered",
        f"หน่วยงานตอบเรื่อง {done.ticket} แล้ว", f"An agency has answered case {done.ticket}",
    )  # fmt: skip
    return done


async def decline(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, *,
    reason: str, based_on: int | None = None,
) -> Case:  # fmt: skip
    """The agency says the matter is not its own; with nobody left the Director decides again."""
    case = await begin(connection, by, ticket, Act.DECLINE, based_on)
    why = said(reason, "reason", "โปรดระบุเหตุผล และหน่วยงานที่เกี่ยวข้อง", "say why, and whose it is")
    assigned = await of_agency(connection, case, by.agency)
    must_be(assigned, Assignment.OUTSTANDING)
    await set_assignment(connection, assigned, state=Assignment.DECLINED)
    await acting.lapse(connection, clock, case, assigned.id)
    done = await as_it_stands(connection, clock, by, case, Act.DECLINE, by.agency, {"reason": why})
    await ring(
        connection, clock, done, await centre(connection, done), "declined",
        f"หน่วยงานแจ้งว่าเรื่อง {done.ticket} ไม่อยู่ในอำนาจหน้าที่",
        f"An agency says case {done.ticket} is not its matter",
    )  # fmt: skip
    return done


async def ask_extension(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, *,
    working_days: int, reason: str, based_on: int | None = None,
) -> Case:  # fmt: skip
    """The agency asks for more time, with reasons; one request at a time."""
    case = await begin(connection, by, ticket, Act.ASK_EXTENSION, based_on)
    why = said(reason, "reason", "โปรดระบุเหตุผลที่ขอขยายเวลา", "give the reason for more time")
    days_asked(working_days)
    assigned = await of_agency(connection, case, by.agency)
    must_be(assigned, Assignment.OUTSTANDING)
    if await pending(connection, assigned) is not None:
        raise Refused(
            "already-asked",
            "มีคำขอขยายเวลาที่รอพิจารณาอยู่แล้ว",
            "a request for more time is waiting already",
            409,
        )
    await connection.execute(
        insert(case_extensions).values(
            id=uuid.uuid4().hex, case_id=case.id, assignment_id=assigned.id,
            agency=assigned.agency, working_days=working_days, reason=why, state="asked",
            asked_us=clock.now_us(), asked_by=by.id, old_due_us=assigned.due_us,
        )
    )  # fmt: skip
    done = await finish(
        connection, clock, by, case, Act.ASK_EXTENSION, agency=by.agency,
        body={"working_days": working_days, "reason": why},
    )  # fmt: skip
    await ring(
        connection, clock, done, await bell.directors(connection), "extension_asked",
        f"หน่วยงานขอขยายเวลาเรื่อง {done.ticket} {working_days} วันทำการ",
        f"An agency asks for {working_days} more working days for case {done.ticket}",
    )  # fmt: skip
    return done
