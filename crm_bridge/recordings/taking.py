"""From Asterisk's open file to a sealed one on record, and only then the open one is deleted."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
import wave
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

UNIQUEID: Final = re.compile(r"[A-Za-z0-9-]{0,40}?[0-9]{1,20}\.[0-9]{1,20}")
"""A channel's id, which names its file: nothing else becomes part of a path."""

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


def lying(takes: Sequence[Takes], prefix: str) -> list[Lying]:
    """Files that are named by a channel, the oldest first; blocks."""
    found = []
    for one in takes:
        for path in one.folder.glob(f"{prefix}*.wav"):
            uniqueid = path.stem.removeprefix(prefix)
            if UNIQUEID.fullmatch(uniqueid):
                age = time.time() - path.stat().st_mtime
                found.append(Lying(path, one.node, uniqueid, age))
    return sorted(found, key=lambda file: (-file.age, file.uniqueid))


def length_of(path: Path, most: int | None = None) -> Micros | None:
    """How long it sounds (µs); None for what is no file of sound, or of more bytes than `most`."""
    if path.is_symlink() or (most is not None and path.stat().st_size > most):
        _log.warning("what lies there is no recording", what=path.name)
        return None
    try:
        with wave.open(str(path), "rb") as sound:
            return sound.getnframes() * 1_000_000 // sound.getframerate()
    except (wave.Error, EOFError):
        return None


async def take(
    database: Database, clock: Clock, vault: Vault, path: Path, kind: Kind, call_id: str,
    length: Micros, also: Also | None = None,
) -> None:  # fmt: skip
    """Seals a file as the call's recording of this kind, in place of an earlier one of it.

    Raises OSError and StorageError; the file then lies where it lay.
    """
    new = uuid.uuid4().hex
    key = await asyncio.to_thread(vault.put, path, new)
    made = Recording(new, kind, call_id, clock.now_us(), length, key, None, None)
    try:
        async with database.writing() as connection:
            before = await book.of_call(connection, call_id)
            same = [one.id for one in before if one.kind == kind]
            await book.forget(connection, clock, same, "replaced")
            await book.keep(connection, made)
            if also is not None:
                await also(connection, made)
    except BaseException:
        await asyncio.to_thread(vault.drop, new)
        raise
    await asyncio.to_thread(path.unlink, True)
