"""Who is calling, asked while the telephone rings: one look by index, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.people.area_codes import provinces_of
from crm_bridge.records.desk_tables.people import person_notes, person_numbers, persons
from crm_bridge.records.desk_tables.wrapups import subjects, wrapups
from crm_bridge.records.tables import agent_parts, calls

Level = Literal["known", "maybe", "new", "withheld"]

_MOST_PERSONS: Final = 20
_MOST_NOTES: Final = 5


@dataclass(frozen=True, slots=True)
class Known:
    """A person who has the number; `notes` is what to know before speaking."""

    id: str
    name: str | None
    province: str | None
    language: str
    email: str | None
    notes: str | None
    version: int


@dataclass(frozen=True, slots=True)
class Remark:
    """A dated note of a person."""

    person_id: str
    at_us: int
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """Whose number it is: `known` one person, `maybe` one of `persons`, `new` nobody's yet.

    `province` is the person's, else that of the number's area where it has only one; `provinces`
    are all the number's area has; `province_from` says which of the two it is.
    """

    level: Level
    e164: str | None
    persons: tuple[Known, ...]
    notes: tuple[Remark, ...]
    province: str | None
    provinces: tuple[str, ...]
    province_from: Literal["person", "number"] | None


@dataclass(frozen=True, slots=True)
class Contact:
    """An earlier call: when, how it came out, for what (Thai, English), and who spoke."""

    call_id: str
    direction: str
    e164: str | None
    entered_us: int
    ended_us: int | None
    outcome: str | None
    service: str | None
    agent: str | None
    subject: tuple[str, str] | None
    summary: str | None


async def match(connection: AsyncConnection, e164: str | None, *, withheld: bool = True) -> Match:
    """Whose number this is. Without a number the caller is `withheld`, or `new` if told otherwise.

    Persons merged into another are that other; erased ones are nobody. The one changed last
    stands first.
    """
    if e164 is None:
        return Match("withheld" if withheld else "new", None, (), (), None, (), None)
    provinces = provinces_of(e164)
    root = persons.alias("root")
    query = (
        select(
            root.c.id,
            root.c.name,
            root.c.province,
            root.c.language,
            root.c.email,
            root.c.notes,
            root.c.version,
            root.c.updated_us,
        )
        .select_from(person_numbers)
        .join(persons, persons.c.id == person_numbers.c.person_id)
        .join(root, root.c.id == persons.c.root_id)
        .where(person_numbers.c.e164 == e164, root.c.erased_us.is_(None))
        .order_by(root.c.updated_us.desc(), root.c.id)
        .limit(2 * _MOST_PERSONS)
    )
    rows = (await connection.execute(query)).all()
    found = tuple(dict.fromkeys(Known(*row[:-1]) for row in rows))[:_MOST_PERSONS]
    if not found:
        only = provinces[0] if len(provinces) == 1 else None
        return Match("new", e164, (), (), only, provinces, "number" if only else None)
    notes = await _remarks(connection, [person.id for person in found])
    theirs = {person.province for person in found}
    province = theirs.pop() if len(theirs) == 1 else None
    source: Literal["person", "number"] | None = "person" if province else None
    if province is None and len(provinces) == 1:
        province, source = provinces[0], "number"
    level: Level = "known" if len(found) == 1 else "maybe"
    return Match(level, e164, found, notes, province, provinces, source)


async def _remarks(connection: AsyncConnection, roots: list[str]) -> tuple[Remark, ...]:
    query = (
        select(persons.c.root_id, person_notes.c.at_us, person_notes.c.text)
        .join(persons, persons.c.id == person_notes.c.person_id)
        .where(persons.c.root_id.in_(roots))
        .order_by(person_notes.c.at_us.desc(), person_notes.c.id)
        .limit(_MOST_NOTES)
    )
    return tuple(Remark(*row) for row in (await connection.execute(query)).all())


async def last_contacts(
    connection: AsyncConnection,
    numbers: Sequence[str],
    person_id: str | None = None,
    limit: int = 5,
    *,
    without: str | None = None,
) -> list[Contact]:
    """The last calls of these numbers and of the person's numbers, the newest first.

    `without` is a call to leave out: the one that rings now.
    """
    e164s = list(dict.fromkeys(numbers))
    if person_id is not None:
        root = select(persons.c.root_id).where(persons.c.id == person_id).scalar_subquery()
        query = (
            select(person_numbers.c.e164)
            .join(persons, persons.c.id == person_numbers.c.person_id)
            .where(persons.c.root_id == root)
        )
        e164s = list(dict.fromkeys((*e164s, *(await connection.execute(query)).scalars())))
    if not e164s:
        return []
    # by number, each a walk back along its index: a number with ten thousand calls costs no more
    newest = [_newest(calls.c.caller_e164 == e164, limit, without) for e164 in e164s]
    ids = union_all(*newest).subquery()
    agent = (
        select(agent_parts.c.agent)
        .where(agent_parts.c.call_id == calls.c.call_id)
        .order_by(agent_parts.c.ordinal.desc())
        .limit(1)
        .scalar_subquery()
    )
    query_calls = (
        select(
            calls.c.call_id,
            calls.c.direction,
            calls.c.caller_e164,
            calls.c.entered_us,
            calls.c.ended_us,
            calls.c.outcome,
            calls.c.service,
            agent,
            _wrapup(subjects.c.name_th),
            _wrapup(subjects.c.name_en),
            _wrapup(wrapups.c.summary),
        )
        .where(calls.c.call_id.in_(select(ids.c.call_id)))
        .order_by(calls.c.entered_us.desc(), calls.c.call_id.desc())
        .limit(limit)
    )
    rows = (await connection.execute(query_calls)).all()
    found = []
    for row in rows:
        *head, th, en, summary = tuple(row)
        subject = (th, en or th) if th else None
        found.append(Contact(*(*head, subject, summary)))
    return found


def _wrapup(column: ColumnElement[str]) -> ScalarSelect[str]:
    """A column of what was last written of the call."""
    return (
        select(column)
        .select_from(wrapups.outerjoin(subjects, subjects.c.id == wrapups.c.subject_id))
        .where(wrapups.c.call_id == calls.c.call_id)
        .order_by(wrapups.c.saved_us.desc(), wrapups.c.agent)
        .limit(1)
        .scalar_subquery()
    )


def _newest(condition: ColumnElement[bool], limit: int, without: str | None) -> Select[Any]:
    wanted = condition if without is None else and_(condition, calls.c.call_id != without)
    inner = (
        select(calls.c.call_id)
        .where(wanted)
        .order_by(calls.c.entered_us.desc(), calls.c.call_id.desc())
        .limit(limit)
        .subquery()
    )
    return select(inner.c.call_id)
