"""Messages that callers leave and calls that are recorded: kept, tasks, deleted; both engines."""

from __future__ import annotations

import asyncio
import os
import time
import wave
from pathlib import Path

import pytest
from sqlalchemy import event, select, update
from structlog.testing import capture_logs

from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.config_recordings import RecordingsSection
from crm_bridge.desk.lost_calls import lost_calls
from crm_bridge.errors import Refused, StorageError
from crm_bridge.people import room_voices
from crm_bridge.people.subject import Subject
from crm_bridge.recordings import book, voicemail
from crm_bridge.recordings.conversations import Conversations
from crm_bridge.recordings.in_the_open import InTheOpen
from crm_bridge.recordings.keyring import Keyring, SealFault
from crm_bridge.recordings.rounds import SWEEP_EVERY, Rounds
from crm_bridge.recordings.taking import Takes
from crm_bridge.recordings.vault import Vault
from crm_bridge.recordings.voicemail import NotKept, Voicemails
from crm_bridge.records.desk_tables.recordings import recordings
from crm_bridge.records.tables import calls
from crm_bridge.selfservice.office import Office
from ivr.calls.call import Call, Mark, Outcome
from ivr.selfservice.port import CallBack, Message, Unanswered
from tests.support.desk_calls import SECOND, lost, save, served
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
        self.conversations.over = lambda _, __: True
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

    async def spoken(self, number: int, **how) -> tuple[Call, Path]:
        """A call that is over and on record, and what Asterisk recorded of it."""
        call = served(number, self.clock.at - 600 * SECOND, **how)
        await save(self.database, call)
        return call, self.records(call.call_id.removeprefix("lab1-"))

    async def of(self, call: Call):
        async with self.database.reading() as connection:
            return await book.of_call(connection, call.call_id)

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


@pytest.mark.parametrize(
    "name", ["../1.1", "1", "", "1.1/..", "a b.1", "1.1.wav\n", "../a-1.1", ".a-1.1", "..-1.1"]
)
async def test_what_names_no_channel_is_no_path(place, name):
    with pytest.raises(NotKept):
        await place.messages.keep(name, OWN)


async def test_a_link_in_the_place_of_a_message_is_no_message(place, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"RIFF of somebody else")
    (place.folder / "message-1.1.wav").symlink_to(secret)
    with pytest.raises(NotKept):
        await place.messages.keep("1.1", OWN)
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


async def test_what_lies_in_the_open_is_deleted_by_the_same_rule_and_on_record(place):
    """There is no key: nothing is sealed, and nothing stays for longer than it may."""
    rounds = Rounds(place.database, place.clock, RecordingsSection(call_days=10), place.vault)
    rounds.in_the_open = lying = InTheOpen(
        place.database, place.clock, place.vault,
        calls=[Takes("lab1", place.calls)], messages=[Takes("lab1", place.folder)],
    )  # fmt: skip
    call, old = await place.spoken(1)
    ten, ninety = (time.time() - days * 86_400 for days in (10, 90))
    os.utime(old, (ten, ten - 1))
    young = place.records("1.2")
    os.utime(young, (ten, ten + 60))
    stray = place.calls / "notes.wav"
    stray.write_bytes(b"none of Asterisk's")
    os.utime(stray, (0, 0))
    message = place.says("1.3")
    os.utime(message, (ninety, ninety - 1))
    with capture_logs() as logs:
        await rounds.go()
    assert (old.exists(), young.exists(), message.exists()) == (False, True, False)
    assert stray.exists()
    assert [one["file"] for one in logs if one["log_level"] == "error"] == ["notes.wav"]
    (gone,) = await place.of(call)
    assert (gone.key, gone.gone_us, gone.gone_why) == (None, place.clock.at, "retention")
    assert (gone.kind, gone.length_us) == ("call", 3 * SECOND)
    async with place.database.reading() as connection:
        assert await book.to_clear(connection) == []
        (left,) = await book.of_call(connection, "lab1-1.3")
        assert (left.kind, left.gone_why) == ("voicemail", "retention")
    assert await lying.expire({"call": 10, "voicemail": 90}) == 0


