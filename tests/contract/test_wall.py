"""What the wallboard reads and keeps, on both engines: figures of today, deadlines, screens."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from crm_bridge.access import accounts, wall_screens
from crm_bridge.access.roles import Role
from crm_bridge.cases.deadlines import Deadlines, deadlines
from crm_bridge.cases.workflow import State as CaseState
from crm_bridge.desk.kept_places import Ended, end, keep
from crm_bridge.desk.lost_calls import State, give_up
from crm_bridge.errors import Refused
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.web.wallboard.kept_rows import StillWaiting, read_places
from crm_bridge.web.wallboard.today import read_today, today_rows
from ivr.calls.call import Outcome
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.desk_clock import HeldClock
from tests.support.scenario import config_of

MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock("2026-11-23T10:00")


async def case(database: Database, number: int, state: CaseState, due: int | None) -> None:
    texts = dict.fromkeys(
        ("title", "facts", "wanted", "respondent", "respondent_contact", "place", "product",
         "complainant_name"), "",
    )  # fmt: skip
    async with database.writing() as connection:
        await connection.execute(
            insert(cases).values(
                id=f"c{number}", ticket=f"t{number}", kind="complaint", state=state.value, round=1,
                identity="open", recorded_us=1, due_us=due, owner="x", created_by="x",
                updated_us=1, version=1, **texts,
            )
        )  # fmt: skip


async def test_what_is_due_today_and_what_is_over(database: Database, clock: HeldClock):
    async with database.reading() as connection:
        assert await deadlines(connection, clock.at) == Deadlines(0, 0)
    midnight = HeldClock("2026-11-24T00:00").at  # a limit ends with the midnight after its last day
    for number, (state, due) in enumerate(
        (
            (CaseState.ASSIGNED, midnight),
            (CaseState.PROPOSED, midnight),
            (CaseState.ASSIGNED, midnight + DAY),
            (CaseState.ANSWERED, midnight - DAY),
            (CaseState.SETTLED, midnight - DAY),
            (CaseState.CANCELLED, midnight),
            (CaseState.RECORDED, None),
        )
    ):
        await case(database, number, state, due)
    async with database.reading() as connection:
        assert await deadlines(connection, clock.at) == Deadlines(2, 1)
        assert await deadlines(connection, midnight) == Deadlines(1, 3)


async def test_figures_of_today_leave_yesterday_out(database: Database, clock: HeldClock):
    config = config_of("ours")
    at = clock.at
    await save(
        database,
        lost(1, at - 30 * MINUTE, presented="0811111111"),
        lost(2, at - 20 * MINUTE, Outcome.QUEUE_TIMEOUT, presented="0822222222"),
        lost(3, at - 12 * 60 * MINUTE, presented="0833333333"),  # yesterday, 22:00
        served(4, at - 10 * MINUTE, presented="0811111111"),
    )
    today = await read_today(database, config, clock)
    assert today.at == at
    assert sum(today.callbacks.values()) == 2
    assert today.callbacks[State.OPEN] == 1
    assert today.callbacks[State.REACHED] == 1
    rows = today_rows(today, failed=False)
    assert rows["figures"]["state"] == "ok"
    assert rows["figures"]["calls"] == 3
    assert rows["callbacks"] == {"open": 1, "calling": 0, "reached": 1, "given_up": 0}
    failed = today_rows(today, failed=True)
    assert failed["figures"]["state"] == "failed"
    assert failed["figures"]["at"] == at // 1000, "what stands there has its time"
    assert today_rows(None, failed=False)["figures"] == {"state": "reading"}


async def test_kept_places_count_until_they_end(database: Database, clock: HeldClock):
    waiting = StillWaiting()
    assert waiting.row(clock.at, failed=False) == {"state": "reading"}

    async def row() -> dict[str, object]:
        waiting.read(await read_places(database, clock), ())
        return {k: v for k, v in waiting.row(clock.at, failed=False).items() if v is not None}

    assert await row() == {"state": "ok", "waiting": 0}
    asked = clock.at
    async with database.writing() as connection:
        for n, ago in ((1, 5), (2, 20), (3, 10), (4, 30)):
            await keep(
                connection, clock, f"lab1-{n}", f"+6681111111{n}", queue="information",
                place_us=asked - ago * MINUTE, until_us=asked + 60 * MINUTE,
            )  # fmt: skip
        await end(connection, clock, "lab1-4", Ended.EXPIRED)
        by = await accounts.create(connection, clock, login="malee", role=Role.AGENT, name_th="ก")
    assert await row() == {"state": "ok", "waiting": 3, "since": (asked - 20 * MINUTE) // 1000}
    clock.forward(minutes=1)
    await save(database, served(2, clock.at - 10 * SECOND, presented="0811111112"))
    assert await row() == {"state": "ok", "waiting": 2, "since": (asked - 10 * MINUTE) // 1000}
    async with database.writing() as connection:
        await give_up(connection, clock, by, "lab1-3", "ไม่รับสาย")
    assert await row() == {"state": "ok", "waiting": 1, "since": (asked - 5 * MINUTE) // 1000}
    clock.forward(hours=1)
    assert await row() == {"state": "ok", "waiting": 0}


async def test_a_screen_is_found_by_its_secret_until_it_is_withdrawn(
    database: Database, clock: HeldClock
):
    async with database.writing() as connection:
        by = await accounts.create(
            connection,
            clock,
            login="admin",
            role=Role.ADMINISTRATOR,
            name_th="ผู้ดูแล",
            name_en="Admin",
        )
        made, secret = await wall_screens.make(connection, clock, by, "  ห้องรับสาย ")
        other, _ = await wall_screens.make(connection, clock, by, "ล็อบบี้")
    assert made.name == "ห้องรับสาย"
    assert await wall_screens.find(database, clock, secret) == made.id
    for wrong in ("", secret[:-1], secret.swapcase()):
        assert await wall_screens.find(database, clock, wrong) is None
    clock.forward(days=900)
    assert await wall_screens.find(database, clock, secret) == made.id
    async with database.writing() as connection:
        assert await wall_screens.withdraw(connection, clock, by, made.id)
        assert not await wall_screens.withdraw(connection, clock, by, made.id)
        found = await wall_screens.every(connection)
        await wall_screens.make(connection, clock, by, "ห้องรับสาย")  # the name is free again
    assert await wall_screens.find(database, clock, secret) is None
    assert [(one.id, one.ended_by) for one in found] == [(other.id, None), (made.id, "ผู้ดูแล")]
    assert found[1].seen_us == clock.at
    assert found[1].ended_us == clock.at


async def test_there_is_a_bound_to_screens(
    database: Database, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(wall_screens, "MOST", 1)
    async with database.writing() as connection:
        by = await accounts.create(
            connection, clock, login="admin", role=Role.ADMINISTRATOR, name_th="ผู้ดูแล", name_en=""
        )
        await wall_screens.make(connection, clock, by, "a")
        with pytest.raises(Refused) as refused:
            await wall_screens.make(connection, clock, by, "b")
    assert refused.value.code == "screens-full"
