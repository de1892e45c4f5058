"""Callers who leave a message out of office hours: what they hear, and what is kept of it."""

from __future__ import annotations

import base64
import errno
import io
import sqlite3
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import soundfile
from pydantic import SecretStr

from crm_bridge.app import App
from crm_bridge.config_recordings import RecordingsSection
from crm_bridge.recordings import book, voicemail
from crm_bridge.recordings.vault import Vault
from crm_bridge.records.database import Database
from ivr.lab.asterisk import Lab
from ivr.lab.root import Root
from ivr.lab.sipua import talk
from ivr.lab.stage import Stage
from ivr.selfservice import closed, saying, wish
from tests.line.test_hours import (
    CONFIRM,
    EVENING,
    GOODBYE,
    HOURS,
    MOMENT,
    NOTICE,
    TAKEN,
    TO_OFFICER,
    WallClock,
    announced,
    at_most_three,
    ends,
)
from tests.line.test_selfservice import place
from tests.support.lab import own_lab
from tests.support.live import assert_sound, bridge, bridge_config, caught_up, until
from tests.support.migrated import sqlite_url
from tests.support.selfservice import Caller, Ear, calls_in
from tests.support.voice import voice

pytestmark = pytest.mark.line

SPEAK, CHOOSE, KEPT = "hotline/message-speak", "hotline/message-choose", "hotline/message-kept"
NOT_KEPT = "hotline/message-not-kept"
OFFER = [
    "hotline/closed-call-back", "hotline/closed-message", "hotline/menu-status",
    "hotline/menu-market", "hotline/menu-repeat",
]  # fmt: skip
LAST = OFFER[-1]
KEYS = RecordingsSection(keys={"k1": SecretStr(base64.b64encode(bytes(range(32))).decode())})


