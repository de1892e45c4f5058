"""How the queues went of late: how long officers need for a caller, and who gives up waiting.

From the records, read again and again beside the line: no caller waits for the database to hear how
long he will wait, and without one the last figures stand for a while.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.desk.agent_states import State
from crm_bridge.records.desk_tables.agents import agent_states
from crm_bridge.records.tables import agent_parts, calls, queue_passages
from ivr.calls.call import INBOUND, Micros, PassageOutcome

WITHIN: Final = 24 * 3600 * 1_000_000
"""Calls of so long (µs) ago are of late."""
LATE: Final = 40
"""The last calls of a queue that count."""
FEWEST: Final = 5
"""Fewer calls than that say nothing."""
GOOD_FOR: Final = 900 * 1_000_000
"""Figures that could not be read again for so long (µs) are not believed any more."""

_ROWS: Final = 600
_SECOND: Final = 1_000_000
_EARLY: Final = 2 * _SECOND
"""An officer's part may begin so long before the queue says that he has the caller."""
_WAITED: Final = 5 * _SECOND
"""Who gave up, or was answered, sooner than that has not waited."""


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """Seconds and shares by queue, as read at one moment."""

    read_us: Micros
    talking: Mapping[str, float] = field(default_factory=dict)
    """From the answer until the officer is out of the call."""
    talking_anywhere: float | None = None
    writing: float = 0.0
    """Until he takes the next one; all queues together."""
    leaving: Mapping[str, float] = field(default_factory=dict)
    """Share of those who waited that gave up."""

    def handling(self, queue: str, now: Micros) -> float | None:
        """Seconds of an officer's that a caller of this queue takes; None where not known."""
        if now - self.read_us > GOOD_FOR:
            return None
        talking = self.talking.get(queue, self.talking_anywhere)
        return None if talking is None else talking + self.writing


async def read(connection: AsyncConnection, now: Micros) -> QueueFigures:
    """The figures of the last calls."""
    passages, parts = queue_passages.c, agent_parts.c
    rows = await connection.execute(
        select(
            passages.call_id, passages.queue, passages.joined_us, passages.left_us,
            passages.outcome, parts.connected_us, parts.released_us,
        )
        .select_from(calls)
        .join(queue_passages, passages.call_id == calls.c.call_id)
        .outerjoin(
            agent_parts,
            and_(
                parts.call_id == passages.call_id, parts.connected_us >= passages.left_us - _EARLY
            ),
        )
        .where(
            calls.c.direction == INBOUND, calls.c.entered_us > now - WITHIN,
            passages.left_us.is_not(None),
            passages.outcome.in_([PassageOutcome.ANSWERED.value, PassageOutcome.ABANDONED.value]),
        )
        .order_by(calls.c.entered_us.desc(), parts.connected_us)
        .limit(_ROWS)
    )  # fmt: skip
    talking: dict[str, list[float]] = defaultdict(list)
    waited: dict[str, list[bool]] = defaultdict(list)
    seen = set()
    for row in rows:
        if (key := (row.call_id, row.joined_us)) in seen:
            continue  # whom the first officer handed the caller to
        seen.add(key)
        answered = row.outcome == PassageOutcome.ANSWERED.value
        if row.left_us - row.joined_us > _WAITED:
            waited[row.queue].append(not answered)
        if answered and row.released_us is not None:
            talking[row.queue].append((row.released_us - row.left_us) / _SECOND)
    every = [seconds for found in talking.values() for seconds in found]
    return QueueFigures(
        now,
        {queue: _mean(found[:LATE]) for queue, found in talking.items() if len(found) >= FEWEST},
        _mean(every[:LATE]) if len(every) >= FEWEST else None,
        await _writing(connection, now),
        {queue: _mean(found[:LATE]) for queue, found in waited.items() if len(found) >= FEWEST},
    )


async def _writing(connection: AsyncConnection, now: Micros) -> float:
    states = agent_states.c
    rows: Any = await connection.execute(
        select(states.started_us, states.ended_us)
        .where(
            states.state == State.WRAPUP.value, states.started_us > now - WITHIN,
            states.ended_us.is_not(None),
        )
        .order_by(states.started_us.desc())
        .limit(LATE)
    )  # fmt: skip
    took = [(row.ended_us - row.started_us) / _SECOND for row in rows]
    return _mean(took) if len(took) >= FEWEST else 0.0


def _mean(found: Iterable[float]) -> float:
    values = list(found)
    return sum(values) / len(values)
