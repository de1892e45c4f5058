"""Alerts: the rules, with those that a hotline begins with, their changes, and what was raised."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# id, kind, level, scope, threshold, clear_at, window, least, hold, clear, quiet, active, browser
RULES = (
    ("wait", "wait", "warning", "", 120, 120, 0, 0, 0, 15, 10, True, True),
    ("wait-standard", "wait", "critical", "", 300, 300, 0, 0, 0, 15, 10, True, True),
    ("waiting", "waiting", "warning", "", 5, 3, 0, 0, 30, 60, 15, True, True),
    ("nobody-ready", "nobody_ready", "critical", "", 0, 0, 0, 0, 30, 15, 10, True, True),
    ("step", "step", "warning", "", 100, 100, 0, 0, 0, 30, 15, True, False),
    ("service-level", "service_level", "warning", "*", 80, 85, 30, 10, 60, 300, 30, True, True),
    ("service-level-today", "service_level", "notice", "", 80, 82, 0, 20, 300, 900, 240, False,
     False),
    ("unwell", "unwell", "critical", "", 0, 0, 0, 0, 15, 15, 15, True, True),
    ("standstill", "standstill", "warning", "", 30, 30, 0, 0, 60, 60, 120, True, False),
    ("case-due", "case_due", "notice", "", 3, 3, 0, 0, 0, 60, 1440, True, False),
    ("case-overdue", "case_overdue", "warning", "", 0, 0, 0, 0, 0, 60, 1440, True, False),
)  # fmt: skip


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _real(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=False)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def upgrade() -> None:
    rules = op.create_table(
        "alert_rules",
        *map(_text, ("id", "kind", "level", "scope")),
        *map(_real, ("threshold", "clear_at")),
        *map(_whole, ("window_minutes", "least", "hold_seconds", "clear_seconds", "quiet_minutes")),
        *map(_flag, ("active", "browser")),
        *map(_text, ("emails", "webhooks")),
        *map(_whole, ("position", "version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_rules")),
    )
    names = (
        "id", "kind", "level", "scope", "threshold", "clear_at", "window_minutes", "least",
        "hold_seconds", "clear_seconds", "quiet_minutes", "active", "browser",
    )  # fmt: skip
    op.bulk_insert(
        rules,
        [
            {
                **dict(zip(names, rule, strict=True)),
                "emails": "", "webhooks": "", "position": position, "version": 1,
            }
            for position, rule in enumerate(RULES, 1)
        ],
    )  # fmt: skip
    op.create_table(
        "alert_rule_changes",
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("by_account", sa.Text(), nullable=False),
        sa.Column("was", sa.Text(), nullable=True),
        sa.Column("became", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["by_account"], ["accounts.id"], name=op.f("fk_alert_rule_changes_by_account")
        ),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["alert_rules.id"], name=op.f("fk_alert_rule_changes_rule_id")
        ),
        sa.PrimaryKeyConstraint("rule_id", "version", name=op.f("pk_alert_rule_changes")),
    )
    op.create_table(
        "alerts",
        *map(_text, ("id", "rule_id", "kind", "subject", "level")),
        *map(_real, ("threshold", "value", "worst")),
        *map(_text, ("text_th", "text_en")),
        sa.Column("raised_us", sa.BigInteger(), nullable=False),
        sa.Column("told_us", sa.BigInteger(), nullable=True),
        sa.Column("cleared_us", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("acknowledged_us", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("snoozed_us", sa.BigInteger(), nullable=True),
        sa.Column("snoozed_by", sa.Text(), nullable=True),
        *map(_flag, ("browser", "test")),
        sa.ForeignKeyConstraint(
            ["acknowledged_by"], ["accounts.id"], name=op.f("fk_alerts_acknowledged_by")
        ),
        sa.ForeignKeyConstraint(["rule_id"], ["alert_rules.id"], name=op.f("fk_alerts_rule_id")),
        sa.ForeignKeyConstraint(["snoozed_by"], ["accounts.id"], name=op.f("fk_alerts_snoozed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index("ix_alerts_cleared_us", "alerts", ["cleared_us"])
    op.create_index("ix_alerts_raised_us", "alerts", ["raised_us", "id"])
