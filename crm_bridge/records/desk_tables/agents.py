"""Tables of the desk: agents at work, the states they were in, and the reasons for a pause."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from crm_bridge.records.tables import metadata

pause_reasons = Table(
    "pause_reasons",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name_th", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
)
"""Why an agent may pause; `code` is also the reason that Asterisk's queues are told."""

agent_sessions = Table(
    "agent_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("extension", Text, nullable=False),
    Column("queues", Text, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("ended_why", Text),
    Index("ix_agent_sessions_ended_us", "ended_us"),
    Index("ix_agent_sessions_extension", "extension", "started_us"),
    Index("ix_agent_sessions_account_id", "account_id", "started_us"),
)
"""One sitting of a person at an extension. `queues` are the names of the queues served, separated
by spaces; `ended_why` is `desk`, `supervisor` or `line` (taken out of every queue elsewhere)."""

agent_states = Table(
    "agent_states",
    metadata,
    Column("id", Text, primary_key=True),
    Column("session_id", Text, ForeignKey("agent_sessions.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("call_id", Text),
    Column("source", Text, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("by_account", Text),
    Index("ix_agent_states_session_id", "session_id", "started_us"),
    Index("ix_agent_states_started_us", "started_us"),
)
"""What an agent was in one sitting, one after the other: `ready`, `paused` (for `reason`) or
`wrapup` (of `call_id`). `source`: `desk` (the agent), `call` (a call began or ended), `line` (a
change made elsewhere at the telephone system), `supervisor` (`by_account` says who)."""
