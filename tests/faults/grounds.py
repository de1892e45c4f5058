"""CRMs for the fault runs, each with nothing in it, and connectors to them whose requests fail."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from pathlib import Path

from crm_bridge.clock import SystemClock
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.port import Connector
from crm_bridge.connectors.registry import make
from crm_bridge.records.database import Database
from tests.contract.connectors.suite import Site
from tests.contract.connectors.test_embedded import EmbeddedSite
from tests.contract.connectors.test_memory import MemorySite
from tests.contract.connectors.test_odoo import OdooSite
from tests.contract.connectors.test_roundup import RoundupSite
from tests.contract.connectors.test_rt import RtSite
from tests.faults.office import NAME
from tests.support.crms.faults import Fault, Faults, Rough, Shaken
from tests.support.crms.odoo import odoo
from tests.support.crms.roundup import roundup
from tests.support.crms.rt import rt_server
from tests.support.migrated import sqlite_url

LONG = bool(os.environ.get("HOTLINE_FAULTS"))
SECONDS = {"roundup": 0.5, "rt": 2.0, "odoo": 2.0}
"""How long an answer may take; a silence costs as much."""
WAYS: Sequence[tuple[str, Sequence[Fault]]] = (
    [(fault.value, [fault]) for fault in Fault]
    if LONG and os.environ["HOTLINE_FAULTS"] != "mixed"
    else [("all mixed", list(Fault))]
)
VENDORS = ["memory", "embedded", "roundup", *(["rt", "odoo"] if LONG else [])]

ODD = {
    "roundup": [b'{"error": {"status": 409, "msg": "try again"}}'],
    "rt": [b'["Could not write to the database"]', b'[["Status could not be set"]]'],
    "odoo": [
        b'{"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "message": "Odoo Server Error",'
        b' "data": {"name": "psycopg2.OperationalError", "message": "could not serialize"}}}'
    ],
}
"""How each says with a 200 that something went wrong."""

Shaking = Callable[[Faults], AbstractAsyncContextManager[Connector]]
"""A connector whose requests fail, for as long as a block lasts."""


@asynccontextmanager
async def grounds(vendor: str, tmp_path: Path) -> AsyncIterator[tuple[Site, Shaking]]:
    """A CRM of this vendor with nothing in it."""
    async with AsyncExitStack() as stack:
        if vendor == "memory":
            site: Site = MemorySite(unique=False)
        elif vendor == "embedded":
            database = Database(await sqlite_url(tmp_path / "other.db"))
            stack.push_async_callback(database.close)
            site = await EmbeddedSite(database, nullcontext).furnish()
        else:
            site, section, port = _over_http(vendor, tmp_path, stack)

            @asynccontextmanager
            async def rough(faults: Faults) -> AsyncIterator[Connector]:
                more = {} if faults.rate else {"timeout_seconds": 60.0}
                patient = section.model_copy(update=more)
                async with Rough(port, faults, odd=ODD[vendor]) as transport:
                    connector = make(NAME, patient, clock=SystemClock(), transport=transport)
                    yield connector
                    await connector.close()

            yield site, rough
            return

        @asynccontextmanager
        async def shaken(faults: Faults) -> AsyncIterator[Connector]:
            made = Shaken(await site.connect(), faults)
            made.name = NAME
            yield made

        yield site, shaken


def _over_http(
    vendor: str, tmp_path: Path, stack: AsyncExitStack
) -> tuple[Site, ConnectorSection, int]:
    match vendor:
        case "roundup":
            tracker = stack.enter_context(roundup())
            section = {"url": tracker.url, "username": tracker.login, "token": tracker.secret}
            site, port = RoundupSite(tracker), tracker.port
        case "rt":
            server = stack.enter_context(rt_server(tmp_path))
            section = {"url": server.url, "token": server.token}
            site, port = RtSite(server), server.port
        case _:
            crm = stack.enter_context(odoo())
            section = {"url": crm.url, "database": crm.database, "username": "setup",
                       "token": crm.keys["setup"]}  # fmt: skip
            site, port = OdooSite(crm), crm.port
    return site, ConnectorSection(kind=vendor, timeout_seconds=SECONDS[vendor], **section), port


async def make_ready(shaking: Shaking) -> None:
    """An administrator has set up the CRM, where it needs that."""
    async with shaking(Faults(rate=0.0)) as connector:
        if connector.capabilities.setup:
            await connector.setup()


def calls_of(vendor: str) -> int:
    """How many calls a run carries: a thousand, or as many as a few seconds allow."""
    short = {"memory": 40, "embedded": 24, "roundup": 8}
    return int(os.environ.get("HOTLINE_FAULTS_CALLS", "1000" if LONG else short[vendor]))
