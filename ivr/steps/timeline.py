"""A call's service steps, timed from its record alone.

The rules (the published standards' "how a step is timed"):
- a *stage* is one time 1203 owes an answer: it begins when the caller joins a queue and takes in
  further queues until an officer has answered; joining a queue after that begins the next stage;
- greet: joining → the greeting marker, else the answer itself;
- inform: greet's end → the officer leaves for an agency, or the officer's part ends; it goes on
  when the officer comes back, so its elapsed time is the sum of its spans;
- enquire: one for each consultation of an agency, until the officer is back or hands over;
- transfer: one for each transfer to an agency, asked → answered, or failed and the caller back;
- receive (complaint): greet's end → the form is opened, an act the telephone does not show;
- log: the officer's part ends → the record is saved, likewise an act.
A transfer or consultation whose target is no agency of the configuration (an officer, a queue, a
conference room) makes no step.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ivr.calls.call import (
    AgentPart,
    AttemptOutcome,
    Call,
    Consultation,
    ConsultationOutcome,
    Evidence,
    Micros,
    QueuePassage,
    Role,
    Transfer,
)
from ivr.calls.directory import Directory
from ivr.steps.standards import Service, Standards
from ivr.steps.timing import StepTiming
from ivr.steps.verdict import verdict

_DEFAULT_SERVICE = "information"
"""The call centre's own service, for a queue that the configuration does not name."""

_ORDER = {"greet": 0, "receive": 1, "inform": 1, "enquire": 2, "transfer": 3, "log": 4}


@dataclass(slots=True)
class _Stage:
    """One time 1203 owes an answer, and who gave it."""

    started_at: Micros
    service: str
    passages: list[QueuePassage] = field(default_factory=list)
    parts: list[AgentPart] = field(default_factory=list)
    consultations: list[Consultation] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    until: Micros | None = None


def timeline(call: Call, directory: Directory, standards: Standards) -> list[StepTiming]:
    """The step timings of a call, stage by stage, in order of start; empty before any queue."""
    if not call.passages and not call.agents:
        return []
    services = standards.on(call.entered_at).services
    found: list[StepTiming] = []
    for stage in _stages(call, directory):
        service = services.get(stage.service) or services[_DEFAULT_SERVICE]
        steps = _Clock(call, stage, service).steps()
        found += sorted(steps, key=lambda s: (s.started_at, _ORDER.get(s.step, 9)))
    return found


def _stages(call: Call, directory: Directory) -> list[_Stage]:
    stages: list[_Stage] = []
    for passage in call.passages:
        service = directory.service(passage.queue) or call.service or _DEFAULT_SERVICE
        last = stages[-1] if stages else None
        if last is not None and not _answered_between(call, last, passage.joined_at):
            last.service = service
        else:
            if last is not None:
                last.until = passage.joined_at
            last = _Stage(passage.joined_at, service)
            stages.append(last)
        last.passages.append(passage)
    if not stages or (call.agents and call.agents[0].connected_at < stages[0].started_at):
        # An officer answered without a queue: the answer was owed from the moment of entering.
        first = _Stage(call.entered_at, call.service or _DEFAULT_SERVICE)
        first.until = stages[0].started_at if stages else None
        stages.insert(0, first)
    for part in call.agents:
        _stage_at(stages, part.connected_at).parts.append(part)
    for consultation in call.consultations:
        if _with_agency(directory, consultation.target, consultation.agency):
            _stage_at(stages, consultation.started_at).consultations.append(consultation)
    for transfer in call.transfers:
        if _with_agency(directory, transfer.target, transfer.agency) and not _into_queue(
            call, transfer
        ):
            _stage_at(stages, transfer.asked_at).transfers.append(transfer)
    return stages


def _answered_between(call: Call, stage: _Stage, before: Micros) -> bool:
    return any(stage.started_at <= p.connected_at < before for p in call.agents)


def _stage_at(stages: list[_Stage], at: Micros) -> _Stage:
    for stage in reversed(stages):
        if stage.started_at <= at:
            return stage
    return stages[0]


def _with_agency(directory: Directory, target: str, agency: str | None) -> bool:
    if agency is not None or directory.agencies:
        return agency is not None
    # No agencies are configured: whoever is neither an officer nor a queue is taken for one.
    return not (directory.is_agent_number(target) or directory.service(target) is not None)


def _into_queue(call: Call, transfer: Transfer) -> bool:
    """The transfer's target was a queue: the caller joined one before the transfer was over."""
    return transfer.agency is None and any(transfer.led_to(p.joined_at) for p in call.passages)


