"""Figures of callers who were asked how it was: no call of before has anything of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_COUNTS = (
    "unrated", "one", "two", "three", "four", "five", "matter_settled", "matter_open",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "figures_surveys",
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("from_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        *(sa.Column(count, sa.BigInteger(), nullable=False) for count in _COUNTS),
        sa.PrimaryKeyConstraint(
            "level", "from_us", "queue", "agent", name=op.f("pk_figures_surveys")
        ),
        sqlite_with_rowid=False,
    )
