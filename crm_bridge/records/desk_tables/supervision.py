"""Tables of supervision: what supervisors did, to whom, and what they wrote to officers."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text

from crm_bridge.records.tables import metadata

supervision_acts = Table(
    "supervision_acts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("act", Text, nullable=False),
    Column("by_account", Text, ForeignKey("accounts.id"), nullable=False),
    Column("by_extension", Text),
    Column("to_account", Text, ForeignKey("accounts.id")),
    Column("to_extension", Text),
    Column("call_id", Text),
    Column("detail", Text, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("outcome", Text, nullable=False),
    Column("refused_as", Text),
    Index("ix_supervision_acts_started_us", "started_us", "id"),
    Index("ix_supervision_acts_by_account", "by_account", "started_us"),
    Index("ix_supervision_acts_to_account", "to_account", "started_us"),
    Index("ix_supervision_acts_call_id", "call_id"),
)
"""Every act of a supervisor, written before it is tried. `act`: `listen`, `whisper`, `barge`,
`take_over`, `leave`, `pause`, `ready`, `sign_out` or `message`; `detail`: a pause's reason, how a
take-over's transfer came out. `outcome`: `asked` (it was not heard how it came out), `done`,
`refused` (`refused_as` is the code), `failed` (a fault), `lost` (done; its end was not heard).
Of what lasts (listening) `started_us` and `ended_us` are Asterisk's own times."""

notices = Table(
    "notices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("act_id", Text, ForeignKey("supervision_acts.id"), nullable=False),
    Column("from_account", Text, ForeignKey("accounts.id"), nullable=False),
    Column("to_account", Text, ForeignKey("accounts.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("sent_us", BigInteger, nullable=False),
    Column("read_us", BigInteger),
    Index("ix_notices_to_account", "to_account", "read_us", "sent_us"),
)
"""What a supervisor tells an officer's desk, one row for each officer, shown until it is read.
`kind`: `message` (`body` is its text) or `signed_out` (by a supervisor)."""
