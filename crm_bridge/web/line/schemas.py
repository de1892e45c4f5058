"""What the acts at the telephone take and give."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from crm_bridge.desk.directory import Kind
from ivr.calls.members import Presence

CallId = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9._-]+$")]
Extension = Annotated[str, Path(max_length=8, pattern=r"^[0-9]+$")]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SignIn(_Given):
    """Where an agent sits down."""

    extension: str = Field(max_length=8, pattern=r"^[0-9]+$", description="the telephone's number")
    ready: bool = Field(True, description="takes calls at once")
    queues: list[str] | None = Field(
        None, max_length=50, description="the queues to serve; all of them where left out"
    )


class Pause(_Given):
    """Why an agent takes no calls."""

    reason: str = Field(max_length=40, description="code of a reason, see `reasons`")


class Number(_Given):
    """To whom the caller is handed."""

    number: str = Field(max_length=20, description="a number of the directory")


class CallBack(_Given):
    """Whom to call."""

    number: str = Field(max_length=24, description="a Thai number, national or +66…")
    lost_call: str | None = Field(
        None,
        max_length=80,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="the call that is called back",
    )


class ActOut(BaseModel):
    """An act that has happened."""

    act: str
    call_id: str
    changed: bool = Field(description="false where it was so already")


class SeatOut(BaseModel):
    """An extension: who sits there, in which state, how the telephone is."""

    extension: str
    state: Literal["ready", "paused", "wrapup", "signed_out", "unknown"]
    known: bool = Field(description="the line is connected: what is told is true now")
    presence: Presence
    in_call: str | None = Field(description="id of the call the agent is in")
    queues: list[str] = Field(description="queues that have the agent as a member")
    paused_in: list[str] = Field(description="queues in which the agent is paused")
    account_id: str | None
    name_th: str | None
    name_en: str | None
    wished: str | None = Field(description="the state by the desk, also while the line is unknown")
    since: str | None
    signed_in_at: str | None
    reason: str | None
    reason_th: str | None
    reason_en: str | None
    call_id: str | None = Field(description="the call whose record is to be saved")
    source: str | None = Field(
        description="desk, call, line (changed elsewhere) or supervisor (`by_th`, `by_en`)"
    )
    by_th: str | None
    by_en: str | None


class ReasonOut(BaseModel):
    """Why an agent may pause."""

    code: str
    name_th: str
    name_en: str


class AgentOut(BaseModel):
    """The agent's own seat, and what can be chosen."""

    seat: SeatOut | None
    reasons: list[ReasonOut]
    queues: list[str]


class SeatsOut(BaseModel):
    """Every extension."""

    items: list[SeatOut]


class EntryOut(BaseModel):
    """A number that a caller can be handed to."""

    kind: Kind
    id: str
    number: str
    name_th: str
    name_en: str
    province: str
    group: str = Field(description="of an agency: department, division or province")
    hours: str = Field(description="office hours in Bangkok, empty: always")
    open: bool | None = Field(description="in its hours now; null where it keeps none")
    presence: Presence


class DirectoryOut(BaseModel):
    """What was found, the best first."""

    items: list[EntryOut]
