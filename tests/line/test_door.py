"""Callers at a queue's door on a real line: what they are told, and what becomes of them if not."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.app import App
from crm_bridge.clock import SystemClock
from crm_bridge.desk import caller_rules
from crm_bridge.desk.caller_rules import Kind, Treatment, Wanted
from crm_bridge.selfservice.door import Door
from crm_bridge.selfservice.queue_figures import QueueFigures
from ivr.lab.asterisk import Lab
from ivr.lab.root import Root
from ivr.lab.stage import Stage
from ivr.selfservice import door, saying
from ivr.selfservice.session import Session
from tests.line.test_selfservice import (
    black_hole,
    bridge_of,
    nobody,
    nonsense,
    silent,
)
from tests.support.floor import agent_account
from tests.support.lab import own_lab
from tests.support.live import caught_up, on_disk, until
from tests.support.migrated import sqlite_url
from tests.support.selfservice import Caller, Ear, calls_in, stands_in

pytestmark = pytest.mark.line

NOBODY = "hotline/wait-nobody"
DAY = 24 * 3_600_000_000


@pytest.fixture(scope="module")
def lab(lab_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with own_lab(lab_root, tmp_path_factory) as place:
        yield place


@pytest.fixture
async def ear(on_stage: Stage) -> AsyncIterator[Ear]:
    """Asterisk asks the bridge at every queue."""
    await on_stage.carrier()
    for name, value in (("DOOR", "1"), ("HOTLINE_SELF_REST", "0")):
        await on_stage.witness.act("Setvar", Variable=name, Value=value)
    yield Ear(on_stage)
    for name in ("DOOR", "HOTLINE_SELF_REST"):
        await on_stage.witness.act("Setvar", Variable=name, Value="0")


async def asks(
    place: Stage, ear: Ear, number: str, key: str = "1", *, english: bool = False
) -> Caller:
    """A caller who asks for a service by its key; what he hears counts from then on."""
    caller = await calls_in(place, ear, number)
    await caller.sees("UserEvent", Mark="menu", Value="main")
    if english:
        await caller.leg.press("9")
        await caller.sees("UserEvent", Mark="language", Value="en")
    await caller.leg.press(key)
    await caller.sees("UserEvent", Mark="key", Value=f"main:{key}")
    return caller


async def in_queue(caller: Caller, queue: str = "complaint") -> list[str]:
    """What he heard from his key until he stood in the queue."""
    await caller.sees("QueueCallerJoin", Queue=queue)
    return [sound for sound in caller.sounds if not sound.startswith("hotline/queue-")]


async def goes(caller: Caller) -> None:
    caller.leg.hang_up()
    await caller.gone()


def figures(app: App, talking: float) -> None:
    """As if the last callers had taken so long; the bridge's own reading would find none."""
    assert app.selfservice is not None
    assert app.selfservice.door is not None
    now = SystemClock().now_us()
    app.selfservice.door.figures = QueueFigures(now, {"complaint": talking}, talking)


def spoken(file: Path) -> int:
    """Officers' parts of calls on disk."""
    with sqlite3.connect(file) as raw:
        return int(raw.execute("SELECT count(*) FROM agent_parts").fetchone()[0])


def marks(file: Path, *names: str) -> dict[str, list[tuple[str, str]]]:
    """Marks on disk by the caller's number."""
    with sqlite3.connect(file) as raw:
        rows = raw.execute(
            "SELECT caller_presented, name, value FROM marks JOIN calls USING (call_id)"
            f" WHERE name IN ({','.join('?' * len(names))}) ORDER BY call_id, marks.ordinal",
            names,
        ).fetchall()
    found: dict[str, list[tuple[str, str]]] = {}
    for number, name, value in rows:
        found.setdefault(number, []).append((name, value))
    return found


async def test_rules_put_callers_first_last_or_turn_them_away(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path
) -> None:
    url = await sqlite_url(tmp_path / "hotline.db")
    async with bridge_of(lab, url) as app:
        assert app.selfservice is not None
        assert app.selfservice.door is not None
        clock = SystemClock()
        async with app.database.writing() as connection:
            boss = await accounts.create(
                connection, clock, login="boss", role=Role.SUPERVISOR, name_th="ก", name_en="Boss"
            )
            ids = {}
            for number, kind, treatment in (
                ("0810000002", Kind.NUISANCE, Treatment.REFUSE),
                ("0810000003", Kind.NUISANCE, Treatment.LAST),
                ("0810000005", Kind.VULNERABLE, Treatment.FIRST),
            ):
                wanted = Wanted(kind, treatment, "ทดสอบ", clock.now_us() + DAY, number)
                rule = await caller_rules.make(connection, clock, boss, wanted)
                ids[number] = f"{kind.value}:{rule.id}"
        await app.selfservice.door.read()

        refused = await asks(on_stage, ear, "0810000002")
        await refused.gone()
        assert refused.sounds == ["hotline/not-taken", "hotline/goodbye"]
        last = await asks(on_stage, ear, "0810000003")
        assert await in_queue(last) == [NOBODY]  # no telephone is there yet
        plain = await asks(on_stage, ear, "0810000004")
        await in_queue(plain)
        first = await asks(on_stage, ear, "0810000005")
        await in_queue(first)
        # whoever came last of the three stands first
        officer = await on_stage.officer(1001)
        for caller in (first, plain, last):
            leg = await officer.rung()
            await leg.answer()
            await caller.sees("UserEvent", Mark="greeting_end")
            await goes(caller)
        await on_stage.quiet()
    assert marks(tmp_path / "hotline.db", "priority", "refused") == {
        "0810000002": [("refused", ids["0810000002"])],
        "0810000003": [("priority", f"-1:{ids['0810000003']}")],
        "0810000005": [("priority", f"10:{ids['0810000005']}")],
    }
    outcomes = {c["caller_number_presented"]: c["outcome"] for c in await on_disk(url)}
    assert outcomes["0810000002"] == "abandoned_menu"
    assert {outcomes[n] for n in ("0810000003", "0810000004", "0810000005")} == {"served"}


