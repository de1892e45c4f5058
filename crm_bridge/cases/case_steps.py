"""The timed steps of a case: record, tell_ticket, propose, resolve.

Standards are those of the edition in force on the day the step began. `resolve` is counted in
working days against the published standard, whatever extension was granted meanwhile; a case
that is reopened is resolved again, as a further round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.cases.working_days import Calendar
from crm_bridge.records.desk_tables.cases import case_steps
from ivr.calls.call import Evidence, Micros
from ivr.steps.standards import Standards, load_standards
from ivr.steps.verdict import verdict

SERVICE: Final = "complaint"
ORDER: Final = ("record", "tell_ticket", "propose", "resolve")


@dataclass(frozen=True, slots=True)
class CaseStep:
    """One timing; `due_us` is where the published standard ends."""

    step: str
    round: int
    started_us: Micros | None
    ended_us: Micros | None
    standard_seconds: int | None
    standard_working_days: int | None
    due_us: Micros | None
    calendar_version: int | None
    edition: str
    evidence: Evidence

    def elapsed(self, now: Micros) -> Micros | None:
        """How long it took, or has taken so far; None where nobody saw it begin."""
        if self.started_us is None:
            return None
        return (now if self.ended_us is None else self.ended_us) - self.started_us

    def state(self, now: Micros) -> str:
        """`within`, `over` or `open` as things stand now."""
        ended = self.ended_us is not None
        if self.standard_working_days is None:
            return verdict(self.elapsed(now), self.standard_seconds, ended=ended)
        if self.due_us is None:
            return "open"
        if (now if self.ended_us is None else self.ended_us) >= self.due_us:
            return "over"
        return "within" if ended else "open"


async def begin(
    connection: AsyncConnection,
    case_id: str,
    step: str,
    at: Micros,
    *,
    round_: int = 1,
    ended: Micros | None = None,
    unseen: bool = False,
    calendar: Calendar | None = None,
    standards: Standards | None = None,
) -> CaseStep:
    """Writes a step that begins at `at` (and ended then, if so); needs a calendar for `resolve`.

    `unseen`: nobody saw it begin; its time is unknown.
    """
    edition = (standards or load_standards()).on(at)
    published = edition.services[SERVICE].steps[step]
    days = published.working_days
    made = CaseStep(
        step,
        round_,
        None if unseen else at,
        ended,
        published.seconds,
        days,
        calendar.due(at, days) if calendar and days else None,
        calendar.version if calendar and days else None,
        edition.edition,
        Evidence.UNKNOWN if unseen else Evidence.DECLARED,
    )
    await connection.execute(
        insert(case_steps).values(
            case_id=case_id, **{name: getattr(made, name) for name in made.__dataclass_fields__}
        )
    )
    return made


async def end(
    connection: AsyncConnection,
    case_id: str,
    step: str,
    at: Micros,
    *,
    round_: int = 1,
    evidence: Evidence = Evidence.DECLARED,
) -> None:
    """Ends a step that is still open; one that has ended keeps its first end."""
    table = case_steps.c
    await connection.execute(
        update(case_steps)
        .where(
            table.case_id == case_id,
            table.step == step,
            table.round == round_,
            table.ended_us.is_(None),
        )
        .values(ended_us=at, evidence=evidence)
    )


async def read(connection: AsyncConnection, case_id: str) -> list[CaseStep]:
    """The steps of a case in the guideline's order, then by round."""
    rows = await connection.execute(select(case_steps).where(case_steps.c.case_id == case_id))
    found = [
        CaseStep(
            **{
                name: getattr(row, name)
                for name in CaseStep.__dataclass_fields__
                if name != "evidence"
            },
            evidence=Evidence(row.evidence),
        )
        for row in rows
    ]
    return sorted(found, key=lambda s: (s.round, ORDER.index(s.step)))
