"""Callers' messages on the pages: who hears them, that it is on record, and when they are gone."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import event, insert

from crm_bridge.access.roles import Role
from crm_bridge.recordings import book
from crm_bridge.recordings.book import Recording
from crm_bridge.recordings.keyring import Keyring
from crm_bridge.recordings.taking import Takes, Taking, look_at
from crm_bridge.recordings.vault import Vault
from crm_bridge.recordings.voicemail import Voicemails
from crm_bridge.records.desk_tables.recordings import voicemails
from ivr.calls.call import Mark, Outcome
from tests.support.desk_calls import SECOND, lost, save
from tests.support.web import Desk

HEARS = {Role.AGENT, Role.SUPERVISOR}


@dataclass
class Left:
    """A message that was left, and what was said."""

    id: str
    call_id: str
    said: bytes


@pytest.fixture
async def left(desk: Desk, tmp_path: Path) -> Left:
    vault = Vault(tmp_path / "data", Keyring({"k1": bytes(range(32))}, "k1"))
    desk.context.vault = vault
    call = lost(1, desk.clock.at - 3_600 * SECOND, Outcome.ABANDONED_MENU, queued=False)
    call.caller_name = "<b>สมชาย</b>"
    call.marks = [
        Mark("closed", call.entered_at, "after"),
        Mark("self_end", call.entered_at + SECOND, "voicemail:spoken"),
    ]
    await save(desk.database, call)
    path = tmp_path / "message-1.1.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8_000, 0, "NONE", ""))
        sound.writeframes(bytes(range(250)) * 160)
    said = path.read_bytes()
    messages = Voicemails(desk.database, desk.clock, vault, [Takes(None, tmp_path)])
    messages.call_of = lambda _: call.call_id
    assert await messages.keep("1.1", "+66812345678")
    browser = await desk.browser(Role.SUPERVISOR)
    (found,) = (await browser.get("/api/v1/voicemails")).json()
    assert (found["seconds"], found["number"], found["done_at"]) == (2.5, "+66812345678", None)
    return Left(found["id"], call.call_id, said)


async def listens(desk: Desk, left: Left) -> list[str]:
    async with desk.database.reading() as connection:
        return [listen.who for listen in await book.listens(connection, [left.id])]


@pytest.mark.parametrize("role", list(Role))
async def test_who_may_hears_it_and_each_hearing_is_on_record(desk: Desk, left: Left, role: Role):
    me = await desk.account(role, f"{role.value}-me")
    browser = await desk.browser(me)
    answer = await browser.get(f"/api/v1/recordings/{left.id}/audio")
    if role not in HEARS:
        assert answer.status_code == 403
        assert await listens(desk, left) == []
        return
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == left.said
    part = await browser.get(
        f"/api/v1/recordings/{left.id}/audio", headers={"Range": "bytes=10-20"}
    )
    assert part.content == left.said
    assert await listens(desk, left) == [me.name(), me.name()]


async def test_a_message_stands_on_the_pages_until_it_is_dealt_with(desk: Desk, left: Left):
    browser = await desk.browser(Role.AGENT)
    await browser.get(f"/api/v1/recordings/{left.id}/audio")
    player = f'src="/api/v1/recordings/{left.id}/audio"'
    page = (await browser.get("/calls/lost")).text
    for words in (player, "&lt;b&gt;สมชาย", "081 234 5678", "ดำเนินการแล้ว", "ทดสอบ agent"):
        assert words in page
    told = (await browser.get(f"/calls/{left.call_id}")).text
    assert player in told
    assert "ผู้โทรฝากข้อความแล้ววางสาย" in told
    auditor = await desk.browser(Role.AUDITOR)
    for path in ("/calls/lost", f"/calls/{left.call_id}"):
        seen = (await auditor.get(path)).text
        assert player not in seen
        assert "ทดสอบ agent" in seen  # who listened
    done = f"/api/v1/voicemails/{left.id}/done"
    assert (await auditor.post(done)).status_code == 403
    assert (await browser.post(done)).status_code == 204
    assert (await browser.post(done)).status_code == 204
    assert player not in (await browser.get("/calls/lost")).text
    assert (await browser.get("/api/v1/voicemails")).json() == []
    (found,) = (await browser.get("/api/v1/voicemails?done=true")).json()
    assert found["done_at"] is not None
    assert player in (await browser.get(f"/calls/{left.call_id}")).text  # the record keeps it


async def test_what_is_deleted_or_cannot_be_opened_is_said(desk: Desk, left: Left, tmp_path: Path):
    browser = await desk.browser(Role.SUPERVISOR)
    path = f"/api/v1/recordings/{left.id}/audio"
    for vault in (None, Vault(tmp_path / "data", Keyring({"k2": bytes(32)}, "k2"))):
        desk.context.vault = vault
        answer = await browser.get(path)
        assert answer.status_code == 503
        assert "k1" not in answer.text
    assert await listens(desk, left) == []
    async with desk.database.writing() as connection:
        assert await book.forget(connection, desk.clock, [left.id], "retention") == 1
    assert (await browser.get(path)).status_code == 404
    assert (await browser.get(f"/api/v1/recordings/{'0' * 32}/audio")).status_code == 404
    assert (await browser.get("/api/v1/recordings/..%2Fx/audio")).status_code in {404, 422}
    assert "ลบแล้ว" in (await browser.get(f"/calls/{left.call_id}")).text
    assert (await browser.post(f"/api/v1/voicemails/{left.id}/done")).status_code == 404


async def test_a_conversation_is_for_supervisors_alone(desk: Desk, left: Left, tmp_path: Path):
    path = tmp_path / "1.1.wav"
    path.write_bytes(left.said)
    vault = desk.context.vault
    assert vault is not None
    taking = Taking(desk.database, desk.clock, vault, [])
    await taking.take(path, "call", left.call_id, look_at(path))
    async with desk.database.reading() as connection:
        (one,) = [r for r in await book.of_call(connection, left.call_id) if r.kind == "call"]
    audio = f"/api/v1/recordings/{one.id}/audio"
    agent, boss = await desk.browser(Role.AGENT), await desk.browser(Role.SUPERVISOR)
    assert (await agent.get(audio)).status_code == 403
    page = (await agent.get(f"/calls/{left.call_id}")).text
    assert audio not in page
    assert "ไม่มีสิทธิ์ฟัง" in page
    assert (await boss.get(audio)).content == left.said
    assert audio in (await boss.get(f"/calls/{left.call_id}")).text


async def test_the_page_of_tasks_asks_no_more_for_more_messages(desk: Desk, left: Left):
    asked: list[str] = []

    @event.listens_for(desk.database.engine.sync_engine, "before_cursor_execute")
    def noted(_connection, _cursor, statement, *_):
        asked.append(statement)

    browser = await desk.browser(Role.SUPERVISOR)
    counts = []
    for n in range(2):
        asked.clear()
        assert (await browser.get("/calls/lost")).text.count("/audio") >= 1 + 3 * n
        counts.append(sum("FROM recordings" in one for one in asked))
        async with desk.database.writing() as connection:
            for more in range(3):
                _, key = Keyring({"k1": bytes(32)}, "k1").draw(f"{more}" * 32)
                made = Recording(
                    f"{more}" * 32, "voicemail", f"lab1-9.{more}", 1, 2, key, None, None
                )
                if n == 0:
                    await book.keep(connection, made)
                    row = insert(voicemails).values(
                        recording_id=made.id, call_id=made.call_id, left_us=1
                    )
                    await connection.execute(row)
    assert counts[0] == counts[1]
