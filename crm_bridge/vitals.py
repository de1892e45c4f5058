"""The bridge feels its own pulse: can it write, is there room on the disk, does the clock hold?

Looked at in turn and kept, so that /readyz and /metrics answer at once whatever the database and
the disk do. A commit that was saved a moment ago proves that the database takes writes; where there
was none, one row is written for the proof.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.config_operations import HealthSection
from crm_bridge.delivery import outbox
from crm_bridge.errors import StorageError, StorageUnavailable
from crm_bridge.outgoing import messages
from crm_bridge.records.commit_loop import CommitLoop
from crm_bridge.records.database import Database

_log = structlog.get_logger(__name__)

EVERY: Final = 1.0
"""Seconds between two looks at the clock and at how long the event loop lets one wait."""
LOOK_EVERY: Final = 5
"""Such seconds between two looks at database and disk."""
COUNT_EVERY: Final = 30
"""Such seconds between two counts of what waits to go out."""
PROVEN: Final = 10.0
"""Seconds for which a commit proves that the database takes writes."""
WRITE_WITHIN: Final = 15.0
"""Seconds after which a write that has not come back has failed."""
STEP_SAID: Final = 300.0
"""Seconds for which a jump of the clock is said; then its time is taken as the right one."""
STUCK: Final = 75.0
"""Seconds after which a commit that does not come back is one that never will: PostgreSQL is given
up after 60, a locked SQLite after 5."""
_MEGABYTE: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong: a word for programs, where, what in words, and the mend."""

    code: str
    where: str
    what: str
    mend: str


@dataclass(slots=True)
class Vitals:
    """What was seen when it was last looked; `run` looks again and again."""

    database: Database
    clock: Clock
    section: HealthSection
    loop: CommitLoop
    folders: Sequence[Path] = ()
    """Where the bridge writes; of a disk that holds several one is looked at."""
    voices: Sequence[Path] = ()
    """Where Asterisk lays voices down until they are sealed."""
    loop_lag: float = 0.0
    """Seconds the event loop let a task wait when it was last measured."""
    unwritable: StorageError | None = None
    """Why the database took no write when it was last tried."""
    free: Mapping[Path, int] = field(default_factory=dict)
    """Folder → bytes free on its disk."""
    steps: int = 0
    """Jumps of the machine's clock since the start."""
    outboxes: Sequence[outbox.Count] = ()
    messages: Mapping[str, int] = field(default_factory=dict)
    """State → messages to callers and officers in it, of those that are not sent."""
    voices_waiting: int = 0
    _offset: float | None = None
    _step: tuple[float, float] | None = None
    """By how much the clock jumped last, and when on the one that never does."""

    async def run(self) -> None:
        """Looks again and again until cancelled; what it cannot see it says, and goes on."""
        seconds = 0
        while True:
            if seconds % LOOK_EVERY == 0:
                await self.look()
            if seconds % COUNT_EVERY == 0:
                await self.count()
            began = self.clock.monotonic()
            await self.clock.sleep(EVERY)
            self.loop_lag = max(0.0, self.clock.monotonic() - began - EVERY)
            self.look_at_clock()
            seconds += 1

    async def look(self) -> None:
        """Looks at the database and the disks now."""
        self.look_at_clock()
        self.unwritable = await self._write()
        self.free = await asyncio.to_thread(_free, self.folders)

    async def _write(self) -> StorageError | None:
        saved = self.loop.saved_at
        if saved is not None and self.clock.monotonic() - saved < PROVEN:
            return None
        if not self.loop.healthy:
            return None  # it is being tried, and said, by the commit loop
        try:
            async with asyncio.timeout(WRITE_WITHIN), self.database.writing() as connection:
                await _touch(connection)
        except StorageError as fault:
            return fault
        except TimeoutError:
            return StorageUnavailable(
                f"no answer within {WRITE_WITHIN:g} s", where=self.database.where,
                mend="see what holds the database",
            )  # fmt: skip
        return None

    def look_at_clock(self) -> None:
        """Compares the machine's clock with the one that never goes back."""
        now = self.clock.monotonic()
        offset = self.clock.now_us() / 1_000_000 - now
        if self._offset is not None:
            step = offset - self._offset
            if abs(step) > self.section.clock_step_seconds:
                self.steps += 1
                self._step = (step, now)
                _log.error(
                    "the machine's clock has jumped", seconds=round(step, 3),
                    mend="see whether its time is right now: `chronyc tracking`, `timedatectl`",
                )  # fmt: skip
        self._offset = offset

    async def count(self) -> None:
        """Counts what waits to go out and to be sealed."""
        try:
            async with self.database.reading() as connection:
                self.outboxes = await outbox.counts(connection)
                self.messages = await messages.open_counts(connection)
        except StorageError as fault:
            _log.warning("what waits cannot be counted", what=fault.what, where=fault.where)
        self.voices_waiting = await asyncio.to_thread(_waiting, self.voices)

    def troubles(self) -> list[Trouble]:
        """What is wrong as far as it was last seen."""
        found = []
        if self.unwritable is not None:
            found.append(Trouble("database_not_writable", self.unwritable.where,
                                 self.unwritable.what, self.unwritable.mend))  # fmt: skip
        least = self.section.disk_free_megabytes
        for folder, free in self.free.items():
            if free < least * _MEGABYTE:
                found.append(
                    Trouble(
                        "disk_space", str(folder),
                        f"{free // _MEGABYTE} MB are free on its disk, {least:g} should be",
                        "free space there: old backups and logs first, never the database's files",
                    )
                )  # fmt: skip
        if self._step is not None and self.clock.monotonic() - self._step[1] < STEP_SAID:
            found.append(
                Trouble(
                    "clock_stepped", "clock",
                    f"the machine's clock jumped by {self._step[0]:+.0f} s",
                    "see whether its time is right now (`chronyc tracking`); times of acts at the "
                    "desk around the jump are to be read with care",
                )
            )  # fmt: skip
        return found

    def stuck(self) -> str | None:
        """Why the bridge gets on with nothing; None where it does. The watchdog asks."""
        busy = self.loop.busy_for
        if busy > STUCK:
            return f"a commit has not come back for {busy:.0f} s"
        return None


async def _touch(connection: AsyncConnection) -> None:
    """Writes a row as it stands: nothing is changed, and all that a write needs is needed."""
    await connection.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")


def _free(folders: Iterable[Path]) -> dict[Path, int]:
    found: dict[Path, int] = {}
    disks = set()
    for folder in folders:
        there = folder.absolute()
        while not there.exists() and there != there.parent:
            there = there.parent
        try:
            disk = there.stat().st_dev
            if disk not in disks:
                found[folder] = shutil.disk_usage(there).free
            disks.add(disk)
        except OSError as error:
            _log.warning("a disk cannot be looked at", where=str(folder), why=error.strerror)
    return found


def _waiting(folders: Iterable[Path]) -> int:
    count = 0
    for folder in folders:
        for _, _, files in os.walk(folder):
            count += len(files)
    return count
