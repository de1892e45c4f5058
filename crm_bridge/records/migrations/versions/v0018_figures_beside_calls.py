"""Figures of lost callers, officers' records, cases and sittings: all is counted anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_TABLES = {
    "figures_callbacks": (("state",), ("calls", "after_us"), ("after",)),
    "figures_subjects": (("service", "subject", "outcome"), ("records",), ()),
    "figures_cases": (
        ("kind", "agency", "province", "subject", "state"),
        ("cases", "settled", "settled_within", "settled_over", "first_contact", "reopened"),
        ("working_time",),
    ),
    "figures_agent_times": (("agent", "state", "reason"), ("time_us",), ()),
}
_OLD = (
    "figures_steps", "figures_agent_steps", "figures_agency_steps", "figures_queues",
    "figures_calls", "figures_agents", "figures_hours", "figures_transfers", "figures_menus",
    "figures_repeats", "figures_callers",
)  # fmt: skip
_COUNTED = ("calls", "cases", "appointments", "wrapups", "agent_sessions")


def upgrade() -> None:
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
    op.create_table(
        "figures_added",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("tallies", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name=op.f("pk_figures_added")),
        sqlite_with_rowid=False,
    )
    for name in _OLD:
        op.execute(f"DELETE FROM {name}")  # noqa: S608  constants only
    with op.batch_alter_table("figures_state") as table:
        table.add_column(sa.Column("walked_kind", sa.Text(), nullable=True))
    some = " OR ".join(f"EXISTS (SELECT 1 FROM {name})" for name in _COUNTED)  # noqa: S608  constants only
    op.execute(
        "UPDATE figures_state SET generation = generation + 1, walked_us = NULL, walked_id = NULL, "  # noqa: S608  constants only
        f"whole = CASE WHEN {some} THEN 0 ELSE 1 END"
    )
