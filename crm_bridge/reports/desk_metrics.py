"""Figures of transfers, call backs, officers' time and cases, as `metrics.METRICS` defines them.

Spans are in microseconds; None is what nobody can say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crm_bridge.figures.forms import AGENT_TIMES, AGENTS, CALLBACKS, CASES, TRANSFERS, Form
from crm_bridge.figures.histogram import percentile
from crm_bridge.figures.tallies import Tally


@dataclass(frozen=True, slots=True)
class TransferFigures:
    """Transfers that were answered, by kind, and what share of the answered calls they are."""

    blind: int
    attended: int
    consult: int
    """Consultations that were no transfer, whatever came of them."""
    blind_rate: float | None
    attended_rate: float | None
    consult_rate: float | None


@dataclass(frozen=True, slots=True)
class CallbackFigures:
    """Lost callers and what became of them."""

    lost: int
    called_back: int
    called_again: int
    given_up: int
    waiting: int
    no_number: int
    mean: int | None
    p50: int | None
    p90: int | None


@dataclass(frozen=True, slots=True)
class ToldFigures:
    """Callers who were told their wait, and how it came."""

    told: int
    held: int
    sooner: int
    later: int
    unjudged: int
    held_share: float | None
    """Of those of whom it is known how it came."""


@dataclass(frozen=True, slots=True)
class SurveyFigures:
    """What callers said of the service."""

    asked: int
    unrated: int
    rated: int
    unrated_share: float | None
    mean: float | None
    """From 1 to 5, of those who rated."""
    satisfied: float | None
    """The share of 4 and 5 in those who rated."""
    matter_settled: int
    matter_said: int
    """Who said whether the matter is settled."""
    settled_share: float | None


@dataclass(frozen=True, slots=True)
class TimeFigures:
    """What officers did with the time for which they were signed in."""

    signed_in: int
    paused: int
    occupancy: float | None


@dataclass(frozen=True, slots=True)
class CaseFigures:
    """Cases and how they were settled."""

    cases: int
    settled: int
    within: int
    over: int
    compliance: float | None
    first_contact: float | None
    reopened: int
    p50: int | None
    """Of working time: a working day is 24 hours."""
    p90: int | None


def transfer_figures(
    tallies: Mapping[tuple[str | int, ...], Tally], answered: int
) -> TransferFigures:
    """Of rows of `TRANSFERS` by (kind, outcome), and how many calls were answered."""
    count = {"blind": 0, "attended": 0, "consult": 0}
    for (kind, outcome), tally in tallies.items():
        if kind == "consult" or outcome == "answered":
            count[str(kind)] += _of(TRANSFERS, tally, "transfers")
    rates = [part / answered if answered else None for part in count.values()]
    return TransferFigures(count["blind"], count["attended"], count["consult"], *rates)


def callback_figures(tallies: Mapping[tuple[str | int, ...], Tally]) -> CallbackFigures:
    """Of rows of `CALLBACKS` by (state)."""
    count = {str(state): _of(CALLBACKS, tally, "calls") for (state,), tally in tallies.items()}
    back = tallies.get(("called_back",), Tally.of(CALLBACKS))
    called_back = count.get("called_back", 0)
    (after,) = back.spans
    return CallbackFigures(
        sum(count.values()),
        called_back,
        count.get("called_again", 0),
        count.get("given_up", 0),
        count.get("waiting", 0),
        count.get("no_number", 0),
        _of(CALLBACKS, back, "after_us") // called_back if called_back else None,
        percentile(after, 0.5),
        percentile(after, 0.9),
    )


def told_figures(tally: Tally) -> ToldFigures:
    """Of a row of `WAITS_TOLD` or a sum of such rows."""
    held, sooner, later, unjudged = tally.counts
    judged = held + sooner + later
    return ToldFigures(
        judged + unjudged, held, sooner, later, unjudged, held / judged if judged else None
    )


def survey_figures(tally: Tally) -> SurveyFigures:
    """Of a row of `SURVEYS` or a sum of such rows."""
    unrated, *ratings, settled, unsettled = tally.counts
    rated = sum(ratings)
    asked, said = unrated + rated, settled + unsettled
    points = sum(n * times for n, times in enumerate(ratings, 1))
    return SurveyFigures(
        asked,
        unrated,
        rated,
        unrated / asked if asked else None,
        points / rated if rated else None,
        sum(ratings[3:]) / rated if rated else None,
        settled,
        said,
        settled / said if said else None,
    )


def time_figures(handled: Tally, tallies: Mapping[tuple[str | int, ...], Tally]) -> TimeFigures:
    """Of a row of `AGENTS` and rows of `AGENT_TIMES` by (state), of the same officers and days."""
    times = {str(state): _of(AGENT_TIMES, tally, "time_us") for (state,), tally in tallies.items()}
    signed_in, paused = sum(times.values()), times.get("paused", 0)
    busy = sum(_of(AGENTS, handled, name) for name in ("talk_us", "hold_us", "wrap_us"))
    return TimeFigures(
        signed_in, paused, busy / (signed_in - paused) if signed_in > paused else None
    )  # fmt: skip


def average_wrap_up(handled: Tally) -> int | None:
    """Of a row of `AGENTS` or a sum: what the record of a call took."""
    parts = _of(AGENTS, handled, "parts")
    return _of(AGENTS, handled, "wrap_us") // parts if parts else None


def case_figures(tally: Tally) -> CaseFigures:
    """Of a row of `CASES` or a sum of such rows."""
    n = dict(zip(CASES.counts, tally.counts, strict=True))
    judged = n["settled_within"] + n["settled_over"]
    (took,) = tally.spans
    return CaseFigures(
        n["cases"],
        n["settled"],
        n["settled_within"],
        n["settled_over"],
        n["settled_within"] / judged if judged else None,
        n["first_contact"] / n["settled"] if n["settled"] else None,
        n["reopened"],
        percentile(took, 0.5),
        percentile(took, 0.9),
    )


def _of(form: Form, tally: Tally, count: str) -> int:
    return tally.counts[form.counts.index(count)]
