"""The contract suite on a real Roundup, and what Roundup alone does."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest

from crm_bridge.clock import SystemClock
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.mapping import load
from crm_bridge.connectors.port import Kind
from crm_bridge.connectors.registry import make
from tests.contract.connectors.suite import ContractSuite, Site
from tests.support.crms.roundup import Roundup, roundup


@pytest.fixture(scope="module")
def tracker():
    with roundup() as made:
        yield made


class RoundupSite(Site):
    """Looked into over REST as an officer, who sees what his pages show."""

    name_field = "name"

    def __init__(self, tracker: Roundup) -> None:
        self.tracker = tracker
        self.address = tracker.url
        self.mapping = load(None, "roundup")

    async def connect(self, *, wrong_secret=False, transport=None, **more):
        # the wrong password is another user's: after four of them Roundup locks the login
        section = ConnectorSection(
            kind="roundup",
            url=self.tracker.url,
            username="stranger" if wrong_secret else self.tracker.login,
            token="wrong" if wrong_secret else self.tracker.secret,
            timeout_seconds=5,
            **more,
        )
        return make("office", section, clock=SystemClock(), transport=transport)

    @asynccontextmanager
    async def stopped(self):
        await asyncio.to_thread(self.tracker.stop)
        try:
            yield
        finally:
            await asyncio.to_thread(self.tracker.start)

    async def ask(self, method, path, body=None, **query):
        return await asyncio.to_thread(self.tracker.ask, method, path, body, **query)

    async def count(self, kind, key):
        if kind is Kind.NOTE:
            query = {"messageid:": f"<{quote(key, safe='')}@hotline1203>"}
            return (await self.ask("GET", "msg", **query))["@total_size"]
        query = {"hotline_key:": key}
        return (await self.ask("GET", self.class_(kind), **query))["@total_size"]

    async def fields(self, kind, record):
        path, query = f"{self.class_(kind)}/{record}", {"@verbose": "2"}
        found = (await self.ask("GET", path, **query))["attributes"]
        if kind is Kind.TICKET and found["messages"]:
            found["message"] = (await self.notes(record))[0]
        return found

    async def make_contact(self, name, number):
        national = f"0{number[3:5]}-{number[5:8]}-{number[8:]}"  # as officers write it
        made = await self.ask("POST", "contact", {"name": name, "phone": national})
        return made["id"]

    async def contact_of(self, ticket):
        caller = (await self.ask("GET", f"issue/{ticket}"))["attributes"]["caller"]
        return caller["id"] if caller else None

    async def notes(self, ticket):
        messages = (await self.ask("GET", f"issue/{ticket}"))["attributes"]["messages"]
        query = {"@verbose": "3", "@fields": "content"}
        return [
            (await self.ask("GET", f"msg/{one['id']}", **query))["attributes"]["content"]
            for one in messages
        ]

    async def status(self, ticket):
        query = {"@verbose": "2"}
        return (await self.ask("GET", f"issue/{ticket}", **query))["attributes"]["status"]["name"]

    async def change_status(self, ticket, native):
        await asyncio.to_thread(self.tracker.change, f"issue/{ticket}", status=native)

    async def stands(self, kind, record):
        return (await self.ask("GET", self.class_(kind), id=record))["@total_size"] == 1

    def class_(self, kind):
        return {Kind.CONTACT: "contact", Kind.TICKET: "issue", Kind.NOTE: "msg"}[kind]


class TestRoundup(ContractSuite):
    @pytest.fixture
    def site(self, tracker):
        return RoundupSite(tracker)
