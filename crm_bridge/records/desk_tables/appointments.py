"""Tables of the desk: appointments by VDO conference, who and what they take up."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from crm_bridge.records.tables import metadata

appointment_officers = Table(
    "appointment_officers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("name_th", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("email", Text),
    Column("active", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_appointment_officers_unit", "unit"),
)
"""The officers at the ministry's centre whom a person can meet; `unit` is an agency's id."""

appointment_hours = Table(
    "appointment_hours",
    metadata,
    Column(
        "officer_id",
        Text,
        ForeignKey("appointment_officers.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("weekday", Integer, primary_key=True, autoincrement=False),
    Column("from_minute", Integer, primary_key=True, autoincrement=False),
    Column("to_minute", Integer, nullable=False),
)
"""When an officer is to be had, week by week: Monday is 0, minutes since midnight in Bangkok.
An officer without a row here is to be had in all office hours."""

appointment_rooms = Table(
    "appointment_rooms",
    metadata,
    Column("id", Text, primary_key=True),
    Column("province", Text, nullable=False),
    Column("name_th", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("opens_minute", Integer, nullable=False),
    Column("closes_minute", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_appointment_rooms_province", "province"),
)
"""The rooms with VDO conference in the provinces; `province` is a commerce office's agency id,
`capacity` how many persons have a seat."""

booked_ticks = Table(
    "booked_ticks",
    metadata,
    Column("resource", Text, primary_key=True),
    Column("tick", BigInteger, primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    Index("ix_booked_ticks_holder", "holder"),
)
"""Who has an officer (`officer:ID`) or a room (`room:ID`) in which quarter of an hour since the
epoch: the key is what forbids a double booking. `holder` is an appointment or a block."""

appointment_blocks = Table(
    "appointment_blocks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("resource", Text, nullable=False),
    Column("starts_us", BigInteger, nullable=False),
    Column("ends_us", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Index("ix_appointment_blocks_resource", "resource", "starts_us"),
)
"""A time at which an officer is away or a room is not to be had; it holds ticks as a booking."""

appointments = Table(
    "appointments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ref", Text, nullable=False),
    Column("form_key", Text),
    Column("state", Text, nullable=False),
    Column("call_id", Text),
    Column("person_id", Text),
    Column("name", Text, nullable=False),
    Column("surname", Text, nullable=False),
    Column("phone", Text),
    Column("email", Text),
    Column("language", Text, nullable=False),
    Column("party", Integer, nullable=False),
    Column("topic", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("province", Text, nullable=False),
    Column("wish_us", BigInteger),
    Column("wish_note", Text, nullable=False),
    Column("officer_id", Text, ForeignKey("appointment_officers.id")),
    Column("room_id", Text, ForeignKey("appointment_rooms.id")),
    Column("starts_us", BigInteger),
    Column("ends_us", BigInteger),
    Column("link", Text),
    Column("sequence", Integer, nullable=False),
    Column("invited", Text, nullable=False),
    Column("opened_us", BigInteger),
    Column("saved_us", BigInteger, nullable=False),
    Column("agreed_us", BigInteger),
    Column("told_us", BigInteger),
    Column("closed_us", BigInteger),
    Column("created_by", Text, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_appointments_ref", "ref", unique=True),
    Index("ix_appointments_form_key", "form_key", unique=True),
    Index("ix_appointments_state", "state", "saved_us"),
    Index("ix_appointments_saved_us", "saved_us", "id"),
    Index("ix_appointments_starts_us", "starts_us"),
    Index("ix_appointments_person_id", "person_id"),
    Index("ix_appointments_phone", "phone"),
)
"""One row an appointment. `form_key` names the form it was saved from: saved twice, it is one.
`wish_us` is the start the person asked for; `opened_us`, `saved_us`, `agreed_us` and `told_us` are
the ends of its published steps, the first time each. `invited` lists how the person was last told
(voice, sms, email), `sequence` is the invitation's."""

appointment_events = Table(
    "appointment_events",
    metadata,
    Column(
        "appointment_id",
        Text,
        ForeignKey("appointments.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("by_account", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("starts_us", BigInteger),
    Column("note", Text, nullable=False),
)
"""Everything that was done to an appointment, and the state and time it had afterwards."""
