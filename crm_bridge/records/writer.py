"""The one writer: a batch of journal pieces and call records becomes one transaction, or nothing.

The same batch twice changes nothing; an older revision never replaces a newer one, and of two of
one revision a call without its end never one that has it. A record that was made of the stored one
(`CallRows.based_on`) replaces that one alone, else it is `overtaken`. What the
writer last wrote of a call is remembered as hashes, so that only the entries of its lists that
changed are sent; the stored digest says whether that memory still holds, and where another
program has written in between, the lists are written whole. Of a call whose caller was erased
(`erased_calls`) only what may be kept is written, whatever comes of it again.
"""

from __future__ import annotations

import json
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy.engine import Connection

from crm_bridge.clock import Clock, SystemClock
from crm_bridge.errors import StorageError
from crm_bridge.figures.counting import count_call
from crm_bridge.figures.tallies import Tallies
from crm_bridge.records import audit, outbox
from crm_bridge.records.callback_figures import recount_numbers
from crm_bridge.records.database import Database
from crm_bridge.records.faults import storage_fault
from crm_bridge.records.figures import Figures
from crm_bridge.records.journal import Piece
from crm_bridge.records.rows import (
    CALLER,
    CLOSED,
    ENDED,
    ENTERED,
    NAME,
    NO_RECORD,
    REVISION,
    CallRows,
    Row,
    without_caller,
)
from crm_bridge.records.sessions import Session
from crm_bridge.records.statements import Statements
from crm_bridge.records.tables import CHILDREN

_REMEMBERED: Final = 20_000
"""Calls whose lists the writer remembers; about half a KB each."""

_ATTEMPTS: Final = next(n for n, table in enumerate(CHILDREN) if table.name == "attempts")

Hashes = tuple[bytes, ...]
"""List by list, eight bytes an entry."""


