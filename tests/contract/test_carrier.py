"""What is learned of another CRM on the way is true, and is kept whatever fails in between."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from crm_bridge.cases import complaints, proceedings, timeline
from crm_bridge.config import Config
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors import registry
from crm_bridge.connectors.mapping import default_path
from crm_bridge.connectors.memory import MemoryConnector, MemoryCrm, Record
from crm_bridge.connectors.port import (
    Capabilities,
    Kind,
    Rejected,
    Status,
    StatusChange,
    Unreachable,
)
from crm_bridge.delivery import links, outbox, returns
from crm_bridge.delivery.carrier import Carrier
from crm_bridge.delivery.case_contents import THERE
from crm_bridge.delivery.deliveries import Deliveries
from crm_bridge.delivery.policy import Breaker, Limits, Stage
from crm_bridge.delivery.returns import Poll
from crm_bridge.delivery.worker import Worker
from crm_bridge.errors import StorageError
from crm_bridge.live.hub import Hub
from crm_bridge.records import outbox as entries
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.connectors import connectors
from crm_bridge.records.desk_tables.connectors import outbox as rows
from crm_bridge.records.rows import snapshot
from crm_bridge.records.writer import Writer, batch_of
from ivr.calls.call import Call
from ivr.steps.timeline import timeline as steps_of
from tests.support.cases import Cast, form
from tests.support.desk_calls import SECOND, STANDARDS, directory, served
from tests.support.desk_clock import NOW, HeldClock
from tests.support.people import person

PHONE = "+66812345678"
NUMBER = f"number:{PHONE}"
SECTION = ConnectorSection(
    kind="roundup", url="http://127.0.0.1:1", username="x", token="x",
    mapping=default_path("memory"),
)  # fmt: skip
MAPPING = registry.mapping_of(SECTION)


class Place:
    """A database, a CRM in memory and the one worker between them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = HeldClock()
        self.crm = MemoryCrm()
        self.connector = Troubled("office", self.crm, MAPPING, clock=self.clock)
        self.config = Config.model_construct(
            **{**Config().__dict__, "connector": {"office": SECTION}}
        )
        self.worker = self.another()

    def another(self, mapping=MAPPING, **limits) -> Worker:
        """A worker that knows nothing of the first, which was killed and whose claim is over."""
        self.clock.forward(minutes=3)
        carrier = Carrier(self.connector, mapping, SECTION, self.config, self.database, self.clock)
        breaker = Breaker(Limits(**limits), draw=lambda: 0.5)
        self.worker = Worker(self.connector, carrier, self.database, self.clock, breaker=breaker)
        return self.worker

    async def call(self, number: int = 1, presented: str | None = "0812345678") -> Call:
        """An ended call, saved as the line does."""
        call = served(number, NOW + number * 900 * SECOND, presented=presented)
        await self.save(call)
        return call

    async def save(self, call: Call) -> None:
        writer = Writer(self.database, self.clock, tells=True)
        try:
            rows = snapshot(call, steps_of(call, directory(), STANDARDS))
            await writer.commit(batch_of(calls=[rows]))
        finally:
            await writer.close()

    def stranger(self, name: str, number: str = PHONE) -> Record:
        """A contact that was there before us."""
        return self.crm.make(Record(Kind.CONTACT, "", 0, 0, {"name": name}, None, (number,)))

    def of(self, kind: Kind) -> list[Record]:
        return [r for r in self.crm.records.values() if r.kind is kind]

    async def link(self, key: str) -> links.Link | None:
        async with self.database.reading() as connection:
            return await links.find(connection, "office", key)

    async def states(self) -> list[str]:
        async with self.database.reading() as connection:
            found = await connection.execute(select(rows.c.state).order_by(rows.c.seq))
            return list(found.scalars())

    async def drain(self) -> None:
        async with asyncio.timeout(30):
            await self.worker.drain()


