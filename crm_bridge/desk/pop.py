"""A call as one officer's screen shows it: made from the record alone, whole, comparable.

`stage_of` says where an officer stands in a call, `view_of` everything the screen says of it. Both
are pure; the board publishes a view whenever it is another than before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crm_bridge.cases.case_steps import CaseStep
from crm_bridge.delivery.findings import Finding
from crm_bridge.desk.card import Card
from crm_bridge.desk.recorded import Recorded, recording_of
from crm_bridge.records.callers import normalise
from ivr.calls.call import OUTBOUND, AttemptOutcome, Call, Evidence, Micros, Role, TransferKind
from ivr.calls.supervising import supervisions
from ivr.steps.standards import Service, Standards
from ivr.steps.timing import StepTiming


class Stage(StrEnum):
    """Where an officer stands in a call."""

    RINGING = "ringing"
    ANSWERING = "answering"
    """Picked up; the line still greets for the officer."""
    DIALLING = "dialling"
    """The officer's own call out rings."""
    TALKING = "talking"
    HELD = "held"
    CONSULTING = "consulting"
    TRANSFERRING = "transferring"
    CONSULTED = "consulted"
    """Asked by another officer, who has the caller on hold."""
    WRAPUP = "wrapup"
    """The officer's part is over, the record is not saved."""
    GONE = "gone"


LIVE: Final = frozenset(
    {Stage.ANSWERING, Stage.DIALLING, Stage.TALKING, Stage.HELD, Stage.CONSULTING,
     Stage.TRANSFERRING, Stage.CONSULTED}
)  # fmt: skip
"""The officer is on the telephone in this call."""


_SAME_RING: Final = 1_500_000
"""A channel born this long (µs) before a queue rings its officer, at the most, is that ringing."""


class Why(StrEnum):
    """Why a call is gone from an officer's screen."""

    ELSEWHERE = "elsewhere"
    """Another officer has it."""
    CALLER = "caller"
    """The caller hung up."""
    MISSED = "missed"
    """It rang out, or was rejected."""
    DONE = "done"
    """The record is saved."""


@dataclass(frozen=True, slots=True)
class StepView:
    """One published step as the bar shows it.

    `since` is set while it runs: the used time is now less `since`, plus `spent` seconds. Without
    it `spent` is what it took, or has taken while it rests; `None`: it has not begun.
    """

    step: str
    th: str
    en: str
    standard: int
    state: str
    """`coming`, `open`, `rests`, `within`, `over`."""
    since: Micros | None = None
    spent: float | None = None
    evidence: str = ""
    times: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """Who is spoken to, or waited for, while the caller waits."""

    target: str
    agency: str | None
    started_at: Micros
    answered_at: Micros | None
    kind: str
    """`consult`, `blind` or `attended`."""


@dataclass(frozen=True, slots=True)
class CallView:
    """Everything one officer's screen says of one call; the same view is the same screen."""

    call_id: str
    agent: str
    stage: Stage
    direction: str
    presented: str | None
    e164: str | None
    name: str | None
    withheld: bool
    dialled: str
    language: str | None
    service: str
    service_th: str
    service_en: str
    menu: tuple[tuple[str, str], ...]
    queue: str | None
    position: int | None
    waiting_since: Micros
    rang_at: Micros | None
    answered_at: Micros | None
    released_at: Micros | None
    steps: tuple[StepView, ...] = ()
    other: Held | None = None
    held_since: Micros | None = None
    others: tuple[str, ...] = ()
    """Officers and agencies in the conversation besides this officer."""
    failed: tuple[str, str] | None = None
    """The last transfer or consultation that reached nobody: target and how it came out."""
    supervised: tuple[tuple[str, str], ...] = ()
    """Supervisors who are at this officer's call now: the way, their number."""
    recorded: Recorded | None = None
    """The call is recorded; None where it is not."""
    gap: bool = False
    """Something was not heard while this call was up."""
    priority: str = ""
    """Why the caller was put before others, or after them: a kind of `caller_rules`; else empty."""
    card: Card | None = None
    found: tuple[Finding, ...] = ()
    """What other CRMs say of the caller; of one that still has time to answer, nothing."""
    why: Why | None = None

    @property
    def level(self) -> str | None:
        """How far the caller is known; `None` while the look-up is under way."""
        if self.withheld:
            return "withheld"
        return self.card.level if self.card is not None else None


