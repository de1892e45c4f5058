"""Rules by which callers are received at queues, over the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.clock import iso
from crm_bridge.desk import caller_rules
from crm_bridge.desk.caller_rules import LONGEST_REASON, Kind, Rule, Treatment, Wanted
from crm_bridge.web.context import context
from crm_bridge.web.policy import who
from ivr.steps.standards import OFFICE_ZONE

router = APIRouter(prefix="/api/v1/caller-rules", tags=["caller rules"])

MAY_READ = (Role.ADMINISTRATOR, Role.SUPERVISOR, Role.DIRECTOR, Role.AUDITOR)
MAY_RULE = (Role.ADMINISTRATOR, Role.SUPERVISOR)
Reader = Annotated[Account, who(*MAY_READ)]
Ruler = Annotated[Account, who(*MAY_RULE)]
PLAIN = r"^[^\u0000-\u001f\u007f]*$"


class RuleIn(BaseModel):
    """A rule of a number, of a person, or of the number that called in a call."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind
    treatment: Treatment
    reason: str = Field(max_length=LONGEST_REASON, pattern=PLAIN)
    until: datetime | None = Field(
        None, description="its end; without an offset it is Bangkok's time; null: until it is ended"
    )
    number: str | None = Field(None, max_length=80, pattern=PLAIN)
    person: str | None = Field(None, max_length=64, pattern=PLAIN)
    call: str | None = Field(None, max_length=300, pattern=PLAIN)


class RuleOut(BaseModel):
    """A rule; `ended_at` is null while it is in force, and of one that ended at `until`."""

    id: str
    kind: Kind
    treatment: Treatment
    number: str | None
    person: str | None
    call: str | None
    reason: str
    begun_at: str
    begun_by: str
    until: str | None
    ended_at: str | None
    ended_by: str | None

    @classmethod
    def of(cls, one: Rule) -> RuleOut:
        """The published form."""
        return cls(
            id=one.id, kind=one.kind, treatment=one.treatment, number=one.e164,
            person=one.person_id, call=one.call_id, reason=one.reason, begun_at=iso(one.begun_us),
            begun_by=one.begun_by, until=iso(one.until_us) if one.until_us else None,
            ended_at=iso(one.ended_us) if one.ended_us else None, ended_by=one.ended_by,
        )  # fmt: skip


@router.get("", summary="Rules in force, or those that have ended")
async def every(request: Request, me: Reader, ended: bool = False) -> list[RuleOut]:
    """The newest first, two hundred at the most."""
    held = context(request)
    async with held.database.reading() as connection:
        found = await caller_rules.page(connection, held.clock.now_us(), ended=ended)
    return [RuleOut.of(one) for one in found]


@router.post("", status_code=201, summary="Make a rule")
async def make(request: Request, me: Ruler, given: RuleIn) -> RuleOut:
    """The line knows it within five seconds."""
    held = context(request)
    until = given.until
    if until is not None and until.tzinfo is None:
        until = until.replace(tzinfo=OFFICE_ZONE)
    wanted = Wanted(
        given.kind, given.treatment, given.reason,
        None if until is None else round(until.timestamp() * 1_000_000),
        given.number, given.person, given.call,
    )  # fmt: skip
    async with held.database.writing() as connection:
        spared = caller_rules.spared_by(held.config.directory())
        made = await caller_rules.make(connection, held.clock, me, wanted, spared)
    return RuleOut.of(made)


@router.delete("/{rule_id}", summary="End a rule")
async def end(
    request: Request, me: Ruler, rule_id: Annotated[str, Path(max_length=64, pattern=PLAIN)]
) -> RuleOut:
    """It stays on the list of those that have ended."""
    held = context(request)
    async with held.database.writing() as connection:
        return RuleOut.of(await caller_rules.end(connection, held.clock, me, rule_id))
