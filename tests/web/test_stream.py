"""The stream of an agent's desk over a real socket: state, changes, replay, ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from crm_bridge.access import sessions
from crm_bridge.access.roles import Role
from crm_bridge.config import AgencySection
from crm_bridge.desk.pop import Stage
from crm_bridge.web.agent import stream as stream_module
from crm_bridge.web.agent.screen import Screen
from crm_bridge.web.policy import COOKIE
from tests.support.browser import served
from tests.support.live import until
from tests.support.screens import LineDesk, line

__all__ = ["line"]

DEADLINE = 15.0


class Page:
    """A page of the desk as far as its stream goes."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.last = ""

    async def next(self) -> tuple[str, dict[str, Any]]:
        """The next event and its data; ("end", {}) where the stream has ended."""
        kind, data = "", ""
        async with asyncio.timeout(DEADLINE):
            async for text in self._lines:
                if text.startswith("id: "):
                    self.last = text[4:]
                elif text.startswith("event: "):
                    kind = text[7:]
                elif text.startswith("data: "):
                    data = text[6:]
                elif not text and kind:
                    return kind, json.loads(data)
        return "end", {}

    async def until(self, kind: str, stage: str | None = None) -> dict[str, Any]:
        """Goes on to an event of this kind (and stage)."""
        while True:
            found, data = await self.next()
            assert found != "end", f"the stream ended before {kind} {stage or ''}"
            if found == kind and (stage is None or data.get("stage") == stage):
                return data


@asynccontextmanager
async def page(
    base: str, client: httpx.AsyncClient, last: str = "", header: bool = False
) -> AsyncIterator[Page]:
    headers = {"Last-Event-ID": last} if last and header else {}
    query = {"last": last} if last and not header else {}
    async with client.stream(
        "GET", f"{base}/api/v1/desk/stream", params=query, headers=headers, timeout=DEADLINE
    ) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Page(response.aiter_lines())


@asynccontextmanager
async def signed_in(desk: LineDesk, account: Any) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    async with desk.database.writing() as connection:
        session, token = await sessions.begin(connection, desk.clock, account)
    async with httpx.AsyncClient(cookies={COOKIE: token}) as client:
        yield client, session.id


async def test_state_then_the_ring_with_its_card_then_gone(line: LineDesk):
    me = await line.agent()
    async with (
        served(line.app) as base,
        signed_in(line, me) as (client, _),
        page(base, client) as p,
    ):
        kind, state = await p.next()
        assert (kind, state["calls"], state["agent"]) == ("state", [], "1001")
        assert "1001" in state["seat"]
        played = line.play("ring_no_answer")
        played.until_stage(Stage.RINGING)
        told = await p.until("call", "ringing")
        assert "081 234 5678" in told["html"]
        assert told["bar"].count("data-step") == 5
        assert told["at"]
        while "card" not in told or "ใหม่" not in told["card"]:
            told = await p.until("call", "ringing")
        played.until(lambda: line.view() is None)
        assert (await p.until("call", "gone"))["id"] == told["id"]


async def test_a_card_learns_what_changes_of_its_caller(line: LineDesk):
    config = line.context.config
    krabi = {"pco-krabi": AgencySection(name_th="สำนักงานพาณิชย์จังหวัดกระบี่", name_en="Krabi PCO")}
    line.context.config = config.model_copy(update={"agency": {**config.agency, **krabi}})
    agent = await line.browser(await line.agent())
    line.play("ring_no_answer").until_stage(Stage.RINGING)

    def card():
        return line.view().card

    await until("a card", card)
    assert card().level == "new"
    made = await agent.post("/api/v1/people", json={"name": "มาลี", "numbers": ["0812345678"]})
    await until("a person", lambda: card().level == "known")
    person = made.json()
    path = f"/api/v1/people/{person['id']}"
    edited = await agent.patch(
        path, json={"name": "มาลี ใจดี"}, headers={"If-Match": made.headers["ETag"]}
    )
    assert edited.status_code == 200
    await until("the name", lambda: card().match.persons[0].name == "มาลี ใจดี")
    wish = {
        "name": "มาลี", "surname": "ใจดี", "phone": "0899999999", "topic": "<b>ส่งออกลำไย",
        "unit": "dip", "province": "pco-krabi", "person_id": person["id"],
    }  # fmt: skip
    asked = await agent.post("/api/v1/appointments", json=wish)
    await until("the appointment", lambda: card().appointments)
    html = Screen(line.context.config).card(line.view(), "th")
    assert asked.json()["ref"] in html
    assert "รอประสานนัดหมาย" in html
    assert "&lt;b&gt;ส่งออกลำไย" in html
    await agent.post(
        f"/api/v1/appointments/{asked.json()['ref']}/cancel", json={},
        headers={"If-Match": asked.headers["ETag"]},
    )  # fmt: skip
    await until("none left", lambda: not card().appointments)


async def test_a_pop_goes_to_the_ringing_officer_and_to_nobody_else(line: LineDesk):
    await line.agent("1001", "one")
    other = await line.agent("1002", "two")
    async with (
        served(line.app) as base, signed_in(line, other) as (client, _), page(base, client) as p,
    ):  # fmt: skip
        await p.until("state")
        line.play("answered_served").all()
        line.context.board.flush()
        line.context.hub.publish("agent:1002", "tasks", {})
        seen = []
        while (found := await p.next())[0] != "tasks":
            seen.append(found)
        assert not [found for found in seen if found[0] == "call"]


