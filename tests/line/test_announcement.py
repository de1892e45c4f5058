"""The emergency message on a real line: who hears it where, without a bridge, and until when."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_bridge.clock import SystemClock
from crm_bridge.desk.announcements import Place
from crm_bridge.errors import Refused
from ivr.lab.asterisk import Lab
from ivr.lab.root import Root
from ivr.lab.stage import Stage, stage
from ivr.prompts import sound
from ivr.prompts.shelf import Shelf
from tests.support.cli import Hotline, hotline
from tests.support.lab import own_lab
from tests.support.live import assert_sound, bridge, bridge_config, caught_up, on_disk
from tests.support.migrated import sqlite_url
from tests.support.selfservice import Caller, Ear, calls_in
from tests.support.voice import voice

__all__ = ["hotline"]

pytestmark = pytest.mark.line

BUSY, GONE = "hotline/announce-busy", "hotline/announce-evacuated"
WELCOME, NOTICE = "hotline/welcome", "hotline/recording-notice"
GOODBYE, MENU = "hotline/goodbye", "hotline/menu-language"
HOUR = 3_600_000_000


@pytest.fixture(scope="module")
def lab(lab_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with own_lab(lab_root, tmp_path_factory) as place:
        shelf = Shelf(place.instance / "data/sounds")
        for prompt in (BUSY, GONE):
            shelf.put(prompt, "th", sound.prepared(voice(16_000, 0.6), 16_000))
        yield place


async def arrives(place: Stage, ear: Ear, number: str) -> Caller:
    return await calls_in(place, ear, number, after="nothing of that name")


async def to_the_menu(place: Stage, ear: Ear, number: str) -> list[str]:
    """What a caller hears until the menu speaks; then he hangs up."""
    caller = await arrives(place, ear, number)
    await caller.hears(MENU)
    heard = caller.sounds
    caller.leg.hang_up()
    await caller.gone()
    return heard[: heard.index(MENU) + 1]


async def to_the_end(place: Stage, ear: Ear, number: str) -> list[str]:
    """What a caller hears whom the line bids goodbye."""
    caller = await arrives(place, ear, number)
    await caller.gone()
    return caller.sounds


def in_languages(caller: Caller) -> list[tuple[str, str]]:
    """What he heard, and in which language."""
    caller.ear.listen()
    return caller.ear.heard[caller.channel]


async def test_every_next_caller_hears_it_whatever_becomes_of_bridge_and_asterisk(
    lab: Lab, tmp_path: Path
) -> None:
    url = await sqlite_url(tmp_path / "hotline.db")
    config = bridge_config(tmp_path / "hotline.db", lab)
    sounds = lab.instance / "data/sounds"
    config = config.model_copy(
        update={"node": [config.node[0].model_copy(update={"sounds": sounds})]}
    )
    until_us = SystemClock().now_us() + HOUR
    async with stage(lab) as place:
        ear = Ear(place)
        async with bridge(config) as app:
            kept = app.announcements
            assert kept is not None
            with pytest.raises(Refused, match="recorded"):
                await kept.begin("สมศรี", "hotline/announce-fault", Place.BEFORE, until_us)
            await kept.begin("สมศรี", BUSY, Place.BEFORE, until_us)
            assert kept.stands_at(f"lab{lab.number}")
            assert await to_the_menu(place, ear, "0812345678") == [BUSY, WELCOME, NOTICE, MENU]
            # one who hangs up while it is played
            early = await arrives(place, ear, "0823456789")
            await early.sees("UserEvent", Mark="announcement")
            early.leg.hang_up()
            await early.gone()
            await kept.begin("วันดี", GONE, Place.INSTEAD, until_us)
            assert await to_the_end(place, ear, "0834567890") == [WELCOME, GONE, GOODBYE]
            english = Shelf(sounds)
            english.put(BUSY, "en", sound.prepared(voice(16_000, 0.6), 16_000))
            english.put(GONE, "en", sound.prepared(voice(16_000, 0.6), 16_000))
            both = await arrives(place, ear, "0834567891")
            await both.gone()
            assert in_languages(both) == [
                (WELCOME, "th"), (GONE, "th"), (GONE, "en"), (GOODBYE, "th"),
            ]  # fmt: skip
            await kept.begin("สมศรี", BUSY, Place.BEFORE, until_us)
            both = await arrives(place, ear, "0834567892")
            await both.hears(MENU)
            both.leg.hang_up()
            await both.gone()
            assert in_languages(both)[:5] == [
                (BUSY, "th"), (BUSY, "en"), (WELCOME, "th"), (NOTICE, "th"), (MENU, "th"),
            ]  # fmt: skip
            for prompt in (BUSY, GONE):
                english.recorded(prompt, "en").unlink()
            await kept.begin("วันดี", GONE, Place.INSTEAD, until_us)
            await caught_up(app)
        assert_sound(app)
        # nobody is there any more, and callers hear it all the same
        assert await to_the_end(place, ear, "0845678901") == [WELCOME, GONE, GOODBYE]
        await place.quiet()
    await lab.restart()
    async with stage(lab) as place:
        ear = Ear(place)
        assert await to_the_end(place, ear, "0845678901") == [WELCOME, GONE, GOODBYE]
        async with bridge(config) as app:
            kept = app.announcements
            assert kept is not None
            await kept.look()
            assert kept.current is not None
            assert kept.current.begun_by == "วันดี"
            assert kept.stands_at(f"lab{lab.number}")
            await kept.end("สมศรี")
            assert await to_the_menu(place, ear, "0812345678") == [WELCOME, NOTICE, MENU]
            await caught_up(app)
        await place.quiet()

    calls = {c["caller_number_presented"]: c for c in await on_disk(url)}
    with sqlite3.connect(tmp_path / "hotline.db") as raw:
        marks = raw.execute(
            "SELECT call_id, name, value FROM marks"
            " WHERE name IN ('announcement', 'announced') ORDER BY at_us"
        ).fetchall()
    outcomes = {number: call["outcome"] for number, call in calls.items()}
    heard = {
        number: [(name, v.partition(":")[0]) for c, name, v in marks if c == call["call_id"]]
        for number, call in calls.items()
    }
    assert heard["0823456789"] == [("announcement", "before")]
    assert heard["0834567890"] == [("announcement", "instead"), ("announced", "instead")]
    assert outcomes["0834567890"] == "served"
    assert outcomes["0823456789"] in {"short", "abandoned_menu"}


async def test_it_ends_by_itself_and_no_sound_that_is_missing_turns_anybody_away(
    lab: Lab, hotline: Hotline
) -> None:
    """With no bridge: by the command, and by what stands in Asterisk itself."""
    await asyncio.to_thread(hotline, "migrate")
    node = {
        "HOTLINE_NODE__AMI_HOST": lab.server, "HOTLINE_NODE__AMI_SECRET": lab.ami_secret,
        "HOTLINE_NODE__NAME": f"lab{lab.number}",
    }  # fmt: skip

    async def says(*words: str) -> tuple[int, str]:
        said = await asyncio.to_thread(hotline, "announcement", *words, "--lang", "en", **node)
        return said.code, said.out

    async with stage(lab) as place:
        ear = Ear(place)

        code, out = await says("on", "announce-busy", "--until", "23:59:59")
        assert (code, BUSY in out, "so it is played" in out) == (0, True, True)
        assert (await says("show"))[0] == 0
        assert await to_the_menu(place, ear, "0812345678") == [BUSY, WELCOME, NOTICE, MENU]
        code, out = await says("off")
        assert (code, "no message" in out) == (0, True)
        assert await to_the_menu(place, ear, "0823456789") == [WELCOME, NOTICE, MENU]
        now = SystemClock().now_us() // 1_000_000
        for number, value in (
            ("0834567890", f"{now}:instead:abc:{GONE}"),
            ("0845678901", f"{now + 3600}:instead:abc:hotline/announce-nothing"),
            ("0856789012", f"{now + 3600}:nowhere:abc:{GONE}"),
            ("0867890123", "nonsense"),
        ):
            await lab.cli(f"database put 1203 announcement {value}")
            assert await to_the_menu(place, ear, number) == [WELCOME, NOTICE, MENU]
        await lab.cli("database del 1203 announcement")
        await place.quiet()
