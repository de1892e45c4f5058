"""A forecast as programs read it: the API and the command give the same."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from crm_bridge.reports.forecasting import Forecast


def as_json(found: Forecast) -> dict[str, Any]:
    """A forecast as programs read it; what has no end is null."""
    model, known, tested = found.model, found.lately, found.tested
    errors = {
        method: {"half_hours": tested.half_hours[method].wape, "days": tested.days[method].wape}
        for method in tested.half_hours
    }
    return {
        "first": found.asked.first,
        "last": found.asked.last,
        "queue": found.asked.queue or None,
        "whole": found.whole,
        "learnt": {
            "first": found.history[0], "last": found.history[1], "days_used": model.used,
            "days_missed": model.missed, "campaign_days": model.campaigns,
            "unusual_days": model.unusual, "first_guess": model.short,
            "handling_seconds": known.handling, "patience_seconds": known.patience,
            "short_share": known.short, "service_level": known.service_level,
        },
        "terms": None if found.terms is None else asdict(found.terms),
        "last_test_wape": errors if tested.forecasts else None,
        "outcome": _finite(None if found.outcome is None else asdict(found.outcome)),
        "days": [
            {
                "day": day.day, "kind": day.kind, "holiday": day.holiday and day.holiday[1],
                "campaign": None if day.campaign is None else asdict(day.campaign),
                "calls": day.total, "low": day.low, "high": day.high,
                "outcome": _finite(None if day.outcome is None else asdict(day.outcome)),
                "half_hours": [_finite(asdict(half)) for half in day.half_hours],
            }
            for day in found.days
        ],
    }  # fmt: skip


def _finite(found: Any) -> Any:
    """Without numbers that JSON has not."""
    if isinstance(found, dict):
        return {key: _finite(value) for key, value in found.items()}
    return None if isinstance(found, float) and found in {float("inf")} else found
