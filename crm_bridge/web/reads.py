"""Reads of personal data put on record: once for each who and of whom, not for each refresh."""

from __future__ import annotations

import asyncio
import contextvars
from collections import OrderedDict, deque
from collections.abc import Coroutine, Sequence
from typing import Any, Final

import structlog

from crm_bridge.clock import Clock
from crm_bridge.errors import StorageError
from crm_bridge.records import audit
from crm_bridge.records.audit import Entry
from crm_bridge.records.database import Database

_log = structlog.get_logger(__name__)

ONCE_IN: Final = 900.0
"""Seconds in which looking again at the same is one read."""
REMEMBERED: Final = 20_000
"""Reads that are known to be on record; the oldest are forgotten, and written once more."""
WAITING: Final = 5_000
"""Reads that wait for a database that does not take them; beyond, they are counted only."""
AGAIN: Final = 5.0

LOST: Final = "reads.lost"
"""The act of a row that says how many reads are not on record."""


class Reads:
    """One for the pages; `saw` waits for the disk, `saw_later` does not."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: OrderedDict[tuple[str, ...], float] = OrderedDict()
        self._waiting: deque[Entry] = deque()
        self._lost = 0
        self._one = asyncio.Lock()
        """Held from taking what waits to dropping it: two writers would each write the same."""
        self._writing: asyncio.Task[None] | None = None

    async def saw(self, by: str, via: str, act: str, about: Sequence[str] = ()) -> None:
        """On disk when this returns. Raises StorageError: then nothing is to be shown."""
        entry, keys = self._entry(by, via, act, about)
        if entry is None:
            return
        async with self._database.writing() as connection:
            audit.note(connection, entry)
        self._remember(keys)

    def saw_later(self, by: str, via: str, act: str, about: Sequence[str] = ()) -> None:
        """On disk soon; for what must not wait: a caller rings."""
        entry, keys = self._entry(by, via, act, about)
        if entry is None:
            return
        self._remember(keys)
        self._put(entry)

    def did(self, by: str, via: str, act: str, about: Sequence[str] = ()) -> None:
        """An act that is done and wrote nothing itself; on disk soon, each time."""
        one = about[0] if len(about) == 1 else None
        detail = {} if one is not None else audit.named(about)
        self._put(Entry(act, self._clock.now_us(), one, detail, "act", by, via))

    async def settle(self) -> None:
        """Waits until what was seen by now is on disk; raises StorageError where none is taken.

        What was not taken still waits, and is tried again in the background.
        """
        while self._waiting or self._lost:
            # who waits for it may be cancelled; what is committed is dropped all the same
            await asyncio.shield(_alone(self._write_down()))

    async def close(self) -> None:
        """Settles for the last time; nothing is tried any more afterwards. Raises StorageError."""
        try:
            await self.settle()
        finally:
            async with self._one:  # nothing is being written: what is cancelled only waits
                if self._writing is not None:
                    self._writing.cancel()
                    await asyncio.gather(self._writing, return_exceptions=True)

    def _entry(
        self, by: str, via: str, act: str, about: Sequence[str]
    ) -> tuple[Entry | None, list[tuple[str, ...]]]:
        now = self._clock.monotonic()
        keys: list[tuple[str, ...]] = [(by, via, act, one) for one in about or [""]]
        new = [key for key in keys if now >= self._known.get(key, 0.0)]
        if not new:
            return None, []
        told = [key[3] for key in new if key[3]]
        at, one = self._clock.now_us(), told[0] if len(told) == 1 else None
        detail = {} if one is not None else audit.named(told)
        return Entry(act, at, one, detail, "read", by, via), new

    def _remember(self, keys: Sequence[tuple[str, ...]]) -> None:
        until = self._clock.monotonic() + ONCE_IN
        for key in keys:
            self._known[key] = until
            self._known.move_to_end(key)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _put(self, entry: Entry) -> None:
        if len(self._waiting) >= WAITING:
            self._lost += 1
        else:
            self._waiting.append(entry)
        if self._writing is None or self._writing.done():
            self._writing = _alone(self._write())

    async def _write(self) -> None:
        while self._waiting or self._lost:
            try:
                await self._write_down()
            except StorageError as error:
                _log.warning("reads are not on record yet", waiting=len(self._waiting),
                             why=str(error))  # fmt: skip
                await self._clock.sleep(AGAIN)

    async def _write_down(self) -> None:
        async with self._one:
            batch, lost = list(self._waiting)[:500], self._lost
            if not batch and not lost:
                return
            async with self._database.writing() as connection:
                for entry in batch:
                    audit.note(connection, entry)
                if lost:
                    at_us = self._clock.now_us()
                    entry = Entry(LOST, at_us, None, {"count": lost}, "read", None, "system")
                    audit.note(connection, entry)
            for _ in batch:
                self._waiting.popleft()
            self._lost -= lost


def _alone(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task that is not in the context of who asked: what is written is its own."""
    return asyncio.create_task(work, name="reads on record", context=contextvars.Context())
