"""Roundup behind the port: contacts are a class of ours, calls and cases issues, notes messages.

Keys stand in the property `hotline_key` of contacts and tickets and in the `messageid` of messages.
A record is searched for by its key, made through an address that works once, and read back; one act
of a key runs at a time. The pseudo-property `message` of a mapping is a ticket's first message.

Roundup tells when a ticket was last touched, not when its status changed: `changes` names every
ticket of ours that was touched, with the status it has now.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote
from weakref import WeakValueDictionary

import httpx

from crm_bridge.clock import Clock, micros
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.http import JsonHttp
from crm_bridge.connectors.mapping import Mapping
from crm_bridge.connectors.port import (
    CallEvent,
    Capabilities,
    Changes,
    Contact,
    ContactDraft,
    Gone,
    Health,
    Kind,
    Note,
    Ref,
    SetupStep,
    Status,
    StatusChange,
    TicketDraft,
    Unsupported,
)
from crm_bridge.connectors.roundup.client import Item, RoundupClient
from crm_bridge.connectors.roundup.cursor import Cursor
from crm_bridge.connectors.roundup.records import OURS, TALK, Records
from crm_bridge.connectors.roundup.schema import MESSAGE, Names, Schema
from crm_bridge.connectors.roundup.session import Session, headers
from crm_bridge.connectors.roundup.values import (
    idents,
    moment,
    native_moment,
    numbers,
    to_send,
    word,
)

_TICKETS_A_PAGE: Final = 1000
_CONTACTS: Final = 5


class RoundupConnector:
    """The port to one Roundup tracker."""

    kind = "roundup"
    capabilities = Capabilities(call_events=False, changes=True, setup=True)

    def __init__(
        self,
        name: str,
        section: ConnectorSection,
        mapping: Mapping,
        *,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = name
        self._mapping = mapping
        self._names = Names.of(mapping)
        self._clock = clock
        self._login = section.username
        self._url = section.url.rstrip("/") + "/"
        http = JsonHttp(
            self._url,
            headers=headers(self._url),
            seconds=section.timeout_seconds,
            ca_file=section.ca_file,
            networks=section.networks,
            transport=transport,
        )
        session = Session(http, login=self._login, password=section.secret(), ours=self._names.ours)
        self._client = RoundupClient(session)
        self._records = Records(self._client, self._names, clock, self._login)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def health(self) -> Health:
        """Asks whether it is there and lets us in."""
        version, _ = await self._client.version()
        wanted = {"username:": self._login}
        found, _ = await self._client.find("user", wanted, ("username",), act="look for our user")
        login = str(found[0].values.get("username", "")) if found else ""
        return Health(f"Roundup (REST {version})", login)

    async def find_contacts(self, e164: str) -> Sequence[Contact]:
        """Contacts that really have this number, the last changed first.

        Officers write `081-234-5678`: it is looked for by its last digits and read as a number.
        """
        names = self._names
        digits = re.sub(r"\D", "", e164)[-4:]
        if not digits:
            return []
        properties = [names.name, names.phone, names.other_phones, names.key, *self._mapping.lookup]
        pages = await asyncio.gather(
            *(
                self._client.find(
                    names.contact,
                    {each: digits},
                    [*properties, "activity"],
                    act="find contacts by number",
                    sort="-activity",
                    most=1000,
                )
                for each in (names.phone, names.other_phones)
            )
        )
        items = {item.id: item for found, _ in pages for item in found}
        contacts = [
            (str(item.values.get("activity")), self._contact(item)) for item in items.values()
        ]
        contacts.sort(key=lambda pair: pair[0], reverse=True)
        return [contact for _, contact in contacts if e164 in contact.numbers][:_CONTACTS]

    async def upsert_contact(self, draft: ContactDraft) -> Ref:
        """Makes the contact of this key, or brings it up to date; Gone where `known` is no more."""
        names = self._names
        wanted = to_send(draft.fields)
        if draft.numbers:
            wanted[names.phone] = draft.numbers[0]
            wanted[names.other_phones] = " ".join(draft.numbers[1:]) or None
        wanted[names.key] = draft.key
        async with self._alone(draft.key):
            item = await self._records.standing(names.contact, draft.key, draft.known, wanted)
            if item is None:
                made = await self._records.make(names.contact, draft.key, wanted)
                return self._ref(Kind.CONTACT, made, made=True)
            if draft.theirs:
                wanted = {n: v for n, v in wanted.items() if item.values.get(n) in (None, "")}
            await self._records.write(names.contact, item, wanted)
            return self._ref(Kind.CONTACT, item.id)

    async def upsert_ticket(self, draft: TicketDraft) -> Ref:
        """Makes the ticket of this key, or brings it up to date; Gone where `known` is no more."""
        names = self._names
        wanted = to_send(draft.fields)
        said = wanted.pop(MESSAGE, None)
        wanted[names.key] = draft.key
        if draft.contact is not None:
            wanted[names.caller] = draft.contact
        async with self._alone(draft.key):
            item = await self._records.standing(
                names.ticket, draft.key, draft.known, [*wanted, *TALK]
            )
            if item is None:
                if draft.status is not None:
                    wanted["status"] = self._mapping.native(draft.status)
                if said:
                    wanted["messages"] = [await self._records.message(draft.key, str(said), None)]
                made = await self._records.make(names.ticket, draft.key, wanted)
                return self._ref(Kind.TICKET, made, made=True)
            await self._records.write(names.ticket, item, wanted)
            if said:
                await self._records.link(
                    item, await self._records.message(draft.key, str(said), None)
                )
            return self._ref(Kind.TICKET, item.id)

    async def add_note(self, ticket: str, note: Note) -> str:
        """Adds the note to the ticket of this id, once, and returns the message's id."""
        by = "" if not note.by or note.by in note.text else f"\n\n— {note.by}"
        async with self._alone(note.key):
            item = await self._client.one(
                self._names.ticket, ticket, TALK, act="look for the ticket"
            )
            message = await self._records.message(note.key, f"{note.text}{by}", note)
            await self._records.link(item, message)
            return message

    async def set_status(self, ticket: str, status: Status) -> str:
        """Brings the ticket of this id there, and returns the status in the tracker's word."""
        native = self._mapping.native(status)
        kind = self._names.ticket
        async with self._alone(f"{kind}{ticket}"):
            item = await self._client.one(kind, ticket, ("status",), act="look for the ticket")
            await self._records.write(kind, item, {"status": native})
        return native

    def record_url(self, kind: Kind, record: str) -> str | None:
        """The address of the record's page."""
        return f"{self._url}{self._class(kind)}{quote(record, safe='')}"

    async def call_event(self, event: CallEvent) -> None:
        """Roundup has nothing that rings."""
        raise Unsupported("a call: Roundup hears of calls that are over", where=self._client.host)

    async def changes(self, cursor: str | None) -> Changes:
        """Our tickets that were touched since `cursor`, each as it is now; every look once."""
        if cursor is None:
            _, seconds = await self._client.version()
            now = seconds if seconds is not None else self._clock.now_us() / 1_000_000
            start = Cursor(datetime.fromtimestamp(int(now), UTC))
        else:
            start = Cursor.read(cursor)
        names = self._names
        found, total = await self._client.find(
            names.ticket,
            {names.key: ":", "activity": f"{native_moment(start.begin)};"},
            (names.key, "status", "activity", "actor"),
            act="ask for changes",
            sort="activity",
            most=_TICKETS_A_PAGE,
            page=max(start.page, 1),
        )
        looks = {item.id: _look(item) for item in found}
        fresh = [item for item in found if start.seen.get(item.id) != looks[item.id]]
        more = total > max(start.page, 1) * _TICKETS_A_PAGE
        end = start.next([*looks.values()], more).with_seen({**start.seen, **looks})
        items = () if cursor is None else tuple(self._change(item) for item in fresh)
        return Changes(items, end.written(), more)

    async def setup(self) -> Sequence[SetupStep]:
        """Roundup lets nobody add properties from outside: says what is there and what to add."""
        return await Schema(self._client, self._mapping, self._names, self._login).steps()

    async def remove(self, kind: Kind, record: str) -> None:
        """Retires it, and a ticket's messages of ours with it: kept, and shown nowhere."""
        if kind is Kind.TICKET:
            for message in await self._our_messages(record):
                await self._client.retire("msg", message, act="take a message away")
        await self._client.retire(self._class(kind), record, act=f"take the {kind} away")

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.close()

    async def _our_messages(self, ticket: str) -> list[str]:
        try:
            item = await self._client.one(
                self._names.ticket, ticket, ("messages",), act="look for the ticket"
            )
        except Gone:
            return []
        ours = []
        for message in idents(item.values.get("messages")):
            found, _ = await self._client.find(
                "msg", {"id": message}, ("messageid",), act="look for its messages"
            )
            ours += [m.id for m in found if OURS.search(str(m.values.get("messageid")))]
        return ours

    def _alone(self, key: str) -> asyncio.Lock:
        """One act of a key at a time."""
        lock = self._locks.get(key)
        if lock is None:
            self._locks[key] = lock = asyncio.Lock()
        return lock

    def _class(self, kind: Kind) -> str:
        names = {Kind.CONTACT: self._names.contact, Kind.TICKET: self._names.ticket}
        return names.get(kind, "msg")

    def _ref(self, kind: Kind, record: str, *, made: bool = False) -> Ref:
        return Ref(record, self.record_url(kind, record), made)

    def _contact(self, item: Item) -> Contact:
        names, values = self._names, item.values
        texts = [str(values.get(name) or "") for name in (names.phone, names.other_phones)]
        return Contact(
            id=item.id,
            name=str(values.get(names.name) or ""),
            numbers=numbers("\n".join(texts)),
            key=str(values[names.key]) if values.get(names.key) else None,
            url=self.record_url(Kind.CONTACT, item.id),
            lines=tuple(word(values.get(n)) for n in self._mapping.lookup if word(values.get(n))),
        )

    def _change(self, item: Item) -> StatusChange:
        native = word(item.values.get("status"))
        return StatusChange(
            id=item.id,
            key=str(item.values.get(self._names.key)),
            native=native,
            status=self._mapping.status(native),
            at=micros(moment(str(item.values.get("activity"))).isoformat()),
            by=word(item.values.get("actor")),
        )


def _look(item: Item) -> str:
    return f"{item.values.get('activity')} {word(item.values.get('status'))}"
