"""What was not heard of a line is on record, and how far Asterisk's books are read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "book_places",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("cel", sa.Text(), nullable=True),
        sa.Column("queue_log", sa.Text(), nullable=True),
        sa.Column("read_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node", name="pk_book_places"),
    )
    op.create_table(
        "line_gaps",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("started_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("read_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("node", "started_us", name="pk_line_gaps"),
    )
    op.create_index("ix_gaps_started_us", "gaps", ["started_us"])
