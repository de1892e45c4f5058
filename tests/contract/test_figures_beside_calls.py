"""Lost callers, records, cases, appointments and sittings in the figures, on both engines.

Whatever is done in which order, a figure is what counting all anew gives, to the byte.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.appointments import appointment_acts
from crm_bridge.cases import answering, directing, proceedings
from crm_bridge.cases.workflow import State
from crm_bridge.desk import agent_states, sittings
from crm_bridge.desk.agent_states import Sitting, Source
from crm_bridge.desk.lost_calls import give_up
from crm_bridge.desk.wrapup import Entry
from crm_bridge.desk.wrapups import Wrapups
from crm_bridge.figures.forms import (
    AGENCY_STEPS,
    AGENT_STEPS,
    AGENT_TIMES,
    CALLBACKS,
    CASES,
    STEPS,
    SUBJECTS,
)
from crm_bridge.figures.histogram import decode
from crm_bridge.figures.levels import DAY
from crm_bridge.records.erasure import erase_callers
from crm_bridge.records.figure_tables import FIGURES, figures_added, figures_state
from ivr.calls.call import OUTBOUND, Outcome
from tests.support.appointments import AGENT, OFFICES, agreed, officer, room, wish
from tests.support.cases import Cast, bring_to
from tests.support.desk_calls import SECOND, Line, lost, save, served
from tests.support.desk_clock import HeldClock
from tests.support.figures import counted_anew, figures, is_whole

MINUTE = 60 * SECOND
MONDAY = HeldClock("2026-11-23T10:00").at


async def told(database, form):
    """Rows of days: key → counts that are not nothing."""
    table = FIGURES[form]
    query = select(table).where(table.c.level == "day").order_by(*table.primary_key)
    async with database.reading() as connection:
        rows = [row._mapping for row in await connection.execute(query)]
    return {
        tuple(row[name] for name in form.keys): {
            name: row[name] for name in form.counts if row[name]
        }
        for row in rows
    }


async def agrees(database):
    kept = await figures(database)
    assert await is_whole(database)
    assert await counted_anew(database, page=2) == kept


def called(number, at, presented="0812345678"):
    return served(number, at, presented=presented, direction=OUTBOUND)


async def test_lost_callers_and_what_became_of_them(database):
    await save(
        database,
        lost(1, MONDAY), lost(2, MONDAY + 10 * MINUTE),
        lost(3, MONDAY, presented="0822222222"), lost(4, MONDAY, presented=None),
        lost(5, MONDAY, Outcome.QUEUE_TIMEOUT, presented="0833333333"),
        lost(6, MONDAY, Outcome.ABANDONED_MENU, presented="0844444444", queued=False),
        lost(7, MONDAY, Outcome.SHORT, presented="0855555555"),
    )  # fmt: skip
    assert await told(database, CALLBACKS) == {
        ("waiting",): {"calls": 4}, ("no_number",): {"calls": 1},
    }  # fmt: skip
    # called back: spoken with 30 minutes and 10 s after the first was entered
    await save(database, called(8, MONDAY + 30 * MINUTE))
    await save(database, served(9, MONDAY + 40 * MINUTE, presented="0822222222"))
    async with database.writing() as connection:
        me = await accounts.create(
            connection, HeldClock(), login="malee", role=Role.AGENT, name_th="มาลี", name_en="M"
        )
        await give_up(connection, HeldClock(), me, lost(5, MONDAY).call_id, "ติดต่อไม่ได้")
    after = 29 * MINUTE + 10 * SECOND + 19 * MINUTE + 10 * SECOND
    assert await told(database, CALLBACKS) == {
        ("called_back",): {"calls": 2, "after_us": after}, ("called_again",): {"calls": 1},
        ("given_up",): {"calls": 1}, ("no_number",): {"calls": 1},
    }  # fmt: skip
    await agrees(database)


async def test_calls_are_saved_beside_damaged_figures(database):
    await save(database, lost(1, MONDAY))
    async with database.writing() as connection:
        await connection.exec_driver_sql(
            "UPDATE figures_added SET tallies = '[[\"gone\", [], [], []]]'"
        )
    await save(database, called(8, MONDAY + 30 * MINUTE))
    assert not await is_whole(database)
    await counted_anew(database, page=2)
    assert ("called_back",) in await told(database, CALLBACKS)


async def test_the_call_back_may_be_known_before_the_lost_call(database):
    await save(database, called(1, MONDAY + 30 * MINUTE))
    assert await told(database, CALLBACKS) == {}
    await save(database, lost(2, MONDAY))
    assert list(await told(database, CALLBACKS)) == [("called_back",)]
    await save(database, replace(lost(2, MONDAY), revision=30, caller_presented="0899999999"))
    assert list(await told(database, CALLBACKS)) == [("waiting",)]  # it was another number
    await agrees(database)


async def test_after_a_week_a_call_concerns_another_matter(database):
    late = MONDAY + 7 * DAY + 2 * MINUTE
    await save(database, lost(1, MONDAY), called(2, late))
    assert await told(database, CALLBACKS) == {("waiting",): {"calls": 1}}


async def test_an_erased_caller_cannot_be_called_back(database):
    await save(database, lost(1, MONDAY), called(2, MONDAY + 30 * MINUTE))
    async with database.writing() as connection:
        await erase_callers(connection, HeldClock(), [lost(1, MONDAY).call_id])
    assert await told(database, CALLBACKS) == {("no_number",): {"calls": 1}}
    async with database.reading() as connection:
        assert not (await connection.execute(select(figures_added))).all()
    await agrees(database)


async def test_records_of_officers(database):
    clock = HeldClock("2026-11-23T10:00")
    line = Line(database, clock)
    running = asyncio.create_task(line.loop.run())
    wrapups = Wrapups(database, clock, line.declare)
    async with database.writing() as connection:
        me = await accounts.create(
            connection, clock, login="malee", role=Role.AGENT, name_th="มาลี", name_en="M"
        )
    call = served(1, MONDAY - 10 * MINUTE)
    await save(database, call)
    cut = Entry("information", "cut_off", None, "")
    saved = await wrapups.save(me, call.call_id, "1001", cut)
    assert await told(database, SUBJECTS) == {("information", "", "cut_off"): {"records": 1}}
    right = Entry("complaint", "answered", "fta", "ถามเรื่อง FTA")
    await wrapups.save(me, call.call_id, "1001", right, based_on=saved.version)
    assert await told(database, SUBJECTS) == {("complaint", "fta", "answered"): {"records": 1}}
    line.loop.stop()
    await running
    await agrees(database)


async def test_a_case_and_its_steps(database):
    """Recorded and proposed on Monday at 10:00, settled on Wednesday: two working days."""
    clock = HeldClock("2026-11-23T10:00")
    cast = await Cast.of(database, clock)
    seat = Sitting("s1", cast.agent.id, "1001", ("complaint",), clock.at - MINUTE, "t1",
                   agent_states.State.READY, clock.at - MINUTE)  # fmt: skip
    async with database.writing() as connection:
        await sittings.begin(connection, seat)
    await bring_to(database, clock, cast, State.PROPOSED)
    assigned = await bring_to(database, clock, cast, State.ASSIGNED, ("dbd", "dit"))
    proposed = ("complaint", "", "กระบี่", "")
    assert await told(database, CASES) == {
        (*proposed, "proposed"): {"cases": 1},
        ("complaint", "dbd", "กระบี่", "", "assigned"): {"cases": 1},
    }
    steps = await told(database, STEPS)
    assert steps["", "complaint", "record"] == {"open": 2, "unknown": 2}  # nobody saw it opened
    assert steps["", "complaint", "propose"] == {"within": 2, "declared": 2}
    assert steps["", "complaint", "resolve"] == {"open": 2, "declared": 2}
    assert (await told(database, AGENCY_STEPS))["dbd", "", "complaint", "resolve"]["open"] == 1
    assert (await told(database, AGENT_STEPS))["propose", "complaint", "", "1001"]["within"] == 2
    await agrees(database)
    clock.set("2026-11-25T09:00")
    async with database.writing() as connection:
        for by in (cast.dbd, cast.dit):
            await answering.answer(connection, clock, by, assigned.ticket, text="ตรวจแล้ว")
        await directing.accept(connection, clock, cast.director, assigned.ticket)
    found = await told(database, CASES)
    assert found["complaint", "dbd", "กระบี่", "", "settled"] == {
        "cases": 1, "settled": 1, "settled_within": 1,
    }  # fmt: skip
    steps = await told(database, STEPS)
    assert steps["", "complaint", "resolve"] == {
        "within": 1, "open": 1, "declared": 2, "elapsed_us": 2 * DAY,
    }  # fmt: skip
    async with database.reading() as connection:
        table = FIGURES[CASES]
        spans = await connection.scalars(
            select(table.c.working_time).where(table.c.state == "settled")
        )
        assert all(list(decode(data).values()) == [1] for data in spans)
    async with database.writing() as connection:
        await proceedings.close(connection, clock, cast.agent, assigned.ticket, how="voice")
        await proceedings.reopen(
            connection, clock, cast.agent, assigned.ticket, reason="ยังไม่ได้รับการแก้ไข"
        )
    assert (await told(database, CASES))["complaint", "", "กระบี่", "", "proposed"] == {
        "cases": 2, "reopened": 1,
    }  # fmt: skip
    await agrees(database)


async def test_the_steps_of_an_appointment(database):
    clock = HeldClock("2026-11-23T10:00")
    async with database.writing() as connection:
        who, where = await officer(connection), await room(connection)
        made = await appointment_acts.create(
            connection, clock, AGENT, OFFICES, wish(), opened=clock.at - 6 * MINUTE
        )
    clock.forward(minutes=4)
    async with database.writing() as connection:
        one = await agreed(connection, clock, made, who, where)
    assert await told(database, STEPS) == {
        ("", "appointment", "intake"): {"over": 1, "declared": 1, "elapsed_us": 6 * MINUTE},
        ("", "appointment", "coordinate"): {"within": 1, "declared": 1, "elapsed_us": 4 * MINUTE},
        ("", "appointment", "notify"): {"open": 1, "declared": 1},
    }
    assert one.agreed_us == clock.at
    await agrees(database)


async def test_time_of_officers_is_parted_at_midnight(database):
    clock = HeldClock("2026-11-23T23:30")
    async with database.writing() as connection:
        me = await accounts.create(
            connection, clock, login="malee", role=Role.AGENT, name_th="มาลี", name_en="M"
        )
        seat = Sitting("s1", me.id, "1001", ("information",), clock.at, "t1",
                       agent_states.State.READY, clock.at)  # fmt: skip
        await sittings.begin(connection, seat)
    assert await told(database, AGENT_TIMES) == {}
    paused = seat.to(agent_states.State.PAUSED, clock.at + 45 * MINUTE, Source.DESK, "t2",
                     reason="lunch")  # fmt: skip
    async with database.writing() as connection:
        await sittings.change(connection, seat, paused)
    async with database.writing() as connection:
        await sittings.end(connection, paused, clock.at + 60 * MINUTE, "desk")
    table = FIGURES[AGENT_TIMES]
    async with database.reading() as connection:
        rows = await connection.execute(
            select(table.c.state, table.c.reason, table.c.time_us)
            .where(table.c.level == "day")
            .order_by(table.c.from_us, table.c.state)
        )
        assert [tuple(row) for row in rows] == [
            ("ready", "", 30 * MINUTE), ("paused", "lunch", 15 * MINUTE), ("ready", "", 15 * MINUTE)
        ]  # fmt: skip
    await agrees(database)


async def test_while_all_is_counted_anew_acts_are_counted_when_their_turn_comes(database):
    await save(database, lost(1, MONDAY))
    kept = await figures(database)
    async with database.writing() as connection:
        await connection.execute(update(figures_state).values(whole=0))
    await save(database, called(2, MONDAY + 30 * MINUTE))
    assert list(await told(database, CALLBACKS)) == [("waiting",)]
    assert (await counted_anew(database)) != kept
    assert list(await told(database, CALLBACKS)) == [("called_back",)]


async def test_only_a_transaction_of_writers_changes_what_is_counted(database):
    async with database.reading() as connection:
        with pytest.raises(RuntimeError, match="only a transaction"):
            await sittings.end(
                connection,
                Sitting("s", "a", "1001", (), 1, "t", agent_states.State.READY, 1),
                5, "desk",
            )  # fmt: skip
