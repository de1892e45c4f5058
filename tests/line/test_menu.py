"""The menus for everybody: again, slowly, the other language, keys at once, a person at last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from ivr.lab.asterisk import Lab
from ivr.lab.install import dialplan_directory
from ivr.lab.root import Root
from ivr.lab.stage import Stage
from ivr.prompts import sound
from ivr.prompts.shelf import Shelf
from tests.support.lab import own_lab
from tests.support.live import assert_sound, bridge, bridge_config, caught_up, on_disk
from tests.support.migrated import sqlite_url
from tests.support.selfservice import Caller, Ear, calls_in
from tests.support.voice import voice

pytestmark = pytest.mark.line

NOTICE = "hotline/recording-notice"
LANGUAGE, SLOWER = "hotline/menu-language", "hotline/menu-slower"
MAIN = [
    LANGUAGE,
    *(f"hotline/menu-{name}" for name in (
        "complaint", "information", "appointment", "status", "market", "officer", "repeat",
    )),
]  # fmt: skip
FIRST = MAIN[1]
SLOW_MAIN, SLOW_GUIDE = "hotline/menu-main-slow", "hotline/guide-slow"
GUIDE = [f"hotline/guide-{name}" for name in ("front", "about", "rules", "provinces")]
OFFER = [LANGUAGE, "hotline/guide-offer"]
WRONG, NONE, TO_OFFICER = "hotline/wrong-key", "hotline/no-key", "hotline/to-officer"
LONG = 3.0
"""Seconds that `FIRST` and `WRONG` take in English."""


@pytest.fixture(scope="module")
def lab(lab_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A site that has menus of its own, and has recorded the slow ones in Thai alone."""
    menu = tmp_path_factory.mktemp("menu") / "menu.toml"
    text = (dialplan_directory() / "menu.toml").read_text("utf-8")
    dit = '"6" = { to = "agency dit", service = "complaint", says = "hotline/menu-market", '
    menu.write_text(
        text.replace('"0" = ', f'{dit}th = "กรมการค้าภายใน", en = "DIT" }}\n"0" = ', 1), "utf-8"
    )
    with own_lab(lab_root, tmp_path_factory, menu=menu, menu_wait=1, prompt_seconds=0.2) as place:
        shelf = Shelf(place.instance / "data" / "sounds")
        for prompt in (SLOW_MAIN, SLOW_GUIDE):
            shelf.put(prompt, "th", sound.prepared(voice(8000, 0.6), 8000))
        for prompt in (FIRST, WRONG):
            shelf.put(prompt, "en", sound.prepared(voice(8000, LONG), 8000))
        yield place


@pytest.fixture
async def ear(on_stage: Stage) -> Ear:
    await on_stage.carrier()
    return Ear(on_stage)


async def arrives(stage: Stage, ear: Ear, number: str) -> Caller:
    return await calls_in(stage, ear, number, after=NOTICE)


async def ends(caller: Caller) -> list[str]:
    """Hangs up; all he heard until a queue spoke with him."""
    heard = [prompt for prompt in caller.sounds if not prompt.startswith("hotline/queue-")]
    caller.leg.hang_up()
    await caller.gone()
    return heard


