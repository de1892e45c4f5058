"""Supervision: every act of a supervisor, messages to officers, and whose doing a state is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("agent_states", sa.Column("by_account", sa.Text(), nullable=True))
    op.create_table(
        "supervision_acts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("by_account", sa.Text(), nullable=False),
        sa.Column("by_extension", sa.Text(), nullable=True),
        sa.Column("to_account", sa.Text(), nullable=True),
        sa.Column("to_extension", sa.Text(), nullable=True),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("refused_as", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["by_account"], ["accounts.id"], name=op.f("fk_supervision_acts_by_account")
        ),
        sa.ForeignKeyConstraint(
            ["to_account"], ["accounts.id"], name=op.f("fk_supervision_acts_to_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_acts")),
    )
    op.create_index("ix_supervision_acts_started_us", "supervision_acts", ["started_us", "id"])
    op.create_index(
        "ix_supervision_acts_by_account", "supervision_acts", ["by_account", "started_us"]
    )
    op.create_index(
        "ix_supervision_acts_to_account", "supervision_acts", ["to_account", "started_us"]
    )
    op.create_index("ix_supervision_acts_call_id", "supervision_acts", ["call_id"])
    op.create_table(
        "notices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("act_id", sa.Text(), nullable=False),
        sa.Column("from_account", sa.Text(), nullable=False),
        sa.Column("to_account", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sent_us", sa.BigInteger(), nullable=False),
        sa.Column("read_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["act_id"], ["supervision_acts.id"], name=op.f("fk_notices_act_id")
        ),
        sa.ForeignKeyConstraint(
            ["from_account"], ["accounts.id"], name=op.f("fk_notices_from_account")
        ),
        sa.ForeignKeyConstraint(
            ["to_account"], ["accounts.id"], name=op.f("fk_notices_to_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index("ix_notices_to_account", "notices", ["to_account", "read_us", "sent_us"])


def downgrade() -> None:
    op.drop_table("notices")
    op.drop_table("supervision_acts")
    op.drop_column("agent_states", "by_account")
