"""Figures by day and by month too, and histograms as numpy reads them: all is counted anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TIMINGS = ("within", "over", "open", "observed", "declared", "inferred", "unknown", "elapsed_us")
_TABLES = {
    "figures_steps": (("queue", "service", "step"), _TIMINGS, ("elapsed",)),
    "figures_agent_steps": (
        ("agent", "agency", "queue", "service", "step"), _TIMINGS, ("elapsed",)
    ),
    "figures_queues": (
        ("queue",),
        ("answered", "abandoned", "timeout", "left", "transferred", "unknown", "waited_us"),
        ("answered_after", "abandoned_after"),
    ),
    "figures_calls": (
        ("direction", "service", "language", "outcome"),
        ("calls", "withheld", "not_observed", "length_us"),
        ("length",),
    ),
    "figures_agents": (
        ("agent", "queue"), ("parts", "talk_us", "hold_us", "wrap_us"), ("handled",)
    ),
}  # fmt: skip


def upgrade() -> None:
    for name, (keys, counts, spans) in _TABLES.items():
        op.drop_table(name)
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
