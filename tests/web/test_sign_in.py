"""Signing in, staying in, being ended."""

from __future__ import annotations

import json

from sqlalchemy import update

from crm_bridge.access import accounts
from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.records import audit_book
from crm_bridge.records.desk_tables.accounts import accounts as table
from crm_bridge.web.navigation import home
from crm_bridge.web.policy import COOKIE
from tests.support.web import Desk

PASSWORD = "ม้วนเดียวจบ-ทดสอบ-1203"


async def _agent(desk: Desk) -> Account:
    return await desk.account(Role.AGENT, "malee", password=PASSWORD)


async def test_a_page_leads_to_the_sign_in_and_back(desk: Desk):
    browser = await desk.browser()
    answer = await browser.get("/account?tab=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Faccount%3Ftab%3D1"
    page = await browser.get(answer.headers["location"])
    assert 'name="next" value="/account?tab=1"' in page.text


async def test_signing_in_begins_a_session_and_signing_out_ends_it(desk: Desk):
    await _agent(desk)
    browser = await desk.browser()
    answer = await browser.post("/api/v1/sign-in", json={"login": " MALEE ", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    page = await browser.get("/account")
    assert page.status_code == 200
    csrf = page.text.partition('name="csrf" content="')[2].partition('"')[0]
    token = browser.cookies[COOKIE]
    refused = await browser.post("/api/v1/sign-out")
    assert (refused.status_code, refused.json()["type"]) == (403, "csrf")
    assert (
        await browser.post("/api/v1/sign-out", headers={"X-CSRF-Token": csrf})
    ).status_code == 204
    browser.cookies.set(COOKIE, token)
    assert (await browser.get("/account")).status_code == 303


async def test_a_wrong_password_and_an_unknown_login_sound_the_same(desk: Desk):
    await _agent(desk)
    browser = await desk.browser()
    answers = [
        await browser.post("/api/v1/sign-in", json={"login": login, "password": "x" * 12})
        for login in ("malee", "nobody")
    ]
    assert [a.status_code for a in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["content-type"] == "application/problem+json"


async def test_repeated_failures_lock_the_account_for_a_while(desk: Desk):
    await _agent(desk)
    browser = await desk.browser()

    async def attempt(password: str) -> int:
        body = {"login": "malee", "password": password}
        return (await browser.post("/api/v1/sign-in", json=body)).status_code

    codes = [await attempt("x" * 12) for _ in range(accounts.FAILURES)]
    assert codes == [401] * accounts.FAILURES
    assert await attempt(PASSWORD) == 429
    desk.clock.at += accounts.LOCKED_FOR + 1
    assert await attempt(PASSWORD) == 200


async def test_a_sign_in_and_its_failures_name_the_account_and_no_password(desk: Desk):
    account = await _agent(desk)
    browser = await desk.browser()
    for login, password in (
        ("malee", "hunter2-wrong"), ("nobody-here", "x" * 12), ("malee", PASSWORD),
    ):  # fmt: skip
        await browser.post("/api/v1/sign-in", json={"login": login, "password": password})
    await desk.context.reads.settle()
    async with desk.database.reading() as connection:
        rows = await audit_book.page(connection, limit=100)
    said = [(r.act, r.about, r.by_account) for r in reversed(rows) if "account." in r.act]
    about = f"account:{account.id}"
    assert said == [
        ("account.sign_in.failed", about, None),
        ("account.sign_in.proved", about, None),
        ("account.signed_in", about, account.id),
    ]
    assert not any(r.act == "POST /api/v1/sign-in" for r in rows)  # each is told once
    whole = "".join(f"{r.detail}{r.about}" for r in rows)
    assert not any(text in whole for text in ("hunter2", "nobody-here", PASSWORD, "malee"))


async def test_a_closed_accounts_attempts_are_on_record(desk: Desk):
    account = await _agent(desk)
    async with desk.database.writing() as connection:
        await connection.execute(update(table).where(table.c.id == account.id).values(active=False))
    browser = await desk.browser()
    body = {"login": "malee", "password": PASSWORD}
    assert (await browser.post("/api/v1/sign-in", json=body)).status_code == 401
    async with desk.database.reading() as connection:
        (row, *_) = await audit_book.page(connection, limit=1)
    assert (row.act, row.about) == ("account.sign_in.failed", f"account:{account.id}")
    assert json.loads(row.detail) == {"closed": True}


async def test_the_way_on_stays_within_the_desk(desk: Desk):
    me = await desk.account(Role.AGENT, "malee", password=PASSWORD)
    for next_ in ("https://evil.example/", "//evil.example/", "/\\evil.example", "/ok\n"):
        browser = await desk.browser()
        body = {"login": "malee", "password": PASSWORD, "next": next_}
        answer = await browser.post("/api/v1/sign-in", json=body)
        assert answer.json()["next"] == home(me)


async def test_an_idle_session_ends_by_itself(desk: Desk):
    browser = await desk.browser(Role.AGENT)
    assert (await browser.get("/account")).status_code == 200
    desk.clock.forward(hours=11)
    assert (await browser.get("/account")).status_code == 303


async def test_the_language_is_kept_with_the_account(desk: Desk):
    browser = await desk.browser(Role.AGENT)
    assert "บัญชีของฉัน" in (await browser.get("/account")).text
    assert (await browser.put("/api/v1/language", json={"language": "en"})).status_code == 204
    browser.cookies.delete("hotline_lang")
    page = await browser.get("/account")
    assert "My account" in page.text
    assert '<html lang="en">' in page.text


async def test_every_answer_forbids_inline_script(desk: Desk):
    browser = await desk.browser()
    for path in ("/sign-in", "/healthz", "/nowhere", "/static/desk.css"):
        answer = await browser.get(path)
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_request_that_brings_too_much_is_ended(desk: Desk):
    browser = await desk.browser()
    body = {"login": "a", "password": "x" * 600_000}
    answer = await browser.post("/api/v1/sign-in", json=body)
    assert (answer.status_code, answer.json()["type"]) == (413, "too-large")
