"""Finding a person by what the caller says: a number or part of it, a name, a ticket.

A name is looked for by the trigrams of its words, and what they lead to is ranked by the letters
that differ: a slip, a missing tone mark, a title or the surname first still find. First everyone
in whom every word asked for is found, then by the whole name written as one word, then by any.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.people.names import LONGEST, asked_grams, asked_words, likeness, plain
from crm_bridge.records import audit
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.records.desk_tables.people import (
    person_numbers,
    person_words,
    persons,
    word_grams,
)
from crm_bridge.records.tables import callers

By = Literal["number", "name", "ticket"]
ParseTicket = Callable[[str], str | None]
"""The written form of the ticket number a text holds; `None` where it holds none."""

MOST: Final = 200
"""Hits that are ranked; who is not among them is found by saying more."""
SHORTEST_NUMBER: Final = 4
SHORTEST_NAME: Final = 2

_CANDIDATES: Final = 1200
_WORDS_EACH: Final = 100
_ASKED_WORDS: Final = 6
_THAI_DIGITS: Final = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_SEPARATORS: Final = re.compile(r"[\s().\-–/]+")
_NUMBER: Final = re.compile(r"\+?\d+")
_NUMBER_IN_TEXT: Final = re.compile(r"(?<!\w)\+?\d[\d\s().\-–/]{2,}\d(?!\w)")


@dataclass(frozen=True, slots=True)
class Hit:
    """One that was found: a person, or (`person_id` null) a number that called and is nobody's."""

    person_id: str | None
    name: str | None
    province: str | None
    numbers: tuple[str, ...]
    by: By
    score: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What a text asks for: parts of numbers as they may stand in E.164, and words of a name.

    Each word is in the forms in which it may be meant: without a title, and as typed.
    """

    patterns: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]


def read_query(text: str) -> Asked:
    """What is asked for; both empty where the text is too short to search with."""
    text = plain(text[: 4 * LONGEST]).translate(_THAI_DIGITS)
    bare = _SEPARATORS.sub("", text)
    if _NUMBER.fullmatch(bare):
        return Asked(number_patterns(bare), ())
    patterns: tuple[str, ...] = ()
    if found := _NUMBER_IN_TEXT.search(text):
        patterns = number_patterns(_SEPARATORS.sub("", found.group()))
        text = text[: found.start()] + " " + text[found.end() :]
    asked = [
        tuple(form for form in forms if len(form) >= SHORTEST_NAME) for forms in asked_words(text)
    ]
    return Asked(patterns, tuple(forms for forms in asked if forms)[:_ASKED_WORDS])


def number_patterns(number: str) -> tuple[str, ...]:
    """LIKE patterns that find this number, or this part of one, among numbers in E.164.

    `number` is digits with or without a leading +; 081…, 6681…, +6681… and 006681… are the same.
    """
    digits = number.removeprefix("+")
    if len(digits) < SHORTEST_NUMBER:
        return ()
    if number.startswith("+"):
        return (f"+{digits}%",)
    patterns = [f"%{digits}%"]
    if digits.startswith("00"):
        patterns.append(f"+{digits[2:]}%")
    elif digits.startswith("0"):
        patterns.append(f"+66{digits[1:]}%")
    return tuple(patterns)


async def search(
    connection: AsyncConnection, text: str, *, parse_ticket: ParseTicket | None = None
) -> list[Hit]:
    """Everyone whom the text may mean, the likeliest first; at most `MOST`."""
    hits: dict[str, Hit] = {}
    ticket = parse_ticket(text) if parse_ticket is not None else None
    if ticket is not None:
        _add(hits, await _by_ticket(connection, ticket))
    asked = read_query(text)
    by_name = await _by_name(connection, asked.words) if asked.words else {}
    if asked.patterns:
        found = await _by_number(connection, asked.patterns)
        both = {h.person_id for h in found} & set(by_name)
        if asked.words and both:
            found = [h for h in found if h.person_id in both]
            by_name = {i: score for i, score in by_name.items() if i in both}
        _add(hits, found)
    _add(hits, await _persons(connection, by_name, "name"))
    ranked = sorted(hits.values(), key=lambda h: (-h.score, h.name or "\uffff", h.person_id or ""))
    audit.shows(*(f"person:{hit.person_id}" for hit in ranked[:MOST] if hit.person_id))
    return ranked[:MOST]


def _add(hits: dict[str, Hit], found: Iterable[Hit]) -> None:
    for hit in found:
        key = hit.person_id or hit.numbers[0]
        if key not in hits or hits[key].score < hit.score:
            hits[key] = hit


async def _by_ticket(connection: AsyncConnection, ticket: str) -> list[Hit]:
    query = select(cases.c.person_id, cases.c.complainant_name, cases.c.complainant_number).where(
        cases.c.ticket == ticket
    )
    row = (await connection.execute(query)).first()
    if row is None:
        return []
    if row.person_id is not None:
        found = await _roots(connection, [row.person_id])
        if found:
            return await _persons(connection, dict.fromkeys(found.values(), 3.0), "ticket")
    if row.complainant_number is None:
        return []
    known = await _by_number(connection, (row.complainant_number,))
    if known:
        return [Hit(h.person_id, h.name, h.province, h.numbers, "ticket", 3.0) for h in known]
    return [Hit(None, row.complainant_name, None, (row.complainant_number,), "ticket", 3.0)]


async def _by_number(connection: AsyncConnection, patterns: Sequence[str]) -> list[Hit]:
    theirs = select(persons.c.root_id, person_numbers.c.e164).join(
        persons, persons.c.id == person_numbers.c.person_id
    )
    query = theirs.where(_like(person_numbers.c.e164, patterns)).limit(MOST)
    found = (await connection.execute(query)).all()
    scores = {row.root_id: _number_score(row.e164, patterns) for row in found}
    hits = await _persons(connection, scores, "number")
    nobody = (
        select(callers.c.e164, callers.c.name)
        .outerjoin(person_numbers, person_numbers.c.e164 == callers.c.e164)
        .where(person_numbers.c.e164.is_(None), _like(callers.c.e164, patterns))
        .order_by(callers.c.e164)
        .limit(MOST)
    )
    for e164, name in (await connection.execute(nobody)).all():
        score = _number_score(e164, patterns) - 0.1
        hits.append(Hit(None, name, None, (e164,), "number", score))
    return hits


def _like(column: ColumnElement[str], patterns: Sequence[str]) -> ColumnElement[bool]:
    return or_(*[column.like(p) if "%" in p else column == p for p in patterns])


def _number_score(e164: str, patterns: Sequence[str]) -> float:
    """2 for the whole number, less the more of it is left unsaid."""
    said = max(len(p.strip("%")) for p in patterns if p.strip("%") in e164)
    return 1 + said / len(e164)


async def _by_name(
    connection: AsyncConnection, asked: Sequence[tuple[str, ...]]
) -> dict[str, float]:
    """Root ids of persons with names like these words, each with how like it is."""
    near = []
    for forms in asked:
        words: dict[str, float] = {}
        for form in forms:
            if 1.0 in words.values():
                break  # the name itself is there: a title was a title
            for word, score in (await _near_words(connection, form)).items():
                words[word] = max(score, words.get(word, 0.0))
        near.append(words)
    found = await _who_has(connection, near) if all(near) else {}
    if not found and len(asked) > 1:
        whole = await _near_words(connection, "".join(forms[0] for forms in asked)[:LONGEST])
        found = await _who_has(connection, [whole])
    if not found and len(asked) > 1:
        for words_near in near:
            for person, score in (await _who_has(connection, [words_near])).items():
                found[person] = found.get(person, 0.0) + score / len(asked) * 0.7
    return await _best_of_roots(connection, found)


async def _near_words(connection: AsyncConnection, asked: str) -> dict[str, float]:
    """Words in use that are like the one asked for → how like; the best of them."""
    shared = func.count()
    # of those that share as many, the ones a slip makes of it are as long, give or take a letter
    about_as_long = func.abs(func.length(word_grams.c.word) - len(asked))
    # a slip takes three trigrams, a mistyped title six: of a long word enough are left
    least = max(1, (len(asked) - 1) // 4)
    query = (
        select(word_grams.c.word)
        .where(word_grams.c.gram.in_(sorted(asked_grams(asked))))
        .group_by(word_grams.c.word)
        .having(shared >= least)
        .order_by(shared.desc(), about_as_long, word_grams.c.word)
        .limit(_CANDIDATES)
    )
    candidates = (await connection.execute(query)).scalars()
    scored = [(likeness(asked, word), word) for word in candidates]
    best = sorted((pair for pair in scored if pair[0] > 0), reverse=True)[:_WORDS_EACH]
    return {word: score for score, word in best}


async def _who_has(
    connection: AsyncConnection, near: Sequence[Mapping[str, float]]
) -> dict[str, float]:
    """Persons who have a word of each of these sets → the mean of the best of each set.

    Of one set alone those who have the word itself come first, so that a name that thousands have
    leaves none of them out for one that is merely like it.
    """
    if not all(near):
        return {}
    if len(near) == 1:
        exact = {word: score for word, score in near[0].items() if score == 1.0}
        found = await _who_has_each(connection, [exact]) if exact else {}
        rest = {word: score for word, score in near[0].items() if score < 1.0}
        if rest and len(found) < MOST:
            for person, score in (await _who_has_each(connection, [rest])).items():
                found.setdefault(person, score)
        return found
    return await _who_has_each(connection, near)


async def _who_has_each(
    connection: AsyncConnection, near: Sequence[Mapping[str, float]]
) -> dict[str, float]:
    tables = [person_words.alias(f"w{n}") for n in range(len(near))]
    first = tables[0].c.person_id
    query = (
        select(first, *[table.c.word for table in tables])
        .where(*[table.c.person_id == first for table in tables[1:]])
        .where(*[t.c.word.in_(list(n)) for t, n in zip(tables, near, strict=True)])
        .limit(10 * MOST)
    )
    found: dict[str, float] = {}
    for person, *those in (await connection.execute(query)).all():
        score = sum(n[w] for n, w in zip(near, those, strict=True)) / len(near)
        found[person] = max(found.get(person, 0.0), score)
    return found


async def _best_of_roots(
    connection: AsyncConnection, scores: Mapping[str, float]
) -> dict[str, float]:
    best = sorted(scores, key=lambda i: (-scores[i], i))[: 2 * MOST]
    found: dict[str, float] = {}
    for person, root in (await _roots(connection, best)).items():
        found[root] = max(found.get(root, 0.0), scores[person])
    return found


async def _roots(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, str]:
    if not ids:
        return {}
    query = select(persons.c.id, persons.c.root_id).where(persons.c.id.in_(list(ids)))
    return {row.id: row.root_id for row in (await connection.execute(query)).all()}


async def _persons(connection: AsyncConnection, scores: Mapping[str, float], by: By) -> list[Hit]:
    """The persons of these root ids as hits; erased ones are nobody."""
    ids = sorted(scores, key=lambda i: (-scores[i], i))[:MOST]
    if not ids:
        return []
    query = select(persons.c.id, persons.c.name, persons.c.province).where(
        persons.c.id.in_(ids), persons.c.erased_us.is_(None)
    )
    rows = (await connection.execute(query)).all()
    held = (
        select(persons.c.root_id, person_numbers.c.e164)
        .join(persons, persons.c.id == person_numbers.c.person_id)
        .where(persons.c.root_id.in_(ids))
        .order_by(person_numbers.c.created_us, person_numbers.c.e164)
    )
    numbers: dict[str, dict[str, None]] = {}
    for root, e164 in (await connection.execute(held)).all():
        numbers.setdefault(root, {})[e164] = None
    return [
        Hit(i, name, province, tuple(numbers.get(i, ())), by, scores[i])
        for i, name, province in rows
    ]
