"""Callers who stay after the officer has hung up: what each hears and answers, and the record."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from crm_bridge.figures.forms import SURVEYS
from ivr.lab.asterisk import Lab
from ivr.lab.root import Root
from ivr.lab.sipua import Leg, Phone, talk
from ivr.lab.stage import Stage
from tests.line.test_hours import at_most_three, ends
from tests.support.lab import own_lab
from tests.support.live import assert_sound, bridge, bridge_config, caught_up, on_disk, until
from tests.support.migrated import sqlite_url
from tests.support.selfservice import Caller, Ear, calls_in

pytestmark = pytest.mark.line

RATING, SETTLED, GOODBYE = "hotline/survey-rating", "hotline/survey-settled", "hotline/goodbye"
WRONG, NO_KEY = "hotline/wrong-key", "hotline/no-key"
GREETING = "hotline/greeting"


@pytest.fixture(scope="module")
def lab(lab_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with own_lab(lab_root, tmp_path_factory) as place:
        yield place


@pytest.fixture
async def ear(on_stage: Stage) -> Ear:
    """All callers of the information queue are asked, and nobody waits long for a key."""
    await on_stage.carrier()
    for name, value in (("SURVEY_information", "100"), ("MENU_WAIT", "1.5")):
        await on_stage.witness.act("Setvar", Variable=name, Value=value)
    return Ear(on_stage)


@asynccontextmanager
async def at_the_desk(stage: Stage, *names: int) -> AsyncIterator[None]:
    """Officers who answer, speak a moment and hang up, one caller after the other."""

    async def serves(phone: Phone) -> None:
        while True:
            leg = await phone.rung(600)
            await with_the_caller(stage, phone, leg)
            leg.hang_up()

    phones = [await stage.officer(name) for name in names]
    await pause(stage, *names, paused=False)
    working = [asyncio.create_task(serves(phone)) for phone in phones]
    try:
        yield
    finally:
        await pause(stage, *names)
        for task in working:
            task.cancel()
        done = await asyncio.gather(*working, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in done), done


async def pause(stage: Stage, *names: int, paused: bool = True) -> None:
    """No queue rings these telephones, though they are known: they are put away with the stage."""
    for name in names:
        interface = f"PJSIP/{name}"
        await stage.witness.act("QueuePause", Interface=interface, Paused=str(paused).lower())


async def with_the_caller(stage: Stage, phone: Phone, leg: Leg) -> None:
    """Answers, and has spoken a moment."""
    since = stage.witness.mark()
    await leg.answer()
    await stage.witness.seen(
        f"{phone.name} with the caller",
        lambda e: (
            e.get("Event") == "BridgeEnter"
            and e.get("Channel", "").startswith(f"PJSIP/{phone.name}-")
        ),
        since=since,
    )
    await talk(0.4)


async def asks(stage: Stage, ear: Ear, number: str, *keys: str) -> Caller:
    """A caller who presses these keys in the main menu."""
    caller = await calls_in(stage, ear, number, after=GREETING)
    for times, key in enumerate(keys, 1):
        await stage.witness.seen(
            "the menu",
            lambda e: e.get("Mark") == "menu" and e.get("Uniqueid") == caller.uniqueid,
            since=caller.since, times=times, deadline=40.0,
        )  # fmt: skip
        await caller.leg.press(key)
    return caller


def marked(file: Path) -> dict[str, list[tuple[str, str]]]:
    """By calling number what the survey left on the record."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with sqlite3.connect(file) as raw:
        for number, name, value in raw.execute(
            "SELECT caller_presented, name, value FROM marks JOIN calls USING (call_id) "
            "WHERE name LIKE 'survey%' ORDER BY call_id, at_us, ordinal"
        ):
            found[number].append((name.removeprefix("survey_"), value))
    return found


