"""What the routes of people take and give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from crm_bridge.clock import iso
from crm_bridge.people.matching import Contact
from crm_bridge.people.merge import Merge, Suggestion
from crm_bridge.people.notes import Note
from crm_bridge.people.persons import Number, Person
from crm_bridge.people.privacy import Identity, PrivacyAct
from crm_bridge.people.search import Hit

PersonId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="a person's id")]
E164 = Annotated[str, Path(pattern=r"^\+[0-9]{4,15}$", description="a number in E.164")]
Text = Annotated[str, Field(max_length=4000)]
Why = Annotated[str, Field(max_length=500, description="the reason, kept with the act")]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Details(_Given):
    """What can be kept of a person; what is left out stays, null empties it."""

    name: Annotated[str, Field(max_length=400)] | None = None
    email: Annotated[str, Field(max_length=400)] | None = None
    province: Annotated[str, Field(max_length=100)] | None = Field(None, description="Thai name")
    address: Text | None = None
    language: Annotated[str, Field(max_length=10)] | None = Field(None, description="th, en, other")
    notes: Text | None = Field(None, description="what to know before speaking")


class NewPerson(Details):
    """A new person: a name, a number, or both."""

    numbers: Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=50)] = Field(
        [], description="in any written form"
    )


class NewNumber(_Given):
    """One number more."""

    number: str = Field(max_length=80, description="in any written form")
    label: str | None = Field(None, max_length=60, description="mobile, home, office …")


class NewNote(_Given):
    """A note."""

    text: str = Field(max_length=8000)
    call_id: str | None = Field(None, max_length=255, description="the call it was taken in")


class NewMerge(_Given):
    """The other record of the same person."""

    other: str = Field(pattern="^[0-9a-f]{32}$", description="the person who becomes this one")
    why: Why = ""


class NewRequest(_Given):
    """A request of a person for a copy or for erasure."""

    kind: Literal["export", "erasure"]
    why: Why


class DoRequest(_Given):
    """Carrying out an export or erasure."""

    why: Why = ""
    request: str | None = Field(
        None, pattern="^[0-9a-f]{32}$", description="the request this answers"
    )
    identity: Identity = Field(
        Identity.NOT_STATED, description="how it was made sure who asks; kept on record"
    )


class Declined(_Given):
    """Why a request is not carried out; the person is told."""

    why: Why


class NumberOut(BaseModel):
    """A number of a person."""

    e164: str
    label: str | None
    shared: int = Field(description="how many other persons have it too")


class NoteOut(BaseModel):
    """A note."""

    id: str
    at: str
    by_th: str
    by_en: str
    call_id: str | None
    text: str


class PersonOut(BaseModel):
    """A person."""

    id: str
    name: str | None
    email: str | None
    province: str | None
    address: str | None
    language: str
    notes: str | None
    version: int
    created_at: str
    updated_at: str
    numbers: Sequence[NumberOut]


class Found(BaseModel):
    """One that was found; `person_id` is null for a number that is nobody's yet."""

    person_id: str | None
    name: str | None
    province: str | None
    numbers: Sequence[str]
    by: str
    score: float


class MergeOut(BaseModel):
    """A merge."""

    id: str
    person_id: str
    into_id: str
    at: str
    why: str
    undone_at: str | None


class SuggestionOut(BaseModel):
    """Two who are likely one person."""

    e164: str
    first: str
    first_name: str | None
    second: str
    second_name: str | None
    likeness: float


class ContactOut(BaseModel):
    """An earlier call."""

    call_id: str
    direction: str
    number: str | None
    entered_at: str
    ended_at: str | None
    outcome: str | None
    service: str | None
    agent: str | None
    subject_th: str | None
    subject_en: str | None
    summary: str | None


class RequestOut(BaseModel):
    """An export or erasure: asked for, done or declined; `holds` is what the law kept."""

    id: str
    person_id: str
    kind: str
    state: str
    why: str
    asked_at: str
    done_at: str | None
    holds: Sequence[Mapping[str, str | None]]
    done: Mapping[str, int]


def person_out(person: Person, numbers: Sequence[Number]) -> PersonOut:
    """The person as the API gives it."""
    return PersonOut(
        id=person.id,
        name=person.name,
        email=person.email,
        province=person.province,
        address=person.address,
        language=person.language,
        notes=person.notes,
        version=person.version,
        created_at=iso(person.created_us),
        updated_at=iso(person.updated_us),
        numbers=[NumberOut(e164=n.e164, label=n.label, shared=n.shared) for n in numbers],
    )


def note_out(note: Note) -> NoteOut:
    """The note as the API gives it."""
    return NoteOut(
        id=note.id,
        at=iso(note.at_us),
        by_th=note.by[0],
        by_en=note.by[1],
        call_id=note.call_id,
        text=note.text,
    )


def found_out(hit: Hit) -> Found:
    """The hit as the API gives it."""
    return Found(
        person_id=hit.person_id,
        name=hit.name,
        province=hit.province,
        numbers=list(hit.numbers),
        by=hit.by,
        score=round(hit.score, 4),
    )


def merge_out(made: Merge) -> MergeOut:
    """The merge as the API gives it."""
    return MergeOut(
        id=made.id,
        person_id=made.person_id,
        into_id=made.into_id,
        at=iso(made.at_us),
        why=made.why,
        undone_at=None if made.undone_us is None else iso(made.undone_us),
    )


def suggestion_out(pair: Suggestion) -> SuggestionOut:
    """The pair as the API gives it."""
    return SuggestionOut(
        e164=pair.e164,
        first=pair.first,
        first_name=pair.first_name,
        second=pair.second,
        second_name=pair.second_name,
        likeness=round(pair.likeness, 1),
    )


def contact_out(contact: Contact) -> ContactOut:
    """The call as the API gives it."""
    th, en = contact.subject or (None, None)
    return ContactOut(
        call_id=contact.call_id,
        direction=contact.direction,
        number=contact.e164,
        entered_at=iso(contact.entered_us),
        ended_at=None if contact.ended_us is None else iso(contact.ended_us),
        outcome=contact.outcome,
        service=contact.service,
        agent=contact.agent,
        subject_th=th,
        subject_en=en,
        summary=contact.summary,
    )


def request_out(act: PrivacyAct) -> RequestOut:
    """The request as the API gives it."""
    return RequestOut(
        id=act.id,
        person_id=act.person_id,
        kind=act.kind,
        state=act.state,
        why=act.why,
        asked_at=iso(act.asked_us),
        done_at=None if act.done_us is None else iso(act.done_us),
        holds=list(act.holds),
        done=dict(act.done),
    )
