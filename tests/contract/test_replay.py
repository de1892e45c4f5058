"""Every captured call through the whole pipeline into a real database, and once more."""

from __future__ import annotations

import json

from sqlalchemy import select

from crm_bridge.pipeline import NodePipeline
from crm_bridge.records.calls import calls_as_json
from crm_bridge.records.tables import metadata
from crm_bridge.records.writer import Writer
from ivr.steps.standards import load_standards
from tests.support.scenario import NAMES, as_json, config_of, messages_of, records_of


async def replay(database, every: int) -> None:
    """Replays all captures, saving after so many messages."""
    writer = Writer(database)
    for name in NAMES:
        node, messages = messages_of(name)
        pipeline = NodePipeline(node, config_of(name).directory(), load_standards(), None)
        for n, (raw, arrived) in enumerate(messages):
            pipeline.take(raw, arrived)
            if n % every == 0:
                await writer.commit(pipeline.batch())
        pipeline.close_open()
        await writer.commit(pipeline.batch())
    await writer.close()


async def contents(database) -> dict[str, list[tuple]]:
    async with database.reading() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in (await connection.execute(select(table))).all()), key=repr
            )
            for table in metadata.sorted_tables
        }


async def test_replaying_twice_changes_nothing_however_it_is_grouped(database):
    await replay(database, 7)
    once = await contents(database)
    await replay(database, 7)
    assert await contents(database) == once
    await replay(database, 1000)
    assert await contents(database) == once


async def test_what_is_read_back_is_what_was_tracked(database):
    await replay(database, 50)
    want = {}
    for name in NAMES:
        want |= {call["call_id"]: call for call in as_json(*records_of(name))}
    got = {call["call_id"]: json.loads(json.dumps(call)) async for call in calls_as_json(database)}
    assert got == want