async def test_who_stays_is_asked_and_the_record_has_it(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path
) -> None:
    url = await sqlite_url(tmp_path / "hotline.db")

    async def one(number: str, *script: tuple[str, str], english: bool = False) -> list[str]:
        caller = await asks(on_stage, ear, number, *(("9", "2") if english else ("2",)))
        times: dict[str, int] = {}
        for sound, keys in script:
            times[sound] = times.get(sound, 0) + 1
            await caller.keys(sound, keys, times[sound])
        await caller.gone()
        if english:
            assert caller.languages == {"en"}
        return caller.sounds

    async def hangs_up(number: str, *script: tuple[str, str]) -> list[str]:
        caller = await asks(on_stage, ear, number, "2")
        for sound, keys in script:
            await caller.keys(sound, keys)
        return await ends(caller)

    async def answers_none() -> list[str]:
        """Asked about a complaint: that queue asks nobody."""
        caller = await asks(on_stage, ear, "0890000009", "1")
        await caller.gone()
        return caller.sounds

    config = bridge_config(tmp_path / "hotline.db", lab)
    async with bridge(config) as app:
        # an officer hands the caller on: his way out of the queue is none of the survey's
        first = await on_stage.officer(1004)
        caller = await asks(on_stage, ear, "0890000010", "2")
        leg = await first.rung(30)
        await with_the_caller(on_stage, first, leg)
        second = await on_stage.officer(1005)
        await pause(on_stage, 1005)
        leg.refer("1005")
        taken = await second.rung(30)
        await with_the_caller(on_stage, second, taken)
        taken.hang_up()
        await caller.gone()
        assert RATING not in caller.sounds
        # the caller himself hangs up
        caller = await asks(on_stage, ear, "0890000011", "2")
        await with_the_caller(on_stage, first, await first.rung(30))
        await ends(caller)
        await pause(on_stage, 1004)
        async with at_the_desk(on_stage, 1001, 1002, 1003):
            heard = await at_most_three(
                one("0890000001", (RATING, "5"), (SETTLED, "1")),
                one("0890000002", (RATING, "2"), (SETTLED, "2"), english=True),
                one("0890000003", (RATING, "0")),
                one("0890000004", *((RATING, key) for key in "789")),
                one("0890000005"),
                one("0890000006", (RATING, "4"), (SETTLED, "5"), (SETTLED, "#")),
                hangs_up("0890000007", (RATING, "")),
                hangs_up("0890000008", (RATING, "3"), (SETTLED, "")),
                answers_none(),
            )
            await on_stage.quiet()
        await caught_up(app)
    assert_sound(app)

    assert heard == [
        [RATING, SETTLED, GOODBYE],
        [RATING, SETTLED, GOODBYE],
        [RATING, GOODBYE],
        [RATING, WRONG, RATING, WRONG, RATING, GOODBYE],
        [RATING, NO_KEY, RATING, GOODBYE],
        [RATING, SETTLED, WRONG, SETTLED, GOODBYE],
        [RATING],
        [RATING, SETTLED],
        [],
    ]
    begun = ("begin", "information")
    assert marked(tmp_path / "hotline.db") == {
        "0890000001": [begun, ("rating", "5"), ("settled", "yes"), ("end", "answered")],
        "0890000002": [begun, ("rating", "2"), ("settled", "no"), ("end", "answered")],
        "0890000003": [begun, ("end", "skipped")],
        "0890000004": [begun, ("end", "wrong_keys")],
        "0890000005": [begun, ("end", "no_key")],
        "0890000006": [begun, ("rating", "4"), ("end", "skipped")],
        "0890000007": [begun, ("end", "left")],
        "0890000008": [begun, ("rating", "3"), ("end", "left")],
    }
    calls = {call["caller_number_presented"]: call for call in await on_disk(url)}
    assert len(calls) == 11
    assert {call["outcome"] for call in calls.values()} == {"served"}
    # whoever hangs up in the survey, or the line, did not end the conversation
    by = {number: call["ended_by"] for number, call in calls.items()}
    assert by.pop("0890000011") == "caller"
    assert set(by.values()) == {"agent"}
    for number, call in calls.items():
        if number == "0890000009":
            continue  # the record of a complaint is its case
        (log,) = [step for step in call["steps"] if step["step"] == "log"]
        assert log["started_at"] == call["agents"][-1]["released_at"]
        assert [choice["menu"] for choice in call["menu"]] in (["main"], ["main", "main"])
    with sqlite3.connect(tmp_path / "hotline.db") as raw:
        sums = ", ".join(f"sum({name})" for name in SURVEYS.counts)
        every = raw.execute(
            f"SELECT {sums} FROM figures_surveys WHERE level = 'day' AND queue = 'information'"
        ).fetchone()
        agents = {a for (a,) in raw.execute("SELECT DISTINCT agent FROM figures_surveys")}
    assert every == (4, 0, 1, 1, 1, 1, 1, 1)
    assert agents <= {"1001", "1002", "1003"}


