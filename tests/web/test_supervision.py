"""Supervision over HTTP: who may do which act under which setting, and who reads of it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from crm_bridge.access.roles import Role
from crm_bridge.config_supervision import SupervisionSection
from crm_bridge.desk import supervision_log
from crm_bridge.desk.notices import NOTICES
from crm_bridge.desk.one_at_a_time import OneAtATime
from crm_bridge.desk.seats import account_topic
from crm_bridge.records.rows import snapshot
from crm_bridge.records.writer import Writer, batch_of
from crm_bridge.web.supervision.floor_view import FLOOR, OnFloor
from crm_bridge.web.supervision.mine import floor_view
from crm_bridge.web.supervision.stream import FloorStream
from ivr.calls.tracker import Tracker
from ivr.steps.standards import load_standards
from ivr.steps.timeline import timeline
from tests.support.live import until
from tests.support.scenario import config_of, records_of
from tests.support.web import Desk
from tests.unit.calls.test_tracker import answered, bridged
from tests.web.test_line import Pbx, pbx

__all__ = ["pbx"]

AT = {"agent": "1001", "call_id": "pbx1-c"}
WHOM = {"extension": "1001"}
ACTS: dict[str, tuple[str, dict[str, Any]]] = {
    "listen": ("listen", AT),
    "whisper": ("whisper", AT),
    "barge": ("barge", AT),
    "take-over": ("take_over", AT),
    "pause": ("force_pause", {**WHOM, "reason": "meeting"}),
    "ready": ("force_pause", WHOM),
    "sign-out": ("force_sign_out", WHOM),
    "messages": ("message", {"text": "สวัสดี", **WHOM}),
}
"""Path → the setting that forbids it, and what is sent."""


def tracker_of(desk: Desk) -> Tracker:
    assert desk.context.floor is not None
    return desk.context.floor.line.nodes[0].tracker


def forbid(desk: Desk, **settings: bool) -> None:
    """Settings of the whole house, as if the bridge had been started with them."""
    rules = SupervisionSection(**settings)
    held = desk.context
    held.config = held.config.model_copy(update={"supervision": rules})
    assert held.floor is not None
    held.floor.supervision.acting.rules = rules


async def seated(desk: Desk, role: Role, extension: str) -> httpx.AsyncClient:
    browser = await desk.browser(role)
    given = {"extension": extension, "ready": role is Role.AGENT}
    assert (await browser.post("/api/v1/agent/sign-in", json=given)).status_code == 200
    return browser


async def acts_of(desk: Desk, **asked: str) -> list[dict[str, Any]]:
    auditor = await desk.browser(Role.AUDITOR)
    items: list[dict[str, Any]] = (
        await auditor.get("/api/v1/supervision/acts", params=asked)
    ).json()["items"]
    return items


@pytest.mark.parametrize("path", ACTS)
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SUPERVISOR])
async def test_only_supervisors_act(desk: Desk, pbx: Pbx, role: Role, path: str) -> None:
    browser = await desk.browser(role)
    answer = await browser.post(f"/api/v1/supervision/{path}", json=ACTS[path][1])
    if path == "sign-out" and role is Role.ADMINISTRATOR:
        assert (answer.status_code, answer.json()["changed"]) == (200, False)
        return
    assert answer.status_code == 403
    assert await acts_of(desk) == []


@pytest.mark.parametrize("path", ACTS)
async def test_each_act_can_be_forbidden_by_itself(desk: Desk, pbx: Pbx, path: str) -> None:
    await seated(desk, Role.AGENT, "1001")
    head = await desk.browser(Role.SUPERVISOR)
    setting = ACTS[path][0]
    forbid(desk, **{setting: False})
    for other, (other_setting, body) in ACTS.items():
        answer = await head.post(f"/api/v1/supervision/{other}", json=body)
        forbidden = other_setting == setting
        assert (answer.status_code == 403) == forbidden, (other, answer.text)
        if forbidden:
            assert answer.json()["type"] == "forbidden-by-setting"
            assert f"[supervision] {setting} = false" in answer.json()["detail"]
    refused = await acts_of(desk, outcome="refused")
    kept = {one["act"] for one in refused if one["refused_as"] == "forbidden-by-setting"}
    acts = {"take-over": "take_over", "sign-out": "sign_out", "messages": "message"}
    assert kept == {acts.get(p, p) for p, (s, _) in ACTS.items() if s == setting}


async def test_a_forced_pause_shows_whose_it_is_and_ends_when_the_officer_says(
    desk: Desk, pbx: Pbx
) -> None:
    officer = await seated(desk, Role.AGENT, "1001")
    head = await desk.browser(Role.SUPERVISOR)
    body = {**WHOM, "reason": "meeting"}
    assert (await head.post("/api/v1/supervision/pause", json=body)).json()["changed"]
    assert not (await head.post("/api/v1/supervision/pause", json=body)).json()["changed"]
    seat = (await officer.get("/api/v1/agent")).json()["seat"]
    assert (seat["state"], seat["reason"], seat["source"], seat["by_en"]) == (
        "paused", "meeting", "supervisor", "Test supervisor",
    )  # fmt: skip
    assert len(seat["paused_in"]) == 4
    seat = (await officer.post("/api/v1/agent/ready")).json()
    assert (seat["state"], seat["source"], seat["by_en"]) == ("ready", "desk", None)
    wrong = await head.post("/api/v1/supervision/pause", json={**WHOM, "reason": "none-such"})
    assert wrong.json()["type"] == "no-such-reason"
    nobody = await head.post("/api/v1/supervision/ready", json={"extension": "1002"})
    assert nobody.json()["type"] == "nobody-sits-there"


async def test_a_sign_out_by_force_is_told_on_the_desk(desk: Desk, pbx: Pbx) -> None:
    officer = await seated(desk, Role.AGENT, "1001")
    head = await desk.browser(Role.SUPERVISOR)
    assert (await head.post("/api/v1/supervision/sign-out", json=WHOM)).json()["changed"]
    assert (await officer.get("/api/v1/agent")).json()["seat"] is None
    (notice,) = (await officer.get("/api/v1/notices")).json()["items"]
    assert (notice["kind"], notice["from_en"]) == ("signed_out", "Test supervisor")
    assert "ให้ท่านออกจากการรับสาย" in (await officer.get("/desk/notices")).text


async def test_a_message_is_there_at_once_and_until_it_is_read(desk: Desk, pbx: Pbx) -> None:
    officer = await seated(desk, Role.AGENT, "1001")
    floor = desk.context.floor
    assert floor is not None
    sitting = floor.agents.at("1001")
    assert sitting is not None
    listener = desk.context.hub.listen([account_topic(sitting.account_id)])
    head = await desk.browser(Role.SUPERVISOR)
    text = "<b>โปรดบันทึก</b>\nทุกสาย"
    sent = await head.post("/api/v1/supervision/messages", json={"text": text})
    assert (sent.json()["act"], sent.json()["to"]) == ("message", 1)
    happening = await listener.next(5)
    assert happening is not None
    assert happening.kind == NOTICES
    (notice,) = (await officer.get("/api/v1/notices")).json()["items"]
    assert notice["text"] == text
    shown = (await officer.get("/desk/notices")).text
    assert "&lt;b&gt;โปรดบันทึก" in shown
    other = await desk.browser(Role.AGENT)
    read = f"/api/v1/notices/{notice['id']}/read"
    assert (await other.post(read)).status_code == 404
    assert (await officer.post(read)).status_code == 204
    assert (await officer.post(read)).status_code == 204
    assert (await officer.get("/api/v1/notices")).json()["items"] == []
    (line,) = await acts_of(desk, act="message")
    assert (line["outcome"], line["to_extension"]) == ("done", None)
    auditor = await desk.browser(Role.AUDITOR)
    page = (await auditor.get("/supervision/audit", params={"act": "message"})).text
    assert "1 / 1" in page
    assert "&lt;b&gt;โปรดบันทึก" in page


async def test_a_message_sent_twice_is_one_and_another_meanwhile_is_refused_not_lost(
    desk: Desk, pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, asked, arrived, go_on = supervision_log.begin, OneAtATime.__call__, [], asyncio.Event()

    async def held(*given: Any) -> None:
        await go_on.wait()
        await begin(*given)

    async def counted(once: OneAtATime[Any], who: str, act: str, work: Any) -> Any:
        arrived.append(act)
        return await asked(once, who, act, work)

    monkeypatch.setattr(supervision_log, "begin", held)
    monkeypatch.setattr(OneAtATime, "__call__", counted)
    officer = await seated(desk, Role.AGENT, "1001")
    head = await desk.browser(Role.SUPERVISOR)

    async def send(text: str) -> str:
        answer = await head.post("/api/v1/supervision/messages", json={"text": text, **WHOM})
        found: str = answer.json().get("id") or answer.json()["type"]
        return found

    first, again = asyncio.create_task(send("a")), asyncio.create_task(send("a"))
    await until("both are asked for", lambda: len(arrived) == 2)
    assert await send("b") == "act-under-way"
    go_on.set()
    assert await first == await again
    assert [n["text"] for n in (await officer.get("/api/v1/notices")).json()["items"]] == ["a"]
    await send("b")
    assert len((await officer.get("/api/v1/notices")).json()["items"]) == 2


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 501, "a\0b"])
async def test_what_is_no_message_is_refused(desk: Desk, pbx: Pbx, text: str) -> None:
    await seated(desk, Role.AGENT, "1001")
    head = await desk.browser(Role.SUPERVISOR)
    answer = await head.post("/api/v1/supervision/messages", json={"text": text, **WHOM})
    assert answer.status_code == 422


async def test_nobody_sits_nobody_is_written_to(desk: Desk, pbx: Pbx) -> None:
    head = await desk.browser(Role.SUPERVISOR)
    for to in (WHOM, {}):
        answer = await head.post("/api/v1/supervision/messages", json={"text": "x", **to})
        assert (answer.status_code, answer.json()["type"]) == (409, "nobody-sits-there")


async def test_listening_is_refused_with_its_reason(desk: Desk, pbx: Pbx) -> None:
    head = await desk.browser(Role.SUPERVISOR)

    async def no(client: httpx.AsyncClient, **body: str) -> str:
        answer = await client.post("/api/v1/supervision/listen", json={**AT, **body})
        kind: str = answer.json()["type"]
        return kind

    assert await no(head) == "not-signed-in-at-a-telephone"
    sat = await seated(desk, Role.SUPERVISOR, "1001")
    assert await no(sat) == "to-oneself"
    assert await no(sat, agent="1002") == "call-over"
    assert (await head.post("/api/v1/supervision/listen", json={"agent": "1"})).status_code == 422
    kept = {(one["refused_as"], one["to_extension"]) for one in await acts_of(desk)}
    assert kept == {
        ("call-over", "1002"), ("to-oneself", "1001"), ("not-signed-in-at-a-telephone", "1001"),
    }  # fmt: skip
    assert (await head.post("/api/v1/supervision/leave")).status_code == 409
    assert not (await sat.post("/api/v1/supervision/leave")).json()["changed"]


async def test_the_audit_list_is_for_those_who_check_and_can_be_searched(
    desk: Desk, pbx: Pbx
) -> None:
    await seated(desk, Role.AGENT, "1001")
    account = await desk.account(Role.SUPERVISOR)
    for _ in range(3):
        head = await desk.browser(account)
        await head.post("/api/v1/supervision/pause", json={**WHOM, "reason": "meeting"})
        desk.clock.forward(minutes=1)
        await head.post("/api/v1/supervision/ready", json=WHOM)
        desk.clock.forward(days=1)
    for role in Role:
        browser = await desk.browser(role)
        allowed = role in (Role.ADMINISTRATOR, Role.AUDITOR)
        for path in ("/api/v1/supervision/acts", "/supervision/audit"):
            assert ((await browser.get(path)).status_code == 200) == allowed, (role, path)
    items = await acts_of(desk)
    assert [one["act"] for one in items] == ["ready", "pause"] * 3
    assert items[0]["by_en"] == "Test supervisor"
    assert len(await acts_of(desk, act="pause")) == 3
    assert len(await acts_of(desk, since="2026-11-24", until="2026-11-24")) == 2
    assert len(await acts_of(desk, to="1001")) == 6
    assert await acts_of(desk, to="1002") == []
    auditor = await desk.browser(Role.AUDITOR)
    first = (await auditor.get("/api/v1/supervision/acts", params={"limit": 4})).json()
    rest = await auditor.get(
        "/api/v1/supervision/acts", params={"limit": 4, "cursor": first["next"]}
    )
    assert [one["id"] for one in first["items"] + rest.json()["items"]] == [o["id"] for o in items]
    page = await auditor.get("/supervision/audit", params={"since": "x", "act": "y", "to": "1001"})
    assert page.text.count("ประชุม") == 3


async def test_the_floor_shows_a_call_its_supervisor_and_what_is_forbidden(
    desk: Desk, pbx: Pbx
) -> None:
    await seated(desk, Role.AGENT, "1001")
    head = await desk.browser(Role.SUPERVISOR)
    floor = desk.context.floor
    assert floor is not None
    floor.line.on_call.append(desk.context.board.changed)
    tracker = tracker_of(desk)
    for event in (*answered(), *bridged()):
        for call in tracker.apply(event):
            floor.line.heard(call, event)
    forbid(desk, barge=False)
    assert (await head.get("/floor")).status_code == 200
    panel = (await head.get("/floor/officers/1001")).text
    assert "[supervision] barge = false" in panel
    assert "/api/v1/supervision/barge" not in panel
    assert "/api/v1/supervision/whisper" in panel
    assert (await head.get("/floor/officers/1009")).text == ""
    agent = await desk.browser(Role.AGENT)
    for path in ("/floor", "/floor/officers/1001", "/api/v1/supervision/floor"):
        assert (await agent.get(path)).status_code == 403


@pytest.mark.parametrize("told", [True, False])
async def test_the_calls_page_says_who_was_there_to_whom_the_setting_lets_know(
    desk: Desk, pbx: Pbx, told: bool
) -> None:
    (call,) = records_of("supervised")[0].values()
    rows = snapshot(call, timeline(call, config_of("ours").directory(), load_standards()))
    writer = Writer(desk.database)
    await writer.commit(batch_of(calls=[rows]))
    await writer.close()
    forbid(desk, tell_officer=told)
    for role in (Role.AGENT, Role.SUPERVISOR, Role.AUDITOR):
        browser = await desk.browser(role)
        page = (await browser.get(f"/calls/{call.call_id}")).text
        marks = (await browser.get(f"/api/v1/calls/{call.call_id}")).json()["marks"]
        wanted = told or role is not Role.AGENT
        assert ("หัวหน้างานฟังสาย" in page) == wanted
        assert ("หัวหน้างานร่วมสนทนาในสาย" in page) == wanted
        assert any(m["name"] == "supervision_begin" for m in marks) == wanted
        assert any(m["name"] == "greeting_end" for m in marks)


async def test_the_floors_stream_gives_all_and_then_what_changes(desk: Desk, pbx: Pbx) -> None:
    await seated(desk, Role.AGENT, "1001")
    head = await desk.account(Role.SUPERVISOR, "head")
    sent: list[bytes] = []
    moved = asyncio.Event()

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))
        moved.set()

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def until_told(kind: bytes) -> bytes:
        async with asyncio.timeout(10):
            while not any(kind in body for body in sent):
                moved.clear()
                await moved.wait()
        return next(body for body in sent if kind in body)

    stream = FloorStream(desk.context, head, "en", session_id=None, cookie=None, last_id=None)
    running = asyncio.create_task(stream({}, receive, send))
    try:
        assert b"Test agent" in await until_told(b"event: state")
        browser = await desk.browser(head)
        await browser.post("/api/v1/supervision/pause", json={**WHOM, "reason": "meeting"})
        assert b"Meeting" in await until_told(b"event: floor")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_the_floor_is_made_once_for_all_pages_also_while_it_changes(
    desk: Desk, pbx: Pbx, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seated(desk, Role.AGENT, "1001")
    view = floor_view(desk.context)
    made = 0
    officers = view.officers

    def counted() -> list[OnFloor]:
        nonlocal made
        made += 1
        return officers()

    monkeypatch.setattr(view, "officers", counted)
    listener = desk.context.hub.listen([FLOOR])
    floor = desk.context.floor
    assert floor is not None
    for _change in range(3):
        for tell in floor.agents.changed:
            tell(floor.agents.seat("1001"))
        assert len({id(view.made("en")) for _page in range(3)}) == 1
    assert made == 1
    assert await listener.next(5) is not None
    assert len({id(view.made("en")) for _page in range(3)}) == 1
    assert made == 2
