"""From Asterisk's open file to a sealed one on record, and only then the open one is deleted."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.recordings import book
from crm_bridge.recordings.book import Kind, Recording
from crm_bridge.recordings.vault import Vault
from crm_bridge.records.database import Database
from ivr.calls.call import Micros

_log = structlog.get_logger(__name__)

UNIQUEID: Final = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,63})?[0-9]{1,20}\.[0-9]{1,20}")
"""A channel's id, which names its file: nothing else becomes part of a path. Asterisk's systemname
stands before its numbers; `ivr/lab/site.py` lets no other be installed."""
HEADER: Final = 44
"""Bytes of a WAV file of Asterisk's before its first sample."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

Also = Callable[[AsyncConnection, Recording], Awaitable[None]]
"""What else is written of a recording, in the transaction of its row."""


@dataclass(frozen=True, slots=True)
class Takes:
    """Where one node's Asterisk lays voices down, as this machine sees it."""

    node: str | None
    folder: Path


@dataclass(frozen=True, slots=True)
class Lying:
    """A file that Asterisk has laid down."""

    path: Path
    node: str | None
    uniqueid: str
    age: float
    """Seconds since it was last written to."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What an open file holds."""

    length: Micros
    head: bytes
    """Its header as it reads when the file is closed."""
    source: str
    """The same for the same content: its size and when it was last written to."""


class NoRecording(Exception):
    """What lies there is none of Asterisk's recordings: `what` in words, and the mend."""

    def __init__(self, what: str, mend: str = "look at it, and take it away from there") -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend


class _Stays(Exception):
    """A file was not deleted: nothing is to be written of it."""


_NAMED: Final = "take it away from there; where it is a call's, Asterisk's systemname is at fault"


def lying(takes: Sequence[Takes], prefix: str) -> list[Lying]:
    """Files of sound there, in folders below too, the oldest first; blocks."""
    found = []
    for one in takes:
        for path in one.folder.rglob(f"{prefix}*.wav"):
            uniqueid = path.stem.removeprefix(prefix)
            with contextlib.suppress(FileNotFoundError):  # kept in this very moment
                age = time.time() - path.lstat().st_mtime
                found.append(Lying(path, one.node, uniqueid, age))
    return sorted(found, key=lambda file: (-file.age, file.uniqueid))


