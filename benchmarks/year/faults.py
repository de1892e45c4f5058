"""What was not heard of a call: a node that stopped, a link that was cut, a missing time."""

from __future__ import annotations

from bisect import bisect_left
from random import Random
from typing import Final

from benchmarks.year.shape import Day
from benchmarks.year.spans import HOUR, SECOND
from crm_bridge.cases.working_days import start_of
from ivr.calls.call import Call, EndedBy, Gap, Micros, Outcome

_STOPS: Final = 6
"""Times a year that the node stops in office hours, with whoever is on it."""
_DOWN: Final = 45 * SECOND
_ALONE: Final = 40
"""Calls a year that are interrupted for themselves alone."""
_GAP: Final = 1 / 300
_INFERRED: Final = 1 / 400


class Faults:
    """The faults of a year, and what they do to its calls."""

    def __init__(self, seed: int, count: int, days: tuple[Day, ...]) -> None:
        rng = Random(f"faults/{seed}")
        working = [day.day for day in days if day.working]
        self._stops = sorted(
            start_of(day) + int(rng.uniform(9, 16) * HOUR)
            for day in rng.sample(working, min(_STOPS, len(working)))
        )
        self._alone = min(1 / 800, _ALONE / max(1, count))

    def after_stop(self, at: Micros) -> Micros:
        """When a call that wanted to come in at `at` can: later only while the node is down."""
        n = bisect_left(self._stops, at) - 1
        if n >= 0 and at < self._stops[n] + _DOWN:
            return self._stops[n] + _DOWN + (at - self._stops[n]) // 10
        return at

    def strike(self, call: Call, random: Random) -> None:
        """Takes from a closed call what was not heard of it: from most nothing."""
        end = call.ended_at
        if end is None:
            return
        stop = self._stop_within(call.entered_at, end)
        if stop is not None:
            cut(call, stop, stop + _DOWN, EndedBy.SYSTEM, Outcome.INTERRUPTED)
            return
        roll = random.random()
        if roll >= self._alone + _GAP + _INFERRED:
            return
        if roll < _INFERRED:
            call.times_inferred = True
            return
        begun = call.answered_at or call.entered_at
        at = begun + 1 + int(random.random() * max(1, end - begun - 1))
        length = int(random.uniform(0.4, 15) * SECOND)
        if roll < _INFERRED + self._alone:
            cut(call, at, at + _DOWN, EndedBy.SYSTEM, Outcome.INTERRUPTED)
        elif random.random() < 0.25:
            spoken = any(p.connected_at < at for p in call.agents) or any(
                a.connected_at < at for a in call.agency_legs
            )
            outcome = Outcome.SERVED if spoken else Outcome.UNKNOWN
            cut(call, at, max(end, at) + length, EndedBy.UNKNOWN, outcome)
        else:
            filled = "cel" if random.random() < 0.3 else None
            call.gaps.append(Gap(at, min(at + length, end), filled))

    def _stop_within(self, begun: Micros, end: Micros) -> Micros | None:
        n = bisect_left(self._stops, begun)
        return self._stops[n] if n < len(self._stops) and self._stops[n] < end else None


def cut(call: Call, gone: Micros, back: Micros, by: EndedBy, outcome: Outcome) -> None:
    """Nothing more was heard of this call after `gone`; the node was heard again at `back`.

    What began later is not on the record, what ended later has no end there.
    """
    call.menu = [m for m in call.menu if m.at < gone]
    call.marks = [m for m in call.marks if m.at < gone]
    call.passages = [p for p in call.passages if p.joined_at < gone]
    for passage in call.passages:
        passage.attempts = [a for a in passage.attempts if a.rang_at < gone]
        for attempt in passage.attempts:
            if attempt.ended_at is not None and attempt.ended_at >= gone:
                attempt.ended_at = attempt.outcome = None
        if passage.left_at is not None and passage.left_at >= gone:
            passage.left_at = passage.outcome = None
    call.agents = [p for p in call.agents if p.connected_at < gone]
    for part in call.agents:
        part.released_at = _before(part.released_at, gone)
    call.holds = [h for h in call.holds if h.started_at < gone]
    for hold in call.holds:
        hold.ended_at = _before(hold.ended_at, gone)
    call.consultations = [c for c in call.consultations if c.started_at < gone]
    for consultation in call.consultations:
        consultation.answered_at = _before(consultation.answered_at, gone)
        consultation.ended_at = _before(consultation.ended_at, gone)
        if consultation.ended_at is None:
            consultation.outcome = None
    call.transfers = [t for t in call.transfers if t.asked_at < gone]
    for transfer in call.transfers:
        transfer.answered_at = _before(transfer.answered_at, gone)
        transfer.ended_at = _before(transfer.ended_at, gone)
        if transfer.ended_at is None:
            transfer.outcome = None
    call.agency_legs = [a for a in call.agency_legs if a.connected_at < gone]
    for agency in call.agency_legs:
        agency.released_at = _before(agency.released_at, gone)
    call.legs = [x for x in call.legs if x.started_at < gone]
    for leg in call.legs:
        leg.answered_at = _before(leg.answered_at, gone)
        leg.ended_at = _before(leg.ended_at, gone)
        if leg.ended_at is None:
            leg.cause = None
    call.answered_at = _before(call.answered_at, gone)
    channels = {leg.uniqueid for leg in call.legs}
    call.linkedids = [linkedid for linkedid in call.linkedids if linkedid in channels]
    if not any(mark.name == "service" for mark in call.marks):
        call.service = None
    call.gaps.append(Gap(gone, back))
    call.ended_at, call.ended_by, call.outcome, call.closed = None, by, outcome, True


def _before(at: Micros | None, gone: Micros) -> Micros | None:
    return None if at is None or at >= gone else at
