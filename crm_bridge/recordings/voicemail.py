"""Messages that callers leave out of hours: from Asterisk's file to a task of the desk.

Asterisk lays a message down as `message-UNIQUEID.wav` in the node's directory of takes. It is
sealed, its row is written, and then the open file is deleted. What nobody came for, because the
bridge went away meanwhile, is taken in by the next round: no message is lost with the bridge.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused, StorageError
from crm_bridge.recordings import book
from crm_bridge.recordings.book import Recording
from crm_bridge.recordings.taking import UNIQUEID, Lying, NoRecording, Takes, Taking, look_at
from crm_bridge.recordings.vault import Vault
from crm_bridge.records import audit
from crm_bridge.records.callers import normalise
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.recordings import recordings, voicemails
from crm_bridge.records.tables import calls
from ivr.calls.call import Micros

_log = structlog.get_logger(__name__)

PREFIX: Final = "message-"
SHORTEST: Final = 1_000_000
"""A message that lasts less (µs) holds no word."""
LONGEST_FILE: Final = 8_000_000
"""Bytes: two minutes are a quarter of it."""
LEFT_LYING: Final = 900.0
"""Seconds after which a message is taken in though nobody asked for that."""
KEPT_WITHIN: Final = 3.5
"""Seconds in which a message is kept, or not."""


class NotKept(Exception):
    """The message is not known to be kept; where its file is, it stays there for the next round."""


@dataclass(frozen=True, slots=True)
class Voicemail:
    """A message as a task."""

    recording_id: str
    call_id: str
    number: str | None
    """E.164, where it can be called back."""
    name: str | None
    left_us: Micros
    length_us: Micros
    done_us: Micros | None


class Voicemails:
    """Takes messages in for the line."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        vault: Vault,
        takes: Sequence[Takes],
        *,
        within: float = KEPT_WITHIN,
    ) -> None:
        self._taking = Taking(database, clock, vault, takes)
        self._within = within
        self.call_of: Callable[[str], str] = str
        """The id of a call by its channel's; the bridge sets it."""

    async def keep(self, uniqueid: str, number: str | None) -> bool:
        """Keeps the caller's message; False where there is none, or nothing is said in it.

        Raises NotKept, within the time a caller waits, where the disk, the database or the file
        stands in the way; what then lies there is taken in by a later round.
        """
        if not UNIQUEID.fullmatch(uniqueid):
            _log.error(
                "a message was not kept: the channel's id names no file",
                mend="give Asterisk a systemname of A-Z a-z 0-9 . _ - only, no . first",
            )
            raise NotKept
        path = next((p for t in self._taking.takes if (p := _file(t, uniqueid)).is_file()), None)
        if path is None:
            return False
        try:
            async with asyncio.timeout(self._within):
                kept = await self._keep(path, self.call_of(uniqueid), number)
                return kept is not None
        except (TimeoutError, OSError, StorageError, NoRecording) as fault:
            _log.error(
                "a message was not kept; it is tried again", call=self.call_of(uniqueid),
                what=_what(fault),
                mend="see that the disk of desk.data_dir has room, and what lies in the takes",
            )  # fmt: skip
            raise NotKept from None

    async def take_up(self, older_than: float = LEFT_LYING) -> int:
        """Keeps messages that lie there still; how many there were.

        The number is taken from the record of the call, where there is one. Raises StorageError,
        OSError (no room).
        """
        return await self._taking.each(PREFIX, older_than, self._one)

    async def _one(self, file: Lying) -> bool:
        call_id = f"{file.node}-{file.uniqueid}" if file.node else self.call_of(file.uniqueid)
        async with self._taking.database.reading() as connection:
            asked = select(calls.c.caller_e164).where(calls.c.call_id == call_id)
            number = await connection.scalar(asked)
        kind = normalise(number).kind if number else ""
        number = number if kind in CALLABLE else None
        return await self._keep(file.path, call_id, number) is True

    async def _keep(self, path: Path, call_id: str, number: str | None) -> bool | None:
        """Whether it is kept only now; None where nothing is said in it."""
        sound = await asyncio.to_thread(look_at, path, LONGEST_FILE)
        if sound.length < SHORTEST:
            await self._taking.remove(path)
            return None

        async def task(connection: AsyncConnection, made: Recording) -> None:
            await connection.execute(
                insert(voicemails).values(
                    recording_id=made.id, call_id=call_id, number=number, left_us=made.made_us
                )
            )

        return await self._taking.take(path, "voicemail", call_id, sound, also=task)


CALLABLE: Final = ("mobile", "fixed")
"""Kinds of Thai numbers that are called back: none that costs more, none abroad."""


async def waiting(connection: AsyncConnection, *, done: bool = False) -> list[Voicemail]:
    """Messages that nobody has dealt with, the oldest first; with those that are done if asked."""
    query = (
        select(
            voicemails.c.recording_id, voicemails.c.call_id, voicemails.c.number,
            calls.c.caller_name, voicemails.c.left_us, recordings.c.length_us,
            voicemails.c.done_us,
        )
        .select_from(
            voicemails.join(recordings, recordings.c.id == voicemails.c.recording_id).outerjoin(
                calls, calls.c.call_id == voicemails.c.call_id
            )
        )
        .order_by(voicemails.c.left_us, voicemails.c.recording_id)
        .limit(book.PAGE)
    )  # fmt: skip
    if not done:
        query = query.where(voicemails.c.done_us.is_(None))
    found = [Voicemail(*row) for row in await connection.execute(query)]
    audit.shows(*(f"call:{message.call_id}" for message in found))
    return found


async def dealt_with(
    connection: AsyncConnection, clock: Clock, by: Account, recording_id: str
) -> None:
    """Nobody need hear it any more; a second time changes nothing. Raises Refused (404)."""
    table = voicemails.c
    found = await connection.scalar(
        select(table.recording_id).where(table.recording_id == recording_id)
    )
    if found is None:
        raise Refused("no-message", "ไม่พบข้อความเสียงนี้", "there is no such message", 404)
    await connection.execute(
        update(voicemails)
        .where(and_(table.recording_id == recording_id, table.done_us.is_(None)))
        .values(done_us=clock.now_us(), done_by=by.id)
    )


def _file(takes: Takes, uniqueid: str) -> Path:
    return takes.folder / f"{PREFIX}{uniqueid}.wav"


def _what(fault: Exception) -> str:
    if isinstance(fault, StorageError | NoRecording):
        return fault.what
    if isinstance(fault, TimeoutError):
        return "it took too long"
    return getattr(fault, "strerror", None) or type(fault).__name__
