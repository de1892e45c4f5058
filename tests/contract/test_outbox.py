"""The outbox keeps order per lane and per contact, and costs the same however long it is."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import delete, func, insert, select, update

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.config import Config
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.port import Kind
from crm_bridge.delivery import links, outbox, turns
from crm_bridge.delivery.links import Link
from crm_bridge.delivery.outbox import Behind, Entry, State
from crm_bridge.delivery.turns import Tried
from crm_bridge.errors import Refused
from crm_bridge.records import outbox as writing
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.connectors import connectors
from crm_bridge.records.desk_tables.connectors import outbox as table
from tests.support.desk_clock import NOW, HeldClock

SECTION = ConnectorSection(kind="roundup", url="http://127.0.0.1:1", username="x", token="x")
ADMIN = Account("admin", "admin", "ผู้ดูแล ระบบ", "Admin", Role.ADMINISTRATOR)
DAY = 24 * 3600 * 1_000_000


def config(*names: str, **other: str) -> Config:
    section = SECTION.model_copy(update=other)
    return Config.model_construct(
        **{**Config().__dict__, "connector": dict.fromkeys(names, section)}
    )


class Box:
    """One CRM's outbox, worked without a CRM."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = HeldClock()
        self.sent: list[str] = []

    async def sync(self, *names: str, **other: str) -> None:
        async with self.database.writing() as connection:
            await outbox.sync_connectors(connection, self.clock, config(*names, **other))

    async def add(self, *entries: tuple[str, str | None], kind: str = writing.CALL) -> None:
        """Entries of these lanes and contacts, each with a subject of its own."""
        async with self.database.writing() as connection:
            for lane, contact in entries:
                self.sent.append(lane)
                await writing.add(
                    connection, NOW, kind, f"s{len(self.sent)}", 1, lane=lane, contact=contact
                )

    async def take(self, limit: int = 100, without: tuple[int, ...] = ()) -> list[int]:
        async with self.database.writing() as connection:
            taken = await turns.take(connection, "a", self.clock.now_us(), limit, without)
        return [one.seq for one in taken.entries]

    async def get(self, seq: int) -> Entry:
        async with self.database.reading() as connection:
            return (await outbox.entry(connection, seq))[0]

    async def attempts(self, seq: int) -> list[outbox.Attempt]:
        async with self.database.reading() as connection:
            return (await outbox.entry(connection, seq))[1]

    async def settle(
        self, seq: int, state: State = State.DONE, wait: int = 0, charged: int = 0
    ) -> None:
        one, now = await self.get(seq), self.clock.now_us()
        outcome, error = ("done", None) if state is State.DONE else ("Unreachable", "no answer")
        tried = Tried(one, state, now, 5, outcome, error, now + wait if wait else 0, charged)
        async with self.database.writing() as connection:
            await turns.settle(connection, [tried])

    async def states(self) -> dict[int, tuple[str, str | None]]:
        async with self.database.reading() as connection:
            query = select(table.c.seq, table.c.state, table.c.behind).order_by(table.c.seq)
            return {seq: (state, behind) for seq, state, behind in await connection.execute(query)}


@pytest.fixture
async def box(database: Database) -> Box:
    made = Box(database)
    await made.sync("a")
    return made


async def test_the_same_entry_twice_is_one_and_is_for_every_active_crm(database):
    box = Box(database)
    await box.sync("a", "b")
    for _ in range(2):
        async with database.writing() as connection:
            await writing.add(connection, NOW, writing.CALL, "c", 1, lane="call:c")
    assert len(await box.states()) == 2
    async with database.reading() as connection:
        assert [c.waiting for c in await outbox.counts(connection)] == [1, 1]


async def test_a_crm_that_is_named_no_more_gets_nothing_new_and_keeps_what_waits(database):
    box = Box(database)
    await box.sync("a", "b")
    await box.add(("call:1", None))
    await box.sync("b")
    await box.add(("call:2", None))
    async with database.reading() as connection:
        found = {c.connector: (c.active, c.waiting) for c in await outbox.counts(connection)}
    assert found == {"a": (False, 1), "b": (True, 2)}
    await box.sync("a", "b")
    await box.add(("call:3", None))
    async with database.reading() as connection:
        found = {c.connector: (c.active, c.waiting) for c in await outbox.counts(connection)}
    assert found == {"a": (True, 2), "b": (True, 3)}