def concerned(call: Call) -> set[str]:
    """Officers who may have something of this call on their screen."""
    found = {part.agent for part in call.agents}
    for passage in call.passages:
        found.update(attempt.agent for attempt in passage.attempts)
    found.update(leg.party for leg in call.legs if leg.role is Role.AGENT and leg.party)
    return found


def stage_of(call: Call, agent: str) -> tuple[Stage, Why | None]:
    """Where this officer stands in the call, and why it is gone where it is."""
    over = call.closed or call.outcome is not None or call.ended_at is not None
    parts = [part for part in call.agents if part.agent == agent]
    if not over:
        if any(part.released_at is None for part in parts):
            return _in_conversation(call, agent), None
        attempts = [a for p in call.passages for a in p.attempts if a.agent == agent]
        if any(a.outcome is None and a.ended_at is None for a in attempts):
            return Stage.RINGING, None
        # picked up: whoever picked up has the caller when the line has greeted
        up = [a.rang_at for a in attempts if a.outcome in {None, AttemptOutcome.ANSWERED}]
        if up and not any(p.connected_at >= up[-1] for p in parts):
            out = call.direction == OUTBOUND  # he kept his place, and is rung now
            return Stage.DIALLING if out else Stage.ANSWERING, None
        if (beside := _beside(call, agent)) is not None:
            return beside, None
    if parts:
        return (Stage.GONE, Why.DONE) if is_logged(call, agent) else (Stage.WRAPUP, None)
    return Stage.GONE, _why_gone(call, agent)


def _in_conversation(call: Call, agent: str) -> Stage:
    if any(c.by == agent and c.ended_at is None for c in call.consultations):
        return Stage.CONSULTING
    if any(
        t.by == agent and t.ended_at is None and t.answered_at is None and t.outcome is None
        for t in call.transfers
    ):
        return Stage.TRANSFERRING
    if any(h.by == agent and h.ended_at is None for h in call.holds):
        return Stage.HELD
    return Stage.TALKING


def _beside(call: Call, agent: str) -> Stage | None:
    """The officer's telephone is in this call, but not with the caller."""
    parts = [part for part in call.agents if part.agent == agent]
    legs = [
        leg
        for leg in call.legs
        if leg.role is Role.AGENT
        and leg.party == agent
        and leg.ended_at is None
        # begun while with the caller: the officer's own call to somebody else
        and not any(
            p.connected_at <= leg.started_at
            and (p.released_at is None or leg.started_at < p.released_at)
            for p in parts
        )
    ]
    if not legs:
        return None
    if call.direction == OUTBOUND:
        return None if parts else Stage.DIALLING
    if any(leg.answered_at is None for leg in legs):
        # a queue says itself whom it rings, and until when; a channel alone may be one nobody hears
        queued = any(p.left_at is None and p.outcome is None for p in call.passages)
        rung = [a for p in call.passages for a in p.attempts if a.agent == agent]
        direct = any(
            leg.answered_at is None
            and not any(
                a.rang_at - _SAME_RING <= leg.started_at
                and (a.ended_at is None or leg.started_at <= a.ended_at)
                for a in rung
            )
            for leg in legs
        )
        return Stage.RINGING if direct and not queued else None
    if any(c.target == agent and c.ended_at is None for c in call.consultations):
        return Stage.CONSULTED
    answered = max(leg.answered_at or 0 for leg in legs)
    return None if any(p.connected_at >= answered for p in parts) else Stage.ANSWERING


def _why_gone(call: Call, agent: str) -> Why:
    last = None
    for passage in call.passages:
        for attempt in passage.attempts:
            if attempt.agent == agent:
                last = attempt
    if last is not None and last.outcome in {
        AttemptOutcome.NO_ANSWER, AttemptOutcome.REJECTED, AttemptOutcome.BUSY,
        AttemptOutcome.UNAVAILABLE,
    }:  # fmt: skip
        return Why.MISSED
    since = last.rang_at if last is not None else call.entered_at
    if any(p.agent != agent and p.connected_at >= since for p in call.agents):
        return Why.ELSEWHERE
    others = (a for p in call.passages for a in p.attempts if a.agent != agent)
    if any(a.outcome is AttemptOutcome.ANSWERED and a.rang_at >= since for a in others):
        return Why.ELSEWHERE
    return Why.CALLER if call.ended_at is not None else Why.MISSED