class Troubled(MemoryConnector):
    """A connector to the CRM in memory that fails where it is told to: act → errors, one a time."""

    def __init__(self, *args, **named) -> None:
        super().__init__(*args, **named)
        self.lose: dict[str, list[Exception]] = {}
        """After the act has taken effect."""
        self.refuse: dict[str, list[Exception]] = {}
        self.calls: list[str] = []
        self.brought = asyncio.Event()

    async def _do(self, name: str, doing):
        self.calls.append(name)
        if self.refuse.get(name):
            doing.close()
            raise self.refuse[name].pop(0)
        result = await doing
        if self.lose.get(name):
            raise self.lose[name].pop(0)
        return result

    async def upsert_contact(self, draft):
        return await self._do("contact", super().upsert_contact(draft))

    async def upsert_ticket(self, draft):
        ref = await self._do("ticket", super().upsert_ticket(draft))
        self.brought.set()
        return ref

    async def add_note(self, ticket, note):
        return await self._do("note", super().add_note(ticket, note))

    async def set_status(self, ticket, status):
        return await self._do("status", super().set_status(ticket, status))


@pytest.fixture
async def place(database: Database) -> Place:
    made = Place(database)
    async with database.writing() as connection:
        await outbox.sync_connectors(connection, made.clock, made.config)
    return made


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_contact_of_theirs_stays_theirs_though_the_answer_was_lost(place, restarted):
    theirs = place.stranger("บริษัทตัวอย่าง")
    place.connector.lose["contact"] = [Unreachable("no answer")]
    await place.call()
    await place.worker.round()
    assert place.crm.records[theirs.id].key == NUMBER, "it took effect"
    if restarted:
        place.another()
    await place.drain()
    assert place.crm.records[theirs.id].fields["name"] == "บริษัทตัวอย่าง"
    assert len(place.of(Kind.CONTACT)) == 1
    assert (await place.link(NUMBER)).theirs


async def test_a_contact_of_theirs_stays_theirs_when_its_ticket_is_gone(place):
    theirs = place.stranger("บริษัทตัวอย่าง")
    call = await place.call()
    await place.drain()
    [ticket] = place.of(Kind.TICKET)
    del place.crm.records[ticket.id]
    call.revision += 1
    call.ended_at += SECOND
    call.agents[0] = replace(call.agents[0], released_at=call.ended_at)
    await place.save(call)
    await place.drain()
    [again] = place.of(Kind.TICKET)
    assert again.id != ticket.id
    assert place.crm.records[theirs.id].fields["name"] == "บริษัทตัวอย่าง"
    assert (await place.link(NUMBER)).theirs
    assert (await place.link(again.key)).id == again.id


async def test_a_contact_that_we_made_is_ours_also_when_the_answer_was_lost(place):
    place.connector.lose["contact"] = [Unreachable("no answer")]
    await place.call()
    await place.worker.round()
    place.another()
    await place.drain()
    [contact] = place.of(Kind.CONTACT)
    assert not (await place.link(NUMBER)).theirs
    someone = await person(place.database, "สมชาย ใจดี", PHONE, clock=place.clock)
    await place.drain()
    [contact] = place.of(Kind.CONTACT)
    assert contact.key == f"person:{someone.id}"
    assert contact.fields["name"] == "สมชาย ใจดี"


async def test_a_number_that_became_a_person_and_then_two_leads_to_neither(place):
    await place.call()
    await place.drain()
    first = await person(place.database, "สมชาย ใจดี", PHONE, clock=place.clock)
    await place.drain()
    assert await place.link(NUMBER) is None, "that contact is the person's now"
    await person(place.database, "สมหญิง อื่น", PHONE, clock=place.clock)
    later = await place.call(2)
    await place.drain()
    [ticket] = [t for t in place.of(Kind.TICKET) if t.key == f"call:{later.call_id}"]
    assert place.crm.records[ticket.parent].key == NUMBER
    [contact] = place.crm.find(Kind.CONTACT, f"person:{first.id}")
    assert contact.fields["name"] == "สมชาย ใจดี"


async def test_two_strangers_with_one_number_are_left_alone(place):
    place.stranger("หนึ่ง")
    place.stranger("สอง")
    await place.call()
    await place.drain()
    assert await place.states() == ["done"]
    assert [c.key for c in place.of(Kind.CONTACT)] == [None, None]
    assert [t.parent for t in place.of(Kind.TICKET)] == [None]


async def test_what_was_learned_is_kept_when_the_database_fails_at_the_end(place, monkeypatch):
    call = await place.call()
    saving = links.save

    async def fails(connection, found):
        raise StorageError("the disk is full")

    monkeypatch.setattr(links, "save", fails)
    with pytest.raises(StorageError):
        await place.worker.round()
    monkeypatch.setattr(links, "save", saving)
    await place.drain()
    assert await place.states() == ["done"]
    assert len(place.of(Kind.TICKET)) == 1
    assert await place.link(f"call:{call.call_id}") is not None
    assert await place.link(NUMBER) is not None


