"""Tables of the desk: the monthly reports that were made, and their files."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Table, Text

from crm_bridge.records.tables import metadata

monthly_reports = Table(
    "monthly_reports",
    metadata,
    Column("month", Text, primary_key=True),
    Column("made_us", BigInteger, nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("folder", Text, nullable=False),
)
"""One row a month (`2026-10`) of which the report was made. `source` is the checksum of the figures
it was made of, as `hotline figures checksum` prints it;
`folder` is where its files lie, below `reports/` of the desk's data folder."""

report_files = Table(
    "report_files",
    metadata,
    Column(
        "month",
        Text,
        ForeignKey("monthly_reports.month", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("name", Text, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
)
"""The files of a report: `office.pdf`, `office.xlsx`, `published.pdf`."""
