"""Agents at work: who sat where, in which state, and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

REASONS = (
    ("lunch", "พักกลางวัน", "Lunch"),
    ("break", "พักระหว่างวัน", "Short break"),
    ("meeting", "ประชุม", "Meeting"),
    ("training", "อบรม", "Training"),
    ("paperwork", "งานเอกสาร", "Paperwork"),
    ("coordination", "ประสานงานกับหน่วยงาน", "Coordinating with an agency"),
    ("personal", "ธุระส่วนตัว", "Personal errand"),
)


def upgrade() -> None:
    reasons = op.create_table(
        "pause_reasons",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_th", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_pause_reasons")),
    )
    op.bulk_insert(
        reasons,
        [
            {
                "code": code, "name_th": thai, "name_en": english,
                "position": position, "active": True, "version": 1,
            }
            for position, (code, thai, english) in enumerate(REASONS, 1)
        ],
    )  # fmt: skip
    op.create_table(
        "agent_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("queues", sa.Text(), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_agent_sessions_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_sessions")),
    )
    op.create_index("ix_agent_sessions_ended_us", "agent_sessions", ["ended_us"])
    op.create_index("ix_agent_sessions_extension", "agent_sessions", ["extension", "started_us"])
    op.create_index("ix_agent_sessions_account_id", "agent_sessions", ["account_id", "started_us"])
    op.create_table(
        "agent_states",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("started_us", sa.BigInteger(), nullable=False),
        sa.Column("ended_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["agent_sessions.id"], name=op.f("fk_agent_states_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_states")),
    )
    op.create_index("ix_agent_states_session_id", "agent_states", ["session_id", "started_us"])
    op.create_index("ix_agent_states_started_us", "agent_states", ["started_us"])


def downgrade() -> None:
    op.drop_table("agent_states")
    op.drop_table("agent_sessions")
    op.drop_table("pause_reasons")
