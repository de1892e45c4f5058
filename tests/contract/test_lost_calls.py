"""Who is to be called back, and what settles it, on both engines."""

from __future__ import annotations

import pytest

from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.desk.lost_calls import State, give_up, lost_calls
from crm_bridge.errors import Refused
from crm_bridge.records.database import Database
from ivr.calls.call import OUTBOUND, Call, Outcome
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.desk_clock import HeldClock

CLOCK = HeldClock("2026-11-23T10:00")
MINUTE = 60 * SECOND


def ago(minutes: float) -> int:
    return CLOCK.at - int(minutes * MINUTE)


def unanswered(number: int, at: int, presented: str = "0812345678") -> Call:
    call = served(number, at, presented=presented, direction=OUTBOUND)
    call.agents.clear()
    call.answered_at, call.outcome = None, Outcome.FAILED
    return call


async def lines(database: Database, **more):
    async with database.reading() as connection:
        return await lost_calls(connection, CLOCK, **more)


async def test_what_is_lost_and_what_is_not(database):
    await save(
        database,
        lost(1, ago(50), presented="0811111111"),
        lost(2, ago(40), Outcome.QUEUE_TIMEOUT, presented="0822222222"),
        lost(3, ago(30), Outcome.ABANDONED_MENU, presented="0833333333"),
        lost(4, ago(29), Outcome.ABANDONED_MENU, presented="0844444444", queued=False),
        lost(5, ago(28), Outcome.SHORT, presented="0855555555"),
        lost(6, ago(27), presented=None),
        lost(7, ago(8 * 24 * 60), presented="0866666666"),
        served(8, ago(20), presented="0877777777"),
    )
    found = await lines(database)
    assert [(line.e164, line.state, line.times, line.tried) for line in found] == [
        (number, State.OPEN, 1, 0) for number in ("+66811111111", "+66822222222", "+66833333333")
    ]


async def test_one_number_is_one_line_and_the_newest_is_called_back(database):
    calls = [lost(n, ago(60 - n)) for n in range(3)]
    await save(database, *calls)
    (line,) = await lines(database)
    assert (line.call_id, line.times, line.entered_us) == (calls[2].call_id, 3, ago(58))


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
async def test_a_later_call_that_was_served_settles_them_all(database, direction):
    await save(database, lost(1, ago(60)), lost(2, ago(50)))
    again = served(3, ago(40), direction=direction, agents=("1003",))
    await save(database, again)
    assert await lines(database) == []
    (line,) = await lines(database, settled=True)
    assert (line.state, line.settled_by, line.officer, line.settled_us) == (
        State.REACHED, again.call_id, "1003", again.agents[0].connected_at,
    )  # fmt: skip


async def test_a_call_lost_after_one_that_was_served_is_a_new_one(database):
    await save(database, lost(1, ago(60)), served(2, ago(50)), lost(3, ago(40)))
    (line,) = await lines(database)
    assert (line.state, line.times, line.settled_by) == (State.OPEN, 1, None)


async def test_trying_in_vain_is_counted_and_leaves_it_open(database):
    await save(database, lost(1, ago(60)), unanswered(2, ago(50)), unanswered(3, ago(45)))
    await save(database, unanswered(4, ago(70)), unanswered(5, ago(45), "0899999999"))
    (line,) = await lines(database)
    assert (line.state, line.tried) == (State.OPEN, 2)


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
async def test_a_number_that_is_on_the_line_now_is_in_contact(database, direction):
    now = served(2, ago(2), direction=direction, agents=("1003",))
    now.closed, now.outcome, now.ended_at = False, None, None
    now.agents[0].released_at = None
    await save(database, lost(1, ago(60)), now)
    (line,) = await lines(database)
    assert (line.state, line.officer) == (State.CALLING, "1003")


async def test_a_guide_read_to_its_end_reached_nobody(database):
    guide = lost(2, ago(30), Outcome.SERVED, queued=False)
    await save(database, lost(1, ago(60)), guide)
    assert [line.state for line in await lines(database)] == [State.OPEN]


async def test_somebody_may_give_up_and_says_why(database):
    first = lost(1, ago(60))
    await save(database, first, served(9, ago(5), presented="0899999999"))
    async with database.writing() as connection:
        me = await accounts.create(connection, CLOCK, login="malee", role=Role.AGENT, name_th="ก")
        for call_id, reason, status in (
            (first.call_id, " \n", 422), ("lab1-1.1", "x", 404),
            (served(9, ago(5)).call_id, "x", 404),
        ):  # fmt: skip
            with pytest.raises(Refused) as refused:
                await give_up(connection, CLOCK, me, call_id, reason)
            assert refused.value.status == status
        await give_up(connection, CLOCK, me, first.call_id, "เดิม")
        await give_up(connection, CLOCK, me, first.call_id, "ไม่รับสาย 3 ครั้ง")
    assert await lines(database) == []
    (line,) = await lines(database, settled=True)
    assert (line.state, line.reason, line.settled_us) == (
        State.GIVEN_UP, "ไม่รับสาย 3 ครั้ง", CLOCK.at,
    )  # fmt: skip
    await save(database, lost(2, ago(1)))
    assert [line.state for line in await lines(database)] == [State.OPEN]