@dataclass(slots=True)
class Batch:
    """What one group commit saves: pieces in order of arrival, each call at its newest revision."""

    pieces: list[Piece] = field(default_factory=list)
    calls: dict[str, CallRows] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.pieces or self.calls)

    def add(self, newer: Batch) -> int:
        """Take a later batch in: its pieces behind these, its calls over these unless older.

        Returns by how many bytes this batch grew; below zero where a record became smaller.
        """
        self.pieces.extend(newer.pieces)
        grown = sum([len(piece.body) for piece in newer.pieces])
        for call_id, rows in newer.calls.items():
            held = self.calls.get(call_id)
            if held is None:
                grown += rows.size
            elif rows.revision >= held.revision:
                grown += rows.size - held.size
                if rows.based_on == held.digest:
                    rows = replace(rows, based_on=held.based_on)  # noqa: PLW2901  now one step
            else:
                continue
            self.calls[call_id] = rows
        return grown


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did: rows sent, calls written, unchanged, and older than what is stored."""

    rows: int
    written: int
    unchanged: int
    stale: int
    overtaken: tuple[str, ...] = ()
    """Calls that were not written, for their record is another than the one that was changed."""


@dataclass(slots=True)
class _Plan:
    """Rows by statement, in the order in which they must be sent."""

    calls: list[Row] = field(default_factory=list)
    clear: list[list[Row]] = field(default_factory=lambda: [[] for _ in CHILDREN])
    children: list[list[Row]] = field(default_factory=lambda: [[] for _ in CHILDREN])
    seen: list[Row] = field(default_factory=list)
    left: list[Row] = field(default_factory=list)
    tallies: Tallies = field(default_factory=Tallies)
    """What the figures gain and lose."""
    told: list[Row] = field(default_factory=list)
    """Of calls that are over: what other CRMs shall hear, as `outbox.COLUMNS`."""
    again: set[str] = field(default_factory=set)
    memory: dict[str, tuple[int, Hashes]] = field(default_factory=dict)
    unchanged: int = 0
    stale: int = 0
    overtaken: list[str] = field(default_factory=list)


class Writer:
    """Owns one connection; call `commit` from one task only."""

    def __init__(
        self, database: Database, clock: Clock | None = None, *, tells: bool = False,
        act: str | None = None,
    ) -> None:  # fmt: skip
        """`tells`: other CRMs are configured, so that ended calls are put in their outbox.

        `act`: as what the audit log names the calls that a commit has changed; `None`: the line's
        own records, which nobody made.
        """
        self.database = database
        self._tells = tells
        self._act = act
        self._clock = clock or SystemClock()
        self._sql = Statements(database.engine.dialect)
        self._figures = Figures(database.engine.dialect)
        self._memory: OrderedDict[str, tuple[int, Hashes]] = OrderedDict()
        self._session: Session = database.writing_session()

    async def commit(self, batch: Batch) -> Committed:
        """Save the batch whole; when this returns it is on disk.

        `StorageUnavailable` where the database cannot take it now, `RecordRefused` where it never
        will; in both cases nothing of the batch was saved, or all of it where the connection was
        lost at the very end: committing it again is right in each case.
        """
        try:
            actor = audit.ACTOR.get()  # the writer's thread would not have it
            plan, rows = await self._session.run(lambda c: self._transact(c, batch, actor))
        except BaseException as error:
            await self.close()
            fault = storage_fault(error, self.database.where)
            if fault is None or isinstance(error, StorageError):
                raise
            raise fault from error
        self._remember(plan)
        return Committed(
            rows, len(plan.calls), plan.unchanged, plan.stale, tuple(plan.overtaken)
        )  # fmt: skip

    async def close(self) -> None:
        """Give the connection back; the next commit opens one anew."""
        await self._session.close()

    def _transact(
        self, connection: Connection, batch: Batch, actor: audit.Actor | None
    ) -> tuple[_Plan, int]:
        plan = self._plan(connection, batch.calls)
        if self._act is not None and plan.calls:
            detail = audit.named(row[0] for row in plan.calls)
            entry = audit.Entry(self._act, self._clock.now_us(), detail=detail)
            audit.write(connection, entry, actor)
        return plan, self._send(connection, batch.pieces, plan)

    def _plan(self, connection: Connection, calls: Mapping[str, CallRows]) -> _Plan:
        plan = _Plan()
        if not calls:
            return plan
        ids: Any = list(calls)
        asked = (json.dumps(ids) if self.database.sqlite else ids,)
        result = connection.exec_driver_sql(self._sql.stored, asked)
        stored: dict[str, Row] = {row[0]: tuple(row) for row in result.all()}
        now = self._clock.now_us()
        generation = self._figures.generation(connection)
        taken_back: list[str] = []
        for call_id, rows in calls.items():
            found = stored.get(call_id)
            if found is None:
                if rows.based_on in {None, NO_RECORD}:
                    self._plan_new(plan, rows, now, generation)
                else:
                    plan.overtaken.append(call_id)
                continue
            _, revision, digest, erased, counted, closed, ended, *caller = found
            if erased:
                rows = without_caller(rows)  # noqa: PLW2901  what may be kept of this call
            if digest == rows.digest:
                plan.unchanged += 1
            elif rows.based_on not in {None, digest}:
                plan.overtaken.append(call_id)
            elif revision > rows.revision or (
                # a repair by the books, and the line's own next revision of the same record
                revision == rows.revision and closed and ended and rows.call[ENDED] is None
            ):
                plan.stale += 1
            else:
                self._plan_head(plan, rows, now, generation)
                self._plan_lists(plan, rows, digest)
                self._plan_caller(plan, rows, caller)
                if counted == generation:
                    taken_back.append(call_id)
        self._figures.count_stored(connection, plan.tallies, taken_back, -1)
        if self._tells:
            plan.told += [_told(row, now) for row in plan.calls if row[CLOSED]]
        return plan

    def _plan_head(self, plan: _Plan, rows: CallRows, now: int, generation: int) -> None:
        counted = generation if rows.call[CLOSED] else 0
        plan.calls.append((*rows.call, rows.digest, now, counted))
        count_call(plan.tallies, rows.call, rows.children)

    def _plan_new(self, plan: _Plan, rows: CallRows, now: int, generation: int) -> None:
        self._plan_head(plan, rows, now, generation)
        for sent, entries in zip(plan.children, rows.children, strict=True):
            if entries:
                sent.extend(entries)
        if not rows.call[CLOSED]:
            plan.memory[rows.call_id] = (rows.digest, _hashes(rows))
        if rows.call[CALLER] is not None:
            plan.seen.append(_seen(rows))

    def _plan_lists(self, plan: _Plan, rows: CallRows, stored_digest: int) -> None:
        known = self._memory.get(rows.call_id)
        if known is None or known[0] != stored_digest:
            if not rows.call[CLOSED]:
                plan.memory[rows.call_id] = (rows.digest, _hashes(rows))
            for n, entries in enumerate(rows.children):
                plan.clear[n].append((rows.call_id,))
                plan.children[n].extend(entries)
            return
        hashes = _hashes(rows)
        plan.memory[rows.call_id] = (rows.digest, hashes)
        for n, (old, new) in enumerate(zip(known[1], hashes, strict=True)):
            if old == new:
                continue
            entries = rows.children[n]
            # an attempt's key is not its place in the list once there are two passages
            if len(new) < len(old) or (n == _ATTEMPTS and entries[-1][1] > 0):
                plan.clear[n].append((rows.call_id,))
                plan.children[n].extend(entries)
                continue
            changed = [
                entry
                for m, entry in enumerate(entries)
                if old[8 * m : 8 * m + 8] != new[8 * m : 8 * m + 8]
            ]
            plan.children[n].extend(changed)

    def _plan_caller(self, plan: _Plan, rows: CallRows, stored: list[Any]) -> None:
        number, name, entered = stored
        head = rows.call
        if (number, name, entered) == (head[CALLER], head[NAME], head[ENTERED]):
            return
        if number != head[CALLER]:
            if number is not None:
                plan.left.append((number,))
            if head[CALLER] is not None:
                plan.seen.append(_seen(rows))
        plan.again.update(n for n in (number, head[CALLER]) if n is not None)

    def _send(self, connection: Connection, pieces: list[Piece], plan: _Plan) -> int:
        sql = self._sql
        left = list(dict.fromkeys(plan.left))
        again = [(number,) for number in sorted(plan.again)]
        steps: list[tuple[str, list[Row]]] = [
            (sql.journal, [(p.node, p.seq, p.from_us, p.to_us, p.events, p.body) for p in pieces]),
            (sql.call, plan.calls),
            *zip(sql.clear, plan.clear, strict=True),
            *zip(sql.children, plan.children, strict=True),
            (sql.caller_seen, plan.seen),
            (sql.caller_left, plan.left),
            (sql.caller_gone, left),
            (sql.caller_again, again),
            (sql.outbox, plan.told),
        ]
        sent = 0
        for statement, rows in steps:
            if rows:
                connection.exec_driver_sql(statement, rows)
                sent += len(rows)
        sent += self._figures.add(connection, plan.tallies)
        recount_numbers(connection, plan.tallies)
        return sent

    def _remember(self, plan: _Plan) -> None:
        """Keep what was written of open calls; of a closed one hardly anything comes any more."""
        closed = [row[0] for row in plan.calls if row[CLOSED]]
        for call_id, entry in plan.memory.items():
            self._memory[call_id] = entry
            self._memory.move_to_end(call_id)
        for call_id in closed:
            self._memory.pop(call_id, None)
        while len(self._memory) > _REMEMBERED:
            self._memory.popitem(last=False)


def batch_of(pieces: Iterable[Piece] = (), calls: Iterable[CallRows] = ()) -> Batch:
    """A batch of these; of several records of one call the one with the highest revision."""
    batch = Batch(list(pieces))
    for rows in calls:
        batch.add(Batch(calls={rows.call_id: rows}))
    return batch


def _hashes(rows: CallRows) -> Hashes:
    return tuple([array("q", map(hash, entries)).tobytes() for entries in rows.children])


def _told(call: Row, now: int) -> Row:
    return (outbox.CALL, call[0], call[REVISION], f"call:{call[0]}", call[CALLER], now)


def _seen(rows: CallRows) -> Row:
    head = rows.call
    entered, name = head[ENTERED], head[NAME]
    named = (name, entered, rows.call_id) if name is not None else (None, None, None)
    return (head[CALLER], 1, entered, entered, *named)
