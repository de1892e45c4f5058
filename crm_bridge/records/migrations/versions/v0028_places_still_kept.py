"""Places that are still kept are found without those that are over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_KEPT = "queue IS NOT NULL AND ended_us IS NULL"


def upgrade() -> None:
    op.create_index(
        "ix_call_back_wishes_kept", "call_back_wishes", ["place_us", "call_id"],
        sqlite_where=sa.text(_KEPT), postgresql_where=sa.text(_KEPT),
    )  # fmt: skip