async def test_a_note_that_fails_keeps_what_is_known_of_its_ticket(place):
    cast = await Cast.of(place.database, place.clock)
    place.connector.refuse["note"] = [Unreachable("no answer"), Rejected("too odd")]
    async with place.database.writing() as connection:
        case = await complaints.record(connection, place.clock, cast.agent, form())
    await place.drain()
    assert await place.states() == ["dead"]
    link = await place.link(f"case:{case.ticket}")
    assert link is not None
    assert link.status is Status.NEW
    assert place.connector.calls == ["contact", "ticket", "note", "note"]


async def test_entries_that_ask_nothing_do_not_show_that_the_crm_works(place):
    some = replace_which("call.number != none")
    worker = place.another(some, dead_after=3, trip=60)  # 8 fail a round: twice 60 in 15
    for number in range(1, 40):  # two of three are of no interest
        presented = f"08123456{number:02}" if number % 3 == 0 else None
        await place.call(number, presented)
    await place.worker.round()
    place.crm.running = False
    for _ in range(20):
        await worker.round()
        place.clock.forward(minutes=40)
        await place.call(100 + _, None)
    assert "dead" not in await place.states()
    assert worker.breaker.stage is not Stage.CLOSED


def replace_which(which: str):
    """The mapping of the CRM in memory that wants these calls only."""

    class Some:
        def __getattr__(self, name):
            return getattr(MAPPING, name)

        def wants_call(self, call):
            return call.number is not None

    assert which
    return Some()


async def test_a_case_that_moved_while_the_crm_was_down_moves_there_in_order(place):
    cast = await Cast.of(place.database, place.clock)
    place.crm.running = False
    case = await moved(place, cast)
    await place.worker.round()
    place.crm.running = True
    place.clock.forward(minutes=30)
    await place.drain()
    [ticket] = place.of(Kind.TICKET)
    assert set(await place.states()) == {"done"}
    assert ticket.status == "cancelled"
    link = await place.link(f"case:{case.ticket}")
    assert (link.status, link.native) == (Status.CANCELLED, "cancelled")
    notes = [int(n.key.rpartition("/")[2]) for n in place.of(Kind.NOTE)]
    assert notes == sorted(notes)


async def moved(place: Place, cast: Cast):
    async with place.database.writing() as connection:
        case = await complaints.record(connection, place.clock, cast.agent, form())
    for act in (proceedings.propose, _cancel):
        place.clock.forward(minutes=1)
        async with place.database.writing() as connection:
            await act(connection, place.clock, cast.supervisor, case.ticket)
    return case


async def _cancel(connection, clock, by, ticket):
    await proceedings.cancel(connection, clock, by, ticket, why="withdrawn", note="ผู้ร้องขอถอนเรื่อง")


async def told(place: Place, case, by) -> list[str]:
    async with place.database.reading() as connection:
        return [e.kind for e in await timeline.read(connection, case.id, by)]


async def test_our_own_status_that_comes_back_before_its_answer_is_told_to_nobody(place):
    cast = await Cast.of(place.database, place.clock)
    async with place.database.writing() as connection:
        case = await complaints.record(connection, place.clock, cast.agent, form())
    poll = Poll(place.connector, place.database, place.clock, Hub())
    await poll.once()
    await place.drain()
    await poll.once()
    async with place.database.writing() as connection:
        await proceedings.propose(connection, place.clock, cast.agent, case.ticket)
    place.connector.lose["status"] = [Unreachable("no answer")]
    await place.worker.round()
    place.clock.forward(seconds=1)
    await poll.once()
    assert THERE not in await told(place, case, cast.director)
    place.clock.forward(minutes=1)
    await place.drain()
    await poll.once()
    assert THERE not in await told(place, case, cast.director)
    assert (await place.link(f"case:{case.ticket}")).status is Status.OPEN


