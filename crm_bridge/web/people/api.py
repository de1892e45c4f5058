"""The acts on people: found, made, edited, their numbers and notes, merged and taken apart."""

from __future__ import annotations

from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Query, Request, Response

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.errors import Refused
from crm_bridge.people import merge, persons
from crm_bridge.people import notes as notes_module
from crm_bridge.people.search import Hit, search
from crm_bridge.web import etags, paging
from crm_bridge.web.context import Context, context
from crm_bridge.web.people.finding import parse_ticket
from crm_bridge.web.people.schemas import (
    E164,
    ContactOut,
    Details,
    Found,
    MergeOut,
    NewMerge,
    NewNote,
    NewNumber,
    NewPerson,
    NoteOut,
    PersonId,
    PersonOut,
    SuggestionOut,
    contact_out,
    found_out,
    merge_out,
    note_out,
    person_out,
    suggestion_out,
)
from crm_bridge.web.policy import who

_log = structlog.get_logger(__name__)

router = APIRouter(prefix="/api/v1/people", tags=["people"])

READERS: Final = (
    Role.AGENT, Role.SUPERVISOR, Role.DIRECTOR, Role.ADMINISTRATOR, Role.AUDITOR,
)  # fmt: skip
"""Roles of the hotline itself: an officer outside sees the case, never the person's record."""
WRITERS: Final = (Role.AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR)
Reader = Annotated[Account, who(*READERS)]
Writer = Annotated[Account, who(*WRITERS)]
Asked = Annotated[
    str, Query(max_length=200, description="a number or four digits of it, a name, a ticket")
]


@router.get("", summary="Find people")
async def find(
    request: Request,
    me: Reader,
    q: Asked = "",
    cursor: paging.Cursor = None,
    limit: paging.Limit = 50,
) -> paging.Page[Found]:
    """The likeliest first; slips, missing tone marks and titles do not hide anybody."""
    hits, after = await ranked(request, q), paging.decode(cursor, int)
    start = max(0, after[0]) if after else 0
    shown = hits[start : start + limit]
    more = start + limit < len(hits)
    return paging.Page(
        items=[found_out(hit) for hit in shown],
        next=paging.encode([start + limit]) if more else None,
    )


def tell(held: Context, person_id: str) -> None:
    """After the commit: whoever shows the person looks again."""
    held.hub.publish("people", "changed", {"person_id": person_id}, key=person_id)


async def ranked(request: Request, q: str) -> list[Hit]:
    """Everyone found, ranked; nobody where too little is asked for."""
    if not q.strip():
        return []
    async with context(request).database.reading() as connection:
        return await search(connection, q, parse_ticket=parse_ticket)


@router.post("", summary="Make a person", status_code=201)
async def make(request: Request, response: Response, me: Writer, given: NewPerson) -> PersonOut:
    """With a name, a number, or both."""
    held = context(request)
    fields = given.model_dump(exclude_unset=True, exclude={"numbers"})
    async with held.database.writing() as connection:
        person = await persons.create(
            connection, held.clock, me, fields=fields, numbers=given.numbers
        )
        numbers = await persons.numbers_of(connection, person.id)
    tell(held, person.id)
    etags.give(response, person.version)
    return person_out(person, numbers)


@router.get("/duplicates", summary="Who are likely one person")
async def duplicates(request: Request, me: Reader) -> list[SuggestionOut]:
    """Pairs with the same number and like names."""
    async with context(request).database.reading() as connection:
        return [suggestion_out(pair) for pair in await merge.suggestions(connection)]


@router.get("/{person_id}", summary="A person")
async def one(request: Request, response: Response, me: Reader, person_id: PersonId) -> PersonOut:
    """With its ETag, which an edit names; a merged person is the one it was merged into."""
    async with context(request).database.reading() as connection:
        person = await persons.get(connection, person_id)
        numbers = await persons.numbers_of(connection, person.id)
    etags.give(response, person.version)
    return person_out(person, numbers)


@router.patch("/{person_id}", summary="Edit a person")
async def edit(
    request: Request, response: Response, me: Writer, person_id: PersonId, given: Details
) -> PersonOut:
    """What is left out stays; `If-Match` names the version that was seen."""
    held, version = context(request), etags.seen(request)
    fields = given.model_dump(exclude_unset=True)
    async with held.database.writing() as connection:
        person = await persons.edit(connection, held.clock, me, person_id, version, fields)
        numbers = await persons.numbers_of(connection, person.id)
    tell(held, person.id)
    etags.give(response, person.version)
    return person_out(person, numbers)


