"""Alerts over HTTP: what is raised, who sees to it, the rules and their page."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from sqlalchemy import select

from crm_bridge.access.roles import Role
from crm_bridge.records.desk_tables.alerts import alerts
from crm_bridge.web.alerts import stream as stream_module
from crm_bridge.web.policy import CSRF_HEADER
from tests.support.alerts import Watched, with_hook
from tests.support.browser import served
from tests.support.web import Desk

PATH = "/api/v1/alerts"
RULES = "/api/v1/alert-rules"


@pytest.fixture
async def watched(desk: Desk) -> Watched:
    """The desk, with a keeper whose floor the test sets."""
    desk.context.config = with_hook(desk.context.config)
    made = Watched(desk.database, desk.clock, desk.context.hub, desk.context.config)
    await made.joined()
    desk.context.alerts = made.keeper
    return made


async def raised(watched: Watched) -> str:
    await watched.only("wait")
    watched.waits("information", 130)
    await watched.look()
    (alert,) = watched.raised
    return alert.id


async def test_what_is_raised_is_seen_to_and_is_over(desk: Desk, watched: Watched):
    head = await desk.browser(Role.SUPERVISOR)
    auditor = await desk.browser(Role.AUDITOR)
    assert "ขณะนี้ไม่มีเหตุที่ต้องดูแล" in (await auditor.get("/alerts")).text
    alert_id = await raised(watched)
    (told,) = (await auditor.get(PATH)).json()
    assert (told["id"], told["cleared"], told["level"]) == (alert_id, None, "warning")
    page = (await head.get("/alerts")).text
    assert told["th"] in page
    assert "รับทราบ</button>" in page
    # who only reads is offered no act
    assert "รับทราบ</button>" not in (await auditor.get("/alerts/now")).text
    body = {"ids": [alert_id]}
    assert (await head.post(f"{PATH}/acknowledge", json=body)).json() == body
    assert (await head.post(f"{PATH}/acknowledge", json=body)).json() == {"ids": []}
    assert (await head.post(f"{PATH}/snooze", json={**body, "minutes": 15})).json() == body
    assert watched.keeper.unattended() == []
    (told,) = (await auditor.get(PATH)).json()
    assert told["acknowledged_by"] == "ทดสอบ supervisor"
    assert told["acknowledged"] == "2026-11-23T03:00:01.000000Z"
    assert told["snoozed"] == "2026-11-23T03:15:01.000000Z"
    assert "พักการเตือนถึง" in (await head.get("/alerts/now")).text
    watched.waits("information")
    await watched.look(times=16)
    assert (await auditor.get(PATH)).json() == []
    (over,) = (await auditor.get(f"{PATH}/history")).json()["items"]
    assert (over["id"], over["worst"]) == (alert_id, 131.0)
    assert "ทดสอบ supervisor" in (await auditor.get("/alerts")).text
    assert (await head.post(f"{PATH}/snooze", json={**body, "minutes": 15})).json() == {"ids": []}


async def test_only_those_who_oversee_act_and_only_with_their_token(desk: Desk, watched: Watched):
    alert_id = await raised(watched)
    body = {"ids": [alert_id]}
    for role in (Role.AGENT, Role.AUDITOR, Role.DIRECTOR):
        browser = await desk.browser(role)
        assert (await browser.post(f"{PATH}/acknowledge", json=body)).status_code == 403
        assert (await browser.post(RULES, json={"kind": "wait"})).status_code == 403
        assert (await browser.get("/admin/alerts")).status_code == 403
    head = await desk.browser(Role.SUPERVISOR)
    del head.headers[CSRF_HEADER]
    for path, sent in ((f"{PATH}/acknowledge", body), (RULES, {"kind": "wait"})):
        assert (await head.post(path, json=sent)).json()["type"] == "csrf"
    assert watched.keeper.unattended() != []


async def test_a_history_is_paged(desk: Desk, watched: Watched):
    head = await desk.browser(Role.SUPERVISOR)
    for _ in range(3):
        assert (await head.post(f"{RULES}/wait/test")).status_code == 202
        desk.clock.forward(seconds=1)
    first = (await head.get(f"{PATH}/history?limit=2")).json()
    second = (await head.get(f"{PATH}/history?limit=2&cursor={first['next']}")).json()
    ids = [one["id"] for one in (*first["items"], *second["items"])]
    assert len(set(ids)) == 3
    assert second["next"] is None
    assert (await head.get(f"{PATH}/history?cursor=x")).status_code == 422
    assert (await head.get(f"/alerts?cursor={first['next']}")).status_code == 200


async def test_a_rule_is_added_changed_and_switched(desk: Desk, watched: Watched):
    admin = await desk.browser(Role.ADMINISTRATOR)
    made = await admin.post(RULES, json={"kind": "service_level"})
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    rule = made.json()
    assert (rule["active"], rule["threshold"], rule["window"], rule["unit"]) == (
        False, 80, 30, "percent",
    )  # fmt: skip
    path = f"{RULES}/{rule['id']}"
    edit = {
        "level": "critical", "threshold": 70, "clear_at": 75, "scope": "*", "window": 60,
        "least": 5, "hold": 60, "clear_after": 120, "quiet": 30, "active": True, "browser": True,
        "emails": ["head@moc.example"], "webhooks": ["alarms"],
    }  # fmt: skip
    answers = [
        await admin.put(path, json=edit),
        await admin.put(path, json=edit, headers={"If-Match": '"1"'}),
        await admin.put(path, json=edit, headers={"If-Match": '"1"'}),
        await admin.put(f"{RULES}/none", json=edit, headers={"If-Match": '"1"'}),
        await admin.put(path, json={**edit, "clear_at": 60}, headers={"If-Match": '"2"'}),
        await admin.put(path, json={**edit, "clear_after": 1}, headers={"If-Match": '"2"'}),
        await admin.put(path, json={**edit, "emails": ["x"]}, headers={"If-Match": '"2"'}),
        await admin.put(path, json={**edit, "webhooks": ["odoo"]}, headers={"If-Match": '"2"'}),
    ]
    assert [a.status_code for a in answers] == [428, 200, 412, 404, 422, 422, 422, 422]
    assert set(answers[4].json()["fields"]) == {"clear_at"}
    assert set(answers[6].json()["fields"]) == {"emails"}
    found = await admin.get(path)
    assert found.headers["etag"] == '"2"'
    assert found.json() == {**rule, **edit, "version": 2}
    (changed, added) = (await admin.get(f"{RULES}/changes")).json()
    assert (changed["by"], changed["version"], added["version"]) == ("ทดสอบ administrator", 2, 1)
    assert changed["became"]["threshold"] == 70
    page = (await admin.get("/admin/alerts")).text
    assert "ระดับการให้บริการต่ำกว่า 70 % (60 นาทีล่าสุด) · ทุกคิวรวมกัน" in page
    assert page.count('data-act="PUT /api/v1/alert-rules/') == 2 * 12
    # the keeper hears of it at once
    await watched.look()
    assert watched.keeper._rules[rule["id"]].threshold == 70


async def test_a_test_goes_to_the_rules_own_destinations(desk: Desk, watched: Watched):
    head = await desk.browser(Role.SUPERVISOR)
    rule = (await head.get(f"{RULES}/wait")).json()
    edit = {k: v for k, v in rule.items() if k not in {"id", "kind", "unit", "version"}}
    edit |= {"emails": ["head@moc.example"], "webhooks": ["alarms"]}
    await head.put(f"{RULES}/wait", json=edit, headers={"If-Match": '"1"'})
    watched.heard()
    tried = await head.post(f"{RULES}/wait/test")
    assert tried.json() == {
        "id": tried.json()["id"], "browser": True, "emails": ["head@moc.example"],
        "webhooks": ["alarms"],
    }  # fmt: skip
    ((to, subject, _),) = await watched.mails()
    assert (to, "ทดสอบการแจ้งเตือน" in subject) == ("head@moc.example", True)
    assert await watched.entries() == [("alarms", tried.json()["id"], 1)]
    (told,) = watched.heard("told")
    assert told.data["alerts"][0]["test"] is True
    assert watched.raised == []
    async with desk.database.reading() as connection:
        assert await connection.scalar(select(alerts.c.test)) is True
    assert (await head.post(f"{RULES}/none/test")).status_code == 404


async def test_an_empty_desk_without_a_bridge_shows_its_pages(desk: Desk):
    head = await desk.browser(Role.SUPERVISOR)
    for path in ("/alerts", "/alerts/now", "/admin/alerts"):
        assert (await head.get(path)).status_code == 200
    assert "ยังไม่เคยมีการแจ้งเตือน" in (await head.get("/alerts")).text
    body = {"ids": ["0" * 32]}
    assert (await head.post(f"{PATH}/acknowledge", json=body)).json() == {"ids": []}


class Listening:
    """A browser's end of the stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()
        self.last = ""

    async def until(self, kind: str) -> dict:
        found = ""
        async with asyncio.timeout(15):
            async for text in self._lines:
                if text.startswith("id: "):
                    self.last = text[4:]
                elif text.startswith("event: "):
                    found = text[7:]
                elif text.startswith("data: ") and found == kind:
                    told: dict = json.loads(text[6:])
                    return told
        raise AssertionError(f"the stream ended before {kind}")


