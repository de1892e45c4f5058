"""Tables of the desk: messages that go out, and what became of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from crm_bridge.records.tables import metadata

messages = Table(
    "messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text),
    Column("body", Text, nullable=False),
    Column("calendar", LargeBinary),
    Column("about_kind", Text, nullable=False),
    Column("about_id", Text, nullable=False),
    Column("dedupe", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("next_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("attempted_us", BigInteger),
    Column("last_error", Text),
    Column("sent_us", BigInteger),
    Column("gateway", Text),
    Column("reference", Text),
    Column("version", Integer, nullable=False),
    Index("ix_messages_seq", "seq", unique=True),
    Index("ix_messages_dedupe", "dedupe", unique=True),
    Index("ix_messages_state", "state", "next_us"),
    Index("ix_messages_about", "about_kind", "about_id", "seq"),
)
"""One row a message. `state`: waiting, sent, dead or withdrawn. `due_us`: not to go before it;
`next_us`: when it is next tried, and while one is under way the end of that try's lease;
`expires_us`: worth nothing after it. `seq` grows by one: the order in which they were written.
`reference` is the name the gateway gave it."""
