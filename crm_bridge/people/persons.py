"""Persons who call: made, edited, and their numbers.

Whatever asks for a merged person is given the one it was merged into; an erased one is refused.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.people.fields import LIMITS, checked, e164_of
from crm_bridge.people.index import index_name
from crm_bridge.people.matching import Contact, Known, Match, last_contacts, match
from crm_bridge.people.names import plain
from crm_bridge.records import outbox
from crm_bridge.records.callers import clean
from crm_bridge.records.desk_tables.people import person_numbers, persons

__all__ = [
    "Contact", "Known", "Match", "Number", "Person", "add_number", "create", "edit", "get",
    "group_ids", "last_contacts", "listed", "match", "numbers_of", "remove_number", "root_of",
    "tell",
]  # fmt: skip

_MOST_NUMBERS: Final = 50


@dataclass(frozen=True, slots=True)
class Person:
    """One person as kept; `notes` is what to know before speaking, `erased_us` when forgotten."""

    id: str
    name: str | None
    email: str | None
    province: str | None
    address: str | None
    language: str
    notes: str | None
    merged_into: str | None
    erased_us: int | None
    created_us: int
    updated_us: int
    version: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a person; `shared` with how many other persons."""

    e164: str
    label: str | None
    created_us: int
    shared: int


_COLUMNS: Final = [
    persons.c[name]
    for name in (
        "id", "name", "email", "province", "address", "language", "notes", "merged_into",
        "erased_us", "created_us", "updated_us", "version",
    )
]  # fmt: skip


async def create(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    *,
    fields: Mapping[str, str | None],
    numbers: Sequence[str] = (),
) -> Person:
    """A new person with these fields (name, email, province, address, language, notes).

    `numbers` in any written form. `Refused` where a field cannot be kept, or where there is
    neither a name nor a number to know the person by.
    """
    clear = checked({"language": "th", **fields})
    found = list(dict.fromkeys(e164_of(number) for number in numbers if number.strip()))
    if not clear.get("name") and not found:
        raise Refused(
            "nobody",
            "กรุณาระบุชื่อหรือหมายเลขโทรศัพท์อย่างน้อยหนึ่งอย่าง",
            "Give a name or a telephone number.",
            422,
            {"name": ("ระบุชื่อหรือหมายเลข", "A name or a number is needed")},
        )
    _not_too_many(len(found))
    now = clock.now_us()
    person_id = uuid.uuid4().hex
    await connection.execute(
        insert(persons).values(
            id=person_id,
            **{name: clear.get(name) for name in LIMITS},
            language=clear["language"],
            root_id=person_id,
            created_us=now,
            created_by=by.id,
            updated_us=now,
            updated_by=by.id,
            version=1,
        )
    )
    if found:
        await connection.execute(
            insert(person_numbers),
            [
                {"e164": e164, "person_id": person_id, "label": None, "created_us": now,
                 "created_by": by.id}
                for e164 in found
            ],
        )  # fmt: skip
    await index_name(connection, person_id, clear.get("name"))
    await tell(connection, now, person_id)
    return await get(connection, person_id)


async def listed(connection: AsyncConnection, person_id: str) -> Person:
    """The row of this very id, merged or erased; `Refused` (404) where there is none."""
    row = (await connection.execute(select(*_COLUMNS).where(persons.c.id == person_id))).first()
    if row is None:
        raise Refused("no-such-person", "ไม่พบข้อมูลบุคคลนี้", "There is no such person.", 404)
    return _person(row)


async def get(connection: AsyncConnection, person_id: str) -> Person:
    """The person, or the one it was merged into; `Refused` where unknown (404) or erased (410)."""
    root = (
        await connection.execute(select(persons.c.root_id).where(persons.c.id == person_id))
    ).scalar()
    found = await listed(connection, root or person_id)
    if found.erased_us is not None:
        raise Refused(
            "person-erased",
            "ข้อมูลของบุคคลนี้ถูกลบแล้วตามสิทธิของเจ้าของข้อมูลส่วนบุคคล",
            "This person's data was erased at the person's right.",
            410,
        )
    return found


async def root_of(connection: AsyncConnection, person_id: str) -> str | None:
    """The id that stands for this person now; `None` where there is no such person."""
    query = select(persons.c.root_id).where(persons.c.id == person_id)
    return (await connection.execute(query)).scalar()


async def group_ids(connection: AsyncConnection, person_id: str) -> list[str]:
    """The ids of everyone who is this person now: the root first, those merged into it after."""
    root = select(persons.c.root_id).where(persons.c.id == person_id).scalar_subquery()
    query = (
        select(persons.c.id)
        .where(persons.c.root_id == root)
        .order_by(persons.c.id != persons.c.root_id, persons.c.created_us, persons.c.id)
    )
    return list((await connection.execute(query)).scalars())


