"""The reasons for a pause over HTTP, and the administrator's page."""

from __future__ import annotations

from crm_bridge.access.roles import Role
from tests.support.web import Desk

PATH = "/api/v1/pause-reasons"


async def test_an_administrator_keeps_the_reasons(desk: Desk):
    admin = await desk.browser(Role.ADMINISTRATOR)
    agent = await desk.browser(Role.AGENT)

    async def offered():
        return [reason["code"] for reason in (await agent.get("/api/v1/agent")).json()["reasons"]]

    first = await offered()
    made = await admin.post(PATH, json={"name_th": "<b>อบรม", "name_en": "Training"})
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    code = made.json()["code"]
    assert await offered() == [*first, code]
    page = (await admin.get("/admin/pause-reasons")).text
    assert page.count('data-act="PUT /api/v1/pause-reasons/') == len(first) + 1
    assert "<b>อบรม" not in page
    edit = {"name_th": "ฝึกอบรม", "name_en": "Training", "position": 0, "active": True}
    path = f"{PATH}/{code}"
    answers = [
        await admin.put(path, json=edit),
        await admin.put(path, json=edit, headers={"If-Match": '"1"'}),
        await admin.put(path, json=edit, headers={"If-Match": '"1"'}),
        await admin.put(path, json={**edit, "name_th": " "}, headers={"If-Match": '"2"'}),
        await admin.put(f"{PATH}/none", json=edit, headers={"If-Match": '"1"'}),
    ]
    assert [a.status_code for a in answers] == [428, 200, 412, 422, 404]
    assert await offered() == [code, *first]
    await admin.put(path, json={**edit, "active": False}, headers={"If-Match": '"2"'})
    assert await offered() == first
    every = (await agent.get(PATH)).json()
    assert [(r["name_th"], r["active"]) for r in every if r["code"] == code] == [("ฝึกอบรม", False)]


async def test_others_change_no_reason(desk: Desk):
    for role in (Role.AGENT, Role.SUPERVISOR):
        browser = await desk.browser(role)
        assert (await browser.post(PATH, json={"name_th": "ก"})).status_code == 403
        assert (await browser.get("/admin/pause-reasons")).status_code == 403
