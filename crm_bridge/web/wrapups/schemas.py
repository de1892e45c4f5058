"""What the routes of calls, their records and drafts take and give."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, Field

from crm_bridge.clock import iso
from crm_bridge.desk.lost_calls import LostCall
from crm_bridge.desk.wrapup import Wrapup
from crm_bridge.desk.wrapups import Count, Unlogged

PLAIN = r"^[^\u0000-\u001f\u007f]*$"
"""One line of text: no control characters."""

CallId = Annotated[
    str, Path(min_length=1, max_length=300, pattern=PLAIN, description="the call's id")
]
DraftKey = Annotated[
    str,
    Path(
        max_length=200, pattern=r"^[a-z][a-z_-]{0,30}:[A-Za-z0-9._:-]{1,160}$",
        description="what the draft is for: `wrapup:CALLID`, `complaint:CALLID` …",
    ),
]  # fmt: skip

ServiceName = Literal["information", "complaint", "appointment", "market_information"]
OutcomeName = Literal[
    "served", "abandoned_menu", "abandoned_queue", "queue_timeout", "short", "failed",
    "interrupted", "unknown",
]  # fmt: skip
MarkName = Literal["form_opened", "informed", "enquire_begin", "enquire_end"]


class WrapupIn(BaseModel):
    """An officer's record of a call, to be saved."""

    service: str = Field("", max_length=40, pattern=PLAIN)
    outcome: str = Field("", max_length=40, pattern=PLAIN)
    subject_id: str | None = Field(None, max_length=64, pattern=PLAIN)
    summary: str = Field("", max_length=20_000)
    follow_up: str = Field("", max_length=2_000)
    follow_up_on: str | None = Field(None, max_length=20, pattern=PLAIN, description="2026-11-30")
    follow_up_done: bool = False
    informed: bool = False
    asked_agency: bool = False
    agent: str | None = Field(
        None, max_length=64, pattern=PLAIN,
        description="the officer whose record it is; needed where the account was none of them",
    )  # fmt: skip


class WrapupOut(BaseModel):
    """An officer's record of a call as it is saved; its version is the ETag."""

    call_id: str
    agent: str
    account_id: str
    service: str
    outcome: str
    subject_id: str | None
    summary: str
    follow_up: str
    follow_up_on: str | None
    follow_up_done: bool
    informed: bool
    asked_agency: bool
    saved_at: str
    updated_at: str
    version: int

    @classmethod
    def of(cls, saved: Wrapup) -> WrapupOut:
        """The published form of a saved record."""
        e = saved.entry
        return cls(
            call_id=saved.call_id, agent=saved.agent, account_id=saved.account_id,
            service=e.service, outcome=e.outcome, subject_id=e.subject_id, summary=e.summary,
            follow_up=e.follow_up, follow_up_on=e.follow_up_on, follow_up_done=e.follow_up_done,
            informed=e.informed, asked_agency=e.asked_agency, saved_at=iso(saved.saved_us),
            updated_at=iso(saved.updated_us), version=saved.version,
        )  # fmt: skip


class MarkIn(BaseModel):
    """An act that the telephone does not show."""

    mark: MarkName
    value: str = Field("", max_length=200, description="enquire_begin: the agency's id")
    agent: str | None = Field(None, max_length=64, pattern=PLAIN)


class MarkOut(BaseModel):
    """The act as it is on the call's record."""

    call_id: str
    mark: str
    at: str
    by: str


class DraftOut(BaseModel):
    """What a person has typed and not yet saved."""

    key: str
    body: dict[str, Any]
    updated_at: str


class DraftKept(BaseModel):
    """When the draft was kept."""

    updated_at: str


class UnloggedOut(BaseModel):
    """A call that waits for its officer's record."""

    call_id: str
    agent: str
    entered_at: str
    released_at: str
    direction: str
    caller_number: str | None
    caller_name: str | None
    service: str | None

    @classmethod
    def of(cls, found: Unlogged) -> UnloggedOut:
        """The published form."""
        return cls(
            call_id=found.call_id, agent=found.agent, entered_at=iso(found.entered_us),
            released_at=iso(found.released_us), direction=found.direction,
            caller_number=found.caller_e164 or found.caller_presented,
            caller_name=found.caller_name, service=found.service,
        )  # fmt: skip


class CountOut(BaseModel):
    """An officer's calls in a span of time, and how many of them are logged."""

    agent: str
    handled: int
    logged: int

    @classmethod
    def of(cls, count: Count) -> CountOut:
        """The published form."""
        return cls(agent=count.agent, handled=count.handled, logged=count.logged)


class LostOut(BaseModel):
    """A number whose calls were lost, and how far the calling back is."""

    call_id: str
    number: str
    name: str | None
    service: str | None
    outcome: str
    entered_at: str
    ended_at: str | None
    times: int
    state: str
    tried: int
    settled_by: str | None
    settled_at: str | None
    officer: str | None
    reason: str
    asked_at: str | None
    """When the caller asked to be called back at this number; null where he did not."""
    out_of_hours: bool
    keeps_place: bool
    """He keeps his place in a queue, and the line calls him in his turn."""
    not_called: str | None
    """Why the line calls him no more: busy, no_answer, unreachable, expired, …"""

    @classmethod
    def of(cls, line: LostCall) -> LostOut:
        """The published form."""
        return cls(
            call_id=line.call_id, number=line.e164, name=line.name, service=line.service,
            outcome=line.outcome, entered_at=iso(line.entered_us),
            ended_at=None if line.ended_us is None else iso(line.ended_us), times=line.times,
            state=line.state.value, tried=line.tried, settled_by=line.settled_by,
            settled_at=None if line.settled_us is None else iso(line.settled_us),
            officer=line.officer, reason=line.reason,
            asked_at=None if line.asked_us is None else iso(line.asked_us),
            out_of_hours=line.out_of_hours, keeps_place=line.keeps_place,
            not_called=line.not_called,
        )  # fmt: skip


class Reason(BaseModel):
    """Why nobody is called back any more."""

    reason: str = Field("", max_length=1_000)
