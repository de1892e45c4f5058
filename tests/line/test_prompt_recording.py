"""A prompt recorded over a real telephone: kept, again, the old one heard, left; and by whom."""

from __future__ import annotations

import io
import shutil
import wave
from collections.abc import AsyncIterator

import pytest
import soundfile

from ivr.lab.address import FASTAGI_PORT, address
from ivr.lab.configure import RECORDS
from ivr.lab.install import dialplan_directory
from ivr.lab.sipua import Leg, talk
from ivr.lab.stage import Stage
from ivr.prompts import keeping
from ivr.prompts.catalogue import read_prompts
from ivr.prompts.shelf import CUSTOM, Shelf, State, look
from ivr.selfservice.server import Server
from tests.support.heard import heard, now, played
from tests.support.live import until
from tests.support.voice import voice

pytestmark = pytest.mark.line

PROMPT = "hotline/goodbye"
NUMBER = [one.id for one in read_prompts(dialplan_directory())].index(PROMPT) + 1
ROW = read_prompts(dialplan_directory())[NUMBER - 1]


def spoken(seconds: float) -> bytes:
    """A voice as µ-law."""
    out = io.BytesIO()
    soundfile.write(out, voice(8_000, seconds, around=0.0), 8_000, format="RAW", subtype="ULAW")
    return out.getvalue()


@pytest.fixture
async def shelf(on_stage: Stage) -> AsyncIterator[Shelf]:
    """The lab's sounds, with somebody who keeps takes; afterwards as they were."""
    lab = on_stage.lab
    place = keeping.Place(lab.instance / "data/sounds", lab.instance / "spool/takes")
    server = Server({keeping.NAME: keeping.Keeper([place]).session}, peers=["127.0.0.0/8"])
    await server.start(address(lab.number, 3), FASTAGI_PORT)
    yield Shelf(place.sounds)
    await server.stop()
    for language in ("th", "en"):
        shutil.rmtree(place.sounds / language / CUSTOM, ignore_errors=True)


class Recorder:
    """An officer who records, and what he has heard so far."""

    def __init__(self, place: Stage, leg: Leg) -> None:
        self.leg = leg
        self._lab = place.lab
        self._since = now(place.lab)
        self._told: list[str] = []

    @property
    def sounds(self) -> list[str]:
        text = self._lab.log.read_bytes()[self._since :].decode("utf-8", "replace")
        return [one.sound for one in played(text, f"PJSIP/{RECORDS}-")]

    async def hears(self, *sounds: str) -> None:
        """Waits for what comes next, and for nothing else to have come before it."""
        self._told += sounds
        await heard(self._lab, f"PJSIP/{RECORDS}-", self._told, since=self._since)
        assert [_take(one) for one in self.sounds] == self._told

    async def records(self, seconds: float, sound: bytes) -> None:
        """Speaks for so long, of which the beep takes some, then presses #."""
        await self.hears("hotline/record-speak", "beep")
        self.leg.media.speech = sound
        await talk(seconds)
        self.leg.media.speech = b""
        await self.leg.press("#")
        await self.hears("TAKE", "hotline/record-choose")


def _take(sound: str) -> str:
    return "TAKE" if "/takes/" in sound else sound


async def dial(place: Stage, code: str) -> Recorder:
    phone = await place.officer(RECORDS)
    recorder = Recorder(place, await phone.call(code))
    await recorder.leg.up()
    return recorder


def seconds_of(shelf: Shelf, name: str = "goodbye.wav", language: str = "th") -> float:
    with wave.open(str(shelf.sounds / language / CUSTOM / "hotline" / name)) as file:
        return file.getnframes() / file.getframerate()