@pytest.mark.parametrize(
    "other", [{"kind": "rt"}, {"url": "http://127.0.0.1:2"}, {"database": "test"}]
)
async def test_another_kind_or_place_under_an_old_name_is_another_crm(box, other):
    async with box.database.writing() as connection:
        await links.save(connection, [_link("call:1", "7")])
        await connection.execute(update(connectors).values(cursor="12", polled_us=1))
    await box.sync("a")
    async with box.database.reading() as connection:
        assert await links.find(connection, "a", "call:1") is not None
    await box.sync("a", **other)
    async with box.database.reading() as connection:
        assert await links.find(connection, "a", "call:1") is None
        row = (await connection.execute(select(connectors))).one()
    assert (row.kind, row.cursor, row.polled_us) == (other.get("kind", "roundup"), None, None)


async def test_a_lane_goes_one_after_the_other_and_lanes_beside_each_other(box):
    await box.add(("call:1", None), ("call:2", None), ("call:1", None), ("call:1", None))
    assert await box.take() == [1, 2]
    assert await box.take(without=(1, 2)) == []
    await box.settle(1)
    assert await box.take(without=(2,)) == [3]
    await box.settle(3)
    await box.settle(2)
    assert await box.take() == [4]


async def test_a_caller_goes_one_call_after_the_other(box):
    await box.add(("call:1", "+661"), ("call:2", "+661"), ("call:3", "+662"))
    assert await box.take() == [1, 3]
    await box.settle(1, State.WAITING, wait=1_000_000)
    assert await box.take(without=(3,)) == []
    box.clock.forward(seconds=2)
    assert await box.take(without=(3,)) == [1]
    await box.settle(1)
    assert await box.take(without=(3,)) == [2]


async def test_a_dead_ticket_holds_its_notes_back_and_no_other_call_of_the_caller(box):
    await box.add(("call:1", "+661"), ("call:1", None), ("call:1", "+661"), ("call:2", "+661"))
    assert await box.take() == [1]
    await box.settle(1, State.DEAD)
    assert await box.take() == [4]
    assert (await box.states())[2] == ("waiting", Behind.DEAD)
    await box.add(("call:1", "+661"))
    assert await box.take(without=(4,)) == []
    async with box.database.reading() as connection:
        (count,) = await outbox.counts(connection)
        held = await outbox.held_behind(connection, await box.get(1))
    assert (count.waiting, count.held, count.dead, held) == (4, 3, 1, 3)


async def test_one_set_aside_behind_a_dead_one_keeps_no_later_call_waiting(box):
    await box.add(("call:1", None))
    await box.settle(1, State.DEAD)
    await box.add(("call:1", "+661"), ("call:2", "+661"), ("call:3", "+661"))
    assert await box.take() == []  # the first look finds who stands in the way
    assert await box.take() == [3]
    await box.settle(3)
    assert await box.take() == [4]


async def test_what_is_sent_again_goes_before_what_waits_for_it(box):
    await box.add(("call:1", "+661"), ("call:1", None), ("call:2", "+661"))
    await box.settle(1, State.DEAD, charged=12)
    await box.take()
    async with box.database.writing() as connection:
        one = await outbox.resend(connection, box.clock, 1, ADMIN)
    assert (one.state, one.charged, one.next_us) == (State.WAITING, 0, 0)
    assert await box.take(without=(3,)) == [1]
    await box.settle(1)
    await box.settle(3)
    assert await box.take() == [2]
    outcomes = [(a.outcome, a.error) for a in await box.attempts(1)]
    assert outcomes == [("Unreachable", "no answer"), ("resent", "ผู้ดูแล ระบบ"), ("done", None)]


async def test_all_that_is_dead_is_sent_again_in_order(box):
    await box.add(("call:1", None), ("call:2", None), ("call:1", None))
    await box.take()
    await box.settle(1, State.DEAD)
    await box.settle(2, State.DEAD)
    async with box.database.writing() as connection:
        assert await outbox.resend_dead(connection, box.clock, "a", ADMIN) == 2
    assert await box.take() == [1, 2]


async def test_one_that_is_done_is_written_once_more_though_nothing_changed(box):
    async with box.database.writing() as connection:
        await writing.add(connection, NOW, writing.CALL, "c1", 1, lane="call:c1")
        await links.save(connection, [_link("call:c1", "7", digest="same")])
    await box.take()
    await box.settle(1)
    async with box.database.writing() as connection:
        await outbox.resend(connection, box.clock, 1, ADMIN)
    async with box.database.reading() as connection:
        found = await links.find(connection, "a", "call:c1")
    assert found is not None
    assert found.digest is None
    assert await box.take() == [1]


