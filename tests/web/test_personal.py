"""Every route shows nothing of a caller, or puts on record who looked at whom."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fastapi.routing import RouteContext
from sqlalchemy import select, text

from crm_bridge.access import masking, tokens
from crm_bridge.access.roles import Role
from crm_bridge.people import notes
from crm_bridge.records import audit_book
from crm_bridge.records.chain import Row
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.audit import GUARDS, audit_log
from crm_bridge.web.personal import FILES, NO_ACT, SHOWS
from crm_bridge.web.policy import Who
from crm_bridge.web.reads import Reads
from tests.support.desk_calls import SECOND, save, served
from tests.support.desk_clock import NOW
from tests.support.marked import NAME, NUMBER, Marked, mark, seen_in
from tests.support.web import Desk
from tests.web.test_policy import ask, cookie_of, name, places, rule

FREE_WORDS = {
    (f"GET {route}", "name")
    for route in (
        "/people/{person_id}", "/calls/{call_id}", "/api/v1/calls/{call_id}",
        "/api/v1/people/{person_id}", "/api/v1/people/{person_id}/notes",
        "/api/v1/people/{person_id}/contacts",
    )
}  # fmt: skip
"""Where officers' own words stand: a name in them cannot be told from another word."""


async def logged(desk: Desk, **wanted: str) -> list[Row]:
    await desk.context.reads.settle()
    async with desk.database.reading() as connection:
        return await audit_book.page(connection, limit=10_000, **wanted)


async def test_the_table_names_routes_that_there_are(desk: Desk):
    there = {name(method, route) for method, route in places(desk)}
    assert there >= SHOWS | FILES | NO_ACT
    assert SHOWS >= FILES


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_sees_callers_as_it_may_and_each_read_has_its_row(desk: Desk, role: Role):
    marked = await mark(desk)
    cookie = await cookie_of(desk, role)
    showed, unmasked = set[str](), list[tuple[str, str]]()
    for what, route in routes(desk, role):
        if what not in SHOWS:
            continue
        asked = marked.filled(route.path) + ("?q=9998877" if "people" in what else "")
        text = (await ask(desk, "GET", asked, cookie)).body.decode(errors="replace")
        seen = seen_in(text)
        if seen or f"•••• {NUMBER[-4:]}" in text:
            showed.add(what)
        if masking.hides(role, route.path):
            unmasked += [(what, kind) for kind in seen if (what, kind) not in FREE_WORDS]
    assert unmasked == []
    rows = await logged(desk, kind="read", by=await account_id(desk, cookie))
    assert showed <= {row.act for row in rows}
    assert len(showed) >= {Role.AGENCY_OFFICER: 4, Role.PROVINCIAL_OFFICER: 0}.get(role, 10)


@pytest.mark.timeout(300)
async def test_a_route_that_is_not_in_the_table_shows_no_caller(desk: Desk):
    marked = await mark(desk)
    cookies = {role: await cookie_of(desk, role) for role in Role}
    wrong, walked = list[str](), set[str]()
    for role in (Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AGENT, Role.AGENCY_OFFICER):
        for what, route in routes(desk, role):
            if what in SHOWS or what in wrong or what in walked:
                continue
            answer = await ask(desk, "GET", marked.filled(route.path), cookies[role])
            if seen_in(answer.body.decode(errors="replace")):
                wrong.append(what)
            walked.add(what)  # one role is enough where nothing is shown
    assert wrong == [], "a route shows a caller and is not in crm_bridge/web/personal.py"


def routes(desk: Desk, role: Role) -> Iterator[tuple[str, RouteContext]]:
    """What this role may ask for."""
    for method, route in places(desk):
        found = rule(route)
        if method == "GET" and (not isinstance(found, Who) or role in found.roles):
            yield name(method, route), route


async def account_id(desk: Desk, cookie: dict[str, str]) -> str:
    answer = await ask(desk, "GET", "/api/v1/account", cookie)
    return str(json.loads(answer.body)["id"])


async def test_a_row_names_whose_data_it_was_by_ids_alone(desk: Desk):
    marked: Marked = await mark(desk)
    browser = await desk.browser(Role.SUPERVISOR)
    for path in (
        f"/people/{marked.person_id}", f"/calls/{marked.call_id}", "/calls",
        f"/api/v1/people?q={NAME}", f"/cases/{marked.ticket}", "/calls?number=0819998877",
    ):  # fmt: skip
        assert (await browser.get(path)).status_code == 200
    for about in (f"person:{marked.person_id}", f"call:{marked.call_id}", f"case:{marked.ticket}"):
        assert await logged(desk, about=about, kind="read"), about
    every = [json.dumps(row.as_json(), ensure_ascii=False) for row in await logged(desk)]
    assert not [row for row in every if seen_in(row)]


async def test_looking_again_is_one_read_and_another_day_is_another(desk: Desk):
    marked = await mark(desk)
    browser = await desk.browser(Role.SUPERVISOR)
    for _ in range(3):
        await browser.get(f"/people/{marked.person_id}")
    assert len(await logged(desk, act="GET /people/{person_id}")) == 1
    desk.clock.forward(minutes=16)
    await browser.get(f"/people/{marked.person_id}")
    other = await desk.browser(Role.SUPERVISOR)
    await other.get(f"/people/{marked.person_id}")
    assert len(await logged(desk, act="GET /people/{person_id}")) == 3


async def test_what_is_not_shown_is_no_read(desk: Desk):
    marked = await mark(desk)
    browser = await desk.browser(Role.AGENCY_OFFICER)
    assert (await browser.get(f"/people/{marked.person_id}")).status_code == 403
    assert await logged(desk, kind="read") == []


