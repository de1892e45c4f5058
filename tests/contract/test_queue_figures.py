"""How queues went of late, from the records; both engines."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import insert

from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.records.desk_tables.agents import agent_sessions, agent_states
from crm_bridge.selfservice import queue_figures
from crm_bridge.selfservice.queue_figures import GOOD_FOR
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.desk_clock import HeldClock

HOUR = 3600 * SECOND


@pytest.fixture
def clock():
    return HeldClock("2026-11-23T15:00")


async def read(database, clock):
    async with database.reading() as connection:
        return await queue_figures.read(connection, clock.now_us())


async def wrote(database, clock, *seconds):
    """Officers who took so long to write a call down."""
    async with database.writing() as connection:
        who = await accounts.create(
            connection, clock, login="officer", role=Role.AGENT, name_th="ก", name_en="A"
        )
        await connection.execute(
            insert(agent_sessions).values(
                id="s", account_id=who.id, extension="1001", queues="information", started_us=0
            )
        )
        for took in seconds:
            at = clock.at - HOUR
            await connection.execute(
                insert(agent_states).values(
                    id=uuid.uuid4().hex, session_id="s", state="wrapup", source="call",
                    started_us=at, ended_us=at + took * SECOND,
                )
            )  # fmt: skip


async def test_what_officers_need_and_who_gives_up(database, clock):
    assert (await read(database, clock)).handling("information", clock.at) is None
    # one officer has the caller for 290 s; of two the first for 145 s: the second is none of ours
    calls = [
        served(n, clock.at - HOUR + n * 60 * SECOND, agents=("1001", "1002")[: 1 + n % 2])
        for n in range(8)
    ]
    await save(database, *calls)
    mean = (4 * 290 + 4 * 145) / 8
    old = served(90, clock.at - 30 * HOUR)
    old.agents[0].released_at += HOUR
    await save(database, old, *(lost(20 + n, clock.at - HOUR // 2) for n in range(2)))
    found = await read(database, clock)
    assert found.handling("information", clock.at) == pytest.approx(mean)
    # a queue that has none of its own goes by all
    assert found.handling("complaint", clock.at) == found.handling("information", clock.at)
    assert found.leaving["information"] == pytest.approx(2 / 10)
    await wrote(database, clock, 20, 30, 40, 50, 60)
    later = await read(database, clock)
    assert later.handling("information", clock.at) == pytest.approx(mean + 40)
    assert later.handling("information", clock.at + GOOD_FOR + 1) is None
