"""The emergency messages that were put on the line."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text

from crm_bridge.records.tables import metadata

announcements = Table(
    "announcements",
    metadata,
    Column("id", Text, primary_key=True),
    Column("prompt", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Column("begun_us", BigInteger, nullable=False),
    Column("begun_by", Text, nullable=False),
    Column("ended_us", BigInteger),
    Column("ended_by", Text),
    Index("ix_announcements_begun_us", "begun_us"),
)
"""One row for each, never changed but by its end. `place`: `before` the welcome or `instead` of the
menu. `begun_by`, `ended_by`: the name of who did it, as it was then (also a user of the machine);
`ended_us` null where it ended by itself at `until_us`, or still runs."""
