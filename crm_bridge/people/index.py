"""The index of names, kept with every change of one: words → persons, trigrams → words."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.people.names import grams, indexed_words
from crm_bridge.records.desk_tables.people import person_words, word_grams


async def index_name(connection: AsyncConnection, person_id: str, name: str | None) -> None:
    """Make the person be found by this name and by no other; a word nobody has is forgotten."""
    held = select(person_words.c.word).where(person_words.c.person_id == person_id)
    before = set((await connection.execute(held)).scalars())
    after = indexed_words(name) if name else frozenset()
    if gone := sorted(before - after):
        await connection.execute(
            delete(person_words).where(
                person_words.c.person_id == person_id, person_words.c.word.in_(gone)
            )
        )
        await _forget(connection, gone)
    if new := sorted(after - before):
        await _learn(connection, new)
        await connection.execute(
            insert(person_words), [{"word": word, "person_id": person_id} for word in new]
        )


async def _learn(connection: AsyncConnection, words: Iterable[str]) -> None:
    for word in words:
        known = select(word_grams.c.gram).where(word_grams.c.word == word)
        # by one of its trigrams: the key begins with the trigram
        first = min(grams(word))
        if (await connection.execute(known.where(word_grams.c.gram == first))).first() is None:
            rows = [{"gram": gram, "word": word} for gram in sorted(grams(word))]
            await connection.execute(insert(word_grams), rows)


async def _forget(connection: AsyncConnection, words: Iterable[str]) -> None:
    for word in words:
        used = select(person_words.c.word).where(person_words.c.word == word).limit(1)
        if (await connection.execute(used)).first() is None:
            await connection.execute(
                delete(word_grams).where(
                    word_grams.c.gram.in_(sorted(grams(word))), word_grams.c.word == word
                )
            )
