"""Callers who asked the line to be called back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call_back_wishes",
        sa.Column(
            "call_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("asked_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_call_back_wishes")),
    )
    op.create_index("ix_call_back_wishes_asked_us", "call_back_wishes", ["asked_us"])
    op.create_index("ix_call_back_wishes_number", "call_back_wishes", ["number"])
