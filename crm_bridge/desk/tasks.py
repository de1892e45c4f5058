"""What waits for an agent while no call does: records to write, callers to call back, cases due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases import calendars
from crm_bridge.cases.workflow import OPEN, STATES, State
from crm_bridge.clock import Clock
from crm_bridge.desk.lost_calls import LostCall, lost_calls
from crm_bridge.desk.wrapups import Unlogged, unlogged
from crm_bridge.recordings import voicemail
from crm_bridge.recordings.voicemail import Voicemail
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.records.tables import agent_parts, calls
from ivr.calls.call import Micros

MOST: Final = 12
"""Lines of each list; the pages behind them show all."""

_DAYS_BACK: Final = 14 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class DueCase:
    """A case that this agent owns and nobody has settled."""

    ticket: str
    title: str
    state: tuple[str, str]
    due_us: Micros | None
    left: int | None
    """Working days left; negative: overdue."""
    to_propose: bool
    """It is the agent who must act next."""


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call this agent spoke in."""

    call_id: str
    direction: str
    presented: str | None
    name: str | None
    withheld: bool
    service: str | None
    connected_us: Micros
    released_us: Micros | None


@dataclass(frozen=True, slots=True)
class Tasks:
    """The lists of the idle page."""

    unlogged: list[Unlogged]
    lost: list[LostCall]
    messages: list[Voicemail]
    cases: list[DueCase]
    past: list[PastCall]


async def tasks(
    connection: AsyncConnection, clock: Clock, account: Account, agent: str | None
) -> Tasks:
    """What waits for this account, and for the extension where it sits."""
    since = clock.now_us() - _DAYS_BACK
    waiting = await unlogged(connection, None, account_id=account.id, since_us=since, limit=MOST)
    past = await _past(connection, agent) if agent is not None else []
    lost = (await lost_calls(connection, clock))[:MOST]
    messages = (await voicemail.waiting(connection))[:MOST]
    return Tasks(waiting, lost, messages, await _due(connection, clock, account), past)


async def _past(connection: AsyncConnection, agent: str) -> list[PastCall]:
    query = (
        select(
            calls.c.call_id, calls.c.direction, calls.c.caller_presented, calls.c.caller_name,
            calls.c.withheld, calls.c.service, agent_parts.c.connected_us,
            agent_parts.c.released_us,
        )
        .select_from(agent_parts.join(calls, calls.c.call_id == agent_parts.c.call_id))
        .where(agent_parts.c.agent == agent)
        .order_by(calls.c.entered_us.desc(), calls.c.call_id.desc(), agent_parts.c.ordinal.desc())
        .limit(MOST)
    )  # fmt: skip
    return [PastCall(*row) for row in (await connection.execute(query)).all()]


async def _due(connection: AsyncConnection, clock: Clock, account: Account) -> list[DueCase]:
    query = (
        select(cases.c.ticket, cases.c.title, cases.c.state, cases.c.due_us)
        .where(cases.c.owner == account.id, cases.c.state.in_([state.value for state in OPEN]))
        .order_by(func.coalesce(cases.c.due_us, 0), cases.c.recorded_us)
        .limit(MOST)
    )
    rows = (await connection.execute(query)).all()
    calendar = await calendars.current(connection, clock) if rows else None
    now = clock.now_us()
    found = []
    for ticket, title, state, due in rows:
        left = calendar.left(now, due) if calendar is not None and due is not None else None
        mine = State(state) in {State.RECORDED, State.RETURNED, State.ANSWERED}
        found.append(DueCase(ticket, title, STATES[State(state)], due, left, mine))
    return found
