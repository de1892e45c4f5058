"""What is to be done about recordings without anybody's act, looked for again and again.

Conversations that are over, messages that nobody came for, what the rule says is old, files of
what was deleted.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from crm_bridge.clock import Clock
from crm_bridge.config_recordings import RecordingsSection
from crm_bridge.errors import StorageError
from crm_bridge.recordings import book
from crm_bridge.recordings.book import Kind
from crm_bridge.recordings.conversations import Conversations
from crm_bridge.recordings.in_the_open import InTheOpen
from crm_bridge.recordings.vault import Vault
from crm_bridge.recordings.voicemail import Voicemails
from crm_bridge.records import audit
from crm_bridge.records.audit import Entry
from crm_bridge.records.database import Database

_log = structlog.get_logger(__name__)

EVERY: Final = 15.0
"""Seconds between two rounds."""
SWEEP_EVERY: Final = 240
"""Rounds between two sweeps of the vault: an hour."""
ORPHANED: Final = 3600.0
"""Seconds after which a file of which no row speaks is deleted: no key opens it."""
_DAY: Final = 86_400_000_000


class Rounds:
    """Goes round until cancelled; `on_taken` is told where a message has become a task.

    Where there is no key nothing is taken in (None), and deleted all the same.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        section: RecordingsSection,
        vault: Vault,
        messages: Voicemails | None = None,
        conversations: Conversations | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._days: dict[Kind, int] = {
            "voicemail": section.voicemail_days, "call": section.call_days,
        }  # fmt: skip
        self._vault = vault
        self.messages = messages
        self.conversations = conversations
        self.in_the_open: InTheOpen | None = None
        """What Asterisk laid down and nobody sealed; the bridge sets it."""
        self.on_taken: Callable[[], None] = _nothing

    async def run(self) -> None:
        """Round after round; every so many the vault is swept."""
        for number in itertools.count():
            if number % SWEEP_EVERY == 0:
                await self._guarded(self.sweep)
            await self.go()
            await asyncio.sleep(EVERY)

    async def go(self) -> None:
        """One round; what fails is logged, holds up nothing else and is tried again in the next.

        Deleting comes first: a disk that is full takes nothing in before.
        """
        for work in (
            self._expire, self._expire_open, self._clear, self._take_up_messages,
            self._take_up_calls,
        ):  # fmt: skip
            await self._guarded(work)

    async def _take_up_messages(self) -> None:
        if self.messages is not None and await self.messages.take_up():
            self.on_taken()

    async def _take_up_calls(self) -> None:
        if self.conversations is not None:
            await self.conversations.take_up()

    async def _expire(self) -> None:
        now = self._clock.now_us()
        async with self._database.reading() as connection:
            old = [
                one
                for kind, days in self._days.items()
                for one in await book.too_old(connection, kind, now - days * _DAY)
            ]
        if old:
            async with self._database.writing() as connection:
                gone = await book.forget(connection, self._clock, old, "retention")
                told = {"count": gone, "of": [f"recording:{one}" for one in old]}
                entry = Entry("retention.recordings", now, None, told, "retention")
                audit.note(connection, entry)

    async def _expire_open(self) -> None:
        if self.in_the_open is not None:
            await self.in_the_open.expire(self._days)

    async def _clear(self) -> None:
        async with self._database.reading() as connection:
            gone = await book.to_clear(connection)
        if gone:
            dropped = await asyncio.to_thread(self._drop, gone)
            async with self._database.writing() as connection:
                await book.cleared(connection, self._clock, dropped)

    async def sweep(self) -> None:
        """Deletes files of which no row speaks; raises StorageError, OSError."""
        lying = await asyncio.to_thread(lambda: list(self._vault.lying(ORPHANED)))
        for start in range(0, len(lying), book.PAGE):
            page = lying[start : start + book.PAGE]
            async with self._database.reading() as connection:
                known = await book.known(connection, page)
            await asyncio.to_thread(self._drop, [one for one in page if one not in known])

    def _drop(self, ids: list[str]) -> list[str]:
        dropped = []
        for one in ids:
            try:
                self._vault.drop(one)
            except OSError as fault:
                _log.warning("a sealed file is not deleted", recording=one, what=fault.strerror)
            else:
                dropped.append(one)
        return dropped

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (StorageError, OSError) as fault:
            what = fault.what if isinstance(fault, StorageError) else fault.strerror
            _log.warning("recordings are seen to in the next round", what=what)


def _nothing() -> None:
    pass
