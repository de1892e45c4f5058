"""The figures stand beside the calls, and whatever came in which order, counting anew agrees."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest
from sqlalchemy import delete, select, update

from crm_bridge.desk.desk_figures import SOURCES
from crm_bridge.figures.forms import QUEUES, REPEATS, STEPS
from crm_bridge.figures.histogram import encode
from crm_bridge.records.calls import load_call
from crm_bridge.records.commit_loop import CommitLoop, Policy
from crm_bridge.records.erasure import erase_callers
from crm_bridge.records.figure_tables import COUNTED, FIGURES, figures_state
from crm_bridge.records.figures_walk import Walk
from crm_bridge.records.rows import snapshot
from crm_bridge.records.tables import calls
from crm_bridge.records.writer import Writer, batch_of
from ivr.calls.call import Mark, Outcome
from ivr.steps.timeline import timeline
from tests.support.desk_calls import SECOND, STANDARDS, directory, lost, save, served
from tests.support.desk_clock import HeldClock
from tests.support.figures import counted_anew, counts, figures, is_whole, walk
from tests.support.scenario import SCENARIOS, records_of

NOON = 1_795_498_200 * SECOND
REAL = sorted(path.name.removesuffix(".capture") for path in SCENARIOS.glob("*.capture"))


@pytest.fixture(scope="module")
def real():
    """The records of every scenario."""
    return [
        snapshot(call, timeline(call, pipeline.directory, pipeline.standards))
        for made, pipeline in map(records_of, REAL)
        for call in made.values()
    ]


async def test_real_calls_are_counted_as_they_are_saved(database, real):
    chance = random.Random(7)
    writer = Writer(database)
    mixed = real[:]
    chance.shuffle(mixed)
    while mixed:
        some = [mixed.pop() for _ in range(min(len(mixed), chance.randint(1, 9)))]
        await writer.commit(batch_of(calls=some))
        await writer.commit(batch_of(calls=some[:2]))  # told again, nothing is new
    await writer.close()
    kept = await figures(database)
    empty = {name for name, rows in kept.items() if not rows}
    assert empty == {
        "figures_subjects", "figures_cases", "figures_cases_by", "figures_agency_cases",
        "figures_agent_times", "figures_surveys", "figures_waits_told",
    }  # fmt: skip
    assert await counted_anew(database, page=7) == kept


async def test_every_revision_takes_the_place_of_the_one_before(database):
    """Calls that grow, close, are logged later, come late, come old: in a random order."""
    chance = random.Random(1203)
    writer = Writer(database)
    states = []
    for n in range(12):
        call = served(n, NOON + n * 400 * SECOND, agents=("1001", "1002")[: 1 + n % 2])
        if n % 4 == 3:
            call = lost(n, NOON + n * 400 * SECOND)
        for revision in range(1, 5):
            made = replace(call, revision=revision, closed=revision > 1)
            made.marks = [
                Mark("logged", call.ended_at + 30 * m * SECOND, by="1001")
                for m in range(1, max(1, revision - 1))
            ]
            if revision == 1:
                made.ended_at = made.outcome = None
            if revision == 4 and n == 5:
                made.closed = False  # taken up once more
            states.append(snapshot(made, timeline(made, directory(), STANDARDS)))
    chance.shuffle(states)
    for state in states:
        await writer.commit(batch_of(calls=[state]))
    await writer.close()
    kept = await figures(database)
    assert await counted_anew(database, page=5) == kept
    async with database.reading() as connection:
        closed = await connection.scalars(select(calls.c.call_id).where(calls.c.closed))
        assert len(list(closed)) == 11


async def test_a_record_saved_after_the_call_moves_its_log(database):
    call = served(1, NOON)
    await save(database, call)
    assert (await counts(database, STEPS, step="log"))["open"] == 1
    call.marks.append(Mark("logged", call.ended_at + 20 * SECOND, by="1001"))
    await save(database, replace(call, revision=21))
    log = await counts(database, STEPS, step="log")
    assert (log["open"], log["within"], log["declared"]) == (0, 1, 1)
    assert log["elapsed_us"] == 20 * SECOND


async def test_calls_are_saved_whatever_the_figures_hold(database):
    """Figures that were counted by another rule cannot be taken back: they are counted anew."""
    call = served(1, NOON)
    await save(database, call, lost(2, NOON))
    async with database.writing() as connection:
        await connection.execute(update(FIGURES[STEPS]).values(elapsed=encode({7: 1})))
    call.passages[0].attempts[0].ended_at -= SECOND
    await save(database, replace(call, revision=21))
    assert (await load_call(database, call.call_id)).call.revision == 21
    assert not await is_whole(database)
    await walk(database)
    kept = await figures(database)
    assert (await counts(database, QUEUES))["answered"] == 1
    assert await counted_anew(database) == kept


async def test_an_erased_caller_is_still_a_call(database):
    """Nothing but who it was is taken out of the figures."""
    await save(database, served(1, NOON), lost(2, NOON))
    before = await figures(database)
    async with database.writing() as connection:
        await erase_callers(connection, HeldClock(), [served(1, NOON).call_id])
    kept = await figures(database)
    for name in ("figures_callers", "figures_repeats"):
        assert kept.pop(name) != before.pop(name)
    assert kept == before
    assert (await counts(database, REPEATS))["calls"] == 1
    kept = await figures(database)
    await save(database, replace(served(1, NOON), revision=25))
    assert await figures(database) == kept
    assert await counted_anew(database) == kept


async def test_calls_of_before_are_counted_beside_the_line(database):
    """A database from before there were figures: its calls are counted while others come."""
    old = [served(n, NOON + n * 400 * SECOND) for n in range(6)]
    await save(database, *old)
    want = await figures(database)
    async with database.writing() as connection:
        for table in COUNTED:
            await connection.execute(delete(table))
        await connection.execute(update(calls).values(counted=0))
        await connection.execute(update(figures_state).values(whole=0))
    walking = Walk(database, SOURCES)
    await walking.step(2)
    for call in (old[0], old[4]):  # one counted by now, one not yet
        call.marks.append(Mark("logged", call.ended_at + 20 * SECOND, by="1001"))
        await save(database, replace(call, revision=21))
    late, now = lost(7, NOON - 4000 * SECOND), served(8, NOON + 9000 * SECOND)
    await save(database, late, now)
    await walking.close()
    await walk(database, page=2)  # goes on where it was
    kept = await figures(database)
    assert kept != want
    assert (await counts(database, QUEUES))["answered"] == 7
    assert await counted_anew(database) == kept


async def test_a_database_without_calls_has_nothing_to_count(database):
    assert await is_whole(database)
    walking = Walk(database, SOURCES)
    assert await walking.step() == 0
    await walking.close()


async def test_calls_saved_through_the_commit_loop_are_counted_once(database):
    loop = CommitLoop(Writer(database), Policy(linger=0))
    states = []
    for n in range(30):
        call = served(n, NOON + n * SECOND) if n % 3 else lost(n, NOON, Outcome.SHORT)
        states.append(snapshot(call, timeline(call, directory(), STANDARDS)))
    running = asyncio.create_task(loop.run())
    for state in states * 2:
        loop.offer(batch_of(calls=[state]))
    loop.stop()
    await running
    queue = await counts(database, QUEUES, queue="information")
    assert (queue["answered"], queue["abandoned"]) == (20, 10)
