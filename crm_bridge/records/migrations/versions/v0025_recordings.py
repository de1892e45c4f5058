"""Voices that are kept, messages as tasks, and who has listened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_CALL_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("call_id", _CALL_ID, nullable=False),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("length_us", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("gone_us", sa.BigInteger(), nullable=True),
        sa.Column("gone_why", sa.Text(), nullable=True),
        sa.Column("cleared_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
    )
    op.create_index("ix_recordings_call_id", "recordings", ["call_id"])
    op.create_index("ix_recordings_made_us", "recordings", ["kind", "made_us"])
    op.create_table(
        "voicemails",
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("call_id", _CALL_ID, nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("left_us", sa.BigInteger(), nullable=False),
        sa.Column("done_us", sa.BigInteger(), nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["done_by"], ["accounts.id"], name=op.f("fk_voicemails_done_by")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_voicemails_recording_id")
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_voicemails")),
    )
    op.create_index("ix_voicemails_call_id", "voicemails", ["call_id"], unique=True)
    op.create_index("ix_voicemails_left_us", "voicemails", ["left_us"])
    op.create_index("ix_voicemails_number", "voicemails", ["number"])
    op.create_table(
        "recording_listens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_recording_listens_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"],
            name=op.f("fk_recording_listens_recording_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_listens")),
    )  # fmt: skip
    op.create_index(
        "ix_recording_listens_recording_id", "recording_listens", ["recording_id", "at_us"]
    )
