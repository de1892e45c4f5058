"""One timed step of a published service standard."""

from __future__ import annotations

from dataclasses import dataclass, field

from ivr.calls.call import Evidence, Micros


@dataclass(frozen=True, slots=True)
class StepTiming:
    """A step of a call: times in microseconds since the epoch (UTC), the standard in seconds."""

    step: str
    service: str
    started_at: Micros
    ended_at: Micros | None
    standard_seconds: int | None
    state: str
    """`within`, `over` or `open`."""
    evidence: Evidence
    parts: dict[str, Micros] = field(default_factory=dict)
    """Spans within the step in microseconds, e.g. greet: waiting, ringing, greeting."""
    elapsed: Micros | None = None
