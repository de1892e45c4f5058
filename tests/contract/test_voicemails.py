"""Messages that callers leave and calls that are recorded: kept, tasks, deleted; both engines."""

from __future__ import annotations

import asyncio
import os
import wave
from pathlib import Path

import pytest
from sqlalchemy import select, update

from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.config_recordings import RecordingsSection
from crm_bridge.desk.lost_calls import lost_calls
from crm_bridge.errors import Refused
from crm_bridge.people import room_voices
from crm_bridge.people.subject import Subject
from crm_bridge.recordings import book, voicemail
from crm_bridge.recordings.conversations import Conversations
from crm_bridge.recordings.keyring import Keyring, SealFault
from crm_bridge.recordings.rounds import Rounds
from crm_bridge.recordings.taking import Takes
from crm_bridge.recordings.vault import Vault
from crm_bridge.recordings.voicemail import NotKept, Voicemails
from crm_bridge.records.desk_tables.recordings import recordings
from crm_bridge.selfservice.office import Office
from ivr.calls.call import Mark, Outcome
from ivr.selfservice.port import CallBack, Message, Unanswered
from tests.support.desk_calls import SECOND, lost, save
from tests.support.desk_clock import HeldClock

OWN, OTHER = "+66812345678", "+6625074444"
KEY = {"k1": bytes(range(32))}


class Place:
    """A desk with a vault, and an Asterisk that lays messages down."""

    def __init__(self, database, folder: Path) -> None:
        self.database = database
        self.clock = HeldClock("2026-11-23T18:00")
        self.folder = folder / "takes"
        self.folder.mkdir()
        self.vault = Vault(folder / "data", Keyring(KEY, "k1"))
        self.messages = Voicemails(database, self.clock, self.vault, [Takes("lab1", self.folder)])
        self.messages.call_of = lambda uniqueid: f"lab1-{uniqueid}"
        self.office = Office(database, self.clock, None, messages=self.messages)
        self.calls = folder / "monitor"
        self.calls.mkdir()
        self.conversations = Conversations(
            database, self.clock, self.vault, [Takes("lab1", self.calls)]
        )
        section = RecordingsSection(voicemail_days=30, call_days=10)
        self.rounds = Rounds(
            database, self.clock, section, self.vault, self.messages, self.conversations
        )

    def says(self, uniqueid: str, seconds: float = 3.0) -> Path:
        return self.written(self.folder / f"message-{uniqueid}.wav", seconds)

    def records(self, uniqueid: str, seconds: float = 3.0) -> Path:
        return self.written(self.calls / f"{uniqueid}.wav", seconds)

    def written(self, path: Path, seconds: float) -> Path:
        with wave.open(str(path), "wb") as sound:
            sound.setparams((1, 2, 8_000, 0, "NONE", ""))
            sound.writeframes(os.urandom(round(seconds * 8_000) * 2))
        return path

    async def waiting(self, *, done: bool = False):
        async with self.database.reading() as connection:
            return await voicemail.waiting(connection, done=done)

    async def sound(self, recording_id: str) -> bytes:
        async with self.database.reading() as connection:
            one = await book.one(connection, recording_id)
        return b"".join(self.vault.read(one.id, one.key))

    def files(self) -> list[str]:
        return [path.name for path in self.vault.folder.rglob("*") if path.is_file()]


@pytest.fixture
def place(database, tmp_path):
    return Place(database, tmp_path)


def out_of_hours(place, number, presented="0812345678"):
    call = lost(number, place.clock.at - 600 * SECOND, Outcome.ABANDONED_MENU,
                presented=presented, queued=False)  # fmt: skip
    call.marks = [Mark("closed", call.entered_at + SECOND, "after")]
    return call


async def test_a_message_is_a_task_in_place_of_the_lost_call(place):
    call, silent = out_of_hours(place, 1), out_of_hours(place, 2, "0899999999")
    await save(place.database, call, silent)
    uniqueid = call.call_id.removeprefix("lab1-")
    spoken = place.says(uniqueid).read_bytes()
    told = []
    place.office.on_wish = lambda: told.append(1)
    assert place.office.takes_messages
    assert await place.office.keep_message(Message(uniqueid, OWN))
    (message,) = await place.waiting()
    assert (message.call_id, message.number) == (call.call_id, OWN)
    assert (message.left_us, message.length_us) == (place.clock.at, 3 * SECOND)
    assert await place.sound(message.recording_id) == spoken
    assert not list(place.folder.iterdir())
    assert told == [1]
    async with place.database.reading() as connection:
        assert [one.e164 for one in await lost_calls(connection, place.clock)] == ["+66899999999"]
    # who asks to be called back as well is there too: he said where
    await place.office.call_back(CallBack(uniqueid, OTHER))
    async with place.database.reading() as connection:
        assert OTHER in [one.e164 for one in await lost_calls(connection, place.clock)]


