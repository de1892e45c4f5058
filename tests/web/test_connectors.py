"""Other CRMs on the pages and in the API: how they stand, what failed, mended, sent, skipped."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx
import pytest
from structlog.testing import capture_logs

from crm_bridge.access.roles import OUTSIDE, Role
from crm_bridge.connectors.port import Kind, Status, StatusChange
from crm_bridge.delivery import links, returns
from tests.support.desk_house import House, furnished, house
from tests.support.other_crm import Joined, join

__all__ = ["furnished", "house"]

API = "/api/v1/connectors"


@dataclass
class Office:
    """The furnished house with a case on its way to a CRM."""

    house: House
    joined: Joined
    ticket: str
    browsers: dict[Role, httpx.AsyncClient] = field(default_factory=dict)

    async def browser(self, role: Role) -> httpx.AsyncClient:
        if role not in self.browsers:
            self.browsers[role] = await self.house.browser(self.house.office.of(role))
        return self.browsers[role]

    async def entries(self, state: str) -> list[dict]:
        admin = await self.browser(Role.ADMINISTRATOR)
        return (await admin.get(f"{API}/odoo/entries", params={"state": state})).json()["items"]

    async def dead(self) -> dict:
        (one,) = await self.entries("dead")
        return one

    async def fail(self) -> dict:
        """The case is refused by the CRM; its one dead entry."""
        self.joined.connector.longest = 20
        await self.joined.deliver()
        return await self.dead()


@pytest.fixture
async def office(house: House) -> Office:
    joined = await join(house)
    ticket = house.office.cases["recorded"]
    await house.propose_and_assign(ticket, "โปรดตรวจสอบ")
    return Office(house, joined, ticket)


async def test_a_house_without_a_crm_says_how_one_is_added(house: House):
    admin = await house.browser(Role.ADMINISTRATOR)
    page = await admin.get("/admin/connectors")
    assert page.status_code == 200
    assert "[connector.odoo]" in page.text
    assert "hotline connector check" in page.text
    assert (await admin.get(API)).json() == []


async def test_what_waits_and_what_went_is_counted(office: Office):
    admin = await office.browser(Role.ADMINISTRATOR)
    (crm,) = (await admin.get(API)).json()
    assert (crm["name"], crm["kind"], crm["stands"], crm["waiting"]) == ("odoo", "odoo", "works", 2)
    assert crm["oldest_at"] is not None
    await office.joined.deliver()
    crm = (await admin.get(f"{API}/odoo")).json()
    assert (crm["waiting"], crm["dead"], crm["done_hour"], crm["done_day"]) == (0, 0, 2, 2)
    office.house.clock.forward(hours=2)
    crm = (await admin.get(f"{API}/odoo")).json()
    assert (crm["done_hour"], crm["done_day"]) == (0, 2)
    page = (await admin.get("/admin/connectors")).text
    assert "http://127.0.0.1:8069" in page
    assert "ทำงานปกติ" in page
    part = await admin.get("/admin/connectors/standing")
    assert "<html" not in part.text
    assert part.text.strip() in page


async def test_a_crm_that_is_down_waits_and_is_tried_when_asked(office: Office):
    admin = await office.browser(Role.ADMINISTRATOR)
    office.joined.crm.running = False
    for _ in range(30):
        await office.joined.deliver()
        crm = (await admin.get(f"{API}/odoo")).json()
        if crm["stands"] == "waiting":
            break
        office.house.clock.forward(minutes=20)
    assert crm["stands"] == "waiting"
    assert crm["since"] is not None
    assert "cannot connect" in crm["why"]
    assert crm["dead"] == 0, "what waits for a CRM that is down is not given up"
    page = (await admin.get("/admin/connectors/odoo")).text
    assert "รายการรออยู่และไม่หาย" in page
    office.joined.crm.running = True
    answer = await admin.post(f"{API}/odoo/now")
    assert answer.status_code == 200
    await office.joined.deliver()
    crm = (await admin.get(f"{API}/odoo")).json()
    assert (crm["stands"], crm["waiting"]) == ("works", 0)


async def test_a_refused_login_says_what_to_mend(office: Office):
    supervisor = await office.browser(Role.SUPERVISOR)
    office.joined.crm.secret = "another"
    await office.joined.deliver()
    (crm,) = (await supervisor.get(API)).json()
    assert (crm["stands"], crm["dead"]) == ("denied", 0)
    page = (await supervisor.get("/admin/connectors")).text
    assert "ตรวจชื่อผู้ใช้ token และสิทธิ์" in page


async def test_what_failed_comes_first_in_plain_words_with_what_waits_behind_it(office: Office):
    dead = await office.fail()
    supervisor = await office.browser(Role.SUPERVISOR)
    page = (await supervisor.get("/admin/connectors/odoo")).text
    assert office.ticket in page
    assert "ระบบนั้นไม่รับข้อมูลตามที่ส่ง" in page
    entry = (await supervisor.get(f"/admin/connectors/odoo/{dead['seq']}")).text
    assert "subject: longer than 20 characters" in entry
    assert "รอรายการนี้อยู่" in entry
    assert f"/cases/{office.ticket}" in entry
    assert "data-etag" in entry
    assert 'name="ticket.subject"' not in entry, "a supervisor sees, and does not mend"
    whole = await supervisor.get(f"{API}/odoo/entries/{dead['seq']}")
    assert whole.headers["etag"] == f'"{dead["version"]}"'
    assert [t["outcome"] for t in whole.json()["tried"]] == ["Rejected"]
    assert whole.json()["held"] == 1


async def test_one_is_mended_by_hand_and_sent_again_and_the_rest_follows(office: Office):
    dead = await office.fail()
    admin = await office.browser(Role.ADMINISTRATOR)
    page = (await admin.get(f"/admin/connectors/odoo/{dead['seq']}")).text
    assert 'name="ticket.subject"' in page
    path = f"{API}/odoo/entries/{dead['seq']}/overrides"
    body = {"ticket.subject": "เรื่องสั้น"}
    assert (await admin.put(path, json=body)).status_code == 428
    stale = await admin.put(path, json=body, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    with capture_logs() as logs:
        answer = await admin.put(
            path, json=body, params={"again": "true"}, headers={"If-Match": f'"{dead["version"]}"'}
        )
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "waiting"
    assert "เรื่องสั้น" not in repr(logs)
    assert [log["fields"] for log in logs if "fields" in log] == [["ticket.subject"]]
    mended = (await admin.get(f"/admin/connectors/odoo/{dead['seq']}")).text
    assert "แก้ด้วยมือ" in mended
    await office.joined.deliver()
    # what it mended for once is not what the next entry sends
    (behind,) = await office.entries("dead")
    assert behind["seq"] != dead["seq"]
    office.joined.connector.longest = 10_000
    await admin.post(f"{API}/odoo/again")
    await office.joined.deliver()
    assert await office.entries("dead") == []
    (record,) = [r for r in office.joined.crm.records.values() if r.kind is Kind.TICKET]
    assert str(record.fields["subject"]).startswith(office.ticket)


async def test_a_field_that_is_none_is_refused(office: Office):
    dead = await office.fail()
    admin = await office.browser(Role.ADMINISTRATOR)
    path = f"{API}/odoo/entries/{dead['seq']}/overrides"
    headers = {"If-Match": f'"{dead["version"]}"'}
    odd = await admin.put(path, json={"secret": "x"}, headers=headers)
    assert (odd.status_code, odd.json()["fields"].keys()) == (422, {"secret"})
    nested = await admin.put(path, json={"ticket.a": {"b": 1}}, headers=headers)
    assert nested.status_code == 422


async def test_all_that_failed_is_sent_again(office: Office):
    await office.fail()
    office.joined.connector.longest = 10_000
    supervisor = await office.browser(Role.SUPERVISOR)
    answer = await supervisor.post(f"{API}/odoo/again")
    assert answer.json() == {"sent": 1}
    await office.joined.deliver()
    assert await office.entries("dead") == []
    assert len(await office.entries("done")) == 2


async def test_one_is_skipped_with_a_reason_that_stays_and_the_rest_goes_on(office: Office):
    dead = await office.fail()
    office.joined.connector.longest = 10_000
    supervisor = await office.browser(Role.SUPERVISOR)
    path = f"{API}/odoo/entries/{dead['seq']}"
    assert (await supervisor.post(f"{path}/skip", json={"why": " "})).status_code == 422
    with capture_logs() as logs:
        answer = await supervisor.post(f"{path}/skip", json={"why": "บันทึกไว้แล้วในระบบนั้น"})
    assert (answer.status_code, answer.json()["state"]) == (200, "skipped")
    assert [log["seq"] for log in logs if log["event"] == "an entry is skipped"] == [dead["seq"]]
    assert "บันทึกไว้แล้ว" not in repr(logs)
    page = (await supervisor.get(f"/admin/connectors/odoo/{dead['seq']}")).text
    assert "บันทึกไว้แล้วในระบบนั้น" in page
    await office.joined.deliver()
    assert await office.entries("waiting") == []
    again = await supervisor.post(f"{path}/skip", json={"why": "อีกครั้ง"})
    assert again.status_code == 409


async def test_an_entry_is_asked_for_by_its_own_crm(office: Office):
    dead = await office.fail()
    admin = await office.browser(Role.ADMINISTRATOR)
    for path in (f"{API}/other", f"{API}/other/entries/{dead['seq']}", f"{API}/odoo/entries/999"):
        assert (await admin.get(path)).status_code == 404, path
    assert (await admin.get("/admin/connectors/other")).status_code == 404
    assert (await admin.post(f"{API}/other/entries/{dead['seq']}/again")).status_code == 404


async def test_a_list_has_pages(office: Office):
    await office.joined.deliver()
    admin = await office.browser(Role.ADMINISTRATOR)
    query = {"state": "done", "limit": "1"}
    first = (await admin.get(f"{API}/odoo/entries", params=query)).json()
    second = (
        await admin.get(f"{API}/odoo/entries", params={**query, "cursor": first["next"]})
    ).json()
    assert first["items"][0]["seq"] > second["items"][0]["seq"]
    assert second["next"] is None


@pytest.mark.parametrize("role", [Role.AGENT, Role.DIRECTOR, Role.AUDITOR, *sorted(OUTSIDE)])
async def test_nobody_else_sees_the_pages(house: House, role: Role):
    browser = await house.browser(house.office.of(role))
    assert (await browser.get("/admin/connectors")).status_code == 403
    assert (await browser.get(API)).status_code == 403
    assert "/admin/connectors" not in (await browser.get("/account")).text


async def test_a_supervisor_does_not_mend(office: Office):
    dead = await office.fail()
    supervisor = await office.browser(Role.SUPERVISOR)
    path = f"{API}/odoo/entries/{dead['seq']}/overrides"
    answer = await supervisor.put(path, json={}, headers={"If-Match": f'"{dead["version"]}"'})
    assert answer.status_code == 403


async def test_a_case_says_where_it_stands_elsewhere_and_what_changed_there(office: Office):
    await office.joined.deliver()
    agent = await office.browser(Role.AGENT)
    page = (await agent.get(f"/cases/{office.ticket}")).text
    assert "ในระบบอื่น" in page
    assert "https://crm.test/ticket/" in page
    at = office.house.clock.now_us() + 1
    async with office.house.database.writing() as connection:
        key = f"case:{office.ticket}"
        link = await links.find(connection, "odoo", key)
        assert link is not None
        change = StatusChange(link.id, key, "Won", Status.RESOLVED, at)
        assert await returns.returned(connection, office.house.clock, "odoo", change)
    page = (await agent.get(f"/cases/{office.ticket}")).text
    assert "สถานะใน Odoo เปลี่ยน" in page
    assert page.count("Won") == 2, "in the block and on the timeline"
    assert "ดำเนินการเสร็จแล้ว" in page
    outside = await office.browser(Role.AGENCY_OFFICER)
    seen = await outside.get(f"/cases/{office.ticket}")
    assert seen.status_code == 200
    assert "Won" not in seen.text
    assert "crm.test" not in seen.text


async def test_who_may_mend_is_led_from_the_case_to_what_failed(office: Office):
    dead = await office.fail()
    for role, led in ((Role.SUPERVISOR, True), (Role.AGENT, False), (Role.AGENCY_OFFICER, None)):
        browser = await office.browser(role)
        page = (await browser.get(f"/cases/{office.ticket}")).text
        assert (f"/admin/connectors/odoo/{dead['seq']}" in page) is bool(led)
        assert ("ส่งไม่ได้ 1 รายการ" in page) is (led is not None)


async def test_an_address_that_is_none_of_the_web_is_no_link(office: Office):
    office.joined.connector.record_url = lambda *_: "javascript:alert(1)"
    await office.joined.deliver()
    agent = await office.browser(Role.AGENT)
    assert "javascript:" not in (await agent.get(f"/cases/{office.ticket}")).text


async def test_persons_and_calls_say_it_too(office: Office):
    office.joined.connector.longest = 10_000
    person = office.house.office.people[0]
    call = office.house.office.calls[-1]
    now = office.house.clock.now_us()
    async with office.house.database.writing() as connection:
        made = [
            links.Link("odoo", key, kind, "7", f"https://crm.test/{kind}/7", False, None, None,
                       None, None, now, now)
            for key, kind in ((f"person:{person}", Kind.CONTACT), (f"call:{call}", Kind.TICKET))
        ]  # fmt: skip
        await links.save(connection, made)
    agent = await office.browser(Role.AGENT)
    assert "https://crm.test/contact/7" in (await agent.get(f"/people/{person}")).text
    assert "https://crm.test/ticket/7" in (await agent.get(f"/calls/{call}")).text