async def test_one_that_is_skipped_lets_the_rest_go_and_says_who_and_why(box):
    await box.add(("call:1", "+661"), ("call:1", None), ("call:2", "+661"))
    await box.take()
    await box.settle(1, State.DEAD)
    async with box.database.writing() as connection:
        one = await outbox.skip(connection, box.clock, 1, "  ซ้ำกับเรื่องเดิม ", ADMIN)
    assert one.state is State.SKIPPED
    assert await box.take() == [2, 3]
    assert (await box.attempts(1))[-1].error == "ผู้ดูแล ระบบ: ซ้ำกับเรื่องเดิม"
    async with box.database.writing() as connection:
        with pytest.raises(Refused):
            await outbox.skip(connection, box.clock, 1, "again", ADMIN)
        with pytest.raises(Refused) as refusal:
            await outbox.skip(connection, box.clock, 2, " \n", ADMIN)
    assert refusal.value.status == 422


async def test_a_skipped_one_that_is_under_way_is_done_when_it_went_and_skipped_when_not(box):
    await box.add(("call:1", None), ("call:2", None))
    first, second = await box.get(1), await box.get(2)
    async with box.database.writing() as connection:
        for seq in (1, 2):
            await outbox.skip(connection, box.clock, seq, "x", ADMIN)
    async with box.database.writing() as connection:
        later = NOW + 1_000_000
        await turns.settle(
            connection,
            [Tried(first, State.WAITING, NOW, 5, "Unreachable", "no", later, 1)],
        )
    assert (await box.get(1)).state is State.SKIPPED
    async with box.database.writing() as connection:
        await turns.settle(connection, [Tried(second, State.DONE, NOW, 5, "done")])
    assert (await box.get(2)).state is State.DONE


async def test_one_that_dies_after_it_was_skipped_holds_nothing_back(box):
    await box.add(("call:1", None), ("call:1", None))
    one = await box.get(1)
    await box.take()
    async with box.database.writing() as connection:
        await outbox.skip(connection, box.clock, 1, "x", ADMIN)
        await turns.settle(connection, [Tried(one, State.DEAD, NOW, 5, "Rejected", "no")])
    assert (await box.get(1)).state is State.SKIPPED
    assert [a.outcome for a in await box.attempts(1)] == ["skipped", "Rejected"]
    assert await box.take() == [2]


async def test_what_was_set_aside_is_looked_at_again_at_a_start(box):
    await box.add(("call:1", None), ("call:1", None))
    await box.take()
    async with box.database.writing() as connection:
        await connection.execute(delete(table).where(table.c.seq == 1))
    assert await box.take() == []
    async with box.database.writing() as connection:
        assert await turns.look_again(connection, "a") == 1
    assert await box.take() == [2]


async def test_what_is_set_by_hand_is_kept_until_it_went(box):
    await box.add(("call:1", None))
    mended = {"ticket.name": "ใหม่", "contact.email": None, "note.text": "a"}
    async with box.database.writing() as connection:
        one = await outbox.set_overrides(connection, 1, mended)
    assert one.overrides == mended
    for odd in ("name", "ticket.", "connector.x", "note.other"):
        async with box.database.writing() as connection:
            with pytest.raises(Refused) as refusal:
                await outbox.set_overrides(connection, 1, {odd: "x"})
        assert list(refusal.value.fields) == [odd]
    await box.settle(1)
    assert (await box.get(1)).overrides == {}
    async with box.database.writing() as connection:
        with pytest.raises(Refused):
            await outbox.set_overrides(connection, 1, mended)


async def test_pages_go_backwards_through_what_is_asked_for(box):
    await box.add(*[(f"call:{n}", None) for n in range(5)])
    await box.take()
    for seq in (1, 3, 5):
        await box.settle(seq, State.DEAD)
    async with box.database.reading() as connection:
        page = await outbox.listed(connection, "a", limit=2)
        rest = await outbox.listed(connection, "a", after=page[-1].seq, limit=2)
        lane = await outbox.listed(connection, states=tuple(State), lane="call:1")
        with pytest.raises(Refused) as refusal:
            await outbox.entry(connection, 99)
    assert [one.seq for one in page + rest] == [5, 3, 1]
    assert [one.seq for one in lane] == [2]
    assert refusal.value.status == 404


async def test_what_is_through_is_deleted_after_a_month_and_nothing_else(box):
    await box.add(*[(f"call:{n}", None) for n in range(4)])
    await box.take()
    await box.settle(1)
    await box.settle(2, State.WAITING, wait=1)
    await box.settle(2)
    await box.settle(3, State.DEAD)
    box.clock.forward(days=29)
    async with box.database.writing() as connection:
        assert await outbox.prune(connection, box.clock) == 0
    box.clock.forward(days=2)
    async with box.database.writing() as connection:
        assert await outbox.prune(connection, box.clock, most=1) == 1
        assert await outbox.prune(connection, box.clock) == 1
    assert list(await box.states()) == [3, 4]


