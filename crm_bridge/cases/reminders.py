"""Reminders of deadlines: three and one working days before, on the last day, and once overdue.

`due` is pure: what is to be told at a moment. `remind` tells it, each once for each deadline; after
a night or an outage only the newest of what was missed. Reminders come when offices open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases import bell, calendars
from crm_bridge.cases.case import Case, case_of
from crm_bridge.cases.telling import write
from crm_bridge.cases.workflow import Assignment, State
from crm_bridge.cases.working_days import Calendar, last_day, opening
from crm_bridge.clock import Clock
from crm_bridge.records.desk_tables.cases import case_assignments, cases, notifications
from ivr.calls.call import Micros

BEFORE: Final = (3, 1)
"""Working days before the last day."""

_CENTRE: Final = (State.PROPOSED, State.RETURNED, State.ANSWERED)
"""States with a deadline in which the centre is the one to act."""
_DAY: Final = 86_400_000_000
_NEAR: Final = 30 * _DAY
"""A deadline further off than this has no reminder yet, and one as long past has had its last."""
_KINDS: Final = (*(f"before_{n}" for n in BEFORE), "last_day", "overdue")


@dataclass(frozen=True, slots=True)
class Deadline:
    """What somebody owes: the agency, or the centre where `agency` is None."""

    case: Case
    agency: str | None
    due_us: Micros


@dataclass(frozen=True, slots=True)
class Reminder:
    """One that is to go: `kind` is before_3, before_1, last_day or overdue."""

    deadline: Deadline
    kind: str

    @property
    def dedupe(self) -> str:
        """The same for the same reminder of the same deadline."""
        owed = self.deadline
        return f"remind:{owed.case.id}:{owed.agency or ''}:{owed.due_us}:{self.kind}"


def due(now: Micros, calendar: Calendar, deadlines: Iterable[Deadline]) -> list[Reminder]:
    """The newest reminder that is due of each deadline, if any is."""
    found = []
    for deadline in deadlines:
        last = last_day(deadline.due_us)
        moments = [
            *((f"before_{n}", opening(calendar.before(last, n))) for n in BEFORE),
            ("last_day", opening(last)),
            ("overdue", opening(calendar.after(last, 1))),
        ]
        past = [kind for kind, moment in moments if moment <= now]
        if past:
            found.append(Reminder(deadline, past[-1]))
    return found


def text(reminder: Reminder) -> tuple[str, str]:
    """What it says, in Thai and English; names no person."""
    ticket = reminder.deadline.case.ticket
    day = last_day(reminder.deadline.due_us)
    th_day = f"{day.day}/{day.month}/{day.year + 543}"
    if reminder.kind == "overdue":
        return (
            f"เรื่อง {ticket} เกินกำหนดแล้ว (ครบกำหนด {th_day})",
            f"Case {ticket} is overdue (was due {day})",
        )
    if reminder.kind == "last_day":
        return f"เรื่อง {ticket} ครบกำหนดวันนี้ ({th_day})", f"Case {ticket} is due today ({day})"
    days = reminder.kind.removeprefix("before_")
    return (
        f"เรื่อง {ticket} เหลือ {days} วันทำการ ครบกำหนด {th_day}",
        f"Case {ticket} has {days} working day(s) left, due {day}",
    )


async def waiting(
    connection: AsyncConnection, now: Micros, calendar: Calendar
) -> list[tuple[Reminder, list[bell.Recipient]]]:
    """Every reminder that is due, with those who have not been told it.

    For the agency's officers and the owner; for the Director too where nobody but the centre owes
    it or it is overdue.
    """
    owed = [d for d in await deadlines(connection, now - _NEAR, now + _NEAR) if _known(calendar, d)]
    told = await _told(connection, now)
    found = []
    for reminder in due(now, calendar, owed):
        deadline = reminder.deadline
        to = await bell.one(connection, deadline.case.owner)
        if deadline.agency is not None:
            to += await bell.officers(connection, [deadline.agency])
        if deadline.agency is None or reminder.kind == "overdue":
            to += await bell.directors(connection)
        untold = [r for r in to if f"{reminder.dedupe}:{r.id}" not in told]
        if untold:
            found.append((reminder, untold))
    return found


async def remind(connection: AsyncConnection, clock: Clock) -> int:
    """Tells every reminder that is due and was not told; returns how many accounts were told.

    Call it in a writing transaction.
    """
    calendar = await calendars.current(connection, clock)
    count = 0
    for reminder, to in await waiting(connection, clock.now_us(), calendar):
        case = reminder.deadline.case
        th, en = text(reminder)
        rung = await bell.notify(
            connection, clock, to, kind=reminder.kind, ticket=case.ticket, th=th, en=en,
            dedupe=reminder.dedupe,
        )  # fmt: skip
        heard = {r.id: r for r in to if r.id in rung}
        await write(connection, clock, case, heard.values(), th, en, reminder.dedupe)
        count += len(rung)
    return count


def _known(calendar: Calendar, deadline: Deadline) -> bool:
    """A deadline years past has had its reminders; this calendar may not know its days."""
    return calendar.first < last_day(deadline.due_us) < calendar.last


async def _told(connection: AsyncConnection, now: Micros) -> set[str]:
    """What was told already, as far back as a deadline in question can go."""
    table = notifications.c
    rows = await connection.scalars(
        select(table.dedupe).where(table.kind.in_(_KINDS), table.made_us > now - 4 * _NEAR)
    )
    return set(rows)


async def deadlines(
    connection: AsyncConnection, since: Micros, until: Micros, *, most: int | None = None,
    newest: bool = False,
) -> list[Deadline]:  # fmt: skip
    """Every open deadline of that span: of agencies that owe an answer, else of the centre.

    `most`: so many at the most, the first of the span; with `newest` the last.
    """
    table = case_assignments.c
    owing = (
        select(cases, table.agency, table.due_us.label("owed_us"))
        .join(cases, and_(cases.c.id == table.case_id, cases.c.round == table.round))
        .where(
            table.state == Assignment.OUTSTANDING,
            table.due_us.between(since, until),
            cases.c.state == State.ASSIGNED,
        )
    )
    centres = select(cases).where(
        cases.c.state.in_([s.value for s in _CENTRE]), cases.c.due_us.between(since, until)
    )
    if most is not None:
        owing = owing.order_by(table.due_us.desc() if newest else table.due_us).limit(most)
        due = cases.c.due_us.desc() if newest else cases.c.due_us
        centres = centres.order_by(due).limit(most)
    found = [
        Deadline(case_of(row), row.agency, row.owed_us) for row in await connection.execute(owing)
    ]
    return found + [
        Deadline(case_of(row), None, row.due_us) for row in await connection.execute(centres)
    ]
