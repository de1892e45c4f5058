"""Which open file a recording was sealed from; what rounds look for has indexes of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("recordings", sa.Column("source", sa.Text(), nullable=True))
    kept, to_clear = (
        sa.text("gone_us IS NULL"),
        sa.text("gone_us IS NOT NULL AND cleared_us IS NULL"),
    )
    op.drop_index("ix_recordings_made_us", "recordings")
    op.create_index(
        "ix_recordings_made_us", "recordings", ["kind", "made_us"],
        sqlite_where=kept, postgresql_where=kept,
    )  # fmt: skip
    op.create_index(
        "ix_recordings_to_clear", "recordings", ["gone_us"],
        sqlite_where=to_clear, postgresql_where=to_clear,
    )  # fmt: skip
