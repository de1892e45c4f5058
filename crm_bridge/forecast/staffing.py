"""Officers that are needed for the calls that are expected, and what a number of them achieves.

Each half-hour is taken as a queue of its own in balance, as is usual. `present` is who is in the
house; of their time the `shrinkage` goes to breaks, training, meetings, illness: the rest is who
takes calls. Times in seconds, shares from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, inf
from typing import Final

from crm_bridge.forecast.erlang import Demand, Service, officers_for, service

HALF_HOUR: Final = 1800.0
_SLIGHT: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Terms:
    """What is demanded of the service, and what is known of calls and callers."""

    handling: float
    """Mean of talk, hold and wrap-up."""
    patience: float | None
    """None: Erlang C, in which callers wait for ever."""
    level: float
    within: float
    occupancy: float
    """Officers are to be busy for no larger share of their time."""
    shrinkage: float

    def demand(self, calls: float) -> Demand:
        """Of so many calls in a half-hour."""
        patience = inf if self.patience is None else self.patience
        return Demand(calls / HALF_HOUR, self.handling, patience)


@dataclass(frozen=True, slots=True)
class Need:
    """One half-hour: what it needs, and what is to be expected of who is planned."""

    calls: float
    needed: int
    """Officers who take calls."""
    present: int
    """Officers in the house, so that so many can take calls."""
    planned: float | None
    """Officers in the house by the plan; None where there is none."""
    expected: Service | None
    """With who is planned; without a plan, with who is needed; None where nobody calls."""

    @property
    def missing(self) -> int:
        """Officers whom the plan lacks, as a whole number; 0 where it lacks none."""
        if self.planned is None:
            return 0
        return max(0, ceil(self.present - self.planned - _SLIGHT))


def taking_calls(present: float, shrinkage: float) -> int:
    """Of so many in the house, how many take calls at a time."""
    return floor(present * (1.0 - shrinkage) + _SLIGHT)


def needs(
    calls: Sequence[float], terms: Terms, planned: Sequence[float | None]
) -> tuple[Need, ...]:
    """One for each half-hour with so many expected calls."""
    return tuple(_need(each, terms, plan) for each, plan in zip(calls, planned, strict=True))


def _need(calls: float, terms: Terms, planned: float | None) -> Need:
    # by the thousandth of a call, so that half-hours that differ by nothing share a reckoning
    demand = terms.demand(round(calls, 3))
    needed = officers_for(demand, level=terms.level, within=terms.within, occupancy=terms.occupancy)
    taking = needed if planned is None else taking_calls(planned, terms.shrinkage)
    return Need(
        calls,
        needed,
        ceil(needed / (1.0 - terms.shrinkage) - _SLIGHT),
        planned,
        service(demand, taking, terms.within) if demand.rate else None,
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """Half-hours together: shares of their calls. None where nobody calls."""

    calls: float
    service_level: float | None
    abandoning: float | None
    asa: float | None
    """Infinite where a queue without an end is among them."""
    occupancy: float | None
    needed_hours: float
    """Hours of officers in the house that are needed."""
    planned_hours: float | None
    missing_half_hours: int
    """In so many the plan has too few."""


def together(found: Sequence[Need], terms: Terms) -> Outcome:
    """What a day or a week comes to; each half-hour counts by its calls."""
    judged = [(need, need.expected) for need in found if need.expected is not None]
    calls = sum(need.calls for need, _ in judged)
    answered = sum(need.calls * (1.0 - each.abandoning) for need, each in judged)
    open_hours = sum(
        need.needed if need.planned is None else taking_calls(need.planned, terms.shrinkage)
        for need in found
    )
    busy = sum(
        each.occupancy
        * (need.needed if need.planned is None else taking_calls(need.planned, terms.shrinkage))
        for need, each in judged
    )
    plans = [need.planned for need in found if need.planned is not None]
    return Outcome(
        calls=sum(need.calls for need in found),
        service_level=sum(n.calls * e.service_level for n, e in judged) / calls if calls else None,
        abandoning=sum(n.calls * e.abandoning for n, e in judged) / calls if calls else None,
        asa=(
            sum(n.calls * (1.0 - e.abandoning) * e.asa for n, e in judged if e.abandoning < 1)
            / answered
            if answered
            else None
        ),
        occupancy=busy / open_hours if open_hours else None,
        needed_hours=sum(need.present for need in found) / 2,
        planned_hours=sum(plans) / 2 if plans else None,
        missing_half_hours=sum(need.missing > 0 for need in found),
    )
