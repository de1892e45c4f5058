"""What an agent writes of a call: wrap-ups, drafts, the catalogue of subjects.

Calls are named by id without a foreign key: a wrap-up may be saved a moment before its call's row
is, and outlives it where old calls are put away.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from crm_bridge.records.tables import agent_parts, calls, metadata

# as `calls` has it: PostgreSQL does not compare two columns of different collations
_CallId = Text().with_variant(Text(collation="C"), "postgresql")

subjects = Table(
    "subjects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("parent_id", Text, ForeignKey("subjects.id", ondelete="CASCADE")),
    Column("service", Text),
    Column("name_th", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_subjects_parent_id", "parent_id", "ordinal"),
)
"""Two levels: a subject without `parent_id` is a heading. `service` null: of every service."""

wrapups = Table(
    "wrapups",
    metadata,
    Column("call_id", _CallId, primary_key=True),
    Column("agent", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("service", Text, nullable=False),
    Column("subject_id", Text, ForeignKey("subjects.id")),
    Column("summary", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("follow_up", Text, nullable=False),
    Column("follow_up_on", Text),
    Column("follow_up_done", Boolean, nullable=False),
    Column("informed", Boolean, nullable=False),
    Column("asked_agency", Boolean, nullable=False),
    Column("saved_us", BigInteger, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_wrapups_agent", "agent", "saved_us"),
    Index("ix_wrapups_account_id", "account_id", "saved_us"),
    Index("ix_wrapups_subject_id", "subject_id"),
)
"""One record for each officer in a call. `agent` is the officer's id on the line, `account_id`
who wrote it; `saved_us` when it was first saved; `follow_up_on` a day, `2026-11-23`."""

drafts = Table(
    "drafts",
    metadata,
    Column("account_id", Text, ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
)
"""What a person has typed and not yet saved, by what it is for: `wrapup:CALLID`. JSON."""

lost_call_ends = Table(
    "lost_call_ends",
    metadata,
    Column("call_id", _CallId, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
"""Lost calls that somebody decided not to call back any more."""

call_back_wishes = Table(
    "call_back_wishes",
    metadata,
    Column("call_id", _CallId, primary_key=True),
    Column("number", Text, nullable=False),
    Column("asked_us", BigInteger, nullable=False),
    Column("queue", Text),
    Column("place_us", BigInteger),
    Column("until_us", BigInteger),
    Column("next_us", BigInteger),
    Column("ended_us", BigInteger),
    Column("reason", Text),
    Index("ix_call_back_wishes_asked_us", "asked_us"),
    Index("ix_call_back_wishes_number", "number"),
    Index(
        "ix_call_back_wishes_kept",
        "place_us",
        "call_id",
        sqlite_where=text("queue IS NOT NULL AND ended_us IS NULL"),
        postgresql_where=text("queue IS NOT NULL AND ended_us IS NULL"),
    ),
)
"""Callers who asked the line to be called back; `number` (E.164) is where, not always the calling
one. The call's own row may come later, or never. With a `queue` he keeps his place there, see
`crm_bridge/desk/kept_places.py`: `place_us` when he joined it, `until_us` how long the line calls,
`next_us` not before then, `ended_us` and `reason` when it ended and why."""

call_back_tries = Table(
    "call_back_tries",
    metadata,
    Column("call_id", _CallId, primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("started_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("outcome", Text),
)
"""Each time the line set out to call a kept place back, written before it does; without an outcome
it is under way, or what became of it is not known yet."""

Index("ix_agent_parts_agent", agent_parts.c.agent, agent_parts.c.released_us)
Index("ix_calls_outcome", calls.c.outcome, calls.c.entered_us)
