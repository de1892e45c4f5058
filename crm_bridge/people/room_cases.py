"""What is held of a person in complaints and requests for advice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases import attachments
from crm_bridge.clock import Clock
from crm_bridge.people.holds import Hold, load_rules
from crm_bridge.people.subject import Subject
from crm_bridge.records.desk_tables.cases import (
    case_assignments,
    case_attachments,
    case_events,
    case_extensions,
    cases,
)

_ENDED: Final = frozenset({"settled", "closed", "cancelled"})
_INNER: Final = frozenset({"owner", "created_by", "made_key", "version"})


def belongs(subject: Subject) -> ColumnElement[bool]:
    """A case of the person, or of nobody known with a number that is the person's alone."""
    theirs: ColumnElement[bool] = cases.c.person_id.in_(subject.ids)
    if not subject.numbers:
        return theirs
    by_number = and_(cases.c.person_id.is_(None), cases.c.complainant_number.in_(subject.numbers))
    return or_(theirs, by_number)


async def held(connection: AsyncConnection, subject: Subject) -> list[dict[str, Any]]:
    """Each case with its timeline and files, without what is internal to the office."""
    found = []
    rows = await connection.execute(
        select(cases).where(belongs(subject)).order_by(cases.c.recorded_us, cases.c.id)
    )
    for row in rows.mappings().all():
        events = await connection.execute(
            select(case_events.c.at_us, case_events.c.kind, case_events.c.body)
            .where(case_events.c.case_id == row["id"], case_events.c.internal.is_(False))
            .order_by(case_events.c.ordinal)
        )
        names = await connection.execute(
            select(case_attachments.c.name, case_attachments.c.size, case_attachments.c.at_us)
            .where(case_attachments.c.case_id == row["id"])
            .where(case_attachments.c.internal.is_(False))
            .order_by(case_attachments.c.at_us)
        )
        found.append(
            {
                **{key: value for key, value in row.items() if key not in _INNER},
                "timeline": [
                    {**dict(event), "body": json.loads(event["body"] or "{}")}
                    for event in events.mappings().all()
                ],
                "files": [dict(name) for name in names.mappings().all()],
            }
        )
    return found


async def holds(connection: AsyncConnection, subject: Subject, now: int) -> list[Hold]:
    """Cases that go on, and settled ones within their period."""
    rules = load_rules()
    query = select(
        cases.c.ticket, cases.c.state, cases.c.closed_us, cases.c.settled_us, cases.c.updated_us
    ).where(belongs(subject))
    found = []
    for row in (await connection.execute(query.order_by(cases.c.recorded_us))).all():
        if row.state not in _ENDED:
            found.append(Hold("cases", row.ticket, rules["open_case"], None))
            continue
        until = rules["closed_case"].until(row.closed_us or row.settled_us or row.updated_us)
        if until is None or until > now:
            found.append(Hold("cases", row.ticket, rules["closed_case"], until))
    return found


async def erase(
    connection: AsyncConnection, clock: Clock, subject: Subject, kept: frozenset[str]
) -> int:
    """Empty every case that nothing keeps of what was written in it; its path and times stay."""
    query = select(cases.c.id, cases.c.ticket).where(belongs(subject))
    free = [i for i, ticket in (await connection.execute(query)).all() if ticket not in kept]
    await empty(connection, clock.now_us(), free)
    return len(free)


async def empty(connection: AsyncConnection, now: int, free: Sequence[str]) -> None:
    """Takes out of these cases (ids) what was written in them; a round deletes their files."""
    if not free:
        return
    await connection.execute(
        update(cases)
        .where(cases.c.id.in_(free))
        .values(
            title="",
            facts="",
            wanted="",
            place="",
            respondent_contact="",
            settlement=None,
            complainant_name="",
            complainant_number=None,
            complainant_email=None,
            complainant_province=None,
            updated_us=now,
            version=cases.c.version + 1,
        )
    )
    for table, emptied in (
        (case_events, {"body": "{}"}),
        (case_assignments, {"instruction": "", "answer": None}),
        (case_extensions, {"reason": "", "decision": None}),
    ):
        await connection.execute(update(table).where(table.c.case_id.in_(free)).values(**emptied))
    await attachments.doom(connection, now, free)
