"""Voices that are kept: where the key of each lies, who has listened, and messages as tasks."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, Table, Text, text

from crm_bridge.records.tables import metadata

# as `calls` has it: PostgreSQL does not compare two columns of different collations
_CallId = Text().with_variant(Text(collation="C"), "postgresql")
_KEPT = text("gone_us IS NULL")
_TO_CLEAR = text("gone_us IS NOT NULL AND cleared_us IS NULL")

recordings = Table(
    "recordings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("call_id", _CallId, nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("length_us", BigInteger, nullable=False),
    Column("key_id", Text),
    Column("sealed_key", LargeBinary),
    Column("gone_us", BigInteger),
    Column("gone_why", Text),
    Column("cleared_us", BigInteger),
    Column("source", Text),
    Index("ix_recordings_call_id", "call_id"),
    Index("ix_recordings_made_us", "kind", "made_us", sqlite_where=_KEPT, postgresql_where=_KEPT),
    Index("ix_recordings_to_clear", "gone_us", sqlite_where=_TO_CLEAR, postgresql_where=_TO_CLEAR),
)
"""`kind`: `voicemail` or `call`. The sealed file bears the id; `sealed_key` opens it, itself sealed
with the key `key_id` of the environment. Deleted (`gone_us`, `gone_why`: retention, erased,
replaced): the sealed key is gone in the same transaction, the file when `cleared_us` says so; the
row stays, so that who listened stays on record. `source` names the open file of Asterisk's that it
was sealed from: where that cannot be deleted, it is not sealed again."""

voicemails = Table(
    "voicemails",
    metadata,
    Column("recording_id", Text, ForeignKey("recordings.id"), primary_key=True),
    Column("call_id", _CallId, nullable=False),
    Column("number", Text),
    Column("left_us", BigInteger, nullable=False),
    Column("done_us", BigInteger),
    Column("done_by", Text, ForeignKey("accounts.id")),
    Index("ix_voicemails_call_id", "call_id", unique=True),
    Index("ix_voicemails_left_us", "left_us"),
    Index("ix_voicemails_number", "number"),
)
"""Messages that callers left, until somebody has dealt with each; one a call. `number` (E.164) is
the calling one, where it can be called back."""

recording_listens = Table(
    "recording_listens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("recording_id", Text, ForeignKey("recordings.id"), nullable=False),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Index("ix_recording_listens_recording_id", "recording_id", "at_us"),
)
"""Who had a recording played, and when."""
