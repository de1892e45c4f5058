"""What an officer of an agency or a province does not reach, by whatever way it is asked for."""

from __future__ import annotations

import re

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
    await act(dit, ticket, "answer", text="ตรวจอีกครั้งแล้ว")
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


async def refused_everything(browser, ticket) -> None:
    """Nothing of the case is this browser's, to read or to do."""
    for path in ("", "/events", "/attachments"):
        assert (await browser.get(f"/api/v1/cases/{ticket}{path}")).status_code == 404
    assert (await browser.get(f"/cases/{ticket}")).status_code == 404
    assert (await browser.get("/api/v1/cases")).json()["items"] == []
    await act(browser, ticket, "note", 404, text="x")
    file = {"file": ("a.pdf", PDF)}
    answer = await browser.post(f"/api/v1/cases/{ticket}/attachments", files=file)
    assert answer.status_code == 404


async def test_an_agency_that_declined_reads_the_case_no_more(agent, director, dit, dbd):
    ticket = await shared(agent, director)
    page = (await dit.get(f"/cases/{ticket}", headers={"accept": "text/html"})).text
    form = page[page.index(f"/cases/{ticket}/decline") :]
    assert form[: form.index(">")].endswith('data-then="/agency"')
    await act(dit, ticket, "decline", reason="ไม่ใช่อำนาจหน้าที่")
    await refused_everything(dit, ticket)
    await told(dbd, ticket)
    await act(director, ticket, "assign", agencies=["dit"], instruction="เป็นเรื่องของกรม")
    await told(dit, ticket)


async def test_an_agency_reads_what_it_answered_in_the_present_round(agent, director, dit, dbd):
    ticket = await shared(agent, director)
    path = f"/api/v1/cases/{ticket}/attachments"
    sent = await agent.post(path, files={"file": ("a.pdf", PDF)})
    file = f"{path}/{sent.json()['id']}"
    await act(dit, ticket, "answer", text="ตรวจแล้ว")
    await act(director, ticket, "settle", text="ยุติ")
    await refused_everything(dbd, ticket)  # released: it had not answered
    assert (await dbd.get(file)).status_code == 404
    await act(agent, ticket, "close", how="voice")
    await told(dit, ticket)
    assert (await dit.get(file)).status_code == 200
    await act(agent, ticket, "reopen", reason="ร้องอีก")
    await refused_everything(dit, ticket)
    assert (await dit.get(file)).status_code == 404
    await act(director, ticket, "assign", agencies=["dbd"], instruction="ตรวจสอบ")
    await refused_everything(dit, ticket)
    await told(dbd, ticket)


@pytest.mark.parametrize(
    ("changes", "internal"),
    [
        ({}, False),
        ({"identity": "concealed", "consent": False}, True),
        ({"identity": "anonymous", "complainant_name": "", "complainant_number": ""}, True),
    ],
)
async def test_what_is_written_of_a_hidden_complainant_begins_as_internal(
    agent, director, changes, internal
):
    ticket = await shared(agent, director, **changes)
    page = (await agent.get(f"/cases/{ticket}", headers={"accept": "text/html"})).text
    boxes = re.findall(r'<input type="checkbox" name="internal"[^>]*>', page)
    assert len(boxes) == 2  # of a file and of a note
    assert [box.endswith(" checked>") for box in boxes] == [internal, internal]
