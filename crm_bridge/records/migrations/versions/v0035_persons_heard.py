"""A person's last contact is known after the calls of the numbers have lost their callers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("persons", sa.Column("heard_us", sa.BigInteger(), nullable=True))
