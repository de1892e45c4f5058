"""Calls as the desk's lists show them: the newest first, a page at a time, by what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.records import audit
from crm_bridge.records.callers import normalise
from crm_bridge.records.calls import StoredCall, with_lists
from crm_bridge.records.desk_tables.wrapups import subjects, wrapups
from crm_bridge.records.tables import agent_parts, calls
from ivr.calls.call import Micros

Place = tuple[Micros, str]
"""Where a page ends: entered_us and call_id of its last call."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which calls are wanted; what is `None` does not matter."""

    since_us: Micros | None = None
    until_us: Micros | None = None
    agent: str | None = None
    service: str | None = None
    outcome: str | None = None
    direction: str | None = None
    number: str | None = None
    """As a person writes it: `081 234 5678`, `+66812345678`, `1203`."""
    subject_id: str | None = None


async def find(
    connection: AsyncConnection, asked: Asked, *, after: Place | None = None, limit: int = 50
) -> list[StoredCall]:
    """The calls asked for, the newest first; those behind `after` where it is given."""
    query = (
        select(calls)
        .where(*_wanted(asked))
        .order_by(calls.c.entered_us.desc(), calls.c.call_id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(calls.c.entered_us, calls.c.call_id) < after)
    heads: list[tuple[Any, ...]] = [tuple(row) for row in (await connection.execute(query)).all()]
    audit.shows(*(f"call:{head[0]}" for head in heads))
    return await with_lists(connection, heads)


def _wanted(asked: Asked) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.since_us is not None:
        found.append(calls.c.entered_us >= asked.since_us)
    if asked.until_us is not None:
        found.append(calls.c.entered_us < asked.until_us)
    for column, value in (
        (calls.c.service, asked.service),
        (calls.c.outcome, asked.outcome),
        (calls.c.direction, asked.direction),
    ):
        if value is not None:
            found.append(column == value)
    if asked.agent is not None:
        found.append(
            select(agent_parts.c.call_id)
            .where(agent_parts.c.call_id == calls.c.call_id, agent_parts.c.agent == asked.agent)
            .exists()
        )
    if asked.number is not None:
        number = normalise(asked.number)
        if number.e164 is not None:
            found.append(calls.c.caller_e164 == number.e164)
        else:
            found.append(
                and_(calls.c.caller_e164.is_(None), calls.c.caller_presented == number.presented)
            )
    if asked.subject_id is not None:
        found.append(
            select(wrapups.c.call_id)
            .where(
                wrapups.c.call_id == calls.c.call_id,
                or_(
                    wrapups.c.subject_id == asked.subject_id,
                    wrapups.c.subject_id.in_(_below(asked.subject_id)),
                ),
            )
            .exists()
        )
    return found


def _below(heading: str) -> Any:
    return select(subjects.c.id).where(subjects.c.parent_id == heading)
