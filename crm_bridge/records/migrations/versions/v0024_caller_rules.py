"""Who is received at queues otherwise than others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "caller_rules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("treatment", sa.Text(), nullable=False),
        sa.Column("e164", sa.Text(), nullable=True),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column(
            "call_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("begun_us", sa.BigInteger(), nullable=False),
        sa.Column("begun_by", sa.Text(), nullable=False),
        sa.Column("until_us", sa.BigInteger(), nullable=True),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_caller_rules_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["begun_by"], ["accounts.id"], name=op.f("fk_caller_rules_begun_by")
        ),
        sa.ForeignKeyConstraint(
            ["ended_by"], ["accounts.id"], name=op.f("fk_caller_rules_ended_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caller_rules")),
    )
    op.create_index("ix_caller_rules_begun_us", "caller_rules", ["begun_us", "id"])
    op.create_index("ix_caller_rules_e164", "caller_rules", ["e164"])
    op.create_index("ix_caller_rules_person_id", "caller_rules", ["person_id"])
