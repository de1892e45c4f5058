"""A take of a telephone: kept, refused, or not found; and what is asked for by nobody honest."""

from __future__ import annotations

import asyncio
import os

import numpy as np
import pytest

from crm_bridge.building import build
from crm_bridge.config import Config
from ivr.prompts.keeping import BAD, FAILED, KEPT, Keeper, Place
from ivr.prompts.shelf import Shelf, look
from tests.support.migrated import sqlite_url
from tests.support.voice import voice, write


@pytest.fixture
def places(tmp_path):
    found = [Place(tmp_path / name / "sounds", tmp_path / name / "takes") for name in ("a", "b")]
    for place in found:
        place.sounds.mkdir(parents=True)
        place.takes.mkdir()
    return found


def take(place, name="123", samples=None):
    sound = voice(8_000) if samples is None else samples
    return write(place.takes / f"{name}.wav", sound, 8_000, subtype="PCM_16")


def test_a_take_becomes_the_prompt_of_the_line_that_recorded_it(places):
    path = take(places[1])
    assert Keeper(places).keep("hotline/welcome", "th", "123") == KEPT
    look(Shelf(places[1].sounds).recorded("hotline/welcome", "th"), 8_000)
    assert not path.exists()
    assert list(places[0].sounds.rglob("*.wav")) == []


def test_the_one_before_is_kept_beside(places):
    recorded = Shelf(places[0].sounds).recorded("hotline/welcome", "en")
    for seconds in (0.5, 1.5):
        take(places[0], samples=voice(8_000, seconds))
        assert Keeper(places).keep("hotline/welcome", "en", "123") == KEPT
    before = recorded.with_name("welcome.before.wav")
    assert before.stat().st_size < recorded.stat().st_size


def test_asterisk_may_read_what_a_process_with_a_strict_umask_keeps(places):
    """The shipped unit's umask; folders of before are mended too."""
    recorded = Shelf(places[0].sounds).recorded("hotline/welcome", "th")
    recorded.parent.mkdir(parents=True)
    (places[0].sounds / "th").chmod(0o700)
    strict = os.umask(0o077)
    try:
        for seconds in (0.5, 1.5):
            take(places[0], samples=voice(8_000, seconds))
            assert Keeper(places).keep("hotline/welcome", "th", "123") == KEPT
    finally:
        os.umask(strict)
    laid = [path for path in places[0].sounds.rglob("*") if path.is_file()]
    assert {path.name for path in laid} == {"welcome.wav", "welcome.before.wav"}
    assert {path.stat().st_mode & 0o777 for path in laid} == {0o644}
    folders = [path for path in places[0].sounds.rglob("*") if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o755}


def test_a_silent_take_changes_nothing_and_stays_to_be_heard(places):
    path = take(places[0], samples=np.zeros(8_000))
    assert Keeper(places).keep("hotline/welcome", "th", "123") == BAD
    assert path.exists()
    assert list(places[0].sounds.rglob("*.wav")) == []


def test_takes_that_nobody_kept_go_after_a_day(places):
    old, young = take(places[0], "1"), take(places[0], "2")
    os.utime(old, (1, 1))
    take(places[0], "3")
    assert Keeper(places).keep("beep", "th", "3") == KEPT
    assert (old.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize(
    ("prompt", "language", "name"),
    [
        ("hotline/welcome", "th", "124"),
        ("../../etc/passwd", "th", "123"),
        ("/etc/passwd", "th", "123"),
        ("hotline/../x", "th", "123"),
        ("hotline/welcome.before", "th", "123"),
        ("custom/hotline/welcome", "th", "123"),
        ("hotline/welcome", "..", "123"),
        ("hotline/welcome", "", "123"),
        ("hotline/welcome", "th", "../takes/123"),
        ("", "", ""),
        ("hotline/welcome\n", "th", "123"),
    ],
)
def test_nothing_but_a_prompts_own_file_is_ever_written(places, prompt, language, name):
    take(places[0])
    before = {path for place in places for path in place.sounds.parent.rglob("*")}
    assert Keeper(places).keep(prompt, language, name) == FAILED
    assert {path for place in places for path in place.sounds.parent.rglob("*")} == before


def test_a_place_that_cannot_be_written_is_a_failure_and_no_exception(places):
    take(places[0])
    (places[0].sounds / "th").write_text("a file where a directory should be")
    assert Keeper(places).keep("hotline/welcome", "th", "123") == FAILED


async def test_the_bridge_keeps_takes_of_its_nodes_over_fastagi(places, tmp_path):
    url = await sqlite_url(tmp_path / "hotline.db")
    take(places[1])
    nodes = [
        {"name": name, "ami_secret": "x" * 24, "sounds": place.sounds, "takes": place.takes}
        for name, place in zip(("a", "b"), places, strict=True)
    ]
    config = Config(
        database={"url": url},
        desk={"data_dir": str(tmp_path)}, node=nodes, selfservice={},
    )  # fmt: skip
    app = await build(config)
    try:
        port = await app.selfservice.server.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"agi_network_script: keep-prompt\nagi_arg_1: hotline/welcome\n"
            b"agi_arg_2: en\nagi_arg_3: 123\n\n"
        )
        told = await asyncio.wait_for(reader.readline(), 10)
        writer.write(b"200 result=1\n")
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        await writer.wait_closed()
    finally:
        await app.selfservice.server.stop()
        await app.database.close()
    assert told == b'SET VARIABLE "PROMPT_KEPT" "kept"\n'
    look(Shelf(places[1].sounds).recorded("hotline/welcome", "en"), 8_000)