async def test_callers_are_told_how_long_they_wait(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await sqlite_url(tmp_path / "hotline.db")

    async def unread(self: Door, *, figures: bool) -> None:
        await asyncio.Event().wait()  # the database stands still; callers do not notice

    monkeypatch.setattr(Door, "read", unread)
    async with bridge_of(lab, url) as app:
        officer = await on_stage.officer(1001)
        floor = app.floor
        assert floor is not None
        await until("1001 is free", lambda: floor.line.presence("1001").value == "free")
        served = await asks(on_stage, ear, "0810000002")
        leg = await officer.rung()
        await leg.answer()
        await served.sees("UserEvent", Mark="greeting_end")
        assert not [sound for sound in served.sounds if "wait-" in sound]
        await until("1001 is busy", lambda: floor.line.presence("1001").value == "in_use")

        unknown = await asks(on_stage, ear, "0810000003")
        assert await in_queue(unknown) == ["hotline/wait-unknown"]
        await goes(unknown)
        figures(app, 45.0)
        second = await asks(on_stage, ear, "0810000004")
        under = ["hotline/wait-under", *saying.number(1, "th"), "hotline/wait-minute"]
        assert await in_queue(second) == under
        figures(app, 900.0)
        third = await asks(on_stage, ear, "0810000005", english=True)
        over = ["hotline/wait-over", *saying.number(10, "en"), "hotline/wait-minutes"]
        assert await in_queue(third) == over
        assert "en" in third.languages
        early = await asks(on_stage, ear, "0810000006")
        await early.hears("hotline/wait-over")
        await goes(early)
        for caller in (second, third):
            await goes(caller)
        served.leg.hang_up()
        await served.gone()
        await on_stage.quiet()
    assert marks(tmp_path / "hotline.db", "wait", "door") == {
        "0810000002": [("wait", "now")],
        "0810000003": [("wait", "unknown")], "0810000004": [("wait", "0-1")],
        "0810000005": [("wait", "10-")], "0810000006": [("wait", "10-")],
    }  # fmt: skip


async def test_who_knows_the_caller_is_rung_first_and_then_the_queue(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await sqlite_url(tmp_path / "hotline.db")
    again, number = [], "0820000001"
    phones = {name: await on_stage.officer(name) for name in ("1001", "1002")}
    async with bridge_of(lab, url) as app:
        assert app.floor is not None
        assert app.screens is not None
        assert app.selfservice is not None
        agents, line, door = app.floor.agents, app.floor.line, app.selfservice.door
        assert door is not None
        monkeypatch.setattr(door, "_known_seconds", 2)
        people = {name: await agent_account(app.database, f"agent{name}") for name in phones}
        for name, account in people.items():
            await until(f"{name} is free", lambda n=name: line.presence(n).value == "free")
            await agents.sign_in(account, name)

        async def ready(name: str) -> None:
            await until(f"{name} writes", lambda: agents.seat(name).in_call is None)
            await agents.ready(people[name].id)
            await until(
                f"{name} is free",
                lambda: (
                    line.presence(name).value == "free"
                    and not any(m.paused for m in line.members(name))
                ),
            )

        async def known(caller: Caller) -> None:
            """The caller's card is there before he chooses."""
            node = line.nodes[0]
            board = app.screens.board  # type: ignore[union-attr]

            def there() -> bool:
                live = node.tracker.of_caller(caller.uniqueid)
                return live is not None and board.card_of(live.call.call_id) is not None

            await until("the card", there)

        async def calls_again() -> Caller:
            caller = await calls_in(on_stage, ear, number)
            await caller.sees("UserEvent", Mark="menu", Value="main")
            await known(caller)
            await caller.leg.press("1")
            again.append(caller)
            return caller

        # the queue chooses: whoever answers knows him from now on
        first = await calls_again()
        called = await first.sees("AgentCalled")
        name = called["MemberName"]
        other = "1002" if name == "1001" else "1001"
        leg = await phones[name].rung()
        await leg.answer()
        await first.sees("UserEvent", Mark="greeting_end")
        await goes(first)
        await caught_up(app)
        await until("the call is on disk", lambda: spoken(tmp_path / "hotline.db") == 1)
        await ready(name)

        await on_stage.witness.act("Setvar", Variable="SURVEY_complaint", Value="100")
        second = await calls_again()
        leg = await phones[name].rung()
        offered = await second.sees("UserEvent", Mark="known")
        assert offered["Value"] == f"{name}:complaint:call"
        await leg.answer()
        await second.sees("UserEvent", Mark="greeting_end")
        await until("in conversation", lambda: line.parts(name))
        assert "hotline/greeting" in second.sounds
        assert not [e for e in on_stage.witness.events[second.since :]
                    if e.get("Event") == "QueueCallerJoin"]  # fmt: skip
        leg.hang_up()  # the caller stays, and is asked how it was as from the queue
        await second.hears("hotline/survey-rating")
        await on_stage.witness.act("Setvar", Variable="SURVEY_complaint", Value="0")
        await goes(second)
        await caught_up(app)
        await ready(name)

        third = await calls_again()  # who knows him does not answer
        await phones[name].rung()
        over = await third.sees("UserEvent", Mark="known_over")
        assert over["Value"] == f"{name}:NOANSWER"
        await third.sees("QueueCallerJoin", Queue="complaint")
        await agents.pause(people[name].id, "personal")
        leg = await phones[other].rung()
        await leg.answer()
        await third.sees("UserEvent", Mark="greeting_end")
        await goes(third)
        await caught_up(app)
        await until("that is on disk", lambda: spoken(tmp_path / "hotline.db") == 3)
        await ready(other)

        fourth = await calls_again()  # who knew him is at lunch; the other one knows him by now
        leg = await phones[other].rung()
        assert (await fourth.sees("UserEvent", Mark="known"))["Value"].startswith(f"{other}:")
        await goes(fourth)  # he gives up while it rings
        await caught_up(app)
        await on_stage.quiet()

    calls = [c for c in await on_disk(url) if c["caller_number_presented"] == number]
    story = [
        (c["outcome"], [(p["queue"], p["outcome"], [(a["agent"], a["outcome"])
                         for a in p["attempts"]]) for p in c["queue_passages"]])
        for c in sorted(calls, key=lambda c: c["entered_at"])
    ]  # fmt: skip
    assert story[0][0] == story[1][0] == story[2][0] == "served"
    assert story[1][1] == [("complaint", "answered", [(name, "answered")])]
    [(queue, outcome, rung)] = story[2][1]
    assert (queue, outcome, rung[0], rung[-1]) == (
        "complaint", "answered", (name, "no_answer"), (other, "answered"),
    )  # fmt: skip
    with sqlite3.connect(tmp_path / "hotline.db") as raw:
        greets = raw.execute(
            "SELECT state, elapsed_us FROM step_timings JOIN calls USING (call_id)"
            " WHERE step = 'greet' AND outcome = 'served' ORDER BY entered_us"
        ).fetchall()
    assert [state for state, _ in greets] == ["within"] * 3
    assert all(elapsed > 0 for _, elapsed in greets)
    assert story[3][0] in {"short", "abandoned_queue"}
    assert story[3][1] == [("complaint", "abandoned", [(other, "cancelled")])]


BLACK_HOLE = 2.1
"""Two seconds are the constant of Asterisk's FastAGI, the rest is the dialplan's way."""


@asynccontextmanager
async def half_way(lab: Lab) -> AsyncIterator[None]:
    """Says all but its last word, and then no more."""

    async def session(line: Any) -> None:
        caller = Session(line)
        await caller.begin(speaks=False)
        await caller.set(door.SAY, NOBODY)
        await asyncio.sleep(30)

    async with stands_in(lab, door.NAME, session):
        yield


@pytest.mark.parametrize(
    ("bridge_there", "seconds", "how"),
    [
        (nobody, 0.5, "silent"), (nonsense, 0.5, "silent"), (silent, 1.5, "silent"),
        (black_hole, BLACK_HOLE, "silent"), (half_way, 1.5, "failed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
async def test_a_caller_stands_in_the_queue_where_the_bridge_does_not_answer(
    lab: Lab, on_stage: Stage, ear: Ear, bridge_there: Any, seconds: float, how: str
) -> None:
    """One second (into a black hole two), with nothing said, and a marker; by Asterisk's clock."""
    async with bridge_there(lab):
        caller = await asks(on_stage, ear, "0812345678")
        asked = await caller.sees("UserEvent", Mark="service")
        assert await in_queue(caller) == []
        told = await caller.sees("UserEvent", Mark="door")
        joined = await caller.sees("QueueCallerJoin", Queue="complaint")
        assert told["Value"] == how
        took = float(joined["Timestamp"]) - float(asked["Timestamp"])
        print(f"{bridge_there.__name__}: {took:.3f} s")
        assert took < seconds
        await goes(caller)
