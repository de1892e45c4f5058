"""Rules by which callers are received: made, ended, expired, told to the line; both engines."""

from __future__ import annotations

import pytest

from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.config_door import DoorSection
from crm_bridge.desk import caller_rules
from crm_bridge.desk.caller_rules import LONGEST, Kind, Treatment, Wanted
from crm_bridge.desk.line import Line
from crm_bridge.errors import Refused
from crm_bridge.people import merge, persons, room_caller_rules
from crm_bridge.people.subject import subject_of
from crm_bridge.selfservice.door import LAST, Door
from ivr.calls.directory import Agency, Directory
from ivr.selfservice.port import Arrival
from tests.support.desk_calls import SECOND, save, served
from tests.support.desk_clock import HeldClock

HOUR = 3600 * SECOND
DAY = 24 * HOUR
OWN, SECOND_ONE, OTHER = "+66812345678", "+6625074444", "+66898765432"


@pytest.fixture
def clock():
    return HeldClock("2026-11-23T10:00")


@pytest.fixture
async def boss(database, clock):
    async with database.writing() as connection:
        return await accounts.create(
            connection, clock, login="boss", role=Role.SUPERVISOR, name_th="หัวหน้า", name_en="Boss"
        )


@pytest.fixture
def door(database, clock):
    house = Directory(agencies=(Agency("dip", numbers=("025074444",)),))
    found = Door(database, clock, Line(house), DoorSection(vulnerable=9, vip=4),
                 emergency=lambda: found.shouting)  # fmt: skip
    found.shouting = False
    return found


async def rule(database, clock, by, **wanted):
    given = {"kind": Kind.NUISANCE, "treatment": Treatment.REFUSE, "reason": "ด่าทอเจ้าหน้าที่",
             "until_us": clock.at + DAY, **wanted}  # fmt: skip
    async with database.writing() as connection:
        return await caller_rules.make(connection, clock, by, Wanted(**given), {SECOND_ONE})


async def received(door, presented, *, read=True):
    if read:
        await door.read(figures=False)
    welcome = door.welcome(Arrival("1.1", "complaint", presented))
    return welcome.priority, welcome.why.partition(":")[0], welcome.refused


async def test_a_nuisance_is_refused_until_its_time_is_over(database, clock, boss, door):
    call = served(1, clock.at - HOUR)
    await save(database, call)
    made = await rule(database, clock, boss, call_id=call.call_id)
    assert (made.e164, made.begun_by) == (OWN, "หัวหน้า")
    assert await received(door, "0812345678") == (0, "nuisance", True)
    assert await received(door, "0898765432") == (0, "", False)
    assert await received(door, None) == (0, "", False)
    door.shouting = True  # an emergency: nobody is turned away
    assert await received(door, "0812345678") == (LAST, "nuisance", False)
    door.shouting = False
    clock.at += DAY
    assert await received(door, "0812345678", read=False) == (0, "", False)
    async with database.reading() as connection:
        assert await caller_rules.page(connection, clock.at) == []
        [ended] = await caller_rules.page(connection, clock.at, ended=True)
    assert (ended.id, ended.ended_us) == (made.id, None)
    await rule(database, clock, boss, number="081-234-5678", treatment=Treatment.LAST)
    assert await received(door, "0812345678") == (LAST, "nuisance", False)


async def test_a_rule_is_ended_by_name(database, clock, boss, door):
    made = await rule(database, clock, boss, number=OTHER)
    async with database.writing() as connection:
        ended = await caller_rules.end(connection, clock, boss, made.id)
        assert (ended.ended_us, ended.ended_by) == (clock.at, "หัวหน้า")
        with pytest.raises(Refused):
            await caller_rules.end(connection, clock, boss, made.id)
    assert await received(door, OTHER) == (0, "", False)


