"""Tables of the desk: other CRMs, what waits to go there, and what stands there of ours."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from crm_bridge.records.tables import metadata

connectors = Table(
    "connectors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("place", Text),
    Column("active", Boolean, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    Column("cursor", Text),
    Column("polled_us", BigInteger),
    Column("holder", Text),
    Column("held_us", BigInteger),
)
"""One row a CRM that hotline.toml names, or once named. What happens while it is `active` is put in
its outbox; `place` is its address (and database); `cursor` is how far its status changes have been
read. `holder` is the process that delivers to it, until `held_us`: no two at once write the same
record there."""

outbox = Table(
    "outbox",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("connector", Text, ForeignKey("connectors.name"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("lane", Text, nullable=False),
    Column("contact", Text),
    Column("state", Text, nullable=False),
    Column("behind", Text),
    Column("made_us", BigInteger, nullable=False),
    Column("next_us", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("charged", Integer, nullable=False),
    Column("last_error", Text),
    Column("done_us", BigInteger),
    Column("overrides", Text),
    Column("version", Integer, nullable=False),
    Index("ix_outbox_entry", "connector", "kind", "subject", "revision", unique=True),
    Index("ix_outbox_state", "connector", "state", "behind", "next_us", "seq"),
    Index("ix_outbox_lane", "connector", "lane", "state", "seq"),
    Index("ix_outbox_contact", "connector", "contact", "state", "seq"),
    Index("ix_outbox_done", "connector", "done_us"),
)
"""One row a change that one CRM shall hear of; it names the record (`kind`, `subject`,
`revision`) and holds nothing of it: what is sent is read when it is sent.

`kind` call (subject: the call's id), wrapup (CALL/AGENT), case (the case's id; revision: the
ordinal of its timeline), person, or alert (revision: 1 raised, 2 cleared). `lane` is the call,
case, person or alert whose order is kept, `contact` the number behind it. `state`: waiting, done,
dead (a person must look), skipped (a person decided). `behind` sets a waiting one aside until the
entry before it is through: `waiting` behind an earlier one of its lane or contact, `dead` behind a
dead one of its lane; what is null is looked at. `attempts` counts tries, `charged` those that speak
against this entry and not against the CRM as a whole. `next_us`: not before. `overrides` is a JSON
object of what a person set to mend it, `contact.FIELD`, `ticket.FIELD` or `note.text` → value, gone
once it is done."""

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    Column("seq", BigInteger, ForeignKey("outbox.seq", ondelete="CASCADE"), primary_key=True,
           autoincrement=False),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("took_us", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("error", Text),
)  # fmt: skip
"""One row a try of an entry that did not go at once; `outcome` done, or the name of the error."""

connector_links = Table(
    "connector_links",
    metadata,
    Column("connector", Text, ForeignKey("connectors.name"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("url", Text),
    Column("theirs", Boolean, nullable=False),
    Column("digest", Text),
    Column("status", Text),
    Column("native", Text),
    Column("status_us", BigInteger),
    Column("made_us", BigInteger, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Index("ix_connector_links_key", "key"),
    Index("ix_connector_links_id", "connector", "kind", "id"),
)
"""Our external key → the record there. `theirs`: it was there before us. `digest` is of what was
last sent: the same again is not sent. `status` (ours) and `native` (their word) as last known."""
