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
Acts of the desk (`ivr.events.markers.DECLARED`), all evidence `declared`:
- form_opened ends receive, also where the officer's part was over by then;
- informed ends inform, unless the officer asked an agency or another officer took over after it;
- enquire_begin … enquire_end is an enquire like a consultation, and no part of inform; where the
  same officer consulted by telephone meanwhile, the telephone's timing is the one that counts;
- logged ends log: by the officer whose part ended last, or by somebody who has no part in the call.
  Saved before the part ended, it took no time.
An outbound call owes nobody an answer: once answered it has a log, and nothing else.
A transfer or consultation whose target is no agency of the configuration (an officer, a queue, a
conference room) makes no step.
"""

from __future__ import annotations

from dataclasses import dataclass

from ivr.calls.call import (
    OUTBOUND,
    AgentPart,
    AttemptOutcome,
    Call,
    Consultation,
    ConsultationOutcome,
    Evidence,
    Micros,
    Role,
)
from ivr.calls.directory import Directory
from ivr.steps.stages import DEFAULT_SERVICE, Stage, stages_of
from ivr.steps.standards import Service, Standards
from ivr.steps.timing import StepTiming
from ivr.steps.verdict import verdict

_BETWEEN_ACTS = frozenset({"receive", "log", "enquire"})
"""Steps that end (an enquiry of the desk: begin, too) with an act, whatever was not heard."""

_ORDER = {"greet": 0, "receive": 1, "inform": 1, "enquire": 2, "transfer": 3, "log": 4}


@dataclass(frozen=True, slots=True)
class _Enquiry:
    """An agency asked by other means than the hotline's telephone."""

    by: str | None
    started_at: Micros
    ended_at: Micros | None
    told: bool
    """The officer said that it was over; else something else shows that it was."""


def timeline(call: Call, directory: Directory, standards: Standards) -> list[StepTiming]:
    """The step timings of a call, stage by stage, in order of start; empty before any queue."""
    if not call.passages and not call.agents:
        return []
    services = standards.on(call.entered_at).services
    found: list[StepTiming] = []
    for stage in stages_of(call, directory):
        service = services.get(stage.service) or services[DEFAULT_SERVICE]
        clock = _Clock(call, stage, service)
        steps = clock.after_call() if call.direction == OUTBOUND else clock.steps()
        found += sorted(steps, key=lambda s: (s.started_at, _ORDER.get(s.step, 9)))
    return found