async def test_an_open_file_that_cannot_be_deleted_is_on_no_record_as_gone(place, monkeypatch):
    lying = InTheOpen(
        place.database, place.clock, place.vault, calls=[Takes("lab1", place.calls)], messages=[]
    )
    call, old = await place.spoken(1)
    os.utime(old, (0, 0))

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as disk, capture_logs() as logs:
        disk.setattr(Path, "unlink", refused)
        for _ in range(2):
            assert await lying.expire({"call": 10, "voicemail": 90}) == 0
    assert [one["log_level"] for one in logs] == ["error"]
    assert await place.of(call) == []
    assert await lying.expire({"call": 10, "voicemail": 90}) == 1
    assert len(await place.of(call)) == 1


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


async def test_all_keys_are_sealed_anew_and_the_old_one_can_go(place, tmp_path, monkeypatch):
    for n in range(3):
        place.says(f"1.{n}")
        await place.messages.keep(f"1.{n}", OWN)
    both = Keyring(KEY | {"k2": bytes(32)}, "k2")
    monkeypatch.setattr(book, "PAGE", 2)
    async with place.database.writing() as connection:
        done, last = await book.reseal(connection, both)
        assert done == 2
        assert await book.reseal(connection, both, last) == (1, None)
        assert await book.reseal(connection, both) == (0, last)
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
        raise StorageError("the database is locked", where="here", mend="wait")

    async def last():
        seen.set()
        return 0

    monkeypatch.setattr(book, "too_old", lambda *_: fails())
    monkeypatch.setattr(place.messages, "take_up", fails)
    monkeypatch.setattr(place.conversations, "take_up", last)
    running = asyncio.create_task(place.rounds.run())
    await asyncio.wait_for(seen.wait(), 20)
    await asyncio.sleep(0)
    assert not running.done()
    running.cancel()


async def test_the_vault_is_swept_again_and_again(place, monkeypatch):
    """What a put that timed out leaves behind is not there until the next start."""
    swept, rounds = [], []

    async def sweep():
        swept.append(len(rounds))

    async def go():
        rounds.append(1)
        if len(rounds) > 2 * SWEEP_EVERY:
            raise asyncio.CancelledError

    monkeypatch.setattr("crm_bridge.recordings.rounds.EVERY", 0.0)
    monkeypatch.setattr(place.rounds, "sweep", sweep)
    monkeypatch.setattr(place.rounds, "go", go)
    with pytest.raises(asyncio.CancelledError):
        await place.rounds.run()
    assert swept == [0, SWEEP_EVERY, 2 * SWEEP_EVERY]


async def test_a_conversation_is_sealed_once_it_is_over(place):
    call, over = await place.spoken(1)
    longer, under_way = await place.spoken(2)
    _, nobody = await place.spoken(3)
    place.written(under_way, 200.0)
    place.written(nobody, 0.0)
    stranger = place.records("not-one-of-ours")
    place.conversations.over = lambda call_id, _: call_id != longer.call_id
    said = over.read_bytes()
    assert await place.conversations.take_up() == 0  # Asterisk has hardly put it down
    assert await place.conversations.take_up(0.0) == 1
    assert (over.exists(), under_way.exists(), nobody.exists()) == (False, True, False)
    assert stranger.exists()
    (one,) = await place.of(call)
    assert (one.kind, one.length_us) == ("call", 3 * SECOND)
    assert await place.sound(one.id) == said
    assert await place.waiting() == []  # it is nobody's task
    place.conversations.over = lambda _, __: True
    assert await place.conversations.take_up(0.0) == 1
    (long,) = await place.of(longer)
    assert len(await place.sound(long.id)) > 3_200_000


async def test_a_bridge_that_ended_half_way_keeps_a_conversation_once(place, monkeypatch):
    """The row was written, the open file not yet deleted."""
    call, path = await place.spoken(1)
    said = path.read_bytes()
    with monkeypatch.context() as away:
        away.setattr(Path, "unlink", lambda *_, **__: None)
        await place.conversations.take_up(0.0)
    assert path.exists()
    await place.conversations.take_up(0.0)
    await place.rounds.go()
    assert not path.exists()
    (one,) = await place.of(call)
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


def unfinished(path: Path, head: int = 44) -> bytes:
    """Makes it what Asterisk has on disk before it closes a file: no size in the header."""
    content = path.read_bytes()
    path.write_bytes((content[:4] + bytes(4) + content[8:40] + bytes(4) + content[44:])[:head]
                     + content[44:])  # fmt: skip
    return content


