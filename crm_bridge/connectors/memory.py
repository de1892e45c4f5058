"""A CRM that is none: contacts, tickets and notes in this process's memory, gone with it.

It is for tests and for trying a mapping; nothing in hotline.toml leads here. `MemoryCrm` is the
other side: it numbers records, keeps what it is told in the order in which it came, and knows no
external keys unless told to (`unique`). `MemoryConnector` treats it as other connectors treat real
ones: it searches before it makes, has one request of a key under way at a time, and reads back.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from crm_bridge.clock import Clock, SystemClock
from crm_bridge.connectors.mapping import Mapping as FieldMapping
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
    StatusChange,
    TicketDraft,
    Unreachable,
    Unsettled,
    Unsupported,
    Value,
)
from ivr.calls.call import Micros

WHERE: Final = "memory"
"""How errors name it."""
_MOST_CONTACTS: Final = 5


@dataclass(frozen=True, slots=True)
class Record:
    """A contact, ticket or note as it is kept; `history` numbers count all changes of the CRM."""

    kind: Kind
    id: str
    made: int
    changed: int
    fields: Mapping[str, Value] = field(default_factory=dict)
    key: str | None = None
    numbers: tuple[str, ...] = ()
    parent: str | None = None
    """Of a ticket its contact, of a note its ticket."""
    status: str = ""


@dataclass(slots=True)
class MemoryCrm:
    """The other side. `unique`: it refuses a second record of an external key, as some CRMs do.

    `knows`: the fields that it has, `None` for any; `secret`: whom it lets in, `None` for all.
    """

    unique: bool = False
    knows: Collection[str] | None = None
    secret: str | None = None
    running: bool = True
    records: dict[str, Record] = field(default_factory=dict)
    history: list[tuple[int, str, Micros]] = field(default_factory=list)
    """Every change of a ticket's status: its number, the ticket, when."""
    heard: list[CallEvent] = field(default_factory=list)
    requests: int = 0
    around: Callable[[], Awaitable[None]] = field(default=lambda: asyncio.sleep(0))
    """Awaited in each request before it takes effect: other requests run meanwhile."""
    _last: int = 0

    async def asked(self, secret: str, act: str) -> None:
        """One request arrives; refused where it does not run or the secret is wrong."""
        if not self.running:
            raise Unreachable(f"{act}: cannot connect; nothing was sent", where=WHERE)
        self.requests += 1
        await self.around()
        if self.secret not in {None, secret}:
            raise Denied(f"{act}: the secret is wrong", where=WHERE, mend="give the right one")

    def find(self, kind: Kind, key: str) -> list[Record]:
        """Records of this kind with this external key, the oldest first."""
        return [r for r in self.records.values() if r.kind is kind and r.key == key]

    def make(self, record: Record) -> Record:
        """A new record, numbered by the CRM; Unsettled where `unique` and the key is taken."""
        if self.unique and record.key is not None and self.find(record.kind, record.key):
            raise Unsettled("create: the key is taken", where=WHERE)
        self._fits(record)
        number = self._next()
        made = replace(record, id=str(number), made=number, changed=number)
        self.records[made.id] = made
        return made

    def write(self, record: Record, **values: object) -> Record:
        """Changes a record."""
        after = replace(record, changed=self._next(), **values)  # type: ignore[arg-type]  # by name
        self._fits(after)
        self.records[record.id] = after
        return after

    def bring(self, record: Record, native: str, at: Micros) -> Record:
        """Changes a ticket's status, which its history tells."""
        if record.status == native:
            return record
        after = self.write(record, status=native)
        self.history.append((after.changed, after.id, at))
        return after

    def _next(self) -> int:
        self._last += 1
        return self._last

    def _fits(self, record: Record) -> None:
        if record.kind is Kind.NOTE:
            return
        odd = [] if self.knows is None else [n for n in record.fields if n not in self.knows]
        if odd:
            what = f"there is no field {', '.join(sorted(odd))}"
            raise Rejected(what, where=WHERE, mend="correct the mapping")


