"""Officers' counts are read without their histograms."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_NAME = "ix_figures_agents_from_us"
_COUNTS = ("parts", "talk_us", "hold_us", "wrap_us")


def upgrade() -> None:
    op.drop_index(_NAME, "figures_agents")
    op.create_index(_NAME, "figures_agents", ["level", "from_us", "agent", *_COUNTS])
