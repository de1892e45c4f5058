"""How every act on a case is done: found, checked, changed once, told in the timeline.

`begin` finds the case for this account and refuses an act that the workflow does not allow;
`finish` writes what changed, with one more version and one entry of the timeline.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases import case_steps, timeline
from crm_bridge.cases.case import Assigned, Case, Extension, assignments, case_of, find
from crm_bridge.cases.workflow import ASSIGNMENTS, Act, Assignment, State, check, standing
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.plain_text import plain_text
from crm_bridge.records.desk_tables.cases import case_assignments, case_extensions, cases
from ivr.calls.call import Micros

LONG: Final = 20_000
"""Characters of a text that a person writes."""
MOST_DAYS: Final = 60
"""Working days that may be asked for at once."""


async def begin(
    connection: AsyncConnection, by: Account, ticket: str, act: Act, based_on: int | None
) -> Case:
    """The case this account is about to act on.

    Refused: 404 where it may not see it or has no part in this round, 412 where the case is no
    longer the version `based_on`, 409 or 403 where the act is not allowed.
    """
    case = await find(connection, by, ticket)
    if based_on is not None and based_on != case.version:
        raise Refused(
            "changed-meanwhile",
            "มีผู้อื่นแก้ไขเรื่องนี้ไปแล้ว โปรดโหลดใหม่แล้วทำรายการอีกครั้ง",
            "somebody else has changed this case meanwhile: load it again, then repeat the act",
            412,
        )
    check(case.state, act, by.role)
    if by.outside:
        assigned = await of_agency(connection, case, by.agency)
        must_be(assigned, Assignment.OUTSTANDING, Assignment.ANSWERED, Assignment.ACCEPTED)
    return case


async def finish(
    connection: AsyncConnection,
    clock: Clock,
    by: Account | None,
    case: Case,
    kind: str,
    *,
    to: State | None = None,
    values: dict[str, Any] | None = None,
    body: dict[str, Any] | None = None,
    agency: str | None = None,
    internal: bool = False,
    settled_at: Micros | None = None,
) -> Case:
    """Writes what the act changed and returns the case as it is now.

    Reaching `settled` ends the step resolve at `settled_at`, else now, and lapses what is pending.
    """
    now = clock.now_us()
    state = to or case.state
    changes: dict[str, Any] = {
        **(values or {}),
        "state": state.value,
        "updated_us": now,
        "version": case.version + 1,
    }
    if state is State.SETTLED and case.state is not State.SETTLED:
        changes["settled_us"] = now if settled_at is None else settled_at
        await case_steps.end(
            connection, case.id, "resolve", changes["settled_us"], round_=case.round
        )
    if state not in {State.ASSIGNED, case.state}:
        await lapse(connection, clock, case)
    rows = await connection.execute(
        update(cases).where(cases.c.id == case.id).values(**changes).returning(cases)
    )
    await timeline.add(
        connection, case.id, at=now, kind=kind, by=by, state=state.value, agency=agency,
        internal=internal, body=body,
    )  # fmt: skip
    return case_of(rows.one())


async def lapse(
    connection: AsyncConnection, clock: Clock, case: Case, assignment: str | None = None
) -> None:
    """Lets requests for time lapse that nobody needs decided any more."""
    table = case_extensions.c
    query = update(case_extensions).where(table.case_id == case.id, table.state == "asked")
    if assignment is not None:
        query = query.where(table.assignment_id == assignment)
    await connection.execute(query.values(state="lapsed", decided_us=clock.now_us()))


async def here(connection: AsyncConnection, case: Case) -> list[Assigned]:
    """The assignments of the case's round."""
    return [a for a in await assignments(connection, case) if a.round == case.round]


async def stands(connection: AsyncConnection, case: Case) -> tuple[State, Micros | None]:
    """The state the assignments make, and the moment of the last accepted answer."""
    found = await here(connection, case)
    answered = [
        a.answered_us for a in found if a.state is Assignment.ACCEPTED and a.answered_us is not None
    ]
    return standing(a.state for a in found), max(answered, default=None)


async def of_agency(connection: AsyncConnection, case: Case, agency: str | None) -> Assigned:
    """The assignment of that agency; Refused (404) where there is none in this round."""
    found = next((a for a in await here(connection, case) if a.agency == agency), None)
    if found is None:
        raise Refused(
            "no-such-assignment",
            "เรื่องนี้ไม่ได้มอบหมายให้หน่วยงานนี้",
            "this case is not assigned to that agency",
            404,
        )
    return found


async def set_assignment(connection: AsyncConnection, assigned: Assigned, **values: Any) -> None:
    """Changes one assignment."""
    await connection.execute(
        update(case_assignments).where(case_assignments.c.id == assigned.id).values(**values)
    )


def said(text: str, field: str, th: str, en: str, longest: int = LONG) -> str:
    """The text a person wrote, fit to be kept; Refused (422) in these words if there is none."""
    found = plain_text(text)
    if not found:
        raise Refused(f"{field.replace('_', '-')}-missing", th, en, 422, {field: (th, en)})
    if len(found) > longest:
        what = (f"ยาวเกิน {longest:,} ตัวอักษร", f"longer than {longest:,} characters")
        raise Refused("too-long", *what, 422, {field: what})
    return found


def optional(text: str) -> str:
    """The same of a text that may be empty."""
    return plain_text(text)[:LONG]


async def as_it_stands(
    connection: AsyncConnection, clock: Clock, by: Account, case: Case, act: Act,
    agency: str | None, body: dict[str, Any],
) -> Case:  # fmt: skip
    """Finishes an act after which the assignments say what state the case is in."""
    state, answered = await stands(connection, case)
    values: dict[str, Any] = {}
    if state is State.SETTLED:
        accepted = [a for a in await here(connection, case) if a.state is Assignment.ACCEPTED]
        accepted.sort(key=lambda a: a.answered_us or 0)
        values["settlement"] = "\n\n".join(a.answer or "" for a in accepted)
    return await finish(
        connection, clock, by, case, act, to=state, values=values, body=body, agency=agency,
        settled_at=answered,
    )  # fmt: skip


async def pending(connection: AsyncConnection, assigned: Assigned) -> Extension | None:
    """The request for time that awaits the Director."""
    table = case_extensions
    row = (
        await connection.execute(
            select(table).where(table.c.assignment_id == assigned.id, table.c.state == "asked")
        )
    ).one_or_none()
    return None if row is None else Extension(**row._mapping)


def days_asked(count: int) -> int:
    """A number of working days that may be asked for; Refused (422) else."""
    if not 1 <= count <= MOST_DAYS:
        what = (f"ขอได้ 1 ถึง {MOST_DAYS} วันทำการ", f"1 to {MOST_DAYS} working days")
        raise Refused("working-days", *what, 422, {"working_days": what})
    return count


def must_be(assigned: Assigned, *states: Assignment) -> None:
    """Refused (409) unless the agency's part is in one of these states."""
    if assigned.state in states:
        return
    raise Refused(
        "assignment-state",
        f"หน่วยงานนี้อยู่ในขั้น “{ASSIGNMENTS[assigned.state][0]}” จึงทำรายการนี้ไม่ได้",
        f"this agency's part is “{ASSIGNMENTS[assigned.state][1]}”, where that is not possible",
        409,
    )


def words(**texts: str) -> dict[str, Any]:
    """Those of the texts that say something, fit to be kept."""
    return {name: optional(text) for name, text in texts.items() if text.strip()}
