"""Calls of the books beside the records on disk: what differs, and the rows that put it right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from crm_bridge.clock import iso
from crm_bridge.records.calls import StoredCall, snapshot, with_lists
from crm_bridge.records.database import Database
from crm_bridge.records.rows import NO_RECORD, CallRows
from crm_bridge.records.tables import calls, legs
from ivr.books.differences import Difference, differences
from ivr.books.ledger import BookCall
from ivr.books.mending import made_of, mended
from ivr.calls.call import Call, Role
from ivr.calls.directory import Directory
from ivr.steps.standards import Standards
from ivr.steps.timeline import timeline


@dataclass(frozen=True, slots=True)
class Compared:
    """A call of the books, its record where there is one, and where the two differ."""

    told: BookCall
    record: Call | None
    found: list[Difference]
    digest: int = NO_RECORD
    """Of the record as it is stored."""

    @property
    def call_id(self) -> str:
        """The id of the record, or the one it will have."""
        return self.told.call.call_id if self.record is None else self.record.call_id


async def compare(database: Database, told: Sequence[BookCall]) -> list[Compared]:
    """Each of these calls beside its record; raises StorageError."""
    records = await _records(database, told)
    found = []
    for one in told:
        stored = records.get(one.call.call_id)
        if stored is None:
            found.append(Compared(one, None, differences(None, one)))
        else:
            what = differences(stored.call, one)
            found.append(Compared(one, stored.call, what, stored.digest))
    return found


def repaired(compared: Compared, directory: Directory, standards: Standards) -> CallRows:
    """The record as it is to be on disk, in the place of the compared one and of no other."""
    call = mended_call(compared)
    rows = snapshot(call, timeline(call, directory, standards))
    return replace(rows, based_on=compared.digest)


def mended_call(compared: Compared) -> Call:
    """The call as the books complete it, or make it where the events never told of it."""
    if compared.record is None:
        return made_of(compared.told)
    return mended(compared.record, compared.told)


def as_json(difference: Difference) -> dict[str, Any]:
    """A difference as `hotline reconcile` prints it, moments as ISO 8601 in UTC."""

    def plain(value: Any) -> Any:
        return iso(value) if difference.is_time and value is not None else value

    return {
        "call_id": difference.call_id,
        "what": difference.what,
        "record": plain(difference.record),
        "book": plain(difference.book),
    }


async def _records(database: Database, told: Iterable[BookCall]) -> dict[str, StoredCall]:
    """The records by the book's call id; found by the caller's channel where the id is another.

    A call taken up in the middle, behind a transfer, may have been named by a later linkedid.
    """
    by_id = {one.call.call_id: one for one in told}
    if not by_id:
        return {}
    async with database.reading() as connection:
        found = {stored.call.call_id: stored for stored in await _load(connection, list(by_id))}
        missing = {
            one.call.legs[0].uniqueid: call_id
            for call_id, one in by_id.items()
            if call_id not in found and one.call.legs
        }
        if missing:
            node = next(iter(by_id.values())).call.node
            query = (
                select(legs.c.call_id, legs.c.uniqueid)
                .join(calls, calls.c.call_id == legs.c.call_id)
                .where(legs.c.uniqueid.in_(missing), legs.c.role == str(Role.CALLER))
                .where(calls.c.node == node)
            )
            others = {row[0]: missing[row[1]] for row in (await connection.execute(query)).all()}
            for stored in await _load(connection, list(others)):
                found[others[stored.call.call_id]] = stored
    return found


async def _load(connection: Any, ids: list[str]) -> Any:
    if not ids:
        return []
    heads = await connection.execute(select(calls).where(calls.c.call_id.in_(ids)))
    return await with_lists(connection, [tuple(row) for row in heads.all()])
