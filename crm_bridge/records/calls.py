"""Reading calls back: as the published JSON, or whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import iso
from crm_bridge.records.callers import normalise
from crm_bridge.records.database import Database
from crm_bridge.records.rows import CALLER, DIGEST, UPDATED, CallRows, Row, restore, snapshot
from crm_bridge.records.tables import CHILDREN, call_linkedids, calls
from ivr.calls.call import Call, Micros
from ivr.steps.timing import StepTiming

__all__ = ["CallRows", "StoredCall", "call_as_json", "call_ids", "calls_as_json", "find_calls",
           "load_call", "read_calls", "snapshot", "with_lists", "withheld_calls"]  # fmt: skip

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call as it is on disk: the record, its steps, its E.164 number, when it was last saved."""

    call: Call
    steps: list[StepTiming]
    caller_number: str | None
    updated_us: Micros
    digest: int
    """Of the record as it is stored, for whoever changes it and saves it again."""


async def read_calls(
    database: Database, since: Micros | None = None, until: Micros | None = None
) -> AsyncIterator[StoredCall]:
    """Calls entered at or after `since` and before `until`, ordered by entered_at, then call_id.

    A page at a time, each page one unmoving view; calls that come in meanwhile may appear.
    """
    after: tuple[Micros, str] | None = None
    bounds = _within(since, until)
    while True:
        query = select(calls).where(*bounds)
        if after is not None:
            query = query.where(tuple_(calls.c.entered_us, calls.c.call_id) > after)
        query = query.order_by(calls.c.entered_us, calls.c.call_id).limit(_PAGE)
        async with database.reading() as connection:
            heads = [tuple(row) for row in (await connection.execute(query)).all()]
            page = await with_lists(connection, heads)
        for stored in page:
            yield stored
        if len(page) < _PAGE:
            return
        after = (page[-1].call.entered_at, page[-1].call.call_id)


async def call_ids(
    database: Database, most: int, since: Micros | None = None, until: Micros | None = None
) -> tuple[list[str], int]:
    """Ids of the first of these calls, `most` at the most, and how many calls they are."""
    bounds = _within(since, until)
    first = select(calls.c.call_id).where(*bounds).order_by(calls.c.entered_us, calls.c.call_id)
    async with database.reading() as connection:
        count = await connection.scalar(select(func.count()).select_from(calls).where(*bounds))
        return list(await connection.scalars(first.limit(most))), int(count or 0)


async def calls_as_json(
    database: Database, since: Micros | None = None, until: Micros | None = None
) -> AsyncIterator[dict[str, Any]]:
    """The same calls, each as `hotline calls --jsonl` prints it."""
    async for stored in read_calls(database, since, until):
        yield call_as_json(stored.call, stored.steps, stored.caller_number)


async def load_call(database: Database, call_id: str) -> StoredCall | None:
    """One call with everything kept of it, legs and marks too; `None` where there is none."""
    query = select(calls).where(calls.c.call_id == call_id)
    async with database.reading() as connection:
        heads = [tuple(row) for row in (await connection.execute(query)).all()]
        found = await with_lists(connection, heads)
    return found[0] if found else None


async def find_calls(database: Database, name: str) -> list[str]:
    """Ids of the calls with that call id or with that linkedid among theirs, in order of entry."""
    query = (
        select(calls.c.call_id)
        .where(
            (calls.c.call_id == name)
            | calls.c.call_id.in_(
                select(call_linkedids.c.call_id).where(call_linkedids.c.linkedid == name)
            )
        )
        .order_by(calls.c.entered_us, calls.c.call_id)
    )
    async with database.reading() as connection:
        return list((await connection.execute(query)).scalars())


async def withheld_calls(
    database: Database, since: Micros | None = None, until: Micros | None = None
) -> int:
    """How many calls came without a number, entered at or after `since` and before `until`."""
    within = _within(since, until)
    query = select(func.count()).select_from(calls).where(calls.c.withheld, *within)
    async with database.reading() as connection:
        return int((await connection.execute(query)).scalar_one())


def _within(since: Micros | None, until: Micros | None) -> list[ColumnElement[bool]]:
    bounds: list[ColumnElement[bool]] = []
    if since is not None:
        bounds.append(calls.c.entered_us >= since)
    if until is not None:
        bounds.append(calls.c.entered_us < until)
    return bounds


