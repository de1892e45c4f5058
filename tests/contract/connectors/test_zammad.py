"""Zammad's CTI push over real HTTP, against a strict stand-in: no Zammad runs here.

`tests/support/crms/zammad.py` says what it was written from. What the interface has, call events
and nothing else, is tried as the suite tries it; all else must be `Unsupported`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import httpx
import pytest

from crm_bridge.clock import SystemClock
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.mapping import load
from crm_bridge.connectors.port import (
    CallEvent,
    Capabilities,
    ContactDraft,
    Denied,
    Kind,
    Moment,
    Note,
    Status,
    Then,
    TicketDraft,
    Unreachable,
    Unsupported,
)
from crm_bridge.connectors.zammad.connector import ZammadConnector
from tests.contract.connectors.suite import AT, assert_says_nothing, new_number
from tests.support.crms.zammad import Call, StandIn, served
from tests.support.ports import free_port


def connector_to(port: int, token: str) -> ZammadConnector:
    section = ConnectorSection(
        kind="zammad", url=f"http://127.0.0.1:{port}", token=token, timeout_seconds=5
    )
    return ZammadConnector("desk", section, load(None, "zammad"), clock=SystemClock())


def event(moment: Moment, call_id: str = "lab1-1795000000.1", **more: object) -> CallEvent:
    given = {"number": new_number(), "agent": "1001", "queue": "information", **more}
    if moment is Moment.ENDED:
        given.setdefault("outcome", "served")
    return CallEvent(
        moment, call_id, AT, direction="inbound", name="สมหมาย ลับเฉพาะ", dialled="1203",
        service="information", link="https://1203.example/calls/1", **given,
    )  # fmt: skip


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def standin(port: int) -> AsyncIterator[StandIn]:
    made = StandIn()
    async with served(made, port):
        yield made
    assert made.faults == []


@pytest.fixture
async def connector(standin: StandIn, port: int) -> AsyncIterator[ZammadConnector]:
    made = connector_to(port, standin.token)
    yield made
    await made.close()


async def test_health_says_what_it_knows_and_leaves_no_call(connector, standin):
    health = await connector.health()
    assert health.product == "Zammad CTI, version unknown"
    assert health.login == ""
    assert standin.calls == {}


async def test_every_way_of_being_shut_out_is_denied_and_keeps_the_token(
    standin, connector, port, caplog
):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "uvicorn.access")  # a command run before may have set it
    wrong = connector_to(port, "another-token-2b9f")
    for act in (wrong.health(), wrong.setup(), wrong.call_event(event(Moment.RINGING))):
        with pytest.raises(Denied) as caught:
            await act
        assert "2b9f" not in str(caught.value)
    await wrong.close()
    for switch in ("enabled", "configured"):
        setattr(standin, switch, False)
        for act in (connector.health(), connector.call_event(event(Moment.RINGING))):
            with pytest.raises(Denied, match=r"switch on Integrations") as caught:
                await act
            assert standin.token not in str(caught.value)
            assert_says_nothing(caught.value)
        setattr(standin, switch, True)
    number = new_number()
    await connector.call_event(event(Moment.RINGING, number=number))
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("uvicorn")]
    assert len(ours) < len(caplog.records)  # what the stand-in's server logs was heard
    for secret in ("another-token", standin.token, number[1:]):
        assert not [line for line in ours if secret in line]


async def test_a_stopped_zammad_is_unreachable_and_back_it_is_told_again(port):
    standin = StandIn()
    connector = connector_to(port, standin.token)
    async with served(standin, port):
        await connector.call_event(event(Moment.RINGING))
    for act in (connector.health(), connector.call_event(event(Moment.ANSWERED))):
        with pytest.raises(Unreachable) as caught:
            await act
        assert caught.value.then is Then.RETRY
        assert standin.token not in str(caught.value)
        assert_says_nothing(caught.value)
    async with served(standin, port):
        await connector.call_event(event(Moment.ANSWERED))
    await connector.close()
    assert [call.state for call in standin.calls.values()] == ["answer"]
    assert standin.faults == []


async def test_a_served_call(connector, standin):
    number = new_number()
    for moment in Moment:
        await connector.call_event(event(moment, number=number))
    (call,) = standin.calls.values()
    assert call.told == [
        {
            "event": "newCall", "from": number[1:], "to": "1203", "direction": "in",
            "callId": "lab1-1795000000.1", "queue": "information",
        },
        {
            "event": "answer", "from": number[1:], "to": "1203", "direction": "in",
            "callId": "lab1-1795000000.1", "answeringNumber": "1001", "user": "1001",
        },
        {
            "event": "hangup", "from": number[1:], "to": "1203", "direction": "in",
            "callId": "lab1-1795000000.1", "answeringNumber": "1001", "user": "1001",
            "cause": "normalClearing",
        },
    ]  # fmt: skip
    assert (call.state, call.missed, call.queue) == ("hangup", False, "information")


async def test_every_event_twice_is_no_harm(connector, standin):
    for moment in Moment:
        for _ in range(2):
            await connector.call_event(event(moment))
    (call,) = standin.calls.values()
    assert (call.state, call.missed) == ("hangup", False)


async def test_two_telephones_ring_and_the_call_is_handed_over(connector, standin):
    for ringing in ("1001", "1002"):
        await connector.call_event(event(Moment.RINGING, agent=ringing))
    await connector.call_event(event(Moment.ANSWERED, agent="1002"))
    await connector.call_event(event(Moment.RINGING, agent="1003"))
    assert [call.to_comment for call in standin.calls.values()] == ["1002"]
    await connector.call_event(event(Moment.ANSWERED, agent="1003"))
    await connector.call_event(event(Moment.ENDED, agent=None))
    (call,) = standin.calls.values()
    assert [told["event"] for told in call.told] == ["newCall", "answer", "answer", "hangup"]
    assert (call.to_comment, call.state, call.missed) == ("1003", "hangup", False)


@pytest.mark.parametrize(
    "outcome, cause", [("abandoned_queue", "cancel"), ("queue_timeout", "noAnswer")]
)
async def test_a_call_that_nobody_answered_is_missed(connector, standin, outcome, cause):
    await connector.call_event(event(Moment.RINGING))
    await connector.call_event(event(Moment.ENDED, agent=None, outcome=outcome))
    (call,) = standin.calls.values()
    assert (call.missed, call.comment) == (True, cause)


@pytest.mark.parametrize("moment", [Moment.ANSWERED, Moment.ENDED])
async def test_a_call_it_has_not_heard_of_is_announced_first(connector, standin, moment):
    """The bridge or Zammad started while the call rang."""
    await connector.call_event(event(moment))
    (call,) = standin.calls.values()
    assert [told["event"] for told in call.told] == [
        "newCall", "answer" if moment is Moment.ANSWERED else "hangup",
    ]  # fmt: skip


async def test_a_call_that_never_rang_here_is_not_told(connector, standin):
    for outcome in ("abandoned_menu", "short"):
        await connector.call_event(event(Moment.ENDED, agent=None, outcome=outcome))
    assert standin.requests == 0


async def test_an_answer_after_the_end_changes_nothing(connector, standin):
    for moment in (Moment.RINGING, Moment.ENDED, Moment.ANSWERED):
        await connector.call_event(event(moment))
    assert [call.state for call in standin.calls.values()] == ["hangup"]


async def test_a_caller_that_zammad_blocks_is_served_all_the_same(connector, standin):
    number = new_number()
    standin.blocked.add(number[1:])
    await connector.call_event(event(Moment.RINGING, number=number))
    assert len(standin.calls) == 1


async def test_all_else_is_unsupported(connector, standin):
    for act in (
        connector.find_contacts(new_number()),
        connector.upsert_contact(ContactDraft("person:1", (new_number(),))),
        connector.upsert_ticket(TicketDraft("call:1")),
        connector.add_note("1", Note("wrapup:1", "x", AT)),
        connector.set_status("1", Status.CLOSED),
        connector.changes(None),
        connector.remove(Kind.TICKET, "1"),
    ):
        with pytest.raises(Unsupported) as caught:
            await act
        assert caught.value.then is Then.GIVE_UP
    assert connector.record_url(Kind.TICKET, "1") is None
    assert connector.capabilities == Capabilities(
        contacts=False, lookup=False, tickets=False, call_events=True, changes=False, setup=True
    )
    assert standin.requests == 0


async def test_setup_says_what_is_on_and_what_is_left_to_do(connector):
    there, by_hand = await connector.setup()
    assert (there.state, by_hand.state) == ("there", "by_hand")
    assert all(by_hand.text)


class TestTheStandInIsStrict:
    """A stand-in that takes anything would prove nothing."""

    async def ask(self, standin: StandIn, **more: str) -> tuple[int, dict[str, str]]:
        sent = {"event": "newCall", "from": "66811111111", "to": "1203", "direction": "in",
                "callId": "1", **more}  # fmt: skip
        transport = httpx.ASGITransport(standin.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://z") as client:
            answer = await client.post(f"/api/v1/cti/{standin.token}", json=sent)
        return answer.status_code, answer.json()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"from": "+66811111111"}, {"from": ""}, {"to": "สายด่วน"}, {"callId": ""},
            {"callId": "9" * 251}, {"cause": "busy"}, {"agent": "1001"}, {"user": ""},
            {"event": "hangup"}, {"event": "hangup", "cause": "served"},
            {"event": "answer", "queue": "information"}, {"event": "ringing"},
        ],
    )  # fmt: skip
    async def test_what_is_not_documented_is_a_fault(self, wrong):
        standin = StandIn()
        standin.calls["1"] = Call("newCall", False, [])
        await self.ask(standin, **{"callId": "1", **wrong})
        assert standin.faults

    async def test_it_answers_as_zammad_does(self):
        standin = StandIn()
        assert await self.ask(standin) == (200, {})
        assert await self.ask(standin) == (500, {"error": "Object already exists!"})
        status, answer = await self.ask(standin, event="answer", callId="2")
        assert (status, answer["error"][:9]) == (500, "Error ID ")
        assert await self.ask(standin, direction="up") == (422, {"error": "Invalid direction!"})
        standin.token, token = "another", standin.token
        assert (await self.ask(StandIn(token=token), event="ringing"))[0] == 422
        assert standin.faults == []

    async def test_forms_are_read_as_json_is(self):
        standin = StandIn()
        transport = httpx.ASGITransport(standin.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://z") as client:
            path = f"/api/v1/cti/{standin.token}"
            fields = {"event": "newCall", "from": "66811111111", "to": "1203", "direction": "in",
                      "callId": "1", "user[]": ["A", "B"]}  # fmt: skip
            assert (await client.post(path, data=fields)).status_code == 200
            assert standin.calls["1"].to_comment == "A, B"
            assert standin.faults == []
            answer = await client.post(path, content=b"event=newCall")
            assert answer.json() == {"error": "Invalid direction!"}
            assert standin.faults == ["content type none"]
