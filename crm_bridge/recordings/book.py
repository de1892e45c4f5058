"""Recordings on record: kept, listened to, deleted by rule or for a person, sealed anew.

Each function works within the caller's transaction. What is deleted loses its key there and then;
`rounds.py` removes the file afterwards.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.recordings.keyring import Keyring, SealedKey
from crm_bridge.records import audit
from crm_bridge.records.audit import Entry
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.recordings import recording_listens, recordings, voicemails
from ivr.calls.call import Micros

Kind = Literal["voicemail", "call"]
Why = Literal["retention", "erased", "replaced"]
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording; times in microseconds since the epoch, UTC."""

    id: str
    kind: Kind
    call_id: str
    made_us: Micros
    length_us: Micros
    key: SealedKey | None
    """None where it is deleted."""
    gone_us: Micros | None
    gone_why: Why | None
    source: str | None = None
    """Which open file it was sealed from (`taking.Sound`)."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Somebody had it played."""

    recording_id: str
    who: str
    at_us: Micros


async def keep(connection: AsyncConnection, recording: Recording) -> None:
    """Writes the row of a file that is in the vault, or of one that was never, and is gone."""
    key = recording.key
    await connection.execute(
        insert(recordings).values(
            id=recording.id, kind=recording.kind, call_id=recording.call_id,
            made_us=recording.made_us, length_us=recording.length_us,
            key_id=key.key_id if key else None, sealed_key=key.sealed if key else None,
            source=recording.source, gone_us=recording.gone_us, gone_why=recording.gone_why,
        )
    )  # fmt: skip


async def one(connection: AsyncConnection, recording_id: str) -> Recording | None:
    """The recording of this id, deleted or not."""
    row = (
        await connection.execute(select(recordings).where(recordings.c.id == recording_id))
    ).one_or_none()
    return None if row is None else _recording(row)


async def these(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Recording]:
    """Those of these ids that there are, deleted or not; at most a page of ids."""
    query = select(recordings).where(recordings.c.id.in_(list(ids)))
    return {row.id: _recording(row) for row in await connection.execute(query)}


async def of_call(connection: AsyncConnection, call_id: str) -> list[Recording]:
    """Those of a call, in order."""
    query = (
        select(recordings)
        .where(recordings.c.call_id == call_id)
        .order_by(recordings.c.made_us, recordings.c.id)
    )
    return [_recording(row) for row in await connection.execute(query)]


async def listened(
    connection: AsyncConnection, clock: Clock, by: Account, found: Recording
) -> None:
    """Puts on record that it is played to this account; before the first sound of it."""
    await connection.execute(
        insert(recording_listens).values(
            id=uuid.uuid4().hex, recording_id=found.id, account_id=by.id, at_us=clock.now_us()
        )
    )
    about = {"call": f"call:{found.call_id}"}
    audit.note(
        connection,
        Entry("recording.listened", clock.now_us(), f"recording:{found.id}", about, "read", by.id),
    )


async def listens(connection: AsyncConnection, ids: Sequence[str]) -> list[Listen]:
    """Who had these played, in order of time."""
    query = (
        select(recording_listens.c.recording_id, accounts.c.name_th, recording_listens.c.at_us)
        .join(accounts, accounts.c.id == recording_listens.c.account_id)
        .where(recording_listens.c.recording_id.in_(list(ids)))
        .order_by(recording_listens.c.at_us, recording_listens.c.id)
    )
    return [Listen(*row) for row in await connection.execute(query)]


async def forget(connection: AsyncConnection, clock: Clock, ids: Sequence[str], why: Why) -> int:
    """Deletes: from the commit on nobody can open them. Returns how many were still there."""
    gone = 0
    for start in range(0, len(ids), PAGE):
        page = list(ids[start : start + PAGE])
        await connection.execute(delete(voicemails).where(voicemails.c.recording_id.in_(page)))
        done = await connection.execute(
            update(recordings)
            .where(recordings.c.id.in_(page), recordings.c.gone_us.is_(None))
            .values(gone_us=clock.now_us(), gone_why=why, key_id=None, sealed_key=None)
        )
        gone += done.rowcount
    return gone


async def too_old(connection: AsyncConnection, kind: Kind, before: Micros) -> list[str]:
    """Ids of recordings of this kind that were made before."""
    query = (
        select(recordings.c.id)
        .where(recordings.c.kind == kind, recordings.c.made_us < before,
               recordings.c.gone_us.is_(None))
        .limit(PAGE)
    )  # fmt: skip
    return list((await connection.execute(query)).scalars())


async def to_clear(connection: AsyncConnection) -> list[str]:
    """Ids of deleted recordings whose files are still to be removed."""
    query = (
        select(recordings.c.id)
        .where(recordings.c.gone_us.is_not(None), recordings.c.cleared_us.is_(None))
        .limit(PAGE)
    )
    return list((await connection.execute(query)).scalars())


async def cleared(connection: AsyncConnection, clock: Clock, ids: Sequence[str]) -> None:
    """Their files are removed."""
    await connection.execute(
        update(recordings).where(recordings.c.id.in_(list(ids))).values(cleared_us=clock.now_us())
    )


async def known(connection: AsyncConnection, ids: Sequence[str]) -> set[str]:
    """Which of these ids have a row."""
    query = select(recordings.c.id).where(recordings.c.id.in_(list(ids)))
    return set((await connection.execute(query)).scalars())


async def reseal(
    connection: AsyncConnection, keys: Keyring, after: str = ""
) -> tuple[int, str | None]:
    """Seals the keys of a page of recordings, in order of their ids, with the key in force.

    How many another key had sealed, and the id to go on `after`: None where no more follow. Raises
    SealFault where one cannot be opened; nothing is changed by a transaction that ends so.
    """
    query = (
        select(recordings.c.id, recordings.c.key_id, recordings.c.sealed_key)
        .where(recordings.c.id > after, recordings.c.gone_us.is_(None))
        .order_by(recordings.c.id)
        .limit(PAGE)
    )
    rows = (await connection.execute(query)).all()
    old = [row for row in rows if row.key_id != keys.in_force]
    for row in old:
        new = keys.reseal(row.id, SealedKey(row.key_id, bytes(row.sealed_key)))
        await connection.execute(
            update(recordings)
            .where(recordings.c.id == row.id)
            .values(key_id=new.key_id, sealed_key=new.sealed)
        )
    return len(old), rows[-1].id if len(rows) == PAGE else None


def _recording(row: Row[Any]) -> Recording:
    key = None if row.sealed_key is None else SealedKey(row.key_id, bytes(row.sealed_key))
    return Recording(
        row.id,
        row.kind,
        row.call_id,
        row.made_us,
        row.length_us,
        key,
        row.gone_us,
        row.gone_why,
        row.source,
    )
