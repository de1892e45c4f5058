"""The port to Request Tracker 5: callers are its users, calls and cases its tickets.

| ours | there |
|---|---|
| contact | a user without a login, named after our key: RT gives no name twice |
| ticket | a ticket of one queue; the key stands in a custom field, which RT cannot keep unique |
| note | a comment; the key in its subject |
| status change | a transaction: RT numbers them, and the number is the cursor |

One act of a key is under way at a time in this process; a second ticket that another process made
at the same moment is merged into the older one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import httpx

from crm_bridge.clock import Clock
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.http import JsonHttp
from crm_bridge.connectors.mapping import Mapping as FieldMapping
from crm_bridge.connectors.port import (
    CallEvent,
    Capabilities,
    Changes,
    Contact,
    ContactDraft,
    Health,
    Kind,
    Note,
    Ref,
    SetupStep,
    Status,
    TicketDraft,
    Unsupported,
)
from crm_bridge.connectors.rt.changes import changed
from crm_bridge.connectors.rt.client import RtClient
from crm_bridge.connectors.rt.fields import KEY, PHONE
from crm_bridge.connectors.rt.house import House, known
from crm_bridge.connectors.rt.setup import Setting, set_up
from crm_bridge.connectors.rt.tickets import Tickets
from crm_bridge.connectors.rt.users import Users

_PAGES: Final = {
    Kind.CONTACT: "User/Summary.html",
    Kind.TICKET: "Ticket/Display.html",
    Kind.NOTE: "Transaction/Display.html",
}


class RtConnector:
    """One Request Tracker, as `[connector.NAME]` names it."""

    kind = "rt"
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
        """`section.url`: RT's first page; `section.token`: an authentication token made in RT."""
        self.name = name
        self._mapping = mapping
        self._pages = section.url.rstrip("/")
        token = section.secret()
        http = JsonHttp(
            f"{self._pages}/REST/2.0",
            headers={"Authorization": f"token {token}"},
            seconds=section.timeout_seconds,
            ca_file=section.ca_file,
            networks=section.networks,
            transport=transport,
        )
        setting = Setting(
            queue=mapping.option("queue", ""),
            key=mapping.option("key_field", KEY),
            phone=mapping.option("phone_field", PHONE),
            custom=mapping.setup,
        )
        self._house = House(RtClient(http, token), setting)
        self._users = Users(self._house, mapping, self._page(Kind.CONTACT))
        self._tickets = Tickets(self._house, mapping, self._page(Kind.TICKET))

    async def health(self) -> Health:
        """Asks whether it is there and lets us in."""
        version = await self._house.rt.version()
        return Health(f"Request Tracker {version}", await self._house.rt.login())

    async def find_contacts(self, e164: str) -> Sequence[Contact]:
        """Users in use who really have this number, the last changed first."""
        return await self._users.find(e164)

    async def upsert_contact(self, draft: ContactDraft) -> Ref:
        """Makes the user of this key, or brings it up to date; Gone where `known` is no more."""
        return await self._users.upsert(draft)

    async def upsert_ticket(self, draft: TicketDraft) -> Ref:
        """Makes the ticket of this key, or brings it up to date; Gone where `known` is no more."""
        return await self._tickets.upsert(draft)

    async def add_note(self, ticket: str, note: Note) -> str:
        """Adds the note as a comment, once; returns the number of its transaction."""
        return await self._tickets.add_note(ticket, note)

    async def set_status(self, ticket: str, status: Status) -> str:
        """Brings the ticket there, and returns the status in RT's word."""
        return await self._tickets.set_status(ticket, status)

    def record_url(self, kind: Kind, record: str) -> str | None:
        """RT's page of the record."""
        return self._page(kind) + quote(record, safe="")

    def _page(self, kind: Kind) -> str:
        return f"{self._pages}/{_PAGES[kind]}?id="

    async def call_event(self, event: CallEvent) -> None:
        """RT has no place for calls that ring."""
        raise Unsupported(
            "Request Tracker has no place for calls that ring", where=self._house.host
        )

    async def changes(self, cursor: str | None) -> Changes:
        """Our tickets whose status changed since `cursor`; `None`: from now on, with no items."""
        return await changed(self._house, self._mapping.status, cursor)

    async def setup(self) -> Sequence[SetupStep]:
        """Makes the custom fields, where it lets us, and says what is left to do by hand."""
        self._tickets.forget()
        return await set_up(self._house.rt, self._house.setting)

    async def remove(self, kind: Kind, record: str) -> None:
        """Deletes a ticket and disables a user, as RT does; a note stays with its ticket."""
        if known(record) is None:
            return
        if kind is Kind.TICKET:
            await self._tickets.delete(record)
        elif kind is Kind.CONTACT:
            await self._users.disable(record)

    async def close(self) -> None:
        """Gives back its connections."""
        await self._house.rt.close()
