"""Calls made by hand for the record tests: everything a call can hold, at any point of its life."""

from __future__ import annotations

from typing import TypeVar

from ivr.calls.call import (
    AgencyLeg,
    AgentPart,
    Attempt,
    AttemptOutcome,
    Call,
    Consultation,
    ConsultationOutcome,
    EndedBy,
    Evidence,
    Gap,
    Hold,
    Leg,
    Mark,
    MenuChoice,
    Outcome,
    PassageOutcome,
    QueuePassage,
    Role,
    Transfer,
    TransferKind,
    TransferOutcome,
)
from ivr.steps.timing import StepTiming

T = TypeVar("T")

START = 1_795_406_706_123_456
"""2026-11-23T04:05:06.123456Z"""

SECOND = 1_000_000


def full_call(number: int = 12, *, presented: str | None = "0812345678") -> Call:
    """A served call in which everything that can be kept happened, at odd microseconds."""
    t = START + number * 7_000_001
    agent, agency = "1001", "2001"
    call = Call(
        call_id=f"pbx1-{t // SECOND}.{number}",
        node="pbx1",
        linkedids=[f"{t // SECOND}.{number}", f"{t // SECOND + 9}.{number + 1}"],
        dialled="1203",
        entered_at=t,
        revision=31,
        caller_presented=presented,
        caller_name="สมชาย ใจดี",
        withheld=presented is None,
        answered_at=t + 1,
        ended_at=t + 300 * SECOND + 3,
        ended_by=EndedBy.AGENCY,
        outcome=Outcome.SERVED,
        service="information",
        language="th",
        times_inferred=True,
        closed=True,
    )
    call.menu = [MenuChoice("main", "2", t + 5), MenuChoice("information", "*", t + 6)]
    call.passages = [
        QueuePassage("information", t + 10, t + 30, PassageOutcome.TIMEOUT, 2),
        QueuePassage("information", t + 31, t + 90, PassageOutcome.ANSWERED, 1),
    ]
    call.passages[0].attempts = [Attempt("1002", t + 11, t + 20, AttemptOutcome.NO_ANSWER)]
    call.passages[1].attempts = [
        Attempt("1002", t + 32, t + 40, AttemptOutcome.REJECTED),
        Attempt(agent, t + 41, t + 90, AttemptOutcome.ANSWERED),
    ]
    call.agents = [AgentPart(agent, t + 90, t + 200), AgentPart("1003", t + 210, None)]
    call.holds = [Hold(agent, t + 100, t + 110), Hold(agent, t + 120)]
    call.consultations = [
        Consultation(
            agent, agency, "dit", t + 120, t + 125, t + 150, ConsultationOutcome.COMPLETED
        ),
        Consultation(agent, "0999", None, t + 160),
    ]
    call.transfers = [
        Transfer(
            TransferKind.ATTENDED, agent, agency, "dit", t + 150, t + 151, None,
            TransferOutcome.ANSWERED,
        ),
        Transfer(TransferKind.BLIND, agent, "2002", None, t + 152),
    ]  # fmt: skip
    call.agency_legs = [AgencyLeg("dit", agency, t + 151, t + 299), AgencyLeg(None, "9", t + 300)]
    call.legs = [
        Leg(call.linkedids[0], "PJSIP/trunk-00000001", Role.CALLER, "+66812345678", t, t + 1,
            t + 300, 16),
        Leg("x.1", "Local/1001@agents-1;2", Role.LOCAL, None, t + 41),
        Leg("x.2", "PJSIP/1001-00000002", Role.AGENT, agent, t + 42, t + 90, t + 200, 16),
    ]  # fmt: skip
    call.marks = [Mark("enter", t, "1203"), Mark("key", t + 5, "main:2", "1001")]
    call.gaps = [Gap(t + 250, t + 260, "cel"), Gap(t + 270)]
    return call


def full_steps(call: Call) -> list[StepTiming]:
    """Steps of that call, closed and open."""
    t = call.entered_at
    return [
        StepTiming(
            "greet", "information", t + 10, t + 12_345_688, 300, "within", Evidence.OBSERVED,
            {"waiting": 31, "ringing": 49}, 12_345_678,
        ),
        StepTiming("log", "information", t + 200, None, 300, "open", Evidence.DECLARED),
        StepTiming("guide", "market_information", t, t + 1, None, "over", Evidence.UNKNOWN, {}, 1),
    ]  # fmt: skip


def grown(call: Call, stage: int, stages: int) -> Call:
    """The call as it stood after `stage` of `stages` equal parts of its life: lists only grow."""
    share = (stage + 1) / stages

    def some(entries: list[T]) -> list[T]:
        return entries[: max(0, round(len(entries) * share))]

    last = stage + 1 == stages
    early = Call(
        call_id=call.call_id,
        node=call.node,
        linkedids=call.linkedids[: 1 + round((len(call.linkedids) - 1) * share)],
        dialled=call.dialled,
        entered_at=call.entered_at,
        revision=round(call.revision * share),
        caller_presented=call.caller_presented,
        caller_name=call.caller_name if share > 0.4 else None,
        withheld=call.withheld,
        answered_at=call.answered_at,
        ended_at=call.ended_at if last else None,
        ended_by=call.ended_by if last else None,
        outcome=call.outcome if last else None,
        closed=last,
    )
    for name in ("menu", "agents", "holds", "consultations", "transfers", "agency_legs", "legs",
                 "marks", "gaps"):  # fmt: skip
        setattr(early, name, some(getattr(call, name)))
    for passage in some(call.passages):
        early.passages.append(
            QueuePassage(
                passage.queue, passage.joined_at, passage.left_at if last else None,
                passage.outcome if last else None, passage.position, some(passage.attempts),
            )
        )  # fmt: skip
    return early
