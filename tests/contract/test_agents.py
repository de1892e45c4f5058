"""Agents' sittings and states on both engines."""

from __future__ import annotations

import pytest

from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.clock import SystemClock
from crm_bridge.desk import sittings
from crm_bridge.desk.agent_states import Sitting, Source, State
from crm_bridge.records.database import Database


@pytest.fixture
async def sitting(database: Database) -> Sitting:
    async with database.writing() as connection:
        me = await accounts.create(
            connection, SystemClock(), login="somchai", role=Role.AGENT, name_th="สมชาย",
            name_en="Somchai",
        )  # fmt: skip
    return Sitting("s1", me.id, "1001", ("complaint", "information"), 10, "t1", State.READY, 10,
                   name_th="สมชาย", name_en="Somchai")  # fmt: skip


async def test_a_sitting_from_its_begin_to_its_end(database: Database, sitting: Sitting) -> None:
    paused = sitting.to(State.PAUSED, 20, Source.LINE, "t2", reason="lunch")
    async with database.writing() as connection:
        await sittings.begin(connection, sitting)
        assert await sittings.open_sittings(connection) == [sitting]
    async with database.writing() as connection:
        await sittings.change(connection, sitting, paused)
    async with database.reading() as connection:
        assert await sittings.open_sittings(connection) == [paused]
    async with database.writing() as connection:
        await sittings.end(connection, paused, 30, "desk")
        await sittings.end(connection, paused, 40, "line")
    async with database.reading() as connection:
        assert await sittings.open_sittings(connection) == []
        rows = await sittings.history(connection, "s1")
    assert [
        (r["state"], r["reason"], r["source"], r["started_us"], r["ended_us"]) for r in rows
    ] == [
        ("ready", None, "desk", 10, 20),
        ("paused", "lunch", "line", 20, 30),
    ]


async def test_the_reasons_are_there_from_the_start(database: Database) -> None:
    async with database.reading() as connection:
        found = await sittings.reasons(connection)
    assert [(found[0].code, found[0].name_th)] == [("lunch", "พักกลางวัน")]
    assert {"meeting", "training", "paperwork", "personal"} < {r.code for r in found}
