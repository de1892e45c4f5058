"""How a case is brought to a state by acts alone, and which cases moved since a moment."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases import directing, proceedings
from crm_bridge.cases.case import Case
from crm_bridge.cases.workflow import OPEN, TABLE, Act, State
from crm_bridge.clock import Clock
from crm_bridge.records.desk_tables.cases import case_events, cases
from ivr.calls.call import Micros

ACTS: Final = (Act.PROPOSE, Act.RETURN, Act.SETTLE, Act.CLOSE, Act.REOPEN, Act.CANCEL)
"""Acts that need nothing but a word of why: which agency answers what is for people to say."""

_THROUGH: Final = frozenset({State.RECORDED, State.PROPOSED})
"""States a case may go through on its way. It is never settled, closed or cancelled in passing,
but settled in order to be closed."""


def path(start: State, to: State) -> tuple[Act, ...] | None:
    """The fewest acts that lead from one state to another; `None` where none do."""
    ways: deque[tuple[State, tuple[Act, ...]]] = deque([(start, ())])
    been = {start}
    while ways:
        state, acts = ways.popleft()
        if state is to:
            return acts
        settled = state is State.SETTLED and to is State.CLOSED and start in OPEN
        if acts and not settled and state not in _THROUGH:
            continue
        for act in ACTS:
            rule = TABLE.get((state, act))
            if rule is not None and isinstance(rule.to, State) and rule.to not in been:
                been.add(rule.to)
                ways.append((rule.to, (*acts, act)))
    return None


async def perform(
    connection: AsyncConnection, clock: Clock, by: Account, ticket: str, act: Act, *,
    said: str, told: str,
) -> Case:  # fmt: skip
    """Does one of `ACTS` by the rooms' own function; `said` is why, `told` how a result was told.

    Refused where the account may not do it.
    """
    does: Mapping[Act, Callable[..., Awaitable[Case]]] = {
        Act.PROPOSE: proceedings.propose,
        Act.RETURN: directing.return_,
        Act.SETTLE: directing.settle,
        Act.CLOSE: proceedings.close,
        Act.REOPEN: proceedings.reopen,
        Act.CANCEL: proceedings.cancel,
    }
    words: Mapping[Act, Mapping[str, str]] = {
        Act.PROPOSE: {"note": said},
        Act.RETURN: {"reason": said},
        Act.SETTLE: {"text": said},
        Act.CLOSE: {"how": told, "note": said},
        Act.REOPEN: {"reason": said},
        Act.CANCEL: {"why": "other", "note": said},
    }
    return await does[act](connection, clock, by, ticket, **words[act])


async def moves(connection: AsyncConnection, maker: str, since: Micros) -> Sequence[Row[Any]]:
    """Entries after `since` that changed the state of a case made by key, the oldest first.

    `maker`: the account that made it. Each with ordinal, at_us and by_name, the case's ticket and
    made_key, and its state `now`.
    """
    before = case_events.alias("before")
    query: Select[Any] = (
        select(
            cases.c.ticket,
            cases.c.made_key,
            cases.c.state.label("now"),
            case_events.c.ordinal,
            case_events.c.at_us,
            case_events.c.by_name,
        )
        .join(cases, cases.c.id == case_events.c.case_id)
        .join(
            before,
            and_(
                before.c.case_id == case_events.c.case_id,
                before.c.ordinal == case_events.c.ordinal - 1,
            ),
        )
        .where(
            case_events.c.at_us > since,
            case_events.c.state != before.c.state,
            cases.c.created_by == maker,
            cases.c.made_key.is_not(None),
        )
        .order_by(case_events.c.at_us, case_events.c.case_id, case_events.c.ordinal)
    )
    rows: Sequence[Row[Any]] = (await connection.execute(query)).all()
    return rows