async def test_again_slowly_the_other_language_and_no_key_from_every_menu(
    on_stage: Stage, ear: Ear
) -> None:
    async def listens() -> list[str]:
        """In each menu again, slowly and back, the other language; then nothing more."""
        caller = await arrives(on_stage, ear, "0812345678")
        await caller.keys(SLOWER, "*")
        await caller.keys(SLOWER, "#", 2)
        await caller.keys(SLOW_MAIN, "9")
        await caller.keys(MAIN[-1], "9", 3)
        await caller.keys(SLOW_MAIN, "5", 2)
        await caller.keys(SLOWER, "*", 3)
        await caller.keys(SLOWER, "#", 4)
        await caller.keys(SLOWER, "9", 5)
        await caller.sees("QueueCallerJoin", Queue="market_information")
        heard = await ends(caller)
        spoken = (language for _, language in ear.heard[caller.channel])
        assert [language for language, _ in groupby(spoken)] == ["th", "en", "th", "en"]
        return heard

    async def is_silent() -> list[str]:
        caller = await arrives(on_stage, ear, "0823456789")
        await caller.sees("QueueCallerJoin", Queue="information")
        return await ends(caller)

    heard, silence = await asyncio.gather(listens(), is_silent())
    guide = [SLOW_GUIDE, *OFFER, SLOWER]
    assert heard == [
        *MAIN, SLOWER, *MAIN, SLOWER, SLOW_MAIN, *MAIN, SLOW_MAIN,
        *guide, *guide, *GUIDE, *OFFER, SLOWER,
        *GUIDE, *OFFER, NONE, *OFFER, NONE, *OFFER, NONE, TO_OFFICER,
    ]  # fmt: skip
    assert silence == [*[*MAIN, SLOWER, NONE] * 3, TO_OFFICER]


async def test_a_key_is_taken_while_a_prompt_is_said(on_stage: Stage, ear: Ear) -> None:
    """Each prompt would have taken three seconds more; whoever presses wrong keys is counted."""

    async def quick(number: str, *presses: tuple[str, str, int]) -> tuple[list[str], float]:
        """What was heard from the English menu on, and how long the last key took (seconds)."""
        caller = await arrives(on_stage, ear, number)
        await caller.keys(LANGUAGE, "9")
        pressed = 0.0
        for prompt, key, times in presses:
            await caller.hears(prompt, times)
            pressed = time.time()
            await caller.leg.press(key)
        joined = await caller.sees("QueueCallerJoin")
        heard = await ends(caller)
        return heard[heard.index(LANGUAGE, 1) :], float(joined["Timestamp"]) - pressed

    (menu, at_once), (excuse, after_excuse), (stubborn, _) = await asyncio.gather(
        quick("0834567890", (FIRST, "2", 1)),
        quick("0845678901", (FIRST, "8", 1), (WRONG, "1", 1)),
        quick("0856789012", (FIRST, "8", 1), (WRONG, "7", 1), (WRONG, "8", 2)),
    )
    assert menu == [LANGUAGE, FIRST]
    assert excuse == [LANGUAGE, FIRST, WRONG]
    assert max(at_once, after_excuse) < LONG / 2
    assert stubborn == [LANGUAGE, FIRST, WRONG, WRONG, WRONG, TO_OFFICER]


async def test_a_key_that_leads_to_an_agency(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path
) -> None:
    """Answered there he was served; where nobody answers he is with the officers."""
    url = await sqlite_url(tmp_path / "hotline.db")
    async with bridge(bridge_config(tmp_path / "hotline.db", lab)) as app:
        agency = await on_stage.agency(2001)
        caller = await arrives(on_stage, ear, "0812345678")
        await caller.keys(MAIN[0], "6")
        leg = await agency.rung()
        since = on_stage.witness.mark()
        await leg.answer()
        await on_stage.bridged(since=since)
        await ends(caller)
        busy = await arrives(on_stage, ear, "0823456789")
        await busy.keys(MAIN[0], "6")
        leg = await agency.rung()
        leg.reject()
        await busy.sees("QueueCallerJoin", Queue="information")
        await ends(busy)
        await on_stage.quiet()
        await caught_up(app)
    assert_sound(app)
    calls = {call["caller_number_presented"]: call for call in await on_disk(url)}
    assert [one["agency"] for one in calls["0812345678"]["agency_legs"]] == ["dit"]
    assert calls["0812345678"]["outcome"] == "served"
    assert calls["0823456789"]["agency_legs"] == []
    passages = [one["queue"] for one in calls["0823456789"]["queue_passages"]]
    assert passages == ["information"]
    assert calls["0812345678"]["service"] == "complaint"
