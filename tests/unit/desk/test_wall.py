"""The wall event by event: rows of calls and officers, frames, what changes between them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from crm_bridge.config import QueueSection
from crm_bridge.config_selfservice import CallbackSection
from crm_bridge.desk import kept_places
from crm_bridge.desk.agent_states import State
from crm_bridge.desk.pop import Stage
from crm_bridge.desk.wall_frames import Frame, changes
from crm_bridge.desk.wall_rows import STATE_WORDS, STEP_WORDS, Wording
from crm_bridge.errors import StorageError
from crm_bridge.live.hub import Listener
from crm_bridge.records.database import Database
from crm_bridge.web.agent.screen import sse
from crm_bridge.web.wallboard.alert_rows import MOST as MOST_ALERTS
from crm_bridge.web.wallboard.alert_rows import alert_rows
from crm_bridge.web.wallboard.kept_rows import StillWaiting, read_places
from crm_bridge.web.wallboard.wall import MOST, TOPIC, Wall
from ivr.ami.reconnect import LinkState
from ivr.events import types as ev
from tests.support.live import until
from tests.support.migrated import sqlite_url
from tests.support.scenario import config_of
from tests.support.screens import LineDesk, line, line_desk
from tests.support.wall import SECOND, Floor

__all__ = ["line"]


@asynccontextmanager
async def watched(desk: LineDesk) -> AsyncIterator[Listener]:
    """The wall as long as somebody looks at it, its first figures read."""
    wall = desk.context.wall
    listener = wall.watch([])
    try:
        await until("figures", lambda: shown(wall, "today", "figures").get("state") != "reading")
        yield listener
    finally:
        listener.close()
        wall.leave()


def shown(wall: Wall, section: str, key: str | None = None) -> dict[str, Any]:
    """A section's rows in English, or one row, as a screen would be sent them."""
    body = wall.frame().whole("en").partition(b"\ndata: ")[2]
    found = json.loads(body)["sections"][section]
    rows = {k: found["set"][k] for k in found["order"]}
    return rows if key is None else rows.get(key, {})


def only(wall: Wall, section: str) -> dict[str, Any]:
    (row,) = shown(wall, section).values()
    return dict(row)


