"""What an officer writes of a call: one record for each officer in it, saved after the call.

Saving it ends the step `log`. A call in which an officer's part is over and of which that officer
has saved nothing is *unlogged*, and listed until it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Row, and_, func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases import subjects
from crm_bridge.clock import Clock
from crm_bridge.desk import drafts
from crm_bridge.desk.declare import Declare
from crm_bridge.desk.desk_figures import RECORD_FIGURES, record_id
from crm_bridge.desk.wrapup import Entry, Wrapup, checked
from crm_bridge.errors import Refused
from crm_bridge.records import outbox
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.agents import agent_sessions
from crm_bridge.records.desk_tables.wrapups import wrapups
from crm_bridge.records.figure_sources import changed
from crm_bridge.records.tables import agent_parts, calls, marks
from ivr.calls.call import Micros

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Unlogged:
    """A call that waits for its officer's record."""

    call_id: str
    agent: str
    entered_us: Micros
    released_us: Micros
    direction: str
    caller_e164: str | None
    caller_presented: str | None
    caller_name: str | None
    withheld: bool
    service: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """An officer's calls that ended in a span of time, and how many of them are logged."""

    agent: str
    handled: int
    logged: int


async def find(connection: AsyncConnection, call_id: str, agent: str) -> Wrapup | None:
    """The officer's record of the call; `None` while nothing is saved."""
    query = select(wrapups).where(wrapups.c.call_id == call_id, wrapups.c.agent == agent)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else _of_row(row)


async def of_calls(connection: AsyncConnection, call_ids: Sequence[str]) -> dict[str, list[Wrapup]]:
    """Every officer's record of these calls, by call."""
    found: dict[str, list[Wrapup]] = {}
    query = (
        select(wrapups).where(wrapups.c.call_id.in_(list(call_ids))).order_by(wrapups.c.saved_us)
    )
    for row in (await connection.execute(query)).all():
        found.setdefault(row.call_id, []).append(_of_row(row))
    return found


