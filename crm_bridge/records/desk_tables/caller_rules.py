"""Who is received at queues otherwise than others, and by whose word."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text

from crm_bridge.records.tables import metadata

_CallId = Text().with_variant(Text(collation="C"), "postgresql")

caller_rules = Table(
    "caller_rules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("treatment", Text, nullable=False),
    Column("e164", Text),
    Column("person_id", Text, ForeignKey("persons.id")),
    Column("call_id", _CallId),
    Column("reason", Text, nullable=False),
    Column("begun_us", BigInteger, nullable=False),
    Column("begun_by", Text, ForeignKey("accounts.id"), nullable=False),
    Column("until_us", BigInteger),
    Column("ended_us", BigInteger),
    Column("ended_by", Text, ForeignKey("accounts.id")),
    Index("ix_caller_rules_begun_us", "begun_us", "id"),
    Index("ix_caller_rules_e164", "e164"),
    Index("ix_caller_rules_person_id", "person_id"),
)
"""One row a rule, never changed but by its end; of a number, or of a person with all his numbers.
`kind`: `vip`, `vulnerable` or `nuisance`; `treatment`: `first`, `last` or `refuse`. `call_id`: the
call from whose page it was made. `until_us` null: until somebody ends it; `ended_us` is null of one
that ended by itself at `until_us`, too."""
