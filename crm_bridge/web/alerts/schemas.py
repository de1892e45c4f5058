"""Alerts and their rules as the API gives and takes them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from crm_bridge.alerts.alert_book import Kept
from crm_bridge.alerts.keeper import view
from crm_bridge.alerts.rule_book import Change
from crm_bridge.alerts.rules import LONGEST_QUIET, SHORTEST_CLEAR, Kind, Level, Rule, Unit
from crm_bridge.clock import iso

RuleId = Annotated[str, Field(max_length=40, pattern=r"^[a-z0-9-]+$")]
AlertId = Annotated[str, Field(max_length=64, pattern=r"^[0-9a-f]+$")]
Amount = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Word = Annotated[str, Field(max_length=100, pattern=r"^[\x21-\x7e]*$")]
Address = Annotated[str, Field(max_length=254, pattern=r"^[\x21-\x7e]+$")]


class AlertOut(BaseModel):
    """One time that a rule was raised for something; moments in ISO 8601, UTC."""

    model_config = ConfigDict(extra="forbid")

    id: str
    rule: str
    kind: Kind
    subject: str = Field(description="a queue (*: all together), a step, a ticket, a system")
    level: Level
    th: str
    en: str
    value: float = Field(description="when it was raised, in the unit of its kind")
    worst: float
    threshold: float
    since: str
    cleared: str | None = Field(description="null while it is raised")
    acknowledged: str | None
    acknowledged_by: str | None
    snoozed: str | None = Field(description="until when nobody is told of it")
    test: bool

    @classmethod
    def of(cls, kept: Kept) -> AlertOut:
        """The published form."""
        return cls(**view(kept.alert), acknowledged_by=kept.by_th)


class Alerts(BaseModel):
    """Alerts to which somebody sees."""

    ids: Annotated[list[AlertId], Field(min_length=1, max_length=500)]


class Snooze(Alerts):
    """Alerts of which nobody is to be told for a while."""

    minutes: Annotated[int, Field(ge=5, le=LONGEST_QUIET)]


class Amended(BaseModel):
    """Of which alerts that is so now; those that are over were passed over."""

    ids: list[str]


class RuleNew(BaseModel):
    """A rule to be added: it begins off, with what is usual for its kind."""

    kind: Kind


class RuleEdit(BaseModel):
    """A rule as it is from now on; values are in the unit of its kind."""

    level: Level
    threshold: Amount
    clear_at: Amount = Field(description="past this it is cleared")
    scope: Word = Field("", description="a queue, * for all together, empty for each by itself")
    window: int = Field(0, ge=0, le=480, description="minutes that a service level is of; 0: today")
    least: int = Field(0, ge=0, le=10_000, description="calls that a service level is of, at least")
    hold: int = Field(0, ge=0, le=3600, description="seconds for which it must hold")
    clear_after: int = Field(
        15, ge=SHORTEST_CLEAR, le=3600, description="seconds for which it must be away"
    )
    quiet: int = Field(10, ge=0, le=LONGEST_QUIET, description="minutes between two messages of it")
    active: bool = True
    browser: bool = False
    emails: Annotated[list[Address], Field(max_length=20)] = []
    webhooks: Annotated[list[Word], Field(max_length=20)] = []

    def rule(self, rule_id: str, kind: Kind) -> Rule:
        """The rule of this id and kind as it is to be."""
        given: dict[str, Any] = self.model_dump()
        given |= {"emails": tuple(self.emails), "webhooks": tuple(self.webhooks)}
        return Rule(id=rule_id, kind=kind, **given)


class RuleOut(RuleEdit):
    """A rule; its version is the ETag."""

    id: str
    kind: Kind
    unit: Unit
    version: int

    @classmethod
    def of(cls, one: Rule) -> RuleOut:
        """The published form."""
        names = [name for name in RuleEdit.model_fields if name not in {"emails", "webhooks"}]
        return cls(
            id=one.id, kind=one.kind, unit=one.form.unit, version=one.version,
            emails=list(one.emails), webhooks=list(one.webhooks),
            **{name: getattr(one, name) for name in names},
        )  # fmt: skip


class ChangeOut(BaseModel):
    """One change of a rule: what is another than before."""

    rule: str
    version: int
    at: str
    by: str
    was: dict[str, Any]
    became: dict[str, Any]

    @classmethod
    def of(cls, one: Change) -> ChangeOut:
        """The published form."""
        return cls(
            rule=one.rule, version=one.version, at=iso(one.at), by=one.by_th, was=dict(one.was),
            became=dict(one.became),
        )  # fmt: skip


class Tried(BaseModel):
    """A test is under way: to whom."""

    id: str
    browser: bool
    emails: list[str]
    webhooks: list[str]
