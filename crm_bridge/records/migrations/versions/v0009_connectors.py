"""Other CRMs: what waits to go there, its attempts, and what stands there of ours."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connectors",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("polled_us", sa.BigInteger(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("held_us", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_connectors")),
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("behind", sa.Text(), nullable=True),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("next_us", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("charged", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("done_us", sa.BigInteger(), nullable=True),
        sa.Column("overrides", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connector"], ["connectors.name"], name=op.f("fk_outbox_connector")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_entry", "outbox", ["connector", "kind", "subject", "revision"], unique=True
    )
    op.create_index("ix_outbox_state", "outbox", ["connector", "state", "behind", "next_us", "seq"])
    op.create_index("ix_outbox_lane", "outbox", ["connector", "lane", "state", "seq"])
    op.create_index("ix_outbox_contact", "outbox", ["connector", "contact", "state", "seq"])
    op.create_index("ix_outbox_done", "outbox", ["connector", "done_us"])
    op.create_table(
        "delivery_attempts",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("took_us", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["seq"], ["outbox.seq"], name=op.f("fk_delivery_attempts_seq"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("seq", "attempt", name=op.f("pk_delivery_attempts")),
    )
    op.create_table(
        "connector_links",
        sa.Column("connector", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("theirs", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("native", sa.Text(), nullable=True),
        sa.Column("status_us", sa.BigInteger(), nullable=True),
        sa.Column("made_us", sa.BigInteger(), nullable=False),
        sa.Column("updated_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connector"], ["connectors.name"], name=op.f("fk_connector_links_connector")
        ),
        sa.PrimaryKeyConstraint("connector", "key", name=op.f("pk_connector_links")),
    )
    op.create_index("ix_connector_links_id", "connector_links", ["connector", "kind", "id"])
    op.create_index("ix_connector_links_key", "connector_links", ["key"])


def downgrade() -> None:
    op.drop_table("connector_links")
    op.drop_table("delivery_attempts")
    op.drop_table("outbox")
    op.drop_table("connectors")
