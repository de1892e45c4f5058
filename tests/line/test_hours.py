"""Callers out of office hours: what each of them heard, what he left, and where he went."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from crm_bridge.app import App
from crm_bridge.clock import SystemClock
from crm_bridge.config_hours import HoursSection
from crm_bridge.desk.lost_calls import LostCall, lost_calls
from crm_bridge.records.database import Database
from ivr.lab.asterisk import Lab
from ivr.lab.root import Root
from ivr.lab.stage import Stage
from ivr.selfservice import closed, saying, wish
from ivr.selfservice.session import Session
from tests.line.test_selfservice import (
    black_hole,
    nobody,
    nonsense,
    place,
    silent,
)
from tests.support.desk_clock import at
from tests.support.lab import own_lab
from tests.support.live import assert_sound, bridge, bridge_config, caught_up, on_disk, until
from tests.support.migrated import sqlite_url
from tests.support.selfservice import Caller, Ear, calls_in, stands_in

pytestmark = pytest.mark.line
T = TypeVar("T")

FULL = ["08:30-12:00", "13:00-16:30"]
HOURS = HoursSection(monday=FULL, tuesday=FULL, wednesday=FULL, thursday=FULL, friday=FULL)
EVENING, LUNCH, MORNING = "2026-11-26T18:00", "2026-11-26T12:10", "2026-11-26T09:00"
NOTICE = "hotline/recording-notice"
OFFER = [
    "hotline/closed-call-back", "hotline/menu-status", "hotline/menu-market",
    "hotline/menu-repeat",
]  # fmt: skip
LAST = OFFER[-1]
CONFIRM, ENTER = "hotline/callback-confirm", "hotline/callback-enter"
MOMENT, TAKEN = "hotline/callback-moment", "hotline/callback-taken"
TO_OFFICER, GOODBYE = "hotline/to-officer", "hotline/goodbye"


class WallClock(SystemClock):
    """Says another time of day than it is; whatever waits by it waits as long."""

    def __init__(self, text: str) -> None:
        self._ahead = at(text) - SystemClock().now_us()

    def now_us(self) -> int:
        return super().now_us() + self._ahead


@pytest.fixture(scope="module")
def lab(lab_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with own_lab(lab_root, tmp_path_factory) as place:
        yield place


@pytest.fixture
async def ear(lab: Lab, on_stage: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ear]:
    """Asterisk asks the bridge before the menu; nobody waits long for a key."""
    monkeypatch.setattr(wish, "KEY_WAIT", 1.5)
    monkeypatch.setattr(closed, "OFFER_WAIT", 1.5)
    await on_stage.carrier()
    for name, value in (("HOURS", "1"), ("HOTLINE_SELF_REST", "0")):
        await on_stage.witness.act("Setvar", Variable=name, Value=value)
    yield Ear(on_stage)
    for name, value in (("HOURS", "0"), ("HOTLINE_SELF_REST", "0")):
        await on_stage.witness.act("Setvar", Variable=name, Value=value)


@asynccontextmanager
async def office(lab: Lab, url: str, moment: str) -> AsyncIterator[App]:
    """A bridge at whose office it is that time; at the end nothing odd has been seen."""
    config = bridge_config(Path(url.removeprefix("sqlite:///")), lab)
    config = config.model_copy(update={"selfservice": place(lab), "hours": HOURS})
    async with bridge(config, WallClock(moment)) as app:
        service = app.selfservice
        assert service is not None
        await until("the calendar is read", lambda: service.office.known)
        yield app
        await caught_up(app)
        await until("no session is left", lambda: not len(service.server))
    assert_sound(app)


async def arrives(stage: Stage, ear: Ear, number: str, *, withheld: bool = False) -> Caller:
    return await calls_in(stage, ear, number, withheld=withheld, after=NOTICE)


async def at_most_three(*callers: Coroutine[Any, Any, T]) -> list[T]:
    """All of them, three at a time: no caller waits a second for a machine that is busy."""
    door = asyncio.Semaphore(3)

    async def one(caller: Coroutine[Any, Any, T]) -> T:
        async with door:
            return await caller

    return await asyncio.gather(*map(one, callers))


async def ends(caller: Caller) -> list[str]:
    """Hangs up; all he heard."""
    heard = caller.sounds
    caller.leg.hang_up()
    await caller.gone()
    return heard


def announced(language: str = "th") -> list[str]:
    """What is said in the evening before a working day."""
    return [
        "hotline/menu-language", "hotline/closed-after", "hotline/closed-opens",
        "hotline/closed-tomorrow", "hotline/closed-at", *saying.clock(8, 30, language),
    ]  # fmt: skip


def confirming(number: str) -> list[str]:
    return ["hotline/callback-number", *saying.digits(number), CONFIRM]


async def waiting(url: str, moment: str) -> dict[str, LostCall]:
    """Who is to be called back, by the number to call; the calls' own times are the real ones."""
    database = Database(url)
    try:
        async with database.reading() as connection:
            found = await lost_calls(connection, WallClock(moment), days=36_500)
    finally:
        await database.close()
    return {line.e164: line for line in found}


