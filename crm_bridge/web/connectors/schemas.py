"""Other CRMs and what goes to them, as the API gives and takes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, RootModel, StrictBool, StrictFloat, StrictInt

from crm_bridge.clock import iso
from crm_bridge.delivery.outbox import Attempt, Entry
from crm_bridge.web.connectors.view import Crm, Whole
from ivr.calls.call import Micros

Name = Annotated[str, Path(max_length=64, pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Seq = Annotated[int, Path(ge=1, lt=2**63)]
States = Literal["dead", "waiting", "done", "skipped"]
Stands = Literal["works", "waiting", "denied", "unknown", "inactive"]


class LookupOut(BaseModel):
    """What became of asking it who calls, since the start."""

    asked: int
    in_time: int
    late: int
    failed: int
    cached: int
    unasked: int


class CrmOut(BaseModel):
    """One other CRM as it stands."""

    name: str
    kind: str
    configured: bool
    stands: Stands
    since: str | None
    why: str | None
    next_try_at: str | None
    waiting: int
    held: int
    dead: int
    skipped: int
    oldest_at: str | None
    done_hour: int
    done_day: int
    polled_at: str | None
    lookup: LookupOut | None


class AttemptOut(BaseModel):
    """One try."""

    attempt: int
    at: str
    took_seconds: float
    outcome: str
    error: str | None


class ThereOut(BaseModel):
    """A record of ours there."""

    key: str
    kind: str
    id: str
    url: str | None
    status: str | None
    native: str | None


class EntryOut(BaseModel):
    """One change that a CRM shall hear of."""

    seq: int
    connector: str
    kind: str
    subject: str
    revision: int
    state: States
    behind: Literal["waiting", "dead"] | None
    made_at: str
    next_at: str | None
    attempts: int
    last_error: str | None
    done_at: str | None
    overrides: dict[str, Any]
    version: int


class EntryWhole(EntryOut):
    """The same with its tries, and where its record stands there."""

    tried: list[AttemptOut]
    held: int
    there: list[ThereOut]


class Why(BaseModel):
    """Why an entry does not go."""

    model_config = ConfigDict(extra="forbid")
    why: Annotated[str, Field(max_length=500)] = ""


Set = StrictBool | StrictInt | StrictFloat | Annotated[str, Field(max_length=20_000)]


class Overrides(RootModel[dict[Annotated[str, Field(max_length=500)], Set]]):
    """What goes to these fields instead: `contact.FIELD`, `ticket.FIELD`, `note.text`."""


class Again(BaseModel):
    """How many are sent again."""

    sent: int


def _iso(moment: Micros | None) -> str | None:
    return None if moment is None else iso(moment)


def crm_out(one: Crm) -> CrmOut:
    """A CRM as the API gives it."""
    count, source = one.count, one.source
    counters = source.counters if source is not None else None
    return CrmOut.model_validate(
        {
            "name": one.name,
            "kind": count.kind,
            "configured": one.section is not None,
            "stands": one.stands,
            "since": _iso(one.since),
            "why": one.why,
            "next_try_at": _iso(one.next_us),
            "waiting": count.waiting,
            "held": count.held,
            "dead": count.dead,
            "skipped": count.skipped,
            "oldest_at": _iso(count.oldest_us),
            "done_hour": one.done_hour,
            "done_day": one.done_day,
            "polled_at": _iso(one.polled_us),
            "lookup": None
            if counters is None
            else {name: getattr(counters, name) for name in LookupOut.model_fields},
        }
    )


def entry_out(one: Entry) -> EntryOut:
    """An entry as the API gives it."""
    return EntryOut.model_validate(_entry(one))


def whole_out(found: Whole) -> EntryWhole:
    """An entry with its tries."""
    return EntryWhole.model_validate(
        {
            **_entry(found.line.entry),
            "tried": [_attempt(one) for one in found.attempts],
            "held": found.held,
            "there": [
                {"key": link.key, "kind": link.kind.value, "id": link.id, "url": link.url,
                 "status": link.status and link.status.value, "native": link.native}
                for link in found.there
            ],
        }
    )  # fmt: skip


def _entry(one: Entry) -> dict[str, Any]:
    return {
        "seq": one.seq,
        "connector": one.connector,
        "kind": one.kind,
        "subject": one.subject,
        "revision": one.revision,
        "state": one.state.value,
        "behind": one.behind and one.behind.value,
        "made_at": iso(one.made_us),
        "next_at": iso(one.next_us) if one.next_us else None,
        "attempts": one.attempts,
        "last_error": one.last_error,
        "done_at": _iso(one.done_us),
        "overrides": dict(one.overrides),
        "version": one.version,
    }


def _attempt(one: Attempt) -> dict[str, Any]:
    return {
        "attempt": one.attempt,
        "at": iso(one.at_us),
        "took_seconds": one.took_us / 1_000_000,
        "outcome": one.outcome,
        "error": one.error,
    }