async def with_lists(
    connection: AsyncConnection, heads: Sequence[Row], only: Container[Table] = CHILDREN
) -> list[StoredCall]:
    """The calls of these rows, their lists read by one query a table; those not in `only` empty."""
    if not heads:
        return []
    ids = [head[0] for head in heads]
    lists: dict[str, list[list[Row]]] = {i: [[] for _ in CHILDREN] for i in ids}
    for n, table in enumerate(CHILDREN):
        if table not in only:
            continue
        query = select(table).where(table.c.call_id.in_(ids)).order_by(*table.primary_key)
        for row in (await connection.execute(query)).all():
            lists[row[0]][n].append(tuple(row))
    return [
        StoredCall(*restore(head, lists[head[0]]), head[CALLER], head[UPDATED], head[DIGEST])
        for head in heads
    ]


def call_as_json(
    call: Call, steps: Sequence[StepTiming], caller_number: str | None = None
) -> dict[str, Any]:
    """A call in the published form; the E.164 number is worked out where it is not given."""
    if caller_number is None:
        caller_number = normalise(call.caller_presented).e164
    return {
        "call_id": call.call_id,
        "node": call.node,
        "linkedids": list(call.linkedids),
        "revision": call.revision,
        "direction": call.direction,
        "dialled": call.dialled,
        "caller_number": caller_number,
        "caller_number_presented": call.caller_presented,
        "caller_name": call.caller_name,
        "withheld": call.withheld,
        "entered_at": _at(call.entered_at),
        "answered_at": _at(call.answered_at),
        "ended_at": _at(call.ended_at),
        "ended_by": call.ended_by,
        "outcome": call.outcome,
        "service": call.service,
        "language": call.language,
        "menu": [{"menu": m.menu, "key": m.key, "at": _at(m.at)} for m in call.menu],
        "queue_passages": [
            {
                "queue": p.queue,
                "joined_at": _at(p.joined_at),
                "left_at": _at(p.left_at),
                "outcome": p.outcome,
                "position": p.position,
                "attempts": [
                    {
                        "agent": a.agent,
                        "rang_at": _at(a.rang_at),
                        "ended_at": _at(a.ended_at),
                        "outcome": a.outcome,
                    }
                    for a in p.attempts
                ],
            }
            for p in call.passages
        ],
        "agents": [
            {
                "agent": a.agent,
                "connected_at": _at(a.connected_at),
                "released_at": _at(a.released_at),
            }
            for a in call.agents
        ],
        "holds": [
            {"by": h.by, "started_at": _at(h.started_at), "ended_at": _at(h.ended_at)}
            for h in call.holds
        ],
        "consultations": [
            {
                "by": c.by,
                "target": c.target,
                "agency": c.agency,
                "started_at": _at(c.started_at),
                "answered_at": _at(c.answered_at),
                "ended_at": _at(c.ended_at),
                "outcome": c.outcome,
            }
            for c in call.consultations
        ],
        "transfers": [
            {
                "kind": t.kind,
                "by": t.by,
                "target": t.target,
                "agency": t.agency,
                "asked_at": _at(t.asked_at),
                "answered_at": _at(t.answered_at),
                "ended_at": _at(t.ended_at),
                "outcome": t.outcome,
            }
            for t in call.transfers
        ],
        "agency_legs": [
            {
                "agency": a.agency,
                "number": a.number,
                "connected_at": _at(a.connected_at),
                "released_at": _at(a.released_at),
            }
            for a in call.agency_legs
        ],
        "steps": [
            {
                "step": s.step,
                "started_at": _at(s.started_at),
                "ended_at": _at(s.ended_at),
                "elapsed_seconds": None if s.elapsed is None else s.elapsed / 1_000_000,
                "standard_seconds": s.standard_seconds,
                "state": s.state,
                "evidence": s.evidence,
            }
            for s in steps
        ],
        "gaps": [
            {"from": _at(g.started_at), "to": _at(g.ended_at), "filled_by": g.filled_by}
            for g in call.gaps
        ],
    }


def _at(moment: Micros | None) -> str | None:
    return None if moment is None else iso(moment)
