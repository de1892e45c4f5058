"""What an agent writes of a call: wrap-ups, drafts, the catalogue of subjects."""

from __future__ import annotations

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
