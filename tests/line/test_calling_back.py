"""Callers who kept their places are called back: officer first, in order, and each exactly once."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from crm_bridge.app import App
from crm_bridge.clock import SystemClock
from crm_bridge.config_selfservice import CallbackSection
from crm_bridge.desk import calling_back
from crm_bridge.desk.lost_calls import LostCall, State, lost_calls
from crm_bridge.records.database import Database
from ivr.calls.call import OUTBOUND
from ivr.lab.asterisk import Lab
from ivr.lab.root import Root
from ivr.lab.sipua import Identity
from ivr.lab.stage import Stage
from ivr.selfservice.port import CallBack, Place
from tests.line import test_selfservice as selfservice
from tests.line.test_callback import CONFIRM, OFFERED
from tests.support.called_back import Town, busy, places, silent, soon, stays
from tests.support.lab import own_lab
from tests.support.live import assert_sound, bridge, bridge_config, caught_up, on_disk, until
from tests.support.migrated import sqlite_url
from tests.support.selfservice import Ear, calls_in

pytestmark = pytest.mark.line

FIRST, SECOND, THIRD = "0811111111", "0822222222", "0833333333"


def e164(number: str) -> str:
    return "+66" + number[1:]


@pytest.fixture(scope="module")
def lab(lab_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    values = {"callback": True, "periodic_announce": 1, "announce_frequency": 0}
    with own_lab(lab_root, tmp_path_factory, callback_ring=2, **values) as lab:
        yield lab


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits minutes."""
    monkeypatch.setattr(calling_back, "SOON", 300_000)
    monkeypatch.setattr(calling_back, "ROUND", 0.2)


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    await sqlite_url(tmp_path / "hotline.db")
    return tmp_path / "hotline.db"


@asynccontextmanager
async def office(lab: Lab, file: Path, *, again: float = 1.0, tries: int = 2) -> AsyncIterator[App]:
    """A bridge that keeps places and calls back; at the end nothing odd has been seen."""
    callback = CallbackSection(tries=tries, again_minutes=again / 60)
    more = {"selfservice": selfservice.place(lab), "callback": callback}
    async with bridge(bridge_config(file, lab).model_copy(update=more)) as app:
        yield app
        await caught_up(app)
    assert_sound(app)


async def keeps(app: App, lab: Lab, *numbers: str) -> None:
    """These numbers keep places in the queue of complaints, in this order."""
    assert app.selfservice is not None
    for ago, number in zip(range(len(numbers), 0, -1), numbers, strict=True):
        joined = int(time.time()) - ago
        wish = CallBack(f"lab{lab.number}-{joined}.{ago}", e164(number), Place("complaint", joined))
        assert await app.selfservice.office.call_back(wish)


def stands(app: App) -> bool:
    """Whether a kept place is in a queue: the first officer who comes has that one."""
    assert app.floor is not None
    return any(
        live.call.direction == OUTBOUND and bool(live.call.passages)
        for _, live in app.floor.line.lives()
    )


async def listed(file: Path) -> dict[str, LostCall]:
    """The list of lost calls by the number to call, those that are settled too."""
    database = Database(f"sqlite:///{file}")
    try:
        async with database.reading() as connection:
            found = await lost_calls(connection, SystemClock(), settled=True)
    finally:
        await database.close()
    return {line.e164: line for line in found}


async def all_ended(file: Path) -> dict[str, tuple[str | None, list[str | None]]]:
    """Waits until no place is kept any more."""
    await until(
        f"every place ended: {places(file)}",
        lambda: all(reason is not None for reason, _ in places(file).values()),
    )
    return places(file)


