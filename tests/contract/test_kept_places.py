"""Places that callers keep in queues: who is next, what ends them, one a number; both engines."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.config_selfservice import CallbackSection
from crm_bridge.desk import kept_places
from crm_bridge.desk.calling_back import CallingBack, day_of
from crm_bridge.desk.kept_places import Came, Ended, begin, came, end
from crm_bridge.desk.line import Line
from crm_bridge.desk.lost_calls import State, give_up, lost_calls
from crm_bridge.people import room_call_backs
from crm_bridge.people.subject import Subject
from crm_bridge.records.desk_tables.wrapups import call_back_tries
from crm_bridge.selfservice.office import Office
from ivr.calls.call import OUTBOUND, Outcome
from ivr.selfservice.port import CallBack, Place
from tests.support.desk_calls import SECOND, directory, lost, save, served
from tests.support.desk_clock import HeldClock
from tests.support.plans import plans

OWN, OTHER = "+66812345678", "+66823456789"
HOUR = 3600 * SECOND


@pytest.fixture
def clock():
    return HeldClock("2026-11-23T10:00")


@pytest.fixture
def office(database, clock):
    found = Office(database, clock, None, places_for=4 * HOUR)
    found.call_of = lambda uniqueid: f"lab1-{uniqueid}"
    return found


async def keeps(office, clock, uniqueid, number=OWN, *, ago=60):
    joined = clock.at // SECOND - ago
    return await office.call_back(CallBack(uniqueid, number, Place("complaint", joined)))


async def kept(database):
    async with database.reading() as connection:
        return await kept_places.kept_places(connection)


async def a_try(database, clock, call_id, outcome, next_us=0):
    async with database.writing() as connection:
        ordinal = await begin(connection, clock, call_id)
        assert ordinal is not None
        await came(connection, clock, call_id, ordinal, outcome, next_us)
        return ordinal


async def lines(database, clock, **more):
    async with database.reading() as connection:
        return await lost_calls(connection, clock, **more)


async def test_the_first_in_line_is_who_joined_first_whenever_he_asked(database, clock, office):
    assert await keeps(office, clock, "1.1", ago=30)
    assert await keeps(office, clock, "1.2", OTHER, ago=90)
    first, second = await kept(database)
    assert (first.call_id, second.call_id) == ("lab1-1.2", "lab1-1.1")
    assert (first.queue, first.until_us) == ("complaint", clock.at + 4 * HOUR)
    assert (first.tried, first.trying, first.spoken, first.given_up) == (0, None, False, False)


async def test_a_number_has_one_open_place_and_the_earlier_one_stands(database, clock, office):
    assert await keeps(office, clock, "1.1", ago=90)
    assert await keeps(office, clock, "1.1", ago=90)  # the same call asks again
    assert not await keeps(office, clock, "1.2")
    assert [one.call_id for one in await kept(database)] == ["lab1-1.1"]
    clock.at += 4 * HOUR  # its time is up
    assert await keeps(office, clock, "1.3")


@pytest.mark.parametrize("spoken", [True, False])
async def test_who_was_spoken_to_or_given_up_may_ask_anew(database, clock, office, spoken):
    await keeps(office, clock, "1.1")
    clock.at += 60 * SECOND
    if spoken:
        await save(database, served(2, clock.at - 10 * SECOND, direction=OUTBOUND))
    else:
        async with database.writing() as connection:
            me = await accounts.create(
                connection, clock, login="malee", role=Role.AGENT, name_th="ก"
            )
            await give_up(connection, clock, me, "lab1-1.1", "ไม่รับสาย")
    (one,) = await kept(database)
    assert (one.spoken, one.given_up) == (spoken, not spoken)
    assert await keeps(office, clock, "1.2")


async def test_giving_one_up_ends_no_other_place(database, clock, office):
    await keeps(office, clock, "1.1")
    await keeps(office, clock, "1.2", OTHER)
    clock.at += 60 * SECOND
    async with database.writing() as connection:
        me = await accounts.create(connection, clock, login="malee", role=Role.AGENT, name_th="ก")
        await give_up(connection, clock, me, "lab1-1.1", "ไม่รับสาย")
    assert {one.number: one.given_up for one in await kept(database)} == {OWN: True, OTHER: False}


async def test_looking_who_is_next_reads_no_more_than_the_places(database):
    async with database.reading() as connection:
        if connection.dialect.name != "sqlite":
            pytest.skip("PostgreSQL has statistics of its own")
        with plans(connection.sync_connection) as found:
            await kept_places.kept_places(connection)
    assert "SCAN call_back_wishes USING INDEX ix_call_back_wishes_kept" in found
    assert not [step for step in found if "SCAN calls" in step or "ix_calls_outcome" in step]


async def test_a_try_is_begun_once_and_its_first_outcome_stands(database, clock, office):
    await keeps(office, clock, "1.1")
    async with database.writing() as connection:
        assert await begin(connection, clock, "lab1-1.1") == 0
        assert await begin(connection, clock, "lab1-1.1") is None
    (one,) = await kept(database)
    assert (one.trying, one.trying_us, one.tried) == (0, clock.at, 0)
    async with database.writing() as connection:
        await came(connection, clock, "lab1-1.1", 0, Came.BUSY, clock.at + 5)
        await came(connection, clock, "lab1-1.1", 0, Came.REACHED, clock.at + 5)
    (one,) = await kept(database)
    assert (one.trying, one.tried, one.last, one.next_us) == (None, 1, "busy", clock.at + 5)
    await a_try(database, clock, "lab1-1.1", Came.NO_OFFICER)
    assert [o.tried for o in await kept(database)] == [1]
    async with database.writing() as connection:
        await end(connection, clock, "lab1-1.1", Ended.BUSY)
        await end(connection, clock, "lab1-1.1", Ended.EXPIRED)
        assert await begin(connection, clock, "lab1-1.1") is None
    assert await kept(database) == []
    (line,) = await lines(database, clock)
    assert (line.state, line.keeps_place, line.not_called) == (State.OPEN, False, "busy")


async def test_a_kept_place_is_one_lost_caller_and_done_when_he_is_called_back(
    database, clock, office
):
    call = lost(1, clock.at - 60 * SECOND, Outcome.ABANDONED_MENU)
    await save(database, call)
    await keeps(office, clock, call.call_id.removeprefix("lab1-"))
    (line,) = await lines(database, clock)
    assert (line.call_id, line.e164, line.times) == (call.call_id, OWN, 1)
    assert (line.keeps_place, line.out_of_hours, line.not_called) == (True, False, None)
    await save(database, served(2, clock.at + 10 * SECOND, direction=OUTBOUND))
    clock.at += 600 * SECOND
    assert await lines(database, clock) == []


def caller(database, clock, closed=None, tries=3):
    section = CallbackSection(tries=tries)
    return CallingBack(database, Line(directory()), clock, section, lambda: closed)


@pytest.mark.parametrize(
    ("outcomes", "hours", "closed", "reason"),
    [
        ([Came.BUSY, Came.NO_ANSWER, Came.BUSY], 0, None, "busy"),
        ([Came.BUSY, Came.BUSY, Came.UNREACHABLE], 0, None, "unreachable"),
        ([Came.NO_OFFICER, Came.OFFICER_LEFT, Came.UNKNOWN, Came.NOT_PLACED], 0, None, None),
        ([Came.NO_ANSWER], 4, None, "expired"),
        ([], 0, "after", "office_closed"),
        ([], 0, "lunch", None),
    ],
)
async def test_a_place_ends_with_a_named_reason(
    database, clock, office, outcomes, hours, closed, reason
):
    await keeps(office, clock, "1.1")
    for outcome in outcomes:
        await a_try(database, clock, "lab1-1.1", outcome)
    clock.at += hours * HOUR
    await caller(database, clock, closed).round()
    assert [line.not_called for line in await lines(database, clock)] == [reason]
    assert len(await kept(database)) == (reason is None)


async def test_without_an_asterisk_nothing_is_begun(database, clock, office):
    await keeps(office, clock, "1.1")
    await caller(database, clock).round()
    (one,) = await kept(database)
    assert (one.trying, one.tried) == (None, 0)


async def test_the_tries_go_with_the_person(database, clock, office):
    await keeps(office, clock, "1.1")
    await a_try(database, clock, "lab1-1.1", Came.BUSY)
    async with database.writing() as connection:
        await connection.execute(
            insert(call_back_tries).values(call_id="lab1-9.9", ordinal=0, started_us=1)
        )
        subject = Subject(ids=(), numbers=(OWN,), shared=(), emails=())
        assert await room_call_backs.erase(connection, clock, subject, frozenset()) == 1
        left = await connection.execute(call_back_tries.select())
        assert [row.call_id for row in left] == ["lab1-9.9"]


def test_the_days_of_asterisks_notes_go_round():
    days = [day_of(n * 24 * HOUR) for n in range(8)]
    assert days == [0, 1, 2, 3, 4, 5, 6, 0]
