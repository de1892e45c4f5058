"""Figures by hour of the week, agency, transfer, menu and caller: all calls are counted anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TIMINGS = ("within", "over", "open", "observed", "declared", "inferred", "unknown", "elapsed_us")
_WHAT = ("queue", "service", "step")
_TABLES = {
    "figures_agent_steps": (("agent", *_WHAT), _TIMINGS, ("elapsed",)),
    "figures_agency_steps": (("agency", *_WHAT), _TIMINGS, ("elapsed",)),
    "figures_hours": (
        ("hour_of_week", *_WHAT),
        ("timings", "within", "over", "offered", "answered", "abandoned"),
        (),
    ),
    "figures_transfers": (
        ("kind", "agency", "outcome"),
        ("transfers", "asked_us", "ours_us", "theirs_us"),
        ("whole", "ours", "theirs"),
    ),
    "figures_menus": (("path", "outcome"), ("calls",), ()),
    "figures_repeats": (("times",), ("callers", "calls"), ()),
}


def upgrade() -> None:
    op.drop_table("figures_agent_steps")
    for table in ("figures_steps", "figures_queues", "figures_calls", "figures_agents"):
        op.execute(f"DELETE FROM {table}")  # noqa: S608  constants only
    op.create_table(
        "figures_callers",
        sa.Column("month_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("e164", sa.Text(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("month_us", "e164", name=op.f("pk_figures_callers")),
        sqlite_with_rowid=False,
    )
    for name, (keys, counts, spans) in _TABLES.items():
        op.create_table(
            name,
            sa.Column("level", sa.Text(), nullable=False),
            sa.Column("from_us", sa.BigInteger(), autoincrement=False, nullable=False),
            *(sa.Column(key, sa.Text(), nullable=False) for key in keys),
            *(sa.Column(count, sa.BigInteger(), nullable=False) for count in counts),
            *(sa.Column(span, sa.LargeBinary(), nullable=False) for span in spans),
            sa.PrimaryKeyConstraint("level", "from_us", *keys, name=op.f(f"pk_{name}")),
            sqlite_with_rowid=False,
        )
    op.execute(
        "UPDATE figures_state SET generation = generation + 1, walked_us = NULL, walked_id = NULL, "
        "whole = CASE WHEN EXISTS (SELECT 1 FROM calls) THEN 0 ELSE 1 END"
    )
