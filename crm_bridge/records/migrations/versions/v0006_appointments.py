"""Appointments by VDO conference, their slots and rooms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "appointment_officers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("name_th", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment_officers")),
    )
    op.create_index("ix_appointment_officers_unit", "appointment_officers", ["unit"])
    op.create_table(
        "appointment_hours",
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("weekday", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("from_minute", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("to_minute", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["officer_id"],
            ["appointment_officers.id"],
            name=op.f("fk_appointment_hours_officer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "officer_id", "weekday", "from_minute", name=op.f("pk_appointment_hours")
        ),
    )
    op.create_table(
        "appointment_rooms",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("name_th", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("opens_minute", sa.Integer(), nullable=False),
        sa.Column("closes_minute", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment_rooms")),
    )
    op.create_index("ix_appointment_rooms_province", "appointment_rooms", ["province"])
    op.create_table(
        "booked_ticks",
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("tick", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("resource", "tick", name=op.f("pk_booked_ticks")),
    )
    op.create_index("ix_booked_ticks_holder", "booked_ticks", ["holder"])
    op.create_table(
        "appointment_blocks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("starts_us", sa.BigInteger(), nullable=False),
        sa.Column("ends_us", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment_blocks")),
    )
    op.create_index(
        "ix_appointment_blocks_resource", "appointment_blocks", ["resource", "starts_us"]
    )
    op.create_table(
        "appointments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("form_key", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("person_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("surname", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("party", sa.Integer(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("province", sa.Text(), nullable=False),
        sa.Column("wish_us", sa.BigInteger(), nullable=True),
        sa.Column("wish_note", sa.Text(), nullable=False),
        sa.Column("officer_id", sa.Text(), nullable=True),
        sa.Column("room_id", sa.Text(), nullable=True),
        sa.Column("starts_us", sa.BigInteger(), nullable=True),
        sa.Column("ends_us", sa.BigInteger(), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("invited", sa.Text(), nullable=False),
        sa.Column("opened_us", sa.BigInteger(), nullable=True),
        sa.Column("saved_us", sa.BigInteger(), nullable=False),
        sa.Column("agreed_us", sa.BigInteger(), nullable=True),
        sa.Column("told_us", sa.BigInteger(), nullable=True),
        sa.Column("closed_us", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("updated_us", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["room_id"], ["appointment_rooms.id"], name=op.f("fk_appointments_room_id")
        ),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["appointment_officers.id"], name=op.f("fk_appointments_officer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointments")),
    )
    op.create_index("ix_appointments_form_key", "appointments", ["form_key"], unique=True)
    op.create_index("ix_appointments_person_id", "appointments", ["person_id"])
    op.create_index("ix_appointments_phone", "appointments", ["phone"])
    op.create_index("ix_appointments_ref", "appointments", ["ref"], unique=True)
    op.create_index("ix_appointments_saved_us", "appointments", ["saved_us", "id"])
    op.create_index("ix_appointments_starts_us", "appointments", ["starts_us"])
    op.create_index("ix_appointments_state", "appointments", ["state", "saved_us"])
    op.create_table(
        "appointment_events",
        sa.Column("appointment_id", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("by_account", sa.Text(), nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("starts_us", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointments.id"],
            name=op.f("fk_appointment_events_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("appointment_id", "ordinal", name=op.f("pk_appointment_events")),
    )


def downgrade() -> None:
    op.drop_table("appointment_events")
    op.drop_table("appointments")
    op.drop_table("appointment_blocks")
    op.drop_table("booked_ticks")
    op.drop_table("appointment_rooms")
    op.drop_table("appointment_hours")
    op.drop_table("appointment_officers")