@pytest.fixture(scope="module")
def lab(lab_root: Root, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with own_lab(lab_root, tmp_path_factory) as there:
        yield there


@pytest.fixture(scope="module")
def speech() -> bytes:
    """A voice as µ-law."""
    out = io.BytesIO()
    soundfile.write(out, voice(8_000, 6.0, around=0.0), 8_000, format="RAW", subtype="ULAW")
    return out.getvalue()


@pytest.fixture
async def ear(on_stage: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ear]:
    monkeypatch.setattr(wish, "KEY_WAIT", 1.5)
    monkeypatch.setattr(closed, "OFFER_WAIT", 1.5)
    await on_stage.carrier()
    await on_stage.witness.act("Setvar", Variable="HOURS", Value="1")
    yield Ear(on_stage)
    await on_stage.witness.act("Setvar", Variable="HOURS", Value="0")


def takes(lab: Lab) -> Path:
    return lab.instance / "spool/takes"


@asynccontextmanager
async def office(lab: Lab, file: Path, *, quits: bool = False) -> AsyncIterator[App]:
    """A bridge that has a key; `quits`: it goes away while somebody speaks."""
    config = bridge_config(file, lab)
    nodes = [node.model_copy(update={"takes": takes(lab)}) for node in config.node]
    desk = config.desk.model_copy(update={"data_dir": file.parent / "desk-data"})
    config = config.model_copy(
        update={"selfservice": place(lab), "hours": HOURS, "recordings": KEYS, "node": nodes,
                "desk": desk}
    )  # fmt: skip
    async with bridge(config, WallClock(EVENING)) as app:
        service = app.selfservice
        assert service is not None
        await until("the calendar is read", lambda: service.office.known)
        yield app
        if not quits:
            await caught_up(app)
            await until("no session is left", lambda: not len(service.server))
    if not quits:
        assert_sound(app)


async def arrives(stage: Stage, ear: Ear, number: str, *, withheld: bool = False) -> Caller:
    return await calls_in(stage, ear, number, withheld=withheld, after=NOTICE)


async def speaks(caller: Caller, speech: bytes, times: int = 1, seconds: float = 2.0) -> None:
    """Speaks after the tone."""
    await caller.hears("beep", times)
    caller.leg.media.speech = speech
    await talk(seconds)


def told(heard: list[str]) -> list[str]:
    """What was heard; the caller's own voice is TAKE."""
    return ["TAKE" if "/takes/" in sound else sound for sound in heard]


async def messages(file: Path) -> dict[str | None, tuple[str, float]]:
    """By number: the recording's id and how long it is."""
    database = Database(f"sqlite:///{file}")
    try:
        async with database.reading() as connection:
            found = await voicemail.waiting(connection)
    finally:
        await database.close()
    return {one.number: (one.recording_id, one.length_us / 1_000_000) for one in found}


async def test_a_message_is_spoken_heard_spoken_again_and_kept_sealed(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path, speech: bytes
) -> None:
    file = tmp_path / "hotline.db"
    await sqlite_url(file)

    async def takes_care() -> list[str]:
        caller = await arrives(on_stage, ear, "0812345678")
        await caller.keys(LAST, "2")
        await speaks(caller, speech)
        caller.leg.media.speech = b""
        await caller.leg.press("#")
        await caller.keys(CHOOSE, "2")
        await caller.keys(CHOOSE, "3", 2)
        await speaks(caller, speech, 2, 3.0)
        caller.leg.media.speech = b""
        await caller.leg.press("#")
        await caller.keys(CHOOSE, "1", 3)
        await caller.hears(GOODBYE)
        await caller.gone()
        assert caller.outcomes() == ["voicemail:kept"]
        return told(caller.sounds)

    async def hangs_up(number: str, *, withheld: bool = False) -> list[str]:
        caller = await arrives(on_stage, ear, number, withheld=withheld)
        await caller.keys(LAST, "2")
        await speaks(caller, speech)
        await ends(caller)
        return caller.outcomes()

    async with office(lab, file) as app:
        careful, hung_up, hidden = await at_most_three(
            takes_care(), hangs_up("0823456789"), hangs_up("0800000000", withheld=True)
        )
        await on_stage.quiet()
        assert app.vault is not None
        vault = app.vault
    thai = [*announced(), *OFFER]
    again = [CHOOSE, "TAKE", CHOOSE, "beep", CHOOSE]
    assert careful == [*thai, SPEAK, "beep", *again, MOMENT, KEPT, GOODBYE]
    assert hung_up == hidden == ["voicemail:spoken"]

    found = await messages(file)
    assert set(found) == {"+66812345678", "+66823456789", None}
    assert 2.0 < found["+66812345678"][1] < 6.0  # the second one, not both
    assert not list(takes(lab).glob("message-*"))
    await decoded(file, vault, found["+66812345678"][0])
    with sqlite3.connect(file) as raw:
        marks = {value for (value,) in raw.execute("SELECT value FROM marks")}
    assert not {value for value in marks if "812345678" in value}


async def decoded(file: Path, vault: Vault, recording_id: str) -> None:
    """On disk nobody can read it; with the key it is a file of sound."""
    sealed = vault.path(recording_id).read_bytes()
    assert b"RIFF" not in sealed
    database = Database(f"sqlite:///{file}")
    try:
        async with database.reading() as connection:
            one = await book.one(connection, recording_id)
    finally:
        await database.close()
    assert one is not None
    assert one.key is not None
    with wave.open(io.BytesIO(b"".join(vault.read(one.id, one.key)))) as sound:
        assert sound.getframerate() == 8_000
        assert max(sound.readframes(sound.getnframes())) > 0


async def test_a_message_that_cannot_be_kept_becomes_a_call_back_and_none_is_lost(
    lab: Lab, on_stage: Stage, ear: Ear, tmp_path: Path, speech: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    file = tmp_path / "hotline.db"
    await sqlite_url(file)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Vault, "put", full)
        async with office(lab, file):
            caller = await arrives(on_stage, ear, "0812345678")
            await caller.keys(LAST, "2")
            await speaks(caller, speech)
            caller.leg.media.speech = b""
            await caller.leg.press("#")
            await caller.keys(CHOOSE, "1")
            await caller.keys(CONFIRM, "1")
            await caller.hears(GOODBYE)
            await caller.gone()
            await on_stage.quiet()
    said = ["hotline/callback-number", *saying.digits("0812345678"), CONFIRM]
    assert caller.outcomes() == ["voicemail:failed", "callback:asked"]
    assert told(caller.sounds)[-len(said) - 5 :] == [
        MOMENT, NOT_KEPT, *said, MOMENT, TAKEN, GOODBYE,
    ]  # fmt: skip
    assert await messages(file) == {}

    async with office(lab, file, quits=True):
        caller = await arrives(on_stage, ear, "0823456789")
        await caller.keys(LAST, "2")
        await speaks(caller, speech)
    caller.leg.media.speech = b""
    await caller.leg.press("#")
    await caller.sees("QueueCallerJoin", Queue="information")
    assert TO_OFFICER in caller.sounds
    assert caller.outcomes() == ["voicemail:failed"]
    await ends(caller)
    await on_stage.quiet()

    async with office(lab, file) as app:
        assert app.voice_rounds is not None
        assert await app.voice_rounds.messages.take_up(0.0) == 2
    found = await messages(file)
    assert set(found) == {"+66812345678", "+66823456789"}
    assert not list(takes(lab).glob("message-*"))
