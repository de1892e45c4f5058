"""The book of supervision and notices on both engines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crm_bridge.access import accounts
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.clock import SystemClock
from crm_bridge.config import Config
from crm_bridge.desk import notices, sittings, supervision_log
from crm_bridge.desk.agent_states import Sitting, Source, State, Whose
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.supervision_log import Act, Came, Line
from crm_bridge.errors import Refused, StorageUnavailable
from crm_bridge.live.hub import Hub
from crm_bridge.records.calls import snapshot
from crm_bridge.records.database import Database
from crm_bridge.records.writer import Writer, batch_of
from ivr.steps.standards import load_standards
from ivr.steps.timeline import timeline
from tests.support.desk_clock import HeldClock
from tests.support.scenario import config_of, records_of


async def person(database: Database, login: str, role: Role) -> Account:
    async with database.writing() as connection:
        return await accounts.create(
            connection, SystemClock(), login=login, role=role, name_th=f"ไทย {login}", name_en=login
        )


@pytest.fixture
async def head(database: Database) -> Account:
    return await person(database, "head", Role.SUPERVISOR)


@pytest.fixture
async def officer(database: Database) -> Account:
    return await person(database, "officer", Role.AGENT)


async def pages(database: Database, **asked: object) -> list[Line]:
    async with database.reading() as connection:
        return await supervision_log.page(connection, **asked)  # type: ignore[arg-type]


async def test_a_line_from_its_begin_to_its_end(
    database: Database, head: Account, officer: Account
) -> None:
    line = Line("a", Act.LISTEN, head.id, 100, "1003", officer.id, "1001", "pbx1-1.2")
    async with database.writing() as connection:
        await supervision_log.begin(connection, line)
    (kept,) = await pages(database)
    assert kept == replace(line, by_names=("ไทย head", "head"), to_names=("ไทย officer", "officer"))
    assert kept.outcome is Came.ASKED
    async with database.writing() as connection:
        await supervision_log.amend(connection, 150, "a", outcome=Came.DONE.value, started_us=150)
        (going,) = await supervision_log.lasting(connection)
        assert going.goes_on
        await supervision_log.amend(connection, 190, "a", ended_us=190)
        assert await supervision_log.lasting(connection) == []
    (kept,) = await pages(database)
    assert (kept.started_us, kept.ended_us, kept.outcome) == (150, 190, Came.DONE)


async def test_pages_go_on_where_the_last_one_ended(
    database: Database, head: Account, officer: Account
) -> None:
    async with database.writing() as connection:
        for n in range(7):
            act = Act.PAUSE if n % 2 else Act.MESSAGE
            at = 100 + n // 2  # two at a time in one moment
            await supervision_log.begin(
                connection, Line(f"{n}", act, head.id, at, to_account=officer.id)
            )
    everything = await pages(database)
    found: list[Line] = []
    before = None
    while part := await pages(database, before=before, limit=2):
        found += part
        before = (part[-1].started_us, part[-1].id)
    assert found == everything
    assert [line.id for line in everything] == ["6", "5", "4", "3", "2", "1", "0"]
    assert len(await pages(database, act=Act.PAUSE)) == 3
    assert len(await pages(database, since=101, until=103)) == 4
    assert len(await pages(database, to=officer.id)) == 7
    assert await pages(database, by_account=officer.id) == []
    async with database.reading() as connection:
        assert await supervision_log.supervisors(connection) == [(head.id, "ไทย head", "head")]


async def test_notices_until_they_are_read(
    database: Database, head: Account, officer: Account
) -> None:
    other = await person(database, "other", Role.AGENT)
    async with database.writing() as connection:
        await supervision_log.begin(connection, Line("m", Act.MESSAGE, head.id, 5))
        await notices.send(
            connection, act_id="m", by=head.id, to=[officer.id, other.id],
            kind=notices.Kind.MESSAGE, body="ข้อความ 😀", at=10,
        )  # fmt: skip
    async with database.writing() as connection:
        (mine,) = await notices.unread(connection, officer.id)
        assert (mine.body, mine.from_th) == ("ข้อความ 😀", "ไทย head")
        assert not await notices.read(connection, other.id, mine.id, 20)
        assert await notices.read(connection, officer.id, mine.id, 20)
        assert not await notices.read(connection, officer.id, mine.id, 30)
        assert await notices.is_mine(connection, officer.id, mine.id)
        assert not await notices.is_mine(connection, other.id, mine.id)
        assert await notices.unread(connection, officer.id) == []
        assert len(await notices.unread(connection, other.id)) == 1
        assert await notices.message_of(connection, "m") == ("ข้อความ 😀", 2, 1)


async def test_whose_doing_a_state_is_survives_a_restart(
    database: Database, head: Account, officer: Account
) -> None:
    sitting = Sitting("s", officer.id, "1001", ("information",), 10, "t1", State.READY, 10,
                      name_th=officer.name_th, name_en=officer.name_en)  # fmt: skip
    forced = sitting.to(
        State.PAUSED, 20, Source.SUPERVISOR, "t2", reason="meeting",
        by=Whose(head.id, head.name_th, head.name_en),
    )  # fmt: skip
    async with database.writing() as connection:
        await sittings.begin(connection, sitting)
        await sittings.change(connection, sitting, forced)
        assert await sittings.open_sittings(connection) == [forced]
        assert forced.to(State.READY, 30, Source.DESK, "t3").by is None


def floor_of(database: Database, config: Config | None = None) -> Floor:
    return Floor.of(config or config_of("ours"), database, Hub(), HeldClock())


@pytest.mark.parametrize("heard", [True, False], ids=["end on the record", "end not heard"])
async def test_what_went_on_at_a_stop_is_closed_by_the_record(
    database: Database, head: Account, heard: bool
) -> None:
    calls, pipeline = records_of("supervised_to_the_end")
    (call,) = calls.values()
    begin, end = (m for m in call.marks if m.name.startswith("supervision"))
    if heard:
        rows = snapshot(call, timeline(call, pipeline.directory, load_standards()))
        writer = Writer(database)
        await writer.commit(batch_of(calls=[rows]))
        await writer.close()
    line = Line("a", Act.LISTEN, head.id, begin.at, "1003", None, "1001", call.call_id,
                outcome=Came.DONE)  # fmt: skip
    async with database.writing() as connection:
        await supervision_log.begin(connection, line)
    book = floor_of(database).supervision.book
    await book.load()
    await book.write_down()
    assert not book.open
    (kept,) = await pages(database)
    wanted = (Came.DONE, end.at) if heard else (Came.LOST, None)
    assert (kept.outcome, kept.ended_us) == wanted


async def test_what_cannot_be_written_down_is_not_done(
    database: Database, head: Account, officer: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor = floor_of(database)

    async def full(*_: object) -> None:
        raise StorageUnavailable("full", where="the test", mend="none")

    monkeypatch.setattr(supervision_log, "begin", full)
    with pytest.raises(StorageUnavailable):
        await floor.supervision.officers.pause(head, "1001", "meeting")
    monkeypatch.undo()
    with pytest.raises(Refused) as refused:
        await floor.supervision.officers.pause(head, "1001", "meeting")
    assert refused.value.code == "nobody-sits-there"
    assert [line.outcome for line in await pages(database)] == [Came.REFUSED]
