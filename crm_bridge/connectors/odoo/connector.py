"""Odoo behind the port: contacts are `res.partner`, calls and cases what the mapping says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote
from weakref import WeakValueDictionary

import httpx

from crm_bridge.clock import Clock
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.http import JsonHttp
from crm_bridge.connectors.mapping import Mapping as FieldMapping
from crm_bridge.connectors.odoo.changes import changed
from crm_bridge.connectors.odoo.client import OdooClient
from crm_bridge.connectors.odoo.notes import Notes
from crm_bridge.connectors.odoo.numbers import numbers_in, patterns
from crm_bridge.connectors.odoo.records import CONTACTS, KEY, NUMBERS, Records, number_of
from crm_bridge.connectors.odoo.setup import Setup
from crm_bridge.connectors.odoo.stages import MODELS, Stages, TicketModel
from crm_bridge.connectors.port import (
    CallEvent,
    Capabilities,
    Changes,
    Contact,
    ContactDraft,
    Denied,
    Gone,
    Health,
    Kind,
    Note,
    Ref,
    Rejected,
    SetupStep,
    Status,
    TicketDraft,
    Unsettled,
    Unsupported,
)
from crm_bridge.errors import ConfigMistake

MOST_CONTACTS: Final = 5
"""How many contacts of a number are told, the last changed first."""

_MOST_READ: Final = 40
"""How many candidates are re-checked: a pattern finds more than it should."""

_NUMBER_FIELDS: Final = ("phone", "mobile", "phone_sanitized", NUMBERS)


class OdooConnector:
    """The port to one database of an Odoo."""

    kind = "odoo"
    capabilities = Capabilities(changes=True, setup=True)

    def __init__(
        self,
        name: str,
        section: ConnectorSection,
        mapping: FieldMapping,
        *,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`transport`: instead of the network, for tests. Raises ConfigMistake."""
        self.name = name
        self._mapping = mapping
        self._base = section.url.rstrip("/")
        self._login = section.username
        self._client = OdooClient(
            JsonHttp(
                section.url,
                seconds=section.timeout_seconds,
                ca_file=section.ca_file,
                networks=section.networks,
                transport=transport,
            ),
            database=section.database,
            username=section.username,
            key=section.secret(),
        )
        self._region = mapping.option("region", "TH")
        self._group = mapping.option("group", "")
        model = mapping.option("ticket_model", "crm.lead")
        if model in {"", CONTACTS}:
            raise ConfigMistake(
                "[options] ticket_model: cannot hold tickets",
                where=str(mapping.path),
                mend='name a model such as "crm.lead" or "project.task"',
            )
        self._shape = MODELS.get(model, TicketModel())
        self._contacts = Records(self._client, CONTACTS)
        self._tickets = Records(self._client, model)
        self._notes = Notes(self._client, model)
        self._known_stages: Stages | None = None
        self._known_group: int | None = None
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def health(self) -> Health:
        """Asks whether it is there and lets us in."""
        version = await self._client.version(anew=True)
        await self._client.uid(anew=True)
        return Health(f"Odoo {version.text}", self._login)

    # --- contacts ---------------------------------------------------------------------------------

    async def find_contacts(self, e164: str) -> Sequence[Contact]:
        """Contacts in use that really have this number, however somebody typed it there."""
        likes = patterns(e164)
        if not likes:
            return ()
        fields = await self._contacts.fields()
        number_fields = [name for name in _NUMBER_FIELDS if name in fields]
        shown = [name for name in self._mapping.lookup if name in fields]
        terms = [[name, "=like", like] for name in number_fields for like in likes]
        rows = await self._client.call(
            CONTACTS,
            "search_read",
            [*["|"] * (len(terms) - 1), *terms],
            list(
                dict.fromkeys(["name", *number_fields, *shown, *([KEY] if KEY in fields else [])])
            ),
            act="look for contacts by number",
            order="write_date desc, id desc",
            limit=_MOST_READ,
            context={"active_test": True},  # archived: the office does not use it any more
        )
        found = []
        for row in rows:
            typed = (numbers_in(str(row[n]), self._region) for n in number_fields if row[n])
            numbers = tuple(dict.fromkeys(number for part in typed for number in part))
            if e164 in numbers:
                found.append(
                    Contact(
                        str(row["id"]),
                        str(row["name"] or ""),
                        numbers,
                        row.get(KEY) or None,
                        self.record_url(Kind.CONTACT, str(row["id"])),
                        tuple(text for name in shown if (text := _shown(row[name]))),
                    )
                )
        return found[:MOST_CONTACTS]

    async def upsert_contact(self, draft: ContactDraft) -> Ref:
        """Makes the contact of this key, or brings it up to date; Gone where `known` is no more."""
        fields = await self._contacts.keyed()
        async with self._turn(draft.key):
            values = await self._contacts.values(draft.fields)
            if NUMBERS in fields and draft.numbers:
                values[NUMBERS] = " ".join(draft.numbers)
            found = None
            if draft.known is not None:
                # it may bear another key by now: merged with another contact, or another person's
                found = number_of(draft.known)
                if found is None:
                    raise self._contacts.gone("write a contact")
            return await self._upsert(
                Kind.CONTACT, self._contacts, draft.key, values, found, {}, theirs=draft.theirs
            )

    # --- tickets ----------------------------------------------------------------------------------

    async def upsert_ticket(self, draft: TicketDraft) -> Ref:
        """Makes the ticket of this key, or brings it up to date; Gone where `known` is no more."""
        await self._tickets.keyed()
        async with self._turn(draft.key):
            values = await self._tickets.values(draft.fields)
            if draft.contact is not None:
                contact = number_of(draft.contact)
                if contact is None:
                    raise self._contacts.gone("name the contact of a ticket")
                values["partner_id"] = contact
            found = None
            if draft.known is not None:
                found = number_of(draft.known)
                row = await self._tickets.read(found, [KEY], "look for a ticket") if found else None
                if row is None or found is None:
                    raise self._tickets.gone("write a ticket")
                if row[KEY] != draft.key and await self._tickets.referred(draft.key) != found:
                    # an id of another model, before the mapping was changed: it is not ours
                    raise self._tickets.gone("write a ticket")
            first: dict[str, str] = {}
            if found is None:
                first = await self._first(draft)
            return await self._upsert(Kind.TICKET, self._tickets, draft.key, values, found, first)

    async def add_note(self, ticket: str, note: Note) -> str:
        """Adds the note to the ticket of this id, once, and returns the note's id there."""
        row = await self._ticket(ticket, [], "add a note")
        async with self._turn(note.key):
            return str(await self._notes.add(row["id"], note))

    async def set_status(self, ticket: str, status: Status) -> str:
        """Brings the ticket of this id there, and returns the status in the mapping's word."""
        act = "set a ticket's status"
        native = self._mapping.native(status)
        model = self._tickets.model
        row = await self._ticket(ticket, ["stage_id"], act)
        stages = await self._stages()
        stage = await stages.of(native, await self._group_id())
        if _id(row["stage_id"]) != stage:
            await self._client.call(model, "write", [row["id"]], {"stage_id": stage}, act=act)
            after = await self._tickets.read(row["id"], ["stage_id"], act)
            if after is None:
                raise self._tickets.gone(act)
            if _id(after["stage_id"]) != stage:
                raise Unsettled(f"{act}: it is not so when read back", where=self._client.host)
        return native

    async def changes(self, cursor: str | None) -> Changes:
        """Our tickets whose stage changed since `cursor`, or that were archived."""
        await self._tickets.keyed()
        stages = await self._stages()
        return await changed(
            self._client, self._tickets, self._shape, stages, self._mapping, cursor
        )

    # --- all else ---------------------------------------------------------------------------------

    def record_url(self, kind: Kind, record: str) -> str | None:
        """The address that opens this record in a browser, of every version of Odoo."""
        model = CONTACTS if kind is Kind.CONTACT else self._tickets.model
        if kind is Kind.NOTE:
            return None
        return f"{self._base}/mail/view?model={model}&res_id={quote(record, safe='')}"

    async def call_event(self, event: CallEvent) -> None:
        """Odoo has no place for a call that rings."""
        raise Unsupported("tell of a call while it rings", where=self._client.host)

    async def setup(self) -> Sequence[SetupStep]:
        """Makes the fields that we write, the team and its stages, where the user may."""
        stages = await self._stages()
        done = await Setup(
            self._client, self._mapping, self._contacts, self._tickets, self._shape, stages
        ).run(self._group)
        self._known_group = self._known_stages = None
        return done

    async def remove(self, kind: Kind, record: str) -> None:
        """Deletes what a check made, or archives it where our user may not delete."""
        number = number_of(record)
        if number is None:
            return
        if kind is Kind.NOTE:
            await self._notes.remove(number)
            return
        records = self._contacts if kind is Kind.CONTACT else self._tickets
        if await records.read(number, ["id"], "look for what to remove") is not None:
            await self._take_away(records.model, number)

    async def close(self) -> None:
        """Gives back its connections."""
        await self._client.close()

    async def _upsert(
        self,
        kind: Kind,
        records: Records,
        key: str,
        values: dict[str, Any],
        found: int | None,
        first: Mapping[str, str],
        *,
        theirs: bool = False,
    ) -> Ref:
        """Writes the record `found` (else that of the key), or makes it; `first`: at its making."""
        made = False
        for again in (False, True):
            if found is None:
                found = await records.find(key)
            if found is not None:
                await records.write(found, {**values, KEY: key}, empty_only=theirs)
                break
            try:
                found, made = await records.make(key, values, first), True
                break
            except Unsettled:
                if again:  # the one that was first is found the second time
                    raise
        return Ref(str(found), self.record_url(kind, str(found)), made)

    async def _first(self, draft: TicketDraft) -> dict[str, str]:
        """Columns of a ticket at its making that are not the mapping's."""
        columns = dict(self._shape.on_creation)
        group = await self._group_id()
        if group is not None:
            columns[self._shape.group_field] = str(group)
        native = self._mapping.native(draft.status or Status.NEW)
        columns["stage_id"] = str(await (await self._stages()).of(native, group))
        return columns

    async def _ticket(self, ticket: str, names: Sequence[str], act: str) -> dict[str, Any]:
        """These fields of a ticket of ours; Gone where it is none."""
        await self._tickets.keyed()
        number = number_of(ticket)
        row = await self._tickets.read(number, ["id", KEY, *names], act) if number else None
        if row is None or not row[KEY]:
            raise self._tickets.gone(act)
        return row

    async def _take_away(self, model: str, record: int) -> None:
        try:
            await self._client.call(model, "unlink", [record], act=f"remove from {model}")
        except Gone:
            return
        except (Denied, Rejected):  # no right to delete, or something else refers to it
            await self._client.call(
                model, "write", [record], {"active": False}, act=f"archive in {model}"
            )

    async def _stages(self) -> Stages:
        if self._known_stages is None:
            field = (await self._tickets.fields("stage_id")).get("stage_id")
            if field is None or not field.relation:
                raise Denied(
                    f"{self._tickets.model} has no stages",
                    where=self._client.host,
                    mend="name another model in the mapping's ticket_model",
                )
            self._known_stages = Stages(self._client, field.relation, self._shape)
        return self._known_stages

    async def _group_id(self) -> int | None:
        """The team or project of new tickets, where the mapping names one that is there."""
        if self._known_group is None and self._group and self._shape.group_model:
            self._known_group = await self._tickets.named(self._shape.group_model, self._group)
        return self._known_group

    @asynccontextmanager
    async def _turn(self, key: str) -> AsyncIterator[None]:
        """One request of a key at a time."""
        lock = self._turns.setdefault(key, asyncio.Lock())
        async with lock:
            yield


def _id(value: Any) -> int | None:
    return int(value[0]) if isinstance(value, list) and value else None


def _shown(value: Any) -> str:
    """A field's value as an officer reads it: of a many2one its name."""
    if isinstance(value, list):
        return str(value[1]) if len(value) == 2 else ""
    return "" if value in (False, None) else str(value)
