"""Every route shows nothing of a caller, or puts on record who looked at whom."""

from __future__ import annotations

import json

from sqlalchemy import select

from crm_bridge.access import masking, tokens
from crm_bridge.access.roles import Role
from crm_bridge.records import audit_book
from crm_bridge.records.chain import Row
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.audit import audit_log
from crm_bridge.web.personal import FILES, NO_ACT, SHOWS
from crm_bridge.web.policy import Who
from crm_bridge.web.reads import Reads
from tests.support.marked import NAME, NUMBER, Marked, mark, seen_in
from tests.support.web import Desk
from tests.web.test_policy import ask, cookie_of, name, places, rule

FREE_WORDS = {
    "GET /people/{person_id}", "GET /calls/{call_id}", "GET /api/v1/calls/{call_id}",
    "GET /api/v1/people/{person_id}", "GET /api/v1/people/{person_id}/notes",
    "GET /api/v1/people/{person_id}/contacts",
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


async def test_no_route_shows_a_caller_without_a_row(desk: Desk):
    """Routes of the table are walked as every role; one that shows nothing, as the first it has."""
    marked = await mark(desk)
    cookies = {role: await cookie_of(desk, role) for role in Role}
    showed: dict[Role, set[str]] = {role: set() for role in Role}
    unmasked: list[tuple[str, str, str]] = []
    for method, route in places(desk):
        found, what = rule(route), name(method, route)
        if method != "GET":
            continue
        roles = [r for r in Role if not isinstance(found, Who) or r in found.roles]
        for role in roles if what in SHOWS else roles[:1]:
            asked = marked.filled(route.path) + ("?q=9998877" if "people" in what else "")
            answer = await ask(desk, method, asked, cookies[role])
            seen = seen_in(answer.body.decode(errors="replace"))
            if seen:
                showed[role].add(what)
            if masking.hides(role, route.path):
                own = {"name"} if what in FREE_WORDS else set()
                unmasked += [(role.value, what, kind) for kind in sorted(seen - own)]
                if f"•••• {NUMBER[-4:]}" in answer.body.decode(errors="replace"):
                    showed[role].add(what)
    assert unmasked == []
    every = set().union(*showed.values())
    assert every <= SHOWS, "a route shows a caller and is not in crm_bridge/web/personal.py"
    assert len(every) > 25, "the walk sees nothing: the marked caller is nowhere"
    for role, routes in showed.items():
        by = await account_id(desk, cookies[role])
        rows = {row.act for row in await logged(desk, kind="read", by=by)}
        assert routes <= rows, role


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
