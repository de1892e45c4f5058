"""What is held of a person in calls: the records, and what officers wrote of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.people.holds import Hold, load_rules
from crm_bridge.people.subject import Subject
from crm_bridge.records.calls import call_as_json, with_lists
from crm_bridge.records.desk_tables.wrapups import drafts, subjects, wrapups
from crm_bridge.records.erasure import erase_callers
from crm_bridge.records.tables import calls

_PAGE: Final = 200
_FORMS: Final = ("wrapup", "case", "appointment")
"""Forms whose drafts are kept under the call or the person."""


async def held(connection: AsyncConnection, subject: Subject) -> list[dict[str, Any]]:
    """Every call of the person's numbers as published, with its wrap-ups.

    Calls of a number that is another person's too are not given out.
    """
    ids = await calls_of(connection, subject.numbers)
    found: list[dict[str, Any]] = []
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        heads = await connection.execute(
            select(calls)
            .where(calls.c.call_id.in_(page))
            .order_by(calls.c.entered_us, calls.c.call_id)
        )
        written = await connection.execute(
            select(
                wrapups.c.call_id,
                wrapups.c.service,
                subjects.c.name_th.label("subject"),
                wrapups.c.summary,
                wrapups.c.outcome,
                wrapups.c.follow_up,
                wrapups.c.saved_us,
            )
            .outerjoin(subjects, subjects.c.id == wrapups.c.subject_id)
            .where(wrapups.c.call_id.in_(page))
        )
        of_call: dict[str, list[dict[str, Any]]] = {}
        for row in written.mappings().all():
            entry = dict(row)
            of_call.setdefault(entry.pop("call_id"), []).append(entry)
        for stored in await with_lists(connection, [tuple(row) for row in heads.all()]):
            record = call_as_json(stored.call, stored.steps, stored.caller_number)
            found.append({**record, "wrapups": of_call.get(stored.call.call_id, [])})
    return found


async def holds(_connection: AsyncConnection, subject: Subject, _now: int) -> list[Hold]:
    """Numbers that are another person's too."""
    rule = load_rules()["shared_number"]
    return [Hold("calls", number, rule, None) for number in subject.shared]


async def erase(
    connection: AsyncConnection, clock: Clock, subject: Subject, _kept: frozenset[str]
) -> int:
    """Take the caller out of the calls, and empty what was written of them in free words."""
    ids = await calls_of(connection, subject.numbers)
    for start in range(0, len(ids), _PAGE):
        page = ids[start : start + _PAGE]
        await empty_wrapups(connection, clock.now_us(), page)
        await _drop_drafts(connection, page)
    await _drop_drafts(connection, subject.ids)
    return await erase_callers(connection, clock, ids)


async def empty_wrapups(connection: AsyncConnection, now: int, ids: Sequence[str]) -> None:
    """Takes out what officers wrote of these calls in free words."""
    await connection.execute(
        update(wrapups)
        .where(wrapups.c.call_id.in_(list(ids)))
        .values(summary="", follow_up="", updated_us=now, version=wrapups.c.version + 1)
    )


async def _drop_drafts(connection: AsyncConnection, ids: Sequence[str]) -> None:
    """Forget what was typed in the forms of these calls or persons and not saved."""
    keys = [f"{form}:{i}" for i in ids for form in _FORMS]
    await connection.execute(delete(drafts).where(drafts.c.key.in_(keys)))


async def calls_of(connection: AsyncConnection, numbers: Sequence[str]) -> list[str]:
    """Ids of the calls of these numbers, the oldest first."""
    if not numbers:
        return []
    query = (
        select(calls.c.call_id)
        .where(calls.c.caller_e164.in_(list(numbers)))
        .order_by(calls.c.entered_us, calls.c.call_id)
    )
    return list((await connection.execute(query)).scalars())
