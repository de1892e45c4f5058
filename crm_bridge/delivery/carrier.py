"""What one entry of the outbox means to another CRM: which contact, ticket, note and status.

Everything is read when it is sent, and everything is an upsert by our key: an entry carried twice
makes one record. What was learned on the way (links) is kept until it is on disk, also of an entry
that failed halfway; a crash in between leaves records that are found again by their keys. Only that
a contact was there before us cannot be seen afterwards: that is on disk before our key is on it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.clock import Clock
from crm_bridge.config import Config
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.facts import ContactFacts, Facts, WrapupFacts
from crm_bridge.connectors.mapping import Mapping
from crm_bridge.connectors.port import (
    Connector,
    Contact,
    ContactDraft,
    Gone,
    Kind,
    Note,
    Status,
    TakesAlerts,
    TicketDraft,
    Value,
)
from crm_bridge.delivery import case_contents, contents, links
from crm_bridge.delivery.alert_contents import alert_facts
from crm_bridge.delivery.links import Link
from crm_bridge.delivery.outbox import Entry
from crm_bridge.records import outbox as entries
from crm_bridge.records.database import Database
from ivr.calls.call import Micros

NOTHING: Final = "nothing of it is to be told"
STILL_OPEN: Final = "the call still goes on"


class NotYet(Exception):
    """The entry can be carried later: what it is about is not through."""


@dataclass(frozen=True, slots=True)
class Carried:
    """An entry that went; `remark` says what an administrator may wonder about."""

    gone: tuple[str, ...] = ()
    """Keys whose records were not there any more."""
    remark: str | None = None
    asked: bool = True
    """The CRM was asked something for it, and answered."""


@dataclass(slots=True)
class _Trip:
    """What is learned while one entry is carried."""

    entry: Entry
    looked: dict[str, Link | None] = field(default_factory=dict)
    """The links of its keys as they stood when it was read."""
    made: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    theirs: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)
    asked: bool = False


class Carrier:
    """Carries entries to one CRM; give each entry to one task only."""

    def __init__(
        self, connector: Connector, mapping: Mapping, section: ConnectorSection, config: Config,
        database: Database, clock: Clock,
    ) -> None:  # fmt: skip
        self._connector = connector
        self._mapping = mapping
        self._send = frozenset(section.send)
        self._config = config
        self._database = database
        self._clock = clock
        self._fresh: dict[str, Link | None] = {}
        self._theirs: set[str] = set()
        """Keys of contacts that were there before us, and may be gone."""
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def learned(self) -> list[Link]:
        """What was learned since `saved`, also by entries that failed: to be saved."""
        return [link for link in self._fresh.values() if link is not None]

    def saved(self) -> None:
        """What was learned is on disk, and nothing is under way."""
        self._fresh.clear()
        self._theirs.clear()
        self._locks.clear()

    async def carry(self, entry: Entry) -> Carried:
        """Brings the entry there; raises ConnectorError, NotYet or StorageError.

        A record that is not there any more is forgotten and made once more at once.
        """
        trip = _Trip(entry)
        try:
            await self._carry(trip)
        except Gone:
            if not trip.used:
                raise
            self._theirs |= trip.theirs
            trip = _Trip(entry, gone=trip.used, asked=True)
            self._fresh.update(dict.fromkeys(trip.gone))
            await self._carry(trip)
        gone = tuple(trip.gone - trip.made)
        return Carried(gone, "; ".join(trip.remarks) or None, trip.asked)

    async def _carry(self, trip: _Trip) -> None:
        match trip.entry.kind:
            case entries.CALL:
                await self._call(trip)
            case entries.WRAPUP:
                await self._wrapup(trip)
            case entries.CASE:
                await self._case(trip)
            case entries.PERSON:
                await self._person(trip)
            case entries.ALERT:
                await self._alert(trip)
            case other:
                trip.remarks.append(f"no entry of kind {other} is known")

    async def _call(self, trip: _Trip) -> None:
        async with self._database.reading() as connection:
            facts = await contents.call_facts(connection, self._config, trip.entry.subject)
            await self._look(connection, trip, facts)
        await self._call_ticket(trip, facts)

    async def _call_ticket(self, trip: _Trip, facts: Facts | None) -> Link | None:
        if facts is None or facts.call is None or not self._takes("calls"):
            trip.remarks.append(NOTHING)
            return None
        if not self._mapping.wants_call(facts.call):
            trip.remarks.append("the mapping does not want this call")
            return None
        contact = await self._contact(trip, facts)
        # what the call left to do is in cases and wrap-ups: the call itself is over
        return await self._ticket(
            trip, facts.call.key, self._mapping.call(facts), contact, Status.CLOSED
        )

    async def _wrapup(self, trip: _Trip) -> None:
        call_id, _, agent = trip.entry.subject.rpartition("/")
        async with self._database.reading() as connection:
            over = await contents.closed(connection, call_id)
            facts = await contents.wrapup_facts(connection, self._config, call_id, agent)
            await self._look(connection, trip, facts)
        if over is False:
            raise NotYet(STILL_OPEN)
        if facts is None or facts.wrapup is None:
            trip.remarks.append(NOTHING)
            return
        if not facts.wrapup.key.endswith(f"/{trip.entry.revision}"):
            trip.remarks.append("a later version of it goes instead")
            return
        ticket = await self._call_ticket(trip, facts)
        if ticket is not None:
            text = self._text(trip, self._mapping.wrapup_note(facts))
            await self._note(trip, ticket, _of_wrapup(facts.wrapup, text))

    async def _case(self, trip: _Trip) -> None:
        case_id, ordinal = trip.entry.subject, trip.entry.revision
        async with self._database.reading() as connection:
            facts = await case_contents.event_facts(connection, self._config, case_id, ordinal)
            move = await case_contents.move(connection, case_id, ordinal)
            await self._look(connection, trip, facts)
        if facts is None or facts.case is None or move is None or not self._takes("cases"):
            trip.remarks.append(NOTHING)
            return
        contact = await self._contact(trip, facts)
        ticket = await self._ticket(
            trip, facts.case.key, self._mapping.case(facts), contact, move.status
        )
        if facts.event is not None:
            text = self._text(trip, self._mapping.case_note(facts))
            note = Note(facts.event.key, text, facts.event.at, facts.event.by)
            await self._note(trip, ticket, note)
        if move.moved and ticket.status is not move.status:
            native = await self._connector.set_status(ticket.id, move.status)
            trip.asked = True
            now = self._clock.now_us()
            self._know(trip, replace(ticket, status=move.status, native=native, status_us=now))

    async def _person(self, trip: _Trip) -> None:
        async with self._database.reading() as connection:
            facts = await contents.person_facts(connection, self._config, trip.entry.subject)
            await self._look(connection, trip, facts)
        if facts is None:
            trip.remarks.append(NOTHING)
            return
        await self._contact(trip, facts)

    async def _alert(self, trip: _Trip) -> None:
        async with self._database.reading() as connection:
            facts = await alert_facts(connection, self._config, trip.entry.subject)
        if facts is None or not isinstance(self._connector, TakesAlerts):
            trip.remarks.append(NOTHING)
            return
        await self._connector.alert(facts, cleared=trip.entry.revision == entries.CLEARED)
        trip.asked = True

    def _takes(self, what: str) -> bool:
        return what in self._send and self._connector.capabilities.tickets

    async def _contact(self, trip: _Trip, facts: Facts) -> str | None:
        """The id there of who called or complained; None where there is, or shall be, none."""
        contact = facts.contact
        if contact is None or "contacts" not in self._send:
            return None
        if not self._connector.capabilities.contacts:
            return None
        async with self._locks[contact.key]:
            return await self._upsert_contact(trip, facts, contact)

    async def _upsert_contact(self, trip: _Trip, facts: Facts, contact: ContactFacts) -> str | None:
        fields = self._overridden(trip, "contact", self._mapping.contact(facts))
        digest = links.digest(contact.numbers, fields)
        link = await self._known(trip, contact.key)
        if link is not None and (link.digest == digest or _only_a_number(trip.entry, contact)):
            return link.id
        moved = None
        if link is None:
            found, refusal = await self._found(trip, contact)
            if refusal is not None:
                trip.remarks.append(refusal)
                return None
            if found is not None and found.key is None:
                link = await self._take(contact.key, found)
            known, theirs = (None, False) if found is None else (found.id, link is not None)
            if found is not None and found.key is not None:
                theirs = await self._is_theirs(trip, contact.key, found.key)
                moved = found.key if found.key != contact.key else None
        else:
            known, theirs = link.id, link.theirs
        ref = await self._connector.upsert_contact(
            ContactDraft(
                contact.key, contact.numbers, fields, known, theirs, revision=trip.entry.seq
            )
        )
        trip.asked = True
        if moved is not None:  # that record bears this key now: by the other it is nobody's
            trip.gone.add(moved)
            self._fresh[moved] = None
        made = self._link(contact.key, Kind.CONTACT, ref.id, ref.url, digest, link)
        self._know(trip, replace(made, theirs=theirs))
        return ref.id

    async def _found(self, trip: _Trip, contact: ContactFacts) -> tuple[Contact | None, str | None]:
        """The contact there to be taken, or None; or why none may be taken nor made."""
        if contact.number is None or not self._connector.capabilities.lookup:
            return None, None
        number_key = f"number:{contact.number}"
        found = await self._connector.find_contacts(contact.number)
        trip.asked = True
        for key in (contact.key, number_key):
            mine = next((one for one in found if one.key == key), None)
            if mine is not None:
                return mine, None
        strangers = [one for one in found if one.key is None]
        if len(strangers) > 1:
            return None, f"{len(strangers)} contacts there have this number: none was taken"
        return (strangers[0] if strangers else None), None

    async def _take(self, key: str, found: Contact) -> Link:
        """Keeps, before our key is written on it, that this contact was there before us."""
        now = self._clock.now_us()
        taken = Link(
            self._connector.name, key, Kind.CONTACT, found.id, found.url, True, None, None, None,
            None, now, now,
        )  # fmt: skip
        async with self._database.writing() as connection:
            await links.save(connection, [taken])
        self._fresh[key] = taken
        return taken

    async def _is_theirs(self, trip: _Trip, key: str, borne: str) -> bool:
        """Whether a contact that bears a key of ours was there before us."""
        before = await self._known(trip, borne)
        return bool({key, borne} & self._theirs) or (before is not None and before.theirs)

    async def _ticket(
        self, trip: _Trip, key: str, mapped: dict[str, Value], contact: str | None, status: Status
    ) -> Link:
        async with self._locks[key]:
            fields = self._overridden(trip, "ticket", mapped)
            digest = links.digest(contact, fields)
            link = await self._known(trip, key)
            if link is not None and link.digest == digest:
                return link
            ref = await self._connector.upsert_ticket(
                TicketDraft(
                    key, fields, contact, status, None if link is None else link.id,
                    revision=trip.entry.seq,
                )
            )  # fmt: skip
            trip.asked = True
            made = self._link(key, Kind.TICKET, ref.id, ref.url, digest, link)
            if link is None and ref.made:
                made = replace(made, status=status, native=self._mapping.native(status),
                               status_us=self._clock.now_us())  # fmt: skip
            self._know(trip, made)
            return made

    async def _note(self, trip: _Trip, ticket: Link, note: Note) -> None:
        if note.text.strip():
            await self._connector.add_note(ticket.id, note)
            trip.asked = True

    def _text(self, trip: _Trip, mapped: str) -> str:
        return str(trip.entry.overrides.get("note.text", mapped))

    def _overridden(self, trip: _Trip, scope: str, fields: dict[str, Value]) -> dict[str, Value]:
        """The fields with what a person set by hand over them."""
        prefix = f"{scope}."
        return fields | {
            name.removeprefix(prefix): value
            for name, value in trip.entry.overrides.items()
            if name.startswith(prefix)
        }

    async def _look(self, connection: AsyncConnection, trip: _Trip, facts: Facts | None) -> None:
        """Reads, with what is to be told, what of it stands there."""
        if facts is None:
            return
        records = (facts.contact, facts.call, facts.case)
        keys = [record.key for record in records if record is not None]
        found = await links.of_keys(connection, keys)
        mine = {link.key: link for link in found if link.connector == self._connector.name}
        trip.looked = {key: mine.get(key) for key in keys}

    async def _known(self, trip: _Trip, key: str) -> Link | None:
        trip.used.add(key)
        if key in self._fresh:
            link = self._fresh[key]
        elif key in trip.gone:
            link = None
        elif key in trip.looked:
            link = trip.looked[key]
        else:
            async with self._database.reading() as connection:
                link = await links.find(connection, self._connector.name, key)
        if link is not None and link.theirs:
            trip.theirs.add(key)
        return link

    def _know(self, trip: _Trip, link: Link) -> None:
        trip.made.add(link.key)
        self._fresh[link.key] = link

    def _link(
        self, key: str, kind: Kind, record: str, url: str | None, digest: str, before: Link | None
    ) -> Link:
        now: Micros = self._clock.now_us()
        if before is not None:
            return replace(before, id=record, url=url, digest=digest, updated_us=now)
        return Link(
            self._connector.name, key, kind, record, url, False, digest, None, None, None, now, now
        )


def _of_wrapup(wrapup: WrapupFacts, text: str) -> Note:
    return Note(wrapup.key, text, wrapup.saved_at, wrapup.officer)


def _only_a_number(entry: Entry, contact: ContactFacts) -> bool:
    """Nothing is known of the caller but the number: what stands there already says more."""
    by_hand = any(name.startswith("contact.") for name in entry.overrides)
    return contact.key.startswith("number:") and contact.name is None and not by_hand
