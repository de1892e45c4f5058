"""A person's own account: password, browsers, keys; where sign-ins come from is counted."""

from __future__ import annotations

import httpx

from crm_bridge.access import accounts, tokens
from crm_bridge.access.roles import Role
from crm_bridge.access.throttle import ADDRESSES, FAILURES, Throttle, place
from crm_bridge.errors import Refused
from crm_bridge.web.policy import COOKIE
from tests.support.desk_clock import HeldClock
from tests.support.web import Desk

PASSWORD = "ม้วนเดียวจบ-ทดสอบ-1203"
NEW = "ฝนตกขี้หมูไหล-2569"


async def sign_in(
    browser: httpx.AsyncClient, password: str, login: str = "malee"
) -> httpx.Response:
    return await browser.post("/api/v1/sign-in", json={"login": login, "password": password})


async def test_changing_the_password_asks_the_old_and_ends_other_browsers(desk: Desk):
    me = await desk.account(Role.AGENT, "malee", password=PASSWORD)
    here, there = await desk.browser(me), await desk.browser(me)
    wrong = {"old": "x" * 12, "password": NEW, "repeat": NEW}
    answer = await here.post("/api/v1/account/password", json=wrong)
    assert (answer.status_code, answer.json()["type"]) == (422, "old-password")
    for body, code in (
        ({"old": PASSWORD, "password": NEW, "repeat": "other"}, "password-repeat"),
        ({"old": PASSWORD, "password": PASSWORD}, "password-same"),
        ({"old": PASSWORD, "password": "short"}, "password-length"),
    ):
        answer = await here.post("/api/v1/account/password", json=body)
        assert (answer.status_code, answer.json()["type"]) == (422, code)
    assert (await there.get("/api/v1/account")).status_code == 200
    body = {"old": PASSWORD, "password": NEW, "repeat": NEW}
    assert (await here.post("/api/v1/account/password", json=body)).status_code == 204
    assert (await here.get("/api/v1/account")).status_code == 200
    assert (await there.get("/api/v1/account")).status_code == 401
    browser = await desk.browser()
    assert (await sign_in(browser, PASSWORD)).status_code == 401
    assert (await sign_in(browser, NEW)).status_code == 200


async def test_guessing_the_old_password_locks_as_at_the_sign_in(desk: Desk):
    me = await desk.account(Role.AGENT, "malee", password=PASSWORD)
    browser = await desk.browser(me)
    body = {"old": "x" * 12, "password": NEW}
    for _ in range(accounts.FAILURES):
        await browser.post("/api/v1/account/password", json=body)
    answer = await browser.post("/api/v1/account/password", json={**body, "old": PASSWORD})
    assert (answer.status_code, answer.json()["type"]) == (429, "account-locked")
    assert (await browser.get("/account")).status_code == 200


async def test_a_person_ends_one_browser_or_all_others(desk: Desk):
    me = await desk.account(Role.AGENT, "malee")
    here, one, two = [await desk.browser(me) for _ in range(3)]
    mine = (await here.get("/api/v1/account/sessions")).json()["items"]
    assert [entry["current"] for entry in mine].count(True) == 1
    ids = {}
    for browser in (one, two):
        (current,) = [
            entry["id"]
            for entry in (await browser.get("/api/v1/account/sessions")).json()["items"]
            if entry["current"]
        ]
        ids[browser] = current
    listener = desk.context.hub.listen([f"session:{ids[one]}", f"session:{ids[two]}"])
    assert (await here.delete(f"/api/v1/account/sessions/{ids[one]}")).status_code == 204
    assert (await here.delete(f"/api/v1/account/sessions/{ids[one]}")).status_code == 404
    assert (await one.get("/api/v1/account")).status_code == 401
    assert (await here.delete("/api/v1/account/sessions")).status_code == 204
    assert (await two.get("/api/v1/account")).status_code == 401
    assert (await here.get("/account")).status_code == 200
    told = [(await listener.next(1)).topic for _ in range(2)]
    assert told == [f"session:{ids[one]}", f"session:{ids[two]}"]


async def test_nobody_ends_anothers_browser_or_key(desk: Desk):
    victim, other = await desk.browser(Role.AGENT), await desk.browser(Role.SUPERVISOR)
    session = (await victim.get("/api/v1/account/sessions")).json()["items"][0]["id"]
    key = (await victim.post("/api/v1/account/keys", json={"name": "k"})).json()["id"]
    assert (await other.delete(f"/api/v1/account/sessions/{session}")).status_code == 404
    assert (await other.delete(f"/api/v1/account/keys/{key}")).status_code == 404
    assert (await victim.get("/api/v1/account/keys")).json()["items"][0]["id"] == key


async def test_a_key_is_shown_once_acts_in_its_scope_and_runs_out(desk: Desk):
    browser = await desk.browser(Role.AGENT)
    body = {"name": "รายงานรายวัน", "scope": "read", "days": 30}
    issued = await browser.post("/api/v1/account/keys", json=body)
    assert issued.status_code == 201
    key = issued.json()["key"]
    listing = await browser.get("/api/v1/account/keys")
    assert key not in listing.text
    assert key not in (await browser.get("/account")).text
    program = await desk.browser()
    program.headers["Authorization"] = f"Bearer {key}"
    assert (await program.get("/api/v1/account/keys")).status_code == 200
    refused = await program.delete("/api/v1/account/sessions")
    assert (refused.status_code, refused.json()["type"]) == (403, "scope-missing")
    desk.clock.forward(days=31)
    assert (await program.get("/api/v1/account")).status_code == 401


