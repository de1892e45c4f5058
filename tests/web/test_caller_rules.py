"""Rules of how callers are taken over HTTP: from a call's page, a person's page, the list."""

from __future__ import annotations

import pytest

from crm_bridge.access.roles import Role
from crm_bridge.desk import caller_rules
from crm_bridge.desk.caller_rules import Kind, Treatment, Wanted
from crm_bridge.people import persons
from ivr.calls.call import Mark
from tests.support.desk_calls import SECOND, save, served
from tests.support.web import Desk

PATH = "/api/v1/caller-rules"
LIST = "/admin/caller-rules"
DAY = 24 * 3600 * SECOND


def nuisance(**other):
    return {"kind": "nuisance", "treatment": "refuse", "reason": "<b>ด่าทอ",
            "until": "2026-11-30T12:00", **other}  # fmt: skip


async def test_a_supervisor_takes_a_number_last_from_a_calls_page(desk: Desk):
    call = served(1, desk.clock.at - DAY)
    await save(desk.database, call)
    boss = await desk.browser(Role.SUPERVISOR)
    page = f"/calls/{call.call_id}"
    assert 'data-act="POST /api/v1/caller-rules"' in (await boss.get(page)).text
    made = await boss.post(PATH, json=nuisance(call=call.call_id))
    assert made.status_code == 201
    rule = made.json()
    assert (rule["number"], rule["until"]) == ("+66812345678", "2026-11-30T05:00:00.000000Z")
    text = (await boss.get(page)).text
    assert "&lt;b&gt;ด่าทอ" in text
    assert "<b>ด่าทอ" not in text
    assert 'data-act="POST /api/v1/caller-rules"' not in text
    listed = (await boss.get(LIST)).text
    # no address holds a telephone number: it would be kept in logs
    assert "0899990000" not in (await boss.get(LIST, params={"number": "0899990000"})).text
    assert f'data-act="DELETE {PATH}/{rule["id"]}"' in listed
    assert page in listed
    ended = await boss.delete(f"{PATH}/{rule['id']}")
    assert ended.json()["ended_by"] == "ทดสอบ supervisor"
    assert (await boss.delete(f"{PATH}/{rule['id']}")).status_code == 404
    assert (await boss.get(PATH)).json() == []
    assert [r["id"] for r in (await boss.get(PATH, params={"ended": True})).json()] == [rule["id"]]


async def test_the_record_of_a_call_says_by_which_rule_it_was_taken(desk: Desk):
    boss = await desk.account(Role.SUPERVISOR)
    async with desk.database.writing() as connection:
        wanted = Wanted(Kind.VIP, Treatment.FIRST, "ผู้แทนสื่อมวลชน", None, "0898765432")
        rule = await caller_rules.make(connection, desk.clock, boss, wanted)
        await caller_rules.end(connection, desk.clock, boss, rule.id)
    call = served(1, desk.clock.at - DAY)
    call.marks = [Mark("priority", call.entered_at + SECOND, f"5:vip:{rule.id}")]
    await save(desk.database, call)
    agent = await desk.browser(Role.AGENT)
    text = (await agent.get(f"/calls/{call.call_id}")).text
    assert "ผู้แทนสื่อมวลชน" in text
    assert "ได้ลำดับในคิวตามกฎ" in text
    assert 'data-act="POST /api/v1/caller-rules"' not in text


async def test_a_person_is_put_first(desk: Desk):
    boss = await desk.browser(Role.SUPERVISOR)
    who = await desk.account(Role.AGENT)
    async with desk.database.writing() as connection:
        person = await persons.create(
            connection, desk.clock, who, fields={"name": "สมศรี"}, numbers=("0812345678",)
        )
    page = f"/people/{person.id}"
    assert f"{LIST}?person={person.id}" in (await boss.get(page)).text
    assert "สมศรี" in (await boss.get(LIST, params={"person": person.id})).text
    first = {"kind": "vulnerable", "treatment": "first", "reason": "ผู้พิการ", "person": person.id}
    assert (await boss.post(PATH, json=first)).status_code == 201
    assert (await boss.post(PATH, json=first)).status_code == 409
    assert "ผู้พิการ" in (await boss.get(page)).text
    agent = await desk.browser(who)
    assert "ผู้พิการ" in (await agent.get(page)).text


@pytest.mark.parametrize("role", [Role.AGENT, Role.DIRECTOR, Role.AUDITOR])
async def test_others_make_no_rule(desk: Desk, role: Role):
    browser = await desk.browser(role)
    assert (await browser.post(PATH, json=nuisance(number="0812345678"))).status_code == 403
    assert (await browser.delete(f"{PATH}/x")).status_code == 403
    seen = 403 if role is Role.AGENT else 200
    assert (await browser.get(LIST)).status_code == seen


async def test_a_number_of_an_agency_is_spared(desk: Desk):
    admin = await desk.browser(Role.ADMINISTRATOR)
    spared = [n for a in desk.context.config.agency.values() for n in a.numbers]
    for number in ("1203", *spared[:2]):
        answer = await admin.post(PATH, json=nuisance(number=number))
        assert answer.status_code == 422
        assert answer.json()["type"] in {"number-spared", "no-number"}