class _Clock:
    """Times the steps of one stage."""

    def __init__(self, call: Call, stage: _Stage, service: Service) -> None:
        self.call = call
        self.stage = stage
        self.service = service

    def steps(self) -> list[StepTiming]:
        greet_end = self._greet_end()
        found = [self._greet(greet_end)]
        if greet_end is not None:
            if "receive" in self.service.steps:
                found.append(self._timing("receive", greet_end, None))
            if "inform" in self.service.steps:
                found.append(self._inform(greet_end))
        if "enquire" in self.service.steps:
            found += [
                self._timing("enquire", c.started_at, self._back_at(c))
                for c in self.stage.consultations
            ]
        if "transfer" in self.service.steps:
            found += [
                self._timing("transfer", t.asked_at, t.answered_at or t.ended_at)
                for t in self.stage.transfers
            ]
        if "log" in self.service.steps and (released := self._released_at()) is not None:
            found.append(self._timing("log", released, None))
        return found

    def _greet_end(self) -> Micros | None:
        if not self.stage.parts:
            return None
        first = self.stage.parts[0]
        answer = self._answer(first)
        for mark in self.call.marks:
            if mark.name == "greeting_end" and mark.at >= answer:
                return mark.at if first.released_at is None else min(mark.at, first.released_at)
        return answer

    def _answer(self, part: AgentPart) -> Micros:
        for passage in self.stage.passages:
            for attempt in passage.attempts:
                if (
                    attempt.outcome is AttemptOutcome.ANSWERED
                    and attempt.agent == part.agent
                    and attempt.ended_at is not None
                    and attempt.ended_at <= part.connected_at
                ):
                    return attempt.ended_at
        # Picked up, fetched or dialled without a queue: the officer's own telephone tells.
        for leg in reversed(self.call.legs):
            if (
                leg.role is Role.AGENT
                and leg.party == part.agent
                and leg.answered_at is not None
                and self.stage.started_at <= leg.answered_at <= part.connected_at
            ):
                return leg.answered_at
        return part.connected_at

    def _greet(self, end: Micros | None) -> StepTiming:
        start = self.stage.started_at
        parts: dict[str, Micros] = {}
        if end is not None:
            first = self.stage.parts[0]
            answer = self._answer(first)
            rang = next(
                (
                    a.rang_at
                    for p in self.stage.passages
                    for a in p.attempts
                    if a.outcome is AttemptOutcome.ANSWERED and a.agent == first.agent
                ),
                answer,
            )
            parts = {"waiting": rang - start, "ringing": answer - rang, "greeting": end - answer}
        return self._timing("greet", start, end, parts=parts, gone_at=self._gone_at())

    def _gone_at(self) -> Micros | None:
        """When an unanswered caller was gone from this stage."""
        return self.stage.until or self.call.ended_at

    def _released_at(self) -> Micros | None:
        ends = [p.released_at for p in self.stage.parts]
        if not ends or any(end is None for end in ends):
            return None
        return max(end for end in ends if end is not None)

    def _back_at(self, consultation: Consultation) -> Micros | None:
        """When the officer is with the caller again, asks elsewhere, or has lost the caller.

        With the caller is off hold, where the caller was on hold.
        """
        end = consultation.ended_at
        if consultation.outcome is ConsultationOutcome.COMPLETED:
            return end
        again = [
            c.started_at
            for c in self.stage.consultations
            if c.by == consultation.by and c.started_at > consultation.started_at
        ]
        ends = [self._off_hold(consultation.by, end), *again[:1], self.call.ended_at]
        return min((at for at in ends if at is not None), default=None)

    def _off_hold(self, by: str, at: Micros | None) -> Micros | None:
        """The first time not before `at` when this officer does not hold the caller."""
        if at is None:
            return None
        for hold in self.call.holds:
            if hold.by == by and hold.started_at <= at:
                if hold.ended_at is None:
                    return None
                if hold.ended_at > at:
                    return hold.ended_at
        return at

    def _inform(self, start: Micros) -> StepTiming:
        spans: list[tuple[Micros, Micros | None]] = []
        for part in self.stage.parts:
            # The first span begins where greet ends, a moment before the two are joined.
            begin = start if part is self.stage.parts[0] else part.connected_at
            left = False
            for consultation in self.stage.consultations:
                if consultation.by != part.agent or not (
                    part.connected_at <= consultation.started_at
                    and (part.released_at is None or consultation.started_at <= part.released_at)
                ):
                    continue
                if not spans or consultation.started_at > begin:
                    spans.append((begin, max(begin, consultation.started_at)))
                back = self._back_at(consultation)
                if back is None or consultation.outcome is ConsultationOutcome.COMPLETED:
                    left = True
                    break
                begin = back
            if not left and (part.released_at is None or part.released_at > begin):
                spans.append((begin, part.released_at))
        if not spans:
            spans.append((start, self._released_at()))
        end = None if self._released_at() is None else spans[-1][1]
        elapsed = sum(b - a for a, b in spans if b is not None) if end is not None else None
        return self._timing("inform", start, end, elapsed=elapsed)

    def _timing(
        self, step: str, start: Micros, end: Micros | None, *, elapsed: Micros | None = None,
        parts: dict[str, Micros] | None = None, gone_at: Micros | None = None,
    ) -> StepTiming:  # fmt: skip
        standard = self.service.steps[step].seconds
        if end is not None:
            elapsed = end - start if elapsed is None else elapsed
        state = verdict(elapsed, standard, ended=end is not None)
        if end is None and gone_at is not None:
            # The caller gave up: over if the standard had been missed by then, else never ended.
            state = verdict(gone_at - start, standard, ended=False)
            elapsed = gone_at - start if state == "over" else None
        return StepTiming(
            step, self.service.service, start, end, standard, state,
            self._evidence(start, end), parts or {}, elapsed,
        )  # fmt: skip

    def _evidence(self, start: Micros, end: Micros | None) -> Evidence:
        for gap in self.call.gaps:
            if gap.filled_by is None and (end is None or gap.started_at <= end) and (
                gap.ended_at is None or gap.ended_at >= start
            ):  # fmt: skip
                return Evidence.UNKNOWN
        return Evidence.INFERRED if self.call.times_inferred else Evidence.OBSERVED
