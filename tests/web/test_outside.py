"""What an officer of an agency or a province does not reach, by whatever way it is asked for."""

from __future__ import annotations

import pytest

from crm_bridge.access.roles import Role
from tests.unit.cases.test_file_types import PDF
from tests.web.test_cases import AGENCIES, act, recorded


@pytest.fixture
def house(desk):
    desk.context.config = desk.context.config.model_copy(update={"agency": AGENCIES})
    return desk


@pytest.fixture
async def agent(house):
    return await house.browser(Role.AGENT)


@pytest.fixture
async def director(house):
    return await house.browser(Role.DIRECTOR)


@pytest.fixture
async def dit(house):
    return await house.browser(Role.AGENCY_OFFICER)


@pytest.fixture
async def dbd(house):
    return await house.browser(await house.account(Role.AGENCY_OFFICER, "dbd1", agency="dbd"))


async def shared(agent, director, **changes) -> str:
    """A case that two agencies are to answer."""
    ticket = (await recorded(agent, **changes))["ticket"]
    await act(agent, ticket, "propose", note="ผู้ร้องคือนางสมหมาย กลัวถูกกลั่นแกล้ง")
    await act(director, ticket, "assign", agencies=["dit", "dbd"], instruction="ตรวจสอบ")
    return ticket


async def told(browser, ticket) -> str:
    """Everything that this browser is given of a case."""
    found = [
        await browser.get(path)
        for path in (
            f"/api/v1/cases/{ticket}",
            f"/api/v1/cases/{ticket}/events",
            f"/api/v1/cases/{ticket}/attachments",
            "/api/v1/cases",
            "/api/v1/notifications",
            f"/cases/{ticket}",
            "/agency",
            "/notifications",
        )
    ]
    assert all(answer.status_code == 200 for answer in found), [a.status_code for a in found]
    return "\n".join(answer.text for answer in found)


async def test_what_the_centre_writes_for_itself_is_not_for_agencies(agent, director, dit, dbd):
    ticket = await shared(agent, director, identity="concealed", consent=False)
    assert "สมหมาย" not in await told(dit, ticket)
    for agency in (dit, dbd):
        await act(agency, ticket, "answer", text="ตรวจแล้ว")
    await act(director, ticket, "accept", note="ผู้ร้องสมหมายพอใจ")
    await act(agent, ticket, "close", how="voice", note="โทรหาคุณสมหมายแล้ว")
    await act(agent, ticket, "reopen", reason="คุณสมหมายแจ้งว่ายังไม่ได้เงินคืน")
    await act(director, ticket, "assign", agencies=["dit", "dbd"], instruction="ตรวจอีกครั้ง")
    await act(director, ticket, "settle", text="คืนเงินให้คุณสมหมายแล้ว")
    text = await told(dit, ticket)
    assert "สมหมาย" not in text
    assert "dbd" not in text
    assert "พัฒนาธุรกิจ" not in text
    events = (await agent.get(f"/api/v1/cases/{ticket}/events")).json()
    assert sum("สมหมาย" in str(event["body"]) for event in events) == 5


async def test_what_the_centre_says_to_agencies_is_read_by_them(agent, director, dit):
    ticket = await shared(agent, director)
    await act(agent, ticket, "note", text="ขอให้ติดต่อร้านก่อนเที่ยง")
    await act(agent, ticket, "note", text="อย่าเพิ่งแจ้งหน่วยงาน", internal=True)
    text = await told(dit, ticket)
    assert "ขอให้ติดต่อร้านก่อนเที่ยง" in text
    assert "อย่าเพิ่งแจ้งหน่วยงาน" not in text


async def test_a_list_does_not_tell_who_else_has_the_case(agent, director, dit):
    both = await shared(agent, director)
    alone = (await recorded(agent))["ticket"]
    await act(agent, alone, "propose")
    await act(director, alone, "assign", agencies=["dit"], instruction="ตรวจสอบ")
    for agency in ("dit", "dbd", "nobody"):
        found = await dit.get("/api/v1/cases", params={"agency": agency})
        assert {case["ticket"] for case in found.json()["items"]} == {both, alone}


async def test_slots_of_another_unit_are_not_an_officers(house, dit):
    asked = {"date": "2026-11-24", "province": "pco-krabi"}
    own = await dit.get("/api/v1/slots", params={**asked, "unit": "dit"})
    other = await dit.get("/api/v1/slots", params={**asked, "unit": "dbd"})
    assert (own.status_code, other.status_code) == (200, 403)


@pytest.mark.parametrize("left", ["declined", "not asked again"])
async def test_an_agency_that_is_out_of_it_acts_no_more(agent, director, dit, left):
    ticket = await shared(agent, director)
    if left == "declined":
        await act(dit, ticket, "decline", reason="ไม่ใช่อำนาจหน้าที่")
    else:
        await act(director, ticket, "settle", text="ยุติ")
        await act(dit, ticket, "note", 404, text="x")  # released
        await act(agent, ticket, "reopen", reason="ร้องอีก")
        await act(director, ticket, "assign", agencies=["dit", "dbd"], instruction="ตรวจสอบ")
        await act(dit, ticket, "answer", text="ตรวจแล้ว")
        await act(director, ticket, "settle", text="ยุติ")
        await act(agent, ticket, "reopen", reason="ร้องอีก")
        await act(director, ticket, "assign", agencies=["dbd"], instruction="ตรวจสอบ")
    case = (await dit.get(f"/api/v1/cases/{ticket}")).json()
    assert case["acts"] == []
    refused = await dit.post(f"/api/v1/cases/{ticket}/note", json={"text": "x"})
    assert refused.status_code in {404, 409}
    file = {"file": ("a.pdf", PDF)}
    answer = await dit.post(f"/api/v1/cases/{ticket}/attachments", files=file)
    assert answer.status_code == refused.status_code
    page = await dit.get(f"/cases/{ticket}")
    assert page.status_code == 200
