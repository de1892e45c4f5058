"""What was on record before a CRM was joined, or is to go there once more, put into its outbox.

Entries are the same as those that the change itself would have made: what is in the outbox already
is not put there twice, and what is there on the other side is brought up to date, never doubled.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.delivery import outbox
from crm_bridge.delivery.outbox import State
from crm_bridge.records import outbox as entries
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables import connectors as tables
from crm_bridge.records.desk_tables.cases import case_events, cases
from crm_bridge.records.desk_tables.people import erased_calls
from crm_bridge.records.desk_tables.wrapups import wrapups
from crm_bridge.records.tables import calls
from ivr.calls.call import Micros

AT_ONCE = 100
"""Calls or cases of one transaction: the line writes between them."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One entry that shall be in the outbox."""

    kind: str
    subject: str
    revision: int
    lane: str
    contact: str | None = None


@dataclass(slots=True)
class Put:
    """What became of them: put there, put there once more, or left as they were."""

    records: int = 0
    """Calls and cases that were found."""
    new: int = 0
    again: int = 0
    left: int = 0


async def send(
    database: Database,
    clock: Clock,
    connector: str,
    by: Account,
    *,
    call_ids: Sequence[str] = (),
    tickets: Sequence[str] = (),
    since: Micros | None = None,
    until: Micros | None = None,
    again: bool = False,
) -> Put:
    """Puts calls and cases into one CRM's outbox: those named, and those of a time.

    Of a time are calls that entered then, with what officers wrote of them, and cases that were
    recorded or acted on then, from their first entry on. `again`: also what went through already.
    """
    put = Put()
    async for found in _found(database, call_ids, tickets, since, until):
        async with database.writing() as connection:
            for record in found:
                put.records += 1
                for one in record:
                    await _add(connection, clock, connector, by, one, put, again=again)
    return put


async def _found(
    database: Database,
    call_ids: Sequence[str],
    tickets: Sequence[str],
    since: Micros | None,
    until: Micros | None,
) -> AsyncIterator[list[list[Sending]]]:
    """Records by the hundred, each with its entries in order; calls first."""
    dated = since is not None or until is not None
    wanted_calls: list[ColumnElement[bool]] = []
    wanted_cases: list[ColumnElement[bool]] = []
    if call_ids:
        wanted_calls.append(calls.c.call_id.in_(call_ids))
    if tickets:
        wanted_cases.append(cases.c.ticket.in_(tickets))
    if dated:
        low, high = since or 0, until if until is not None else 2**62
        wanted_calls.append(calls.c.entered_us.between(low, high - 1))
        acted = exists().where(
            case_events.c.case_id == cases.c.id, case_events.c.at_us.between(low, high - 1)
        )
        wanted_cases.append(acted)
    if wanted_calls:
        after = (-1, "")
        while True:
            async with database.reading() as connection:
                page, after = await _calls(connection, or_(*wanted_calls), after)
            if not page:
                break
            yield page
    if wanted_cases:
        last = (-1, "")
        while True:
            async with database.reading() as connection:
                page, last = await _cases(connection, or_(*wanted_cases), last)
            if not page:
                break
            yield page


async def _calls(
    connection: AsyncConnection, wanted: ColumnElement[bool], after: tuple[Micros, str]
) -> tuple[list[list[Sending]], tuple[Micros, str]]:
    table = calls.c
    query = (
        select(table.call_id, table.revision, table.caller_e164, table.entered_us)
        .where(
            wanted,
            table.closed.is_(True),
            table.call_id.not_in(select(erased_calls.c.call_id)),
            _behind(table.entered_us, table.call_id, after),
        )
        .order_by(table.entered_us, table.call_id)
        .limit(AT_ONCE)
    )
    heads = (await connection.execute(query)).all()
    found: dict[str, list[Sending]] = {
        row.call_id: [
            Sending(entries.CALL, row.call_id, row.revision, f"call:{row.call_id}",
                    row.caller_e164)
        ]
        for row in heads
    }  # fmt: skip
    written = (
        select(wrapups.c.call_id, wrapups.c.agent, wrapups.c.version)
        .where(wrapups.c.call_id.in_(list(found)))
        .order_by(wrapups.c.saved_us, wrapups.c.agent)
    )
    for row in await connection.execute(written):
        subject = f"{row.call_id}/{row.agent}"
        found[row.call_id].append(
            Sending(entries.WRAPUP, subject, row.version, f"call:{row.call_id}")
        )
    return list(found.values()), (heads[-1].entered_us, heads[-1].call_id) if heads else after


async def _cases(
    connection: AsyncConnection, wanted: ColumnElement[bool], after: tuple[Micros, str]
) -> tuple[list[list[Sending]], tuple[Micros, str]]:
    table = cases.c
    query = (
        select(table.id, table.complainant_number, table.recorded_us)
        .where(wanted, _behind(table.recorded_us, table.id, after))
        .order_by(table.recorded_us, table.id)
        .limit(AT_ONCE)
    )
    heads = (await connection.execute(query)).all()
    numbers = {row.id: row.complainant_number for row in heads}
    found: dict[str, list[Sending]] = {row.id: [] for row in heads}
    timeline = (
        select(case_events.c.case_id, case_events.c.ordinal)
        .where(case_events.c.case_id.in_(list(found)))
        .order_by(case_events.c.case_id, case_events.c.ordinal)
    )
    for row in await connection.execute(timeline):
        found[row.case_id].append(
            Sending(entries.CASE, row.case_id, row.ordinal, f"case:{row.case_id}",
                    numbers[row.case_id])
        )  # fmt: skip
    return list(found.values()), (heads[-1].recorded_us, heads[-1].id) if heads else after


def _behind(
    at: ColumnElement[int], key: ColumnElement[str], after: tuple[Micros, str]
) -> ColumnElement[bool]:
    return or_(at > after[0], (at == after[0]) & (key > after[1]))


async def _add(
    connection: AsyncConnection,
    clock: Clock,
    connector: str,
    by: Account,
    one: Sending,
    put: Put,
    *,
    again: bool,
) -> None:
    table = tables.outbox
    query = select(table.c.seq, table.c.state).where(
        table.c.connector == connector, table.c.kind == one.kind,
        table.c.subject == one.subject, table.c.revision == one.revision,
    )  # fmt: skip
    there = (await connection.execute(query)).one_or_none()
    if there is None:
        await connection.execute(
            insert(table).values(
                connector=connector, kind=one.kind, subject=one.subject, revision=one.revision,
                lane=one.lane, contact=one.contact, state=State.WAITING, made_us=clock.now_us(),
                next_us=0, attempts=0, charged=0, version=1,
            )
        )  # fmt: skip
        put.new += 1
    elif again and there.state != State.WAITING:
        await outbox.resend(connection, clock, there.seq, by)
        put.again += 1
    else:
        put.left += 1
