"""Callers who came out of hours are on the list, with the number they asked for; both engines."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.cases import calendars
from crm_bridge.cases.office_hours import Week
from crm_bridge.desk.lost_calls import State, give_up, lost_calls
from crm_bridge.people import room_call_backs
from crm_bridge.people.subject import Subject
from crm_bridge.records.desk_tables.wrapups import call_back_wishes
from crm_bridge.selfservice.office import Office
from ivr.calls.call import OUTBOUND, Mark, Outcome
from ivr.selfservice.port import CallBack, Unanswered
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.desk_clock import HeldClock

OWN, OTHER = "+66812345678", "+6625074444"
DAILY = Week(tuple(((510, 720), (780, 990)) for _ in range(7)))


@pytest.fixture
def clock():
    return HeldClock("2026-11-23T18:00")


@pytest.fixture
def office(database, clock):
    found = Office(database, clock, DAILY)
    found.call_of = lambda uniqueid: f"lab1-{uniqueid}"
    return found


def out_of_hours(number, clock, minutes, presented="0812345678"):
    call = lost(number, clock.at - minutes * 60 * SECOND, Outcome.ABANDONED_MENU,
                presented=presented, queued=False)  # fmt: skip
    call.marks = [Mark("closed", call.entered_at + SECOND, "after")]
    return call


def uniqueid(call):
    return call.call_id.removeprefix("lab1-")


async def lines(database, clock, **more):
    async with database.reading() as connection:
        return await lost_calls(connection, clock, **more)


async def test_who_called_out_of_hours_is_called_back_asked_or_not(database, clock, office):
    silent = out_of_hours(1, clock, 50, "0811111111")
    asking = out_of_hours(2, clock, 40)
    withheld = out_of_hours(3, clock, 30, None)
    told = []
    office.on_wish = lambda: told.append(1)
    await save(database, silent, asking, withheld, out_of_hours(4, clock, 20, None))
    await office.call_back(CallBack(uniqueid(asking), OWN))
    await office.call_back(CallBack(uniqueid(withheld), OTHER))
    await office.call_back(CallBack("1.1", "+66899999999"))  # its record never came
    assert len(told) == 3
    found = await lines(database, clock)
    assert [(f.e164, f.asked_us, f.out_of_hours, f.state) for f in found] == [
        ("+66811111111", None, True, State.OPEN),
        (OWN, clock.at, True, State.OPEN),
        (OTHER, clock.at, True, State.OPEN),
        ("+66899999999", clock.at, True, State.OPEN),
    ]
    assert [f.call_id for f in found[:3]] == [c.call_id for c in (silent, asking, withheld)]


async def test_a_call_has_one_wish_and_the_last_number_stands(database, clock, office):
    call = out_of_hours(1, clock, 5)
    await save(database, call)
    for number in (OWN, OWN, OTHER):
        await office.call_back(CallBack(uniqueid(call), number))
    (line,) = await lines(database, clock)
    assert (line.e164, line.times, line.other_number) == (OTHER, 1, True)
    async with database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(call_back_wishes)) == 1


async def test_a_wish_is_done_when_somebody_spoke_at_that_number(database, clock, office):
    call = out_of_hours(1, clock, 60)
    await save(database, call)
    await office.call_back(CallBack(uniqueid(call), OTHER))
    back = served(2, clock.at - 600 * SECOND, presented="025074444", direction=OUTBOUND)
    await save(database, back)
    assert await lines(database, clock) == []
    (line,) = await lines(database, clock, settled=True)
    assert (line.state, line.settled_by) == (State.REACHED, back.call_id)


async def test_a_wish_may_be_given_up_with_a_reason(database, clock, office):
    await office.call_back(CallBack("1.1", OTHER))
    async with database.writing() as connection:
        me = await accounts.create(connection, clock, login="malee", role=Role.AGENT, name_th="ก")
        await give_up(connection, clock, me, "lab1-1.1", "ไม่รับสาย")
    assert await lines(database, clock) == []


@pytest.mark.parametrize(
    ("keyed", "number"),
    [
        ("0812345678", (OWN, "0812345678")),
        ("+66812345678", (OWN, "0812345678")),
        ("0066812345678", (OWN, "0812345678")),
        ("025074444", (OTHER, "025074444")),
        ("1203", None),
        ("191", None),
        ("1900111222", None),
        ("08123", None),
        ("*812345678", None),
        ("0014155550123", None),
        ("anonymous", None),
        ("", None),
    ],
)  # fmt: skip
def test_only_thai_telephones_are_called_back(office, keyed, number):
    assert office.number(keyed) == number


async def test_the_hours_are_known_from_the_calendar_as_it_is_now(database, clock, office):
    with pytest.raises(Unanswered):
        office.shut()
    await office.read()
    shut = office.shut()
    assert shut is not None
    assert (shut.why, shut.opens.isoformat()) == ("after", "2026-11-24T08:30:00+07:00")
    clock.set("2026-11-24T09:00")
    assert office.shut() is None
    async with database.writing() as connection:
        boss = await accounts.create(
            connection, clock, login="boss", role=Role.ADMINISTRATOR, name_th="ก"
        )
        await calendars.ensure(connection, clock)
        calendar = await calendars.current(connection, clock)
        await calendars.set_day(
            connection, clock, boss, based_on=calendar.version,
            day=shut.opens.date(), closed=True, name_th="น้ำท่วม", name_en="Flood",
        )  # fmt: skip
    await office.read()
    shut = office.shut()
    assert shut is not None
    assert shut.why == "closure"


async def test_what_is_held_of_a_person_in_wishes_is_given_out_and_erased(database, clock, office):
    call = out_of_hours(1, clock, 60)
    await save(database, call)
    await office.call_back(CallBack(uniqueid(call), OTHER))
    await office.call_back(CallBack("1.1", OWN))
    await office.call_back(CallBack("1.2", "+66899999999"))
    subject = Subject(ids=(), numbers=(OWN,), shared=(), emails=())
    async with database.writing() as connection:
        assert [w["call_id"] for w in await room_call_backs.held(connection, subject)] == [
            "lab1-1.1"
        ]
        assert await room_call_backs.erase(connection, clock, subject, frozenset()) == 2
        left = await connection.execute(select(call_back_wishes.c.number))
        assert json.dumps(list(left.scalars())) == '["+66899999999"]'
