"""A call's stages: each is one time 1203 owes an answer, and who gave it.

A stage begins when the caller joins a queue and takes in further queues until an officer has
answered; joining a queue after that begins the next stage.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ivr.calls.call import AgentPart, Call, Consultation, Mark, Micros, QueuePassage, Transfer
from ivr.calls.directory import Directory

DEFAULT_SERVICE = "information"
"""The call centre's own service, for a queue that the configuration does not name."""


@dataclass(slots=True)
class Stage:
    """One time 1203 owes an answer, and who gave it."""

    started_at: Micros
    service: str
    passages: list[QueuePassage] = field(default_factory=list)
    parts: list[AgentPart] = field(default_factory=list)
    consultations: list[Consultation] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    until: Micros | None = None

    def acts(self, call: Call, *names: str) -> list[Mark]:
        """Acts of the desk within this stage, in order of time."""
        found = [
            m
            for m in call.marks
            if m.name in names
            and m.at >= self.started_at
            and (self.until is None or m.at < self.until)
        ]
        return sorted(found, key=lambda m: m.at)

    @property
    def last_part(self) -> AgentPart | None:
        """The officer's part that ended last; `None` while one goes on, or where there is none."""
        if not self.parts or any(p.released_at is None for p in self.parts):
            return None
        return max(self.parts, key=lambda p: p.released_at or 0)


def stages_of(call: Call, directory: Directory) -> list[Stage]:
    """The stages of a call in order; one from the moment of entering where no queue was passed."""
    stages: list[Stage] = []
    for passage in call.passages:
        service = directory.service(passage.queue) or call.service or DEFAULT_SERVICE
        last = stages[-1] if stages else None
        if last is not None and not _answered_between(call, last, passage.joined_at):
            last.service = service
        else:
            if last is not None:
                last.until = passage.joined_at
            last = Stage(passage.joined_at, service)
            stages.append(last)
        last.passages.append(passage)
    if not stages or (call.agents and call.agents[0].connected_at < stages[0].started_at):
        # An officer answered without a queue: the answer was owed from the moment of entering.
        first = Stage(call.entered_at, call.service or DEFAULT_SERVICE)
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


def _answered_between(call: Call, stage: Stage, before: Micros) -> bool:
    return any(stage.started_at <= p.connected_at < before for p in call.agents)


def _stage_at(stages: list[Stage], at: Micros) -> Stage:
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
