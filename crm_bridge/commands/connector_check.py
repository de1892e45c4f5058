"""The proof of a connector: a contact, a ticket, a note, a status, each twice, then taken away.

Whatever happens, also Ctrl-C, what was made is removed; where an answer was lost, the record is
found by its key first. The records bear keys `check:RANDOM`, the words "connection test", and a
number of nobody: +66 2000 0000 to 9999 has the length and the area code of Bangkok, so that a CRM
which looks at numbers takes it, and no exchange of Bangkok has the code 000.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import httpx

from crm_bridge.clock import Clock
from crm_bridge.connectors import samples
from crm_bridge.connectors.facts import ContactFacts, Facts, Named
from crm_bridge.connectors.mapping import Mapping
from crm_bridge.connectors.port import (
    CallEvent,
    Connector,
    ConnectorError,
    ContactDraft,
    Denied,
    Kind,
    Moment,
    Note,
    Ref,
    Status,
    Then,
    TicketDraft,
)

TEST: Final[Named] = ("ทดสอบการเชื่อมต่อ 1203", "Hotline 1203 connection test")
_LINK: Final[Named] = ("เปิดหน้าของเรื่อง", "opens the ticket's page")
_CONTACTS: Final[Named] = ("ผู้ติดต่อ", "contacts")
_LOOKUP: Final[Named] = ("ค้นผู้ติดต่อจากเลขหมาย", "finds the contact by its number")
_TICKETS: Final[Named] = ("เรื่อง", "tickets")
_DEFECT: Final = "this is a defect of the connector: report it with this output"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried; `good` None: the other side has no such thing, nothing was asked.

    `said` is what came of it, `seconds` how long it took.
    """

    what: Named
    good: bool | None
    seconds: float = 0.0
    said: str = ""
    url: str | None = None
    mend: str = ""


