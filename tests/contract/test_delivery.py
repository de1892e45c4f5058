"""Calls, callers and cases reach a CRM once and in order, whatever it does meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from crm_bridge.config import Config
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors import registry
from crm_bridge.connectors.mapping import default_path
from crm_bridge.connectors.memory import MemoryConnector, MemoryCrm
from crm_bridge.connectors.port import (
    Capabilities,
    ConnectorError,
    Contact,
    ContactDraft,
    Denied,
    Health,
    Kind,
    Note,
    Ref,
    Rejected,
    Status,
    TicketDraft,
    Unreachable,
    Unsettled,
)
from crm_bridge.delivery import links, outbox
from crm_bridge.delivery.carrier import Carrier
from crm_bridge.delivery.policy import Breaker, Limits
from crm_bridge.delivery.worker import CLAIM, Worker
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.connectors import outbox as rows
from crm_bridge.records.erasure import erase_callers
from crm_bridge.records.rows import snapshot
from crm_bridge.records.writer import Writer, batch_of
from ivr.calls.call import Call
from ivr.steps.timeline import timeline
from tests.support.desk_calls import SECOND, STANDARDS, directory, lost, served
from tests.support.desk_clock import NOW, HeldClock
from tests.support.people import ADMINISTRATOR

NUMBER = "+66812345678"

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


class Killed(BaseException):
    """As kill -9: nothing that follows is done."""


class Rough:
    """Before the connector in memory: does as it is told, and remembers what was asked."""

    kind = "rough"

    def __init__(self, inner: MemoryConnector) -> None:
        self.name = inner.name
        self.capabilities: Capabilities = inner.capabilities
        self.inner = inner
        self.asked: list[tuple[str, str]] = []
        self.before: dict[str, ConnectorError] = {}
        """Key → raised before it takes effect."""
        self.after: dict[str, ConnectorError] = {}
        """Key → raised once it took effect."""
        self.dies_after: str | None = None
        """A key upon whose effect the process is killed."""
        self.chance: random.Random | None = None

    async def _act(self, act: str, key: str, work: Any) -> Any:
        self.asked.append((act, key))
        await asyncio.sleep(0)
        if key in self.before:
            work.close()
            raise self.before[key]
        how = 1.0 if self.chance is None else self.chance.random()
        if how < 0.15:
            work.close()
            raise Unreachable("lost on the way")
        done = await work
        if self.dies_after == key:
            raise Killed
        if key in self.after:
            raise self.after.pop(key)
        if how < 0.3:
            raise self.chance.choice([Unreachable, Unsettled])("lost on the way back")
        return done

    async def health(self) -> Health:
        self.asked.append(("health", ""))
        return await self.inner.health()

    async def find_contacts(self, e164: str) -> Sequence[Contact]:
        return await self._act("find", e164, self.inner.find_contacts(e164))

    async def upsert_contact(self, draft: ContactDraft) -> Ref:
        return await self._act("contact", draft.key, self.inner.upsert_contact(draft))

    async def upsert_ticket(self, draft: TicketDraft) -> Ref:
        return await self._act("ticket", draft.key, self.inner.upsert_ticket(draft))

    async def add_note(self, ticket: str, note: Note) -> str:
        return await self._act("note", note.key, self.inner.add_note(ticket, note))

    async def set_status(self, ticket: str, status: Status) -> str:
        return await self._act("status", status.value, self.inner.set_status(ticket, status))


def rough(house: House) -> Rough:
    mapping = registry.mapping_of(SECTION)
    return Rough(MemoryConnector("office", house.crm, mapping, clock=house.clock))


def of(house: House, kind: Kind) -> list[str]:
    """Keys of what stands there of this kind, in the order in which it was made."""
    return [str(r.key) for r in house.crm.records.values() if r.kind is kind]


async def entries(house: House) -> list[outbox.Entry]:
    async with house.database.reading() as connection:
        return await outbox.listed(connection, states=tuple(outbox.State), limit=1000)


async def settled(house: House, worker: Worker, rounds: int = 500) -> None:
    """Rounds until nothing waits, the clock moved on between them."""
    for _ in range(rounds):
        if not await worker.round():
            if "waiting" not in await house.states():
                return
            house.clock.forward(seconds=5)
    raise AssertionError(await house.states())


async def test_a_bridge_killed_between_the_write_and_its_own_commit_makes_no_second_record(house):
    call = served(1, NOW)
    await save(house.database, call)
    for key in (f"number:{NUMBER}", f"call:{call.call_id}"):
        connector = rough(house)
        connector.dies_after = key
        with pytest.raises(BaseExceptionGroup) as ended:
            await house.worker(connector).round()
        assert ended.group_contains(Killed)
        assert await house.states() == ["waiting"]
        assert key in of(house, Kind.CONTACT) + of(house, Kind.TICKET)
        # the CRM is the dead process's for a while yet
        assert not await house.worker().round()
        house.clock.forward(seconds=CLAIM / SECOND + 1)
    await house.worker().drain()
    assert await house.states() == ["done"]
    assert of(house, Kind.CONTACT) == [f"number:{NUMBER}"]
    assert of(house, Kind.TICKET) == [f"call:{call.call_id}"]
    async with house.database.reading() as connection:
        found = await links.of_keys(connection, [f"number:{NUMBER}", f"call:{call.call_id}"])
    assert [(link.kind, link.theirs) for link in found] == [
        (Kind.TICKET, False), (Kind.CONTACT, False),
    ]  # fmt: skip


async def test_two_workers_on_one_database_write_nothing_twice(house):
    calls = [served(n, NOW + n * 900 * SECOND, presented=f"08100000{n:02}") for n in range(12)]
    await save(house.database, *calls)
    first, second = rough(house), rough(house)
    workers = [house.worker(first), house.worker(second)]

    async def work(worker: Worker) -> None:
        for _ in range(40):
            await worker.round()

    await asyncio.gather(*map(work, workers))
    assert set(await house.states()) == {"done"}
    assert sorted(of(house, Kind.TICKET)) == sorted(f"call:{c.call_id}" for c in calls)
    assert not (first.asked and second.asked)  # one of them alone had the CRM


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_lost_on_the_way_all_arrives_once_and_in_order(house, seed):
    calls = [served(n, NOW + n * 900 * SECOND, presented=f"08100000{n % 4:02}") for n in range(20)]
    await save(house.database, *calls)
    connector = rough(house)
    connector.chance = random.Random(seed)
    await settled(house, house.worker(connector, first=1.0, most=8.0, rest_first=1.0))
    assert set(await house.states()) == {"done"}
    for n in range(4):
        theirs = [f"call:{c.call_id}" for c in calls[n::4]]
        assert [key for key in of(house, Kind.TICKET) if key in theirs] == theirs
    assert sorted(of(house, Kind.CONTACT)) == [f"number:+6681000000{n}" for n in range(4)]
    async with house.database.reading() as connection:
        _, tried = await outbox.entry(connection, 1)
    assert [t.attempt for t in tried] == list(range(1, len(tried) + 1))


async def test_a_crm_that_is_down_for_a_day_loses_nothing_and_is_asked_seldom(house):
    calls = [served(n, NOW + n * 900 * SECOND, presented=f"08100000{n:02}") for n in range(8)]
    await save(house.database, *calls)
    connector = rough(house)
    worker = house.worker(connector)
    house.crm.running = False
    end = house.clock.now_us() + 24 * 3600 * SECOND
    while house.clock.now_us() < end:
        await worker.round()
        house.clock.forward(seconds=60)
    assert set(await house.states()) == {"waiting"}
    assert [e.charged for e in await entries(house)] == [0] * 8
    assert len(connector.asked) < 400
    assert len([a for a in connector.asked if a[0] != "health"]) <= 10
    house.crm.running = True
    house.clock.forward(minutes=11)
    await settled(house, worker)
    assert set(await house.states()) == {"done"}
    assert len(of(house, Kind.TICKET)) == 8


async def test_a_login_that_is_refused_waits_until_a_person_mends_it(house):
    await save(house.database, served(1, NOW))
    house.crm.secret = "another"
    worker = house.worker()
    for _ in range(200):
        await worker.round()
        house.clock.forward(minutes=5)
    assert await house.states() == ["waiting"]
    assert worker.breaker.stage.value == "open"
    assert worker.breaker.denied
    house.crm.secret = None
    worker.try_now()
    await settled(house, worker)
    assert await house.states() == ["done"]


async def test_a_record_that_is_refused_is_dead_mended_by_hand_and_sent_again(house):
    call, other = served(1, NOW), served(2, NOW + 900 * SECOND)
    await save(house.database, call, other)
    connector = rough(house)
    connector.before[f"call:{call.call_id}"] = Rejected("the subject is too long", mend="shorten")
    worker = house.worker(connector)
    await worker.drain()
    assert await house.states() == ["dead", "done"]  # the caller's other call went
    call.revision += 1
    call.menu = []
    call.caller_name = "สมหมาย"
    await save(house.database, call)
    await worker.drain()
    assert await house.states() == ["dead", "done", "waiting"]
    async with house.database.writing() as connection:
        (dead,) = await outbox.listed(connection, "office")
        assert dead.last_error == "the subject is too long; shorten"
        await outbox.set_overrides(connection, dead.seq, {"ticket.subject": "สั้น"})
        connector.before.clear()
        await outbox.resend(connection, house.clock, dead.seq, ADMINISTRATOR)
    await worker.round()
    (ticket,) = (r for r in house.crm.records.values() if r.key == f"call:{call.call_id}")
    assert ticket.fields["subject"] == "สั้น"
    await worker.drain()
    assert await house.states() == ["done"] * 3
    assert not (await entries(house))[-1].overrides
    (ticket,) = (r for r in house.crm.records.values() if r.key == f"call:{call.call_id}")
    assert ticket.fields["subject"] != "สั้น"  # what was set by hand was for once


async def test_a_contact_of_theirs_is_taken_only_where_it_is_the_only_one(house):
    mapping = registry.mapping_of(SECTION)
    theirs = MemoryConnector("theirs", house.crm, mapping, clock=house.clock)
    made = await theirs.upsert_contact(
        ContactDraft("x", (NUMBER,), {"name": "ลูกค้าเดิม", "email": "old@example.com"})
    )
    house.crm.records[made.id] = _without_key(house.crm.records[made.id])
    call = served(1, NOW)
    await save(house.database, call)
    await house.worker().drain()
    record = house.crm.records[made.id]
    assert record.key == f"number:{NUMBER}"
    assert record.fields["name"] == "ลูกค้าเดิม"
    (ticket,) = (r for r in house.crm.records.values() if r.kind is Kind.TICKET)
    assert ticket.parent == made.id
    async with house.database.reading() as connection:
        link = await links.find(connection, "office", f"number:{NUMBER}")
    assert link is not None
    assert link.theirs


async def test_of_several_contacts_with_the_number_none_is_taken_and_the_try_says_so(house):
    mapping = registry.mapping_of(SECTION)
    theirs = MemoryConnector("theirs", house.crm, mapping, clock=house.clock)
    for key in ("x", "y"):
        made = await theirs.upsert_contact(ContactDraft(key, (NUMBER,), {"name": key}))
        house.crm.records[made.id] = _without_key(house.crm.records[made.id])
    await save(house.database, served(1, NOW))
    await house.worker().drain()
    (ticket,) = (r for r in house.crm.records.values() if r.kind is Kind.TICKET)
    assert ticket.parent is None
    assert len(of(house, Kind.CONTACT)) == 2
    async with house.database.reading() as connection:
        _, (tried,) = await outbox.entry(connection, 1)
    assert tried.outcome == "done"
    assert tried.error == "2 contacts there have this number: none was taken"


def _without_key(record: Any) -> Any:
    return replace(record, key=None)


async def test_a_record_that_is_gone_there_is_made_once_more(house):
    call = served(1, NOW)
    await save(house.database, call)
    await house.worker().drain()
    house.crm.records.clear()
    call.revision += 1
    call.service = "complaint"
    await save(house.database, call)
    await house.worker().drain()
    assert await house.states() == ["done", "done"]
    assert of(house, Kind.TICKET) == [f"call:{call.call_id}"]


async def test_what_was_erased_before_it_went_does_not_go(house):
    call = served(1, NOW)
    await save(house.database, call)
    async with house.database.writing() as connection:
        await erase_callers(connection, house.clock, [call.call_id])
    connector = rough(house)
    await house.worker(connector).drain()
    assert await house.states() == ["done"]
    assert connector.asked == []


async def test_a_denied_record_while_all_else_goes_is_dead_in_the_end(house):
    calls = [served(n, NOW + n * 900 * SECOND, presented=f"08100000{n:02}") for n in range(40)]
    await save(house.database, calls[0])
    connector = rough(house)
    connector.before[f"call:{calls[0].call_id}"] = Denied("this queue is not yours")
    worker = house.worker(connector)
    for call in calls[1:]:
        await save(house.database, call)
        for _ in range(4):
            await worker.round()
            house.clock.forward(minutes=10)
    states = await house.states()
    assert states[0] == "dead"
    assert set(states[1:]) == {"done"}


async def test_one_worker_gives_way_to_the_line(house):
    """While a long backlog goes, nothing else on the loop waits long for its turn."""
    calls = [served(n, NOW + n * SECOND, presented=f"0812{n:06}") for n in range(200)]
    await save(house.database, *calls)
    loop = asyncio.get_running_loop()
    lags: list[float] = []

    async def look() -> None:
        while True:
            before = loop.time()
            await asyncio.sleep(0.002)
            lags.append(loop.time() - before - 0.002)

    looking = asyncio.create_task(look())
    began = loop.time()
    await house.worker().drain()
    took = loop.time() - began
    looking.cancel()
    lags.sort()
    print(
        f"{len(calls) / took:.0f} entries/s, lag p50 {lags[len(lags) // 2] * 1000:.1f} "
        f"p99 {lags[len(lags) * 99 // 100] * 1000:.1f} max {lags[-1] * 1000:.1f} ms"
    )
    assert len(of(house, Kind.TICKET)) == 200
    assert lags[len(lags) // 2] < 0.05
