"""Tables of the desk: people who call, their numbers and notes, and what was done under the PDPA.

A merged person keeps its row, numbers and notes: `merged_into` names whom it was merged into and
`root_id` the person at the end of that chain (its own id where it stands alone), so that whatever
points at it is found at the root by one join, and an undo has nothing to put together again.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from crm_bridge.records.tables import metadata

# the order of bytes on each engine: words are compared as they are folded, not by a language
_Word = Text().with_variant(Text(collation="C"), "postgresql")
_CallId = Text().with_variant(Text(collation="C"), "postgresql")

persons = Table(
    "persons",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text),
    Column("email", Text),
    Column("province", Text),
    Column("address", Text),
    Column("language", Text, nullable=False),
    Column("notes", Text),
    Column("merged_into", Text, ForeignKey("persons.id")),
    Column("root_id", Text, nullable=False),
    Column("erased_us", BigInteger),
    Column("created_us", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("updated_by", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("heard_us", BigInteger),
    Index("ix_persons_root_id", "root_id"),
    Index("ix_persons_merged_into", "merged_into"),
    Index("ix_persons_updated_us", "updated_us", "id"),
)
"""`notes` is what to know before speaking, shown with every call; `province` is a Thai name.
`heard_us` is the entry of the newest call of a number of the person that lost its caller since
(`erasure.py`); what calls still say by themselves is not in it.
An erased person keeps the row and `erased_us`, and nothing that tells who it was."""

person_numbers = Table(
    "person_numbers",
    metadata,
    Column("e164", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("persons.id"), primary_key=True),
    Column("label", Text),
    Column("created_us", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Index("ix_person_numbers_person_id", "person_id"),
    sqlite_with_rowid=False,
)
"""A person has several numbers, a number may be several persons'."""

person_notes = Table(
    "person_notes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("persons.id"), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("by_account", Text, nullable=False),
    Column("call_id", _CallId),
    Column("text", Text, nullable=False),
    Index("ix_person_notes_person_id", "person_id", "at_us"),
)

person_words = Table(
    "person_words",
    metadata,
    Column("word", _Word, primary_key=True),
    Column("person_id", Text, ForeignKey("persons.id"), primary_key=True),
    Index("ix_person_words_person_id", "person_id"),
    sqlite_with_rowid=False,
)
"""The folded words of a name, and the whole name in one word: who has that word in the name."""

word_grams = Table(
    "word_grams",
    metadata,
    Column("gram", _Word, primary_key=True),
    Column("word", _Word, primary_key=True),
    sqlite_with_rowid=False,
)
"""The character trigrams of each word in `person_words`."""

person_merges = Table(
    "person_merges",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("persons.id"), nullable=False),
    Column("into_id", Text, ForeignKey("persons.id"), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("by_account", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("undone_us", BigInteger),
    Column("undone_by", Text),
    Index("ix_person_merges_person_id", "person_id"),
    Index("ix_person_merges_into_id", "into_id"),
)

privacy_acts = Table(
    "privacy_acts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("persons.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("asked_us", BigInteger, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("done_us", BigInteger),
    Column("done_by", Text),
    Column("holds", Text, nullable=False),
    Column("done", Text, nullable=False),
    Index("ix_privacy_acts_person_id", "person_id", "asked_us"),
    Index("ix_privacy_acts_state", "state", "asked_us"),
)
"""An export or erasure, asked for or done. `holds` is a JSON list of what the law kept, `done` a
JSON object room → how many records; neither holds anything of the person."""

erased_calls = Table(
    "erased_calls",
    metadata,
    Column("call_id", _CallId, primary_key=True),
    Column("at_us", BigInteger, nullable=False),
)
"""Calls whose caller has been erased: the writer hides the caller of these whatever comes again."""
