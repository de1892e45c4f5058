"""Webhooks at the desk: the registry of schemas, and the signed way back for a changed status."""

from __future__ import annotations

import html
import json
from collections.abc import AsyncIterator
from pathlib import Path

import jsonschema_rs
import pytest

from crm_bridge.access.roles import Role
from crm_bridge.config_outside import ConnectorSection
from crm_bridge.connectors.webhook import events, signing
from crm_bridge.records.database import Database
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