async def test_what_asterisk_had_no_time_to_close_is_kept_whole(place):
    """A header says nothing of the length before the file is closed: never, after a crash."""
    call, path = await place.spoken(1)
    said = unfinished(path)
    assert await place.conversations.take_up(0.0) == 1
    (one,) = await place.of(call)
    assert one.length_us == 3 * SECOND
    assert await place.sound(one.id) == said  # a browser plays it: its header is whole
    said = unfinished(place.says("1.1"))
    assert await place.messages.keep("1.1", OWN)
    (message,) = await place.waiting()
    assert (message.length_us, await place.sound(message.recording_id)) == (3 * SECOND, said)


@pytest.mark.parametrize("size", [0, 20, 44])
async def test_what_holds_no_sound_is_deleted(place, size):
    _, path = await place.spoken(1)
    path.write_bytes(path.read_bytes()[:size])
    assert await place.conversations.take_up(0.0) == 0
    assert (path.exists(), place.files()) == (False, [])


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:24] + bytes(8) + data[32:],  # no samples a second
        lambda data: bytes(len(data)),
        lambda data: b"RIFX" + data[4:],
    ],
)
async def test_what_is_no_sound_stays_is_told_once_and_holds_up_nothing(place, damage):
    _, bad = await place.spoken(1)
    bad.write_bytes(damage(bad.read_bytes()))
    os.utime(bad, (1, 1))  # it comes first
    call, _ = await place.spoken(2)
    with capture_logs() as told:
        assert await place.conversations.take_up(0.0) == 1
        await place.conversations.take_up(0.0)
    assert [one["log_level"] for one in told] == ["error"]
    assert told[0]["mend"]
    assert bad.exists()
    assert len(await place.of(call)) == 1
    place.says("1.1").write_bytes(damage(place.says("1.1").read_bytes()))
    with pytest.raises(NotKept):
        await place.messages.keep("1.1", OWN)
    assert (place.folder / "message-1.1.wav").exists()


async def test_nothing_is_taken_of_a_line_that_is_not_known(place):
    """The bridge has just begun: whether somebody speaks there it does not know yet."""
    _, path = await place.spoken(1)
    place.conversations.over = lambda _, __: False
    assert await place.conversations.take_up(0.0) == 0
    assert path.exists()


async def test_a_call_that_is_not_over_on_record_is_taken_after_a_day(place):
    """Heard of late or never: it is over at the latest then."""
    unheard = place.records("1.1")
    call, open_ = await place.spoken(2)
    async with place.database.writing() as connection:
        await connection.execute(update(calls).values(closed=False))
    assert await place.conversations.take_up(0.0) == 0
    for path in (unheard, open_):
        then = time.time() - 90_000
        os.utime(path, (then, then))
    assert await place.conversations.take_up() == 2
    assert len(await place.of(call)) == 1


async def test_conversations_in_folders_by_day_are_taken_in_too(place):
    """So the dialplan laid them down before 885a1e6."""
    call, path = await place.spoken(1)
    day = place.calls / "2026/11/23"
    day.mkdir(parents=True)
    path.rename(day / path.name)
    assert await place.conversations.take_up(0.0) == 1
    assert len(await place.of(call)) == 1
    assert not (day / path.name).exists()


async def test_a_recording_is_as_old_as_its_call(place):
    """The bridge was away for nine days: its days are not begun anew."""
    call, _ = await place.spoken(1)
    place.clock.forward(days=9)
    await place.conversations.take_up(0.0)
    (one,) = await place.of(call)
    assert one.made_us == call.ended_at


async def test_where_the_open_file_cannot_be_deleted_nothing_is_sealed_twice(place, monkeypatch):
    call, path = await place.spoken(1)
    message = place.says("1.1")

    def refused(_, missing_ok=False):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as shut, capture_logs() as told:
        shut.setattr(Path, "unlink", refused)
        assert await place.messages.keep("1.1", OWN)  # it is kept, whatever becomes of the file
        async with place.database.writing() as connection:
            me = await accounts.create(
                connection, place.clock, login="malee", role=Role.AGENT, name_th="ก"
            )
            (task,) = await place.waiting()
            await voicemail.dealt_with(connection, place.clock, me, task.recording_id)
        for _ in range(3):
            await place.conversations.take_up(0.0)
            assert await place.messages.take_up(0.0) == 0
    assert [one.gone_why for one in await place.of(call)] == [None]
    assert await place.waiting() == []  # what is done is no task again
    assert len(place.files()) == 2
    said = [one for one in told if "cannot be deleted" in one.get("what", "")]
    assert [one["log_level"] for one in said] == ["error"] * len(said)
    assert {one["file"] for one in said} == {path.name, message.name}
    assert len(said) <= 3  # not again with every round
    # erased meanwhile: the open file does not bring it back
    async with place.database.writing() as connection:
        (one,) = await book.of_call(connection, call.call_id)
        await book.forget(connection, place.clock, [one.id], "erased")
    await place.conversations.take_up(0.0)
    assert not path.exists()
    assert [one.gone_why for one in await place.of(call)] == ["erased"]


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), OSError(5, "I/O")])
async def test_a_disk_that_refuses_stops_no_deletion(place, monkeypatch, fault):
    old, _ = await place.spoken(1)
    await place.conversations.take_up(0.0)
    place.clock.forward(days=11)
    await place.spoken(2)
    place.says("1.1")
    for path in (*place.folder.iterdir(), *place.calls.iterdir()):
        os.utime(path, (1, 1))

    def full(*_):
        raise fault

    monkeypatch.setattr(Vault, "put", full)
    await place.rounds.go()
    assert [one.gone_why for one in await place.of(old)] == ["retention"]
    assert place.files() == []


