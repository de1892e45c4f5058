"""Tables of the desk: the rules of alerts, who changed them, and each time one was raised."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text

from crm_bridge.records.tables import metadata

alert_rules = Table(
    "alert_rules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("threshold", Double, nullable=False),
    Column("clear_at", Double, nullable=False),
    Column("window_minutes", Integer, nullable=False),
    Column("least", Integer, nullable=False),
    Column("hold_seconds", Integer, nullable=False),
    Column("clear_seconds", Integer, nullable=False),
    Column("quiet_minutes", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("browser", Boolean, nullable=False),
    Column("emails", Text, nullable=False),
    Column("webhooks", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("version", Integer, nullable=False),
)
"""One row a rule; what its values mean is in `crm_bridge.alerts.rules`. `emails` and `webhooks` are
addresses and names, separated by spaces."""

alert_rule_changes = Table(
    "alert_rule_changes",
    metadata,
    Column("rule_id", Text, ForeignKey("alert_rules.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("by_account", Text, ForeignKey("accounts.id"), nullable=False),
    Column("was", Text),
    Column("became", Text, nullable=False),
)
"""One row a change of a rule, with the version that it made; `was` and `became` are JSON objects of
what is another than before, `was` null for a new rule."""

alerts = Table(
    "alerts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("rule_id", Text, ForeignKey("alert_rules.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("threshold", Double, nullable=False),
    Column("value", Double, nullable=False),
    Column("worst", Double, nullable=False),
    Column("text_th", Text, nullable=False),
    Column("text_en", Text, nullable=False),
    Column("raised_us", BigInteger, nullable=False),
    Column("told_us", BigInteger),
    Column("cleared_us", BigInteger),
    Column("why", Text),
    Column("acknowledged_us", BigInteger),
    Column("acknowledged_by", Text, ForeignKey("accounts.id")),
    Column("snoozed_us", BigInteger),
    Column("snoozed_by", Text, ForeignKey("accounts.id")),
    Column("browser", Boolean, nullable=False),
    Column("test", Boolean, nullable=False),
    Index("ix_alerts_raised_us", "raised_us", "id"),
    Index("ix_alerts_cleared_us", "cleared_us"),
)
"""One row each time a rule was raised for a subject: a queue, a step, a ticket, a system. `value`
is of that moment, `worst` of all the time. `told_us`: when messages last went; null, none did.
`why` it was cleared: `away` or `off`. `snoozed_us`: nobody is told until then. `test`: somebody
tried the destinations; it was never so."""