class _Wrong(Exception):
    """It answered, and the answer is not what it must be."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend


class _Failed(Exception):
    """A step failed and was told; nothing that builds on it is tried."""


_Came = tuple[str, str | None]
"""What came of a step, and an address to look at."""


@dataclass(slots=True)
class Check:
    """One run of the proof; `told` hears of each step as it ends."""

    connector: Connector
    mapping: Mapping
    clock: Clock
    told: Callable[[Step], None]
    opens: Callable[[str], Awaitable[int]]
    """Asks for a page as a browser without a login would; gives the status of HTTP."""
    of_call: bool = True
    """The ticket is a call's; else a case's."""
    token: str = field(default_factory=lambda: secrets.token_hex(6))
    number: str = field(default_factory=lambda: f"+662000{secrets.randbelow(10_000):04d}")
    _made: dict[Kind, str] = field(default_factory=dict)
    _asked: dict[Kind, Callable[[], Awaitable[Ref]]] = field(default_factory=dict)
    _good: bool = True

    async def run(self) -> bool:
        """Tries everything and removes it again; whether all was well."""
        can = self.connector.capabilities
        try:
            await self._step(("ตอบ และรับการเข้าใช้", "answers and lets us in"), self._health)
            if can.contacts:
                await self._contact()
            else:
                self.told(Step(_CONTACTS, None))
            if can.tickets:
                await self._ticket()
            else:
                self.told(Step(_TICKETS, None))
            if can.call_events and not can.tickets:
                await self._step(("รับแจ้งสายเข้าและวางสาย", "hears of a call"), self._call)
        except _Failed:
            pass
        finally:
            await self._clean()
        return self._good

    def facts(self) -> Facts:
        """The test's contact, call, case and wrap-up, each marked as a test."""
        at = self.clock.now_us()
        text = " · ".join(TEST)
        person = ContactFacts(f"check:{self.token}c", self.number, (self.number,), name=text)
        return Facts(
            contact=person,
            call=replace(
                samples.CALL, key=f"check:{self.token}t", call_id=f"check-{self.token}",
                number=self.number, presented=self.number, name=text, entered_at=at,
                answered_at=at, ended_at=at,
                service_name=TEST, outcome_name=TEST, officers=(text,), cases=(), link=None,
            ),
            case=replace(
                samples.CASE, key=f"check:{self.token}t", title=text, facts=text, wanted=text,
                respondent=text, place="", complainant=person, recorded_at=at,
                due_at=at + 86_400_000_000, settled_at=None, settlement=None, officer="",
                call_key=None, link=None,
            ),
            wrapup=replace(
                samples.WRAPUP, key=f"check:{self.token}n", officer=text, summary=text,
                follow_up_on=None, subject=TEST, saved_at=at,
            ),
        )  # fmt: skip

    # --- the steps --------------------------------------------------------------------------------

    async def _health(self) -> _Came:
        health = await self.connector.health()
        return " · ".join(part for part in (health.product, health.login) if part), None

    async def _contact(self) -> None:
        facts = self.facts()
        fields = self.mapping.contact(facts)
        draft = ContactDraft(f"check:{self.token}c", (self.number,), fields, revision=1)
        made = await self._twice(
            Kind.CONTACT,
            lambda: self.connector.upsert_contact(draft),
            ("สร้างผู้ติดต่อ", "makes a contact"),
            ("ส่งผู้ติดต่อเดิมซ้ำ ยังเป็นรายการเดียว", "the same contact again: still one"),
        )
        if not self.connector.capabilities.lookup:
            self.told(Step(_LOOKUP, None))
            return

        async def found() -> _Came:
            contacts = await self.connector.find_contacts(self.number)
            if made not in {contact.id for contact in contacts}:
                raise _Wrong(
                    f"{len(contacts)} have this number, and ours is not among them",
                    "the mapping must put the number where this CRM looks for it",
                )
            return made, None

        await self._step(_LOOKUP, found)

    async def _ticket(self) -> None:
        facts = self.facts()
        fields = self.mapping.call(facts) if self.of_call else self.mapping.case(facts)
        contact = self._made.get(Kind.CONTACT)
        draft = TicketDraft(f"check:{self.token}t", fields, contact, Status.NEW, revision=1)
        made = await self._twice(
            Kind.TICKET,
            lambda: self.connector.upsert_ticket(draft),
            ("สร้างเรื่อง", "makes a ticket"),
            ("ส่งเรื่องเดิมซ้ำ ยังเป็นรายการเดียว", "the same ticket again: still one"),
        )
        text = self.mapping.wrapup_note(facts) or " · ".join(TEST)
        note = Note(f"check:{self.token}n", text, self.clock.now_us(), TEST[0])

        async def noted() -> _Came:
            ids = [await self.connector.add_note(made, note) for _ in range(2)]
            if ids[0] != ids[1]:
                raise _Wrong("the same note sent twice became two", _DEFECT)
            return ids[0], None

        async def brought() -> _Came:
            native = await self.connector.set_status(made, Status.RESOLVED)
            meant = self.mapping.native(Status.RESOLVED)
            if self.mapping.status(native) is not self.mapping.status(meant):
                raise _Wrong(
                    f"brought to {meant!r}, it stands at {native!r}",
                    "correct [status] of the mapping, or the workflow there",
                )
            return native, None

        await self._step(("เพิ่มบันทึกเดิมสองครั้ง ได้รายการเดียว", "adds a note twice: one"), noted)
        await self._step(("เปลี่ยนสถานะ", "brings it to another status"), brought)
        url = self.connector.record_url(Kind.TICKET, made)
        if url is None:
            self.told(Step(_LINK, None))
        else:
            await self._step(_LINK, lambda: self._opened(url))

    async def _opened(self, url: str) -> _Came:
        mend = "check the address that links to this CRM begin with"
        try:
            status = await self.opens(url)
        except httpx.HTTPError as error:
            raise _Wrong(f"{url}: {type(error).__name__}", mend) from error
        if status == 404 or status >= 500:
            raise _Wrong(f"{url}: HTTP {status}", mend)
        return f"HTTP {status}", url

    async def _call(self) -> _Came:
        at = self.clock.now_us()
        ringing = CallEvent(
            Moment.RINGING, f"check-{self.token}", at, "inbound", self.number, TEST[1], "1203"
        )
        await self.connector.call_event(ringing)
        ended = replace(ringing, moment=Moment.ENDED, outcome="abandoned_queue")
        await self.connector.call_event(ended)
        return self.number, None

    # --- how a step is taken ----------------------------------------------------------------------

    async def _twice(
        self, kind: Kind, write: Callable[[], Awaitable[Ref]], first: Named, second: Named
    ) -> str:
        """Writes the same record twice and demands that it is one; gives its id."""
        self._asked[kind] = write

        async def once() -> _Came:
            ref = await write()
            self._made[kind] = ref.id
            return ref.id, ref.url or self.connector.record_url(kind, ref.id)

        async def again() -> _Came:
            ref = await write()
            if ref.id != self._made[kind]:
                raise _Wrong(f"it became a second one: remove {ref.id} by hand", _DEFECT)
            return ref.id, None

        await self._step(first, once)
        await self._step(second, again)
        return self._made[kind]

    async def _step(self, what: Named, act: Callable[[], Awaitable[_Came]]) -> None:
        began = self.clock.monotonic()
        try:
            said, url = await act()
        except (ConnectorError, _Wrong) as error:
            self._good = False
            where = f"{error.where}: " if isinstance(error, ConnectorError) and error.where else ""
            took = self.clock.monotonic() - began
            self.told(Step(what, False, took, f"{where}{error.what}", mend=error.mend))
            raise _Failed from error
        self.told(Step(what, True, self.clock.monotonic() - began, said, url))

    async def _clean(self) -> None:
        """Removes what was made, the ticket first; what cannot be is told with its key."""
        for kind in (Kind.TICKET, Kind.CONTACT):
            if kind in self._asked:
                with contextlib.suppress(_Failed):
                    await self._step(_REMOVES[kind], partial(self._removed, kind))

    async def _removed(self, kind: Kind) -> _Came:
        key = f"check:{self.token}{'t' if kind is Kind.TICKET else 'c'}"
        try:
            record = self._made.get(kind) or await self._lost(kind, key)
            if record is None:
                return f"it was never there; if it is all the same, its key is {key}", None
            self._made[kind] = record
            await self.connector.remove(kind, record)
        except ConnectorError as error:
            left = self._made.get(kind, "is not known")
            where = f"{error.where}: " if error.where else ""
            mend = f"remove it there by hand: its key is {key}, its id there {left}"
            raise _Wrong(where + error.what, mend) from error
        return record, None

    async def _lost(self, kind: Kind, key: str) -> str | None:
        """The id of what was asked for and not answered, None where it is not there.

        Of a contact its number tells; else the same key once more makes it, or finds it.
        """
        try:
            if kind is Kind.CONTACT and self.connector.capabilities.lookup:
                contacts = await self.connector.find_contacts(self.number)
                return next((one.id for one in contacts if one.key == key), None)
            return (await self._asked[kind]()).id
        except ConnectorError as error:
            if isinstance(error, Denied) or error.then is Then.GIVE_UP:
                return None  # it lets nothing in now, and has just said no
            raise


_REMOVES: Final[dict[Kind, Named]] = {
    Kind.TICKET: ("นำเรื่องทดสอบออก", "takes the ticket away"),
    Kind.CONTACT: ("นำผู้ติดต่อทดสอบออก", "takes the contact away"),
}