def look_at(path: Path, most: int | None = None) -> Sound:
    """What the file holds, by its size; blocks.

    Asterisk writes the size into the header when it closes a file: not before, and never where it
    crashes. Raises OSError, and NoRecording, also for one of more bytes than `most`.
    """
    if path.is_symlink():
        raise NoRecording("it is a link")
    with path.open("rb") as file:
        stat = os.fstat(file.fileno())
        head = file.read(HEADER)
    source = f"{stat.st_size}-{stat.st_mtime_ns}"
    size = stat.st_size - HEADER
    if size <= 0:
        return Sound(0, head, source)
    if most is not None and stat.st_size > most:
        raise NoRecording(f"it is longer than {most} bytes")
    a_second = int.from_bytes(head[28:32], "little")
    if (head[:4], head[8:16], head[36:40]) != (b"RIFF", b"WAVEfmt ", b"data") or not a_second:
        raise NoRecording("it does not begin as Asterisk's WAV files do")
    riff, data = ((n & 0xFFFFFFFF).to_bytes(4, "little") for n in (size + HEADER - 8, size))
    head = head[:4] + riff + head[8:40] + data
    return Sound(size * 1_000_000 // a_second, head, source)


class Taking:
    """Takes open files in; says of each that it cannot, once."""

    def __init__(
        self, database: Database, clock: Clock, vault: Vault, takes: Sequence[Takes]
    ) -> None:
        self.database = database
        self.takes = takes
        self._clock = clock
        self._vault = vault
        self._told: set[Path] = set()

    async def each(
        self, prefix: str, older_than: float, work: Callable[[Lying], Awaitable[bool]]
    ) -> int:
        """Works through what lies there; how many came in.

        What cannot be taken in is told of and holds up no other. Raises StorageError, and OSError
        where the disk is full: no other would find room.
        """
        files = await asyncio.to_thread(lying, self.takes, prefix)
        self._told &= {file.path for file in files}
        found = 0
        for file in files:
            if file.age < older_than:
                continue
            try:
                if not UNIQUEID.fullmatch(file.uniqueid):
                    raise NoRecording("its name is no channel's", _NAMED)
                found += await work(file)
            except NoRecording as fault:
                self._tell(file.path, fault.what, fault.mend)
            except OSError as fault:
                if fault.errno in _FULL:
                    raise
                mend = "let the bridge's user read it, and write to desk.data_dir"
                self._tell(file.path, fault.strerror or type(fault).__name__, mend)
        return found

    async def take(
        self, path: Path, kind: Kind, call_id: str, sound: Sound, *,
        made_us: Micros | None = None, also: Also | None = None,
    ) -> bool:  # fmt: skip
        """Seals a file as the call's recording of this kind, in place of an earlier one of it.

        False where this very file was sealed before, also where that recording is deleted by now:
        the open one alone is then left to delete. `made_us`: when it was made, now where that is
        not given. Raises OSError and StorageError; the file then lies where it lay.
        """
        async with self.database.reading() as connection:
            before = await book.of_call(connection, call_id)
        if any(one.kind == kind and one.source == sound.source for one in before):
            await self.remove(path)
            return False
        new = uuid.uuid4().hex
        key = await asyncio.to_thread(self._vault.put, path, new, sound.head)
        now = self._clock.now_us()
        made_us = now if made_us is None else made_us
        made = Recording(new, kind, call_id, made_us, sound.length, key, None, None, sound.source)
        try:
            async with self.database.writing() as connection:
                before = await book.of_call(connection, call_id)
                same = [one.id for one in before if one.kind == kind]
                await book.forget(connection, self._clock, same, "replaced")
                await book.keep(connection, made)
                if also is not None:
                    await also(connection, made)
        except BaseException:
            await asyncio.to_thread(self._vault.drop, new)
            raise
        await self.remove(path)
        return True

    async def expire(
        self, path: Path, kind: Kind, call_id: str, sound: Sound, *, made_us: Micros
    ) -> bool:
        """Deletes an open file that was never sealed, and has on record that it is gone.

        In one transaction: neither is a file deleted that no record could speak of, nor does one
        speak of a file that lies there still. False where it cannot be deleted. Raises
        StorageError.
        """
        async with self.database.reading() as connection:
            before = await book.of_call(connection, call_id)
        if any(one.kind == kind and one.source == sound.source for one in before):
            return await self.remove(path)  # sealed once, and left lying
        now = self._clock.now_us()
        gone = Recording(
            uuid.uuid4().hex, kind, call_id, made_us, sound.length, None, now, "retention",
            sound.source,
        )  # fmt: skip
        try:
            async with self.database.writing() as connection:
                await book.keep(connection, gone)
                await book.cleared(connection, self._clock, [gone.id])
                if not await self.remove(path):
                    raise _Stays
        except _Stays:
            return False
        _log.info("a recording that lay in the open was deleted", call=call_id, kind=kind)
        return True

    async def remove(self, path: Path) -> bool:
        """Deletes an open file; where that is refused it is said, and tried with each round."""
        try:
            await asyncio.to_thread(path.unlink, True)
        except OSError as fault:
            mend = (
                "let the bridge's user delete what Asterisk lays down there; "
                "`hotline doctor` looks at it"
            )
            self._tell(path, f"it lies in the open and cannot be deleted: {fault.strerror}", mend)
            return False
        return True

    def _tell(self, path: Path, what: str, mend: str) -> None:
        if path not in self._told:
            self._told.add(path)
            _log.error("a recording of Asterisk's", file=path.name, what=what, mend=mend)
