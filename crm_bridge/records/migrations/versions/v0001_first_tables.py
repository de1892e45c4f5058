"""The first tables: journal, calls and their lists, callers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

CALL_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "callers",
        sa.Column("e164", sa.Text(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_us", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_us", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("name_us", sa.BigInteger(), nullable=True),
        sa.Column("name_call_id", CALL_ID, nullable=True),
        sa.PrimaryKeyConstraint("e164", name=op.f("pk_callers")),
    )
    op.create_table(
        "calls",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("dialled", sa.Text(), nullable=False),
        sa.Column("caller_e164", sa.Text(), nullable=True),
        sa.Column("caller_presented", sa.Text(), nullable=True),
        sa.Column("caller_name", sa.Text(), nullable=True),
        sa.Column("withheld", sa.Boolean(), nullable=False),
        sa.Column("entered_us", sa.BigInteger(), nullable=False),
        sa.Column("answered_us", sa.BigInteger(), nullable=True),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("times_inferred", sa.Boolean(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("updated_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_calls")),
    )
    op.create_index(
        "ix_calls_caller", "calls", ["caller_e164", "entered_us", "call_id"], unique=False
    )
    op.create_index("ix_calls_entered_us", "calls", ["entered_us", "call_id"], unique=False)
    op.create_index(
        "ix_calls_open",
        "calls",
        ["node", "entered_us"],
        unique=False,
        sqlite_where=sa.text("closed IS 0"),
        postgresql_where=sa.text("closed IS false"),
    )
    op.create_table(
        "journal",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("to_us", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("node", "seq", name=op.f("pk_journal")),
    )
    op.create_index("ix_journal_node_to_us", "journal", ["node", "to_us"], unique=False)
    op.create_table(
        "agency_legs",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("agency", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("connected_us", sa.BigInteger(), nullable=False),
        sa.Column("released_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.call_id"], name=op.f("fk_agency_legs_call_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "ordinal", name=op.f("pk_agency_legs")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "agent_parts",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("connected_us", sa.BigInteger(), nullable=False),
        sa.Column("released_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.call_id"], name=op.f("fk_agent_parts_call_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "ordinal", name=op.f("pk_agent_parts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attempts",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("passage", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("rang_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.call_id"], name=op.f("fk_attempts_call_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "passage", "ordinal", name=op.f("pk_attempts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "call_linkedids",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("linkedid", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["calls.call_id"],
            name=op.f("fk_call_linkedids_call_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("call_id", "ordinal", name=op.f("pk_call_linkedids")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_call_linkedids_linkedid", "call_linkedids", ["linkedid"], unique=False)
    op.create_table(
        "consultations",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("by_agent", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=True),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("answered_us", sa.BigInteger(), nullable=True),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["calls.call_id"],
            name=op.f("fk_consultations_call_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("call_id", "ordinal", name=op.f("pk_consultations")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "gaps",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("filled_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.call_id"], name=op.f("fk_gaps_call_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "ordinal", name=op.f("pk_gaps")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "holds",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("by_agent", sa.Text(), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.call_id"], name=op.f("fk_holds_call_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "ordinal", name=op.f("pk_holds")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "legs",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=True),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("answered_us", sa.BigInteger(), nullable=True),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.call_id"], name=op.f("fk_legs_call_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "ordinal", name=op.f("pk_legs")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "marks",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("by_whom", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.call_id"], name=op.f("fk_marks_call_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "ordinal", name=op.f("pk_marks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "menu_choices",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("menu", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.call_id"], name=op.f("fk_menu_choices_call_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "ordinal", name=op.f("pk_menu_choices")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "queue_passages",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("joined_us", sa.BigInteger(), nullable=False),
        sa.Column("left_us", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["calls.call_id"],
            name=op.f("fk_queue_passages_call_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("call_id", "ordinal", name=op.f("pk_queue_passages")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "step_timings",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("elapsed_us", sa.BigInteger(), nullable=True),
        sa.Column("standard_seconds", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.call_id"], name=op.f("fk_step_timings_call_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "ordinal", name=op.f("pk_step_timings")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "transfers",
        sa.Column("call_id", CALL_ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("by_agent", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=True),
        sa.Column("asked_us", sa.BigInteger(), nullable=False),
        sa.Column("answered_us", sa.BigInteger(), nullable=True),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.call_id"], name=op.f("fk_transfers_call_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "ordinal", name=op.f("pk_transfers")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("transfers")
    op.drop_table("step_timings")
    op.drop_table("queue_passages")
    op.drop_table("menu_choices")
    op.drop_table("marks")
    op.drop_table("legs")
    op.drop_table("holds")
    op.drop_table("gaps")
    op.drop_table("consultations")
    op.drop_table("call_linkedids")
    op.drop_table("attempts")
    op.drop_table("agent_parts")
    op.drop_table("agency_legs")
    op.drop_table("journal")
    op.drop_table("calls")
    op.drop_table("callers")