async def test_a_prompt_is_recorded_kept_and_heard(on_stage: Stage, shelf: Shelf) -> None:
    officer = await dial(on_stage, "*771")
    await officer.hears("hotline/record-number")
    await officer.leg.press("9999#")
    await officer.hears("hotline/record-unknown", "hotline/record-number")
    await officer.leg.press(f"{NUMBER}#")
    await officer.records(1.2, spoken(0.6))
    await officer.leg.press("3")  # nobody has recorded it: the old one is a tone
    await officer.hears(PROMPT, "hotline/record-choose")
    assert shelf.state(ROW, "th") is State.PLACEHOLDER
    await officer.leg.press("1")
    await officer.hears("hotline/record-kept", "hotline/record-number")
    assert shelf.state(ROW, "th") is State.RECORDED
    look(shelf.recorded(PROMPT, "th"), 8_000)
    first = seconds_of(shelf)
    assert 0.4 < first < 1.5
    await officer.leg.press(f"{NUMBER}#")
    await officer.records(0.5, b"")
    await officer.leg.press("1")  # he has said nothing
    await officer.hears("hotline/record-bad", "hotline/record-choose")
    assert seconds_of(shelf) == first
    await officer.leg.press("2")
    await officer.records(2.4, spoken(0.6))
    await officer.leg.press("*")
    await officer.hears("hotline/record-number")
    assert seconds_of(shelf) == first
    await officer.leg.press(f"{NUMBER}#")
    await officer.records(2.4, spoken(0.6))
    await officer.leg.press("1")
    await officer.hears("hotline/record-kept", "hotline/record-number")
    assert seconds_of(shelf) > first + 0.5
    assert seconds_of(shelf, "goodbye.before.wav") == first
    assert shelf.state(ROW, "en") is State.PLACEHOLDER
    await officer.leg.press("*#")
    await officer.leg.ended()
    text = on_stage.lab.log.read_bytes().decode("utf-8", "replace")
    old = [one for one in played(text, f"PJSIP/{RECORDS}-") if one.sound == PROMPT]
    assert [(one.language, one.recorded) for one in old] == [("th", False)]


async def test_without_a_bridge_nothing_is_kept_and_it_is_said(on_stage: Stage) -> None:
    officer = await dial(on_stage, "*772")
    await officer.hears("hotline/record-number")
    await officer.leg.press(f"{NUMBER}#")
    await officer.records(0.5, spoken(0.5))
    await officer.leg.press("1")
    await officer.hears("hotline/record-not-kept", "hotline/record-choose")
    officer.leg.hang_up()


async def test_who_has_no_permission_and_callers_come_nowhere(on_stage: Stage) -> None:
    phone = await on_stage.officer(1001)
    refused = await phone.call("*771")
    carrier = await on_stage.carrier()
    callers = [await carrier.call(number) for number in ("*771", "771", "*772")]
    for leg in (refused, *callers):
        await until("the call is refused", lambda leg=leg: leg.state == "ended")
        assert leg.refusal == 404, leg.refusal


async def test_a_caller_handed_to_a_recording_is_put_out(on_stage: Stage, shelf: Shelf) -> None:
    officer = await on_stage.officer(RECORDS)
    caller, leg = await on_stage.served_by(officer)
    await leg.hold()
    since, seen = now(on_stage.lab), on_stage.witness.mark()
    takes = on_stage.lab.instance / "spool/takes"
    before = set(takes.iterdir())
    second = await officer.call("*771")
    await second.up()
    wanted = ["hotline/record-number"]
    await heard(on_stage.lab, f"PJSIP/{RECORDS}-", wanted, since=since)
    leg.refer_to(second)
    await leg.transferred()
    await caller.press(f"{NUMBER}#")
    await caller.ended()
    out = await on_stage.witness.seen(
        "the caller put out of it",
        lambda e: e.get("Event") == "Newexten" and e.get("Context") == "prompt-recording"
        and e["Channel"].startswith("PJSIP/trunk-") and e["Application"] == "Hangup",
        since=seen,
    )  # fmt: skip
    assert out["Extension"] == "over"
    led = [e for e in on_stage.witness.events[seen:] if e.get("Event") == "Newexten"]
    assert ("record", "1?over,1") in [(e["Extension"], e.get("AppData")) for e in led]
    text = on_stage.lab.log.read_bytes()[since:].decode("utf-8", "replace")
    assert "hotline/record-speak" not in {one.sound for one in played(text)}
    assert set(takes.iterdir()) == before
    assert shelf.state(ROW, "th") is State.PLACEHOLDER