async def test_callers_out_of_hours_hear_when_it_opens_and_leave_a_wish(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path
) -> None:
    url = await sqlite_url(tmp_path / "hotline.db")

    async def with_the_own_number() -> list[str]:
        caller = await arrives(on_stage, ear, "0812345678")
        await caller.keys(LAST, "1")
        await caller.keys(CONFIRM, "1")
        await caller.hears(GOODBYE)
        await caller.gone()
        assert caller.outcomes() == ["callback:asked"]
        return caller.sounds

    async def with_another_in_english() -> list[str]:
        caller = await arrives(on_stage, ear, "0823456789")
        await caller.keys(LAST, "9")
        await caller.keys(LAST, "1", 2)
        await caller.keys(CONFIRM, "2")
        await caller.keys(ENTER, "025074444#")
        await caller.keys(CONFIRM, "1", 2)
        await caller.hears(GOODBYE)
        await caller.gone()
        assert caller.languages == {"en"}
        return caller.sounds

    async def withheld() -> list[str]:
        caller = await arrives(on_stage, ear, "0800000000", withheld=True)
        await caller.keys(LAST, "1")
        await caller.keys(ENTER, "1900111222#")
        await caller.keys(ENTER, "0845678901#", 2)
        await caller.keys(CONFIRM, "1")
        await caller.hears(GOODBYE)
        await caller.gone()
        return caller.sounds

    async def from_abroad() -> list[str]:
        caller = await arrives(on_stage, ear, "+14155550123")
        await caller.keys(LAST, "1")
        for tries in (1, 2, 3):
            await caller.keys(ENTER, "123#", tries)
        await caller.hears(GOODBYE)
        await caller.gone()
        assert caller.outcomes() == ["callback:left"]
        return caller.sounds

    async def no_key() -> list[str]:
        caller = await arrives(on_stage, ear, "0856789012")
        await caller.gone()
        return caller.sounds

    async def wrong_keys() -> list[str]:
        caller = await arrives(on_stage, ear, "0867890123")
        for tries, key in enumerate("703", 1):
            await caller.keys(LAST, key, tries)
        await caller.gone()
        return caller.sounds

    async def hangs_up(number: str, *script: tuple[str, str]) -> list[str]:
        caller = await arrives(on_stage, ear, number)
        for sound, keys in script:
            await caller.keys(sound, keys)
        caller.leg.hang_up()
        await caller.gone()
        return caller.outcomes()

    async with office(lab, url, EVENING):
        own, other, hidden, none, silence, wrong = await at_most_three(
            with_the_own_number(),
            with_another_in_english(),
            withheld(),
            from_abroad(),
            no_key(),
            wrong_keys(),
        )
        left = await at_most_three(
            hangs_up("0878901230", ("hotline/closed-after", "")),
            hangs_up("0878901231", (LAST, "1"), (CONFIRM, "")),
            hangs_up("0878901232", (LAST, "1"), (CONFIRM, "2"), (ENTER, "08")),
            hangs_up("0878901233", (LAST, "1"), (CONFIRM, "1"), (TAKEN, "")),
        )
        await on_stage.quiet()

    thai = [*announced(), *OFFER]
    assert own == [*thai, *confirming("0812345678"), MOMENT, TAKEN, GOODBYE]
    assert other == [
        *thai, *announced("en"), *OFFER, *confirming("0823456789"), ENTER, *confirming("025074444"),
        MOMENT, TAKEN, GOODBYE,
    ]  # fmt: skip
    keyed = ["hotline/status-you-keyed", *saying.digits("1900111222")]
    assert hidden == [
        *thai, ENTER, *keyed, "hotline/callback-not-thai", ENTER, *confirming("0845678901"),
        MOMENT, TAKEN, GOODBYE,
    ]  # fmt: skip
    short = [ENTER, "hotline/status-you-keyed", *saying.digits("123"),
             "hotline/callback-not-thai"]  # fmt: skip
    assert none[: len(thai)] == thai
    assert [s for s in none if s == ENTER] == [ENTER] * 3
    assert none[len(thai) : len(thai) + len(short)] == short
    assert none[-6:] == ["hotline/no-key", *OFFER, GOODBYE]
    assert silence == [*thai, "hotline/no-key", *OFFER, GOODBYE]
    assert (wrong.count("hotline/wrong-key"), wrong[-1]) == (2, GOODBYE)
    assert left == [[], ["callback:left"], ["callback:left"], ["callback:asked"]]

    found = await waiting(url, EVENING)
    asked = {number: line for number, line in found.items() if line.asked_us is not None}
    assert set(asked) == {"+66812345678", "+6625074444", "+66845678901", "+66878901233"}
    calls = {call["call_id"]: call for call in await on_disk(url)}
    assert {line.call_id for line in found.values()} <= set(calls)
    assert set(found) - set(asked) == {
        "+14155550123", "+66856789012", "+66867890123",
        "+66878901230", "+66878901231", "+66878901232",
    }  # fmt: skip
    assert {call["outcome"] for call in calls.values()} == {"abandoned_menu"}
    with sqlite3.connect(tmp_path / "hotline.db") as raw:
        values = {value for (value,) in raw.execute("SELECT value FROM marks")}
        assert raw.execute("SELECT count(*) FROM call_back_wishes").fetchone() == (4,)
    numbers = ("25074444", "845678901", "1900111222")
    assert not {v for v in values if any(n in v for n in numbers)}
    assert not [c for c in calls.values() if any(n in json.dumps(c) for n in numbers)]
    assert "after" in values


