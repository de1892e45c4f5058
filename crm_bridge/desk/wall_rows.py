"""What a public screen says of the line, as rows of plain cells: pure, and nothing of a caller.

A row is made from a call's record, or from an officer's seat, and holds queue, service, officer,
step and times only; no number, no name, no id of a call. The same row is the same picture. A cell
is a number, a text, or words in both languages; moments are milliseconds since the epoch (what a
page counts from), standards seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from crm_bridge.config import QueueSection
from crm_bridge.desk.agent_states import Seat, State
from crm_bridge.desk.pop import LIVE, Stage, StepView, concerned, stage_of, steps_of
from crm_bridge.desk.sittings import Reason
from ivr.calls.call import OUTBOUND, Call, Micros
from ivr.steps.standards import Standards
from ivr.steps.timing import StepTiming

Words = tuple[str, str]
"""Thai, English."""
Cell = str | int | float | bool | None | Words
Row = Mapping[str, Cell]

WAITING: Final = "waiting"
CALLS: Final = "calls"
MENU: Final = "menu"
"""Where a call stands: in a queue, with somebody, or with the machine."""

SERVICE_WORDS: Final[dict[str, Words]] = {
    "information": ("ให้ข้อมูล / คำปรึกษา", "Information"),
    "complaint": ("รับเรื่องร้องเรียน", "Complaint"),
    "appointment": ("นัดหมาย VDO", "VDO appointment"),
    "market_information": ("ข้อมูลการตลาด", "Market information"),
}
STEP_WORDS: Final[dict[str, Words]] = {
    "greet": ("รับสาย ทักทาย", "Greeting"),
    "inform": ("ให้ข้อมูล", "Informing"),
    "enquire": ("สอบถามหน่วยงาน", "Asking agency"),
    "transfer": ("โอนสาย", "Transferring"),
    "receive": ("รับแจ้งเรื่อง", "Hearing complaint"),
    "log": ("บันทึกการให้บริการ", "Recording"),
    "intake": ("รับนัดหมาย", "Taking appointment"),
}
"""A service, and a step, in the fewest words: the ministry's own are too long for a wall."""

NO_STEP: Final[dict[str, Words]] = {
    "outbound": ("โทรออก", "Calling out"),
    "agency": ("สนทนากับหน่วยงาน", "With the agency"),
    "talking": ("กำลังสนทนา", "Talking"),
}
"""What is said of a call in progress for which no step runs."""

STATE_WORDS: Final[dict[str, Words]] = {
    "ready": ("พร้อมรับสาย", "Ready"),
    "ringing": ("สายเรียกเข้า", "Ringing"),
    "answering": ("รับสายแล้ว", "Answering"),
    "dialling": ("กำลังโทรออก", "Calling out"),
    "talking": ("กำลังสนทนา", "Talking"),
    "held": ("พักสาย", "On hold"),
    "consulting": ("ปรึกษาหน่วยงาน", "Asking agency"),
    "transferring": ("กำลังโอนสาย", "Transferring"),
    "consulted": ("ถูกขอคำปรึกษา", "Being asked"),
    "wrapup": ("บันทึกการให้บริการ", "Recording"),
    "paused": ("พัก", "Paused"),
    "unknown": ("ไม่ทราบสถานะ", "Not known"),
}
"""What an officer does, in the fewest words."""

IN_CALL: Final = frozenset(stage.value for stage in LIVE)
"""States of an officer who is on the telephone."""


@dataclass(frozen=True, slots=True)
class Part:
    """Where one officer stands in a call, and since when."""

    stage: str
    since: Micros


@dataclass(frozen=True, slots=True)
class Placed:
    """One call as the wall shows it; `row` is empty where it is with the machine."""

    where: str
    queue: str | None
    since: Micros
    """Since when it waits, or runs in its step: what its place in the list goes by."""
    until: Micros
    """When its step is over the standard; far off where none runs."""
    ringing: bool = False
    gap: bool = False
    row: Row = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)
    """Officers who are on the telephone in it, or whose telephone it rings."""


NEVER: Final = 1 << 62


def millis(moment: Micros | None) -> int | None:
    """The moment in milliseconds."""
    return None if moment is None else moment // 1000


class Wording:
    """How queues and officers are called on the wall."""

    def __init__(
        self, queues: Mapping[str, QueueSection], officer: Callable[[str], Words | None]
    ) -> None:
        """`officer` gives the name of whoever sits at an extension, `None` where nobody does."""
        self._queues = queues
        self._officer = officer
        services = [section.service for section in queues.values()]
        self._shared = {s for s in services if services.count(s) > 1}

    def queue(self, name: str | None) -> Words:
        """A queue by its service; one of several, or one nobody named, by its own name."""
        section = self._queues.get(name or "")
        if section is None:
            return (name or "", name or "")
        th, en = SERVICE_WORDS[section.service]
        return (f"{th} · {name}", f"{en} · {name}") if section.service in self._shared else (th, en)

    def officer(self, extension: str) -> Words:
        """Who sits there, with the extension; the extension alone where nobody does."""
        found = self._officer(extension)
        return (extension, extension) if found is None else found


