"""Which lost callers were called back, counted number by number from the calls on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.engine import Connection

from crm_bridge.figures.callbacks import Lost, Spoken, count_each, count_number
from crm_bridge.figures.tallies import Tallies
from crm_bridge.records.desk_tables.wrapups import lost_call_ends
from crm_bridge.records.figure_sources import recount
from crm_bridge.records.tables import agent_parts, callers, calls, queue_passages
from ivr.calls.call import INBOUND, OUTBOUND, Outcome

_AT_ONCE: Final = 500
_IN_QUEUE: Final = (Outcome.ABANDONED_QUEUE.value, Outcome.QUEUE_TIMEOUT.value)
_QUEUED: Final = exists().where(queue_passages.c.call_id == calls.c.call_id)


def _lost(outcome: ColumnElement[str]) -> ColumnElement[bool]:
    return and_(
        calls.c.direction == INBOUND,
        calls.c.closed,
        or_(
            outcome.in_(_IN_QUEUE),
            and_(outcome == Outcome.ABANDONED_MENU.value, _QUEUED),
        ),
    )


LOST: Final = _lost(calls.c.outcome)
"""Calls that are lost, with a number or without."""
OUTCOME_OF_NUMBERS: Final = calls.c.outcome.concat("")
"""Where numbers are given: by the index of outcomes SQLite would read every such call there is."""
_OF_THEM: Final = or_(
    _lost(OUTCOME_OF_NUMBERS),
    and_(
        OUTCOME_OF_NUMBERS.in_((Outcome.SERVED.value,)),
        calls.c.closed,
        agent_parts.c.agent.is_not(None),
    ),
)
"""Lost calls, and those in which an officer spoke."""


class _Numbers:
    """The numbers of lost callers, E.164."""

    kind = "number"

    def after(self, connection: Connection, last: str, page: int) -> Sequence[str]:
        """The next numbers with a lost call."""
        # by the callers: asked of the calls alone, SQLite reads every lost call for each page
        query = (
            select(callers.c.e164)
            .where(callers.c.e164 > last)
            .where(exists().where(calls.c.caller_e164 == callers.c.e164, LOST))
            .order_by(callers.c.e164)
            .limit(page)
        )
        return [str(number) for number in connection.execute(query).scalars()]

    def count(self, connection: Connection, ids: Sequence[str]) -> Mapping[str, Tallies]:
        """Their lost calls."""
        return {
            number: count_number([lost for _, lost in found], spoken)
            for number, (found, spoken) in _of_numbers(connection, ids).items()
        }


NUMBERS: Final = _Numbers()


def lost_alone(connection: Connection, call_ids: Sequence[str]) -> dict[str, Tallies]:
    """What each of these calls adds by itself; one that is not lost, or has no number, nothing."""
    query = select(calls.c.caller_e164).where(
        calls.c.call_id.in_(list(call_ids)), calls.c.caller_e164.is_not(None), LOST
    )
    numbers = [str(number) for number in connection.execute(query.distinct()).scalars()]
    wanted = set(call_ids)
    alone: dict[str, Tallies] = {}
    for found, spoken in _of_numbers(connection, numbers).values():
        each = count_each([lost for _, lost in found], spoken)
        ids = [call_id for call_id, _ in found]
        alone.update((i, t) for i, t in zip(ids, each, strict=True) if i in wanted)
    return alone


def recount_numbers(connection: Connection, tallies: Tallies) -> None:
    """Counts again the lost calls of numbers whose calls were counted or taken back just now."""
    wanted = [number for number, lost in tallies.numbers.items() if lost]
    maybe = [number for number, lost in tallies.numbers.items() if not lost]
    if maybe:
        wanted += _known(connection, maybe)
    if wanted:
        recount(connection, NUMBERS, wanted)


def _known(connection: Connection, numbers: list[str]) -> list[str]:
    """Those of them of which a lost call is counted."""
    sqlite = connection.dialect.name == "sqlite"
    given: Any = json.dumps(numbers) if sqlite else numbers
    which = "SELECT value FROM json_each(?)" if sqlite else "SELECT unnest($1::text[])"
    sql = f"SELECT id FROM figures_added WHERE kind = 'number' AND id IN ({which})"  # noqa: S608  constants only
    return [str(number) for number in connection.exec_driver_sql(sql, (given,)).scalars()]


_Found = tuple[list[tuple[str, Lost]], list[Spoken]]


def _of_numbers(connection: Connection, numbers: Sequence[str]) -> dict[str, _Found]:
    """By number its lost calls with their ids, where it has some, and those in which one spoke."""
    found: dict[str, _Found] = {}
    for start in range(0, len(numbers), _AT_ONCE):
        for row in _calls(connection, numbers[start : start + _AT_ONCE]):
            lost, spoken = found.setdefault(row.caller_e164, ([], []))
            entered = row.entered_us
            if row.agent is not None and row.outcome == Outcome.SERVED.value:
                out = row.direction == OUTBOUND
                spoken.append(Spoken(entered, row.connected_us, out))
            else:
                ended = entered if row.ended_us is None else row.ended_us
                lost.append((row.call_id, Lost(entered, ended, row.end is not None)))
    return {number: both for number, both in found.items() if both[0]}


def _calls(connection: Connection, numbers: Sequence[str]) -> Sequence[Any]:
    """Lost calls of these numbers, and those in which an officer spoke, in order of entering."""
    joined = calls.outerjoin(
        agent_parts, and_(agent_parts.c.call_id == calls.c.call_id, agent_parts.c.ordinal == 0)
    ).outerjoin(lost_call_ends, lost_call_ends.c.call_id == calls.c.call_id)
    query = (
        select(
            calls.c.call_id, calls.c.caller_e164, calls.c.direction, calls.c.outcome,
            calls.c.entered_us, calls.c.ended_us, agent_parts.c.agent, agent_parts.c.connected_us,
            lost_call_ends.c.call_id.label("end"),
        )
        .select_from(joined)
        .where(calls.c.caller_e164.in_(numbers), _OF_THEM)
        .order_by(calls.c.entered_us, calls.c.call_id)
    )  # fmt: skip
    return connection.execute(query).all()
