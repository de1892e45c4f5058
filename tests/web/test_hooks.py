"""Webhooks at the desk: the registry of schemas, and the signed way back for a changed status."""

from __future__ import annotations

import html
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from sqlalchemy import insert

from crm_bridge.access.roles import Role
from crm_bridge.access.throttle import FAILURES
from crm_bridge.clock import iso
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.port import Status
from crm_bridge.connectors.webhook import events, signing
from crm_bridge.delivery import links
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.connectors import connector_links, connectors
from crm_bridge.web.context import Context
from crm_bridge.web.hooks.routes import example_of
from tests.support.desk_clock import HeldClock
from tests.support.migrated import sqlite_url
from tests.support.scenario import config_of
from tests.support.web import FIT, Desk

ADDRESS = "https://1203.example"
SECRET, OLD, OTHER = (signing.new_secret() for _ in range(3))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk with two webhooks, one of which is changing its secret, and a CRM that is none."""
    config = config_of("ours")
    config = config.model_copy(
        update={
            "web": config.web.model_copy(update={"address": ADDRESS}),
            "connector": {
                "ministry": ConnectorSection(
                    kind="webhook", url="https://crm.example/hook", token=f"{SECRET} {OLD}"
                ),
                "other": ConnectorSection(
                    kind="webhook", url="https://other.example/hook", token=OTHER
                ),
                "tickets": ConnectorSection(kind="rt", url="https://rt.example", token=SECRET),
            },
        }
    )
    database, clock = Database(await sqlite_url(tmp_path / "desk.db")), HeldClock()
    made = Desk(Context(config, database, lambda: FIT, clock), clock)
    yield made
    for browser in made.browsers:
        await browser.aclose()
    await database.close()


# --- the registry -------------------------------------------------------------------------------


async def test_dataschema_leads_to_the_schema_of_the_data(desk: Desk):
    nobody = await desk.browser()
    listed = (await nobody.get("/api/v1/hooks/schemas")).json()
    assert [one["type"] for one in listed["items"]] == [event.type for event in events.EVENTS]
    for event in events.EVENTS:
        whole = example_of(event, ADDRESS)
        answer = await nobody.get(whole["dataschema"].removeprefix(ADDRESS))
        assert answer.headers["content-type"] == "application/schema+json"
        schema = answer.json()
        assert schema["$id"] == whole["dataschema"]
        jsonschema_rs.Draft202012Validator(schema).validate(whole["data"])
        assert whole["dataschema"] in [one["dataschema"] for one in listed["items"]]
    envelope = (await nobody.get(listed["envelope"].removeprefix(ADDRESS))).json()
    jsonschema_rs.Draft202012Validator(envelope).validate(example_of(events.NOTE_ADDED, ADDRESS))


async def test_a_type_that_is_none_has_no_schema(desk: Desk):
    nobody = await desk.browser()
    for name in ("th.go.moc.hotline1203.note.added.v9", "note.added.v1", "x" * 500):
        answer = await nobody.get(f"/api/v1/hooks/schemas/{name}")
        assert answer.status_code in {404, 422}
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("language", ["th", "en"])
async def test_the_page_shows_every_type_in_both_languages(desk: Desk, language: str):
    account = await desk.account(Role.ADMINISTRATOR, language=language)
    browser = await desk.browser(account)
    for event in events.EVENTS:
        answer = await browser.get(f"/admin/hooks/schemas?type={event.slug}")
        assert answer.status_code == 200
        page = html.unescape(answer.text)
        assert (event.th if language == "th" else event.en) in page
        assert f"{ADDRESS}/api/v1/hooks/schemas/{event.type}" in page
        for field in events.schema(event)["properties"].values():
            assert field["x-description-th" if language == "th" else "description"] in page
        whole = example_of(event, ADDRESS)
        assert json.dumps(whole, ensure_ascii=False, indent=2) in page
    page = (await browser.get("/admin/hooks/schemas?type=status-changed-v1")).text
    assert f"{ADDRESS}/api/v1/hooks/ministry/status" in page
    assert "/hooks/tickets/" not in page
    assert SECRET not in page
    assert (await browser.get("/admin/hooks/schemas?type=nothing")).status_code == 200


# --- the way back -------------------------------------------------------------------------------

KEY = "case:1203-2569-000123"
WAY = "/api/v1/hooks/ministry/status"


@pytest.fixture
async def linked(desk: Desk) -> Desk:
    """A case that stands at both receivers, as ticket 17 and ticket 18."""
    now = desk.clock.now_us() - 60_000_000
    async with desk.database.writing() as connection:
        for name, record in (("ministry", "17"), ("other", "18")):
            await connection.execute(
                insert(connectors).values(name=name, kind="webhook", active=True, since_us=now)
            )
            await connection.execute(
                insert(connector_links).values(
                    connector=name, key=KEY if name == "ministry" else "case:another",
                    kind="ticket", id=record, theirs=False, status="open", native="open",
                    status_us=now, made_us=now, updated_us=now,
                )
            )  # fmt: skip
    return desk


async def known(desk: Desk) -> tuple[str, str | None]:
    """What is known of the ticket at the ministry's receiver: its word, and ours."""
    async with desk.database.reading() as connection:
        link = await links.find(connection, "ministry", KEY)
    assert link is not None
    assert link.native is not None
    return link.native, link.status