async def test_a_caller_is_called_back_in_his_turn_and_it_is_on_his_record(
    lab: Lab, on_stage: Stage, file: Path
) -> None:
    """He asks in the queue; another who came later waits on; then the first officer comes."""
    town = await Town().at(on_stage)
    ear = Ear(on_stage)
    async with office(lab, file) as app:
        first = await calls_in(on_stage, ear, FIRST)
        await first.sees("UserEvent", Mark="menu", Value="main")
        await first.leg.press("1")
        await first.keys(OFFERED, "9")
        second = await on_stage.queued("complaint")
        await first.keys(CONFIRM, "1")
        await first.gone()
        await until("his place stands in the queue", lambda: stands(app))
        officer = await on_stage.officer(1001)
        leg = await officer.rung()
        assert leg.caller == FIRST
        assert app.screens is not None
        await until(
            "the caller on the officer's screen",
            lambda: [v.e164 for v in app.screens.board.desk("1001")] == [e164(FIRST)],  # type: ignore[union-attr]
        )
        assert not town.rang
        await leg.answer()
        await until("the caller was spoken to", lambda: town.spoke[FIRST])
        await leg.ended()
        served = await officer.rung()
        assert served.caller == on_stage.caller.number
        served.hang_up()
        second.hang_up()
        assert (await all_ended(file))[e164(FIRST)] == ("reached", ["reached"])
        await on_stage.quiet()
    calls = await on_disk(f"sqlite:///{file}")
    (back,) = [call for call in calls if call["direction"] == "outbound"]
    (lost,) = [c for c in calls if c["caller_number_presented"] == FIRST and c is not back]
    assert (back["outcome"], back["caller_number"]) == ("served", e164(FIRST))
    assert [part["agent"] for part in back["agents"]] == ["1001"]
    (passage,) = back["queue_passages"]
    assert (passage["queue"], passage["outcome"]) == ("complaint", "answered")
    assert [a["agent"] for a in passage["attempts"]] == ["1001"]
    assert back["agents"][0]["connected_at"] >= back["answered_at"] > passage["left_at"]
    assert [(p["queue"], p["outcome"]) for p in lost["queue_passages"]] == [("complaint", "left")]
    found = await listed(file)
    assert (found[e164(FIRST)].state, found[e164(FIRST)].settled_by) == (
        State.REACHED, back["call_id"],
    )  # fmt: skip
    assert found[e164(FIRST)].times == 1
    assert town.order == [FIRST]


async def test_who_is_busy_is_called_again_and_who_does_not_answer_is_named(
    lab: Lab, on_stage: Stage, file: Path
) -> None:
    town = await Town({FIRST: [busy, soon], SECOND: [silent], THIRD: [stays]}).at(on_stage)
    (await on_stage.officer(1001)).on_call = lambda leg: soon(leg, talks=4.0)
    async with office(lab, file, again=0.5) as app:
        await keeps(app, lab, FIRST, SECOND, THIRD)
        ended = await all_ended(file)
        await on_stage.quiet()
    assert ended == {
        e164(FIRST): ("reached", ["busy", "reached"]),
        e164(SECOND): ("no_answer", ["no_answer", "no_answer"]),
        e164(THIRD): ("reached", ["reached"]),
    }
    assert town.rang == {FIRST: 2, SECOND: 2, THIRD: 1}
    outcomes = sorted(call["outcome"] for call in await on_disk(f"sqlite:///{file}"))
    assert outcomes == ["failed", "failed", "failed", "served", "served"]


async def test_an_officer_who_hangs_up_first_costs_the_caller_nothing(
    lab: Lab, on_stage: Stage, file: Path
) -> None:
    town = await Town({FIRST: [silent, soon]}).at(on_stage)
    officer = await on_stage.officer(1001)
    async with office(lab, file) as app:
        await keeps(app, lab, FIRST)
        leg = await officer.rung()
        await leg.answer()
        await until("the caller's telephone rings", lambda: town.rang[FIRST])
        leg.hang_up()
        officer.on_call = soon
        assert await all_ended(file) == {e164(FIRST): ("reached", ["officer_left", "reached"])}
        await on_stage.quiet()


