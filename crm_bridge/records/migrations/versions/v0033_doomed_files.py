"""Files of cases that were forgotten, until they are deleted on disk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "doomed_files",
        sa.Column("stored", sa.Text(), primary_key=True),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
    )
