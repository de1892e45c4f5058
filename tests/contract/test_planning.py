"""The plan of shifts, campaign days and adherence on both databases."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from crm_bridge.access import accounts
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.cases.working_days import start_of
from crm_bridge.desk import sittings
from crm_bridge.desk.agent_states import Sitting, State
from crm_bridge.errors import Refused
from crm_bridge.planning import campaigns, shifts
from crm_bridge.planning.shift import Shift
from crm_bridge.records.database import Database
from crm_bridge.reports import adherence
from tests.support.desk_calls import save, served
from tests.support.desk_clock import HeldClock

MONDAY = date(2026, 11, 23)
MINUTE = 60_000_000


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
async def head(database: Database, clock: HeldClock) -> Account:
    async with database.writing() as connection:
        return await accounts.create(
            connection, clock, login="head", role=Role.SUPERVISOR, name_th="หัวหน้า", name_en="Head"
        )


async def test_a_week_is_kept_as_it_is_written(database, clock, head):
    written = {
        "1001/2026-11-23": "08:30-12:00 13:00-16:30", "1002/2026-11-29": "0:00-24:00",
        "1001/2026-11-24": "",
    }  # fmt: skip
    async with database.writing() as connection:
        version = await shifts.set_week(
            connection, clock, head, monday=MONDAY, based_on=0, written=written
        )
    assert version == 1
    async with database.reading() as connection:
        assert await shifts.between(connection, MONDAY, MONDAY + timedelta(days=6)) == [
            Shift(MONDAY, "1001", 510, 720), Shift(MONDAY, "1001", 780, 990),
            Shift(MONDAY + timedelta(days=6), "1002", 0, 1440),
        ]  # fmt: skip
        kept = await shifts.version_of(connection, MONDAY)
    assert (kept.version, kept.changed_by, kept.how) == (1, "หัวหน้า", "page")
    assert kept.changed_us == clock.now_us()


async def test_two_heads_at_once_overwrite_nothing(database, clock, head):
    week = {"monday": MONDAY, "based_on": 0, "written": {"1001/2026-11-23": "08:30-16:30"}}
    async with database.writing() as connection:
        await shifts.set_week(connection, clock, head, **week)
    with pytest.raises(Refused) as refused:
        async with database.writing() as connection:
            await shifts.set_week(connection, clock, head, **{**week, "written": {}})
    assert refused.value.status == 412
    with pytest.raises(Refused) as refused:
        async with database.writing() as connection:
            await shifts.copy_week(connection, clock, head, monday=MONDAY, based_on=0, of=MONDAY)
    assert refused.value.status == 412
    async with database.reading() as connection:
        assert len(await shifts.between(connection, MONDAY, MONDAY)) == 1


async def test_what_cannot_be_read_keeps_nothing_and_names_the_cells(database, clock, head):
    written = {"1001/2026-11-23": "08:30-16:30", "1001/2026-11-24": "late", "1/2026-11-25": "9-10"}
    with pytest.raises(Refused) as refused:
        async with database.writing() as connection:
            await shifts.set_week(
                connection, clock, head, monday=MONDAY, based_on=0, written=written
            )
    assert set(refused.value.fields) == {"1001/2026-11-24", "1/2026-11-25"}
    for key in ("1001/2026-12-01", "../x/2026-11-23", "1001", "=1/2026-11-23", "1001/x"):
        with pytest.raises(Refused, match="extension"):
            async with database.writing() as connection:
                await shifts.set_week(
                    connection, clock, head, monday=MONDAY, based_on=0, written={key: "8:00-9:00"}
                )
    async with database.reading() as connection:
        assert await shifts.between(connection, MONDAY, MONDAY) == []


async def test_a_week_is_copied_and_an_empty_one_is_not(database, clock, head):
    later = MONDAY + timedelta(days=14)
    async with database.writing() as connection:
        await shifts.set_week(
            connection, clock, head, monday=MONDAY, based_on=0,
            written={"1001/2026-11-24": "08:30-16:30"},
        )  # fmt: skip
        await shifts.copy_week(connection, clock, head, monday=later, based_on=0, of=MONDAY)
    async with database.writing() as connection:
        assert await shifts.between(connection, later, later + timedelta(days=6)) == [
            Shift(date(2026, 12, 8), "1001", 510, 990)
        ]
        with pytest.raises(Refused, match="nobody is planned"):
            await shifts.copy_week(
                connection, clock, head, monday=MONDAY, based_on=1, of=MONDAY - timedelta(days=7)
            )


async def test_a_file_replaces_its_days_and_no_others(database, clock, head):
    async with database.writing() as connection:
        await shifts.set_week(
            connection, clock, head, monday=MONDAY, based_on=0,
            written={"1001/2026-11-23": "08:30-16:30", "1001/2026-11-24": "08:30-16:30"},
        )  # fmt: skip
        new = [Shift(MONDAY, "1002", 510, 720), Shift(date(2026, 12, 1), "1002", 510, 720)]
        changed = await shifts.replace_days(connection, clock, head, new, {s.day for s in new})
    assert changed == 2
    async with database.reading() as connection:
        found = await shifts.between(connection, MONDAY, date(2026, 12, 6))
        assert (await shifts.version_of(connection, MONDAY)).version == 2
    assert found == [new[0], Shift(date(2026, 11, 24), "1001", 510, 990), new[1]]


async def test_campaign_days_are_named_renamed_and_taken_back(database, clock, head):
    day = date(2026, 12, 9)
    async with database.writing() as connection:
        await campaigns.set_day(
            connection, clock, head, day=day, name_th="ธงฟ้า", name_en="", factor=2.5
        )
        again = await campaigns.set_day(
            connection, clock, head, day=day, name_th="ธงฟ้า", name_en="Blue Flag", factor=3
        )
        assert await campaigns.every(connection) == [again]
        assert (again.name_en, again.factor, again.version) == ("Blue Flag", 3, 2)
        await campaigns.take_back(connection, day)
        with pytest.raises(Refused, match="no campaign"):
            await campaigns.take_back(connection, day)
    for wrong in ({"name_th": " \n"}, {"factor": 0.0}, {"factor": 1e9}, {"factor": float("nan")}):
        given = {"name_th": "ธงฟ้า", "name_en": "", "factor": 2.0, **wrong}
        with pytest.raises(Refused) as refused:
            async with database.writing() as connection:
                await campaigns.set_day(connection, clock, head, day=day, **given)
        assert refused.value.status == 422


async def test_adherence_of_officers_from_what_the_desk_keeps(database, clock, head):
    """1001 sits from 9 o'clock on, with an hour's lunch; 1002 never; 1003 without signing in."""
    midnight = start_of(MONDAY)

    def at(minute: int) -> int:
        return midnight + minute * MINUTE

    sitting = Sitting("s1", head.id, "1001", ("information",), at(540), "a1", State.READY, at(540))
    async with database.writing() as connection:
        await sittings.begin(connection, sitting)
        lunch = sitting.to(State.PAUSED, at(720), sitting.source, "a2", reason="lunch")
        await sittings.change(connection, sitting, lunch)
        back = lunch.to(State.READY, at(780), sitting.source, "a3")
        await sittings.change(connection, lunch, back)
        await shifts.set_week(
            connection, clock, head, monday=MONDAY, based_on=0,
            written={f"{agent}/{MONDAY}": "08:30-16:30" for agent in ("1001", "1002", "1003")},
        )  # fmt: skip
    await save(database, served(1, at(600), agents=("1003",)))
    async with database.reading() as connection:
        found = await adherence.of_days(connection, MONDAY, MONDAY, at(810))
    assert {agent: (one.shift_us, one.kept_us) for agent, one in found.items()} == {
        "1001": (300 * MINUTE, 270 * MINUTE), "1002": (300 * MINUTE, 0),
        "1003": (300 * MINUTE, None),
    }  # fmt: skip
    assert found["1001"].share == 0.9
    async with database.reading() as connection:
        tomorrow = MONDAY + timedelta(days=1)
        assert (await adherence.of_days(connection, tomorrow, tomorrow, at(810))) == {}
