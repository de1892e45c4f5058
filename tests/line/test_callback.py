"""Callers who wait in a queue and keep their place: what they heard, and what the record has."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from crm_bridge.app import App
from crm_bridge.clock import micros
from crm_bridge.config_selfservice import CallbackSection
from crm_bridge.desk.calling_back import CallingBack
from ivr.lab.asterisk import Lab
from ivr.lab.root import Root
from ivr.lab.stage import Stage
from ivr.selfservice import place, saying, session
from ivr.selfservice.session import Session
from tests.line import test_selfservice as selfservice
from tests.line.test_selfservice import nobody, silent
from tests.support.lab import own_lab
from tests.support.live import assert_sound, bridge, bridge_config, caught_up, on_disk, until
from tests.support.migrated import sqlite_url
from tests.support.selfservice import Caller, Ear, calls_in, stands_in

pytestmark = pytest.mark.line

CONFIRM, ENTER = "hotline/callback-confirm", "hotline/callback-enter"
MOMENT, KEPT = "hotline/callback-moment", "hotline/callback-place-kept"
ALREADY, NOT_TAKEN = "hotline/callback-already", "hotline/callback-not-taken"
OFFERED, MANY, AGAIN = "hotline/queue-wait-key", "hotline/queue-long", "hotline/queue-again"
GOODBYE = "hotline/goodbye"
FROM = 4
PATIENCE = 8.0
"""Seconds the bridge may take between two commands, on a machine that does much else; how short
they are where it dies is another test's."""