class MemoryConnector:
    """The port to a `MemoryCrm`."""

    kind = "memory"

    def __init__(
        self,
        name: str,
        crm: MemoryCrm,
        mapping: FieldMapping,
        *,
        secret: str = "",
        clock: Clock | None = None,
        capabilities: Capabilities | None = None,
        name_field: str = "name",
    ) -> None:
        """`name_field`: the contact's field that `find_contacts` takes for its name."""
        self.name = name
        self.capabilities = capabilities or Capabilities(call_events=True, changes=True)
        self._crm = crm
        self._mapping = mapping
        self._secret = secret
        self._clock = clock or SystemClock()
        self._name_field = name_field
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def health(self) -> Health:
        """Asks whether it is there and lets us in."""
        await self._ask("health")
        return Health("Memory", self.name)

    async def find_contacts(self, e164: str) -> Sequence[Contact]:
        """Contacts that have this number, the last changed first."""
        self._can(self.capabilities.contacts)
        await self._ask("find contacts")
        found = [
            r for r in self._crm.records.values() if r.kind is Kind.CONTACT and e164 in r.numbers
        ]
        found.sort(key=lambda r: -r.changed)
        return [
            Contact(
                r.id,
                str(r.fields.get(self._name_field) or ""),
                r.numbers,
                r.key,
                self.record_url(Kind.CONTACT, r.id),
                tuple(str(r.fields[n]) for n in self._mapping.lookup if r.fields.get(n)),
            )
            for r in found[:_MOST_CONTACTS]
        ]

    async def upsert_contact(self, draft: ContactDraft) -> Ref:
        """Makes the contact of this key, or brings it up to date; Gone where `known` is no more."""
        self._can(self.capabilities.contacts)
        return await self._upsert(Kind.CONTACT, draft, None, "")

    async def upsert_ticket(self, draft: TicketDraft) -> Ref:
        """Makes the ticket of this key, or brings it up to date; Gone where `known` is no more."""
        self._can(self.capabilities.tickets)
        native = self._mapping.native(draft.status or Status.NEW)
        return await self._upsert(Kind.TICKET, draft, draft.contact, native)

    async def add_note(self, ticket: str, note: Note) -> str:
        """Adds the note to the ticket of this id, once, and returns the note's id there."""
        self._can(self.capabilities.tickets)
        async with self._locks[note.key]:
            await self._ask("look for the note")
            parent = self._known(Kind.TICKET, ticket)
            found = self._crm.find(Kind.NOTE, note.key)
            if found:
                return found[0].id
            await self._ask("add a note")
            said: dict[str, Value] = {"text": note.text, "at": note.at, "by": note.by}
            made = Record(Kind.NOTE, "", 0, 0, said, note.key, parent=parent.id)
            return self._crm.make(made).id

    async def set_status(self, ticket: str, status: Status) -> str:
        """Brings the ticket of this id there, and returns the status in its own word."""
        self._can(self.capabilities.tickets)
        await self._ask("set a status")
        record = self._known(Kind.TICKET, ticket)
        native = self._mapping.native(status)
        return self._crm.bring(record, native, self._clock.now_us()).status

    def record_url(self, kind: Kind, record: str) -> str | None:
        """No page shows what is in memory."""
        return None

    async def call_event(self, event: CallEvent) -> None:
        """Keeps what it hears, each once."""
        self._can(self.capabilities.call_events)
        await self._ask("a call")
        if event not in self._crm.heard:
            self._crm.heard.append(event)

    async def changes(self, cursor: str | None) -> Changes:
        """Tickets with a key whose status changed since `cursor`, each as it is now."""
        self._can(self.capabilities.changes)
        await self._ask("changes")
        last = str(self._crm.history[-1][0] if self._crm.history else 0)
        if cursor is None:
            return Changes((), last)
        latest = {t: at for number, t, at in self._crm.history if number > int(cursor)}
        records = [(self._crm.records.get(ticket), at) for ticket, at in latest.items()]
        items = tuple(
            StatusChange(r.id, r.key, r.status, self._mapping.status(r.status), at)
            for r, at in records
            if r is not None and r.key is not None
        )
        return Changes(items, last)

    async def setup(self) -> Sequence[SetupStep]:
        """There is nothing to be made."""
        raise Unsupported("set up: memory needs none", where=WHERE)

    async def remove(self, kind: Kind, record: str) -> None:
        """Forgets the record, and a ticket's notes with it."""
        await self._ask("remove")
        for one in list(self._crm.records.values()):
            if one.id == record or (one.kind is Kind.NOTE and one.parent == record):
                del self._crm.records[one.id]

    async def close(self) -> None:
        """Holds nothing."""

    async def _ask(self, act: str) -> None:
        await self._crm.asked(self._secret, act)

    async def _upsert(
        self, kind: Kind, draft: ContactDraft | TicketDraft, parent: str | None, native: str
    ) -> Ref:
        numbers = draft.numbers if isinstance(draft, ContactDraft) else ()
        async with self._locks[draft.key]:
            await self._ask(f"look for the {kind}")
            found = (
                [self._known(kind, draft.known)]
                if draft.known is not None
                else self._crm.find(kind, draft.key)
            )
            await self._ask(f"write the {kind}")
            if found:
                record = self._crm.write(found[0], **_changes(found[0], draft, numbers, parent))
            else:
                fresh = Record(kind, "", 0, 0, dict(draft.fields), draft.key, numbers, parent)
                record = self._crm.make(replace(fresh, status=native))
            await self._ask(f"read the {kind} back")
            if len(self._crm.find(kind, draft.key)) > 1:
                raise Unsettled(f"write the {kind}: another made it too", where=WHERE)
            return Ref(record.id, self.record_url(kind, record.id), made=not found)

    def _known(self, kind: Kind, record: str) -> Record:
        found = self._crm.records.get(record)
        if found is None or found.kind is not kind:
            raise Gone(f"there is no {kind} {record[:40]}", where=WHERE)
        return found

    @staticmethod
    def _can(able: bool) -> None:
        if not able:
            raise Unsupported("memory was told not to", where=WHERE)


def _changes(
    record: Record,
    draft: ContactDraft | TicketDraft,
    numbers: tuple[str, ...],
    parent: str | None,
) -> dict[str, object]:
    """What a draft changes of a record; of one of theirs, only what is empty."""
    if isinstance(draft, ContactDraft) and draft.theirs:
        filled = {n: v for n, v in draft.fields.items() if not record.fields.get(n)}
        return {"key": draft.key, "fields": {**record.fields, **filled},
                "numbers": record.numbers or numbers}  # fmt: skip
    return {
        "key": draft.key,
        "fields": {**record.fields, **draft.fields},
        "numbers": numbers,
        "parent": parent or record.parent,
    }
