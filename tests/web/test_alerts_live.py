"""From Asterisk's own messages of a waiting caller to one alert, its e-mail and its webhook."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import httpx
import pytest
from sqlalchemy import select, update

from crm_bridge.alerts.floor_watch import FloorWatch
from crm_bridge.alerts.keeper import Keeper, Sources
from crm_bridge.connectors import registry
from crm_bridge.connectors.webhook import signing
from crm_bridge.connectors.webhook.connector import WebhookConnector
from crm_bridge.delivery.deliveries import Deliveries
from crm_bridge.desk.pop import Stage
from crm_bridge.records.desk_tables.alerts import alert_rules, alerts
from crm_bridge.records.desk_tables.messages import messages
from ivr.ami.reconnect import LinkState
from ivr.steps.standards import load_standards
from tests.support.alerts import HOOK, with_hook
from tests.support.screens import LineDesk, Played, line

__all__ = ["line"]


@dataclass
class Office:
    """A desk whose line a test plays, watched by a keeper, joined to a webhook."""

    line: LineDesk
    keeper: Keeper
    deliveries: Deliveries
    received: list[dict] = field(default_factory=list)

    async def only(self, *rules: str) -> None:
        async with self.line.database.writing() as connection:
            await connection.execute(
                update(alert_rules).values(
                    active=alert_rules.c.id.in_(rules), emails="head@moc.example",
                    webhooks="alarms",
                )
            )  # fmt: skip
        self.keeper.rules_changed()

    async def look(self, seconds: int) -> None:
        for _ in range(seconds):
            self.line.clock.forward(seconds=1)
            await self.keeper.round()

    async def deliver(self) -> None:
        while await self.deliveries.workers["alarms"].round():
            pass

    def waiting(self, name: str = "abandoned_queue") -> Played:
        """A recorded caller who has just joined a queue, the first officer not yet rung."""
        played = self.line.play(name)
        lives = self.line.pipeline.tracker.lives
        played.until(lambda: any(live.call.passages for live in lives.values()))
        return played


@pytest.fixture
async def office(line: LineDesk) -> Office:
    context = line.context
    context.config = with_hook(context.config)
    clock, standards = line.clock, load_standards()
    watch = FloorWatch(line.floor.line, line.floor.agents, context.board, standards)
    keeper = Keeper(
        line.database, context.hub, clock, context.config, standards, Sources(watch.look)
    )
    made = Office(line, keeper, Deliveries())

    def take(request: httpx.Request) -> httpx.Response:
        headers = {k.lower(): v for k, v in request.headers.items()}
        secrets = signing.secrets_of(HOOK.secret())
        assert signing.verified(secrets, headers, clock.now_us(), request.content)
        made.received.append(json.loads(request.content))
        return httpx.Response(202, json={})

    def make(name: str) -> WebhookConnector:
        return WebhookConnector(
            name, HOOK, registry.mapping_of(HOOK), clock=clock,
            transport=httpx.MockTransport(take),
        )  # fmt: skip

    made.deliveries = await Deliveries.of(context.config, line.database, clock, context.hub, make)
    await keeper.round()
    return made


async def test_a_caller_who_waits_is_told_once_and_is_over_once(office: Office):
    await office.only("wait")
    played = office.waiting()
    await office.look(115)
    assert office.keeper.active() == []
    await office.look(30)
    (alert,) = office.keeper.active()
    assert alert.kind.value == "wait"
    await office.deliver()
    (event,) = office.received
    assert event["type"].endswith(".alert.raised.v1")
    assert event["data"]["text_th"] == alert.th
    async with office.line.database.reading() as connection:
        rows = (await connection.execute(select(messages))).all()
    assert [(row.recipient, row.state) for row in rows] == [("head@moc.example", "waiting")]
    # nothing of the caller leaves with it
    assert "0812345678" not in json.dumps(event) + rows[0].body
    played.all()
    await office.look(30)
    await office.deliver()
    assert office.keeper.active() == []
    assert [event["type"].split(".")[-2] for event in office.received] == ["raised", "cleared"]
    assert {event["data"]["id"] for event in office.received} == {alert.id}
    async with office.line.database.reading() as connection:
        assert len((await connection.execute(select(alerts))).all()) == 1
        assert len((await connection.execute(select(messages))).all()) == 1


async def test_callers_of_whom_nothing_is_heard_raise_nothing(office: Office):
    await office.only("wait", "nobody-ready")
    office.waiting()
    (node,) = office.line.floor.line.nodes
    node.link.state = LinkState.WAITING
    await office.look(400)
    assert office.keeper.active() == []
    node.link.state = LinkState.UP
    await office.look(1)
    assert [alert.rule for alert in office.keeper.active()] == ["wait"]


async def test_nobody_ready_is_over_when_an_officer_sits_down(office: Office):
    await office.only("nobody-ready")
    played = office.line.play("answered_served")
    lives = office.line.pipeline.tracker.lives
    members = office.line.pipeline.members
    played.until(lambda: any(live.call.passages for live in lives.values()))
    queue = next(iter(lives.values())).call.passages[-1].queue
    # everybody of the queue is paused
    for member in list(members):
        members._members[member.queue, member.interface] = _paused(member)
    await office.look(40)
    (alert,) = office.keeper.active()
    assert (alert.subject, alert.value) == (queue, 1.0)
    await office.line.agent()
    await office.look(20)
    assert office.keeper.active() == []


def _paused(member):
    from dataclasses import replace

    return replace(member, paused=True, reason="lunch")


async def test_a_step_that_runs_is_held_against_its_standard(office: Office):
    await office.only("step")
    await office.line.agent()
    played = office.line.play("answered_served")
    played.until_stage(Stage.TALKING)
    await office.look(290)
    assert office.keeper.active() == []
    await office.look(30)
    assert [alert.subject for alert in office.keeper.active()] == ["information/inform"]
    # over on the line, and its record not saved: another step runs
    played.all()
    await office.look(31)
    assert office.keeper.active() == []
    await office.look(300)
    assert [alert.subject for alert in office.keeper.active()] == ["information/log"]
