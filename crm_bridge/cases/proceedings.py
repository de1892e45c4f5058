"""The path of a case from its record to its end: proposed, closed, reopened, cancelled.

The limit of 15 working days runs from the first laying before the Director; returning a case for
correction does not stop it, and only reopening begins it anew.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases import acting, bell, calendars, case_steps
from crm_bridge.cases.acting import (
    begin,
    finish,
    said,
    words,
)
from crm_bridge.cases.case import Case
from crm_bridge.cases.telling import ring, tell_agencies
from crm_bridge.cases.workflow import TABLE, Act, Assignment, State
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.outgoing import messages

TOLD_HOW: Final[dict[str, tuple[str, str]]] = {
    "voice": ("แจ้งทางโทรศัพท์", "By telephone"),
    "sms": ("ส่งข้อความสั้น", "By text message"),
    "email": ("ส่งอีเมล", "By e-mail"),
    "letter": ("มีหนังสือแจ้ง", "By letter"),
    "not_reached": ("ติดต่อผู้ร้องเรียนไม่ได้", "Could not be reached"),
    "anonymous": ("ไม่มีผู้รับแจ้ง (ไม่ประสงค์แจ้งชื่อ)", "Nobody to tell: no name given"),
}
"""How the complainant learned the result."""

CANCELLED_FOR: Final[dict[str, tuple[str, str]]] = {
    "withdrawn": ("ผู้ร้องเรียนขอถอนเรื่อง", "Withdrawn by the complainant"),
    "duplicate": ("เรื่องซ้ำ", "A duplicate"),
    "mistake": ("บันทึกผิดพลาด", "Recorded by mistake"),
    "other": ("เหตุอื่น", "Another reason"),
}
"""Why a case is cancelled."""


async def propose(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, *,
    note: str = "", based_on: int | None = None,
) -> Case:  # fmt: skip
    """Lays the case before the Director: the step propose ends, resolve and the deadline begin."""
    case = await begin(connection, by, ticket, Act.PROPOSE, based_on)
    now = clock.now_us()
    values: dict[str, Any] = {}
    if case.due_us is None:
        await case_steps.end(connection, case.id, "propose", now)
        values = {**await _resolve(connection, clock, case, case.round), "proposed_us": now}
    done = await finish(
        connection, clock, by, case, Act.PROPOSE, to=State.PROPOSED, values=values,
        body=words(note=note),
    )  # fmt: skip
    await ring(
        connection, clock, done, await bell.directors(connection), "proposed",
        f"เรื่อง {done.ticket} เสนอเพื่อพิจารณาสั่งการ", f"Case {done.ticket} is laid before you",
    )  # fmt: skip
    return done


async def close(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, *,
    how: str, note: str = "", based_on: int | None = None,
) -> Case:  # fmt: skip
    """The complainant knows the result (or cannot be told), and the case is closed."""
    case = await begin(connection, by, ticket, Act.CLOSE, based_on)
    if how not in TOLD_HOW:
        what = ("โปรดเลือกวิธีแจ้งผล", "say how the result was told")
        raise Refused("invalid", *what, 422, {"how": what})
    if how == "sms":
        if case.complainant_number is None:
            what = ("ไม่มีหมายเลขโทรศัพท์", "there is no number")
            raise Refused("no-number", *what, 422, {"how": what})
        await messages.enqueue(
            connection, clock, kind="sms", to=case.complainant_number,
            text=f"1203 กระทรวงพาณิชย์ เรื่องเลขที่ {case.ticket} ได้ข้อยุติแล้ว สอบถามผล โทร 1203",
            about=("case", case.id), dedupe=f"case:{case.id}:closed:{case.version}",
        )  # fmt: skip
    return await finish(
        connection, clock, by, case, Act.CLOSE, to=State.CLOSED,
        values={"closed_us": clock.now_us()}, body={**words(note=note), "how": how},
    )  # fmt: skip


async def reopen(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, *,
    reason: str, based_on: int | None = None,
) -> Case:  # fmt: skip
    """Takes the matter up again: before the Director, with a deadline and a step resolve anew.

    A cancelled case goes back to where it was recorded.
    """
    case = await begin(connection, by, ticket, Act.REOPEN, based_on)
    why = said(reason, "reason", "โปรดระบุเหตุที่เปิดเรื่องอีกครั้ง", "say why it is reopened")
    to = TABLE[case.state, Act.REOPEN].to
    if not isinstance(to, State):
        raise TypeError("reopening leads to one state")
    values: dict[str, Any] = {
        "round": case.round + 1, "settled_us": None, "settlement": None, "closed_us": None,
        "due_us": None, "calendar_version": None,
    }  # fmt: skip
    if to is State.PROPOSED:
        values |= await _resolve(connection, clock, case, case.round + 1)
        values["proposed_us"] = clock.now_us()
    done = await finish(
        connection, clock, by, case, Act.REOPEN, to=to, values=values, body={"reason": why}
    )
    if to is State.PROPOSED:
        await ring(
            connection, clock, done, await bell.directors(connection), "reopened",
            f"เรื่อง {done.ticket} เปิดอีกครั้ง", f"Case {done.ticket} was reopened",
        )  # fmt: skip
    return done


async def cancel(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, *,
    why: str, note: str, based_on: int | None = None,
) -> Case:  # fmt: skip
    """Ends a case that is not to be pursued, with the reason; agencies are told."""
    case = await begin(connection, by, ticket, Act.CANCEL, based_on)
    if why not in CANCELLED_FOR:
        what = ("โปรดเลือกเหตุที่ยกเลิก", "say why it is cancelled")
        raise Refused("invalid", *what, 422, {"why": what})
    text_ = said(note, "note", "โปรดระบุรายละเอียดการยกเลิก", "explain the cancelling")
    done = await finish(
        connection, clock, by, case, Act.CANCEL, to=State.CANCELLED,
        body={"why": why, "note": text_},
    )  # fmt: skip
    found = await acting.here(connection, done)
    await tell_agencies(
        connection, clock, done, [a.agency for a in found if a.state is Assignment.OUTSTANDING],
        "cancelled", f"เรื่อง {done.ticket} ถูกยกเลิก", f"Case {done.ticket} was cancelled",
        f"cancelled:{done.version}",
    )  # fmt: skip
    return done


async def _resolve(
    connection: AsyncConnection, clock: Clock, case: Case, round_: int
) -> dict[str, Any]:
    """Begins the step resolve; the deadline of the case is where its standard ends."""
    calendar = await calendars.ensure(connection, clock)
    step = await case_steps.begin(
        connection, case.id, "resolve", clock.now_us(), round_=round_, calendar=calendar
    )
    return {"due_us": step.due_us, "calendar_version": calendar.version}