async def test_a_key_makes_no_keys_and_works_until_ended(desk: Desk):
    browser = await desk.browser(Role.AGENT)
    issued = (
        await browser.post("/api/v1/account/keys", json={"name": "a", "scope": "write"})
    ).json()
    program = await desk.browser()
    program.headers["Authorization"] = f"Bearer {issued['key']}"
    refused = await program.post("/api/v1/account/keys", json={"name": "b"})
    assert (refused.status_code, refused.json()["type"]) == (403, "browser-only")
    assert (await browser.delete(f"/api/v1/account/keys/{issued['id']}")).status_code == 204
    assert (await program.get("/api/v1/account")).status_code == 401


async def test_an_account_has_a_bounded_number_of_keys(desk: Desk):
    browser = await desk.browser(Role.AGENT)
    for _ in range(tokens.KEYS):
        await browser.post("/api/v1/account/keys", json={"name": "k"})
    answer = await browser.post("/api/v1/account/keys", json={"name": "k"})
    assert (answer.status_code, answer.json()["type"]) == (409, "keys-full")


async def test_a_program_is_answered_in_the_accounts_language_or_the_one_it_asks(desk: Desk):
    me = await desk.account(Role.AGENT, "malee", language="en")
    browser = await desk.browser(me)
    key = (await browser.post("/api/v1/account/keys", json={"name": "k"})).json()["key"]
    program = await desk.browser()
    program.headers["Authorization"] = f"Bearer {key}"

    async def said(language: str | None) -> str:
        headers = {"Accept-Language": language} if language else {}
        return (await program.get("/api/v1/accounts", headers=headers)).json()["detail"]

    english = "your account (Agent) may not do this"
    assert await said(None) == english
    assert await said("th-TH,en;q=0.5") == "บัญชีของท่าน (เจ้าหน้าที่ Call Center) ไม่มีสิทธิ์ทำรายการนี้"
    assert await said("fr, en;q=0.2") == english
    assert await said("fr;q=x, *;q=0") == english
    scope = await program.delete("/api/v1/account/sessions")
    assert "may read only" in scope.json()["detail"]


async def test_behind_a_tls_proxy_every_cookie_is_secure(desk: Desk):
    await desk.account(Role.AGENT, "malee", password=PASSWORD)
    web = desk.context.config.web.model_copy(update={"https": True})
    desk.context.config = desk.context.config.model_copy(update={"web": web})
    browser = await desk.browser()
    cookie = (await sign_in(browser, PASSWORD)).headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for flag in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert flag in cookie
    fresh = await desk.browser()
    spoken = await fresh.put("/api/v1/language", json={"language": "en"})
    assert "Secure" in spoken.headers["set-cookie"]


async def test_many_failures_from_one_address_must_wait(desk: Desk):
    await desk.account(Role.AGENT, "malee", password=PASSWORD)
    browser = await desk.browser()
    codes = [
        (await sign_in(browser, "x" * 12, f"nobody{number}")).status_code
        for number in range(FAILURES + 1)
    ]
    assert codes == [401] * FAILURES + [429]
    assert (await sign_in(browser, PASSWORD)).json()["type"] == "too-many-attempts"
    desk.clock.forward(minutes=11)
    assert (await sign_in(browser, PASSWORD)).status_code == 200


def test_an_office_behind_one_address_signs_in_as_it_likes():
    throttle, clock = Throttle(), HeldClock()
    for _ in range(500):
        throttle.enter(clock, "10.0.0.1")
        throttle.succeeded("10.0.0.1")
    assert len(throttle) == 0


def test_what_is_counted_is_bounded():
    throttle, clock = Throttle(), HeldClock()
    for number in range(ADDRESSES + 50):
        throttle.enter(clock, f"10.{number >> 16}.{(number >> 8) & 255}.{number & 255}")
    assert len(throttle) == ADDRESSES


def test_a_network_of_ipv6_is_one_place():
    throttle, clock = Throttle(), HeldClock()
    refused = 0
    for number in range(FAILURES + 5):
        try:
            throttle.enter(clock, f"2001:db8::{number:x}")
        except Refused:
            refused += 1
    assert refused == 5
    assert place("2001:db8:0:1::5") == "2001:db8:0:1::"
    assert place("::ffff:10.1.2.3") == "10.1.2.3"
    assert place("unix") == place(None) == "?"


async def test_guesses_side_by_side_do_not_slip_past_the_lock(desk: Desk):
    import asyncio

    await desk.account(Role.AGENT, "malee", password=PASSWORD)
    browser = await desk.browser()
    answers = await asyncio.gather(*(sign_in(browser, "x" * 12) for _ in range(12)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [401] * accounts.FAILURES + [429] * (12 - accounts.FAILURES)
