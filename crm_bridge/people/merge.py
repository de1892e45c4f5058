"""Two records of one person become one, and apart again.

A merge only says whose the record is now (`merged_into`, `root_id`): nothing is copied, moved or
deleted, so that an undo gives back exactly what was there. What is written down in between stays
with the person it was written to.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.access.account import Account
from crm_bridge.clock import Clock
from crm_bridge.errors import Refused
from crm_bridge.people.names import plain, words
from crm_bridge.people.persons import Person, get, group_ids, listed, tell
from crm_bridge.records.callers import clean
from crm_bridge.records.desk_tables.people import person_merges, person_numbers, persons

SIMILAR: Final = 75.0
"""Names at least this alike (rapidfuzz, 0 to 100) on one number are likely one person."""


@dataclass(frozen=True, slots=True)
class Merge:
    """One merge: `person_id` became `into_id`; `undone_us` where it was taken back."""

    id: str
    person_id: str
    into_id: str
    at_us: int
    by_account: str
    why: str
    undone_us: int | None
    undone_by: str | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two persons who share a number; `likeness` of their names 0 to 100, 50 where one has none."""

    e164: str
    first: str
    first_name: str | None
    second: str
    second_name: str | None
    likeness: float


async def merge(
    connection: AsyncConnection,
    clock: Clock,
    by: Account,
    *,
    keep: str,
    other: str,
    why: str = "",
) -> Merge:
    """Make `other` the same person as `keep`, under whose name both are then found."""
    kept, gone = await get(connection, keep), await get(connection, other)
    if kept.id == gone.id:
        raise Refused("same-person", "เป็นบุคคลเดียวกันอยู่แล้ว", "They are one person already.", 409)
    now = clock.now_us()
    made = Merge(uuid.uuid4().hex, gone.id, kept.id, now, by.id, plain(clean(why, 500)), None, None)
    await connection.execute(
        insert(person_merges).values(
            id=made.id,
            person_id=made.person_id,
            into_id=made.into_id,
            at_us=now,
            by_account=by.id,
            why=made.why,
        )
    )
    await connection.execute(
        update(persons).where(persons.c.id == gone.id).values(merged_into=kept.id)
    )
    await connection.execute(
        update(persons).where(persons.c.root_id == gone.id).values(root_id=kept.id)
    )
    await _new_versions(connection, now, kept, gone)
    return made


async def undo(connection: AsyncConnection, clock: Clock, by: Account, merge_id: str) -> Merge:
    """Take a merge back: both are again who they were; later merges of either stay."""
    found = (
        await connection.execute(select(person_merges).where(person_merges.c.id == merge_id))
    ).first()
    if found is None:
        raise Refused("no-such-merge", "ไม่พบการรวมข้อมูลนี้", "There is no such merge.", 404)
    made = Merge(*tuple(found))
    if made.undone_us is not None:
        raise Refused(
            "merge-undone", "การรวมนี้ถูกยกเลิกไปแล้ว", "This merge has been undone already.", 409
        )
    kept = await get(connection, made.into_id)  # refused where it has been erased since
    gone = await listed(connection, made.person_id)
    now = clock.now_us()
    await connection.execute(
        update(person_merges)
        .where(person_merges.c.id == merge_id)
        .values(undone_us=now, undone_by=by.id)
    )
    await connection.execute(
        update(persons).where(persons.c.id == gone.id).values(merged_into=None)
    )
    under = await _under(connection, gone.id)
    await connection.execute(update(persons).where(persons.c.id.in_(under)).values(root_id=gone.id))
    await _new_versions(connection, now, kept, gone)
    return Merge(
        made.id, made.person_id, made.into_id, made.at_us, made.by_account, made.why, now, by.id
    )


async def merges_of(connection: AsyncConnection, person_id: str) -> list[Merge]:
    """Every merge in which the person or one merged into it took part, the newest first."""
    ids = await group_ids(connection, person_id)
    query = (
        select(person_merges)
        .where(person_merges.c.person_id.in_(ids) | person_merges.c.into_id.in_(ids))
        .order_by(person_merges.c.at_us.desc(), person_merges.c.id)
    )
    return [Merge(*tuple(row)) for row in (await connection.execute(query)).all()]


async def suggestions(
    connection: AsyncConnection, person_id: str | None = None, limit: int = 50
) -> list[Suggestion]:
    """Pairs who are likely one person: the same number and like names, the likeliest first.

    Of everybody, or of one person. A record without a name may be anybody on its number.
    """
    shared = (
        select(person_numbers.c.e164, persons.c.root_id)
        .join(persons, persons.c.id == person_numbers.c.person_id)
        .where(persons.c.erased_us.is_(None))
        .distinct()
        .subquery()
    )
    one, two = shared.alias("one"), shared.alias("two")
    a, b = persons.alias("a"), persons.alias("b")
    query = (
        select(one.c.e164, a.c.id, a.c.name, b.c.id, b.c.name)
        .join(two, (two.c.e164 == one.c.e164) & (two.c.root_id != one.c.root_id))
        .join(a, a.c.id == one.c.root_id)
        .join(b, b.c.id == two.c.root_id)
    )
    if person_id is None:
        query = query.where(one.c.root_id < two.c.root_id)
    else:
        root = select(persons.c.root_id).where(persons.c.id == person_id).scalar_subquery()
        query = query.where(one.c.root_id == root)
    found: dict[tuple[str, str], Suggestion] = {}
    for e164, i, name, j, other in (await connection.execute(query.limit(2000))).all():
        like = alike(name, other)
        if like >= SIMILAR or name is None or other is None:
            found.setdefault((i, j), Suggestion(e164, i, name, j, other, like))
    return sorted(found.values(), key=lambda s: (-s.likeness, s.first, s.second))[:limit]


def alike(name: str | None, other: str | None) -> float:
    """How alike two names are, 0 to 100, whatever their titles and order; 50 where one is none."""
    if not name or not other:
        return 50.0
    return float(fuzz.token_sort_ratio(" ".join(words(name)), " ".join(words(other))))


async def _under(connection: AsyncConnection, person_id: str) -> list[str]:
    """The person and everyone merged into it, or into one of those."""
    found, edge = [person_id], [person_id]
    while edge:
        query = select(persons.c.id).where(persons.c.merged_into.in_(edge))
        edge = list((await connection.execute(query)).scalars())
        found += edge
    return found


async def _new_versions(connection: AsyncConnection, at: int, *changed: Person) -> None:
    """Whoever has one of these open is told that it is another now.

    One version for all: an edit of one that leads to the other now must not fit it by chance.
    """
    await connection.execute(
        update(persons)
        .where(persons.c.id.in_([person.id for person in changed]))
        .values(version=max(person.version for person in changed) + 1)
    )
    for person in changed:
        await tell(connection, at, person.id)
