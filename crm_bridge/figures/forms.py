"""The tables of figures: what each counts, by which keys, in which spans of time.

| form | keys | counts |
|---|---|---|
| `STEPS` | queue, service, step | every timing that started then |
| `AGENT_STEPS` | who it was with, and the same | the same |
| `QUEUES` | queue | every passage that began then |
| `CALLS` | direction, service, language, outcome | every call entered then |
| `AGENTS` | agent, queue | every part of an officer whose handling ended then |

Before its keys a row has its `level` and `from_us`: the quarter of an hour, day or month of
Asia/Bangkok, and the moment of its beginning. Each level holds all there is, so that a span is read
from the coarsest rows that make it up. Names are empty where there is none: a greet that nobody
answered has no agent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crm_bridge.figures.levels import Level


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """A table of figures; names of its columns in their order."""

    name: str
    levels: tuple[Level, ...]
    """From the finest, by which calls are counted, to the coarsest."""
    keys: tuple[str, ...]
    """After `level` and `from_us`."""
    counts: tuple[str, ...]
    spans: tuple[str, ...] = ()
    """Histograms of spans of time."""


_ALL: Final[tuple[Level, ...]] = ("quarter", "day", "month")
_DAYS: Final[tuple[Level, ...]] = ("day", "month")
_TIMINGS: Final = ("within", "over", "open", "observed", "declared", "inferred", "unknown",
                   "elapsed_us")  # fmt: skip

STEPS: Final = Form("figures_steps", _ALL, ("queue", "service", "step"), _TIMINGS, ("elapsed",))
AGENT_STEPS: Final = Form(
    "figures_agent_steps",
    _DAYS,
    ("agent", "agency", "queue", "service", "step"),  # whose they are first: one is often asked for
    _TIMINGS,
    ("elapsed",),
)
QUEUES: Final = Form(
    "figures_queues",
    _ALL,
    ("queue",),
    ("answered", "abandoned", "timeout", "left", "transferred", "unknown", "waited_us"),
    ("answered_after", "abandoned_after"),
)
CALLS: Final = Form(
    "figures_calls",
    _ALL,
    ("direction", "service", "language", "outcome"),
    ("calls", "withheld", "not_observed", "length_us"),
    ("length",),
)
AGENTS: Final = Form(
    "figures_agents",
    _DAYS,
    ("agent", "queue"),
    ("parts", "talk_us", "hold_us", "wrap_us"),
    ("handled",),
)
FORMS: Final = (STEPS, AGENT_STEPS, QUEUES, CALLS, AGENTS)
