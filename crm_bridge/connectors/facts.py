"""What a mapping may name: calls, callers, cases and what was written of them.

The delivery fills these from the records when it sends; a mapping's templates read them. Moments
are microseconds since the epoch, UTC, or `None` where nobody saw them; spans are seconds. What may
not leave the house is not in here: the complainant of a concealed or anonymous case, the number of
a withheld call, an erased person, a case's internal entries.
"""

from __future__ import annotations

from dataclasses import dataclass

from crm_bridge.connectors.port import Status
from ivr.calls.call import Micros

Named = tuple[str, str]
"""A word in Thai and in English."""


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """Somebody who calls: a person of ours, or a number of which nothing else is known."""

    key: str
    """`person:ID`, or `number:E164`."""
    number: str | None
    """The main number, E.164."""
    numbers: tuple[str, ...] = ()
    name: str | None = None
    email: str | None = None
    province: str | None = None
    """Its Thai name."""
    address: str | None = None
    language: str | None = None
    link: str | None = None
    """Our page of the person."""


@dataclass(frozen=True, slots=True)
class StepFacts:
    """A timed step of the ministry's service standard."""

    step: str
    name: Named
    seconds: float | None
    standard_seconds: int | None
    state: str
    """`within`, `over` or `open`."""
    evidence: str
    """`observed`, `declared`, `inferred` or `unknown`."""


@dataclass(frozen=True, slots=True)
class CallFacts:
    """A call that is over."""

    key: str
    """`call:CALL_ID`."""
    call_id: str
    revision: int
    direction: str
    dialled: str
    number: str | None
    """The caller's E.164 number, of a call back the called person's; `None`: none is known."""
    presented: str | None
    name: str | None
    withheld: bool
    entered_at: Micros
    answered_at: Micros | None
    ended_at: Micros | None
    ended_by: str | None
    outcome: str | None
    outcome_name: Named
    service: str | None
    service_name: Named
    language: str | None
    queue: str | None
    """The last queue it waited in."""
    agents: tuple[str, ...] = ()
    """Extensions of the officers who spoke, in order."""
    officers: tuple[str, ...] = ()
    """Their names, as far as it is known who sat there."""
    wait_seconds: float | None = None
    """From the first queue to the first officer, or to the end."""
    talk_seconds: float | None = None
    """Officers' talk less holds."""
    total_seconds: float | None = None
    menu: str = ""
    """The keys pressed, `2` or `2 1`."""
    transfers: tuple[Named, ...] = ()
    """Agencies it was handed to and that answered."""
    steps: tuple[StepFacts, ...] = ()
    observed: bool = True
    """False: the line was not heard for a part of it, so that times may be missing."""
    cases: tuple[str, ...] = ()
    """Ticket numbers of cases recorded in it."""
    call_back_asked_at: Micros | None = None
    """When the caller asked the line to be called back; `None`: he did not."""
    call_back_number: str | None = None
    """Where, E.164; of a withheld call it is not told."""
    link: str | None = None


@dataclass(frozen=True, slots=True)
class WrapupFacts:
    """What one officer wrote of a call."""

    key: str
    """`wrapup:CALL_ID/AGENT/VERSION`."""
    agent: str
    officer: str
    subject: Named
    service: Named
    outcome: Named
    summary: str
    follow_up: Named
    follow_up_on: str | None
    """A day, `2026-11-23`."""
    saved_at: Micros


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """A complaint or a formal request for advice."""

    key: str
    """`case:TICKET`."""
    ticket: str
    kind: str
    kind_name: Named
    title: str
    facts: str
    wanted: str
    respondent: str
    place: str
    province: str | None
    product: str
    subject: Named
    identity: str
    """`open`, `concealed` or `anonymous`; only of an open one the complainant is told."""
    complainant: ContactFacts | None
    state: str
    state_name: Named
    status: Status
    recorded_at: Micros
    due_at: Micros | None
    """The first microsecond after its last day."""
    settled_at: Micros | None
    settlement: str | None
    agencies: tuple[Named, ...] = ()
    officer: str = ""
    call_key: str | None = None
    """The call it came of: `call:CALL_ID`."""
    link: str | None = None


@dataclass(frozen=True, slots=True)
class EventFacts:
    """An entry of a case's timeline that may be seen outside the Central Division."""

    key: str
    """`event:TICKET/ORDINAL`."""
    kind: str
    name: Named
    at: Micros
    by: str
    text: str
    """What was said: a note, an instruction, an answer."""
    state_name: Named
    agency: Named | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a template may name at once; what an occasion has not is `None`."""

    contact: ContactFacts | None = None
    call: CallFacts | None = None
    wrapup: WrapupFacts | None = None
    case: CaseFacts | None = None
    event: EventFacts | None = None