async def test_a_message_is_done_once(place):
    place.says("1.1")
    await place.messages.keep("1.1", None)
    (message,) = await place.waiting()
    assert message.number is None
    async with place.database.writing() as connection:
        me = await accounts.create(
            connection, place.clock, login="malee", role=Role.AGENT, name_th="ก"
        )
        for _ in range(2):
            await voicemail.dealt_with(connection, place.clock, me, message.recording_id)
            place.clock.forward(minutes=5)
        with pytest.raises(Refused):
            await voicemail.dealt_with(connection, place.clock, me, "0" * 32)
    assert await place.waiting() == []
    (done,) = await place.waiting(done=True)
    assert done.done_us == message.left_us


@pytest.mark.parametrize("seconds", [0.0, 0.4])
async def test_where_nothing_is_said_nothing_is_kept(place, seconds):
    place.says("1.1", seconds)
    assert await place.messages.keep("1.1", OWN) is False
    assert await place.messages.keep("1.2", OWN) is False  # never recorded
    assert (await place.waiting(), place.files(), list(place.folder.iterdir())) == ([], [], [])


@pytest.mark.parametrize("name", ["../1.1", "1", "", "1.1/..", "a b.1", "1.1.wav\n"])
async def test_what_names_no_channel_is_no_path(place, name):
    with pytest.raises(NotKept):
        await place.messages.keep(name, OWN)


async def test_a_link_in_the_place_of_a_message_is_no_message(place, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"RIFF of somebody else")
    (place.folder / "message-1.1.wav").symlink_to(secret)
    assert await place.messages.keep("1.1", OWN) is False
    assert secret.exists()
    assert place.files() == []


async def test_a_second_message_of_a_call_takes_the_place_of_the_first(place):
    for seconds in (2.0, 4.0):
        place.says("1.1", seconds)
        await place.messages.keep("1.1", OWN)
    (message,) = await place.waiting()
    assert message.length_us == 4 * SECOND
    await place.rounds.go()
    assert place.files() == [message.recording_id]