async def test_a_person_is_put_first_with_all_numbers_and_never_refused(
    database, clock, boss, door
):
    async with database.writing() as connection:
        somsri = await persons.create(
            connection, clock, boss, fields={"name": "สมศรี"}, numbers=(OWN,)
        )
        twin = await persons.create(
            connection, clock, boss, fields={"name": "ส. ใจดี"}, numbers=(OTHER,)
        )
    first = {"kind": Kind.VULNERABLE, "treatment": Treatment.FIRST, "until_us": None}
    await rule(database, clock, boss, person_id=somsri.id, **first)
    assert await received(door, "0812345678") == (9, "vulnerable", False)
    assert await received(door, OTHER) == (0, "", False)
    async with database.writing() as connection:
        await merge.merge(connection, clock, boss, keep=somsri.id, other=twin.id, why="")
    assert await received(door, OTHER) == (9, "vulnerable", False)
    await rule(database, clock, boss, number=OTHER)
    assert await received(door, OTHER) == (9, "vulnerable", False)
    await rule(database, clock, boss, number="0891112222", **{**first, "kind": Kind.VIP})
    assert await received(door, "0891112222") == (4, "vip", False)

    async with database.writing() as connection:
        subject = await subject_of(connection, somsri.id)
        assert len(await room_caller_rules.held(connection, subject)) == 2
        assert await room_caller_rules.erase(connection, clock, subject, frozenset()) == 2
    assert await received(door, OTHER) == (0, "", False)
    assert await received(door, "0891112222") == (4, "vip", False)


async def test_an_agencys_number_is_spared_where_it_is_a_persons_too(database, clock, boss, door):
    async with database.writing() as connection:
        somchai = await persons.create(
            connection, clock, boss, fields={"name": "สมชาย"}, numbers=(OWN, SECOND_ONE)
        )
    for treatment, priority in ((Treatment.REFUSE, 0), (Treatment.LAST, LAST)):
        made = await rule(database, clock, boss, person_id=somchai.id, treatment=treatment)
        assert (await received(door, OWN))[:2] == (priority, "nuisance")
        assert await received(door, SECOND_ONE) == (0, "", False)
        async with database.writing() as connection:
            await caller_rules.end(connection, clock, boss, made.id)
    first = {"kind": Kind.VIP, "treatment": Treatment.FIRST, "until_us": None}
    await rule(database, clock, boss, person_id=somchai.id, **first)
    assert await received(door, SECOND_ONE) == (4, "vip", False)


async def test_of_two_rules_that_put_a_caller_back_the_stricter_counts(database, clock, boss, door):
    async with database.writing() as connection:
        somchai = await persons.create(
            connection, clock, boss, fields={"name": "สมชาย"}, numbers=(OWN,)
        )
    await rule(database, clock, boss, person_id=somchai.id)
    clock.at += SECOND
    await rule(database, clock, boss, number=OWN, treatment=Treatment.LAST)
    assert await received(door, OWN) == (0, "nuisance", True)
    door.shouting = True
    assert await received(door, OWN) == (LAST, "nuisance", False)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"number": "191"}, "no-number"), ({"number": "1669"}, "no-number"),
        ({"number": "anonymous"}, "no-number"), ({"call_id": "nothing"}, "no-number"),
        ({}, "no-number"),
        ({"number": "025074444"}, "number-spared"),
        ({"number": OTHER, "reason": " "}, "reason-missing"),
        ({"number": OTHER, "until_us": None}, "until-out-of-range"),
        ({"number": OTHER, "until_us": 1}, "until-out-of-range"),
        ({"number": OTHER, "until_us": 1 << 60}, "until-out-of-range"),
        ({"number": OTHER, "treatment": Treatment.FIRST}, "kind-treatment"),
        ({"number": OTHER, "kind": Kind.VIP}, "kind-treatment"),
        ({"person_id": "nobody"}, "no-such-person"),
    ],
)  # fmt: skip
async def test_what_is_refused(database, clock, boss, wrong, code):
    with pytest.raises(Refused) as refused:
        await rule(database, clock, boss, **wrong)
    assert refused.value.code == code
    assert LONGEST.days == 90


async def test_there_is_one_rule_of_a_number(database, clock, boss):
    await rule(database, clock, boss, number=OTHER)
    with pytest.raises(Refused) as refused:
        await rule(database, clock, boss, number=OTHER, treatment=Treatment.LAST)
    assert refused.value.code == "rule-there"