async def test_the_stream_counts_and_tells(desk: Desk, watched: Watched, monkeypatch):
    monkeypatch.setattr(stream_module, "HEARTBEAT", 0.05)
    monkeypatch.setattr(stream_module, "SESSION_LOOK", 0.0)
    head = await desk.browser(Role.SUPERVISOR)
    async with served(desk.app) as base, httpx.AsyncClient(cookies=head.cookies) as client:
        path = f"{base}{PATH}/stream"
        async with client.stream("GET", path, timeout=15) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            heard = Listening(answer)
            assert await heard.until("count") == {"count": 0, "level": None}
            before = heard.last
            # it is no audience of what happens on the line
            assert desk.context.hub.audience == 1
            alert_id = await raised(watched)
            assert [one["id"] for one in (await heard.until("told"))["alerts"]] == [alert_id]
            told_at = heard.last
            assert await heard.until("count") == {"count": 1, "level": "warning"}
            # who takes over from here is not told once more
            assert heard.last == told_at
        # another tab takes the stream over: what was told in between is not lost
        async with client.stream("GET", path, params={"last": before}, timeout=15) as answer:
            heard = Listening(answer)
            assert (await heard.until("count"))["count"] == 1
            assert heard.last == before
            assert [one["id"] for one in (await heard.until("told"))["alerts"]] == [alert_id]
            await heard.until("now")
            await head.post("/api/v1/sign-out")
            await heard.until("ended")
