"""What the acts of supervisors take and give."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from crm_bridge.clock import iso
from crm_bridge.desk.notices import Kind, Notice
from crm_bridge.desk.supervision_acting import Acted
from crm_bridge.desk.supervision_log import Act, Came, Line
from crm_bridge.desk.supervision_officers import LONGEST

NoticeId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]

_Extension = Annotated[str, Field(max_length=8, pattern=r"^[0-9]+$")]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AtCall(_Given):
    """Whose call."""

    agent: _Extension = Field(description="the officer's extension")
    call_id: str = Field(max_length=80, pattern=r"^[A-Za-z0-9._-]+$")


class Whom(_Given):
    """Which officer."""

    extension: _Extension


class ForcedPause(Whom):
    """Which officer, and why."""

    reason: str = Field(max_length=40, description="code of a reason for a pause")


class Message(_Given):
    """What is written, and to whom."""

    text: Annotated[str, Field(max_length=LONGEST, pattern=r"^[^\u0000]*$")]
    extension: _Extension | None = Field(
        None, description="the officer's; null: all who sit at a telephone"
    )


class ActedOut(BaseModel):
    """An act that has happened."""

    act: Act
    id: str = Field(description="its line in the audit list; empty where nothing was to be done")
    changed: bool = Field(description="false where it was so already")
    to: int = Field(description="of a message: to how many it went")

    @classmethod
    def of(cls, acted: Acted) -> ActedOut:
        """The published form."""
        return cls(act=acted.act, id=acted.id, changed=acted.changed, to=acted.to)


class RulesOut(BaseModel):
    """What is allowed, by the settings of `[supervision]`."""

    listen: bool
    whisper: bool
    barge: bool
    take_over: bool
    force_pause: bool
    force_sign_out: bool
    message: bool
    tell_officer: bool


class LineOut(BaseModel):
    """One act in the audit list."""

    id: str
    act: Act
    outcome: Came
    refused_as: str | None
    started_at: str
    ended_at: str | None = Field(description="null: it goes on, or was not heard")
    by_account: str
    by_th: str
    by_en: str
    by_extension: str | None
    to_account: str | None
    to_th: str
    to_en: str
    to_extension: str | None
    call_id: str | None
    detail: str

    @classmethod
    def of(cls, line: Line) -> LineOut:
        """The published form."""
        return cls(
            id=line.id, act=line.act, outcome=line.outcome, refused_as=line.refused_as,
            started_at=iso(line.started_us),
            ended_at=iso(line.ended_us) if line.ended_us is not None else None,
            by_account=line.by_account, by_th=line.by_names[0], by_en=line.by_names[1],
            by_extension=line.by_extension, to_account=line.to_account, to_th=line.to_names[0],
            to_en=line.to_names[1], to_extension=line.to_extension, call_id=line.call_id,
            detail=line.detail,
        )  # fmt: skip


class NoticeOut(BaseModel):
    """A notice that I have not read."""

    id: str
    kind: Kind
    text: str
    sent_at: str
    from_th: str
    from_en: str

    @classmethod
    def of(cls, notice: Notice) -> NoticeOut:
        """The published form."""
        return cls(
            id=notice.id, kind=notice.kind, text=notice.body, sent_at=iso(notice.sent_us),
            from_th=notice.from_th, from_en=notice.from_en,
        )  # fmt: skip


class NoticesOut(BaseModel):
    """What I have not read, the newest first."""

    items: list[NoticeOut]