async def test_a_bridge_that_is_not_there_takes_nothing_from_it(
    lab: Lab, on_stage: Stage, ear: Ear
) -> None:
    async with at_the_desk(on_stage, 1001):
        caller = await asks(on_stage, ear, "0890000012", "2")
        await caller.keys(RATING, "5")
        await caller.keys(SETTLED, "1")
        await caller.gone()
        assert caller.sounds == [RATING, SETTLED, GOODBYE]
        await on_stage.quiet()


async def test_what_is_answered_while_the_bridge_is_away_is_on_the_record_once_it_is_back(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path
) -> None:
    """One has rated by then, one is in conversation still; each answer counts once."""
    url = await sqlite_url(tmp_path / "hotline.db")
    await on_stage.witness.act("Setvar", Variable="MENU_WAIT", Value="20")
    config = bridge_config(tmp_path / "hotline.db", lab)
    async with bridge(config):
        first = await on_stage.officer(1006)
        rated = await asks(on_stage, ear, "0890000013", "2")
        leg = await first.rung(30)
        await with_the_caller(on_stage, first, leg)
        second = await on_stage.officer(1007)
        await pause(on_stage, 1006)
        speaks = await asks(on_stage, ear, "0890000014", "2")
        other = await second.rung(30)
        await with_the_caller(on_stage, second, other)
        leg.hang_up()
        await rated.keys(RATING, "4")
        await rated.sees("UserEvent", Mark="survey_rating", Value="4")
    other.hang_up()
    await speaks.keys(RATING, "2")
    await speaks.keys(SETTLED, "2")
    await rated.keys(SETTLED, "1")
    for caller in (rated, speaks):
        await caller.gone()
    await on_stage.quiet()
    begun, wanted = ("begin", "information"), [("rating", "4"), ("settled", "yes")]
    everything = {
        "0890000013": [begun, *wanted, ("end", "answered")],
        "0890000014": [begun, ("rating", "2"), ("settled", "no"), ("end", "answered")],
    }
    assert marked(tmp_path / "hotline.db") == {"0890000013": [begun, wanted[0]]}
    for _ in range(2):
        async with bridge(config) as app:
            await until(
                "the answers on the record", lambda: marked(tmp_path / "hotline.db") == everything
            )
            await until("no note is asked for", lambda: not app.survey_notes.wanted)  # type: ignore[union-attr]
        assert_sound(app)
    assert marked(tmp_path / "hotline.db") == everything
    calls = await on_disk(url)
    assert {call["outcome"] for call in calls} == {"served"}
    assert all(call["gaps"] for call in calls)
    with sqlite3.connect(tmp_path / "hotline.db") as raw:
        sums = ", ".join(f"sum({name})" for name in SURVEYS.counts)
        (every,) = raw.execute(
            f"SELECT {sums} FROM figures_surveys WHERE level = 'day' AND queue = 'information'"
        )
    assert every == (0, 0, 1, 0, 1, 0, 1, 1)