@router.post("/{person_id}/numbers", summary="Add a number")
async def add_number(
    request: Request, response: Response, me: Writer, person_id: PersonId, given: NewNumber
) -> PersonOut:
    """One that is there already changes nothing."""
    held = context(request)
    async with held.database.writing() as connection:
        person = await persons.add_number(
            connection, held.clock, me, person_id, given.number, given.label
        )
        numbers = await persons.numbers_of(connection, person.id)
    tell(held, person.id)
    etags.give(response, person.version)
    return person_out(person, numbers)


@router.delete("/{person_id}/numbers/{e164}", summary="Take a number off")
async def remove_number(
    request: Request, response: Response, me: Writer, person_id: PersonId, e164: E164
) -> PersonOut:
    """Calls that came from it stay as they are."""
    held = context(request)
    async with held.database.writing() as connection:
        person = await persons.remove_number(connection, held.clock, me, person_id, e164)
        numbers = await persons.numbers_of(connection, person.id)
    tell(held, person.id)
    etags.give(response, person.version)
    return person_out(person, numbers)


@router.get("/{person_id}/notes", summary="Notes, the newest first")
async def notes(request: Request, me: Reader, person_id: PersonId) -> list[NoteOut]:
    """At most a hundred."""
    async with context(request).database.reading() as connection:
        person = await persons.get(connection, person_id)
        return [note_out(note) for note in await notes_module.notes_of(connection, person.id)]


@router.post("/{person_id}/notes", summary="Write a note", status_code=201)
async def write_note(request: Request, me: Writer, person_id: PersonId, given: NewNote) -> NoteOut:
    """It stays with its writer and time."""
    held = context(request)
    async with held.database.writing() as connection:
        note = await notes_module.add_note(
            connection, held.clock, me, person_id, given.text, given.call_id
        )
    tell(held, person_id)
    return note_out(note)


@router.get("/{person_id}/contacts", summary="The last calls of a person's numbers")
async def contacts(
    request: Request, me: Reader, person_id: PersonId, limit: paging.Limit = 20
) -> list[ContactOut]:
    """The newest first."""
    async with context(request).database.reading() as connection:
        person = await persons.get(connection, person_id)
        found = await persons.last_contacts(connection, [], person.id, limit)
    return [contact_out(contact) for contact in found]


@router.get("/{person_id}/duplicates", summary="Who is likely this person")
async def likely(request: Request, me: Reader, person_id: PersonId) -> list[SuggestionOut]:
    """Others with the same number and a like name."""
    async with context(request).database.reading() as connection:
        person = await persons.get(connection, person_id)
        found = await merge.suggestions(connection, person.id)
    return [suggestion_out(pair) for pair in found]


@router.post("/{person_id}/merges", summary="Merge another record into this person")
async def merge_into(
    request: Request, me: Writer, person_id: PersonId, given: NewMerge
) -> MergeOut:
    """Nothing is copied or lost; it can be undone."""
    held = context(request)
    async with held.database.writing() as connection:
        made = await merge.merge(
            connection, held.clock, me, keep=person_id, other=given.other, why=given.why
        )
    tell(held, person_id)
    _log.info("persons merged", merge=made.id, by=me.id)
    return merge_out(made)


@router.get("/{person_id}/merges", summary="Merges a person took part in")
async def merges(request: Request, me: Reader, person_id: PersonId) -> list[MergeOut]:
    """The newest first, undone ones too."""
    async with context(request).database.reading() as connection:
        person = await persons.get(connection, person_id)
        return [merge_out(made) for made in await merge.merges_of(connection, person.id)]


@router.delete("/{person_id}/merges/{merge_id}", summary="Undo a merge")
async def undo_merge(
    request: Request, me: Writer, person_id: PersonId, merge_id: PersonId
) -> MergeOut:
    """Both are again who they were."""
    held = context(request)
    async with held.database.writing() as connection:
        person = await persons.get(connection, person_id)
        if merge_id not in {m.id for m in await merge.merges_of(connection, person.id)}:
            raise Refused("no-such-merge", "ไม่พบการรวมข้อมูลนี้", "There is no such merge.", 404)
        made = await merge.undo(connection, held.clock, me, merge_id)
    tell(held, person_id)
    _log.info("merge undone", merge=made.id, by=me.id)
    return merge_out(made)