async def test_what_stands_in_the_way_is_told_and_nothing_is_lost(place, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    path = place.says("1.1")
    with monkeypatch.context() as disk:
        disk.setattr(Vault, "put", full)
        with pytest.raises(Unanswered):
            await place.office.keep_message(Message("1.1", OWN))
    assert path.exists()
    hurried = Voicemails(
        place.database, place.clock, place.vault, [Takes("lab1", place.folder)], within=0.0
    )
    with pytest.raises(NotKept):
        await hurried.keep("1.1", OWN)
    assert path.exists()
    assert await place.messages.take_up(0.0) == 1
    (message,) = await place.waiting()
    assert message.call_id == "lab1-1.1"
    assert not path.exists()
    await place.rounds.sweep()


async def test_a_round_takes_up_what_lies_there_and_only_then_when_it_is_old(place):
    call = out_of_hours(place, 1)
    await save(place.database, call)
    path = place.says(call.call_id.removeprefix("lab1-"))
    (place.folder / "message-not one of ours.wav").write_bytes(b"x")
    told = []
    place.rounds.on_taken = lambda: told.append(1)
    await place.rounds.go()
    assert await place.waiting() == []
    os.utime(path, (0, 0))
    await place.rounds.go()
    (message,) = await place.waiting()
    assert (message.call_id, message.number, told) == (call.call_id, OWN, [1])


async def test_the_rule_deletes_for_good(place):
    for uniqueid in ("1.1", "1.2"):
        place.says(uniqueid)
        await place.messages.keep(uniqueid, OWN)
        place.clock.forward(minutes=30 * 24 * 60 - 1)
    old, young = await place.waiting()
    await place.rounds.go()
    assert await place.waiting() == [old, young][1:]
    assert place.files() == [young.recording_id]
    async with place.database.reading() as connection:
        gone = await book.one(connection, old.recording_id)
        assert (gone.key, gone.gone_why) == (None, "retention")
        assert await book.to_clear(connection) == []


async def test_what_is_held_of_a_person_is_given_out_and_erased(place):
    call = out_of_hours(place, 1)
    await save(place.database, call)
    for uniqueid, number in (
        (call.call_id.removeprefix("lab1-"), None), ("1.2", OWN), ("1.3", "+66899999999"),
    ):  # fmt: skip
        place.says(uniqueid)
        await place.messages.keep(uniqueid, number)
    subject = Subject(ids=(), numbers=(OWN,), shared=(), emails=())
    async with place.database.writing() as connection:
        held = await room_voices.held(connection, subject)
        assert {one["call_id"] for one in held} == {call.call_id, "lab1-1.2"}
        assert await room_voices.erase(connection, place.clock, subject, frozenset()) == 2
        assert await room_voices.held(connection, subject) == []
    # the key is gone with the commit, whatever becomes of the file
    with pytest.raises(AttributeError):
        await place.sound(held[0]["recording_id"])
    (left,) = await place.waiting()
    assert left.number == "+66899999999"
    await place.rounds.go()
    assert place.files() == [left.recording_id]


async def test_all_keys_are_sealed_anew_and_the_old_one_can_go(place, tmp_path):
    for n in range(3):
        place.says(f"1.{n}")
        await place.messages.keep(f"1.{n}", OWN)
    both = Keyring(KEY | {"k2": bytes(32)}, "k2")
    async with place.database.writing() as connection:
        assert await book.reseal(connection, both) == 3
        assert await book.reseal(connection, both) == 0
        assert set((await connection.execute(select(recordings.c.key_id))).scalars()) == {"k2"}
    place.vault = Vault(tmp_path / "data", Keyring({"k2": bytes(32)}, "k2"))
    for message in await place.waiting():
        assert (await place.sound(message.recording_id)).startswith(b"RIFF")
    async with place.database.writing() as connection:
        await connection.execute(update(recordings).values(key_id="k9"))
        with pytest.raises(SealFault, match="'k9'"):
            await book.reseal(connection, both)


async def test_a_file_of_which_no_row_speaks_is_swept(place):
    place.says("1.1")
    await place.messages.keep("1.1", OWN)
    (message,) = await place.waiting()
    stray = place.vault.path("f" * 32)
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x")
    for path in (stray, place.vault.path(message.recording_id)):
        os.utime(path, (0, 0))
    await place.rounds.sweep()
    assert place.files() == [message.recording_id]


async def test_rounds_go_on_after_a_fault(place, monkeypatch):
    """A database that is away for a while is no reason to end."""
    seen = asyncio.Event()

    async def fails():
        seen.set()
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(place.rounds, "go", fails)
    running = asyncio.create_task(place.rounds.run())
    await seen.wait()
    await asyncio.sleep(0)
    assert not running.done()
    running.cancel()


async def test_a_conversation_is_sealed_once_it_is_over(place):
    over, under_way = place.records("1.1"), place.records("1.2", 200.0)
    nobody, stranger = place.records("1.3", 0.0), place.records("not-one-of-ours")
    place.conversations.live = lambda call_id: call_id == "lab1-1.2"
    said = over.read_bytes()
    assert await place.conversations.take_up() == 0  # Asterisk has hardly put it down
    assert await place.conversations.take_up(0.0) == 1
    assert (over.exists(), under_way.exists(), nobody.exists()) == (False, True, False)
    assert stranger.exists()
    async with place.database.reading() as connection:
        (one,) = await book.of_call(connection, "lab1-1.1")
    assert (one.kind, one.length_us) == ("call", 3 * SECOND)
    assert await place.sound(one.id) == said
    assert await place.waiting() == []  # it is nobody's task
    place.conversations.live = lambda _: False
    assert await place.conversations.take_up(0.0) == 1
    async with place.database.reading() as connection:
        (long,) = await book.of_call(connection, "lab1-1.2")
    assert len(await place.sound(long.id)) > 3_200_000


async def test_a_bridge_that_ended_half_way_keeps_a_conversation_once(place, monkeypatch):
    """The row was written, the open file not yet deleted."""
    path = place.records("1.1")
    said = path.read_bytes()
    with monkeypatch.context() as away:
        away.setattr(Path, "unlink", lambda *_, **__: None)
        await place.conversations.take_up(0.0)
    assert path.exists()
    await place.conversations.take_up(0.0)
    await place.rounds.go()
    async with place.database.reading() as connection:
        before, one = sorted(
            await book.of_call(connection, "lab1-1.1"), key=lambda r: r.key is not None
        )
    assert before.gone_why == "replaced"
    assert await place.sound(one.id) == said
    assert place.files() == [one.id]


async def test_each_kind_has_its_own_days_and_a_person_is_forgotten_in_both(place):
    call = out_of_hours(place, 1)
    await save(place.database, call)
    place.records(call.call_id.removeprefix("lab1-"))
    place.says("1.9")
    await place.conversations.take_up(0.0)
    await place.messages.keep("1.9", OWN)
    place.clock.forward(days=11)
    await place.rounds.go()
    async with place.database.reading() as connection:
        (gone,) = await book.of_call(connection, call.call_id)
    assert gone.gone_why == "retention"
    (message,) = await place.waiting()
    assert place.files() == [message.recording_id]
    place.records(call.call_id.removeprefix("lab1-"))
    await place.conversations.take_up(0.0)
    subject = Subject(ids=(), numbers=(OWN,), shared=(), emails=())
    async with place.database.writing() as connection:
        assert await room_voices.erase(connection, place.clock, subject, frozenset()) == 2
    await place.rounds.go()
    assert place.files() == []
