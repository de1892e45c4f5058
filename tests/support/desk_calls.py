"""Calls on disk for tests of the desk, saved by the one writer as the line saves them."""

from __future__ import annotations

from collections.abc import Sequence

from crm_bridge.desk.declare import Declare
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.database import Database
from crm_bridge.records.rows import snapshot
from crm_bridge.records.writer import Writer, batch_of
from ivr.calls.call import (
    INBOUND,
    AgentPart,
    Attempt,
    AttemptOutcome,
    Call,
    EndedBy,
    Outcome,
    PassageOutcome,
    QueuePassage,
)
from ivr.calls.directory import Directory
from ivr.steps.standards import load_standards
from ivr.steps.timeline import timeline
from tests.support.scenario import config_of

SECOND = 1_000_000
STANDARDS = load_standards()


def directory() -> Directory:
    """Who is who in the scenarios of our own dialplan."""
    return config_of("ours").directory()


def served(
    number: int,
    at: int,
    *,
    agents: Sequence[str] = ("1001",),
    presented: str | None = "0812345678",
    direction: str = INBOUND,
    service: str = "information",
) -> Call:
    """A call of five minutes entered at `at`, spoken by these officers one after the other."""
    call = _call(number, at, presented, direction, service)
    call.answered_at = at + SECOND
    if direction == INBOUND:
        attempt = Attempt(agents[0], at + 3 * SECOND, at + 9 * SECOND, AttemptOutcome.ANSWERED)
        call.passages = [
            QueuePassage(
                service, at + 2 * SECOND, at + 10 * SECOND, PassageOutcome.ANSWERED, 1, [attempt]
            )
        ]
    length = 290 * SECOND // len(agents)
    begins = [at + 10 * SECOND + n * length for n in range(len(agents))]
    call.agents = [AgentPart(a, b, b + length) for a, b in zip(agents, begins, strict=True)]
    call.ended_at = at + 300 * SECOND
    call.ended_by, call.outcome = EndedBy.CALLER, Outcome.SERVED
    return call


def lost(
    number: int,
    at: int,
    outcome: Outcome = Outcome.ABANDONED_QUEUE,
    *,
    presented: str | None = "0812345678",
    queued: bool = True,
) -> Call:
    """A call that nobody spoke with, a minute long."""
    call = _call(number, at, presented, INBOUND, "information")
    if queued:
        how = (
            PassageOutcome.TIMEOUT if outcome is Outcome.QUEUE_TIMEOUT else PassageOutcome.ABANDONED
        )
        call.passages = [QueuePassage("information", at + SECOND, at + 60 * SECOND, how, 1)]
    call.ended_at = at + 60 * SECOND
    call.ended_by, call.outcome = EndedBy.CALLER, outcome
    return call


def _call(number: int, at: int, presented: str | None, direction: str, service: str) -> Call:
    return Call(
        call_id=f"lab1-{at // SECOND}.{number}",
        node="lab1",
        linkedids=[f"{at // SECOND}.{number}"],
        dialled="1203" if direction == INBOUND else presented or "",
        entered_at=at,
        direction=direction,
        revision=20,
        caller_presented=presented,
        caller_name=None,
        withheld=presented is None,
        service=service if direction == INBOUND else None,
        language="th",
        closed=True,
    )


async def save(database: Database, *calls: Call) -> None:
    """Saves the calls with their steps."""
    writer = Writer(database)
    try:
        rows = [snapshot(c, timeline(c, directory(), STANDARDS)) for c in calls]
        await writer.commit(batch_of(calls=rows))
    finally:
        await writer.close()


class Line:
    """A `Declare` over a real commit loop, without any node; run `loop.run` beside it."""

    def __init__(self, database: Database, clock: object) -> None:
        self.loop = CommitLoop(Writer(database), Policy(linger=0))
        self.declare = Declare(database, self.loop, [], directory(), STANDARDS, clock)  # type: ignore[arg-type]  # a held clock
