"""The ministry's own sign-in, against a stand-in provider that is strict and signs real tokens."""

from __future__ import annotations

import ssl
import threading
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import ValidationError
from sqlalchemy import select

from crm_bridge.access import oidc
from crm_bridge.access.oidc import Provider
from crm_bridge.access.roles import Role
from crm_bridge.config_outside import OidcSection, RoleName
from crm_bridge.records.desk_tables.accounts import accounts as table
from crm_bridge.web.navigation import home
from tests.support.desk_clock import NOW
from tests.support.oidc import CLIENT, SECRET, StandIn, provider
from tests.support.web import Desk

HOME = "http://127.0.0.1:8203"


@pytest.fixture
async def ministry(desk: Desk) -> AsyncIterator[StandIn]:
    async with provider(f"{HOME}/sign-in/oidc/callback", NOW // 1_000_000) as made:
        made.person = {"email": "Malee@moc.go.th", "email_verified": True, "name": "มาลี"}
        configure(desk, made)
        yield made


def configure(desk: Desk, made: StandIn, **more: Any) -> None:
    section = OidcSection(
        issuer=made.issuer, client_id=CLIENT, client_secret=SECRET, address=HOME, **more
    )
    desk.context.config = desk.context.config.model_copy(update={"oidc": section})
    desk.context.oidc = Provider(section)


async def begin(browser: httpx.AsyncClient, next_: str = "") -> str:
    """Goes to the provider and back; the address it sends the browser back to."""
    away = await browser.get("/sign-in/oidc", params={"next": next_})
    assert away.status_code == 303, away.text
    async with httpx.AsyncClient() as client:
        back = await client.get(away.headers["location"])
    assert back.status_code == 302, back.text
    parts = urlsplit(back.headers["location"])
    return f"{parts.path}?{parts.query}"


async def enter(browser: httpx.AsyncClient, next_: str = "") -> httpx.Response:
    return await browser.get(await begin(browser, next_))


async def test_a_person_known_by_a_verified_address_is_let_in_and_bound(
    desk: Desk, ministry: StandIn
):
    me = await desk.account(Role.AGENT, "malee", email="malee@moc.go.th")
    browser = await desk.browser()
    assert "/sign-in/oidc" in (await browser.get("/sign-in")).text
    answer = await enter(browser, "/account?a=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?a=1")
    assert (await browser.get("/api/v1/account")).json()["id"] == me.id
    # from now on by the subject: another address there changes nothing
    ministry.person["email"] = "new@moc.go.th"
    again = await desk.browser()
    await enter(again)
    assert (await again.get("/api/v1/account")).json()["id"] == me.id
    # and somebody else with the old address is somebody else
    ministry.person = {"sub": "p-2", "email": "malee@moc.go.th", "email_verified": True}
    assert (await enter(await desk.browser())).status_code == 403


async def test_nothing_is_contacted_until_somebody_asks_and_little_then(
    desk: Desk, ministry: StandIn
):
    await desk.account(Role.AGENT, "malee", email="malee@moc.go.th")
    await (await desk.browser()).get("/sign-in")
    assert ministry.asked == []
    for _ in range(3):
        await enter(await desk.browser())
    assert ministry.asked == ["about", "keys"]
    ministry.roll()
    browser = await desk.browser()
    assert (await enter(browser)).status_code == 303
    assert ministry.asked == ["about", "keys", "keys"]


WRONG: dict[str, dict[str, Any]] = {
    "expired": {"exp": NOW // 1_000_000 - 120, "iat": NOW // 1_000_000 - 600},
    "another audience": {"aud": "another"},
    "several audiences": {"aud": [CLIENT, "another"]},
    "made for another": {"azp": "another"},
    "another issuer": {"iss": "http://127.0.0.1:1"},
    "from the future": {"iat": NOW // 1_000_000 + 3600, "exp": NOW // 1_000_000 + 7200},
    "no expiry": {"exp": None},
    "no subject": {"sub": None},
    "a subject that is no text": {"sub": 7},
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_token_that_is_not_right_lets_nobody_in(desk: Desk, ministry: StandIn, what: str):
    await desk.account(Role.AGENT, "malee", email="malee@moc.go.th")
    ministry.person |= WRONG[what]
    browser = await desk.browser()
    answer = await enter(browser)
    assert answer.status_code == 401
    said = "การลงชื่อเข้าใช้หมดเวลาแล้ว" if what == "expired" else "ไม่ยืนยันตัวตน"
    assert said in answer.text
    assert (await browser.get("/api/v1/account")).status_code == 401


@pytest.mark.parametrize("alg", ["HS256", "none", "another key", "nonce"])
async def test_a_token_of_somebody_else_lets_nobody_in(desk: Desk, ministry: StandIn, alg: str):
    await desk.account(Role.AGENT, "malee", email="malee@moc.go.th")
    if alg == "nonce":
        ministry.nonce = "of-another-sign-in"
    elif alg in {"HS256", "none"}:
        ministry.alg = alg
    else:
        await enter(await desk.browser())
        genuine = ministry.key
        ministry.roll()
        forged = ministry.key
        browser = await desk.browser()
        back = await begin(browser)
        # the provider publishes the genuine key; the token is signed with the other
        ministry.key = type("Two", (), {})()
        ministry.key.as_dict = genuine.as_dict
        ministry.key.kid = genuine.kid
        ministry._token = signed_with(ministry, forged)  # type: ignore[method-assign]
        assert (await browser.get(back)).status_code == 401
        return
    answer = await enter(await desk.browser())
    assert answer.status_code == 401


def signed_with(ministry: StandIn, key: Any) -> Any:
    whole = StandIn._token

    def made(nonce: str) -> str:
        published, ministry.key = ministry.key, key
        try:
            return whole(ministry, nonce)
        finally:
            ministry.key = published

    return made


async def test_what_comes_back_must_have_begun_in_this_browser(desk: Desk, ministry: StandIn):
    await desk.account(Role.AGENT, "malee", email="malee@moc.go.th")
    mine, other = await desk.browser(), await desk.browser()
    back = await begin(mine)
    stolen = await other.get(back)
    assert stolen.status_code == 400
    assert "ไม่ได้เริ่มจากเบราว์เซอร์นี้" in stolen.text
    wrong = await mine.get("/sign-in/oidc/callback?state=guessed&code=x")
    assert wrong.status_code == 400
    # a wrong answer ends the attempt
    assert (await mine.get(back)).status_code == 400
    forged = await desk.browser()
    forged.cookies.set("hotline_oidc", "WyJhIl0=.0000", path="/sign-in/oidc")
    assert (await forged.get("/sign-in/oidc/callback?state=a&code=x")).status_code == 400


async def test_an_answer_that_comes_twice_or_late_is_refused(desk: Desk, ministry: StandIn):
    await desk.account(Role.AGENT, "malee", email="malee@moc.go.th")
    browser = await desk.browser()
    back = await begin(browser)
    kept = browser.cookies["hotline_oidc"]
    assert (await browser.get(back)).status_code == 303
    assert "hotline_oidc" not in browser.cookies
    again = await desk.browser()
    again.cookies.set("hotline_oidc", kept, path="/sign-in/oidc")
    assert (await again.get(back)).status_code == 401  # the code has been used
    late = await desk.browser()
    back = await begin(late)
    desk.clock.forward(minutes=11)
    answer = await late.get(back)
    assert (answer.status_code, "หมดเวลา" in answer.text) == (401, True)


async def test_who_is_not_known_is_told_so(desk: Desk, ministry: StandIn):
    browser = await desk.browser()
    browser.cookies.set("hotline_lang", "en")
    unknown = await enter(browser)
    assert unknown.status_code == 403
    assert "there is no account of yours here" in unknown.text
    await desk.account(Role.AGENT, "malee", email="malee@moc.go.th")
    ministry.person["email_verified"] = False
    assert (await enter(await desk.browser())).status_code == 403
    ministry.person["email_verified"] = True
    await desk.account(Role.AGENT, "malee2", email="malee@moc.go.th")  # whose is it then?
    assert (await enter(await desk.browser())).status_code == 403


async def test_a_closed_account_stays_closed(desk: Desk, ministry: StandIn):
    me = await desk.account(Role.AGENT, "malee", email="malee@moc.go.th")
    await enter(await desk.browser())
    admin = await desk.browser(Role.ADMINISTRATOR)
    assert (await admin.post(f"/api/v1/accounts/{me.id}/close")).status_code == 204
    answer = await enter(await desk.browser())
    assert answer.status_code == 403
    assert "ถูกปิด" in answer.text


async def test_a_provider_that_says_no_or_nothing(desk: Desk, ministry: StandIn):
    ministry.refuses = True
    answer = await enter(await desk.browser())
    assert (answer.status_code, "ไม่ได้ลงชื่อเข้าใช้" in answer.text) == (401, True)
    configure(desk, ministry)
    ministry.down = True
    answer = await (await desk.browser()).get("/sign-in/oidc")
    assert (answer.status_code, "ติดต่อระบบลงชื่อเข้าใช้" in answer.text) == (502, True)
    assert 'name="password"' in answer.text  # the other way in is still there
    section = desk.context.config.oidc.model_copy(update={"issuer": "http://127.0.0.1:1"})
    desk.context.oidc = Provider(section)
    assert (await (await desk.browser()).get("/sign-in/oidc")).status_code == 502


async def test_the_description_leads_the_secret_to_no_other_address_of_the_house(
    desk: Desk, ministry: StandIn
):
    ministry.token_at = f"http://localhost:{ministry.port}/token"
    answer = await enter(await desk.browser())
    assert answer.status_code == 502
    assert ministry.shown == 0


async def test_the_authorities_are_read_once_and_beside_the_event_loop(
    desk: Desk, ministry: StandIn, monkeypatch: pytest.MonkeyPatch
):
    await desk.account(Role.AGENT, "malee", email="malee@moc.go.th")
    read: list[threading.Thread] = []

    def noted() -> ssl.SSLContext:
        read.append(threading.current_thread())
        return ssl.create_default_context()

    monkeypatch.setattr(oidc, "trusted", noted)
    for _ in range(2):
        assert (await enter(await desk.browser())).status_code == 303
    assert len(read) == 1
    assert read[0] is not threading.main_thread()


ROLES: dict[str, RoleName] = {"desk-agents": "agent", "dept": "agency_officer"}


async def test_where_the_provider_says_the_role_it_is_the_authority(desk: Desk, ministry: StandIn):
    configure(desk, ministry, role_claim="groups", roles=ROLES, agency_claim="unit")
    ministry.person |= {"groups": ["all", "desk-agents"], "preferred_username": "Malee.S"}
    browser = await desk.browser()
    await enter(browser)
    me = (await browser.get("/api/v1/account")).json()
    assert (me["login"], me["role"], me["name_th"]) == ("malee.s", "agent", "มาลี")
    ministry.person |= {"groups": "dept", "unit": "dit"}
    other = await desk.browser()
    await enter(other)
    assert (await browser.get("/api/v1/account")).status_code == 401  # the role has changed
    me = (await other.get("/api/v1/account")).json()
    assert (me["role"], me["agency"]) == ("agency_officer", "dit")
    for change, said in (({"unit": "nowhere"}, "ไม่ระบุหน่วยงาน"), ({"groups": ["all"]}, "ไม่มีสิทธิ์")):
        ministry.person |= change
        answer = await enter(await desk.browser())
        assert (answer.status_code, said in answer.text) == (403, True)


async def test_a_one_time_password_that_was_not_needed_is_gone(desk: Desk, ministry: StandIn):
    me = await desk.account(
        Role.AGENT, "malee", email="malee@moc.go.th", password="once-upon-a-time", must_change=True
    )
    browser = await desk.browser()
    assert (await enter(browser)).headers["location"] == home(me)
    async with desk.database.reading() as connection:
        row = (await connection.execute(select(table).where(table.c.id == me.id))).one()
    assert (row.password_hash, row.must_change) == (None, False)


async def test_without_a_provider_there_is_no_such_way_in(desk: Desk):
    browser = await desk.browser()
    assert "/sign-in/oidc" not in (await browser.get("/sign-in")).text
    for path in ("/sign-in/oidc", "/sign-in/oidc/callback?state=a&code=b"):
        assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://idp.example"}, {"address": "http://desk.example"}, {"address": ""},
        {"client_id": ""}, {"role_claim": "groups"}, {"roles": {"a": "king"}},
    ],
)  # fmt: skip
def test_a_section_that_is_not_safe_or_whole_is_a_mistake(change: dict[str, Any]):
    fine = {"issuer": "https://idp.example", "client_id": "a", "address": "https://desk.example"}
    OidcSection(**fine)
    with pytest.raises(ValidationError):
        OidcSection(**{**fine, **change})


def test_the_roles_of_the_configuration_are_those_of_the_desk():
    assert set(RoleName.__args__) == {role.value for role in Role}
