"""Who knows a caller: by an open case, by a call of late; accounts, no extensions; both engines."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from crm_bridge.cases.workflow import State
from crm_bridge.desk.card import KNOWN_FOR, Knower, Question, look_up
from crm_bridge.records.desk_tables.agents import agent_sessions
from tests.support.cases import Cast, bring_to
from tests.support.desk_calls import SECOND, save, served
from tests.support.desk_clock import HeldClock

HOUR = 3600 * SECOND
OWN = "+66812345678"


@pytest.fixture
def clock():
    return HeldClock("2026-11-23T10:00")


async def sat(database, account, extension, since, until=None):
    async with database.writing() as connection:
        await connection.execute(
            insert(agent_sessions).values(
                id=f"{account.login}{since}", account_id=account.id, extension=extension,
                queues="information", started_us=since, ended_us=until,
            )
        )  # fmt: skip


async def knowers(database, clock):
    async with database.reading() as connection:
        return (await look_up(connection, clock, Question("now", OWN, False))).knowers


async def test_who_spoke_with_him_wherever_they_sit_today(database, clock):
    cast = await Cast.of(database, clock)
    yesterday = clock.at - 24 * HOUR
    await sat(database, cast.agent, "1001", yesterday - HOUR, yesterday + HOUR)
    await sat(database, cast.director, "1001", yesterday + 2 * HOUR)  # sits there since
    call = served(1, yesterday)
    other = served(2, yesterday, presented="0898765432")
    old = served(3, clock.at - KNOWN_FOR - HOUR)
    await sat(database, cast.director, "1001", old.entered_at - HOUR, old.entered_at + HOUR)
    unknown = served(4, clock.at - 40 * HOUR)  # nobody was signed in at the desk
    await save(database, call, other, old, unknown)
    assert await knowers(database, clock) == (
        Knower(cast.agent.id, "call", call.agents[0].connected_at),
    )


async def test_who_recorded_an_open_case_comes_first(database, clock):
    cast = await Cast.of(database, clock)
    call = served(1, clock.at - HOUR)
    await sat(database, cast.director, "1001", call.entered_at - HOUR)
    await save(database, call)
    case = await bring_to(database, clock, cast, State.ASSIGNED, complainant_number=OWN)
    await bring_to(database, clock, cast, State.CANCELLED, complainant_number=OWN)
    assert await knowers(database, clock) == (
        Knower(cast.agent.id, "case", case.recorded_us),
        Knower(cast.director.id, "call", call.agents[0].connected_at),
    )
