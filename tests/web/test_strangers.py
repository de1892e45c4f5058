"""What a stranger's page, link or made-up header could try on the desk, and does not get."""

from __future__ import annotations

import httpx
import pytest

from crm_bridge.access.roles import Role
from crm_bridge.config import WebSection
from crm_bridge.records.database import Database
from crm_bridge.web.app import create_app
from crm_bridge.web.context import Context
from crm_bridge.web.navigation import home
from crm_bridge.web.policy import COOKIE
from tests.support.desk_clock import HeldClock
from tests.support.scenario import config_of
from tests.support.web import FIT, Desk

PASSWORD = "ม้วนเดียวจบ-ทดสอบ-1203"


async def asked(web: WebSection, host: str, base: str = "http://x") -> httpx.Response:
    config = config_of("ours").model_copy(update={"web": web})
    context = Context(config, Database("sqlite:///never-opened.db"), lambda: FIT, HeldClock())
    transport = httpx.ASGITransport(create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        return await client.get("/healthz", headers={"Host": host})


NAMED = WebSection(address="https://desk.example")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "desk.example.evil.example", "evil.example:8203", "", "desk.example@evil"],
)
async def test_a_name_that_is_not_ours_is_not_answered(host: str) -> None:
    """A page of evil.example that lets its name lead here reads nothing (DNS rebinding)."""
    answer = await asked(NAMED, host)
    assert (answer.status_code, answer.json()["type"]) == (421, "not-our-name")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "host",
    ["desk.example", "DESK.example:443", "127.0.0.1:8203", "localhost", "[::1]:8203", "10.2.3.4"],
)
async def test_our_name_and_plain_addresses_are(host: str) -> None:
    assert (await asked(NAMED, host)).status_code == 200


async def test_without_an_address_any_name_is_answered() -> None:
    assert (await asked(WebSection(), "desk.test")).status_code == 200


async def test_browsers_are_told_to_stay_at_tls_where_there_is_tls() -> None:
    told = "strict-transport-security"
    assert told not in (await asked(WebSection(), "a")).headers
    assert told in (await asked(WebSection(https=True), "a")).headers
    assert told in (await asked(WebSection(), "a", "https://x")).headers


async def test_no_answer_is_shown_in_anothers_frame(desk: Desk) -> None:
    browser = await desk.browser(Role.AGENT)
    for path in ("/sign-in", "/desk", "/api/v1/account", "/static/desk.css", "/nowhere"):
        policy = (await browser.get(path)).headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy, path


async def test_a_session_that_was_planted_is_nobodys_before_and_after(desk: Desk) -> None:
    """What a browser showed before the sign-in, known to whoever planted it, is worth nothing."""
    await desk.account(Role.AGENT, "malee", password=PASSWORD)
    planted = "A" * 43
    victim = await desk.browser()
    victim.cookies.set(COOKIE, planted)
    body = {"login": "malee", "password": PASSWORD}
    answer = await victim.post("/api/v1/sign-in", json=body)
    assert answer.status_code == 200
    given = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    assert given != planted
    thief = await desk.browser()
    thief.cookies.set(COOKIE, planted)
    assert (await thief.get("/account")).status_code == 303
    again = await desk.browser()  # and one that is real, of somebody who signs in anew, has ended
    again.cookies.set(COOKIE, given)
    second = await again.post("/api/v1/sign-in", json=body)
    assert second.headers["set-cookie"].partition("=")[2].partition(";")[0] != given
    thief.cookies.set(COOKIE, given)
    assert (await thief.get("/account")).status_code == 303


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example",
     "/\t/evil.example", "javascript:alert(1)", "http:evil.example",
     "%2f%2fevil.example", " //evil.example"],
)  # fmt: skip
async def test_who_is_signed_in_already_is_sent_nowhere_else(desk: Desk, elsewhere: str) -> None:
    me = await desk.account(Role.AGENT, "malee", password=PASSWORD)
    browser = await desk.browser(me)
    answer = await browser.get("/sign-in", params={"next": elsewhere})
    assert (answer.status_code, answer.headers["location"]) == (303, home(me))
    nobody = await desk.browser()
    page = await nobody.get("/sign-in", params={"next": elsewhere})
    assert "evil.example" not in page.text
    assert "javascript:alert" not in page.text
