"""Which lost callers were called back, counted number by number from the calls on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.engine import Connection

from crm_bridge.figures.callbacks import Lost, Spoken, count_number
from crm_bridge.figures.tallies import Tallies
from crm_bridge.records.desk_tables.wrapups import lost_call_ends
from crm_bridge.records.figure_sources import recount
from crm_bridge.records.tables import agent_parts, calls, queue_passages
from ivr.calls.call import INBOUND, OUTBOUND, Outcome

_AT_ONCE: Final = 500
_IN_QUEUE: Final = (Outcome.ABANDONED_QUEUE.value, Outcome.QUEUE_TIMEOUT.value)
_QUEUED: Final = exists().where(queue_passages.c.call_id == calls.c.call_id)
_LOST: Final = and_(
    calls.c.direction == INBOUND,
    calls.c.closed,
    or_(
        calls.c.outcome.in_(_IN_QUEUE),
        and_(calls.c.outcome == Outcome.ABANDONED_MENU.value, _QUEUED),
    ),
)
_SPOKEN: Final = and_(
    calls.c.outcome == Outcome.SERVED.value, calls.c.closed, agent_parts.c.agent.is_not(None)
)


class _Numbers:
    """The numbers of lost callers, E.164."""

    kind = "number"

    def after(self, connection: Connection, last: str, page: int) -> Sequence[str]:
        """The next numbers with a lost call."""
        query = (
            select(calls.c.caller_e164)
            .where(calls.c.caller_e164 > last, _LOST)
            .distinct()
            .order_by(calls.c.caller_e164)
            .limit(page)
        )
        return [str(number) for number in connection.execute(query).scalars()]

    def count(self, connection: Connection, ids: Sequence[str]) -> Mapping[str, Tallies]:
        """Their lost calls."""
        lost: dict[str, list[Lost]] = {}
        spoken: dict[str, list[Spoken]] = {}
        for start in range(0, len(ids), _AT_ONCE):
            for row in _calls(connection, ids[start : start + _AT_ONCE]):
                number, entered = row.caller_e164, row.entered_us
                if row.agent is not None and row.outcome == Outcome.SERVED.value:
                    out = row.direction == OUTBOUND
                    spoken.setdefault(number, []).append(Spoken(entered, row.connected_us, out))
                else:
                    ended = entered if row.ended_us is None else row.ended_us
                    lost.setdefault(number, []).append(Lost(entered, ended, row.end is not None))
        return {
            number: count_number(found, spoken.get(number, ())) for number, found in lost.items()
        }


NUMBERS: Final = _Numbers()


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


def _calls(connection: Connection, numbers: Sequence[str]) -> Sequence[Any]:
    """Lost calls of these numbers, and those in which an officer spoke, in order of entering."""
    joined = calls.outerjoin(
        agent_parts, and_(agent_parts.c.call_id == calls.c.call_id, agent_parts.c.ordinal == 0)
    ).outerjoin(lost_call_ends, lost_call_ends.c.call_id == calls.c.call_id)
    query = (
        select(
            calls.c.caller_e164, calls.c.direction, calls.c.outcome, calls.c.entered_us,
            calls.c.ended_us, agent_parts.c.agent, agent_parts.c.connected_us,
            lost_call_ends.c.call_id.label("end"),
        )
        .select_from(joined)
        .where(calls.c.caller_e164.in_(numbers), or_(_LOST, _SPOKEN))
        .order_by(calls.c.entered_us, calls.c.call_id)
    )  # fmt: skip
    return connection.execute(query).all()