async def test_a_programs_reads_are_the_keys(desk: Desk):
    marked = await mark(desk)
    account = await desk.account(Role.SUPERVISOR)
    async with desk.database.writing() as connection:
        key_id, key = await tokens.issue(connection, desk.clock, account, "x", ("read",))
    answer = await ask(
        desk, "GET", f"/api/v1/people/{marked.person_id}", {"Authorization": f"Bearer {key}"}
    )
    assert answer.status == 200
    (row,) = await logged(desk, kind="read")
    assert (row.via, row.by_account) == (f"key:{key_id}", account.id)


async def test_an_act_is_a_row_in_its_own_transaction(desk: Desk):
    marked = await mark(desk)
    browser = await desk.browser(Role.SUPERVISOR)
    before = len(await logged(desk, kind="act"))
    path = f"/api/v1/people/{marked.person_id}/notes"
    assert (await browser.post(path, json={"text": "ลองดู"})).status_code == 201
    (row,) = (await logged(desk, kind="act"))[: -before or None]
    assert (row.act, row.about, row.via) == (
        "POST /api/v1/people/{person_id}/notes", f"person:{marked.person_id}", "browser",
    )  # fmt: skip
    assert (await browser.post(path, json={"text": ""})).status_code == 422
    assert len(await logged(desk, kind="act")) == before + 1


async def test_what_is_typed_is_no_act(desk: Desk):
    browser = await desk.browser(Role.SUPERVISOR)
    before = len(await logged(desk, kind="act"))
    assert (await browser.put("/api/v1/drafts/case:new", json={"a": 1})).status_code == 200
    assert len(await logged(desk, kind="act")) == before


async def test_where_no_row_can_be_written_pages_are_seen_and_programs_wait(desk: Desk):
    marked = await mark(desk)
    account = await desk.account(Role.SUPERVISOR)
    browser = await desk.browser(account)
    async with desk.database.writing() as connection:
        _, key = await tokens.issue(connection, desk.clock, account, "x", ("read",))
    bearer = {"Authorization": f"Bearer {key}"}
    path = f"/api/v1/people/{marked.person_id}"
    assert (await ask(desk, "GET", "/api/v1/account", bearer)).status == 200  # the key is seen
    held, kept = desk.context, desk.database
    held.database = Database(kept.url.render_as_string(), busy_timeout=0.05)
    held.reads = Reads(held.database, desk.clock)
    async with kept.writing():
        answer = await ask(desk, "GET", path, bearer)
        assert (answer.status, answer.code) == (503, "storage-unavailable")
        assert not seen_in(answer.body.decode())
        assert (await browser.get(f"/people/{marked.person_id}")).status_code == 200
    assert [row.via for row in await logged(desk, kind="read")] == ["browser"]
    await kept.close()


async def test_the_log_of_all_that_verifies(desk: Desk):
    marked = await mark(desk)
    browser = await desk.browser(Role.ADMINISTRATOR)
    await browser.get(f"/people/{marked.person_id}")
    await browser.post(f"/api/v1/people/{marked.person_id}/export", json={"why": "ยื่นคำขอ"})
    await browser.post(f"/api/v1/people/{marked.person_id}/erase", json={"why": "ยื่นคำขอ"})
    await desk.context.reads.settle()
    verdict = await audit_book.verify(desk.database)
    assert verdict.broken is None
    async with desk.database.reading() as connection:
        acts = set(await connection.scalars(select(audit_log.c.act)))
    assert {"privacy.export.done", "privacy.erasure.done"} <= acts


async def test_the_page_finds_by_whom_and_says_whether_the_log_is_whole(desk: Desk):
    marked = await mark(desk)
    supervisor = await desk.account(Role.SUPERVISOR)
    await (await desk.browser(supervisor)).get(f"/people/{marked.person_id}")
    auditor = await desk.browser(Role.AUDITOR)
    page = await auditor.get(f"/admin/audit?by={supervisor.id}&kind=read&about={marked.person_id}")
    assert page.status_code == 200
    assert f"person:{marked.person_id}" in page.text
    found = (await auditor.get(f"/api/v1/audit?about=person:{marked.person_id}")).json()["items"]
    assert [row["act"] for row in found if row["kind"] == "read"] == ["GET /people/{person_id}"]
    said = (await auditor.post("/api/v1/audit/verify", json={})).json()
    assert said["whole"] is True
    head = said["anchor"]
    async with desk.database.writing() as connection:
        for statement in GUARDS["sqlite"]:
            await connection.execute(text(f"DROP TRIGGER {statement.split()[2]}"))
        await connection.execute(text("UPDATE audit_log SET via = 'x' WHERE seq = 1"))
    said = (await auditor.post("/api/v1/audit/verify", json={"anchor": head})).json()
    assert (said["whole"], said["broken_row"], "แถว 1" in said["what"]) == (False, 1, True)
    assert (await auditor.post("/api/v1/audit/verify", json={"anchor": "?"})).status_code == 422


async def test_a_number_in_a_note_or_dialled_is_masked_too(desk: Desk):
    marked = await mark(desk)
    out = served(77, NOW - 9_000 * SECOND, presented="0819998877", direction="outbound")
    await save(desk.database, out)
    agent = await desk.account(Role.AGENT, "writer")
    async with desk.database.writing() as connection:
        await notes.add_note(connection, desk.clock, agent, marked.person_id, "โทร 081-999-8877")
    auditor, officer = await desk.browser(Role.AUDITOR), await desk.browser(Role.AGENT)
    for path in (f"/people/{marked.person_id}", f"/calls/{out.call_id}"):
        assert "number" in seen_in((await officer.get(path)).text), path
        assert "number" not in seen_in((await auditor.get(path)).text), path
