"""Figures of many keys are kept by the dekad and the year too."""

from __future__ import annotations

from crm_bridge.records.migrations.longer_spans import add_dekads_and_years

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TIMINGS = ("within", "over", "open", "observed", "declared", "inferred", "unknown", "elapsed_us")
_STEP = ("step", "service", "queue")
_CASES = ("cases", "settled", "settled_within", "settled_over", "first_contact", "reopened")
_FORMS: tuple[tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    ("figures_agent_steps", (*_STEP, "agent"), _TIMINGS, ("elapsed",)),
    ("figures_agency_steps", ("agency", "queue", "service", "step"), _TIMINGS, ("elapsed",)),
    ("figures_agents", ("agent", "queue"), ("parts", "talk_us", "hold_us", "wrap_us"),
     ("handled",)),
    ("figures_hours", (*_STEP, "hour_of_week"),
     ("timings", "within", "over", "offered", "answered", "abandoned"), ()),
    ("figures_transfers", ("kind", "agency", "outcome"),
     ("transfers", "asked_us", "ours_us", "theirs_us"), ("whole", "ours", "theirs")),
    ("figures_menus", ("path", "outcome"), ("calls",), ()),
    ("figures_subjects", ("service", "subject", "outcome"), ("records",), ()),
    ("figures_cases", ("kind", "agency", "province", "subject", "state"), _CASES,
     ("working_time",)),
    ("figures_cases_by", ("what", "value"), _CASES, ("working_time",)),
    ("figures_agency_cases", ("agency", "what", "value"), _CASES, ("working_time",)),
    ("figures_agent_times", ("agent", "state", "reason"), ("time_us",), ()),
)  # fmt: skip


def upgrade() -> None:
    add_dekads_and_years(_FORMS)
