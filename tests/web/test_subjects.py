"""The catalogue of subjects over HTTP, and the administrator's page."""

from __future__ import annotations

from crm_bridge.access.roles import Role
from tests.support.web import Desk


async def test_an_administrator_edits_the_catalogue(desk: Desk):
    admin = await desk.browser(Role.ADMINISTRATOR)
    made = await admin.post("/api/v1/subjects", json={"name_th": "ทองคำ", "service": "complaint"})
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    top = made.json()["id"]
    below = await admin.post("/api/v1/subjects", json={"name_th": "ราคาทอง", "parent_id": top})
    assert below.json()["service"] == "complaint"
    edit = {"name_th": "ทองรูปพรรณ", "name_en": "Gold", "active": False, "ordinal": 3}
    path = f"/api/v1/subjects/{top}"
    answers = [
        await admin.put(path, json=edit),
        await admin.put(path, json=edit, headers={"If-Match": '"1"'}),
        await admin.put(path, json=edit, headers={"If-Match": '"1"'}),
        await admin.put(path, json={**edit, "name_th": " "}, headers={"If-Match": '"2"'}),
    ]
    assert [a.status_code for a in answers] == [428, 200, 412, 422]
    assert (await admin.get(path)).json() == answers[1].json()
    listed = (await admin.get("/api/v1/subjects")).json()
    every = (await admin.get("/api/v1/subjects?unused=true")).json()
    assert (len(listed), len(every)) == (12, 13)
    assert (await admin.get("/api/v1/subjects/none")).status_code == 404


async def test_others_read_it_and_edit_nothing(desk: Desk):
    agent = await desk.browser(Role.AGENT)
    found = (await agent.get("/api/v1/subjects?service=appointment")).json()
    assert [heading["id"] for heading in found] == ["blue-flag", "consultation", "other"]
    assert (await agent.post("/api/v1/subjects", json={"name_th": "ก"})).status_code == 403
    assert (await agent.get("/admin/subjects")).status_code == 403
    outside = await desk.browser(Role.AGENCY_OFFICER)
    assert (await outside.get("/api/v1/subjects")).status_code == 403


async def test_the_page_shows_every_entry_as_a_line(desk: Desk):
    admin = await desk.browser(Role.ADMINISTRATOR)
    await admin.post("/api/v1/subjects", json={"name_th": "<b>ทอง"})
    page = (await admin.get("/admin/subjects?open=prices")).text
    assert page.partition('id="main"')[2].count("<details") == 13  # the menu has one of its own
    assert page.count('data-act="PUT /api/v1/subjects/') == 13 + 45
    assert "<b>ทอง" not in page
    assert '<details class="heading" open>' in page