async def test_one_process_at_a_time_delivers_to_a_crm(box):
    async def claim(holder: str, now: int) -> bool:
        async with box.database.writing() as connection:
            return await turns.claim(connection, "a", holder, now, now + 100)

    assert await claim("one", 0)
    assert not await claim("two", 50)
    assert await claim("one", 90)
    assert not await claim("two", 190)
    assert await claim("two", 191)
    assert not await claim("one", 200)
    async with box.database.writing() as connection:
        await turns.release(connection, "a", "one")
    assert not await claim("one", 201)
    async with box.database.writing() as connection:
        await turns.release(connection, "a", "two")
    assert await claim("one", 202)
    await box.sync()
    assert not await claim("one", 203)


@pytest.mark.parametrize("seed", range(6))
async def test_order_is_kept_whatever_fails_and_all_comes_to_an_end(box, seed):
    """Lanes, contacts, failures, deaths, skips and resends by chance; then everything goes."""
    chance = random.Random(seed)
    lanes = {f"call:{n}": chance.choice([None, "+661", "+662", "+663"]) for n in range(8)}
    for _ in range(60):
        lane = chance.choice(list(lanes))
        await box.add((lane, lanes[lane] if chance.random() < 0.7 else None))
    entries = {seq: await box.get(seq) for seq in await box.states()}
    under_way: list[int] = []
    tries = 0
    while True:
        tries += 1
        assert tries < 2000
        taken = await box.take(chance.randint(1, 6), tuple(under_way))
        states = await box.states()
        for seq in taken:
            _may_go(seq, entries, states)
        under_way += taken
        if not under_way:
            if all(state in {"done", "skipped"} for state, _ in states.values()):
                break
            box.clock.forward(seconds=10)
            dead = [seq for seq, (state, _) in states.items() if state == "dead"]
            if dead and chance.random() < 0.7:
                async with box.database.writing() as connection:
                    if chance.random() < 0.3:
                        await outbox.skip(connection, box.clock, dead[0], "x", ADMIN)
                    else:
                        await outbox.resend(connection, box.clock, dead[0], ADMIN)
            continue
        seq = under_way.pop(chance.randrange(len(under_way)))
        how = chance.random()
        if how < 0.6:
            await box.settle(seq)
        elif how < 0.9:
            await box.settle(seq, State.WAITING, wait=chance.randint(1, 5_000_000))
        else:
            await box.settle(seq, State.DEAD)


def _may_go(seq: int, entries: dict[int, Entry], states: dict) -> None:
    one = entries[seq]
    for before in entries.values():
        if before.seq >= seq:
            break
        state, behind = states[before.seq]
        if before.lane == one.lane:
            assert state not in {"waiting", "dead"}, (before.seq, seq)
        if one.contact is not None and before.contact == one.contact and state == "waiting":
            held = [e for e in entries.values() if e.lane == before.lane and e.seq < before.seq]
            assert any(states[e.seq][0] == "dead" for e in held), (before.seq, seq, behind)


@pytest.mark.parametrize("callers", [1, 40, 20_000])
async def test_a_long_backlog_costs_no_more_an_entry_than_a_short_one(box, callers):
    """20,000 wait, two of each call: what is looked at is bounded, however few callers they are of.

    Each is looked at once, and once more when the one before it is through.
    """
    async with box.database.writing() as connection:
        for start in range(0, 20_000, 5_000):
            await connection.execute(
                insert(table),
                [
                    {"connector": "a", "kind": "call", "subject": f"c{n}", "revision": 1,
                     "lane": f"call:{n // 2}", "contact": f"+66{n // 2 % callers}",
                     "state": "waiting", "made_us": NOW, "next_us": 0, "attempts": 0,
                     "charged": 0, "version": 1}
                    for n in range(start, start + 5_000)
                ],
            )  # fmt: skip
    limit, went, taken_in = 16, 0, 0
    while went < 100:
        taken_in += 1
        assert taken_in <= 100
        async with box.database.writing() as connection:
            taken = await turns.take(connection, "a", NOW, limit, ())
            await turns.settle(
                connection, [Tried(one, State.DONE, NOW, 1, "done") for one in taken.entries]
            )
        went += len(taken.entries)
    async with box.database.reading() as connection:
        aside = await connection.scalar(
            select(func.count()).where(table.c.state == "waiting", table.c.behind.is_not(None))
        )
    assert aside <= taken_in * 2 * 4 * limit
    assert went / taken_in >= min(callers, limit) / 2


def _link(key: str, record: str, digest: str | None = None) -> Link:
    return Link(
        "a", key, Kind.TICKET, record, None, False, digest, None, None, None, NOW, NOW
    )  # fmt: skip
