"""Who may look at the wallboard, its stream over a real socket, and screens with nobody at them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from crm_bridge.access import sessions
from crm_bridge.access.roles import Role
from crm_bridge.config import WallboardSection
from crm_bridge.config_selfservice import CallbackSection
from crm_bridge.errors import StorageError, StorageUnavailable
from crm_bridge.records.desk_tables.wall_screens import wall_screens
from crm_bridge.web.policy import COOKIE, CSRF_HEADER
from crm_bridge.web.wallboard import stream as stream_module
from crm_bridge.web.wallboard.stream import WallStream
from tests.support.browser import served
from tests.support.live import until
from tests.support.screens import LineDesk, line
from tests.support.wall import Floor, alert, with_health
from tests.support.web import Desk

__all__ = ["line"]

DEADLINE = 15.0
STREAM = "/api/v1/wallboard/stream"
SCREEN_STREAM = "/api/v1/wallboard/screen/stream"
NAUGHTY = "<img src=x onerror=alert(1)>\n\nevent: ended\ndata: {}\n\n\u2028ค"


class Wallboard:
    """A screen as far as its stream goes: what it shows by now."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.rows: dict[str, dict[str, Any]] = {}
        self.kinds: list[str] = []

    async def next(self) -> str:
        """Takes the next event in; its kind, "end" where the stream has ended."""
        kind, data = "", ""
        async with asyncio.timeout(DEADLINE):
            async for text in self._lines:
                if text.startswith("event: "):
                    kind = text[7:]
                elif text.startswith("data: "):
                    data = text[6:]
                elif not text and kind:
                    self._take(kind, json.loads(data))
                    return kind
        return "end"

    def _take(self, kind: str, data: dict[str, Any]) -> None:
        self.kinds.append(kind)
        if kind == "state":
            self.rows = {}
        for name, section in data.get("sections", {}).items():
            rows = {**self.rows.get(name, {}), **section["set"]}
            order = section.get("order", list(self.rows.get(name, {})))
            self.rows[name] = {key: rows[key] for key in order}

    async def until(self, holds: Any) -> None:
        while not (self.rows and holds(self.rows)):
            assert await self.next() != "end", "the stream ended"


async def lines_of(response: httpx.Response) -> AsyncIterator[str]:
    """Lines as an EventSource takes them: not at every sign that Python calls a line's end."""
    rest = b""
    async for piece in response.aiter_raw():
        *lines, rest = (rest + piece).split(b"\n")
        for text in lines:
            yield text.decode()


