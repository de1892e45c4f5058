"""Callers who keep their place in a queue and are called back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("call_back_wishes", sa.Column("queue", sa.Text(), nullable=True))
    for name in ("place_us", "until_us", "next_us", "ended_us"):
        op.add_column("call_back_wishes", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("call_back_wishes", sa.Column("reason", sa.Text(), nullable=True))
    op.create_table(
        "call_back_tries",
        sa.Column(
            "call_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "ordinal", name=op.f("pk_call_back_tries")),
    )
