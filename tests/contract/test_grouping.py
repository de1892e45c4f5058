"""However the same life of the same calls is cut into commits, the records come out the same."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from crm_bridge.records.calls import snapshot
from crm_bridge.records.database import Database
from crm_bridge.records.tables import CHILDREN, callers, calls
from crm_bridge.records.writer import Batch, Writer
from tests.support.records import full_call, full_steps, grown

STAGES = 5
CALLS = [full_call(n, presented=p) for n, p in enumerate(["0812345678", "0812345678", None, "191"])]
HISTORY = {
    c.call_id: [
        snapshot(grown(c, stage, STAGES), full_steps(c)[: stage // 2]) for stage in range(STAGES)
    ]
    for c in CALLS
}
FINAL = [rows[-1] for rows in HISTORY.values()]


async def content(database: Database) -> list[list[tuple]]:
    found = []
    async with database.reading() as connection:
        for table in (calls, callers, *CHILDREN):
            columns = [c for c in table.c if c.name != "updated_us"]
            query = select(*columns).order_by(*table.primary_key)
            found.append([tuple(r) for r in (await connection.execute(query)).all()])
    return found


async def empty(database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(callers.delete())
        await connection.execute(calls.delete())  # the lists go with their call


one = st.tuples(st.sampled_from(sorted(HISTORY)), st.integers(0, STAGES - 1))
plans = st.lists(st.tuples(st.lists(one, max_size=6), st.booleans()), max_size=6)


@settings(
    max_examples=100 if os.environ.get("HOTLINE_SOAK") else 15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(plan=plans, order=st.permutations(range(len(FINAL))))
async def test_any_grouping_gives_the_same_records(database: Database, plan, order):
    await empty(database)
    writer = Writer(database)
    await writer.commit(Batch(calls={r.call_id: r for r in FINAL}))
    await writer.close()
    expected = await content(database)
    assert len(expected[0]) == len(CALLS)

    await empty(database)
    writer = Writer(database)
    for group, restart in plan:
        batch = Batch()
        for call_id, stage in group:
            batch.add(Batch(calls={call_id: HISTORY[call_id][stage]}))
        await writer.commit(batch)
        if restart:
            await writer.close()
            writer = Writer(database)
    for n in order:  # every call reaches its last revision, in any order, and once more
        await writer.commit(Batch(calls={FINAL[n].call_id: FINAL[n]}))
    await writer.commit(Batch(calls={r.call_id: r for r in FINAL}))
    await writer.close()
    assert await content(database) == expected