async def test_a_status_that_changed_there_is_kept_whatever_is_written_meanwhile(place):
    cast = await Cast.of(place.database, place.clock)
    async with place.database.writing() as connection:
        case = await complaints.record(connection, place.clock, cast.agent, form())
    await place.drain()
    key = f"case:{case.ticket}"
    before = await place.link(key)
    asked_at = place.clock.now_us() + 10 * SECOND
    place.clock.forward(seconds=20)
    async with place.database.writing() as connection:  # fields of it went since it was asked
        await links.save(connection, [replace(before, updated_us=place.clock.now_us())])
    ahead = place.clock.now_us() + 600 * SECOND  # their clock
    there = StatusChange(before.id, key, "resolved", Status.RESOLVED, ahead)
    async with place.database.writing() as connection:
        assert await returns.returned(connection, place.clock, "office", there, asked_at=asked_at)
        await links.save(connection, [before])  # one that read the link before writes its fields
    assert (await place.link(key)).status is Status.RESOLVED
    asked_at = place.clock.now_us()
    back = replace(there, native="open", status=Status.OPEN, at=ahead + SECOND)
    place.clock.forward(seconds=5)
    async with place.database.writing() as connection:
        assert await returns.returned(connection, place.clock, "office", back, asked_at=asked_at)
    assert (await told(place, case, cast.director)).count(THERE) == 2


async def test_stopping_under_way_gives_the_crm_back_and_the_entry_goes_after_the_next_start(place):
    call = await place.call()
    reached, never = asyncio.Event(), asyncio.Event()

    async def hangs():
        reached.set()
        await never.wait()

    place.crm.around = hangs
    running = asyncio.create_task(place.worker.run())
    async with asyncio.timeout(10):
        await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    async with place.database.reading() as connection:
        assert await connection.scalar(select(connectors.c.holder)) is None
    assert await place.states() == ["waiting"]
    place.crm.around = lambda: asyncio.sleep(0)
    place.another()
    await place.drain()
    assert [t.key for t in place.of(Kind.TICKET)] == [f"call:{call.call_id}"]


async def test_a_bug_in_one_crm_stops_no_other(place, monkeypatch):
    good = Troubled("good", place.crm, MAPPING, clock=place.clock)
    bad = Buggy("bad", MemoryCrm(), MAPPING, clock=place.clock)
    quiet = SECTION.model_copy(update={"poll_seconds": 0})  # a held clock would run on with it
    config = Config.model_construct(
        **{**Config().__dict__, "connector": dict.fromkeys(("good", "bad"), quiet)}
    )
    made = {"good": good, "bad": bad}
    others = await Deliveries.of(
        config, place.database, place.clock, Hub(), lambda name: made[name]
    )
    others.workers["bad"].breaker.stage = Stage.OPEN  # so that its health is asked
    running = asyncio.create_task(others.run())
    async with asyncio.timeout(10):
        await bad.again.wait()
        await place.call()
        others.wake("good")
        await good.brought.wait()
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await others.close()


class Buggy(MemoryConnector):
    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        self.again = asyncio.Event()
        self._asked = 0

    async def health(self):
        self._asked += 1
        if self._asked > 1:
            self.again.set()
        raise TypeError("a bug")

    async def changes(self, cursor):
        raise TypeError("a bug")


async def test_what_a_crm_cannot_take_is_through_at_once_and_is_deleted_in_time(place):
    events_only = Capabilities(contacts=False, lookup=False, tickets=False, call_events=True)
    place.connector.capabilities = events_only
    place.another()
    async with place.database.writing() as connection:
        for number in range(2500):
            await entries.add(
                connection, NOW, entries.CALL, f"none-{number}", 1, lane=f"call:none-{number}"
            )
        await connection.execute(update(rows).values(state="done", done_us=NOW))
    place.clock.forward(days=31)
    for number in (1, 2, 3):
        await place.call(number)
        await place.worker.round()
    assert await place.states() == ["done"] * 3
    assert place.crm.requests == 0


async def test_a_later_call_from_the_number_does_not_take_the_name_away(place):
    cast = await Cast.of(place.database, place.clock)
    async with place.database.writing() as connection:
        written = form(complainant_name="สมหมาย ใจดี", complainant_number=PHONE)
        await complaints.record(connection, place.clock, cast.agent, written)
    await place.drain()
    (contact,) = place.crm.find(Kind.CONTACT, NUMBER)
    assert contact.fields["name"] == "สมหมาย ใจดี"
    await place.call()
    await place.drain()
    (contact,) = place.crm.find(Kind.CONTACT, NUMBER)
    assert contact.fields["name"] == "สมหมาย ใจดี"
    (ticket,) = [r for r in place.crm.records.values() if (r.key or "").startswith("call:")]
    assert ticket.parent == contact.id
