"""What the API takes and gives of a case; times ISO 8601 in UTC, texts as typed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from crm_bridge.cases.workflow import Act, Assignment, State

Line = Annotated[str, StringConstraints(max_length=1_000)]
"""A field of one line; what is over 300 characters is refused by name."""
Long = Annotated[str, StringConstraints(max_length=60_000)]
Ident = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CaseFields(_In):
    """What an edit may change; a field that is not named stays."""

    kind: Literal["complaint", "advice"] = "complaint"
    title: Line = Field("", description="what it is about, on one line")
    facts: Long = ""
    wanted: Long = Field("", description="what the complainant asks for")
    respondent: Line = Field("", description="who is complained of")
    respondent_contact: Long = ""
    place: Long = ""
    province: Line | None = Field(None, description="of the matter, in Thai")
    product: Line = ""
    subject_id: Ident | None = None
    identity: Literal["open", "concealed", "anonymous"] = "open"
    person_id: Ident | None = None
    complainant_name: Line = ""
    complainant_number: Line | None = Field(None, description="E.164, or as Thais write it")
    complainant_email: Line | None = None
    complainant_province: Line | None = None
    notice_version: Ident | None = Field(None, description="the privacy notice that was given")
    consent: bool | None = Field(None, description="to disclose name and number to agencies")
    consent_how: Literal["voice", "written", "electronic"] | None = None


class CaseIn(CaseFields):
    """A new case."""

    call_id: Ident | None = None
    opened_at: Line | None = Field(None, description="when the form was opened, ISO 8601")
    key: Ident | None = Field(None, description="the same key again gives the same case")


class TellIn(_In):
    """How the ticket number is told."""

    how: Literal["voice", "sms"] = "voice"


class NoteIn(_In):
    """A note; `internal` hides it from agencies."""

    text: Long
    internal: bool = False


class ProposeIn(_In):
    """What the Director is to know."""

    note: Long = ""


class ReasonIn(_In):
    """Why."""

    reason: Long


class AgencyReasonIn(ReasonIn):
    """Which agency, and why."""

    agency: Ident


class OrderIn(_In):
    """One agency with an instruction of its own, in place of the common one."""

    agency: Ident
    instruction: Long = ""


class AssignIn(_In):
    """The agencies that must answer, with one instruction for all or each its own."""

    agencies: list[Ident] = Field([], max_length=100)
    instruction: Long = ""
    orders: list[OrderIn] = Field([], max_length=100)


class ChosenIn(_In):
    """A case of a batch and the version it was chosen in (its ETag)."""

    ticket: Ident
    version: int = Field(ge=1, le=999_999_999)


class BatchAssignIn(AssignIn):
    """The same order for several cases."""

    tickets: list[ChosenIn] = Field(max_length=200)


class TextIn(_In):
    """What is said."""

    text: Long


class AcceptIn(_In):
    """The answers of one agency, or all given."""

    agency: Ident | None = None
    note: Long = ""


class AskExtensionIn(ReasonIn):
    """More time, in working days."""

    working_days: int = Field(ge=-1_000_000, le=1_000_000)


class GrantExtensionIn(_In):
    """The time granted; without a number what was asked for."""

    agency: Ident
    working_days: int | None = Field(None, ge=-1_000_000, le=1_000_000)
    note: Long = ""


class RefuseExtensionIn(_In):
    """No more time, and why."""

    agency: Ident
    note: Long


class CloseIn(_In):
    """How the complainant learned the result."""

    how: Literal["voice", "sms", "email", "letter", "not_reached", "anonymous"]
    note: Long = ""


class CancelIn(_In):
    """Why the case is not pursued."""

    why: Literal["withdrawn", "duplicate", "mistake", "other"]
    note: Long


class AssignmentOut(BaseModel):
    """An agency that must answer."""

    agency: str
    agency_name: str
    round: int
    state: Assignment
    instruction: str
    assigned_at: str
    due_at: str
    answer: str | None
    answered_at: str | None


class ExtensionOut(BaseModel):
    """Time that was asked for."""

    agency: str
    working_days: int
    reason: str
    state: str
    asked_at: str
    old_due_at: str
    new_due_at: str | None
    decision: str | None


class StepOut(BaseModel):
    """One timed step; `standard_seconds` or `standard_working_days` is its standard."""

    step: str
    round: int
    started_at: str | None
    ended_at: str | None
    elapsed_seconds: float | None
    standard_seconds: int | None
    standard_working_days: int | None
    due_at: str | None
    state: Literal["within", "over", "open"]
    evidence: str


class CaseSummary(BaseModel):
    """A case on one line."""

    ticket: str
    kind: str
    state: State
    title: str
    respondent: str
    province: str | None
    recorded_at: str
    due_at: str | None = Field(description="the first moment after the last day")
    due_day: str | None = Field(description="the last day, Bangkok")
    working_days_left: int | None
    overdue: bool
    told: bool
    agencies: list[str]
    version: int


class CaseOut(CaseSummary):
    """A case as this account may read it."""

    ticket_spoken: str
    facts: str
    wanted: str
    respondent_contact: str
    place: str
    product: str
    subject_id: str | None
    identity: str
    complainant_hidden: bool
    person_id: str | None
    complainant_name: str
    complainant_number: str | None
    complainant_email: str | None
    complainant_province: str | None
    notice_version: str | None
    consent: bool | None
    consent_how: str | None
    consent_at: str | None
    call_id: str | None
    opened_at: str | None
    told_at: str | None
    told_how: str | None
    proposed_at: str | None
    settled_at: str | None
    settlement: str | None
    closed_at: str | None
    round: int
    calendar_version: int | None
    assignments: list[AssignmentOut]
    extensions: list[ExtensionOut]
    steps: list[StepOut]
    acts: list[Act] = Field(description="what this account can do now")


class EventOut(BaseModel):
    """One entry of the timeline."""

    ordinal: int
    at: str
    kind: str
    by: str
    agency: str | None
    state: str
    internal: bool
    body: dict[str, object]


class AttachmentOut(BaseModel):
    """A file of a case."""

    id: str
    name: str
    type: str
    size: int
    sha256: str
    internal: bool
    by: str
    at: str


class NotificationOut(BaseModel):
    """One entry of the bell."""

    id: str
    kind: str
    ticket: str | None
    text: str
    made_at: str
    seen: bool


class BellOut(BaseModel):
    """The bell."""

    unseen: int
    items: list[NotificationOut]


class SeenIn(_In):
    """Which entries were seen; null: all."""

    ids: list[Ident] | None = Field(None, max_length=200)


class SeenOut(BaseModel):
    """How many were not seen before."""

    seen: int