async def test_status_guide_and_lunch_lead_on_and_back(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path
) -> None:
    url = await sqlite_url(tmp_path / "hotline.db")

    async def status_then_officer() -> list[str]:
        caller = await arrives(on_stage, ear, "0812345678")
        await caller.keys(LAST, "4")
        await caller.keys("hotline/status-enter", "0#")
        await caller.hears("hotline/closed-now")
        await caller.hears(LAST, 2)
        return await ends(caller)

    async def guide_then_officer() -> list[str]:
        caller = await arrives(on_stage, ear, "0823456789")
        await caller.keys(LAST, "5")
        await caller.keys("hotline/guide-offer", "1")
        await caller.hears("hotline/closed-now")
        return await ends(caller)

    async with office(lab, url, EVENING):
        status, guide = await asyncio.gather(status_then_officer(), guide_then_officer())
        await on_stage.quiet()
    thai = [*announced(), *OFFER]
    assert status == [*thai, "hotline/status-enter", "hotline/closed-now", *OFFER]
    assert guide[: len(thai)] == thai
    assert guide[guide.index("hotline/guide-offer") + 1] == "hotline/closed-now"
    outcomes = {c["caller_number_presented"]: c["outcome"] for c in await on_disk(url)}
    assert outcomes == {"0812345678": "abandoned_menu", "0823456789": "served"}

    await on_stage.officer(1001)
    async with office(lab, url, LUNCH):
        caller = await arrives(on_stage, ear, "0834567890")
        await caller.keys(LAST, "0")
        await caller.keys("hotline/menu-complaint", "1")
        await caller.sees("QueueCallerJoin", Queue="complaint")
        heard = await ends(caller)
        await on_stage.quiet()
    lunch = ["hotline/menu-language", "hotline/closed-lunch", "hotline/closed-back"]
    assert heard[: len(lunch) + 3] == [*lunch, *saying.clock(13, 0, "th"), "hotline/closed-wait"]

    async with office(lab, url, MORNING):
        caller = await arrives(on_stage, ear, "0845678901")
        await caller.sees("UserEvent", Mark="menu", Value="main")
        heard = await ends(caller)
        await on_stage.quiet()
    assert not [sound for sound in heard if "closed" in sound]


@asynccontextmanager
async def dies_after_it_said_closed(lab: Lab) -> AsyncIterator[None]:
    """Tells the caller that it is closed, and then says no more."""

    async def session(line: Any) -> None:
        caller = Session(line)
        await caller.begin()
        await caller.run(closed.CONTEXT, "closed", "after")
        await caller.play(["hotline/closed-after"])
        await asyncio.sleep(30)

    async with stands_in(lab, closed.NAME, session):
        yield


@pytest.mark.parametrize(
    ("bridge_there", "seconds"),
    [(nobody, 1.0), (nonsense, 1.0), (silent, 2.0), (black_hole, 2.8),
     (dies_after_it_said_closed, 2.9)],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
async def test_no_door_is_closed_by_a_bridge_that_does_not_answer(
    lab: Lab, on_stage: Stage, ear: Ear, bridge_there: Any, seconds: float
) -> None:
    """Two seconds of silence at the most; the prompts come on top."""
    async with bridge_there(lab):
        caller = await arrives(on_stage, ear, "0812345678")
        if bridge_there is dies_after_it_said_closed:
            began = await caller.sees("UserEvent", Mark="closed", Value="after")
            went = await caller.sees("QueueCallerJoin", Queue="information")
            assert TO_OFFICER in caller.sounds
            assert caller.outcomes() == ["hours:failed"]
        else:
            began = await caller.sees("UserEvent", Mark="notice")
            went = await caller.sees("UserEvent", Mark="menu", Value="main")
        assert float(went["Timestamp"]) - float(began["Timestamp"]) < seconds
        await ends(caller)