def placed(
    call: Call, timings: list[StepTiming], standards: Standards, wording: Wording,
    queues: Mapping[str, QueueSection],
) -> Placed | None:  # fmt: skip
    """Where the call stands now; `None` where it is over."""
    if call.closed or call.outcome is not None or call.ended_at is not None:
        return None
    parts = {agent: part for agent in sorted(concerned(call)) if (part := _part(call, agent))}
    passage = call.passages[-1] if call.passages else None
    queue = passage.queue if passage is not None else None
    services = standards.on(call.entered_at).services
    name = timings[-1].service if timings else call.service or "information"
    service = services.get(name) or services["information"]
    running = _running(steps_of(service, timings))
    gap = any(gap.filled_by is None for gap in call.gaps)
    talking = [agent for agent, part in parts.items() if part.stage in IN_CALL]
    agency = any(leg.released_at is None for leg in call.agency_legs)
    waits = passage is not None and passage.left_at is None and passage.outcome is None
    if passage is not None and waits and not call.on_the_line(passage):
        # nobody is: a place kept for a caller who is to be called back
        return Placed(MENU, queue, call.entered_at, NEVER, gap=gap, parts=parts)
    if passage is not None and waits and not talking:
        since = running.since if running is not None and running.since else passage.joined_at
        section = queues.get(passage.queue)
        ringing = any(part.stage == Stage.RINGING for part in parts.values())
        row: Row = {
            "queue": wording.queue(queue),
            "since": millis(since),
            "target": section.service_level_seconds if section is not None else None,
            "standard": running.standard if running is not None else None,
            "ringing": ringing,
            "gap": gap,
        }
        return Placed(WAITING, queue, since, since, ringing, gap, row, parts)
    transferring = any(t.outcome is None and t.ended_at is None and t.answered_at is None
                       for t in call.transfers)  # fmt: skip
    if not (talking or agency or transferring or call.direction == OUTBOUND):
        return Placed(MENU, queue, call.entered_at, NEVER, gap=gap, parts=parts)
    since, until, step = call.entered_at, NEVER, NO_STEP["talking"]
    if call.direction == OUTBOUND:
        step = NO_STEP["outbound"]
    elif running is not None and running.since is not None:
        since, until = running.since, running.since + running.standard * 1_000_000
        step = STEP_WORDS.get(running.step, (running.th, running.en))
    elif agency:
        step = NO_STEP["agency"]
        since = max(leg.connected_at for leg in call.agency_legs if leg.released_at is None)
    who = talking or [part.agent for part in call.agents[-1:]]
    names = [wording.officer(agent) for agent in who]
    running_standard = None if until == NEVER or running is None else running.standard
    row = {
        "queue": wording.queue(queue) if queue is not None else ("", ""),
        "officer": (", ".join(th for th, _ in names), ", ".join(en for _, en in names)),
        "step": step,
        "since": millis(since),
        "standard": running_standard,
        "whole": millis(call.entered_at),
        "gap": gap,
    }
    return Placed(CALLS, queue, since, until, gap=gap, row=row, parts=parts)


def _running(steps: tuple[StepView, ...]) -> StepView | None:
    """The step that runs: of several, the one that began last. Recording is not the caller's."""
    found = [step for step in steps if step.since is not None and step.step != "log"]
    return max(found, key=lambda step: step.since or 0) if found else None


def _part(call: Call, agent: str) -> Part | None:
    stage, _ = stage_of(call, agent)
    if stage is not Stage.RINGING and stage not in LIVE:
        return None
    since: list[Micros] = []
    if stage is Stage.HELD:
        since = [h.started_at for h in call.holds if h.by == agent and h.ended_at is None]
    elif stage is Stage.CONSULTING:
        since = [c.started_at for c in call.consultations if c.by == agent and c.ended_at is None]
    elif stage is Stage.TRANSFERRING:
        since = [t.asked_at for t in call.transfers if t.by == agent and t.ended_at is None]
    elif stage is Stage.TALKING:
        since = [p.connected_at for p in call.agents if p.agent == agent and p.released_at is None]
    if not since:
        since = [a.rang_at for p in call.passages for a in p.attempts if a.agent == agent]
    if not since:
        since = [leg.started_at for leg in call.legs if leg.party == agent and not leg.ended_at]
    return Part(stage.value, since[-1] if since else call.entered_at)


def agent_row(
    seat: Seat, part: Part | None, left: Micros, reason: Reason | None, name: Words,
    log_standard: int | None,
) -> Row | None:  # fmt: skip
    """An officer; `None` where nobody sits there and no call is there either.

    `left`: when the last call was left, from which ready counts; 0 where that is not known.
    """
    sitting = seat.sitting
    if sitting is None and part is None:
        return None
    why: Words | None = None
    standard: int | None = None
    if not seat.known:
        state, since = "unknown", None
    elif part is not None:
        state, since = part.stage, part.since
    elif sitting is None:
        return None
    else:
        state = sitting.state.value
        since = max(sitting.since, left) if sitting.state is State.READY else sitting.since
        if sitting.state is State.WRAPUP:
            standard = log_standard
        if sitting.state is State.PAUSED:
            why = (
                (reason.name_th, reason.name_en or reason.name_th)
                if reason is not None
                else ("จากระบบโทรศัพท์", "At the line")
            )
    return {
        "extension": seat.extension,
        "name": name,
        "state": state,
        "word": STATE_WORDS[state],
        "why": why,
        "since": millis(since),
        "standard": standard,
    }