async def test_without_a_key_what_is_old_or_erased_is_deleted_all_the_same(place):
    call, _ = await place.spoken(1)
    await place.conversations.take_up(0.0)
    place.clock.forward(days=11)
    keyless = Vault(place.vault.folder.parent, Keyring({}, ""))
    section = RecordingsSection(voicemail_days=30, call_days=10)
    await Rounds(place.database, place.clock, section, keyless).go()
    assert [one.gone_why for one in await place.of(call)] == ["retention"]
    assert place.files() == []


async def test_nothing_reads_all_recordings_to_find_that_nothing_is_to_be_done(place):
    """Rounds do it four times a minute; an erasure and `reseal` keep the writer out meanwhile."""
    if not place.database.sqlite:
        pytest.skip("what PostgreSQL plans depends on what it has counted")
    asked: list[tuple[str, tuple[object, ...]]] = []

    @event.listens_for(place.database.engine.sync_engine, "before_cursor_execute")
    def noted(_connection, _cursor, statement, parameters, *_):
        asked.append((statement, parameters))

    await save(place.database, out_of_hours(place, 1))
    async with place.database.writing() as connection:
        for kind in ("voicemail", "call"):
            await book.too_old(connection, kind, place.clock.at)
        await book.to_clear(connection)
        await book.reseal(connection, Keyring(KEY, "k1"), "0")
        await room_voices._of(connection, Subject(ids=(), numbers=(OWN,), shared=(), emails=()))
        of_ours = [one for one in asked if "recordings" in one[0] and one[0].startswith("SELECT")]
        assert len(of_ours) == 6
        for statement, parameters in of_ours:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [row[-1] for row in plan]
            assert not [
                step for step in steps
                if step.startswith("SCAN") and "ix_recordings_to_clear" not in step
            ], (statement, steps)  # fmt: skip


async def test_a_person_s_recordings_are_found_by_call_and_by_number_once_each(place):
    call = out_of_hours(place, 1)
    await save(place.database, call)
    uniqueid = call.call_id.removeprefix("lab1-")
    place.says(uniqueid)
    await place.messages.keep(uniqueid, OWN)
    place.says("1.2")
    place.clock.forward(minutes=1)
    await place.messages.keep("1.2", OWN)
    async with place.database.reading() as connection:
        found = await room_voices._of(
            connection, Subject(ids=(), numbers=(OWN,), shared=(), emails=())
        )
        kept = [one for n in found if (one := await book.one(connection, n))]
        assert [one.call_id for one in kept] == [call.call_id, "lab1-1.2"]
        assert await book.these(connection, [found[1], found[0], "0" * 32]) == {
            one.id: one for one in kept
        }


@pytest.mark.parametrize("name", ["pbx_1", "pbx.bangkok", "1203.moc_go-th"])
async def test_a_systemname_of_any_letters_names_its_files(place, name):
    uniqueid = f"{name}-1763900000.12"
    place.says(uniqueid)
    assert await place.messages.keep(uniqueid, OWN)
    place.says(f"{name}-1763900000.13")
    assert await place.messages.take_up(0.0) == 1


async def test_what_bears_no_channel_s_name_is_said_once(place):
    place.records("not-one-of-ours")
    with capture_logs() as told:
        for _ in range(2):
            await place.conversations.take_up(0.0)
    assert [one["file"] for one in told] == ["not-one-of-ours.wav"]
    assert "systemname" in told[0]["mend"]