async def test_a_bridge_that_is_away_while_he_speaks_does_not_call_him_again(
    lab: Lab, on_stage: Stage, file: Path
) -> None:
    town = await Town({FIRST: [silent]}).at(on_stage)
    officer = await on_stage.officer(1001)
    config = bridge_config(file, lab).model_copy(
        update={"selfservice": selfservice.place(lab), "callback": CallbackSection()}
    )
    async with bridge(config) as app:
        await keeps(app, lab, FIRST)
        leg = await officer.rung()
        await leg.answer()
        await until("the caller's telephone rings", lambda: town.rang[FIRST])
    (rings,) = town.legs[FIRST]
    await rings.answer()
    await on_stage.bridged()
    leg.hang_up()
    await rings.ended()
    await on_stage.quiet()
    assert places(file) == {e164(FIRST): (None, [None])}
    async with office(lab, file):
        assert await all_ended(file) == {e164(FIRST): ("reached", ["reached"])}
    assert town.rang == {FIRST: 1}


async def test_a_restart_of_asterisk_keeps_the_place(lab: Lab, on_stage: Stage, file: Path) -> None:
    town = await Town().at(on_stage)
    officer = await on_stage.officer(1001)
    async with office(lab, file) as app:
        await keeps(app, lab, FIRST)
        await officer.rung()
        officer.on_call = soon  # before Asterisk is there again: its queue may ring him at once
        await on_stage.crash()
        ended = await all_ended(file)
        await on_stage.quiet()
    assert ended == {e164(FIRST): ("reached", ["unknown", "reached"])}
    assert town.rang == {FIRST: 1}


@asynccontextmanager
async def stands_still(file: Path, seconds: float = 5.0) -> AsyncIterator[None]:
    """A database in which nothing can be written for so long; what happens meanwhile is within."""
    held = sqlite3.connect(file, isolation_level=None)
    held.execute("BEGIN IMMEDIATE")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(seconds))
            yield
    finally:
        held.close()


async def test_a_database_that_stands_still_while_he_is_called_calls_nobody_twice(
    lab: Lab, on_stage: Stage, file: Path
) -> None:
    """Five seconds when the first try has just failed, and five while he answers the second."""
    town = await Town({FIRST: [busy, soon]}).at(on_stage)
    (await on_stage.officer(1001)).on_call = lambda leg: soon(leg, talks=4.0)
    async with office(lab, file, again=0.3, tries=3) as app:
        await keeps(app, lab, FIRST)
        await until("he is rung", lambda: town.rang[FIRST] == 1)
        async with stands_still(file):
            assert places(file) == {e164(FIRST): (None, [None])}
        assert town.rang[FIRST] == 1
        await until("he is rung again", lambda: town.rang[FIRST] == 2)
        async with stands_still(file):
            await until("he was spoken to", lambda: town.spoke[FIRST])
            assert places(file) == {e164(FIRST): (None, ["busy", None])}
        assert await all_ended(file) == {e164(FIRST): ("reached", ["busy", "reached"])}
        await on_stage.quiet()
    assert town.rang == {FIRST: 2}
    assert town.spoke == {FIRST: 1}


async def test_who_was_served_otherwise_is_not_called(
    lab: Lab, on_stage: Stage, file: Path
) -> None:
    """He calls again himself, is before those who came later no more, and is served."""
    town = await Town().at(on_stage)
    async with office(lab, file, again=0.2) as app:
        await keeps(app, lab, FIRST)
        caller = await on_stage.queued("complaint", Identity(FIRST))
        officer = await on_stage.officer(1001)
        officer.on_call = stays
        await until("he is in conversation", lambda: app.floor.line.parts("1001"))  # type: ignore[union-attr]
        caller.hang_up()
        ended = await all_ended(file)
        await on_stage.quiet()
    assert ended[e164(FIRST)][0] == "spoken"
    assert not town.rang
