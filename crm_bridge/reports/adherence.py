"""How officers kept to their shifts: of each, the share in which they were at their work.

Adherence = time ready, in a call, in wrap-up or in an allowed pause within the shift ÷ the shift.
An officer in a call is ready or in wrap-up by the desk's states, so that these need no calls. An
allowed pause is one for a reason of the house (`pause_reasons`), not one made at the telephone
without any. What of a shift is still to come counts for nothing. Microseconds, UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases.working_days import start_of
from crm_bridge.figures.forms import AGENTS
from crm_bridge.planning import shifts
from crm_bridge.planning.shift import Shift
from crm_bridge.records.desk_tables.agents import agent_sessions, agent_states, pause_reasons
from crm_bridge.reports.reading import added_up
from ivr.calls.call import Micros

Span = tuple[Micros, Micros]

_MINUTE: Final = 60_000_000
_AT_WORK: Final = frozenset({"ready", "wrapup"})


@dataclass(frozen=True, slots=True)
class State:
    """What an officer was by the desk, and from when to when; without an end: still is."""

    state: str
    reason: str | None
    started_us: Micros
    ended_us: Micros | None


@dataclass(frozen=True, slots=True)
class Adherence:
    """Of one officer in some days; spans in microseconds."""

    shift_us: int
    """What of the shifts is over."""
    kept_us: int | None
    """None where calls were handled and the desk knows of no sitting: it is not known."""
    beside_us: int
    """At work outside the shifts."""

    @property
    def share(self) -> float | None:
        """None without a shift, or where it is not known."""
        if not self.shift_us or self.kept_us is None:
            return None
        return self.kept_us / self.shift_us


def adherence(
    planned: Iterable[Span], states: Iterable[State], allowed: Collection[str], now: Micros
) -> Adherence:
    """Of one officer: his shifts, what he was, and the reasons for which he may pause."""
    over = _joined((begin, min(end, now)) for begin, end in planned)
    at_work = _joined(
        (s.started_us, now if s.ended_us is None else min(s.ended_us, now))
        for s in states
        if s.state in _AT_WORK or (s.state == "paused" and s.reason in allowed)
    )
    kept = _shared(over, at_work)
    return Adherence(_length(over), kept, _length(at_work) - kept)


async def of_days(
    connection: AsyncConnection, first: date, last: date, now: Micros
) -> dict[str, Adherence]:
    """By officer (the extension), of whoever was planned or sat at the desk in these days."""
    since, until = start_of(first), start_of(last + timedelta(days=1))
    planned: defaultdict[str, list[Span]] = defaultdict(list)
    for shift in await shifts.between(connection, first, last):
        planned[shift.agent].append(span_of(shift))
    states: defaultdict[str, list[State]] = defaultdict(list)
    for agent, state in await _states(connection, since, until):
        states[agent].append(state)
    reasons = await connection.execute(select(pause_reasons.c.code))
    allowed = frozenset(row.code for row in reasons)
    handled = await added_up(connection, AGENTS, ("agent",), since=since, until=until, spans=False)
    worked = {str(agent) for (agent,), tally in handled.items() if tally.counts[0]}
    found = {}
    for agent in sorted({*planned, *states}):
        one = adherence(planned[agent], states[agent], allowed, now)
        if not (planned[agent] or one.beside_us):
            continue
        unseen = agent in worked and not states[agent]
        found[agent] = Adherence(one.shift_us, None if unseen else one.kept_us, one.beside_us)
    return found


def span_of(shift: Shift) -> Span:
    """When a shift begins and ends."""
    midnight = start_of(shift.day)
    return midnight + shift.from_minute * _MINUTE, midnight + shift.to_minute * _MINUTE


async def _states(
    connection: AsyncConnection, since: Micros, until: Micros
) -> list[tuple[str, State]]:
    """States that reach into the span, cut to it."""
    table = agent_states.c
    rows = await connection.execute(
        select(
            agent_sessions.c.extension, table.state, table.reason, table.started_us, table.ended_us
        )
        .join(agent_sessions, agent_sessions.c.id == table.session_id)
        .where(table.started_us < until, or_(table.ended_us.is_(None), table.ended_us > since))
    )
    return [
        (
            row.extension,
            State(
                row.state, row.reason, max(row.started_us, since),
                until if row.ended_us is None or row.ended_us > until else row.ended_us,
            ),
        )
        for row in rows
    ]  # fmt: skip


def _joined(spans: Iterable[Span]) -> list[Span]:
    """In order, without overlaps and what is nothing: two sittings at once are one officer."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if end <= begin:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found


def _length(spans: Sequence[Span]) -> int:
    return sum(end - begin for begin, end in spans)


def _shared(ones: Sequence[Span], others: Sequence[Span]) -> int:
    """How long both are, of two lists in order without overlaps."""
    found = n = m = 0
    while n < len(ones) and m < len(others):
        begin, end = max(ones[n][0], others[m][0]), min(ones[n][1], others[m][1])
        found += max(0, end - begin)
        if ones[n][1] < others[m][1]:
            n += 1
        else:
            m += 1
    return found
