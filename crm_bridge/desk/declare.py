"""An act of the desk becomes part of a call's record, live or over, once, and on disk.

A call in progress is marked within its node's stream of events, so that the act is journaled and
replayed in its place. A call that is over is read back, marked, timed again and saved by the same
writer. Between the two a call cannot slip: what is still to be saved of it is saved first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, Protocol

from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.records.callers import clean
from crm_bridge.records.calls import StoredCall, load_call, snapshot
from crm_bridge.records.commit_loop import CommitLoop
from crm_bridge.records.database import Database
from crm_bridge.records.writer import batch_of
from ivr.calls.call import Call, Mark, Micros
from ivr.calls.directory import Directory
from ivr.events.markers import DECLARED
from ivr.steps.standards import Standards
from ivr.steps.timeline import timeline

_LONGEST: Final = 255
"""Characters kept of a value: those that the record keeps."""


class Marking(Protocol):
    """What one node's pipeline offers."""

    def declare(
        self, call_id: str, mark: str, at: Micros, by: str, value: str, now: Micros
    ) -> bool:
        """Marks a call in progress; false where the node has none of that id."""
        ...

    def flush(self, *, everything: bool = False) -> int | None:
        """Hands what has changed to the commit loop."""
        ...


class Declare:
    """Puts declared marks on calls; one for the whole bridge."""

    def __init__(
        self,
        database: Database,
        loop: CommitLoop,
        nodes: Sequence[Marking],
        directory: Directory,
        standards: Standards,
        clock: Clock,
    ) -> None:
        """`nodes` may still grow; the commit loop must run for an act to return."""
        self._database = database
        self._loop = loop
        self._nodes = nodes
        self._directory = directory
        self._standards = standards
        self._clock = clock
        self._amending = asyncio.Lock()
        self.on_amended: Callable[[Call], None] | None = None
        """Told of a call that was over and is on disk with a further mark; must not wait or raise.

        Of a call in progress its pipeline tells (`on_change`).
        """

    async def __call__(self, call_id: str, mark: str, at: Micros, by: str, value: str = "") -> None:
        """Puts the mark on the call and returns when that is on disk; twice is once.

        `mark` is of `DECLARED`, `by` the officer's id as the call's record has it, `at` when it was
        done, taken no later than now and no earlier than the call. Raises Refused (404) for a call
        nobody knows, and (422) for a mark that is none of the desk's.
        """
        if mark not in DECLARED:
            raise Refused("unknown-mark", "ไม่รู้จักเครื่องหมายนี้", "there is no such mark", 422)
        value, by = clean(value, _LONGEST), clean(by, _LONGEST)
        if self._mark_live(call_id, mark, at, by, value):
            await self._loop.saved(self._loop.offered)
            return
        async with self._amending:
            await self._amend(call_id, mark, at, by, value)

    async def taken_in(self, call_id: str, marks: Sequence[Mark]) -> bool:
        """Puts on a call that is over what was noted of it while nobody heard; once, on disk.

        Of each name one at most: what the record has of it already stands. False where it has all,
        or there is no such call.
        """
        async with self._amending:
            while True:
                await self.settle()
                stored = await load_call(self._database, call_id)
                if stored is None or not stored.call.closed:
                    return False
                there = {mark.name for mark in stored.call.marks}
                missing = [mark for mark in marks if mark.name not in there]
                if not missing:
                    return False
                if await self._marked(stored, missing):
                    return True

    async def settle(self) -> None:
        """Returns when everything heard of so far is on disk, for whoever reads it there next."""
        for node in self._nodes:
            node.flush(everything=True)
        await self._loop.saved(self._loop.offered)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """While it lasts no call that is over is changed by the desk; all heard of it is on disk.

        For whoever reads such a call, changes it and saves it again.
        """
        async with self._amending:
            await self.settle()
            yield

    def _mark_live(self, call_id: str, mark: str, at: Micros, by: str, value: str) -> bool:
        now = self._clock.now_us()
        for node in self._nodes:
            if node.declare(call_id, mark, at, by, value, now):
                node.flush()
                return True
        return False

    async def _amend(self, call_id: str, mark: str, at: Micros, by: str, value: str) -> None:
        while True:
            await self.settle()
            stored = await load_call(self._database, call_id)
            if stored is None:
                raise Refused("no-such-call", "ไม่พบสายนี้", "there is no such call", 404)
            call = stored.call
            at = max(min(at, self._clock.now_us()), call.entered_at)
            if call.has_mark(mark, at, by) or await self._marked(
                stored, [Mark(mark, at, value, by)]
            ):
                return

    async def _marked(self, stored: StoredCall, marks: Sequence[Mark]) -> bool:
        """False where another program has changed the record meanwhile: it is to be read again."""
        call = stored.call
        call.marks.extend(marks)
        call.revision += 1
        rows = snapshot(call, timeline(call, self._directory, self._standards))
        rows = replace(rows, based_on=stored.digest)
        await self._loop.saved(self._loop.offer(batch_of(calls=[rows])))
        if self._loop.overtaken([rows.call_id]):
            return False
        if self.on_amended is not None:
            self.on_amended(call)
        return True
