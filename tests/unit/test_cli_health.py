"""/healthz and /readyz tell the truth in words."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from crm_bridge.records.database import Database
from crm_bridge.web.app import create_app
from crm_bridge.web.context import Context
from crm_bridge.web.health import Health, NodeHealth
from crm_bridge.web.problems import MEDIA_TYPE
from tests.support.scenario import config_of

NODE = NodeHealth(
    name="pbx1", link="up", last_error=None, failures=0, connects=1, events=10, calls=1,
    open_calls=1, last_event_at="2026-11-23T04:05:06.123456Z", lag_seconds=0.01, waiting_bytes=0,
    overflows=0, failed_events=0,
)  # fmt: skip
FIT = Health(
    started_at="2026-11-23T04:05:06.000000Z", committing=True, commit_error=None,
    commit_failing_since=None, last_commit_at=None, pending_bytes=0, full=False, refused=0,
    nodes=(NODE,),
)  # fmt: skip


async def ask(health: Health, path: str) -> httpx.Response:
    database = Database("sqlite:///not-asked.db")
    app = create_app(Context(config_of("ours"), database, lambda: health))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as client:
        return await client.get(path)


async def test_a_fit_bridge_is_ready_and_says_how_it_stands() -> None:
    answer = await ask(FIT, "/readyz")
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "ready"
    assert body["nodes"][0]["lag_seconds"] == 0.01
    assert (await ask(FIT, "/healthz")).status_code == 200


@pytest.mark.parametrize(
    "health, words",
    [
        (replace(FIT, nodes=(replace(NODE, link="waiting", last_error="refused"),)),
         "node pbx1 is not connected (waiting): refused"),
        (replace(FIT, commit_error="the disk is full"), "not being saved: the disk is full"),
        (replace(FIT, full=True), "more waits to be saved"),
        (replace(FIT, committing=False), "commit loop has ended"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named(health: Health, words: str) -> None:
    answer = await ask(health, "/readyz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert words in answer.json()["detail"]
    assert answer.json()["pending_bytes"] == 0


async def test_a_bridge_that_is_not_ready_is_alive_unless_it_saves_no_more() -> None:
    lost = replace(FIT, nodes=(replace(NODE, link="waiting"),))
    assert (await ask(lost, "/healthz")).status_code == 200
    dead = await ask(replace(FIT, committing=False), "/healthz")
    assert dead.status_code == 503
    assert dead.headers["content-type"] == MEDIA_TYPE