async def unlogged(
    connection: AsyncConnection,
    agent: str | None,
    *,
    account_id: str | None = None,
    since_us: Micros = 0,
    after: tuple[Micros, str] | None = None,
    limit: int = 200,
) -> list[Unlogged]:
    """Calls that wait for a record, of one officer or of all, the newest first.

    Nobody could write a record before the desk had its first account: older calls do not wait.
    With `account_id` those that this person took, wherever the person sat then.
    `after` is (released_us, call_id) of the last one of the page before.
    """
    released = func.max(agent_parts.c.released_us)
    begun = select(func.min(accounts.c.created_us)).scalar_subquery()
    parts = (
        select(agent_parts.c.call_id, agent_parts.c.agent, released.label("released_us"))
        .where(agent_parts.c.released_us >= since_us, agent_parts.c.released_us >= begun)
        .group_by(agent_parts.c.call_id, agent_parts.c.agent)
    )
    if agent is not None:
        parts = parts.where(agent_parts.c.agent == agent)
    if account_id is not None:
        parts = parts.where(_sat_there(account_id))
    part = parts.subquery("part")
    query = (
        select(part.c.agent, part.c.released_us, calls)
        .select_from(
            part.join(calls, calls.c.call_id == part.c.call_id).outerjoin(
                wrapups,
                and_(wrapups.c.call_id == part.c.call_id, wrapups.c.agent == part.c.agent),
            )
        )
        .where(wrapups.c.call_id.is_(None), ~_still_there(part.c.call_id, part.c.agent))
        .order_by(part.c.released_us.desc(), part.c.call_id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(part.c.released_us, part.c.call_id) < after)
    return [
        Unlogged(
            row.call_id, row.agent, row.entered_us, row.released_us, row.direction,
            row.caller_e164, row.caller_presented, row.caller_name, row.withheld, row.service,
        )
        for row in (await connection.execute(query)).all()
    ]  # fmt: skip


def _sat_there(account_id: str) -> ColumnElement[bool]:
    """The person sat at the officer's telephone while the part began."""
    return (
        select(agent_sessions.c.id)
        .where(
            agent_sessions.c.extension == agent_parts.c.agent,
            agent_sessions.c.account_id == account_id,
            agent_sessions.c.started_us <= agent_parts.c.connected_us,
            or_(
                agent_sessions.c.ended_us.is_(None),
                agent_sessions.c.ended_us >= agent_parts.c.connected_us,
            ),
        )
        .exists()
    )


async def agents_of(connection: AsyncConnection, call_id: str, account_id: str) -> list[str]:
    """As which officers of this call the person sat, in the order of their parts."""
    query = (
        select(agent_parts.c.agent)
        .where(agent_parts.c.call_id == call_id, _sat_there(account_id))
        .order_by(agent_parts.c.ordinal)
    )
    return list(dict.fromkeys((await connection.execute(query)).scalars()))


def _still_there(call_id: ColumnElement[str], agent: ColumnElement[str]) -> ColumnElement[bool]:
    """The officer is in this call now, back after having left it."""
    again = agent_parts.alias("again")
    open_call = calls.alias("open_call")
    return (
        select(again.c.call_id)
        .join(open_call, open_call.c.call_id == again.c.call_id)
        .where(
            again.c.call_id == call_id,
            again.c.agent == agent,
            again.c.released_us.is_(None),
            open_call.c.closed.is_(False),
        )
        .exists()
    )


async def counts(connection: AsyncConnection, since_us: Micros, until_us: Micros) -> list[Count]:
    """Each officer's calls whose part ended in the span, and how many have their record."""
    handled = (
        select(agent_parts.c.call_id, agent_parts.c.agent)
        .where(agent_parts.c.released_us >= since_us, agent_parts.c.released_us < until_us)
        .distinct()
        .subquery("handled")
    )
    query = (
        select(handled.c.agent, func.count(), func.count(wrapups.c.call_id))
        .select_from(
            handled.outerjoin(
                wrapups,
                and_(wrapups.c.call_id == handled.c.call_id, wrapups.c.agent == handled.c.agent),
            )
        )
        .group_by(handled.c.agent)
        .order_by(handled.c.agent)
    )
    return [Count(*row) for row in (await connection.execute(query)).all()]


async def had_part(connection: AsyncConnection, call_id: str, agent: str) -> bool:
    """Whether this officer spoke in the call, as far as the disk knows."""
    query = select(agent_parts.c.agent).where(
        agent_parts.c.call_id == call_id, agent_parts.c.agent == agent
    )
    return (await connection.execute(query.limit(1))).first() is not None


class Wrapups:
    """Saves officers' records, and ends the step `log` with them."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        declare: Declare,
        told: Callable[[Wrapup], None] | None = None,
    ) -> None:
        """`told` hears of every record once it is on disk."""
        self._database = database
        self._clock = clock
        self._declare = declare
        self._told = told

    async def save(
        self, by: Account, call_id: str, agent: str, entry: Entry, based_on: int | None = None
    ) -> Wrapup:
        """Saves the officer's record of the call, drops its draft, and ends the step `log`.

        `based_on` is the version a correction was made from; `None`: nothing is saved yet. Raises
        Refused for what is missing (422), a call without a part of this officer (404), a record
        that is there already (428) or was changed meanwhile (412). The very same again is once.
        """
        entry = checked(entry)
        async with self._database.reading() as connection:
            known = await had_part(connection, call_id, agent)
        if not known:
            await self._declare.settle()  # the line may know what the disk does not yet
        async with self._database.writing() as connection:
            if not known and not await had_part(connection, call_id, agent):
                raise Refused(
                    "no-part-in-call",
                    "ไม่พบสายนี้ในรายการที่เจ้าหน้าที่รับ",
                    "this officer had no part in such a call",
                    404,
                )
            saved = await self._write(connection, by, call_id, agent, entry, based_on)
            await drafts.drop(connection, by.id, f"wrapup:{call_id}")
        await self._declare(call_id, "logged", saved.updated_us, agent)
        if self._told is not None:
            self._told(saved)
        return saved

    async def _write(
        self, connection: AsyncConnection, by: Account, call_id: str, agent: str, entry: Entry,
        based_on: int | None,
    ) -> Wrapup:  # fmt: skip
        before = await find(connection, call_id, agent)
        if entry.subject_id and (before is None or before.entry.subject_id != entry.subject_id):
            await subjects.usable(connection, entry.subject_id)
        now = self._clock.now_us()
        values = {
            "account_id": by.id, "service": entry.service, "subject_id": entry.subject_id,
            "summary": entry.summary, "outcome": entry.outcome, "follow_up": entry.follow_up,
            "follow_up_on": entry.follow_up_on, "follow_up_done": entry.follow_up_done,
            "informed": entry.informed, "asked_agency": entry.asked_agency, "updated_us": now,
        }  # fmt: skip
        if before is None:
            await connection.execute(
                insert(wrapups).values(
                    call_id=call_id, agent=agent, saved_us=now, version=1, **values
                )
            )
            await _tell(connection, now, call_id, agent, 1)
            return Wrapup(call_id, agent, by.id, entry, now, now, 1)
        if based_on is None and (before.entry, before.account_id) == (entry, by.id):
            return before  # sent again: the answer was lost, or its call could not be marked
        if based_on is None:
            raise Refused(
                "saved-already",
                "สายนี้บันทึกไว้แล้ว โปรดโหลดใหม่ก่อนแก้ไข",
                "this call is logged already: load it again, then correct it",
                428,
            )
        if based_on != before.version:
            raise Refused(
                "changed-meanwhile",
                "มีผู้อื่นแก้ไขข้อมูลนี้ไปแล้ว โปรดโหลดใหม่แล้วแก้ไขอีกครั้ง",
                "somebody else has changed this meanwhile: load it again, then repeat the edit",
                412,
            )
        version = before.version + 1
        await connection.execute(
            update(wrapups)
            .where(wrapups.c.call_id == call_id, wrapups.c.agent == agent)
            .values(version=version, **values)
        )
        await _tell(connection, now, call_id, agent, version)
        return Wrapup(call_id, agent, by.id, entry, before.saved_us, now, version)


async def _tell(
    connection: AsyncConnection, at: Micros, call_id: str, agent: str, version: int
) -> None:
    """Other CRMs shall hear of it, after its call; it is counted again."""
    subject = record_id(call_id, agent)
    changed(connection, RECORD_FIGURES, subject)
    await outbox.add(connection, at, outbox.WRAPUP, subject, version, lane=f"call:{call_id}")


async def declare_again(database: Database, declare: Declare) -> int:
    """Declares `logged` for every record whose call lacks the mark; returns how many.

    For a start: between saving the record and marking its call the bridge may have been killed.
    """
    marked = (
        select(marks.c.call_id)
        .where(
            marks.c.call_id == wrapups.c.call_id,
            marks.c.name == "logged",
            marks.c.by_whom == wrapups.c.agent,
        )
        .exists()
    )
    query = (
        select(wrapups.c.call_id, wrapups.c.agent, wrapups.c.saved_us)
        .join(calls, calls.c.call_id == wrapups.c.call_id)
        .where(~marked)
        .order_by(wrapups.c.saved_us)
    )
    async with database.reading() as connection:
        missing = (await connection.execute(query)).all()
    for row in missing:
        await declare(row.call_id, "logged", row.saved_us, row.agent)
    if missing:
        _log.info("records of calls declared again", calls=len(missing))
    return len(missing)


def _of_row(row: Row[Any]) -> Wrapup:
    entry = Entry(
        row.service, row.outcome, row.subject_id, row.summary, row.follow_up, row.follow_up_on,
        row.follow_up_done, row.informed, row.asked_agency,
    )  # fmt: skip
    return Wrapup(
        row.call_id, row.agent, row.account_id, entry, row.saved_us, row.updated_us, row.version
    )
