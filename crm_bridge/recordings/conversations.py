"""Conversations that Asterisk has recorded: sealed when the call is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import select

from crm_bridge.clock import Clock
from crm_bridge.recordings.taking import Lying, Takes, Taking, look_at
from crm_bridge.recordings.vault import Vault
from crm_bridge.records.database import Database
from crm_bridge.records.tables import calls

SETTLED: Final = 15.0
"""Seconds for which a file has not been written to when its call is over."""
FORGOTTEN: Final = 86_400.0
"""Seconds after which a call is over though its record does not say so, or there is none."""


class Conversations:
    """Takes them in; `run` by `rounds.py`."""

    def __init__(
        self, database: Database, clock: Clock, vault: Vault, takes: Sequence[Takes]
    ) -> None:
        self._taking = Taking(database, clock, vault, takes)
        self.call_of: Callable[[str], str] = str
        """The id of a call by its channel's; the bridge sets it."""
        self.over: Callable[[str, str], bool] = _not_known
        """Whether the line is known now, and neither this call (its id) nor this channel (its id)
        is there; the bridge sets it. MixMonitor goes on writing to a file that was deleted."""

    async def take_up(self, older_than: float = SETTLED) -> int:
        """Seals what is over; how many that were. Raises StorageError, OSError (no room)."""
        return await self._taking.each("", older_than, self._one)

    async def _one(self, file: Lying) -> bool:
        call_id = f"{file.node}-{file.uniqueid}" if file.node else self.call_of(file.uniqueid)
        if not self.over(call_id, file.uniqueid):
            return False
        async with self._taking.database.reading() as connection:
            asked = select(calls.c.closed, calls.c.ended_us).where(calls.c.call_id == call_id)
            row = (await connection.execute(asked)).one_or_none()
        if (row is None or not row.closed) and file.age < FORGOTTEN:
            return False
        sound = await asyncio.to_thread(look_at, file.path)
        if not sound.length:  # nobody was joined
            await self._taking.remove(file.path)
            return False
        ended = None if row is None else row.ended_us
        return await self._taking.take(file.path, "call", call_id, sound, made_us=ended)


def _not_known(_call_id: str, _uniqueid: str) -> bool:
    return False
