"""Figures: what all closed calls together add up to, by quarter of an hour and by day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TIMINGS = ("within", "over", "open", "observed", "declared", "inferred", "unknown", "elapsed_us")
_TABLES = {
    "figures_steps": (("queue", "service", "step"), _TIMINGS, ("elapsed",)),
    "figures_agent_steps": (
        ("queue", "service", "step", "agent", "agency"), _TIMINGS, ("elapsed",)
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
        op.create_table(
            name,
            sa.Column("from_us", sa.BigInteger(), autoincrement=False, nullable=False),
            *(sa.Column(key, sa.Text(), nullable=False) for key in keys),
            *(sa.Column(count, sa.BigInteger(), nullable=False) for count in counts),
            *(sa.Column(span, sa.LargeBinary(), nullable=False) for span in spans),
            sa.PrimaryKeyConstraint("from_us", *keys, name=op.f(f"pk_{name}")),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "figures_state",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("walked_us", sa.BigInteger(), nullable=True),
        sa.Column("walked_id", sa.Text(), nullable=True),
        sa.Column("whole", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_figures_state")),
    )
    op.add_column("calls", sa.Column("counted", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        "INSERT INTO figures_state (one, generation, whole) "
        "SELECT 1, 1, CASE WHEN EXISTS (SELECT 1 FROM calls) THEN 0 ELSE 1 END"
    )
