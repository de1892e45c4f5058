"""Figures of steps, queues and calls are kept by the dekad and the year too."""

from __future__ import annotations

from crm_bridge.records.migrations.longer_spans import add_dekads_and_years

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_FORMS = (
    (
        "figures_steps",
        ("queue", "service", "step"),
        ("within", "over", "open", "observed", "declared", "inferred", "unknown", "elapsed_us"),
        ("elapsed",),
    ),
    (
        "figures_queues",
        ("queue",),
        ("answered", "abandoned", "timeout", "left", "transferred", "unknown", "waited_us"),
        ("answered_after", "abandoned_after"),
    ),
    (
        "figures_calls",
        ("direction", "service", "language", "outcome"),
        ("calls", "withheld", "not_observed", "length_us"),
        ("length",),
    ),
)


def upgrade() -> None:
    add_dekads_and_years(_FORMS)
