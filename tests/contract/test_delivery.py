"""Calls, callers and cases reach a CRM once and in order, whatever it does meanwhile."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from crm_bridge.config import Config
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors import registry
from crm_bridge.connectors.mapping import default_path
from crm_bridge.connectors.memory import MemoryConnector, MemoryCrm
from crm_bridge.connectors.port import Kind
from crm_bridge.delivery import outbox
from crm_bridge.delivery.carrier import Carrier
from crm_bridge.delivery.policy import Breaker, Limits
from crm_bridge.delivery.worker import Worker
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.connectors import outbox as rows
from crm_bridge.records.rows import snapshot
from crm_bridge.records.writer import Writer, batch_of
from ivr.calls.call import Call
from ivr.steps.timeline import timeline
from tests.support.desk_calls import SECOND, STANDARDS, directory, lost, served
from tests.support.desk_clock import NOW, HeldClock

SECTION = ConnectorSection(
    kind="roundup", url="http://127.0.0.1:1", username="x", token="x",
    mapping=default_path("memory"),
)  # fmt: skip


def config(*names: str) -> Config:
    return Config.model_construct(
        **{**Config().__dict__, "connector": dict.fromkeys(names, SECTION)}
    )


async def save(database: Database, *calls: Call, tells: bool = True) -> None:
    """Saves calls as the line does while CRMs are configured."""
    writer = Writer(database, HeldClock(), tells=tells)
    try:
        made = [snapshot(c, timeline(c, directory(), STANDARDS)) for c in calls]
        await writer.commit(batch_of(calls=made))
    finally:
        await writer.close()


class House:
    """A database, a CRM in memory and the worker between them."""

    def __init__(self, database: Database, clock: HeldClock | None = None) -> None:
        self.database = database
        self.clock = clock or HeldClock()
        self.crm = MemoryCrm()
        self.config = config("office")

    async def open(self) -> House:
        async with self.database.writing() as connection:
            await outbox.sync_connectors(connection, self.clock, self.config)
        return self

    def worker(self, connector: object | None = None, **limits: float) -> Worker:
        mapping = registry.mapping_of(SECTION)
        connector = connector or MemoryConnector("office", self.crm, mapping, clock=self.clock)
        carrier = Carrier(connector, mapping, SECTION, self.config, self.database, self.clock)  # type: ignore[arg-type]  # a fake of the port
        breaker = Breaker(Limits(**limits), draw=lambda: 0.5)  # type: ignore[arg-type]
        return Worker(connector, carrier, self.database, self.clock, breaker=breaker)  # type: ignore[arg-type]

    async def states(self) -> list[str]:
        async with self.database.reading() as connection:
            found = await connection.execute(select(rows.c.state).order_by(rows.c.seq))
            return list(found.scalars())


@pytest.fixture
async def house(database: Database) -> House:
    return await House(database).open()


@pytest.mark.parametrize("names", [(), ("a",), ("a", "b")])
async def test_ended_calls_are_put_in_every_active_outbox_with_the_call(database, names):
    async with database.writing() as connection:
        await outbox.sync_connectors(connection, HeldClock(), config(*names))
    call = served(1, NOW)
    await save(database, call)
    await save(database, call)
    async with database.reading() as connection:
        found = (await connection.execute(select(rows))).all()
    assert sorted(
        (r.connector, r.kind, r.subject, r.revision, r.lane, r.contact) for r in found
    ) == [
        (name, "call", call.call_id, 20, f"call:{call.call_id}", "+66812345678") for name in names
    ]


async def test_a_call_in_progress_waits_until_it_has_ended(house):
    call = served(1, NOW)
    call.closed = False
    await save(house.database, call)
    assert await house.states() == []


async def test_a_call_becomes_a_ticket_of_its_caller_once(house):
    first, second = served(1, NOW), lost(2, NOW + 900 * SECOND)
    await save(house.database, first, second)
    await house.worker().drain()
    assert await house.states() == ["done", "done"]
    tickets = [r for r in house.crm.records.values() if r.kind is Kind.TICKET]
    assert [t.key for t in tickets] == [f"call:{first.call_id}", f"call:{second.call_id}"]
    contacts = [r for r in house.crm.records.values() if r.kind is Kind.CONTACT]
    assert [c.key for c in contacts] == ["number:+66812345678"]
    first.revision += 1
    await save(house.database, first)  # nothing that the mapping names has changed
    before = len(house.crm.history)
    await house.worker().drain()
    assert await house.states() == ["done"] * 3
    assert len(house.crm.history) == before
