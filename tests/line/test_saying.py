"""What a real Asterisk plays, file after file, when it is given numbers, dates and times to say."""

from __future__ import annotations

import asyncio
import datetime as dt
import shutil
from collections.abc import Sequence

import pytest

from ivr.lab.sipua import Leg
from ivr.lab.stage import Stage
from ivr.prompts import sound
from ivr.prompts.shelf import CUSTOM, Shelf
from ivr.selfservice import saying
from tests.support.heard import heard, now, played
from tests.support.voice import voice

pytestmark = pytest.mark.line

COUNTS = (0, 11, 21, 101, 1_203)
DAY = dt.date(2026, 11, 29)
THAI = {
    2001: ("0 11 21 1 roi et 1 pan 2 roi 3", ["number"]),
    2002: ("1 muan et 21 larn et 8 naliga 30 natee", ["big", "clock"]),
    2003: ("day-0 tee 20 9 duan mon-10 posor 2 pan 5 roi 60 9", ["date"]),
}
ENGLISH = {
    2004: ("0 11 20 1 1 hundred 1 1 thousand 2 hundred 3", ["number"]),
    2005: ("10 thousand 1 20 1 million 1 8 30 a-m", ["big", "clock"]),
    2006: ("day-0 mon-10 20 h-9 2 thousand 20 6", ["date"]),
}


def said(what: str, language: str) -> tuple[str, ...]:
    """The sounds of one subject."""
    if what == "number":
        return tuple(sound for n in COUNTS for sound in saying.number(n, language))
    if what == "big":
        return saying.number(10_001, language) + saying.number(21_000_001, language)
    if what == "clock":
        return saying.clock(8, 30, language)
    return saying.date(DAY, language, weekday=True)


async def told(place: Stage, number: int, language: str, sounds: Sequence[str]) -> Leg:
    """An agency's telephone that is rung, answered, and told these sounds."""
    phone = await place.agency(number)
    await place.witness.act(
        "Originate",
        Channel=f"PJSIP/{number}",
        Application="Playback",
        Data="&".join(sounds),
        Variable=f"CHANNEL(language)={language}",
        Async="true",
    )
    leg = await phone.rung()
    await leg.answer()
    return leg


async def test_numbers_dates_and_times_are_played_in_order_and_language(on_stage: Stage) -> None:
    lab = on_stage.lab
    since = now(lab)

    async def listen(number: int, language: str, words: str, subjects: list[str]) -> None:
        asked = [name for subject in subjects for name in said(subject, language)]
        leg = await told(on_stage, number, language, asked)
        wanted = [f"digits/{word}" for word in words.split()]
        found = await heard(lab, f"PJSIP/{number}-", wanted, since=since, language=language)
        assert found == wanted
        await leg.ended()

    await asyncio.gather(
        *(listen(number, "th", *rest) for number, rest in THAI.items()),
        *(listen(number, "en", *rest) for number, rest in ENGLISH.items()),
    )


async def test_a_recording_is_heard_at_once_in_its_language_alone(on_stage: Stage) -> None:
    lab = on_stage.lab
    shelf = Shelf(lab.instance / "data/sounds")
    wanted = ["digits/7", "hotline/goodbye", "digits/8"]
    since = now(lab)
    try:
        for name in wanted[:2]:
            shelf.put(name, "th", sound.prepared(voice(16_000, 0.3), 16_000))
        for number, language in ((2001, "th"), (2002, "en")):
            leg = await told(on_stage, number, language, wanted)
            found = await heard(lab, f"PJSIP/{number}-", wanted, since=since, language=language)
            assert found == wanted
            await leg.ended()
    finally:
        shutil.rmtree(shelf.sounds / "th" / CUSTOM)
    text = lab.log.read_bytes()[since:].decode("utf-8", "replace")
    recorded = [(one.language, one.recorded) for one in played(text, "PJSIP/200")]
    assert recorded == [("th", True), ("th", True), ("th", False)] + [("en", False)] * 3
