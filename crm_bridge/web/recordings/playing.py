"""Playing a recording to somebody: who may, on record before the first sound, opened for the ears.

A page shows recordings by `Shown`; the sound itself is the API's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.errors import Refused
from crm_bridge.recordings import book
from crm_bridge.recordings.book import Kind, Listen, Recording
from crm_bridge.recordings.keyring import SealFault
from crm_bridge.web.context import Context

_log = structlog.get_logger(__name__)

HEARS: Final[dict[Kind, frozenset[Role]]] = {
    "voicemail": frozenset({Role.AGENT, Role.SUPERVISOR}),
    "call": frozenset({Role.SUPERVISOR}),
}
"""Who may have which kind played."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A recording as a page shows it."""

    recording: Recording
    playable: bool
    """This account may have it played, and it is there."""
    listens: tuple[Listen, ...]


async def shown(
    connection: AsyncConnection, me: Account, found: Iterable[Recording]
) -> list[Shown]:
    """Recordings with who has listened to each."""
    every = list(found)
    heard = await book.listens(connection, [one.id for one in every]) if every else []
    return [
        Shown(
            one,
            one.key is not None and me.role in HEARS[one.kind],
            tuple(listen for listen in heard if listen.recording_id == one.id),
        )
        for one in every
    ]


async def sound(held: Context, me: Account, recording_id: str) -> bytes:
    """The recording as a WAV file; that it was played is on disk before this returns.

    Raises Refused: 404 where there is none or it is deleted, 403 for who may not hear it, 503 where
    it cannot be opened here.
    """
    async with held.database.reading() as connection:
        found = await book.one(connection, recording_id)
    if found is None or found.key is None:
        what = ("ไม่พบเสียงนี้ หรือถูกลบแล้ว", "there is no such recording, or it was deleted")
        raise Refused("no-recording", *what, 404)
    if me.role not in HEARS[found.kind]:
        what = ("บัญชีของท่านไม่มีสิทธิ์ฟังเสียงนี้", "your account may not hear this recording")
        raise Refused("not-allowed", *what, 403)
    vault, key = held.vault, found.key
    try:
        if vault is None:
            raise SealFault("there is no key in recordings.keys")
        opened = await asyncio.to_thread(lambda: b"".join(vault.read(found.id, key)))
    except (SealFault, OSError) as fault:
        why = fault.what if isinstance(fault, SealFault) else str(fault.strerror)
        _log.error(
            "a recording cannot be opened", recording=found.id, what=why,
            mend="give the bridge the keys that recordings are sealed with (recordings.keys)",
        )  # fmt: skip
        told = ("เปิดเสียงนี้ไม่ได้ โปรดแจ้งผู้ดูแลระบบ", "this recording cannot be opened here")
        raise Refused("recording-not-opened", *told, 503) from None
    async with held.database.writing() as connection:
        await book.listened(connection, held.clock, me, found)
    return opened