@pytest.fixture(scope="module")
def lab(lab_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    values = {"callback": True, "callback_from": FROM, "periodic_announce": 1}
    with own_lab(lab_root, tmp_path_factory, **values, announce_frequency=0) as lab:
        yield lab


@pytest.fixture
async def ear(lab: Lab, on_stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Ear:
    """Nobody is called back yet: test_calling_back.py has that."""

    async def waits(_self: CallingBack) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(CallingBack, "run", waits)
    await on_stage.carrier()
    await on_stage.witness.act("Setvar", Variable="HOTLINE_SELF_REST", Value="0")
    return Ear(on_stage)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST", "BETWEEN"):
        monkeypatch.setattr(session, name, PATIENCE)


@asynccontextmanager
async def office(lab: Lab, url: str, **callback: float) -> AsyncIterator[App]:
    """A bridge that keeps places; at the end nothing odd has been seen."""
    config = bridge_config(Path(url.removeprefix("sqlite:///")), lab)
    more = {"selfservice": selfservice.place(lab), "callback": CallbackSection(**callback)}
    async with bridge(config.model_copy(update=more)) as app:
        service = app.selfservice
        assert service is not None
        yield app
        await caught_up(app)
        await until("no session is left", lambda: not len(service.server))
    assert_sound(app)


async def waits(stage: Stage, ear: Ear, number: str, *, withheld: bool = False) -> Caller:
    """A caller in the queue of complaints."""
    caller = await calls_in(stage, ear, number, withheld=withheld)
    await caller.sees("UserEvent", Mark="menu", Value="main")
    await caller.leg.press("1")
    await caller.sees("QueueCallerJoin", Queue="complaint")
    return caller


async def asks(stage: Stage, ear: Ear, number: str, *, withheld: bool = False) -> Caller:
    """A caller who has waited until he was told of the key, and has pressed it."""
    caller = await waits(stage, ear, number, withheld=withheld)
    await caller.keys(OFFERED, "9")
    return caller


def after_the_offer(caller: Caller) -> list[str]:
    """What he heard since he was told of the key."""
    heard = caller.sounds
    return heard[heard.index(OFFERED) + 1 :]


def confirming(number: str) -> list[str]:
    return ["hotline/callback-number", *saying.digits(number), CONFIRM]


async def ends(caller: Caller) -> list[str]:
    """Hangs up; what he heard since the offer."""
    heard = after_the_offer(caller)
    caller.leg.hang_up()
    await caller.gone()
    return heard


async def test_a_caller_in_a_queue_leaves_his_number_and_keeps_his_place(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path, patient: None
) -> None:
    url = await sqlite_url(tmp_path / "hotline.db")

    async def with_the_own_number() -> list[str]:
        caller = await asks(on_stage, ear, "0812345678")
        await caller.keys(CONFIRM, "1")
        await caller.gone()
        assert caller.outcomes() == ["callback:asked"]
        return after_the_offer(caller)

    async def withheld() -> list[str]:
        caller = await asks(on_stage, ear, "0800000000", withheld=True)
        await caller.keys(ENTER, "1900111222#")
        await caller.keys(ENTER, "0845678901#", 2)
        await caller.keys(CONFIRM, "1")
        await caller.gone()
        return after_the_offer(caller)

    async with office(lab, url):
        own, hidden = await asyncio.gather(with_the_own_number(), withheld())
        again = await asks(on_stage, ear, "0856789012")
        await again.keys(CONFIRM, "2")
        await again.keys(ENTER, "0812345678#")
        await again.keys(CONFIRM, "1", 2)
        await again.gone()
        assert again.outcomes() == ["callback:already"]
        assert after_the_offer(again)[-3:] == [MOMENT, ALREADY, GOODBYE]
        await on_stage.quiet()

    assert own == [*confirming("0812345678"), MOMENT, KEPT, GOODBYE]
    keyed = ["hotline/status-you-keyed", *saying.digits("1900111222")]
    assert hidden == [
        ENTER, *keyed, "hotline/callback-not-thai", ENTER, *confirming("0845678901"), MOMENT,
        KEPT, GOODBYE,
    ]  # fmt: skip

    with sqlite3.connect(tmp_path / "hotline.db") as raw:
        kept = dict(raw.execute("SELECT number, queue FROM call_back_wishes"))
        places = raw.execute("SELECT call_id, place_us FROM call_back_wishes").fetchall()
        values = {value for (value,) in raw.execute("SELECT value FROM marks")}
    assert kept == dict.fromkeys(("+66812345678", "+66845678901"), "complaint")
    calls = {call["call_id"]: call for call in await on_disk(url)}
    for call_id, place_us in places:
        joined = at_second(calls[call_id]["queue_passages"][0]["joined_at"])
        assert joined - 1 <= place_us // 1_000_000 <= joined
        assert [p["outcome"] for p in calls[call_id]["queue_passages"]] == ["left"]
    assert not {value for value in values if "845678901" in value}


async def test_who_hangs_up_at_any_point_has_asked_or_has_not(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path, patient: None
) -> None:
    """All in the queue side by side; each hangs up when the last sound of its script is heard."""
    url = await sqlite_url(tmp_path / "hotline.db")
    readout, other = "hotline/callback-number", "0845678902"

    async def one(number: str, *script: tuple[str, str]) -> tuple[list[str], list[str]]:
        caller = await waits(on_stage, ear, number)
        for step, (sound, keys) in enumerate(script, 1):
            await caller.keys(sound, keys, [s for s, _ in script[:step]].count(sound))
        heard = after_the_offer(caller)
        caller.leg.hang_up()
        await caller.gone()
        return heard, caller.outcomes()

    numbers = [f"087890124{n}" for n in range(10)]
    nine, no, yes = (OFFERED, "9"), (CONFIRM, "2"), (CONFIRM, "1")
    async with office(lab, url):
        found = await asyncio.gather(
            one(numbers[0], (OFFERED, "")),
            one(numbers[1], nine, (readout, "")),
            one(numbers[2], nine, (CONFIRM, "")),
            one(numbers[3], nine, no, (ENTER, "")),
            one(numbers[4], nine, no, (ENTER, "08")),
            one(numbers[5], nine, no, (ENTER, other + "#"), (CONFIRM, "")),
            one(numbers[6], nine, yes, (MOMENT, "")),
            one(numbers[7], nine, yes, (KEPT, "")),
            one(numbers[8], nine, yes, (GOODBYE, "")),
            one(numbers[9], nine, (CONFIRM, "5"), ("hotline/wrong-key", "")),
        )
        await on_stage.quiet()
    wanted = [
        ([], []),
        ([readout], ["callback:left"]),
        (confirming(numbers[2]), ["callback:left"]),
        ([*confirming(numbers[3]), ENTER], ["callback:left"]),
        ([*confirming(numbers[4]), ENTER], ["callback:left"]),
        ([*confirming(numbers[5]), ENTER, *confirming(other)], ["callback:left"]),
        ([*confirming(numbers[6]), MOMENT], ["callback:asked"]),
        ([*confirming(numbers[7]), MOMENT, KEPT], ["callback:asked"]),
        ([*confirming(numbers[8]), MOMENT, KEPT, GOODBYE], ["callback:asked"]),
        ([*confirming(numbers[9]), "hotline/wrong-key"], ["callback:left"]),
    ]
    for (heard, outcomes), (sounds, marked) in zip(found, wanted, strict=True):
        assert (heard[: len(sounds)], outcomes) == (sounds, marked)
        assert len(heard) <= len(sounds) + 2  # what had begun when he hung up
    kept = {"+66" + one[1:] for one in numbers[6:9]}
    with sqlite3.connect(tmp_path / "hotline.db") as raw:
        assert {n for (n,) in raw.execute("SELECT number FROM call_back_wishes")} == kept
    calls = await on_disk(url)
    assert {call["ended_by"] for call in calls} == {"caller"}
    for call in calls:  # who has pressed the key is in the queue no more
        waits_on = call["caller_number_presented"] == numbers[0]
        assert call["outcome"] in {"abandoned_queue" if waits_on else "abandoned_menu", "short"}
    assert [p["outcome"] for call in calls for p in call["queue_passages"]].count("left") == 9


def at_second(text: str) -> int:
    return micros(text) // 1_000_000


async def test_who_comes_back_to_the_queue_stands_where_he_stood(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path, patient: None
) -> None:
    """He left it first, others came, and he is before them again; many wait: told at the door."""
    url = await sqlite_url(tmp_path / "hotline.db")
    async with office(lab, url):
        first = await waits(on_stage, ear, "0811111111")
        joined = int(time.time())  # a place is a second: of one second the first goes first
        await until("another second", lambda: time.time() > joined + 1.5)
        second = await waits(on_stage, ear, "0822222222")
        await first.keys(OFFERED, "9")
        await first.hears(CONFIRM)
        third = await waits(on_stage, ear, "0833333333")
        for tries in (1, 2, 3):
            await first.keys(CONFIRM, "5", tries)
        back = await on_stage.witness.seen(
            "the first caller in the queue again",
            lambda e: e.get("Event") == "QueueCallerJoin" and e.get("Uniqueid") == first.uniqueid,
            since=first.since,
            times=2,
        )
        assert (back["Position"], back["Count"]) == ("1", "3")
        said = confirming("0811111111")
        faulty = ["hotline/wrong-key", *said]
        heard = after_the_offer(first)
        heard = heard[heard.index(said[0]) : heard.index(AGAIN) + 1]
        assert heard == [*said, *faulty, *faulty, NOT_TAKEN, AGAIN]
        fourth = await waits(on_stage, ear, "0844444444")
        assert MANY not in fourth.sounds
        fifth = await calls_in(on_stage, ear, "0855555555")
        await fifth.sees("UserEvent", Mark="menu", Value="main")
        await fifth.leg.press("1")
        await fifth.keys(MANY, "9")
        await fifth.keys(CONFIRM, "1")
        await fifth.gone()
        assert fifth.outcomes() == ["callback:asked"]
        for caller in (first, second, third, fourth):
            caller.leg.hang_up()
            await caller.gone()
        await on_stage.quiet()


@asynccontextmanager
async def dies_half_way(lab: Lab) -> AsyncIterator[None]:
    """Reads out the number, and then says no more."""

    async def session(line: Any) -> None:
        caller = Session(line)
        await caller.begin()
        await caller.play(["hotline/callback-number"])
        await asyncio.sleep(30)

    async with stands_in(lab, place.NAME, session):
        yield


@pytest.mark.parametrize(
    ("bridge_there", "seconds"),
    [(nobody, 1.5), (silent, 2.5), (dies_half_way, 2.9)],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
async def test_a_bridge_that_does_not_answer_costs_no_place(
    lab: Lab, on_stage: Stage, ear: Ear, bridge_there: Any, seconds: float
) -> None:
    """Two seconds of silence at the most, and the one prompt on top."""
    async with bridge_there(lab):
        caller = await asks(on_stage, ear, "0812345678")
        began = await caller.sees("UserEvent", Mark="self_begin", Value="callback")
        await caller.sees("UserEvent", Mark="self_end", Value="callback:failed")
        went = await on_stage.witness.seen(
            "the caller in the queue again",
            lambda e: e.get("Event") == "QueueCallerJoin" and e.get("Uniqueid") == caller.uniqueid,
            since=caller.since,
            times=2,
        )
        assert float(went["Timestamp"]) - float(began["Timestamp"]) < seconds
        assert AGAIN in await ends(caller)


async def test_a_database_that_stands_still_costs_no_place(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path, patient: None
) -> None:
    url = await sqlite_url(tmp_path / "hotline.db")
    async with office(lab, url):
        locked = sqlite3.connect(
            tmp_path / "hotline.db", isolation_level=None, check_same_thread=False
        )
        # the bridge, in this same loop, may be writing just now
        await asyncio.to_thread(locked.execute, "BEGIN IMMEDIATE")
        try:
            caller = await asks(on_stage, ear, "0812345678")
            await caller.keys(CONFIRM, "1")
            await caller.hears(AGAIN)
            assert caller.outcomes() == ["callback:failed"]
            heard = await ends(caller)
        finally:
            locked.execute("ROLLBACK")
            locked.close()
        await on_stage.quiet()
    assert heard[:-1] == [*confirming("0812345678"), MOMENT] or heard[-1] == AGAIN
    with sqlite3.connect(tmp_path / "hotline.db") as raw:
        assert raw.execute("SELECT count(*) FROM call_back_wishes").fetchone() == (0,)