async def test_a_call_from_the_menu_to_its_end(line: LineDesk):
    await line.agent("1001")
    async with watched(line):
        wall = line.context.wall
        assert shown(wall, "agents", "1001")["state"] == "ready"
        played = line.play("hold")
        played.until(lambda: shown(wall, "totals", "now")["menu"])
        assert not shown(wall, "waiting")
        played.until(lambda: shown(wall, "waiting"))
        row = only(wall, "waiting")
        call = next(iter(line.pipeline.tracker.lives.values())).call
        assert row["since"] == call.passages[0].joined_at // 1000
        assert (row["standard"], row["target"], row["ringing"]) == (300, 20, False)
        queue = call.passages[0].queue
        assert shown(wall, "queues", queue)["waiting"] == 1
        assert shown(wall, "queues", queue)["since"] == row["since"]
        played.until(lambda: only(wall, "waiting")["ringing"])
        assert shown(wall, "agents", "1001")["state"] == "ringing"
        assert shown(wall, "totals", "now")["ringing"] == 1
        played.until(lambda: shown(wall, "calls"))
        assert not shown(wall, "waiting")
        played.until(lambda: only(wall, "calls")["step"] == STEP_WORDS["inform"][1])
        row = only(wall, "calls")
        assert row["standard"] == 300
        assert row["officer"] == "Somying Saengthong"
        assert shown(wall, "agents", "1001")["state"] == "talking"
        played.until_stage(Stage.HELD)
        agent = shown(wall, "agents", "1001")
        assert (agent["state"], agent["since"]) == ("held", call.holds[0].started_at // 1000)
        played.all()
        agent = shown(wall, "agents", "1001")
        assert (agent["state"], agent["since"]) == ("ready", call.agents[0].released_at // 1000)
        become(line, State.WRAPUP)
        agent = shown(wall, "agents", "1001")
        assert (agent["state"], agent["standard"]) == ("wrapup", 300)
        assert not shown(wall, "calls")
        assert shown(wall, "totals", "now")["calls"] == 0


def become(desk: LineDesk, state: State, reason: str | None = None) -> None:
    """The officer at 1001 is so from now on, as the desk's own acts make it."""
    agents = desk.floor.agents
    sitting = agents.at("1001")
    assert sitting is not None
    agents._held["1001"] = sitting.to(state, desk.clock.at, sitting.source, "x", reason=reason)
    agents._publish("1001")


async def test_nothing_of_a_caller_is_on_it(line: LineDesk):
    await line.agent("1001")
    async with watched(line):
        wall = line.context.wall
        played = line.play("attended_refer")
        seen = b""
        while played.step():
            seen += wall.frame().whole("th") + wall.frame().whole("en")
            for one in line.pipeline.tracker.lives.values():
                call = one.call
        assert call.caller_presented
        for told in (call.caller_presented, call.caller_name, call.call_id, *call.linkedids):
            assert told
            assert told.encode() not in seen
        assert b'"calls":{"order":["1"]' in seen


async def test_a_pause_says_why(line: LineDesk):
    await line.agent("1001")
    async with watched(line):
        become(line, State.PAUSED, "lunch")
        row = shown(line.context.wall, "agents", "1001")
        reason = line.floor.agents.reason("lunch")
        assert reason is not None
        assert (row["state"], row["why"]) == ("paused", reason.name_en)
        assert row["since"] == line.clock.at // 1000
        assert shown(line.context.wall, "totals", "now")["paused"] == 1
        become(line, State.PAUSED, "elsewhere")
        assert shown(line.context.wall, "agents", "1001")["why"] == "At the line"


async def test_the_line_cut_leaves_nothing_known_of_officers(line: LineDesk):
    await line.agent("1001")
    async with watched(line):
        wall = line.context.wall
        line.play("hold").until(lambda: shown(wall, "calls"))
        node = line.floor.line.nodes[0]
        node.link.state = LinkState.WAITING
        lost = ev.LinkLost(line.clock.at, False)
        line.pipeline.members.apply(lost)
        line.floor.line.told("lab", lost)
        await until("unknown", lambda: shown(wall, "agents", "1001")["state"] == "unknown")
        assert shown(wall, "totals", "now")["unknown"] == 1
        assert "since" not in shown(wall, "agents", "1001")


async def test_an_empty_night(line: LineDesk):
    async with watched(line):
        wall = line.context.wall
        assert not shown(wall, "waiting")
        assert not shown(wall, "calls")
        assert not shown(wall, "agents")
        figures = shown(wall, "today", "figures")
        assert (figures["state"], figures["of"], figures["answered"]) == ("ok", 0, 0)
        assert "level" not in figures, "of no calls there is no service level, not one of nought"
        assert list(shown(wall, "queues")) == list(line.context.config.queue)


async def test_figures_of_today_are_those_of_the_overview(line: LineDesk):
    await line.agent("1001")
    line.play("answered_served").all()
    line.play("abandoned_queue", line.clock.at + 60_000_000).all()
    assert line.context.declare is not None
    line.pipeline.flush(everything=True)
    await line.context.declare.settle()
    async with watched(line):
        wall = line.context.wall
        figures = shown(wall, "today", "figures")
        assert figures["answered"] == 1
        assert figures["abandoned"] + figures["short"] == 1
        assert figures["of"] == 1 + figures["abandoned"]
        assert figures["whole"] is True
        assert shown(wall, "queues", "information")["answered"] == 1
        assert shown(wall, "today", "callbacks")["open"] == 1
        assert shown(wall, "today", "cases") == {"due": 0, "overdue": 0}


async def test_figures_that_cannot_be_read_leave_the_floor_in_sight(line: LineDesk):
    wall = line.context.wall

    async def down() -> Any:
        raise StorageError("locked", where="figures", mend="wait")

    wall._today.read = down
    async with watched(line):
        assert shown(wall, "today", "figures") == {"state": "failed"}
        line.play("hold").until(lambda: shown(wall, "waiting"))


@pytest.fixture
async def keeping(tmp_path: Path) -> AsyncIterator[LineDesk]:
    """A desk whose line keeps places and calls back."""
    database = Database(await sqlite_url(tmp_path / "kept.db"))
    config = config_of("ours").model_copy(update={"callback": CallbackSection()})
    async with line_desk(config, database) as made:
        await made.agent("1001")
        yield made
    await database.close()


async def keep(desk: LineDesk, call_id: str, number: str, ago: float) -> int:
    """Keeps a place as the line does and tells of it; when it joined."""
    place = desk.clock.at - round(ago * SECOND)
    async with desk.database.writing() as connection:
        assert await kept_places.keep(
            connection, desk.clock, call_id, number, queue="information", place_us=place,
            until_us=desk.clock.at + 3600 * SECOND,
        )  # fmt: skip
    told(desk)
    return place


def told(desk: LineDesk) -> None:
    desk.context.hub.publish(kept_places.TOPIC, kept_places.TOPIC, {}, key=kept_places.TOPIC)


async def test_a_kept_place_is_kept_called_back_and_ended(keeping: LineDesk):
    floor, wall = Floor(keeping), keeping.context.wall
    async with watched(keeping):
        await until("read", lambda: shown(wall, "kept", "now") == {"state": "ok", "waiting": 0})
        first = await keep(keeping, "lab-x.1", "+66811111111", 90)
        second = await keep(keeping, "lab-x.2", "+66822222222", 30)
        both = {"state": "ok", "waiting": 2, "since": first // 1000}
        await until("both", lambda: shown(wall, "kept", "now") == both)
        sent = wall.frame().whole("th") + wall.frame().whole("en")
        for caller in (b"lab-x", b"8111", b"8222"):
            assert caller not in sent
        keeping.clock.forward(minutes=1)
        call = floor.call_back("lab-x.1", "+66811111111", "1001")
        assert shown(wall, "kept", "now") == both, "his telephone rings: he waits still"
        floor.reach(call, "1001")
        one = {"state": "ok", "waiting": 1, "since": second // 1000}
        assert shown(wall, "kept", "now") == one, "told by the line, before the disk has it"
        floor.end(call)
        assert shown(wall, "kept", "now") == one
        async with keeping.database.writing() as connection:
            for ended in ("lab-x.1", "lab-x.2"):
                await kept_places.end(
                    connection, keeping.clock, ended, kept_places.Ended.OFFICE_CLOSED
                )
        told(keeping)
        await until("ended", lambda: shown(wall, "kept", "now") == {"state": "ok", "waiting": 0})


async def test_who_gets_through_by_himself_waits_no_more(keeping: LineDesk):
    floor, wall = Floor(keeping), keeping.context.wall
    before = floor.call("information", 5)  # the number of whoever asks below, and no call back
    floor.answer(before, "1001", 2)
    number = "+66" + str(before.caller_presented).removeprefix("0")
    await keep(keeping, "lab-x.1", number, 90)
    async with watched(keeping):
        await until("read", lambda: shown(wall, "kept", "now").get("waiting") == 1)
        floor.end(before)
        assert shown(wall, "kept", "now")["waiting"] == 1, "that call began before he asked"
        keeping.clock.forward(minutes=1)
        again = floor.call("complaint", 5)
        again.caller_presented = before.caller_presented
        assert shown(wall, "kept", "now")["waiting"] == 1
        floor.answer(again, "1001", 1)
        assert shown(wall, "kept", "now")["waiting"] == 0
    # where the place is read only now, the call in progress is found beside it
    places, late = await read_places(keeping.database, keeping.clock), StillWaiting()
    late.read(places, [before, again])
    assert late.row(keeping.clock.at, failed=False)["waiting"] == 0


async def test_places_whose_time_is_up_wait_no_more(keeping: LineDesk):
    wall = keeping.context.wall
    await keep(keeping, "lab-x.1", "+66811111111", 90)
    async with watched(keeping):
        await until("read", lambda: shown(wall, "kept", "now").get("waiting") == 1)
        keeping.clock.forward(hours=1)
        assert shown(wall, "kept", "now") == {"state": "ok", "waiting": 0}


async def test_kept_places_that_cannot_be_read_stand_with_their_time(keeping: LineDesk):
    wall = keeping.context.wall
    assert wall._places is not None
    place = await keep(keeping, "lab-x.1", "+66811111111", 90)
    read, at = wall._places.read, keeping.clock.at

    async def down() -> Any:
        raise StorageError("locked", where="kept places", mend="wait")

    wall._places.read = down
    async with watched(keeping):
        await until("failed", lambda: shown(wall, "kept", "now") == {"state": "failed"})
        wall._places.read = read
        told(keeping)
        await until("read", lambda: shown(wall, "kept", "now").get("waiting") == 1)
        wall._places.read = down
        keeping.clock.forward(minutes=5)
        told(keeping)
        stands = {"waiting": 1, "since": place // 1000, "at": at // 1000}
        await until(
            "failed again", lambda: shown(wall, "kept", "now") == {"state": "failed", **stands}
        )


async def test_a_burst_of_wishes_is_read_once_at_a_time(keeping: LineDesk):
    wall = keeping.context.wall
    assert wall._places is not None
    read, times, may = wall._places.read, 0, asyncio.Event()

    async def counted() -> Any:
        nonlocal times
        times += 1
        await may.wait()
        return await read()

    wall._places.read = counted
    async with watched(keeping):
        await until("the first reading", lambda: times == 1)
        for _ in range(200):
            told(keeping)
            await asyncio.sleep(0)
            assert times == 1
        may.set()
        await keep(keeping, "lab-x.1", "+66811111111", 90)
        await until("the last", lambda: shown(wall, "kept", "now").get("waiting") == 1)
        assert times <= 3


async def test_changes_are_gathered_and_the_first_goes_at_once(line: LineDesk):
    async with watched(line) as listener:
        wall = line.context.wall
        wall.frame()
        while listener.take() is not None:
            pass
        wall._made_at = 0.0  # the last frame is long ago
        played = line.play("hold")
        played.until(lambda: wall._dirty)
        async with asyncio.timeout(1):
            first = await listener.next()
        assert first is not None
        assert first.topic == TOPIC
        number = first.data["frame"].number
        for _ in range(12):
            played.step()
        await asyncio.sleep(0)
        assert listener.take() is None, "further changes wait for the next frame"
        async with asyncio.timeout(2):
            second = await listener.next()
        assert second is not None
        assert second.data["frame"].number == number + 1


async def test_a_slow_screen_has_only_the_newest_frame_waiting(line: LineDesk):
    async with watched(line) as listener:
        wall = line.context.wall
        played = line.play("hold")
        for _ in range(60):
            if not played.step():
                break
            wall.frame()
        newest = wall.frame()
        found = listener.take()
        assert found is not None
        assert found.data["frame"] is newest
        assert listener.take() is None


async def test_nobody_looking_costs_nothing(line: LineDesk):
    wall, floor = line.context.wall, line.floor
    before = len(floor.line.on_call), len(floor.line.on_members), len(floor.agents.changed)
    async with watched(line):
        assert len(floor.line.on_call) == before[0] + 1
    assert (
        len(floor.line.on_call),
        len(floor.line.on_members),
        len(floor.agents.changed),
    ) == before
    line.play("hold").all()
    assert not wall._dirty
    assert not wall._placed
    assert wall._keeping is not None
    await until("the keeper gone", wall._keeping.done)


async def test_who_looks_later_sees_the_calls_in_progress(line: LineDesk):
    await line.agent("1001")
    line.play("hold").until_stage(Stage.HELD)
    async with watched(line):
        assert only(line.context.wall, "calls")["officer"] == "Somying Saengthong"
        assert shown(line.context.wall, "agents", "1001")["state"] == "held"


async def test_more_callers_than_have_a_place_are_counted(line: LineDesk, monkeypatch: Any):
    monkeypatch.setitem(MOST, "waiting", 1)
    async with watched(line):
        wall = line.context.wall
        floor = Floor(line)
        for ago in (5, 50, 10):
            floor.call("information", ago)
        assert shown(wall, "totals", "now")["waiting"] == 3
        rows = shown(wall, "waiting")
        assert len(rows) == 1
        (row,) = rows.values()
        assert row["since"] == shown(wall, "totals", "now")["since"], "who waits longest stays"


def test_what_changes_between_two_frames():
    a, b, c = {"n": 1}, {"n": 2}, {"n": 3}
    before = {"x": {"1": a, "2": b}, "y": {"1": a}}
    assert changes(before, before) == {}
    assert changes(before, {"x": {"1": a, "2": b}, "y": {"1": c}}) == {"y": {"set": {"1": c}}}
    assert changes(before, {"x": {"2": b}, "y": {"1": dict(a)}}) == {
        "x": {"set": {}, "order": ["2"]}
    }
    moved = changes(before, {"x": {"2": b, "1": a, "3": c}, "y": {"1": a}})
    assert moved == {"x": {"set": {"3": c}, "order": ["2", "1", "3"]}}


def test_a_frame_is_encoded_once_for_each_language():
    made = []

    def encode(kind: str, data: Any) -> bytes:
        made.append(kind)
        return sse(kind, data)

    row = {"w": ("ไทย", "Thai"), "none": None, "n": 0}
    frame = Frame(2, {"x": {"1": row}}, {"x": {}}, encode)
    assert frame.changed
    for _ in range(50):
        th, en = frame.change("th"), frame.change("en")
    assert made == ["change", "change"]
    assert frame.change("th") is th
    assert "ไทย".encode() in th
    assert b'"Thai"' in en
    assert b"none" not in en, "what is not known is left out, never nought"
    assert b'"n":0' in en
    assert not Frame(3, {"x": {"1": row}}, {"x": {"1": dict(row)}}, encode).changed


def test_queues_are_called_by_their_service_and_strangers_by_name():
    queues = {
        "a": QueueSection(service="information"), "b": QueueSection(service="information"),
        "c": QueueSection(service="complaint"),
    }  # fmt: skip
    wording = Wording(queues, lambda _: None)
    assert wording.queue("c") == ("รับเรื่องร้องเรียน", "Complaint")
    assert wording.queue("a")[1].endswith(" · a")
    assert wording.queue("<b>x") == ("<b>x", "<b>x")
    assert wording.officer("1001") == ("1001", "1001")


def test_the_gravest_alert_comes_first_and_the_strip_is_bounded():
    from types import SimpleNamespace as Alert

    def one(n: int, level: str) -> Any:
        return Alert(id=f"a{n}", th="ก", en="a", level=level, since=n * 1000)

    many = [one(n, "notice") for n in range(9)] + [one(99, "critical")]
    rows = alert_rows(many)
    assert next(iter(rows)) == "a99"
    assert len(rows) == MOST_ALERTS + 1
    assert rows[""]["text"] == ("และอีก 4 รายการ", "and 4 more")
    assert alert_rows([]) == {}


def test_every_stage_has_a_word():
    stages = {s.value for s in Stage} - {"gone"}
    assert stages | {s.value for s in State} | {"unknown"} <= STATE_WORDS.keys()


@pytest.mark.parametrize("name", ["blind_refer", "consult_return", "queue_timeout", "withheld"])
async def test_every_moment_of_a_call_has_its_place(line: LineDesk, name: str):
    await line.agent("1001")
    async with watched(line):
        wall = line.context.wall
        played = line.play(name)
        while played.step():
            totals = shown(wall, "totals", "now")
            there = totals["waiting"] + totals["calls"] + totals["menu"]
            going = [
                one for one in line.pipeline.tracker.lives.values()
                if one.call.ended_at is None and one.call.outcome is None
            ]  # fmt: skip
            assert there == len(going)
        assert not wall._placed
        assert not wall._parts
        assert not wall._keys
