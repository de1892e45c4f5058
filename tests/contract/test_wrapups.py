"""Officers' records of calls, drafts and the catalogue of subjects, on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import delete, insert

from crm_bridge.access import accounts
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases import subjects
from crm_bridge.desk import drafts
from crm_bridge.desk.wrapup import Entry, Wrapup
from crm_bridge.desk.wrapups import Count, Wrapups, counts, declare_again, find, of_calls, unlogged
from crm_bridge.errors import Refused, StorageUnavailable
from crm_bridge.records.calls import load_call
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.wrapups import wrapups
from crm_bridge.records.tables import marks
from ivr.calls.call import AgentPart
from tests.support.desk_calls import SECOND, Line, lost, save, served
from tests.support.desk_clock import HeldClock

ENTRY = Entry("information", "answered", "fta", "ถามเรื่อง FTA ไทย–จีน")


class Desk:
    """Wrap-ups over a running commit loop."""

    def __init__(self, database: Database, clock: HeldClock, line: Line, me: Account) -> None:
        self.database, self.clock, self.line, self.me = database, clock, line, me
        self.told: list[Wrapup] = []
        self.wrapups = Wrapups(database, clock, line.declare, self.told.append)

    async def unlogged(self, agent: str | None = None, **more):
        async with self.database.reading() as connection:
            return await unlogged(connection, agent, **more)


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    clock = HeldClock("2026-11-20T08:30")  # the desk's first day
    line = Line(database, clock)
    running = asyncio.create_task(line.loop.run())
    async with database.writing() as connection:
        me = await accounts.create(
            connection, clock, login="malee", role=Role.AGENT, name_th="มาลี", name_en="Malee"
        )
    clock.set("2026-11-23T10:00")
    yield Desk(database, clock, line, me)
    line.loop.stop()
    await running


def hour_ago(desk: Desk, minutes: float = 60) -> int:
    return desk.clock.at - int(minutes * 60) * SECOND


async def test_a_saved_record_ends_the_log_of_its_call(desk: Desk):
    call = served(1, hour_ago(desk))
    await save(desk.database, call)
    saved = await desk.wrapups.save(desk.me, call.call_id, "1001", ENTRY)
    assert (saved.version, saved.saved_us, saved.updated_us) == (1, desk.clock.at, desk.clock.at)
    assert desk.told == [saved]
    stored = await load_call(desk.database, call.call_id)
    assert stored is not None
    (log,) = [s for s in stored.steps if s.step == "log"]
    assert (log.ended_at, log.evidence.value) == (desk.clock.at, "declared")
    async with desk.database.reading() as connection:
        assert await find(connection, call.call_id, "1001") == saved
        assert await find(connection, call.call_id, "1002") is None
        assert await of_calls(connection, [call.call_id, "x"]) == {call.call_id: [saved]}


async def test_a_record_whose_call_could_not_be_marked_is_sent_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    call = served(1, hour_ago(desk))
    await save(desk.database, call)

    async def gone(*_: object) -> None:
        raise StorageUnavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("crm_bridge.desk.declare.load_call", gone)
        with pytest.raises(StorageUnavailable):
            await desk.wrapups.save(desk.me, call.call_id, "1001", ENTRY)
    for _ in range(2):
        saved = await desk.wrapups.save(desk.me, call.call_id, "1001", ENTRY)
        assert saved.version == 1
    stored = await load_call(desk.database, call.call_id)
    assert stored is not None
    assert [m.by for m in stored.call.marks if m.name == "logged"] == ["1001"]


async def test_a_record_is_corrected_by_who_has_seen_it(desk: Desk):
    call = served(1, hour_ago(desk))
    await save(desk.database, call)
    first = await desk.wrapups.save(desk.me, call.call_id, "1001", ENTRY)
    desk.clock.forward(minutes=3)
    other = replace(ENTRY, summary="แก้ไข\r\nบรรทัดสอง\0", follow_up_on="2026-11-30")
    with pytest.raises(Refused) as unseen:
        await desk.wrapups.save(desk.me, call.call_id, "1001", other)
    second = await desk.wrapups.save(desk.me, call.call_id, "1001", other, based_on=1)
    with pytest.raises(Refused) as late:
        await desk.wrapups.save(desk.me, call.call_id, "1001", ENTRY, based_on=1)
    assert (unseen.value.status, late.value.status) == (428, 412)
    assert second.entry.summary == "แก้ไข\nบรรทัดสอง"
    assert (second.version, second.saved_us) == (2, first.saved_us)
    assert second.updated_us == desk.clock.at
    stored = await load_call(desk.database, call.call_id)
    assert stored is not None
    (log,) = [s for s in stored.steps if s.step == "log"]
    assert log.ended_at == first.saved_us


async def test_two_screens_that_save_first_make_one_record(desk: Desk):
    call = served(1, hour_ago(desk))
    await save(desk.database, call)
    done = await asyncio.gather(
        *(
            desk.wrapups.save(desk.me, call.call_id, "1001", replace(ENTRY, summary=f"{n}"))
            for n in range(4)
        ),
        return_exceptions=True,
    )
    assert sorted(type(x).__name__ for x in done) == ["Refused"] * 3 + ["Wrapup"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"service": "x"}, "service"),
        ({"outcome": ""}, "outcome"),
        ({"subject_id": ""}, "subject_id"),
        ({"subject_id": "nothing-of-ours"}, "subject_id"),
        ({"summary": "ก" * 4001}, "summary"),
        ({"follow_up": "ก" * 501}, "follow_up"),
        ({"follow_up_on": "2026-02-30"}, "follow_up_on"),
        ({"follow_up_on": "20261130"}, "follow_up_on"),
    ],
)
async def test_what_is_missing_is_named(desk: Desk, changes, field):
    call = served(1, hour_ago(desk))
    await save(desk.database, call)
    with pytest.raises(Refused) as refused:
        await desk.wrapups.save(desk.me, call.call_id, "1001", replace(ENTRY, **changes))
    assert (refused.value.status, list(refused.value.fields)) == (422, [field])
    assert len(await desk.unlogged()) == 1


async def test_a_call_that_was_cut_off_needs_no_subject(desk: Desk):
    call = served(1, hour_ago(desk))
    await save(desk.database, call)
    entry = Entry("information", "cut_off")
    assert (await desk.wrapups.save(desk.me, call.call_id, "1001", entry)).version == 1


async def test_an_officer_logs_no_call_of_others(desk: Desk):
    call = served(1, hour_ago(desk))
    await save(desk.database, call)
    for call_id, agent in ((call.call_id, "1009"), ("lab1-1.1", "1001")):
        with pytest.raises(Refused) as refused:
            await desk.wrapups.save(desk.me, call_id, agent, ENTRY)
        assert refused.value.status == 404


async def test_a_call_before_the_desk_had_an_account_waits_for_no_record(desk: Desk):
    days = 24 * 60
    before, after = served(1, hour_ago(desk, 4 * days)), served(2, hour_ago(desk, 2 * days))
    await save(desk.database, before, after)
    assert [waiting.call_id for waiting in await desk.unlogged()] == [after.call_id]


async def test_saving_forgets_the_draft(desk: Desk):
    call = served(1, hour_ago(desk))
    await save(desk.database, call)
    key = f"wrapup:{call.call_id}"
    async with desk.database.writing() as connection:
        await drafts.keep(connection, desk.clock, desk.me.id, key, {"summary": "ก"})
        await drafts.keep(connection, desk.clock, desk.me.id, "complaint:x", {})
    await desk.wrapups.save(desk.me, call.call_id, "1001", ENTRY)
    async with desk.database.reading() as connection:
        assert await drafts.read(connection, desk.me.id, key) is None
        assert await drafts.read(connection, desk.me.id, "complaint:x") is not None


async def test_calls_are_listed_until_each_officer_has_logged_them(desk: Desk):
    early, late = served(1, hour_ago(desk, 90)), served(2, hour_ago(desk), agents=("1001", "1003"))
    await save(desk.database, early, late, lost(3, hour_ago(desk)))
    assert [(u.call_id, u.agent) for u in await desk.unlogged()] == [
        (late.call_id, "1003"), (late.call_id, "1001"), (early.call_id, "1001"),
    ]  # fmt: skip
    await desk.wrapups.save(desk.me, late.call_id, "1001", ENTRY)
    assert [u.call_id for u in await desk.unlogged("1001")] == [early.call_id]
    (other,) = await desk.unlogged("1003")
    assert (other.call_id, other.released_us, other.caller_e164, other.service) == (
        late.call_id, late.agents[1].released_at, "+66812345678", "information",
    )  # fmt: skip
    assert await desk.unlogged("1003", since_us=desk.clock.at) == []


async def test_the_list_of_unlogged_calls_goes_on_page_by_page(desk: Desk):
    made = [served(n, hour_ago(desk, 120 - n)) for n in range(7)]
    await save(desk.database, *made)
    seen: list[str] = []
    after = None
    while page := await desk.unlogged("1001", after=after, limit=3):
        seen += [u.call_id for u in page]
        after = (page[-1].released_us, page[-1].call_id)
    assert seen == [call.call_id for call in reversed(made)]


async def test_an_officer_who_is_back_in_the_call_owes_no_record_yet(desk: Desk):
    call = served(1, hour_ago(desk, 5))
    call.agents.append(AgentPart("1001", call.agents[0].released_at + SECOND, None))
    call.closed, call.ended_at, call.outcome = False, None, None
    await save(desk.database, call)
    assert await desk.unlogged() == []


async def test_each_officers_calls_are_counted(desk: Desk):
    made = [served(1, hour_ago(desk, 90)), served(2, hour_ago(desk), agents=("1001", "1003"))]
    await save(desk.database, *made)
    await desk.wrapups.save(desk.me, made[1].call_id, "1001", ENTRY)
    async with desk.database.reading() as connection:
        assert await counts(connection, 0, desk.clock.at) == [
            Count("1001", 2, 1), Count("1003", 1, 0),
        ]  # fmt: skip
        assert await counts(connection, desk.clock.at, desk.clock.at + 1) == []


async def test_a_start_declares_again_what_a_kill_left_undeclared(desk: Desk):
    done, killed = served(1, hour_ago(desk, 90)), served(2, hour_ago(desk))
    await save(desk.database, done, killed)
    await desk.wrapups.save(desk.me, done.call_id, "1001", ENTRY)
    async with desk.database.writing() as connection:
        await connection.execute(
            insert(wrapups).values(
                call_id=killed.call_id, agent="1001", account_id=desk.me.id, service="information",
                summary="", outcome="cut_off", follow_up="", follow_up_done=False, informed=False,
                asked_agency=False, saved_us=desk.clock.at - SECOND, updated_us=desk.clock.at,
                version=2,
            )
        )  # fmt: skip
    assert await declare_again(desk.database, desk.line.declare) == 1
    assert await declare_again(desk.database, desk.line.declare) == 0
    stored = await load_call(desk.database, killed.call_id)
    assert stored is not None
    assert [(m.name, m.at, m.by) for m in stored.call.marks] == [
        ("logged", desk.clock.at - SECOND, "1001")
    ]
    async with desk.database.writing() as connection:
        await connection.execute(delete(marks))
    assert await declare_again(desk.database, desk.line.declare) == 2


# Drafts.


async def test_a_draft_is_its_owners_and_the_last_one_stands(desk: Desk):
    hostile = {"ก": "\0\ud800 \\u0000 '\"", "list": [1, None, {"x": "๑"}]}
    async with desk.database.writing() as connection:
        await drafts.keep(connection, desk.clock, desk.me.id, "wrapup:a.1", {"x": 1})
        desk.clock.forward(seconds=1)
        await drafts.keep(connection, desk.clock, desk.me.id, "wrapup:a.1", hostile)
    async with desk.database.reading() as connection:
        found = await drafts.read(connection, desk.me.id, "wrapup:a.1")
        assert found == drafts.Draft("wrapup:a.1", hostile, desk.clock.at)
        assert await drafts.read(connection, "another", "wrapup:a.1") is None


async def test_too_much_is_no_draft_and_the_oldest_makes_room(desk: Desk, monkeypatch):
    monkeypatch.setattr(drafts, "MOST", 3)
    async with desk.database.writing() as connection:
        for n in range(5):
            desk.clock.forward(seconds=1)
            await drafts.keep(connection, desk.clock, desk.me.id, f"wrapup:{n}", {})
        left = [
            n for n in range(5)
            if await drafts.read(connection, desk.me.id, f"wrapup:{n}") is not None
        ]  # fmt: skip
        assert left == [2, 3, 4]
        with pytest.raises(Refused) as large:
            await drafts.keep(connection, desk.clock, desk.me.id, "wrapup:1", {"x": "ก" * 30_000})
        with pytest.raises(Refused) as named:
            await drafts.keep(connection, desk.clock, desk.me.id, "../x", {})
    assert (large.value.status, named.value.status) == (413, 422)


# Subjects.


async def test_the_catalogue_begins_filled_and_is_asked_by_service(database: Database):
    async with database.reading() as connection:
        whole = await subjects.catalogue(connection)
        complaint = await subjects.catalogue(connection, service="complaint")
        assert await subjects.names(connection, ["fta", "blue-flag"]) == {
            "fta": (
                "สิทธิพิเศษทางการค้า › ความตกลงการค้าเสรี (FTA)",
                "Trade privileges › Free trade agreements",
            ),
            "blue-flag": ("ธงฟ้า", "Blue Flag"),
        }
    assert len(whole) == 12
    assert all(heading.below for heading in whole)
    assert [h.subject.id for h in complaint] == [
        "prices", "measures", "trade-conduct", "blue-flag", "other",
    ]  # fmt: skip


async def test_an_administrator_adds_changes_and_puts_out_of_use(database: Database):
    clock = HeldClock()
    async with database.writing() as connection:
        top = await subjects.add(connection, clock, name_th="ทองคำ", service="complaint")
        one = await subjects.add(
            connection, clock, name_th="ราคาทอง", name_en="Gold", parent_id=top.id
        )
        assert (top.ordinal, one.ordinal, one.service) == (13, 1, "complaint")
        with pytest.raises(Refused) as deep:
            await subjects.add(connection, clock, name_th="ลึก", parent_id=one.id)
        with pytest.raises(Refused) as nameless:
            await subjects.add(connection, clock, name_th=" ")
        changed = await subjects.change(
            connection, clock, top.id, name_th="ทองรูปพรรณ", name_en="", active=True, ordinal=0,
            service="information",
        )  # fmt: skip
        assert (changed.version, changed.name("en")) == (2, "ทองรูปพรรณ")
        assert (await subjects.find(connection, one.id)).service == "information"
        assert (await subjects.catalogue(connection))[0].below == (
            await subjects.usable(connection, one.id),
        )
        await subjects.change(
            connection, clock, top.id, name_th="ทอง", name_en="", active=False, ordinal=0
        )
        assert len(await subjects.catalogue(connection)) == 12
        assert len(await subjects.catalogue(connection, unused=True)) == 13
        with pytest.raises(Refused) as out_of_use:
            await subjects.usable(connection, one.id)
    assert [r.value.code for r in (deep, nameless, out_of_use)] == [
        "too-deep", "name-missing", "subject-not-in-use",
    ]  # fmt: skip
