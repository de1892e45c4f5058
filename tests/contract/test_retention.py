"""Retention: what is old goes, what the law keeps stays, the proof says what went, figures hold."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import insert, select, update

from crm_bridge.cases import attachments
from crm_bridge.cases.attachments import Store
from crm_bridge.config_retention import RetentionSection
from crm_bridge.desk.desk_figures import SOURCES
from crm_bridge.errors import StorageUnavailable
from crm_bridge.records import audit_book, figures_walk
from crm_bridge.records.chain import Row
from crm_bridge.records.desk_tables.accounts import accounts
from crm_bridge.records.desk_tables.appointments import appointments
from crm_bridge.records.desk_tables.cases import case_attachments, cases
from crm_bridge.records.desk_tables.messages import messages
from crm_bridge.records.desk_tables.people import person_notes, persons
from crm_bridge.records.desk_tables.wrapups import call_back_wishes, drafts, wrapups
from crm_bridge.records.tables import calls
from crm_bridge.retention import removing
from crm_bridge.retention.nightly import Nightly, seconds_until
from crm_bridge.retention.removing import ids_digest, look, remove
from tests.support.desk_calls import save, served
from tests.support.desk_clock import HeldClock
from tests.support.figures import figures
from tests.support.marked import values_for
from tests.support.people import person

DAY = 86_400_000_000
SECTION = RetentionSection()


async def put(database, clock) -> dict[str, str]:
    """Of each category one that is old and one that is not; ids by name."""
    now = clock.now_us()
    old, young = now - 800 * DAY, now - 100 * DAY
    first, second = served(1, old), served(2, young)
    kept = served(3, old, presented="0899999999")
    await save(database, first, second, kept)
    ancient = now - 11 * 366 * DAY
    who = await person(database, "สมชาย ใจดี", "+66811111111", clock=HeldClock(ancient))
    alive = await person(database, "สมหญิง", "+66812345678", clock=HeldClock(ancient))
    async with database.writing() as connection:

        async def add(table, **given):
            await connection.execute(insert(table).values(values_for(table, **given)))

        await add(accounts, id="a1", login="a", role="agent")
        for n, (state, closed, call_id) in enumerate(
            (("closed", ancient, None), ("closed", old, None), ("assigned", None, kept.call_id))
        ):
            await add(cases, id=f"c{n}", ticket=f"69-00000{n}-0", state=state, closed_us=closed,
                      facts="เรื่อง", complainant_name="สมชาย", call_id=call_id,
                      recorded_us=closed or old, updated_us=closed or old)  # fmt: skip
            await add(
                case_attachments, id=f"f{n}", case_id=f"c{n}", stored=f"{n}" * 32, name="x.pdf"
            )
        for n, (about, made) in enumerate((("c0", old), ("c1", old), ("c2", old), ("c1", young))):
            await add(messages, id=f"m{n}", seq=n, kind="sms", recipient="+66812345678",
                      body="เรียน", about_kind="case", about_id=about, dedupe=f"m{n}",
                      state="sent", created_us=made)  # fmt: skip
        await add(appointments, id="p0", ref="P0", name="สมชาย", closed_us=old, state="held")
        await add(appointments, id="p1", ref="P1", name="สมชาย", closed_us=None, state="agreed")
        for call in (first, second, kept):
            await add(wrapups, call_id=call.call_id, agent="1001", account_id="a1",
                      summary="คุยกับสมชาย", saved_us=call.ended_at)  # fmt: skip
        await add(call_back_wishes, call_id=first.call_id, number="+66812345678", asked_us=old)
        await add(drafts, account_id="a1", key="case:x", body="{}", updated_us=young)
        await add(drafts, account_id="a1", key="case:y", body="{}", updated_us=now - DAY)
        await connection.execute(
            update(persons).where(persons.c.id.in_([who.id, alive.id])).values(updated_us=ancient)
        )
    return {"first": first.call_id, "second": second.call_id, "kept": kept.call_id,
            "gone": who.id, "alive": alive.id}  # fmt: skip


async def proofs(database) -> dict[str, Row]:
    async with database.reading() as connection:
        found = await audit_book.page(connection, kind="retention", limit=100)
    return {row.act: row for row in found}


async def test_a_person_stays_for_its_period_after_the_last_call(database):
    """Numbers go from calls years before persons go: when he called must not go with them."""
    clock = HeldClock()
    now = clock.now_us()
    await save(database, served(1, now - 800 * DAY, presented="0812345678"),
               served(2, now - 900 * DAY, presented="0812345678"),
               served(3, now - 800 * DAY, presented="0833333333"))  # fmt: skip
    ancient = HeldClock(now - 5000 * DAY)
    caller = await person(database, "สมหญิง", "+66812345678", clock=ancient)
    merged = await person(database, "สมทรง", "+66833333333", clock=ancient)
    into = await person(database, "สมทรง ดี", "+66844444444", clock=ancient)
    noted = await person(database, "สมปอง", "+66855555555", clock=ancient)
    nobody = await person(database, "สมชาย", "+66866666666", clock=ancient)
    async with database.writing() as connection:
        await connection.execute(
            update(persons).where(persons.c.id == merged.id)
            .values(root_id=into.id, merged_into=into.id)
        )  # fmt: skip
        note = values_for(person_notes, person_id=noted.id, at_us=now - DAY)
        await connection.execute(insert(person_notes).values(note))

    async def erased() -> set[str]:
        await remove(database, clock, SECTION)
        found = await column(database, persons.c.erased_us, persons.c.id)
        return {id_ for id_, erased_us in found.items() if erased_us is not None}

    assert await erased() == {nobody.id}
    assert set((await column(database, calls.c.caller_e164, calls.c.call_id)).values()) == {None}
    heard = await column(database, persons.c.heard_us, persons.c.id)
    assert heard == {
        caller.id: now - 800 * DAY, merged.id: now - 800 * DAY,
        into.id: None, noted.id: None, nobody.id: None,
    }  # fmt: skip
    clock.forward(days=1825 - 800 - 1)
    assert await erased() == {nobody.id}
    clock.forward(days=2)
    assert await erased() == {nobody.id, caller.id, merged.id, into.id}
    assert set((await column(database, persons.c.heard_us, persons.c.id)).values()) == {None}


async def column(database, what, key) -> dict[str, object]:
    async with database.reading() as connection:
        return {row[0]: row[1] for row in await connection.execute(select(key, what))}


async def test_what_is_old_goes_and_what_the_law_keeps_stays(database):
    clock = HeldClock()
    ids = await put(database, clock)
    shown = {one.key: one.count for one in await look(database, clock, SECTION)}
    done = {one.key: one.count for one in await remove(database, clock, SECTION)}
    assert done == shown == {
        "cases": 1, "appointments": 1, "wrapups": 1, "callers": 1, "wishes": 1, "messages": 2,
        "drafts": 1, "persons": 1, "journal": 0, "audit": 0,
    }  # fmt: skip
    assert await column(database, calls.c.caller_e164, calls.c.call_id) == {
        ids["first"]: None, ids["second"]: "+66812345678", ids["kept"]: "+66899999999",
    }  # fmt: skip
    assert await column(database, cases.c.facts, cases.c.id) == {
        "c0": "", "c1": "เรื่อง", "c2": "เรื่อง",
    }  # fmt: skip
    recipients = await column(database, messages.c.recipient, messages.c.id)
    assert {i for i, to in recipients.items() if to} == {"m2", "m3"}
    assert await column(database, appointments.c.name, appointments.c.id) == {
        "p0": "", "p1": "สมชาย",
    }  # fmt: skip
    names = await column(database, persons.c.name, persons.c.id)
    assert (names[ids["gone"]], names[ids["alive"]]) == (None, "สมหญิง")
    again = await remove(database, clock, SECTION)
    assert sum(one.count for one in again) == 0


async def test_each_removal_has_its_proof_and_the_log_verifies(database):
    clock = HeldClock()
    ids = await put(database, clock)
    await remove(database, clock, SECTION)
    row = (await proofs(database))["retention.callers"]
    told = json.loads(row.detail)
    assert told["ids_sha256"] == ids_digest([ids["first"]])
    assert (told["count"], told["period_days"]) == (1, 730)
    assert told["oldest_us"] == told["newest_us"] < told["before_us"]
    assert (row.via, row.by_account) == ("system", None)
    assert ids["first"] not in row.detail
    assert (await audit_book.verify(database)).broken is None


async def test_figures_stay_as_a_count_of_all_anew_gives_them(database):
    clock = HeldClock()
    await put(database, clock)
    await figures_walk.begin_anew(database)
    await counted(database)
    before = await figures(database)
    await remove(database, clock, SECTION)
    after = await figures(database)
    unchanged = {"figures_calls", "figures_steps", "figures_queues", "figures_agents"} & set(before)
    assert unchanged
    assert {name: after[name] for name in unchanged} == {name: before[name] for name in unchanged}
    await figures_walk.begin_anew(database)
    await counted(database)
    anew = await figures(database)
    assert {n: r for n, r in anew.items() if n != "figures_state"} == {
        n: r for n, r in after.items() if n != "figures_state"
    }


async def counted(database) -> None:
    walk = figures_walk.Walk(database, SOURCES)
    try:
        while await walk.step():
            pass
    finally:
        await walk.close()


async def test_a_page_that_fails_leaves_neither_removal_nor_proof(database, monkeypatch):
    clock = HeldClock()
    ids = await put(database, clock)

    def fails(*_args):
        raise StorageUnavailable("the disk is full", where="x", mend="y")

    with monkeypatch.context() as patched:
        patched.setattr(removing, "_prove", fails)
        with pytest.raises(StorageUnavailable):
            await remove(database, clock, SECTION)
        await Nightly(database, clock, SECTION).go()  # is told, and tried the next night
    assert await proofs(database) == {}
    assert (await column(database, cases.c.facts, cases.c.id))["c0"] == "เรื่อง"
    assert (await column(database, calls.c.caller_e164, calls.c.call_id))[ids["first"]]


async def test_files_of_what_went_go_from_the_disk(database, tmp_path):
    clock, store = HeldClock(), Store(tmp_path, 1)
    await put(database, clock)
    for n in range(3):
        place = store.path(f"{n}" * 32)
        place.parent.mkdir(parents=True)
        place.write_bytes(b"x")
    await remove(database, clock, SECTION)
    assert await attachments.clear(database, store) == 1
    assert [store.path(f"{n}" * 32).exists() for n in range(3)] == [False, True, True]
    assert await attachments.clear(database, store) == 0


def test_it_is_looked_at_night_on_the_offices_clock():
    clock = HeldClock()
    clock.set("2026-11-23T02:29")
    assert seconds_until(clock.now_us(), "02:30") == 60
    clock.set("2026-11-23T02:30")
    assert seconds_until(clock.now_us(), "02:30") == 86_400