@pytest.mark.parametrize("header", [True, False])
async def test_who_comes_back_gets_what_was_missed_as_it_stands_now(line: LineDesk, header: bool):
    me = await line.agent()
    async with served(line.app) as base, signed_in(line, me) as (client, _):
        async with page(base, client) as p:
            await p.until("state")
            last = p.last
        played = line.play("hold")
        played.until_stage(Stage.HELD)
        line.context.board.flush()
        async with page(base, client, last, header) as p:
            assert (await p.next())[0] == "now"
            assert (await p.until("call"))["stage"] == "held"
            last = p.last
        played.all()
        async with page(base, client, last, header) as p:
            stages = [(await p.until("call"))["stage"]]
            assert stages == ["wrapup"], "what was passed through meanwhile is not shown again"


async def test_an_id_of_another_life_or_another_seat_gets_the_state(line: LineDesk):
    me = await line.agent()
    line.play("hold").until_stage(Stage.TALKING)
    async with served(line.app) as base, signed_in(line, me) as (client, _):
        hub = line.context.hub
        for last in ("", "deadbeef-3@1001", f"{hub.last_id}@1002", f"{hub.last_id}@", "x" * 60):
            async with page(base, client, last) as p:
                kind, state = await p.next()
                assert kind == "state", last
                assert [told["stage"] for told in state["calls"]] == ["talking"]
                assert "card" in state["calls"][0]


async def test_a_second_tab_has_the_same(line: LineDesk):
    me = await line.agent()
    async with (
        served(line.app) as base, signed_in(line, me) as (client, _),
        page(base, client) as one, page(base, client) as two,
    ):  # fmt: skip
        await one.until("state")
        await two.until("state")
        line.play("hold").until_stage(Stage.RINGING)
        first, second = await one.until("call", "ringing"), await two.until("call", "ringing")
        assert (first["id"], first["html"]) == (second["id"], second["html"])
        assert one.last == two.last


async def test_sitting_down_elsewhere_is_a_new_state(line: LineDesk):
    me = await line.account(Role.AGENT, "walker")
    async with (
        served(line.app) as base,
        signed_in(line, me) as (client, _),
        page(base, client) as p,
    ):
        assert (await p.until("state"))["agent"] is None
        await line.sit(me, "1001")
        assert (await p.until("state"))["agent"] == "1001"
        line.play("answered_served").until_stage(Stage.RINGING)
        await p.until("call", "ringing")


async def test_an_ended_session_ends_the_stream(line: LineDesk):
    me = await line.agent()
    async with (
        served(line.app) as base, signed_in(line, me) as (client, session), page(base, client) as p,
    ):  # fmt: skip
        await p.until("state")
        line.context.hub.publish(f"session:{session}", "ended", {})
        await p.until("ended")
        assert (await p.next())[0] == "end"


async def test_a_session_that_ended_unheard_is_noticed(line: LineDesk, monkeypatch):
    monkeypatch.setattr(stream_module, "HEARTBEAT", 0.02)
    me = await line.agent()
    async with (
        served(line.app) as base, signed_in(line, me) as (client, session), page(base, client) as p,
    ):  # fmt: skip
        await p.until("state")
        await p.until("now")
        async with line.database.writing() as connection:
            await sessions.end(connection, line.clock, session)
        line.clock.forward(seconds=stream_module.SESSION_LOOK + 1)
        await p.until("ended")


async def test_a_stop_ends_every_stream_at_once(line: LineDesk):
    me = await line.agent()
    async with (
        served(line.app) as base, signed_in(line, me) as (client, _), page(base, client) as p,
    ):  # fmt: skip
        await p.until("state")
        line.context.hub.close()
        assert (await p.next())[0] == "end"


async def test_a_page_that_has_gone_listens_no_longer(line: LineDesk):
    me = await line.agent()
    own = line.context.hub.audience
    async with served(line.app) as base, signed_in(line, me) as (client, _):
        async with page(base, client) as p:
            await p.until("state")
            assert line.context.hub.audience == own + 1
        async with asyncio.timeout(DEADLINE):
            while line.context.hub.audience > own:  # noqa: ASYNC110  # the server tells nobody
                await asyncio.sleep(0.01)


async def test_a_hostile_name_is_text_and_one_event(line: LineDesk):
    me = await line.agent()
    name = "<img src=x onerror=alert(1)>\r\n\r\nevent: ended\r\ndata: {}"
    async with (
        served(line.app) as base,
        signed_in(line, me) as (client, _),
        page(base, client) as p,
    ):
        await p.until("state")
        played = line.play("answered_served")
        played.until_stage(Stage.RINGING)
        call, _views = line.context.board.live()[0]
        call.caller_name = name
        line.context.board.take_up([call])
        told = await p.until("call", "ringing")
        while "onerror" not in told["html"]:
            told = await p.until("call", "ringing")
        assert "<img" not in told["html"]
        assert "&lt;img" in told["html"]


async def test_only_those_on_the_line_have_a_stream(line: LineDesk):
    nobody = await line.browser()
    assert (await nobody.get("/api/v1/desk/stream")).status_code == 401
    director = await line.browser(Role.DIRECTOR)
    assert (await director.get("/api/v1/desk/stream")).status_code == 403
