"""Voices that nobody sealed, because there is no key: deleted when the rule says they are old.

A conversation lies where Asterisk recorded it, a message where a caller left it before the key was
taken away. That it was deleted, and when, is a row like that of every other recording.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from crm_bridge.clock import Clock
from crm_bridge.recordings.book import Kind
from crm_bridge.recordings.taking import Lying, Takes, Taking, look_at
from crm_bridge.recordings.vault import Vault
from crm_bridge.recordings.voicemail import PREFIX
from crm_bridge.records.database import Database
from ivr.calls.call import Micros

_DAY: Final = 86_400.0
_PREFIXES: Final[Mapping[Kind, str]] = {"call": "", "voicemail": PREFIX}


class InTheOpen:
    """Deletes them; `run` by `rounds.py`."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        vault: Vault,
        *,
        calls: Sequence[Takes],
        messages: Sequence[Takes],
    ) -> None:
        self._clock = clock
        self._takings: dict[Kind, Taking] = {
            "call": Taking(database, clock, vault, calls),
            "voicemail": Taking(database, clock, vault, messages),
        }
        self.call_of: Callable[[str], str] = str
        """The id of a call by its channel's; the bridge sets it."""

    async def expire(self, days: Mapping[Kind, int]) -> int:
        """Deletes what was last written to so many days ago; how many that were.

        What cannot be deleted, or is no recording, is told of once. Raises StorageError.
        """
        gone = 0
        for kind, taking in self._takings.items():
            work = partial(self._one, kind, taking)
            gone += await taking.each(_PREFIXES[kind], days[kind] * _DAY, work)
        return gone

    async def _one(self, kind: Kind, taking: Taking, file: Lying) -> bool:
        call_id = f"{file.node}-{file.uniqueid}" if file.node else self.call_of(file.uniqueid)
        sound = await asyncio.to_thread(look_at, file.path)
        made: Micros = self._clock.now_us() - round(file.age * 1_000_000)
        return await taking.expire(file.path, kind, call_id, sound, made_us=made)