async def edit(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    person_id: str,
    version: int,
    fields: Mapping[str, str | None],
) -> Person:
    """Change what `fields` names; `Refused` (412) where another changed it since `version`."""
    before = await get(connection, person_id)
    _same_version(before, version)
    clear = checked(fields)
    if not clear:
        return before
    if "name" in clear and not clear["name"] and not await numbers_of(connection, before.id):
        raise Refused(
            "nobody",
            "ไม่สามารถลบชื่อได้ เนื่องจากไม่มีหมายเลขโทรศัพท์",
            "The name cannot go: there is no number to know the person by.",
            422,
            {"name": ("ต้องมีชื่อ", "A name is needed")},
        )
    await connection.execute(
        update(persons).where(persons.c.id == before.id).values(**clear, **_touched(clock, by))
    )
    if "name" in clear:
        await index_name(connection, before.id, clear["name"])
    await tell(connection, clock.now_us(), before.id)
    return await get(connection, before.id)


async def numbers_of(connection: AsyncConnection, person_id: str) -> list[Number]:
    """The numbers of the person and of those merged into it, the oldest first."""
    root = select(persons.c.root_id).where(persons.c.id == person_id).scalar_subquery()
    other, others = person_numbers.alias("other"), persons.alias("others")
    shared = (
        select(func.count(others.c.root_id.distinct()))
        .select_from(other.join(others, others.c.id == other.c.person_id))
        .where(other.c.e164 == person_numbers.c.e164, others.c.root_id != persons.c.root_id)
        .scalar_subquery()
    )
    query = (
        select(
            person_numbers.c.e164,
            func.max(person_numbers.c.label),
            func.min(person_numbers.c.created_us),
            func.max(shared),
        )
        .join(persons, persons.c.id == person_numbers.c.person_id)
        .where(persons.c.root_id == root)
        .group_by(person_numbers.c.e164)
        .order_by(func.min(person_numbers.c.created_us), person_numbers.c.e164)
    )
    return [Number(*row) for row in (await connection.execute(query)).all()]


async def add_number(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    person_id: str,
    number: str,
    label: str | None = None,
) -> Person:
    """One number more, in any written form; one that is there already changes nothing."""
    person = await get(connection, person_id)
    e164 = e164_of(number)
    held = await numbers_of(connection, person.id)
    if any(e164 == n.e164 for n in held):
        return person
    _not_too_many(len(held) + 1)
    await connection.execute(
        insert(person_numbers).values(
            e164=e164,
            person_id=person.id,
            label=plain(clean(label, 60)) or None if label else None,
            created_us=clock.now_us(),
            created_by=by.id,
        )
    )
    await _touch(connection, clock, by, person.id)
    return await get(connection, person.id)


async def remove_number(
    connection: AsyncConnection, clock: Clock, by: Account, person_id: str, e164: str
) -> Person:
    """Take a number off the person; calls that came from it stay as they are."""
    person = await get(connection, person_id)
    held = await numbers_of(connection, person.id)
    if e164 not in {n.e164 for n in held}:
        raise Refused(
            "no-such-number",
            "บุคคลนี้ไม่มีหมายเลขดังกล่าว",
            "The person does not have this number.",
            404,
        )
    if len(held) == 1 and not person.name:
        raise Refused(
            "nobody",
            "ไม่สามารถลบหมายเลขสุดท้ายของผู้ที่ไม่มีชื่อ",
            "The last number of a person without a name cannot go.",
        )
    await connection.execute(
        delete(person_numbers).where(
            person_numbers.c.e164 == e164,
            person_numbers.c.person_id.in_(await group_ids(connection, person.id)),
        )
    )
    await _touch(connection, clock, by, person.id)
    return await get(connection, person.id)


def _person(row: Row[Any]) -> Person:
    return Person(*tuple(row))


def _not_too_many(count: int) -> None:
    if count > _MOST_NUMBERS:
        raise Refused(
            "too-many-numbers",
            f"บุคคลหนึ่งมีได้ไม่เกิน {_MOST_NUMBERS} หมายเลข",
            f"A person has at most {_MOST_NUMBERS} numbers.",
        )


def _same_version(person: Person, version: int) -> None:
    if person.version != version:
        raise Refused(
            "changed-meanwhile",
            "มีผู้แก้ไขข้อมูลนี้ไปแล้ว กรุณาโหลดใหม่ก่อนแก้ไข",
            "Somebody changed this meanwhile; load it again before editing.",
            412,
        )


def _touched(clock: Clock, by: Account) -> dict[str, Any]:
    return {
        "version": persons.c.version + 1,
        "updated_us": clock.now_us(),
        "updated_by": by.id,
    }


async def _touch(connection: AsyncConnection, clock: Clock, by: Account, person_id: str) -> None:
    await connection.execute(
        update(persons).where(persons.c.id == person_id).values(**_touched(clock, by))
    )
    await tell(connection, clock.now_us(), person_id)


async def tell(connection: AsyncConnection, at: int, person_id: str) -> None:
    """Other CRMs shall hear of the person as it is now."""
    version = select(persons.c.version).where(persons.c.id == person_id)
    numbers = await numbers_of(connection, person_id)
    await outbox.add(
        connection, at, outbox.PERSON, person_id, await connection.scalar(version) or 0,
        lane=f"person:{person_id}", contact=numbers[0].e164 if numbers else None,
    )  # fmt: skip
