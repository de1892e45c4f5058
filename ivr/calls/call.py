"""A call to the hotline as its record: who, when, what happened, and how that is known.

Every time is an integer of microseconds since the Unix epoch, UTC, taken from Asterisk's own
`Timestamp` (event time, never the time of arrival); `None` means not happened or not known.
Lists are in order of time and only grow: an entry is found again by its index.
The record is mutable while the tracker works on it; whoever keeps it must copy what it needs
before giving control back to the event loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

Micros = int
"""Microseconds since the Unix epoch, UTC."""


INBOUND: Final = "inbound"
OUTBOUND: Final = "outbound"
"""Directions of a call. The caller of an outbound one is whoever the officer called."""


class EndedBy(StrEnum):
    """Whose act ended the call."""

    CALLER = "caller"
    AGENT = "agent"
    AGENCY = "agency"
    SYSTEM = "system"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """How the call came out for the caller; `None` on the record while the call is in progress."""

    SERVED = "served"
    ABANDONED_MENU = "abandoned_menu"
    ABANDONED_QUEUE = "abandoned_queue"
    QUEUE_TIMEOUT = "queue_timeout"
    SHORT = "short"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"


class PassageOutcome(StrEnum):
    """How one stay in a queue ended."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    TIMEOUT = "timeout"
    LEFT = "left"
    TRANSFERRED = "transferred"


class AttemptOutcome(StrEnum):
    """How one ringing of one agent ended."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    UNAVAILABLE = "unavailable"


class ConsultationOutcome(StrEnum):
    """How a consultation ended: `completed` became a transfer, `returned` went back."""

    COMPLETED = "completed"
    RETURNED = "returned"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TransferKind(StrEnum):
    """Blind: asked and let go. Attended: the target is spoken to first."""

    BLIND = "blind"
    ATTENDED = "attended"


class TransferOutcome(StrEnum):
    """How a transfer ended for the caller; `None` on one that is over: unknown.

    `returned`: nobody was rung, and the officer has him back; never said of what was not heard.
    """

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    RETURNED = "returned"
    ABANDONED = "abandoned"


class Evidence(StrEnum):
    """How a timing is known."""

    OBSERVED = "observed"
    DECLARED = "declared"
    INFERRED = "inferred"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class MenuChoice:
    """One key pressed in one menu."""

    menu: str
    key: str
    at: Micros


@dataclass(slots=True)
class Attempt:
    """One ringing of one agent; several devices of one agent that ring together are one attempt."""

    agent: str
    rang_at: Micros
    ended_at: Micros | None = None
    outcome: AttemptOutcome | None = None


@dataclass(slots=True)
class QueuePassage:
    """One stay in one queue; going back into the same queue is a further passage."""

    queue: str
    joined_at: Micros
    left_at: Micros | None = None
    outcome: PassageOutcome | None = None
    position: int | None = None
    attempts: list[Attempt] = field(default_factory=list)


@dataclass(slots=True)
class AgentPart:
    """An agent's part of the call: from joining the caller until released from the call."""

    agent: str
    connected_at: Micros
    released_at: Micros | None = None


@dataclass(slots=True)
class Hold:
    """The caller on hold by an agent."""

    by: str
    started_at: Micros
    ended_at: Micros | None = None


@dataclass(slots=True)
class Consultation:
    """An agent leaves the caller to speak with somebody else."""

    by: str
    target: str
    agency: str | None
    started_at: Micros
    answered_at: Micros | None = None
    ended_at: Micros | None = None
    outcome: ConsultationOutcome | None = None


@dataclass(slots=True)
class Transfer:
    """The caller handed on; for a failed one `ended_at` is when the caller was back, or gone."""

    kind: TransferKind
    by: str
    target: str
    agency: str | None
    asked_at: Micros
    answered_at: Micros | None = None
    ended_at: Micros | None = None
    outcome: TransferOutcome | None = None

    def led_to(self, at: Micros) -> bool:
        """Whether a queue joined at this time may be this transfer's doing.

        Asterisk may tell the joining a moment before the transfer that caused it.
        """
        return at >= self.asked_at - 500_000 and (self.ended_at is None or at < self.ended_at)


@dataclass(slots=True)
class AgencyLeg:
    """An agency in conversation with the caller."""

    agency: str | None
    number: str
    connected_at: Micros
    released_at: Micros | None = None


class Role(StrEnum):
    """Whose channel a leg is."""

    CALLER = "caller"
    AGENT = "agent"
    AGENCY = "agency"
    LOCAL = "local"
    OTHER = "other"


@dataclass(slots=True)
class Leg:
    """One channel that took part in the call."""

    uniqueid: str
    channel: str
    role: Role
    party: str | None
    """Agent id, agency id or number, by role."""
    started_at: Micros
    answered_at: Micros | None = None
    ended_at: Micros | None = None
    cause: int | None = None
    """Q.850 hang-up cause."""


@dataclass(slots=True)
class Mark:
    """A service-step marker that the dialplan or a person emitted on this call."""

    name: str
    at: Micros
    value: str = ""
    by: str | None = None


@dataclass(slots=True)
class Gap:
    """A span in which nothing was heard from the node while this call was, or may have been, up."""

    started_at: Micros
    ended_at: Micros | None = None
    filled_by: str | None = None


@dataclass(slots=True)
class Call:
    """One caller's call to the hotline."""

    call_id: str
    node: str
    linkedids: list[str]
    dialled: str
    entered_at: Micros
    direction: str = INBOUND
    revision: int = 0
    """Number of events that changed this record: the same events give the same revision."""
    caller_presented: str | None = None
    """The number as Asterisk presented it; `None` where withheld."""
    caller_name: str | None = None
    withheld: bool = False
    answered_at: Micros | None = None
    """When the line was answered (menu or agent, whichever came first)."""
    ended_at: Micros | None = None
    ended_by: EndedBy | None = None
    outcome: Outcome | None = None
    service: str | None = None
    language: str | None = None
    menu: list[MenuChoice] = field(default_factory=list)
    passages: list[QueuePassage] = field(default_factory=list)
    agents: list[AgentPart] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    consultations: list[Consultation] = field(default_factory=list)
    transfers: list[Transfer] = field(default_factory=list)
    agency_legs: list[AgencyLeg] = field(default_factory=list)
    legs: list[Leg] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    times_inferred: bool = False
    """An event without Asterisk's own Timestamp gave one of the times."""
    closed: bool = False
    """No further event can change the record, short of an act of the desk or a repair."""

    def on_the_line(self, passage: QueuePassage) -> bool:
        """Whether the caller waited in it; not where a place was kept until the number answers."""
        return self.direction != OUTBOUND or (
            self.answered_at is not None and passage.joined_at >= self.answered_at
        )

    def has_mark(self, name: str, at: Micros, by: str | None) -> bool:
        """Whether this act is on the record: name, time and who, whatever its value."""
        return any(m.name == name and m.at == at and m.by == by for m in self.marks)