@asynccontextmanager
async def looking(
    base: str, cookies: dict[str, str], path: str = STREAM, lang: str = "en"
) -> AsyncIterator[Wallboard]:
    async with (
        httpx.AsyncClient(cookies=cookies) as client,
        client.stream("GET", f"{base}{path}?lang={lang}", timeout=DEADLINE) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        yield Wallboard(lines_of(response))


async def cookie_of(desk: Desk, role: Role = Role.SUPERVISOR) -> tuple[dict[str, str], str]:
    account = await desk.account(role, f"{role.value}-looks")
    async with desk.database.writing() as connection:
        session, token = await sessions.begin(connection, desk.clock, account)
    return {COOKIE: token}, session.id


@pytest.mark.parametrize("role", list(Role))
async def test_who_may_look(desk: Desk, role: Role):
    browser = await desk.browser(role)
    inside = role not in {Role.AGENCY_OFFICER, Role.PROVINCIAL_OFFICER}
    assert (await browser.get("/wallboard")).status_code == (200 if inside else 403)
    desk.context.config = desk.context.config.model_copy(
        update={"wallboard": WallboardSection(agents=False)}
    )
    asked = await browser.get("/wallboard")
    assert asked.status_code == (200 if inside and role is not Role.AGENT else 403)
    if role is Role.AGENT:
        assert "ไม่ได้เปิดกระดานสถานะ" in asked.text
        assert (await browser.get(STREAM)).status_code == 403


async def test_nobody_is_sent_to_sign_in_and_no_stream_is_begun(desk: Desk):
    browser = await desk.browser()
    asked = await browser.get("/wallboard?theme=dark")
    assert asked.status_code == 303
    assert asked.headers["location"] == "/sign-in?next=%2Fwallboard%3Ftheme%3Ddark"
    assert (await browser.get(STREAM)).status_code == 401
    assert (await browser.get(SCREEN_STREAM)).status_code == 403
    assert not desk.context.wall._watchers


async def test_the_page_is_in_the_language_and_light_of_its_address(desk: Desk):
    browser = await desk.browser(Role.SUPERVISOR)
    page = (await browser.get("/wallboard?lang=en&theme=dark")).text
    assert '<html lang="en" data-theme="dark">' in page
    assert "Longest wait" in page
    assert "/api/v1/wallboard/stream?lang=en" in page
    page = (await browser.get("/wallboard")).text
    assert '<html lang="th">' in page
    assert (await browser.get("/wallboard?theme=pink")).status_code == 422


async def test_kept_places_have_a_tile_where_the_line_calls_back(desk: Desk):
    browser = await desk.browser(Role.SUPERVISOR)
    assert 'data-tile="kept"' not in (await browser.get("/wallboard")).text
    assert "kept" not in desk.context.wall._sections()
    desk.context.config = desk.context.config.model_copy(update={"callback": CallbackSection()})
    page = (await browser.get("/wallboard")).text
    assert 'data-tile="kept"' in page
    assert "รอโทรกลับตามคิว" in page
    assert "Awaiting call back" in (await browser.get("/wallboard?lang=en")).text


async def test_state_then_changes_then_the_time(line: LineDesk, monkeypatch: Any):
    monkeypatch.setattr(stream_module, "HEARTBEAT", 0.2)
    cookies, _ = await cookie_of(line)
    with_health(line.context.wall, line)
    async with served(line.app) as base, looking(base, cookies) as one:
        assert await one.next() == "state"
        assert await one.next() == "now"
        floor = Floor(line)
        call = floor.call("information", 30)
        await one.until(lambda rows: rows["waiting"])
        (row,) = one.rows["waiting"].values()
        assert row["queue"] == "Information"
        floor.sit("1001")
        floor.answer(call, "1001", 5)
        await one.until(lambda rows: rows["calls"] and not rows["waiting"])
        assert one.rows["agents"]["1001"]["state"] == "talking"
        assert one.kinds.count("state") == 1, "what the screen has is only added to"
        floor.end(call)
        await one.until(lambda rows: not rows["calls"])
        assert one.rows["agents"]["1001"]["state"] == "ready"
        while one.kinds[-1] != "now":
            await one.next()


async def test_a_screen_that_comes_later_has_the_same(line: LineDesk):
    cookies, _ = await cookie_of(line)
    async with served(line.app) as base, looking(base, cookies) as one:
        await one.until(lambda rows: rows["today"]["figures"]["state"] == "ok")
        Floor(line).busy()
        await one.until(lambda rows: len(rows["waiting"]) == 7)
        async with looking(base, cookies) as two:
            await two.next()
            assert two.rows == one.rows
    await until("nobody looks", lambda: not line.context.wall._watchers)


async def test_hostile_names_stay_names(line: LineDesk):
    cookies, _ = await cookie_of(line)
    async with served(line.app) as base, looking(base, cookies) as one:
        await one.next()
        Floor(line).call(NAUGHTY, 3)
        await one.until(lambda rows: rows["waiting"])
        assert one.rows["queues"][NAUGHTY]["name"] == NAUGHTY
        assert "ended" not in one.kinds


async def test_alerts_stand_on_it_as_long_as_they_are_active(line: LineDesk):
    cookies, _ = await cookie_of(line)
    active = [alert("a1", "รอนานเกิน 5 นาที", "Waiting over 5 minutes", "critical", line.clock.at)]
    line.context.wall._alerts = lambda: active
    async with served(line.app) as base, looking(base, cookies) as one:
        await one.until(lambda rows: rows["alerts"])
        assert one.rows["alerts"]["a1"]["text"] == "Waiting over 5 minutes"
        active.clear()
        line.context.hub.publish("alerts", "over", {})
        await one.until(lambda rows: not rows["alerts"])


async def test_whose_session_has_ended_sees_no_more(line: LineDesk, monkeypatch: Any):
    cookies, session_id = await cookie_of(line)
    async with served(line.app) as base:
        async with looking(base, cookies) as one:
            await one.next()
            line.context.hub.publish(f"session:{session_id}", "ended", {})
            while await one.next() != "end":
                pass
            assert one.kinds[-1] == "ended"
        monkeypatch.setattr(stream_module, "HEARTBEAT", 0.05)
        async with looking(base, cookies) as one:
            await one.next()
            line.clock.forward(hours=20)
            while await one.next() != "end":
                pass
            assert one.kinds[-1] == "ended"


async def test_it_goes_on_while_nobody_can_tell(line: LineDesk, monkeypatch: Any):
    monkeypatch.setattr(stream_module, "HEARTBEAT", 0.05)
    cookies, _ = await cookie_of(line)

    async def down(*_: Any) -> Any:
        raise StorageError("locked", where="sessions", mend="wait")

    async with served(line.app) as base, looking(base, cookies) as one:
        await one.next()
        monkeypatch.setattr(sessions, "find", down)
        line.clock.forward(minutes=5)
        seen = len(one.kinds)
        while len(one.kinds) < seen + 3:
            assert await one.next() == "now" or one.kinds[-1] == "change"


async def test_a_slow_screen_skips_and_is_sent_everything(line: LineDesk):
    """Served at the ASGI boundary: a send that waits is a screen that does not read."""
    told: list[str] = []
    may_go_on = asyncio.Event()
    may_go_on.set()
    gone = asyncio.Event()

    async def send(message: Any) -> None:
        body = message.get("body", b"").decode()
        told.extend(part[7:] for part in body.splitlines() if part.startswith("event: "))
        await may_go_on.wait()

    async def receive() -> Any:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def still() -> bool:
        return True

    wall = line.context.wall
    stream = WallStream(wall, line.clock, "th", topics=[], still=still)
    serving = asyncio.create_task(stream({}, receive, send))
    await until("figures", lambda: "change" in told or (wall._today.value and "now" in told))
    floor = Floor(line)
    floor.call("information", 1)
    may_go_on.clear()
    wall.frame()
    await until("the screen reads no more", lambda: told[-1] == "change")
    told.clear()
    for ago in range(2, 40):
        floor.call("complaint", ago)
        wall.frame()
        await asyncio.sleep(0)
    assert told == []
    may_go_on.set()
    await until("served again", lambda: told)
    assert told[0] == "state", "of what it missed it gets how things are, once"
    assert told.count("state") == 1
    gone.set()
    await asyncio.wait_for(serving, DEADLINE)
    assert not wall._watchers


async def test_a_television_sees_the_wall_and_nothing_else(line: LineDesk):
    admin = await line.browser(Role.ADMINISTRATOR)
    made = await admin.post("/api/v1/wallboard/screens", json={"name": "ห้องรับสาย"})
    assert made.status_code == 201
    path = made.json()["path"]
    assert made.json()["address"].endswith(path)
    secret = path.rpartition("/")[2]
    television = await line.browser()
    opened = await television.get(f"{path}?theme=dark&lang=en")
    assert opened.status_code == 303
    assert opened.headers["location"] == "/wallboard/screen?theme=dark&lang=en"
    cookie = opened.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    page = await television.get(opened.headers["location"])
    assert page.status_code == 200
    assert secret not in page.text, "who passes by a screen cannot copy its address"
    assert SCREEN_STREAM in page.text
    for place in ("/calls", "/figures", "/wallboard", "/admin/screens"):
        assert (await television.get(place)).status_code == 303
    for place in ("/api/v1/calls", "/api/v1/figures", STREAM, "/api/v1/wallboard/screens"):
        assert (await television.get(place)).status_code == 401
    listed = await admin.get("/api/v1/wallboard/screens")
    assert secret not in listed.text
    assert secret not in (await admin.get("/admin/screens")).text
    async with line.database.reading() as connection:
        row = (await connection.execute(select(wall_screens))).one()
    assert secret not in str(row)


async def test_a_screen_never_runs_out_and_goes_dark_when_withdrawn(line: LineDesk):
    admin = await line.browser(Role.ADMINISTRATOR)
    made = (await admin.post("/api/v1/wallboard/screens", json={"name": "TV"})).json()
    secret = made["path"].rpartition("/")[2]
    line.clock.forward(days=700)
    who = await line.account(Role.ADMINISTRATOR, "later")
    later = await line.browser(who)
    cookies = {"hotline_screen": secret}
    async with (
        served(line.app) as base,
        looking(base, cookies, SCREEN_STREAM) as one,
    ):
        await one.next()
        gone = await later.delete(f"/api/v1/wallboard/screens/{made['id']}")
        assert gone.status_code == 204
        while await one.next() != "end":
            pass
        assert one.kinds[-1] == "ended"
        async with httpx.AsyncClient(cookies=cookies, base_url=base) as television:
            for place in ("/wallboard/screen", made["path"], SCREEN_STREAM):
                asked = await television.get(place)
                assert asked.status_code == 403
            assert "ยกเลิกแล้ว" in (await television.get("/wallboard/screen")).text
    again = await later.delete(f"/api/v1/wallboard/screens/{made['id']}")
    assert again.status_code == 404
    (on_record,) = (await later.get("/api/v1/wallboard/screens")).json()
    assert on_record["made_by"] == "ทดสอบ administrator"
    assert on_record["ended_by"] == "ทดสอบ administrator"
    assert on_record["ended_at"] > on_record["made_at"]
    assert on_record["seen_at"]


async def test_screens_are_an_administrators(desk: Desk):
    for role in (Role.SUPERVISOR, Role.AGENT, Role.DIRECTOR, Role.AUDITOR):
        browser = await desk.browser(role)
        assert (await browser.get("/admin/screens")).status_code == 403
        made = await browser.post("/api/v1/wallboard/screens", json={"name": "TV"})
        assert made.status_code == 403
    admin = await desk.browser(Role.ADMINISTRATOR)
    without = {CSRF_HEADER: ""}
    asked = await admin.post("/api/v1/wallboard/screens", json={"name": "TV"}, headers=without)
    assert asked.status_code == 403
    for name, status in (("TV", 201), ("TV", 409), ("  ", 422), ("x" * 81, 422), ("a\u0000b", 422)):
        made = await admin.post("/api/v1/wallboard/screens", json={"name": name})
        assert made.status_code == status, name
    page = (await admin.get("/admin/screens")).text
    assert page.count('data-act="DELETE /api/v1/wallboard/screens/') == 1


async def test_a_secret_stands_in_no_log(desk: Desk, monkeypatch: Any, capsys: Any):
    async def away(*_: object) -> None:
        raise StorageUnavailable("locked", where="desk.db", mend="wait")

    monkeypatch.setattr("crm_bridge.web.wallboard.routes.screen_of", away)
    browser = await desk.browser()
    assert (await browser.get("/wallboard/screen/geheim")).status_code == 503
    logged = capsys.readouterr().out
    assert "/wallboard/screen/{secret}" in logged
    assert "geheim" not in logged


async def test_a_guessed_secret_is_nobodys(desk: Desk):
    browser = await desk.browser()
    for secret in ("x", "0" * 43, "%00", "a" * 5000):
        assert (await browser.get(f"/wallboard/screen/{secret}")).status_code == 403
        browser.cookies.set("hotline_screen", "0" * 43)
        assert (await browser.get("/wallboard/screen")).status_code == 403
