"""What happened to a case: one row an act, in order, never changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.cases.case_figures import CASE_FIGURES
from crm_bridge.cases.workflow import Act
from crm_bridge.records import outbox
from crm_bridge.records.desk_tables.cases import case_events, cases
from crm_bridge.records.figure_sources import changed
from ivr.calls.call import Micros

_TO_AGENCIES: Final = frozenset({Act.NOTE, Act.ATTACH})
"""What the centre writes to all agencies of a case, where it is not internal."""
_CODES: Final = frozenset({"how", "why"})
"""Parts of a body that are chosen, not written."""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry; `body` holds what was said and set, by name."""

    ordinal: int
    at: Micros
    kind: str
    by_account: str | None
    by_name: str
    agency: str | None
    state: str
    internal: bool
    body: dict[str, Any]


async def add(
    connection: AsyncConnection,
    case_id: str,
    *,
    at: Micros,
    kind: str,
    by: Account | None,
    state: str,
    agency: str | None = None,
    internal: bool = False,
    body: dict[str, Any] | None = None,
) -> int:
    """Writes the next entry of a case and returns its ordinal; `by` None is the program itself.

    Other CRMs hear of it too, and the case is counted again.
    """
    table = case_events.c
    last = await connection.scalar(select(func.max(table.ordinal)).where(table.case_id == case_id))
    ordinal = 0 if last is None else last + 1
    changed(connection, CASE_FIGURES, case_id)
    await connection.execute(
        insert(case_events).values(
            case_id=case_id,
            ordinal=ordinal,
            at_us=at,
            kind=kind,
            by_account=by.id if by else None,
            by_name=by.name() if by else "",
            agency=agency,
            state=state,
            internal=internal,
            body=json.dumps(body or {}, ensure_ascii=False, separators=(",", ":")),
        )
    )
    number = select(cases.c.complainant_number).where(cases.c.id == case_id)
    await outbox.add(
        connection, at, outbox.CASE, case_id, ordinal, lane=f"case:{case_id}",
        contact=await connection.scalar(number),
    )  # fmt: skip
    return ordinal


async def last(connection: AsyncConnection, case_id: str, kind: str) -> Micros | None:
    """When the newest entry of that kind was written."""
    table = case_events.c
    found: Micros | None = await connection.scalar(
        select(func.max(table.at_us)).where(table.case_id == case_id, table.kind == kind)
    )
    return found


async def read(connection: AsyncConnection, case_id: str, by: Account) -> list[Event]:
    """The entries that this account may read, in order.

    An outside account reads what concerns all or its own agency, and nothing internal; of what the
    centre did for itself, that it was done: its words may name the complainant or other agencies.
    """
    table = case_events
    query = select(table).where(table.c.case_id == case_id).order_by(table.c.ordinal)
    if by.outside:
        query = query.where(
            table.c.internal.is_(False),
            or_(table.c.agency.is_(None), table.c.agency == by.agency),
        )
    return [
        Event(
            row.ordinal,
            row.at_us,
            row.kind,
            row.by_account,
            row.by_name,
            row.agency,
            row.state,
            row.internal,
            _shown(row.kind, row.agency, json.loads(row.body), by),
        )
        for row in await connection.execute(query)
    ]


def _shown(kind: str, agency: str | None, body: dict[str, Any], by: Account) -> dict[str, Any]:
    if not by.outside or agency is not None or kind in _TO_AGENCIES:
        return body
    return {name: value for name, value in body.items() if name in _CODES}
