"""What officers write down of a person: dated, and never changed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.people.fields import LONGEST_NOTE, lines
from crm_bridge.people.persons import get
from crm_bridge.records.callers import clean
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.people import person_notes, persons


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote down of a person; `by` is the writer's name as it is now."""

    id: str
    at_us: int
    by: tuple[str, str]
    call_id: str | None
    text: str


async def add_note(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    person_id: str,
    text: str,
    call_id: str | None = None,
) -> Note:
    """Write a note down; it stays with its writer and time."""
    person = await get(connection, person_id)
    kept = lines(text)
    if not kept or len(text) > LONGEST_NOTE:
        th, en = (
            ("กรุณาพิมพ์ข้อความ", "Write something.")
            if not kept
            else (f"ยาวเกิน {LONGEST_NOTE} ตัวอักษร", f"Longer than {LONGEST_NOTE} characters.")
        )
        raise Refused("note-text", th, en, 422, {"text": (th, en)})
    note_id = uuid.uuid4().hex
    await connection.execute(
        insert(person_notes).values(
            id=note_id,
            person_id=person.id,
            at_us=clock.now_us(),
            by_account=by.id,
            call_id=clean(call_id, 255) if call_id else None,
            text=kept,
        )
    )
    return next(n for n in await notes_of(connection, person.id) if n.id == note_id)


async def notes_of(connection: AsyncConnection, person_id: str, limit: int = 100) -> list[Note]:
    """The newest notes of the person and of those merged into it, the newest first."""
    root = select(persons.c.root_id).where(persons.c.id == person_id).scalar_subquery()
    query = (
        select(
            person_notes.c.id,
            person_notes.c.at_us,
            accounts.c.name_th,
            accounts.c.name_en,
            person_notes.c.call_id,
            person_notes.c.text,
        )
        .join(persons, persons.c.id == person_notes.c.person_id)
        .outerjoin(accounts, accounts.c.id == person_notes.c.by_account)
        .where(persons.c.root_id == root)
        .order_by(person_notes.c.at_us.desc(), person_notes.c.id)
        .limit(limit)
    )
    return [
        Note(i, at, (th or "", en or ""), call_id, text)
        for i, at, th, en, call_id, text in (await connection.execute(query)).all()
    ]
