"""Recorded conversations: told before, paused by the officer, sealed when they are over."""

from __future__ import annotations

import base64
import io
import sqlite3
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pydantic import SecretStr

from crm_bridge.config_recordings import RecordingsSection
from crm_bridge.recordings import book
from ivr.lab.asterisk import Lab
from ivr.lab.sipua import talk
from ivr.lab.stage import Stage
from tests.support.floor import Running, floor, refused
from tests.support.heard import now, played
from tests.support.live import assert_sound, bridge_config, caught_up, until
from tests.support.voice import voice

pytestmark = pytest.mark.line

KEYS = RecordingsSection(keys={"k1": SecretStr(base64.b64encode(bytes(range(32))).decode())})


def folder(lab: Lab) -> Path:
    return lab.instance / "spool/monitor"


@pytest.fixture
async def running(lab: Lab, tmp_path: Path) -> AsyncIterator[Running]:
    """A bridge with a key, its desk, and a line that records."""
    for old in folder(lab).glob("*.wav"):
        old.unlink()  # of calls of other tests
    config = bridge_config(tmp_path / "hotline.db", lab)
    nodes = [node.model_copy(update={"recordings": folder(lab)}) for node in config.node]
    desk = config.desk.model_copy(update={"data_dir": tmp_path / "desk-data"})
    config = config.model_copy(update={"recordings": KEYS, "node": nodes, "desk": desk})
    async with floor(config) as made:
        yield made
        await caught_up(made.app)
    assert_sound(made.app)


def silences(content: bytes) -> list[tuple[float, float]]:
    """Spans (s) of more than half a second in which nothing at all is recorded."""
    with wave.open(io.BytesIO(content)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
    quiet = np.flatnonzero(np.abs(samples) > 8)
    edges = np.concatenate(([0], quiet, [len(samples)]))
    gaps = np.flatnonzero(np.diff(edges) > 4_000)
    return [(edges[n] / 8_000, edges[n + 1] / 8_000) for n in gaps]


async def test_a_conversation_is_told_of_paused_and_kept_sealed(
    lab: Lab, on_stage: Stage, running: Running, tmp_path: Path
) -> None:
    control, since = running.floor.control, now(lab)
    officer = await on_stage.officer(1001)
    caller, leg = await on_stage.served_by(officer)
    call_id = await running.in_call("1001")
    heard = [one.sound for one in played(lab.log.read_bytes()[since:].decode("utf-8", "replace"))]
    assert heard.index("hotline/recording-notice") < heard.index("hotline/greeting")

    out = io.BytesIO()
    soundfile.write(out, voice(8_000, 30.0, around=0.0), 8_000, format="RAW", subtype="ULAW")
    caller.media.speech = leg.media.speech = out.getvalue()
    await talk(1.2)
    assert (await control.pause_recording("1001", call_id)).changed
    assert not (await control.pause_recording("1001", call_id)).changed
    assert await refused(control.pause_recording("1002", call_id)) == "not-your-call"
    await talk(1.6)
    assert (await control.resume_recording("1001", call_id)).changed
    assert not (await control.resume_recording("1001", call_id)).changed
    await talk(1.2)
    rounds = running.app.voice_rounds
    assert rounds is not None
    assert await rounds.conversations.take_up(0.0) == 0  # it is not over
    assert list(folder(lab).glob("*.wav"))
    leg.hang_up()
    await caller.ended()
    await on_stage.quiet()
    await caught_up(running.app)
    assert running.app.declare is not None
    await running.app.declare.settle()
    assert await rounds.conversations.take_up(0.0) == 1
    assert not list(folder(lab).glob("*.wav"))

    vault = running.app.vault
    assert vault is not None
    async with running.app.database.reading() as connection:
        (one,) = await book.of_call(connection, call_id)
    assert one.kind == "call"
    assert one.key is not None
    assert b"RIFF" not in vault.path(one.id).read_bytes()
    content = b"".join(vault.read(one.id, one.key))
    (paused,) = [gap for gap in silences(content) if gap[1] - gap[0] > 1.2]
    assert 0.5 < paused[0] < paused[1] < one.length_us / 1_000_000 - 0.5
    with sqlite3.connect(tmp_path / "hotline.db") as raw:
        marks = raw.execute(
            "SELECT name, by_whom FROM marks WHERE name LIKE 'recording%' ORDER BY at_us"
        ).fetchall()
    assert marks == [
        ("recording", None), ("recording_paused", "1001"), ("recording_resumed", "1001"),
    ]  # fmt: skip


async def test_a_pause_ends_with_the_part_of_the_officer_who_asked_for_it(
    on_stage: Stage, running: Running, tmp_path: Path
) -> None:
    control = running.floor.control
    caller, _ = await on_stage.served_by(await on_stage.officer(1001))
    call_id = await running.in_call("1001")
    await control.pause_recording("1001", call_id)
    second = await on_stage.officer(1002)
    await control.blind_transfer("1001", call_id, "1002")
    await (await second.rung()).answer()
    assert await running.in_call("1002") == call_id
    live = running.call_of("1002").call
    await until("it is recorded again", lambda: live.marks[-1].name == "recording_resumed")
    assert live.marks[-1].by == "1001"
    assert (await control.pause_recording("1002", call_id)).changed
    caller.hang_up()
    await on_stage.quiet()
    await caught_up(running.app)


async def test_a_line_that_does_not_record_says_so_to_nobody_and_to_the_officer(
    lab: Lab, on_stage: Stage, running: Running
) -> None:
    await on_stage.witness.act("Setvar", Variable="RECORD", Value="0")
    try:
        since = now(lab)
        caller, _ = await on_stage.served_by(await on_stage.officer(1001))
        call_id = await running.in_call("1001")
        text = lab.log.read_bytes()[since:].decode("utf-8", "replace")
        assert "hotline/recording-notice" not in [one.sound for one in played(text)]
        assert await refused(running.floor.control.pause_recording("1001", call_id)) == (
            "not-recorded"
        )
        caller.hang_up()
        await on_stage.quiet()
    finally:
        await on_stage.witness.act("Setvar", Variable="RECORD", Value="1")
    assert not list(folder(lab).glob("*.wav"))
