"""What was seen of the hotline at a moment, and what a rule reads of it. Pure.

Each part may be `None`: not known now. A rule that reads such a part gets no reading, and then
neither raises nor clears.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from crm_bridge.alerts.rules import EACH, TOGETHER, Kind, Rule, Words
from ivr.calls.call import Micros

SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who waits in one queue."""

    callers: int
    since: Micros
    """When the one who has waited longest joined."""


@dataclass(frozen=True, slots=True)
class Running:
    """The call that is furthest into its standard in one step; how many are past it."""

    share: float
    """Per cent of the standard."""
    calls: int
    """Calls in which the step runs."""


@dataclass(frozen=True, slots=True)
class FloorNow:
    """The calls in progress, by queue and by step; a queue in which nobody waits is not in it."""

    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    running: Mapping[str, Running] = field(default_factory=dict)
    """By `service/step`."""
    ready: Callable[[str], int] = lambda _queue: 0
    """How many officers serve a queue: ready, or with a caller."""


@dataclass(frozen=True, slots=True)
class Span:
    """The service level of a queue in a span of time; `share` from 0 to 1, `None` of no call."""

    share: float | None
    calls: int


@dataclass(frozen=True, slots=True)
class Owed:
    """A case with a limit; working days left of it, below zero past it."""

    ticket: str
    left: int
    late: bool
    """The limit is over; on a day off with no working day past it yet."""
    agency: str | None
    """Who owes it; `None`: the centre."""


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that rules read, as it was at one moment."""

    queues: tuple[str, ...] = ()
    """The queues of the configuration."""
    floor: FloorNow | None = None
    """`None` while a telephone system is not heard."""
    levels: Mapping[tuple[int, str], Span] | None = None
    """By the minutes back (0: today) and the queue (`TOGETHER`: all)."""
    owed: tuple[Owed, ...] | None = None
    unwell: Mapping[str, Words] | None = None
    """What is wrong, by what it is wrong with."""
    standing: Mapping[str, Micros] | None = None
    """Another CRM → since when nothing has gone there, of those for which something waits."""
    agencies: Mapping[str, Words] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """The value of one subject, and what is said beside it."""

    value: float
    detail: Words = ("", "")
    enough: bool = True
    """It is of enough calls to be raised by."""


Reading = Mapping[str, Seen]
"""Every subject that is there; what is not in it is gone."""


def read(rule: Rule, seen: Observation, now: Micros) -> Reading | None:
    """What this rule reads; `None` where it cannot be said now."""
    return _READS[rule.kind](rule, seen, now)


def _scoped(rule: Rule, seen: Observation) -> tuple[str, ...]:
    return seen.queues if rule.scope == EACH else (rule.scope,)


def _wait(rule: Rule, seen: Observation, now: Micros) -> Reading | None:
    if (floor := seen.floor) is None:
        return None
    return {
        queue: Seen(max(0, now - floor.waiting[queue].since) / SECOND)
        for queue in _scoped(rule, seen)
        if queue in floor.waiting
    }


def _waiting(rule: Rule, seen: Observation, _: Micros) -> Reading | None:
    if (floor := seen.floor) is None:
        return None
    if rule.scope == TOGETHER:
        return {TOGETHER: Seen(float(sum(one.callers for one in floor.waiting.values())))}
    return {
        queue: Seen(float(floor.waiting[queue].callers))
        for queue in _scoped(rule, seen)
        if queue in floor.waiting
    }


def _step(_: Rule, seen: Observation, __: Micros) -> Reading | None:
    if (floor := seen.floor) is None:
        return None
    return {step: Seen(running.share) for step, running in floor.running.items()}


def _service_level(rule: Rule, seen: Observation, _: Micros) -> Reading | None:
    if seen.levels is None or seen.floor is None:
        return None
    found = {}
    for queue in _scoped(rule, seen):
        span = seen.levels.get((rule.window, queue))
        if span is None:
            return None  # not looked up yet
        if span.share is not None:
            detail = (f" จาก {span.calls} สาย", f", {span.calls} calls")
            found[queue] = Seen(span.share * 100, detail, span.calls >= rule.least)
    return found


def _nobody_ready(rule: Rule, seen: Observation, _: Micros) -> Reading | None:
    if (floor := seen.floor) is None:
        return None
    return {
        queue: Seen(float(floor.waiting[queue].callers))
        for queue in _scoped(rule, seen)
        if queue in floor.waiting and not floor.ready(queue)
    }


def _case_due(_: Rule, seen: Observation, __: Micros) -> Reading | None:
    if seen.owed is None:
        return None
    # of a case that several owe the one that is due first
    nearest = sorted((one for one in seen.owed if not one.late), key=lambda one: -one.left)
    return {one.ticket: _of(one, seen, one.left) for one in nearest}


def _case_overdue(_: Rule, seen: Observation, __: Micros) -> Reading | None:
    if seen.owed is None:
        return None
    latest = sorted((one for one in seen.owed if one.late), key=lambda one: -one.left)
    return {one.ticket: _of(one, seen, -one.left) for one in latest}


def _of(one: Owed, seen: Observation, value: int) -> Seen:
    if one.agency is None:
        return Seen(float(value), (" (ศูนย์บริการฯ)", " (the centre)"))
    th, en = seen.agencies.get(one.agency, (one.agency, one.agency))
    return Seen(float(value), (f" ({th})", f" ({en})"))


def _unwell(_: Rule, seen: Observation, __: Micros) -> Reading | None:
    if seen.unwell is None:
        return None
    return {what: Seen(1.0, detail) for what, detail in seen.unwell.items()}


def _standstill(_: Rule, seen: Observation, now: Micros) -> Reading | None:
    if seen.standing is None:
        return None
    return {
        name: Seen(max(0, now - since) / (60 * SECOND)) for name, since in seen.standing.items()
    }


_READS: Final[Mapping[Kind, Callable[[Rule, Observation, Micros], Reading | None]]] = {
    Kind.WAIT: _wait,
    Kind.WAITING: _waiting,
    Kind.STEP: _step,
    Kind.SERVICE_LEVEL: _service_level,
    Kind.NOBODY_READY: _nobody_ready,
    Kind.CASE_DUE: _case_due,
    Kind.CASE_OVERDUE: _case_overdue,
    Kind.UNWELL: _unwell,
    Kind.STANDSTILL: _standstill,
}
