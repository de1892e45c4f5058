"""One CRM's delivery: takes what may go, carries it, and writes what became of it, round by round.

A round is one transaction (what the last round did, what may go now) and the entries between, a few
at a time. It runs beside the line in one event loop and gives way to it: between entries, and
for a moment after each round. While the CRM does not work nothing is tried but its health.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import structlog

from crm_bridge.clock import Clock
from crm_bridge.connectors.port import Connector, ConnectorError, Rejected
from crm_bridge.delivery import links, outbox, turns
from crm_bridge.delivery.carrier import Carried, Carrier, NotYet
from crm_bridge.delivery.faults import raised_at
from crm_bridge.delivery.outbox import Entry, State
from crm_bridge.delivery.policy import Breaker, Mark, Stage
from crm_bridge.delivery.turns import Tried
from crm_bridge.errors import StorageError
from crm_bridge.records.database import Database
from ivr.calls.call import Micros

_log = structlog.get_logger(__name__)

SECOND: Final = 1_000_000
BATCH: Final = 8
"""Entries taken in one round for each that may be under way."""
CLAIM: Final = 120 * SECOND
"""How long the CRM is this process's; renewed each round."""
ROUND: Final = 60 * SECOND
"""After which a round begins no further entry: the claim outlasts the last one's requests."""
LOOK: Final = 1.0
"""Seconds between looks while nothing waits."""
REST: Final = 0.01
"""Seconds left to the line after each round."""
AGAIN: Final = 30 * SECOND
"""After which an entry is looked at again whose call still goes on."""
_PRUNE: Final = 3600 * SECOND
_MOST_PRUNED: Final = 1000