async def tell(
    desk: Desk,
    body: Any,
    *,
    secret: str = SECRET,
    way: str = WAY,
    number: str = "msg_1",
    ago: float = 0,
    **headers: str,
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    moment = desk.clock.now_us() - round(ago * 1_000_000)
    signed = signing.sign(signing.secrets_of(secret), number, moment, content)
    browser = await desk.browser()
    return await browser.post(way, content=content, headers={**signed, **headers})


def change(status: str = "closed", **more: Any) -> dict[str, Any]:
    return {"key": KEY, "status": status, **more}


def iso_ago(desk: Desk, seconds: float) -> str:
    return iso(desk.clock.now_us() - round(seconds * 1_000_000))


@pytest.mark.parametrize("secret", [SECRET, OLD], ids=["new", "old"])
async def test_a_status_that_changed_there_is_known_here(linked: Desk, secret: str):
    answer = await tell(linked, change(by="วันดี"), secret=secret)
    assert (answer.status_code, answer.json()) == (200, {"changed": True})
    assert await known(linked) == ("closed", Status.CLOSED)


async def test_it_may_come_as_a_cloud_event(linked: Desk):
    event = example_of(events.STATUS_CHANGED, ADDRESS)
    event |= {"subject": KEY, "time": iso_ago(linked, 2), "data": {"status": "resolved"}}
    answer = await tell(linked, event, **{"Content-Type": events.MEDIA_TYPE})
    assert answer.json() == {"changed": True}
    assert await known(linked) == ("resolved", Status.RESOLVED)


async def test_a_word_that_the_mapping_does_not_know_is_kept_as_theirs(linked: Desk):
    assert (await tell(linked, change("รอเอกสาร"))).json() == {"changed": True}
    assert await known(linked) == ("รอเอกสาร", None)


async def test_the_same_message_again_and_a_late_one_change_nothing(linked: Desk):
    first, later = change("resolved", at=iso_ago(linked, 20)), change(at=iso_ago(linked, 10))
    assert (await tell(linked, first, number="msg_1")).json() == {"changed": True}
    assert (await tell(linked, later, number="msg_2")).json() == {"changed": True}
    for again in (first, later):
        assert (await tell(linked, again, number="msg_1")).json() == {"changed": False}
    assert await known(linked) == ("closed", Status.CLOSED)


async def test_whatever_is_wrong_with_a_signature_is_told_the_same(linked: Desk):
    right = signing.sign(signing.secrets_of(SECRET), "msg_1", linked.clock.now_us(), b"{}")
    browser = await linked.browser()
    answers = [
        await tell(linked, change(), secret=OTHER),
        await tell(linked, change(), secret=signing.new_secret()),
        await tell(linked, change(), ago=301),
        await tell(linked, change(), ago=-301),
        await tell(linked, change(), way="/api/v1/hooks/tickets/status"),
        await tell(linked, change(), way="/api/v1/hooks/nobody/status"),
        await tell(linked, change(), **{"webhook-id": "msg_2"}),
        await tell(linked, change(), **{"webhook-signature": "v1,"}),
        await browser.post(WAY, json=change()),
        await browser.post(WAY, json=change(), headers=right),
        await browser.post(WAY),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert answers[0].json()["type"] == "not-signed"
    assert await known(linked) == ("open", Status.OPEN)


async def test_a_secret_is_good_for_its_own_way_only(linked: Desk):
    answer = await tell(linked, change(), secret=OTHER, way="/api/v1/hooks/other/status")
    assert answer.status_code == 404  # the key stands at the ministry's receiver, not there
    assert await known(linked) == ("open", Status.OPEN)


async def test_a_key_that_is_not_known_is_not_found(linked: Desk):
    answer = await tell(linked, {"key": "case:nothing", "status": "closed"})
    assert (answer.status_code, answer.json()["type"]) == (404, "no-record")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"[" * 50_000, {}, {"key": KEY}, {"status": "closed"},
        change(5), change(""), change("x" * 101), change(at="yesterday"), change(at="9999-99-99"),
        change(at="2999-01-01T00:00:00Z"), change(at="1901-01-01"), change(at=5),
        {"specversion": "1.0", "type": "another", "data": change()},
        {"specversion": "0.3", "type": events.STATUS_CHANGED.type, "data": change()},
        {"specversion": "1.0", "type": events.STATUS_CHANGED.type},
        {"specversion": "1.0", "type": events.STATUS_CHANGED.type, "data": "x"},
    ],
)  # fmt: skip
async def test_what_is_no_status_change_is_refused_in_words(linked: Desk, body: Any):
    answer = await tell(linked, body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert await known(linked) == ("open", Status.OPEN)


async def test_too_much_is_not_read(linked: Desk):
    answer = await tell(linked, b'"' + b"x" * 65_536 + b'"')
    assert answer.status_code == 413


async def test_whoever_errs_often_must_wait_and_who_signs_rightly_never(linked: Desk):
    for _ in range(FAILURES):
        assert (await tell(linked, change(), secret=OTHER)).status_code == 401
    answer = await tell(linked, change(), secret=OTHER)
    assert (answer.status_code, answer.json()["type"]) == (429, "too-many-attempts")
    assert (await tell(linked, change())).status_code == 200
    # people behind the same address sign in as ever
    browser = await linked.browser()
    sign_in = await browser.post("/api/v1/sign-in", json={"login": "nobody", "password": "x" * 12})
    assert sign_in.status_code != 429
