"""The agent's state, acts and the directory over HTTP, on a line whose Asterisk is played here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from crm_bridge.access.roles import Role
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.line import LineNode
from ivr.ami.reconnect import LinkState
from ivr.calls.members import Members
from ivr.calls.tracker import Tracker
from ivr.events import types as ev
from tests.support.web import Desk


@dataclass
class Pbx:
    """A link that does to the members what Asterisk's queues would."""

    members: Members
    told: Any = None
    state: LinkState = LinkState.UP
    sent: list[dict[str, str]] = field(default_factory=list)

    async def act(self, action: dict[str, str]) -> dict[str, str]:
        self.sent.append(action)
        paused, reason = action.get("Paused") == "true", action.get("Reason", "")
        interface = action["Interface"]
        for queue in [action["Queue"]] if "Queue" in action else [m.queue for m in self.members]:
            event: ev.Event = ev.MemberTold(
                1, False, queue, interface, "1001", None, paused, reason, True
            )
            if action["Action"] == "QueueRemove":
                event = ev.MemberRemoved(1, False, queue, interface)
            if self.members.apply(event):
                self.told("pbx1", event)
        return {"Response": "Success"}


@pytest.fixture
async def pbx(desk: Desk) -> AsyncIterator[Pbx]:
    held = desk.context
    floor = Floor.of(held.config, desk.database, held.hub, desk.clock)
    members = Members()
    for event in (
        ev.LinkUp(0, False),
        ev.PresenceTold(0, False, "1001", "agent-numbers", 0, ("PJSIP/1001",), True),
        ev.PresenceTold(0, False, "2001", "agency-numbers", 8, ("PJSIP/2001",), True),
        ev.SnapshotEnded(0, False),
    ):
        members.apply(event)
    made = Pbx(members, floor.line.told)
    tracker = Tracker("pbx1", floor.line.directory)
    floor.line.add(LineNode("pbx1", made, tracker, members))  # type: ignore[arg-type]  # played
    held.floor, held.agents = floor, floor.agents
    await floor.agents.load()
    running = asyncio.create_task(floor.agents.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_an_agents_day(desk: Desk, pbx: Pbx) -> None:
    browser = await desk.browser(Role.AGENT)
    assert (await browser.get("/api/v1/agent")).json()["seat"] is None
    refused = await browser.post("/api/v1/agent/ready")
    assert refused.status_code == 409
    assert refused.json()["type"] == "not-signed-in-at-a-telephone"
    seat = (await browser.post("/api/v1/agent/sign-in", json={"extension": "1001"})).json()
    assert (seat["state"], seat["presence"], seat["queues"]) == (
        "ready", "free", ["appointment", "complaint", "information", "market_information"],
    )  # fmt: skip
    reasons = [r["code"] for r in (await browser.get("/api/v1/agent")).json()["reasons"]]
    assert "lunch" in reasons
    paused = (await browser.post("/api/v1/agent/pause", json={"reason": "lunch"})).json()
    assert (paused["state"], paused["reason_th"]) == ("paused", "พักกลางวัน")
    assert len(paused["paused_in"]) == len(paused["queues"]) == 4
    assert (await browser.post("/api/v1/agent/ready")).json()["paused_in"] == []
    other = await desk.browser(Role.AGENT)
    taken = await other.post("/api/v1/agent/sign-in", json={"extension": "1001"})
    assert taken.json()["type"] == "extension-taken"
    assert (await other.post("/api/v1/agents/1001/sign-out")).status_code == 403
    supervisor = await desk.browser(Role.SUPERVISOR)
    items = (await supervisor.get("/api/v1/agents")).json()["items"]
    assert [(i["extension"], i["state"]) for i in items] == [("1001", "ready")]
    out = await supervisor.post("/api/v1/agents/1001/sign-out")
    assert (out.json()["state"], out.json()["queues"]) == ("signed_out", [])


async def test_while_the_line_is_away_states_are_unknown_and_acts_refused(
    desk: Desk, pbx: Pbx
) -> None:
    browser = await desk.browser(Role.AGENT)
    await browser.post("/api/v1/agent/sign-in", json={"extension": "1001"})
    pbx.state = LinkState.WAITING
    seat = (await browser.get("/api/v1/agent")).json()["seat"]
    assert (seat["state"], seat["wished"], seat["known"]) == ("unknown", "ready", False)
    for path, body in (("ready", None), ("pause", {"reason": "lunch"}), ("sign-out", None)):
        answer = await browser.post(f"/api/v1/agent/{path}", json=body)
        if path == "ready":  # so it is already
            assert answer.status_code == 200
            continue
        assert (answer.status_code, answer.json()["type"]) == (503, "line-not-connected")


async def test_without_a_line_everything_says_so(desk: Desk) -> None:
    browser = await desk.browser(Role.AGENT)
    for path in ("line/calls/x-1/hold", "line/calls/x-1/back", "agent/ready"):
        answer = await browser.post(f"/api/v1/{path}")
        assert (answer.status_code, answer.json()["type"]) == (503, "line-not-connected")
    assert (await browser.get("/api/v1/agent")).json()["seat"] is None


async def test_acts_on_a_call_that_is_none_of_mine(desk: Desk, pbx: Pbx) -> None:
    browser = await desk.browser(Role.AGENT)
    await browser.post("/api/v1/agent/sign-in", json={"extension": "1001"})
    over = await browser.post("/api/v1/line/calls/pbx1-1.2/hold")
    assert (over.status_code, over.json()["type"]) == (409, "call-over")
    wrong = await browser.post("/api/v1/line/call-back", json={"number": "191"})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["number"])
    assert (await browser.post("/api/v1/line/calls/a%0d%0ab/hold")).status_code == 422
    assert [a for a in pbx.sent if not a["Action"].startswith("Queue")] == []


async def test_the_directory(desk: Desk, pbx: Pbx) -> None:
    browser = await desk.browser(Role.AGENT)
    items = (await browser.get("/api/v1/directory", params={"q": "ค้าภายใน"})).json()["items"]
    assert (items[0]["id"], items[0]["presence"], items[0]["open"]) == ("dit", "ringing", True)
    desk.clock.forward(hours=7)
    items = (await browser.get("/api/v1/directory", params={"q": "2001"})).json()["items"]
    assert [(i["number"], i["open"]) for i in items] == [("2001", False)]
    officers = await browser.get("/api/v1/directory", params={"kind": "officer"})
    assert [i["number"] for i in officers.json()["items"]] == ["1001"]
