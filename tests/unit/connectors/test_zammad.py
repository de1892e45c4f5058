"""What Zammad is told, form by form: numbers, causes, officers; settings that cannot be used."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.mapping import load
from crm_bridge.connectors.port import (
    CallEvent,
    Denied,
    Moment,
    Rejected,
    Unreachable,
    Unsettled,
)
from crm_bridge.connectors.zammad.connector import CAUSES, ZammadConnector
from crm_bridge.errors import ConfigMistake
from ivr.calls.call import Outcome
from tests.support.crms.zammad import CAUSES as DOCUMENTED
from tests.support.crms.zammad import StandIn
from tests.support.desk_clock import HeldClock

TOKEN = "PhXp3ZG63QyJfcb1pVOnBKJWIbI"


def make(
    transport: httpx.AsyncBaseTransport,
    *,
    folder: Path | None = None,
    url: str = "https://zammad.example",
    token: str = TOKEN,
    **options: str,
) -> ZammadConnector:
    mapping = load(None, "zammad")
    if options:
        assert folder is not None
        path = folder / "zammad.toml"
        text = mapping.path.read_text("utf-8").split("[calls]")[1]
        lines = "\n".join(f'{name} = "{value}"' for name, value in options.items())
        path.write_text(f"[options]\n{lines}\n[calls]{text}", "utf-8")
        mapping = load(path, "zammad")
    section = ConnectorSection(kind="zammad", url=url, token=token)
    return ZammadConnector("desk", section, mapping, clock=HeldClock(), transport=transport)


def call(moment: Moment = Moment.RINGING, **more: object) -> CallEvent:
    given = {
        "direction": "inbound", "number": "+66812345678", "dialled": "1203", "agent": "1001",
        "queue": "information", **more,
    }  # fmt: skip
    return CallEvent(moment, "lab1-1.1", 1, name="สมหมาย", **given)


async def told(event: CallEvent, folder: Path, **options: str) -> dict[str, str]:
    standin = StandIn(token=TOKEN)
    connector = make(httpx.ASGITransport(standin.app), folder=folder, **options)
    await connector.call_event(event)
    await connector.close()
    assert standin.faults == []
    (found,) = standin.calls.values()
    last: dict[str, str] = found.told[-1]
    return last


@pytest.mark.parametrize(
    "number, form",
    [
        ("+66812345678", "66812345678"), ("+493055571600", "493055571600"),
        ("0812345678", "66812345678"), ("025477000", "6625477000"), ("1001", "1001"),
        ("1111", "1111"), (None, "anonymous"), ("", "anonymous"), ("anonymous", "anonymous"),
        ("<script>", "anonymous"), ("+66 81-234 5678", "66812345678"),
    ],
)  # fmt: skip
async def test_numbers_have_their_country_and_no_plus(number, form, tmp_path):
    assert (await told(call(number=number), tmp_path))["from"] == form


async def test_a_call_back_is_from_us_to_them(tmp_path):
    event = call(direction="outbound", dialled="0812345678")
    found = await told(event, tmp_path)
    assert (found["direction"], found["from"], found["to"]) == ("out", "1203", "66812345678")
    found = await told(call(direction="outbound"), tmp_path, own_number="02-507-7000", agents="")
    assert found["from"] == "025077000"


async def test_what_was_dialled_may_be_nothing_that_zammad_takes(tmp_path):
    assert (await told(call(dialled="s"), tmp_path))["to"] == "1203"


async def test_an_officer_is_told_as_zammad_knows_the_user(tmp_path):
    agents = "1001=somchai@example.go.th สมชาย ใจดี; 1002=17;"
    for extension, answering, user in (
        ("1001", "somchai@example.go.th", "สมชาย ใจดี"), ("1002", "17", "1002"),
        ("1003", "1003", "1003"),
    ):  # fmt: skip
        found = await told(call(Moment.ANSWERED, agent=extension), tmp_path, agents=agents)
        assert (found["answeringNumber"], found["user"]) == (answering, user)


async def test_a_call_without_queue_or_officer_has_no_empty_fields(tmp_path):
    assert "queue" not in await told(call(queue=None, agent=None), tmp_path)
    assert "user" not in await told(call(Moment.ANSWERED, agent=None), tmp_path)


def test_every_outcome_has_a_documented_cause():
    assert set(CAUSES) == set(Outcome)
    assert set(CAUSES.values()) <= DOCUMENTED


@pytest.mark.parametrize(
    "more",
    [
        {"url": f"https://zammad.example/api/v1/cti/{TOKEN}"}, {"token": "../users"},
        {"token": "with space"}, {"token": ""}, {"agents": "1001"}, {"agents": "สมชาย=1"},
        {"agents": "1001="},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_without_telling_the_token(more, tmp_path):
    with pytest.raises(ConfigMistake) as caught:
        make(httpx.ASGITransport(StandIn().app), folder=tmp_path, **more)
    assert TOKEN not in str(caught.value)
    assert caught.value.mend


@pytest.mark.parametrize(
    "status, body, error",
    [
        (200, {"error": "no"}, Unsettled), (422, {"error": "Error ID 1: Please…"}, Rejected),
        (422, {}, Rejected), (500, {"error": "Error ID 1"}, Unreachable), (500, [], Unreachable),
        (500, "<h1>500</h1>", Unreachable), (404, "<h1>404</h1>", Denied),
        (200, "<h1>welcome</h1>", Unreachable),
    ],
)  # fmt: skip
async def test_other_answers(status, body, error):
    def answer(_: httpx.Request) -> httpx.Response:
        if isinstance(body, str):
            return httpx.Response(status, html=body)
        return httpx.Response(status, json=body)

    connector = make(httpx.MockTransport(answer))
    for moment in (Moment.RINGING, Moment.ANSWERED):
        with pytest.raises(error) as caught:
            await connector.call_event(call(moment))
        assert TOKEN not in str(caught.value)
        assert "8123" not in str(caught.value)
    await connector.close()


async def test_health_is_not_ok_where_anything_is_taken():
    connector = make(httpx.MockTransport(lambda _: httpx.Response(200, json={})))
    with pytest.raises(Unsettled, match="unknown"):
        await connector.health()
    await connector.close()
