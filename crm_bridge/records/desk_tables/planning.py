"""Tables of what is planned: officers' shifts, and days on which a campaign is to come."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Float, Integer, Table, Text

from crm_bridge.records.tables import metadata

shifts = Table(
    "shifts",
    metadata,
    Column("day", Date, primary_key=True),
    Column("agent", Text, primary_key=True),
    Column("from_minute", Integer, primary_key=True, autoincrement=False),
    Column("to_minute", Integer, nullable=False),
)
"""A part of a day on which an officer (the extension) is to work: minutes since midnight in
Bangkok, the end not included, at most 24:00. Parts of one officer's day do not overlap."""

shift_weeks = Table(
    "shift_weeks",
    metadata,
    Column("monday", Date, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("how", Text, nullable=False),
)
"""The last change to a week's plan; `how` is `page`, `copy` or `file`. An edit names the version
it is based on. The account is named by id, without a foreign key: the plan outlives it."""

campaign_days = Table(
    "campaign_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("name_th", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("factor", Float, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
)
"""A day with so many times the calls of a usual one; when it is over, forecasts do not learn of
it."""
