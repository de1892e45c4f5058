"""The sittings behind officers' time at the desk: each state that is over, and what of it lies in
the days.

Days are whole, so what of a state is counted in them is where the two overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.figures.forms import AGENT_TIMES
from crm_bridge.records.desk_tables.agents import agent_sessions, agent_states, pause_reasons
from crm_bridge.reports.figure import Figure, total_of
from crm_bridge.reports.sheets import Words
from ivr.calls.call import Micros

TIMES: Final = AGENT_TIMES.name.removeprefix("figures_")

Place = tuple[Micros, str]
"""Where a page ends: when the last state on it began, and its id."""


@dataclass(frozen=True, slots=True)
class Spent:
    """A state in which an officer was, from its beginning to its end."""

    agent: str
    state: str
    reason: Words | None
    """Of a pause."""
    started_us: Micros
    ended_us: Micros
    counted: Micros
    """What of it lies in the days."""


@dataclass(frozen=True, slots=True)
class Times:
    """A page of the states behind a time, the latest first; `next` is where the next one begins."""

    total: Micros
    """The figure."""
    found: tuple[Spent, ...]
    next: Place | None


async def times_behind(
    connection: AsyncConnection, figure: Figure, *, after: Place | None = None, limit: int = 50
) -> Times:
    """A page of the states behind a figure of `AGENT_TIMES`; raises StorageError."""
    table, period = agent_states.c, figure.period
    columns = {"agent": agent_sessions.c.extension, "state": table.state, "reason": table.reason}
    query = (
        select(
            table.id, agent_sessions.c.extension, table.state, table.reason, table.started_us,
            table.ended_us, pause_reasons.c.name_th, pause_reasons.c.name_en,
        )
        .select_from(
            agent_states.join(agent_sessions, agent_sessions.c.id == table.session_id)
            .outerjoin(pause_reasons, pause_reasons.c.code == table.reason)
        )
        .where(
            table.started_us < period.until,
            table.ended_us > period.since,
            table.ended_us > table.started_us,
            *(
                columns[name] == value
                if value
                else columns[name].is_(None)
                for name, value in figure.only.items()
            ),
        )
        .order_by(table.started_us.desc(), table.id.desc())
        .limit(limit + 1)
    )  # fmt: skip
    if after is not None:
        query = query.where(tuple_(table.started_us, table.id) < after)
    rows = (await connection.execute(query)).all()
    found = [
        Spent(
            row.extension, row.state, _reason(row.reason, row.name_th, row.name_en),
            row.started_us, row.ended_us,
            min(row.ended_us, period.until) - max(row.started_us, period.since),
        )
        for row in rows[:limit]
    ]  # fmt: skip
    last = rows[limit - 1] if len(rows) > limit else None
    place = None if last is None else (int(last.started_us), str(last.id))
    return Times(await total_of(connection, figure), tuple(found), place)


def _reason(code: str | None, th: str | None, en: str | None) -> Words | None:
    if not code:
        return None
    return (th or en or code, en or th or code)
