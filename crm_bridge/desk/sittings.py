"""Agents' sittings on disk: begun, changed, ended; who sits where; the reasons for a pause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.desk.agent_states import Sitting, Source, State, Whose
from crm_bridge.desk.desk_figures import SITTING_FIGURES
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.agents import agent_sessions, agent_states, pause_reasons
from crm_bridge.records.figure_sources import changed
from ivr.calls.call import Micros


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an agent may pause."""

    code: str
    name_th: str
    name_en: str


async def reasons(connection: AsyncConnection, *, every: bool = False) -> list[Reason]:
    """The reasons in the order in which they are offered; `every`: also those not offered."""
    query = select(pause_reasons).order_by(pause_reasons.c.position, pause_reasons.c.code)
    if not every:
        query = query.where(pause_reasons.c.active)
    rows = (await connection.execute(query)).mappings()
    return [Reason(row["code"], row["name_th"], row["name_en"]) for row in rows]


async def open_sittings(connection: AsyncConnection) -> list[Sitting]:
    """Everyone who is signed in."""
    supervisor = accounts.alias("supervisor")
    query = (
        select(
            agent_sessions.c.id.label("session_id"),
            agent_sessions.c.account_id,
            agent_sessions.c.extension,
            agent_sessions.c.queues,
            agent_sessions.c.started_us.label("signed_in_us"),
            agent_states.c.id.label("state_id"),
            agent_states.c.state,
            agent_states.c.reason,
            agent_states.c.call_id,
            agent_states.c.source,
            agent_states.c.started_us,
            accounts.c.name_th,
            accounts.c.name_en,
            supervisor.c.id.label("by_id"),
            supervisor.c.name_th.label("by_th"),
            supervisor.c.name_en.label("by_en"),
        )
        .join(agent_states, agent_states.c.session_id == agent_sessions.c.id)
        .join(accounts, accounts.c.id == agent_sessions.c.account_id)
        .outerjoin(supervisor, supervisor.c.id == agent_states.c.by_account)
        .where(agent_sessions.c.ended_us.is_(None), agent_states.c.ended_us.is_(None))
        .order_by(agent_sessions.c.extension)
    )
    return [_sitting(row) for row in (await connection.execute(query)).mappings()]


def _sitting(row: Any) -> Sitting:
    return Sitting(
        session_id=row["session_id"],
        account_id=row["account_id"],
        extension=row["extension"],
        queues=tuple(row["queues"].split()),
        signed_in_at=row["signed_in_us"],
        state_id=row["state_id"],
        state=State(row["state"]),
        since=row["started_us"],
        source=Source(row["source"]),
        reason=row["reason"],
        call_id=row["call_id"],
        name_th=row["name_th"],
        name_en=row["name_en"],
        by=Whose(row["by_id"], row["by_th"], row["by_en"]) if row["by_id"] else None,
    )


async def begin(connection: AsyncConnection, sitting: Sitting) -> None:
    """Keeps that a person sits down."""
    await connection.execute(
        insert(agent_sessions).values(
            id=sitting.session_id,
            account_id=sitting.account_id,
            extension=sitting.extension,
            queues=" ".join(sitting.queues),
            started_us=sitting.signed_in_at,
        )
    )
    await _begin_state(connection, sitting)


async def change(connection: AsyncConnection, before: Sitting, after: Sitting) -> None:
    """Keeps another state (or other queues) of the same sitting."""
    if after.queues != before.queues:
        await connection.execute(
            update(agent_sessions)
            .where(agent_sessions.c.id == after.session_id)
            .values(queues=" ".join(after.queues))
        )
    if after.state_id != before.state_id:
        await _end_states(connection, before.session_id, after.since)
        await _begin_state(connection, after)


async def end(connection: AsyncConnection, sitting: Sitting, at: Micros, why: str) -> None:
    """Keeps that the person has left."""
    await _end_states(connection, sitting.session_id, at)
    await connection.execute(
        update(agent_sessions)
        .where(agent_sessions.c.id == sitting.session_id, agent_sessions.c.ended_us.is_(None))
        .values(ended_us=at, ended_why=why)
    )


async def _begin_state(connection: AsyncConnection, sitting: Sitting) -> None:
    await connection.execute(
        insert(agent_states).values(
            id=sitting.state_id,
            session_id=sitting.session_id,
            state=sitting.state.value,
            reason=sitting.reason,
            call_id=sitting.call_id,
            source=sitting.source.value,
            started_us=sitting.since,
            by_account=sitting.by.account_id if sitting.by is not None else None,
        )
    )


async def _end_states(connection: AsyncConnection, session_id: str, at: Micros) -> None:
    changed(connection, SITTING_FIGURES, session_id)
    await connection.execute(
        update(agent_states)
        .where(agent_states.c.session_id == session_id, agent_states.c.ended_us.is_(None))
        .values(ended_us=at)
    )


async def history(connection: AsyncConnection, session_id: str) -> Sequence[Any]:
    """The states of one sitting, in order of time."""
    query = (
        select(agent_states)
        .where(agent_states.c.session_id == session_id)
        .order_by(agent_states.c.started_us, agent_states.c.id)
    )
    return (await connection.execute(query)).mappings().all()
