"""The contract suite on the CRM in memory: with external keys of its own, and without."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from crm_bridge.connectors.mapping import load
from crm_bridge.connectors.memory import MemoryConnector, MemoryCrm, Record
from crm_bridge.connectors.port import Capabilities, Kind, Moment, Unsettled, Unsupported
from crm_bridge.connectors.samples import FULL
from tests.contract.connectors.suite import (
    AT,
    ContractSuite,
    Site,
    at_once,
    contact_draft,
    ticket_draft,
)


class MemorySite(Site):
    name_field = "name"
    address = ""

    def __init__(self, *, unique: bool, capabilities: Capabilities | None = None) -> None:
        self.mapping = load(None, "memory")
        made = (
            self.mapping.contact(FULL.contact),
            self.mapping.call(FULL.call),
            self.mapping.case(FULL.case),
        )
        fields = {name for fields in made for name in fields}
        self.crm = MemoryCrm(unique=unique, knows=fields, secret="right")
        self.capabilities = capabilities

    async def connect(self, *, wrong_secret=False):
        return MemoryConnector(
            "memory", self.crm, self.mapping, secret="wrong" if wrong_secret else "right",
            capabilities=self.capabilities,
        )  # fmt: skip

    @asynccontextmanager
    async def stopped(self):
        self.crm.running = False
        yield
        self.crm.running = True

    async def count(self, kind, key):
        return len([r for r in self.crm.records.values() if (r.kind, r.key) == (kind, key)])

    async def fields(self, kind, record):
        return self.crm.records[record].fields

    async def make_contact(self, name, number):
        made = Record(Kind.CONTACT, "", 0, 0, {"name": name, "phone": number}, None, (number,))
        return self.crm.make(made).id

    async def contact_of(self, ticket):
        return self.crm.records[ticket].parent

    async def notes(self, ticket):
        return [
            str(r.fields["text"])
            for r in self.crm.records.values()
            if r.kind is Kind.NOTE and r.parent == ticket
        ]

    async def status(self, ticket):
        return self.crm.records[ticket].status

    async def change_status(self, ticket, native):
        self.crm.bring(self.crm.records[ticket], native, AT)

    async def stands(self, kind, record):
        return record in self.crm.records

    async def heard(self):
        return [(event.call_id, event.moment) for event in self.crm.heard]


class TestMemory(ContractSuite):
    @pytest.fixture(params=[True, False], ids=["unique keys", "no keys"])
    def site(self, request):
        return MemorySite(unique=request.param)


class TestMemoryThatCanDoLess(ContractSuite):
    """What a CRM cannot do is refused, and the suite holds the connector to it."""

    @pytest.fixture
    def site(self):
        return MemorySite(unique=True, capabilities=Capabilities(contacts=False))


async def test_two_connectors_without_unique_keys_say_that_they_made_two():
    """Which is why one writer per key is the caller's duty, and why every write is read back."""
    site = MemorySite(unique=False)
    one, other = await site.connect(), await site.connect()
    draft = ticket_draft(site.mapping)
    answers = await asyncio.gather(
        one.upsert_ticket(draft), other.upsert_ticket(draft), return_exceptions=True
    )
    assert any(isinstance(answer, Unsettled) for answer in answers)


async def test_two_connectors_with_unique_keys_make_one():
    site = MemorySite(unique=True)
    one, other = await site.connect(), await site.connect()
    draft = ticket_draft(site.mapping)
    answers = await asyncio.gather(
        one.upsert_ticket(draft), other.upsert_ticket(draft), return_exceptions=True
    )
    assert [type(a) for a in answers].count(Unsettled) == 1
    assert await site.count(Kind.TICKET, draft.key) == 1


async def test_calls_are_heard_once_and_in_order():
    site = MemorySite(unique=False)
    await TestMemory().test_call_events(site, await site.connect())
    assert [moment for _, moment in await site.heard()] == list(Moment)


async def test_no_tickets_no_notes():
    site = MemorySite(unique=False, capabilities=Capabilities(tickets=False))
    connector = await site.connect()
    with pytest.raises(Unsupported):
        await connector.upsert_ticket(ticket_draft(site.mapping))
    assert await at_once(connector.upsert_contact, contact_draft(site.mapping))
    assert not await connector.find_contacts(replace(contact_draft(site.mapping)).numbers[0])