class Worker:
    """Delivers to one CRM; `run` it as a task, or `drain` it where nothing else runs."""

    def __init__(
        self, connector: Connector, carrier: Carrier, database: Database, clock: Clock, *,
        concurrent: int = 2, breaker: Breaker | None = None,
    ) -> None:  # fmt: skip
        self.name = connector.name
        self.breaker = breaker or Breaker()
        self.last_done: Micros | None = None
        """When an entry last went through, since the start."""
        self.product: str | None = None
        """What the CRM called itself when its health was last asked."""
        self._connector = connector
        self._carrier = carrier
        self._database = database
        self._clock = clock
        self._concurrent = concurrent
        self._holder = secrets.token_hex(8)
        self._wake = asyncio.Event()
        self._marks: dict[int, Mark] = {}
        self._pruned: Micros = 0

    def wake(self) -> None:
        """Something was put in the outbox, or a person decided: looks at once."""
        self._wake.set()

    def try_now(self) -> None:
        """A person wants it tried at once, however long it was to be left alone."""
        self.breaker.until = min(self.breaker.until, self._clock.now_us())
        self._wake.set()

    async def run(self) -> None:
        """Delivers until cancelled; what is under way then is sent again after the next start."""
        begun = False
        try:
            while True:
                try:
                    if not begun:
                        async with self._database.writing() as connection:
                            await turns.look_again(connection, self.name)
                        begun = True
                    went = await self.round()
                except StorageError as fault:
                    _log.warning("delivery waits for the database", connector=self.name,
                                 what=fault.what)  # fmt: skip
                    went = False
                if went:
                    await asyncio.sleep(REST)
                else:
                    await self._idle()
        finally:
            await self._release()

    async def drain(self) -> None:
        """Delivers until nothing waits that may go; entries whose time has not come are awaited."""
        try:
            await self._drain()
        finally:
            await self._release()

    async def _drain(self) -> None:
        while True:
            if await self.round():
                continue
            async with self._database.reading() as connection:
                due = await turns.due(connection, self.name, self._clock.now_us())
            if due is None:
                return
            now = self._clock.now_us()
            until = max(due, self.breaker.until if self.breaker.stage is Stage.OPEN else 0)
            await self._clock.sleep(max((until - now) / SECOND, REST))

    async def _release(self) -> None:
        with contextlib.suppress(StorageError):
            async with self._database.writing() as connection:
                await turns.release(connection, self.name, self._holder)

    async def round(self) -> bool:
        """One round; whether anything was tried. Raises StorageError."""
        if self.breaker.stage is Stage.OPEN and not await self._is_well():
            return False
        now = self._clock.now_us()
        async with self._database.reading() as connection:
            due = await turns.due(connection, self.name, now)
        if due is None or due > now:
            return False  # the usual case: no lock is taken for nothing
        limit = 1 if self.breaker.stage is Stage.HALF else BATCH * self._concurrent
        async with self._database.writing() as connection:
            until = now + CLAIM
            if not await turns.claim(connection, self.name, self._holder, now, until):
                return False
            taken = await turns.take(connection, self.name, now, limit, ())
            if now - self._pruned > _PRUNE:
                pruned = await outbox.prune(connection, self._clock, _MOST_PRUNED)
                if pruned < _MOST_PRUNED:  # else there are more, for the next round
                    self._pruned = now
        if not taken.entries:
            return taken.more
        tried, carried = await self._carry_all(taken.entries)
        if tried:
            await self._settle(tried, carried)
        return bool(tried)

    async def _settle(self, tried: Sequence[Tried], carried: Sequence[Carried]) -> None:
        async with self._database.writing() as connection:
            for told in carried:
                if told.gone:
                    await links.forget(connection, self.name, told.gone)
            await links.save(connection, self._carrier.learned())
            await turns.settle(connection, tried)
        self._carrier.saved()
        for one in tried:
            if one.state is not State.WAITING:
                self._marks.pop(one.entry.seq, None)

    async def _carry_all(self, taken: Sequence[Entry]) -> tuple[list[Tried], list[Carried]]:
        """Carries them, a few at a time; those left when the CRM fails stay as they were."""
        waiting, until = deque(taken), self._clock.now_us() + ROUND
        tried: list[Tried] = []
        carried: list[Carried] = []

        async def one_after_another() -> None:
            while waiting and self.breaker.stage is not Stage.OPEN and self._clock.now_us() < until:
                result, told = await self._try(waiting.popleft())
                tried.append(result)
                if told is not None:
                    carried.append(told)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._concurrent, len(waiting))):
                group.create_task(one_after_another())
        return tried, carried

    async def _try(self, entry: Entry) -> tuple[Tried, Carried | None]:
        began, clocked = self._clock.now_us(), self._clock.monotonic()
        tried = Tried(entry, State.DONE, began, 0, "done", charged=entry.charged)
        told = None
        try:
            told = await self._carrier.carry(entry)
            tried = replace(tried, error=told.remark)
            if told.asked:  # one that asks nothing does not show that the CRM works
                self.breaker.entry_passed()
            self.last_done = began
        except NotYet as later:
            tried = replace(tried, state=State.WAITING, outcome="later", error=str(later),
                            next_us=began + AGAIN)  # fmt: skip
        except ConnectorError as error:
            tried = await self._failed(tried, error)
        except StorageError as fault:
            # not the CRM's fault, nor the entry's
            tried = replace(tried, state=State.WAITING, outcome=type(fault).__name__,
                            error=fault.what, next_us=began + AGAIN)  # fmt: skip
        except Exception as bug:
            # its text may hold what the entry says: the log has where, and nothing else
            where = raised_at(bug)
            _log.error("an entry could not be carried", connector=self.name, seq=entry.seq,
                       why=type(bug).__name__, at=where)  # fmt: skip
            what = f"a fault of the program: {type(bug).__name__} at {where}"
            tried = await self._failed(tried, Rejected(what, mend="report it; then send it again"))
        took = round((self._clock.monotonic() - clocked) * SECOND)
        return replace(tried, took_us=took), told

    async def _failed(self, tried: Tried, error: ConnectorError) -> Tried:
        entry = tried.entry
        mark = self._marks.get(entry.seq)
        if self.breaker.unsure(mark):
            await self._ask_health()
        verdict = self.breaker.judge(error, entry.charged, mark)
        now = self._clock.now_us()
        stood = self.breaker.stage
        self.breaker.entry_failed(now, entry.seq, error)
        self._marks[entry.seq] = self.breaker.mark()
        kind = type(error).__name__
        state = State.DEAD if verdict.wait is None else State.WAITING
        if state is State.DEAD:
            _log.warning("an entry is dead", connector=self.name, seq=entry.seq, kind=entry.kind,
                         why=kind)  # fmt: skip
        if self.breaker.stage is Stage.OPEN and stood is not Stage.OPEN:
            _log.warning("a CRM is left alone", connector=self.name, why=kind)
        return replace(
            tried, state=state, outcome=kind, error=str(error),
            next_us=0 if verdict.wait is None else now + round(verdict.wait * SECOND),
            charged=entry.charged + verdict.charged,
        )  # fmt: skip

    async def _is_well(self) -> bool:
        """Whether the CRM, which was left alone, may be tried again."""
        if not self.breaker.may_ask(self._clock.now_us()):
            return False
        return await self._ask_health()

    async def _ask_health(self) -> bool:
        try:
            self.product = (await self._connector.health()).product
        except ConnectorError as error:
            self.breaker.was_ill(self._clock.now_us(), error)
            return False
        self.breaker.was_well(self._clock.now_us())
        return True

    async def _idle(self) -> None:
        wait = LOOK
        if self.breaker.stage is Stage.OPEN:
            wait = max(LOOK, self.breaker.rest(self._clock.now_us()))
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()
