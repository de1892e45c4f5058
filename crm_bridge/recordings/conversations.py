"""Conversations that Asterisk has recorded: sealed when the call is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from crm_bridge.clock import Clock
from crm_bridge.recordings.taking import Takes, length_of, lying, take
from crm_bridge.recordings.vault import Vault
from crm_bridge.records.database import Database

SETTLED: Final = 15.0
"""Seconds for which a file has not been written to when its call is over."""


class Conversations:
    """Takes them in; `run` by `rounds.py`."""

    def __init__(
        self, database: Database, clock: Clock, vault: Vault, takes: Sequence[Takes]
    ) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._takes = takes
        self.call_of: Callable[[str], str] = str
        """The id of a call by its channel's; the bridge sets it."""
        self.live: Callable[[str], bool] = _unknown
        """Whether a call is in progress; the bridge sets it."""

    async def take_up(self, older_than: float = SETTLED) -> int:
        """Seals what is over; how many that were. Raises StorageError, OSError."""
        found = 0
        for file in await asyncio.to_thread(lying, self._takes, ""):
            call_id = f"{file.node}-{file.uniqueid}" if file.node else self.call_of(file.uniqueid)
            if file.age < older_than or self.live(call_id):
                continue
            length = await asyncio.to_thread(length_of, file.path)
            if not length:  # nobody was joined, or it is no file of sound
                await asyncio.to_thread(file.path.unlink, True)
                continue
            await take(self._database, self._clock, self._vault, file.path, "call", call_id, length)
            found += 1
        return found


def _unknown(_: str) -> bool:
    return False
