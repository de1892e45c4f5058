"""The administrator's accounts: made, changed, closed; one-time passwords; the last one stays."""

from __future__ import annotations

import httpx
import pytest

from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.web.policy import COOKIE
from tests.support.web import Desk

PASSWORD = "ม้วนเดียวจบ-ทดสอบ-1203"
API = "/api/v1/accounts"


async def make(admin: httpx.AsyncClient, **more: object) -> dict[str, str]:
    body = {"login": "nok", "role": "agent", "name_th": "นก ใจดี", **more}
    answer = await admin.post(API, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def enter(desk: Desk, login: str, password: str) -> httpx.AsyncClient:
    browser = await desk.browser()
    answer = await browser.post("/api/v1/sign-in", json={"login": login, "password": password})
    assert answer.status_code == 200, answer.text
    page = await browser.get("/account/password")
    browser.headers["X-CSRF-Token"] = page.text.partition('name="csrf" content="')[2].partition(
        '"'
    )[0]
    return browser


async def test_a_one_time_password_is_changed_before_anything_else(desk: Desk):
    admin = await desk.browser(Role.ADMINISTRATOR)
    made = await make(admin)
    browser = await desk.browser()
    begun = await browser.post(
        "/api/v1/sign-in", json={"login": "nok", "password": made["password"], "next": "/account"}
    )
    assert begun.json() == {"next": "/account/password"}
    browser = await enter(desk, "nok", made["password"])
    page = await browser.get("/account?x=1")
    assert page.status_code == 303
    assert page.headers["location"] == "/account/password?next=%2Faccount%3Fx%3D1"
    kept_out = await browser.get("/api/v1/account/keys")
    assert (kept_out.status_code, kept_out.json()["type"]) == (403, "password-change-first")
    body = {"old": made["password"], "password": PASSWORD, "repeat": PASSWORD}
    assert (await browser.post("/api/v1/account/password", json=body)).status_code == 204
    assert (await browser.get("/account")).status_code == 200
    await enter(desk, "nok", PASSWORD)


async def test_a_one_time_password_runs_out(desk: Desk):
    admin = await desk.browser(Role.ADMINISTRATOR)
    made = await make(admin)
    desk.clock.at += accounts.ONE_TIME_FOR + 1
    browser = await desk.browser()
    answer = await browser.post(
        "/api/v1/sign-in", json={"login": "nok", "password": made["password"]}
    )
    assert (answer.status_code, answer.json()["type"]) == (401, "one-time-expired")


async def test_the_list_comes_in_pages_and_is_searched(desk: Desk):
    admin = await desk.browser(Role.ADMINISTRATOR)
    for number in range(5):
        await desk.account(Role.AGENT, f"agent{number}", name_th=f"มานี {number}")
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2, "q": "มานี", **({"cursor": cursor} if cursor else {})}
        page = (await admin.get(API, params=query)).json()
        seen += [entry["login"] for entry in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == [f"agent{number}" for number in range(5)]
    only = (await admin.get(API, params={"role": "administrator"})).json()["items"]
    assert [entry["role"] for entry in only] == ["administrator"]
    assert (await admin.get(API, params={"q": "100%_"})).json()["items"] == []
    assert (await admin.get(API, params={"cursor": "bad"})).status_code == 422


async def test_of_two_edits_the_second_is_told(desk: Desk):
    admin = await desk.browser(Role.ADMINISTRATOR)
    place = f"{API}/{(await make(admin))['id']}"
    etag = (await admin.get(place)).headers["etag"]
    changed = await admin.patch(place, json={"name_en": "Nok"}, headers={"If-Match": etag})
    assert (changed.status_code, changed.json()["name_en"]) == (200, "Nok")
    again = await admin.patch(place, json={"name_en": "No"}, headers={"If-Match": etag})
    assert (again.status_code, again.json()["type"]) == (412, "changed-meanwhile")
    blind = await admin.patch(place, json={"name_en": "No"})
    assert blind.status_code == 428
    new = {"If-Match": changed.headers["etag"]}
    assert (await admin.patch(place, json={"name_en": "No"}, headers=new)).status_code == 200


async def test_an_outside_role_has_an_agency_of_the_directory(desk: Desk):
    admin = await desk.browser(Role.ADMINISTRATOR)
    body = {"login": "dit1", "role": "agency_officer", "name_th": "ก"}
    for agency, code in ((None, "agency-missing"), ("nowhere", "agency-unknown")):
        answer = await admin.post(API, json={**body, "agency": agency})
        assert (answer.status_code, answer.json()["type"]) == (422, code)
        assert "agency" in answer.json()["fields"]
    made = await make(admin, **body, agency="dit")
    place = f"{API}/{made['id']}"
    etag = {"If-Match": (await admin.get(place)).headers["etag"]}
    inside = await admin.patch(place, json={"role": "agent"}, headers=etag)
    assert inside.json()["agency"] is None
    etag = {"If-Match": inside.headers["etag"]}
    out = await admin.patch(place, json={"role": "provincial_officer"}, headers=etag)
    assert out.json()["type"] == "agency-missing"
    body = {"role": "provincial_officer", "agency": "dit"}
    out = await admin.patch(place, json=body, headers=etag)
    assert out.json()["type"] == "province-missing"
    out = await admin.patch(place, json={**body, "province": "ตาก"}, headers=etag)
    assert (out.json()["agency"], out.json()["province"]) == ("dit", "ตาก")


async def test_the_last_administrator_stays(desk: Desk):
    one = await desk.account(Role.ADMINISTRATOR, "one", password=PASSWORD)
    admin = await desk.browser(one)
    place = f"{API}/{one.id}"
    etag = {"If-Match": (await admin.get(place)).headers["etag"]}
    closed = await admin.post(f"{place}/close")
    demoted = await admin.patch(place, json={"role": "agent"}, headers=etag)
    assert [closed.json()["type"], demoted.json()["type"]] == ["last-administrator"] * 2
    other = await make(admin, login="two", role="administrator")
    assert (await admin.post(f"{API}/{other['id']}/close")).status_code == 204
    assert (await admin.post(f"{place}/close")).json()["type"] == "last-administrator"
    assert (await admin.post(f"{API}/{other['id']}/reopen")).status_code == 204
    assert (await admin.post(f"{place}/close")).status_code == 204
    assert (await admin.get(place)).status_code == 401


@pytest.mark.parametrize("act", ["close", "password", "role", "sessions", "agency"])
async def test_what_takes_something_away_ends_browsers_and_tells_their_pages(desk: Desk, act: str):
    admin = await desk.browser(Role.ADMINISTRATOR)
    await desk.account(Role.ADMINISTRATOR, "spare", password=PASSWORD)
    person = await desk.account(Role.AGENCY_OFFICER, "nok", password=PASSWORD)
    browser = await desk.browser(person)
    mine = (await browser.get("/api/v1/account/sessions")).json()["items"][0]["id"]
    listener = desk.context.hub.listen([f"session:{mine}"])
    place = f"{API}/{person.id}"
    match act:
        case "role" | "agency":
            etag = {"If-Match": (await admin.get(place)).headers["etag"]}
            body = {"role": "agent"} if act == "role" else {"agency": "dbd"}
            answer = await admin.patch(place, json=body, headers=etag)
        case "sessions":
            answer = await admin.delete(f"{place}/sessions")
        case _:
            answer = await admin.post(f"{place}/{act}")
    assert answer.status_code in {200, 204}, answer.text
    told = await listener.next(1)
    assert told is not None
    assert told.kind == "ended"
    assert (await browser.get("/api/v1/account")).status_code == 401


async def test_closing_ends_keys_for_good(desk: Desk):
    admin = await desk.browser(Role.ADMINISTRATOR)
    person = await desk.account(Role.AGENT, "nok", password=PASSWORD)
    browser = await desk.browser(person)
    body = {"name": "รายงาน", "scope": "read"}
    key = (await browser.post("/api/v1/account/keys", json=body)).json()["key"]
    program = await desk.browser()
    program.headers["Authorization"] = f"Bearer {key}"
    assert (await program.get("/api/v1/account")).json()["login"] == "nok"
    await admin.post(f"{API}/{person.id}/close")
    assert (await program.get("/api/v1/account")).status_code == 401
    await admin.post(f"{API}/{person.id}/reopen")
    assert (await program.get("/api/v1/account")).status_code == 401
    await enter(desk, "nok", PASSWORD)


async def test_an_administrator_unlocks(desk: Desk):
    admin = await desk.browser(Role.ADMINISTRATOR)
    person = await desk.account(Role.AGENT, "nok", password=PASSWORD)
    browser = await desk.browser()
    for _ in range(accounts.FAILURES):
        await browser.post("/api/v1/sign-in", json={"login": "nok", "password": "x"})
    body = {"login": "nok", "password": PASSWORD}
    assert (await browser.post("/api/v1/sign-in", json=body)).json()["type"] == "account-locked"
    page = await admin.get(f"/admin/accounts/{person.id}")
    assert "ปลดล็อก" in page.text
    assert (await admin.post(f"{API}/{person.id}/unlock")).status_code == 204
    assert (await browser.post("/api/v1/sign-in", json=body)).status_code == 200


async def test_an_account_without_a_password_cannot_sign_in_with_one(desk: Desk):
    admin = await desk.browser(Role.ADMINISTRATOR)
    made = await make(admin, password=False)
    assert made["password"] is None
    browser = await desk.browser()
    answer = await browser.post("/api/v1/sign-in", json={"login": "nok", "password": ""})
    assert answer.json()["type"] == "sign-in-failed"


async def test_the_pages_show_hostile_names_as_text(desk: Desk):
    admin = await desk.browser(Role.ADMINISTRATOR)
    name = '"><script>alert(1)</script>'
    made = await make(admin, name_th=name)
    for path in ("/admin/accounts", f"/admin/accounts/{made['id']}"):
        page = await admin.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;" in page.text
    assert (await admin.get(f"/admin/accounts/{'0' * 32}")).status_code == 404
    assert (
        await admin.post(API, json={"login": "x1", "role": "agent", "name_th": "a\nb"})
    ).status_code == 422


async def test_signing_in_again_replaces_the_session(desk: Desk):
    person = await desk.account(Role.AGENT, "nok", password=PASSWORD)
    browser = await desk.browser(person)
    planted = browser.cookies[COOKIE]
    mine = (await browser.get("/api/v1/account/sessions")).json()["items"][0]["id"]
    listener = desk.context.hub.listen([f"session:{mine}"])
    body = {"login": "nok", "password": PASSWORD}
    answer = await browser.post("/api/v1/sign-in", json=body)
    fresh = answer.cookies[COOKIE]
    assert fresh != planted
    assert (await listener.next(1)).kind == "ended"
    other = await desk.browser()
    other.cookies.set(COOKIE, planted)
    assert (await other.get("/api/v1/account")).status_code == 401
    made_up = await desk.browser()
    made_up.cookies.set(COOKIE, "chosen-by-somebody")
    answer = await made_up.post("/api/v1/sign-in", json=body)
    assert answer.cookies[COOKIE] != "chosen-by-somebody"