def is_logged(call: Call, agent: str) -> bool:
    """The officer has saved the record since leaving the caller last."""
    ends = [p.released_at for p in call.agents if p.agent == agent]
    if not ends or ends[-1] is None:
        return False
    last = max(p.connected_at for p in call.agents if p.agent == agent)
    return any(m.name == "logged" and m.by == agent and m.at >= last for m in call.marks)


def view_of(
    call: Call,
    agent: str,
    timings: list[StepTiming],
    standards: Standards,
    card: Card | None,
    found: tuple[Finding, ...] = (),
) -> CallView:
    """The call as this officer's screen shows it now."""
    stage, why = stage_of(call, agent)
    services = standards.on(call.entered_at).services
    name = timings[-1].service if timings else call.service or "information"
    service = services.get(name) or services["information"]
    number = normalise(call.caller_presented)
    passage = call.passages[-1] if call.passages else None
    attempts = [a for p in call.passages for a in p.attempts if a.agent == agent]
    parts = [p for p in call.agents if p.agent == agent]
    greets = [t.started_at for t in timings if t.step == "greet"]
    return CallView(
        call_id=call.call_id,
        agent=agent,
        stage=stage,
        direction=call.direction,
        presented=call.caller_presented,
        e164=None if call.withheld else number.e164,
        name=call.caller_name,
        withheld=call.withheld or number.withheld,
        dialled=call.dialled,
        language=call.language,
        service=name,
        service_th=service.name_th,
        service_en=service.name_en,
        menu=tuple((choice.menu, choice.key) for choice in call.menu[-6:]),
        queue=passage.queue if passage else None,
        position=passage.position if passage else None,
        waiting_since=greets[-1] if greets else call.entered_at,
        rang_at=attempts[-1].rang_at if attempts else None,
        answered_at=parts[-1].connected_at if parts else None,
        released_at=parts[-1].released_at if parts else None,
        steps=steps_of(service, timings, card.made[-1].steps if card and card.made else ()),
        other=_other(call, agent, stage),
        held_since=_held_since(call, agent),
        others=_others(call, agent),
        failed=_failed(call, agent),
        supervised=tuple(
            (one.way, one.by)
            for one in supervisions(call)
            if stage in LIVE and one.until is None and one.agent in ("", agent)
        ),
        recorded=recording_of(call),
        gap=any(gap.filled_by is None for gap in call.gaps),
        priority=next(
            (
                m.value.partition(":")[2].partition(":")[0]
                for m in reversed(call.marks)
                if m.name == "priority"
            ),
            "",
        ),
        card=card,
        found=found,
        why=why,
    )


def steps_of(
    service: Service, timings: list[StepTiming], of_case: Sequence[CaseStep] = ()
) -> tuple[StepView, ...]:
    """The service's steps of seconds in the guideline's order, with what the last stage took.

    `of_case`: the steps that stay with the case that was recorded in the call.
    """
    begun = [n for n, t in enumerate(timings) if t.step == "greet"]
    stage = timings[begun[-1] :] if begun else timings
    cases = {timing.step: timing for timing in of_case}
    return tuple(
        _case_step(step.step, step.th, step.en, step.seconds, cases[step.step])
        if step.step in cases
        else _step(step.step, step.th, step.en, step.seconds, stage)
        for step in service.steps.values()
        if step.seconds is not None
    )


def with_case(steps: tuple[StepView, ...], card: Card) -> tuple[StepView, ...]:
    """The steps of a call that is over, those of its case as the card has them."""
    found = {t.step: t for t in card.made[-1].steps} if card.made else {}
    return tuple(
        _case_step(s.step, s.th, s.en, s.standard, found[s.step]) if s.step in found else s
        for s in steps
    )


def _case_step(name: str, th: str, en: str, standard: int, timing: CaseStep) -> StepView:
    evidence = timing.evidence.value
    if timing.started_us is None:
        return StepView(name, th, en, standard, "coming", None, None, evidence)
    if timing.ended_us is None:
        return StepView(name, th, en, standard, "open", timing.started_us, 0.0, evidence, 1)
    seconds = (timing.ended_us - timing.started_us) / 1_000_000
    state = timing.state(timing.ended_us)
    return StepView(name, th, en, standard, state, None, seconds, evidence, 1)