class _Clock:
    """Times the steps of one stage."""

    def __init__(self, call: Call, stage: Stage, service: Service) -> None:
        self.call = call
        self.stage = stage
        self.service = service
        self.enquiries = self._enquiries() if "enquire" in service.steps else []

    def steps(self) -> list[StepTiming]:
        greet_end = self._greet_end()
        found = [self._greet(greet_end)]
        if greet_end is not None:
            if "receive" in self.service.steps:
                found.append(self._receive(greet_end))
            if "inform" in self.service.steps:
                found.append(self._inform(greet_end))
        if "enquire" in self.service.steps:
            found += [
                self._timing("enquire", c.started_at, self._back_at(c))
                for c in self.stage.consultations
            ]
            found += [self._enquire(e) for e in self.enquiries]
        if "transfer" in self.service.steps:
            found += [
                self._timing("transfer", t.asked_at, t.answered_at or t.ended_at)
                for t in self.stage.transfers
            ]
        return found + self.after_call()

    def after_call(self) -> list[StepTiming]:
        """The log, once the officers' part is over."""
        last = self.stage.last_part
        if "log" not in self.service.steps or last is None or last.released_at is None:
            return []
        released = last.released_at
        parties = {part.agent for part in self.call.agents}
        # not within the stage alone: one record may be of all that an officer did in the call
        saved = [
            mark.at
            for mark in self.call.marks
            if mark.name == "logged"
            and mark.at >= self.stage.started_at
            and (mark.by == last.agent or mark.by not in parties)
        ]
        if not saved:
            return [self._timing("log", released, None)]
        return [self._timing("log", released, max(released, min(saved)), declared=True)]

    def _receive(self, start: Micros) -> StepTiming:
        opened = self.stage.acts(self.call, "form_opened")
        if not opened:
            return self._timing("receive", start, None)
        return self._timing("receive", start, max(start, opened[0].at), declared=True)

    def _enquiries(self) -> list[_Enquiry]:
        """The declared ones, each until its officer has the answer or is no longer asking."""
        begun: dict[str | None, Micros] = {}
        found: list[_Enquiry] = []
        for act in self.stage.acts(self.call, "enquire_begin", "enquire_end"):
            start = begun.pop(act.by, None)
            if start is not None:
                found.append(_Enquiry(act.by, start, act.at, act.name == "enquire_end"))
            if act.name == "enquire_begin":
                begun[act.by] = act.at
        for by, start in begun.items():
            # asked while with the caller: it is given up with the caller at the latest
            part = self._part_at(by, start)
            found.append(_Enquiry(by, start, part.released_at if part else None, told=False))
        return sorted(
            (e for e in found if not self._by_telephone(e)),
            key=lambda e: (e.started_at, e.by or ""),
        )

    def _part_at(self, by: str | None, at: Micros) -> AgentPart | None:
        for part in self.stage.parts:
            if part.agent == by and part.connected_at <= at and (
                part.released_at is None or at <= part.released_at
            ):  # fmt: skip
                return part
        return None

    def _by_telephone(self, enquiry: _Enquiry) -> bool:
        return any(
            c.by == enquiry.by
            and (enquiry.ended_at is None or c.started_at <= enquiry.ended_at)
            and ((back := self._back_at(c)) is None or back >= enquiry.started_at)
            for c in self.stage.consultations
        )

    def _enquire(self, enquiry: _Enquiry) -> StepTiming:
        return self._timing(
            "enquire", enquiry.started_at, enquiry.ended_at,
            declared=True, inferred=enquiry.ended_at is not None and not enquiry.told,
        )  # fmt: skip

    def _informed_at(self, start: Micros) -> Micros | None:
        """When the officer had said all there was to say: nothing was asked and nobody came after.

        An act after the officer's part is none: the part's own end is known better.
        """
        acts = [m.at for m in self.stage.acts(self.call, "informed") if m.at >= start]
        later = [
            *(c.started_at for c in self.stage.consultations),
            *(e.started_at for e in self.enquiries),
            *(p.connected_at for p in self.stage.parts),
        ]
        released = self._released_at()
        for at in acts:
            if not any(at < x for x in later) and (released is None or at < released):
                return at
        return None

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
            for asked, back, for_good in self._absences(part):
                if not spans or asked > begin:
                    spans.append((begin, max(begin, asked)))
                if back is None or for_good:
                    left = True
                    break
                begin = back
            if not left and (part.released_at is None or part.released_at > begin):
                spans.append((begin, part.released_at))
        if not spans:
            spans.append((start, self._released_at()))
        end = None if self._released_at() is None else spans[-1][1]
        informed = self._informed_at(start)
        if informed is not None:
            spans = [(a, informed if b is None else min(b, informed)) for a, b in spans]
            spans = [(a, b) for a, b in spans if a <= (b or a)]
            end = informed
        elapsed = sum(b - a for a, b in spans if b is not None) if end is not None else None
        acted = informed is not None or bool(self.enquiries)
        return self._timing("inform", start, end, elapsed=elapsed, declared=acted)

    def _absences(self, part: AgentPart) -> list[tuple[Micros, Micros | None, bool]]:
        """When this officer asked an agency in this part: from, until, and whether for good."""
        asked = [
            (c.started_at, self._back_at(c), c.outcome is ConsultationOutcome.COMPLETED)
            for c in self.stage.consultations
            if c.by == part.agent
        ]
        asked += [(e.started_at, e.ended_at, False) for e in self.enquiries if e.by == part.agent]
        return sorted(
            (a for a in asked if part.connected_at <= a[0] and (
                part.released_at is None or a[0] <= part.released_at)),
            key=lambda a: a[0],
        )  # fmt: skip

    def _timing(
        self, step: str, start: Micros, end: Micros | None, *, elapsed: Micros | None = None,
        parts: dict[str, Micros] | None = None, gone_at: Micros | None = None,
        declared: bool = False, inferred: bool = False,
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
            self._evidence(step, start, end, declared=declared, inferred=inferred),
            parts or {}, elapsed,
        )  # fmt: skip

    def _evidence(
        self, step: str, start: Micros, end: Micros | None, *, declared: bool, inferred: bool
    ) -> Evidence:
        if declared and step in _BETWEEN_ACTS:
            if step == "enquire":  # both ends are the officer's own word
                return Evidence.INFERRED if inferred else Evidence.DECLARED
            end = start  # the act is no telephone event: only the beginning can have been missed
        for gap in self.call.gaps:
            if gap.filled_by is None and (end is None or gap.started_at <= end) and (
                gap.ended_at is None or gap.ended_at >= start
            ):  # fmt: skip
                return Evidence.UNKNOWN
        if self.call.times_inferred:
            return Evidence.INFERRED
        return Evidence.DECLARED if declared else Evidence.OBSERVED
