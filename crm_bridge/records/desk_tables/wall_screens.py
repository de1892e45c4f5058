"""Table of the desk: televisions and other screens that show the wallboard with nobody at them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from crm_bridge.records.tables import metadata

wall_screens = Table(
    "wall_screens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("seen_us", BigInteger),
    Column("ended_us", BigInteger),
    Column("ended_by", Text),
    Index("ix_wall_screens_secret_hash", "secret_hash", unique=True),
)
"""A screen by its name; its address holds a secret, of which only the SHA-256 is kept. Rows stay:
who made a screen and who withdrew it is on record. `made_by`, `ended_by`: ids of accounts."""