def _step(name: str, th: str, en: str, standard: int, stage: list[StepTiming]) -> StepView:
    found = [t for t in stage if t.step == name]
    if not found:
        return StepView(name, th, en, standard, "coming")
    last = found[-1]
    evidence = last.evidence.value
    if last.ended_at is not None:
        seconds = (last.elapsed or 0) / 1_000_000
        state = "over" if any(t.state == "over" for t in found) else last.state
        return StepView(name, th, en, standard, state, None, seconds, evidence, len(found))
    if last.elapsed is not None and last.state == "over":
        # never ended, but nothing that could still happen mends it: the caller is gone
        spent = last.elapsed / 1_000_000
        return StepView(name, th, en, standard, "over", None, spent, evidence, len(found))
    if name != "inform":
        return StepView(name, th, en, standard, "open", last.started_at, 0.0, evidence, len(found))
    # the officer was away asking: that time is the enquiry's, not this step's
    away = 0
    for asked in (t for t in stage if t.step == "enquire" and t.started_at >= last.started_at):
        if asked.ended_at is None:
            spent = max(0, asked.started_at - last.started_at - away) / 1_000_000
            return StepView(name, th, en, standard, "rests", None, spent, evidence, len(found))
        away += asked.ended_at - asked.started_at
    since = last.started_at + away
    return StepView(name, th, en, standard, "open", since, 0.0, evidence, len(found))


def _other(call: Call, agent: str, stage: Stage) -> Held | None:
    if stage is Stage.CONSULTING:
        open_ = [c for c in call.consultations if c.by == agent and c.ended_at is None]
        c = open_[-1]
        return Held(c.target, c.agency, c.started_at, c.answered_at, "consult")
    if stage is Stage.TRANSFERRING:
        asked = [t for t in call.transfers if t.by == agent and t.ended_at is None]
        t = asked[-1]
        kind = "blind" if t.kind is TransferKind.BLIND else "attended"
        return Held(t.target, t.agency, t.asked_at, t.answered_at, kind)
    if stage is Stage.WRAPUP:
        # let go into a transfer that still rings: the officer may be called back
        for t in reversed(call.transfers):
            if t.by == agent and t.outcome is None and t.ended_at is None:
                return Held(t.target, t.agency, t.asked_at, t.answered_at, "blind")
    return None


def _held_since(call: Call, agent: str) -> Micros | None:
    open_ = [h.started_at for h in call.holds if h.by == agent and h.ended_at is None]
    return open_[-1] if open_ and call.ended_at is None else None


def _others(call: Call, agent: str) -> tuple[str, ...]:
    if call.ended_at is not None:
        return ()
    found = [p.agent for p in call.agents if p.agent != agent and p.released_at is None]
    found += [x.agency or x.number for x in call.agency_legs if x.released_at is None]
    return tuple(dict.fromkeys(found))


def _failed(call: Call, agent: str) -> tuple[str, str] | None:
    """What was tried last and reached nobody, until something else is tried."""
    tried = [
        (x.started_at, x.target, x.outcome.value if x.outcome else "")
        for x in call.consultations
        if x.by == agent
    ]
    tried += [
        (x.asked_at, x.target, x.outcome.value if x.outcome else "")
        for x in call.transfers
        if x.by == agent
    ]
    if not tried:
        return None
    _, target, outcome = max(tried)
    return (target, outcome) if outcome in {"no_answer", "busy", "failed"} else None


EVIDENCE: Final[dict[str, tuple[str, str]]] = {
    Evidence.OBSERVED.value: ("จากระบบโทรศัพท์", "observed"),
    Evidence.DECLARED.value: ("เจ้าหน้าที่แจ้ง", "declared"),
    Evidence.INFERRED.value: ("อนุมานจากเหตุการณ์", "inferred"),
    Evidence.UNKNOWN.value: ("ไม่ทราบ ข้อมูลขาดช่วง", "unknown"),
    "": ("", ""),
}
"""How a timing is known, in words."""
