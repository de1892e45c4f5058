"""Cases over the web: the API's acts, who may do them, files, pages, the bell and the calendar."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from crm_bridge.access.roles import Role
from crm_bridge.cases.ticket_number import parse
from crm_bridge.config import AgencySection
from crm_bridge.people import persons
from tests.support.desk_calls import save, served
from tests.support.people import AGENT
from tests.unit.cases.test_file_types import DOCX, EXE, PDF

AGENCIES = {
    "dit": AgencySection(name_th="กรมการค้าภายใน", name_en="Department of Internal Trade"),
    "dbd": AgencySection(name_th="กรมพัฒนาธุรกิจการค้า", name_en="Department of Business"),
}
FORM = {
    "title": "ขายเกินราคา",
    "facts": "ป้าย 45 คิด 60",
    "respondent": "ร้านตัวอย่าง",
    "complainant_name": "สมหมาย ใจดี",
    "complainant_number": "081-234-5678",
    "notice_version": "2569-01",
    "consent": True,
    "consent_how": "voice",
}


@pytest.fixture
def house(desk, tmp_path):
    """A desk with two agencies, whose files lie in a folder of the test's own."""
    settings = desk.context.config.desk.model_copy(update={"data_dir": tmp_path / "data"})
    desk.context.config = desk.context.config.model_copy(
        update={"agency": AGENCIES, "desk": settings}
    )
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


async def recorded(agent, **changes):
    answer = await agent.post("/api/v1/cases", json={**FORM, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def assigned(agent, director, **changes):
    ticket = (await recorded(agent, **changes))["ticket"]
    await act(agent, ticket, "propose")
    await act(director, ticket, "assign", agencies=["dit"], instruction="ตรวจสอบ")
    return ticket


async def act(browser, ticket, name, status=200, **body):
    path = f"/api/v1/cases/{ticket}"
    etag = (await browser.get(path)).headers.get("etag", '"1"')
    answer = await browser.post(f"{path}/{name}", json=body, headers={"If-Match": etag})
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_case_from_end_to_end(house, agent, director, dit):
    made = await agent.post("/api/v1/cases", json={**FORM, "key": "k1"})
    case = made.json()
    assert made.headers["location"] == f"/api/v1/cases/{case['ticket']}"
    assert made.headers["etag"] == '"1"'
    assert (case["state"], case["complainant_number"]) == ("recorded", "+66812345678")
    assert case["acts"] == ["edit", "tell", "note", "attach", "propose", "cancel"]
    again = await agent.post("/api/v1/cases", json={**FORM, "key": "k1"})
    assert again.json()["ticket"] == case["ticket"]
    ticket = case["ticket"]
    assert (await act(agent, ticket, "tell", how="voice"))["told_how"] == "voice"
    proposed = await act(agent, ticket, "propose")
    assert (proposed["due_day"], proposed["working_days_left"]) == ("2026-12-16", 15)
    await act(director, ticket, "assign", agencies=["dit"], instruction="ตรวจสอบ")
    seen = (await dit.get(f"/api/v1/cases/{ticket}")).json()
    assert seen["acts"] == ["note", "attach", "answer", "decline", "ask-extension"]
    await act(dit, ticket, "ask-extension", working_days=5, reason="รอผล")
    await act(director, ticket, "grant-extension", agency="dit")
    await act(dit, ticket, "answer", text="ปรับแล้ว")
    await act(director, ticket, "send-back", agency="dit", reason="ขอหลักฐาน")
    await act(dit, ticket, "answer", text="ปรับแล้ว ตามใบสั่ง")
    settled = await act(director, ticket, "accept")
    assert (settled["state"], settled["settlement"]) == ("settled", "ปรับแล้ว ตามใบสั่ง")
    closed = await act(agent, ticket, "close", how="sms")
    assert closed["state"] == "closed"
    assert {s["step"]: s["state"] for s in closed["steps"]} == {
        "record": "open", "tell_ticket": "within", "propose": "within", "resolve": "within",
    }  # fmt: skip
    events = (await agent.get(f"/api/v1/cases/{ticket}/events")).json()
    assert [e["kind"] for e in events][:4] == ["record", "tell", "propose", "assign"]


async def test_a_field_at_fault_is_named_in_the_language_of_the_person(agent):
    answer = await agent.post(
        "/api/v1/cases", json={**FORM, "title": " ", "consent": False, "complainant_number": "12x"}
    )
    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(problem["fields"]) == {"title", "consent", "complainant_number"}
    assert problem["fields"]["title"] == "โปรดระบุเรื่อง"


async def test_two_editors_do_not_overwrite_one_another(agent):
    case = await recorded(agent)
    path = f"/api/v1/cases/{case['ticket']}"
    edit = await agent.patch(path, json={"product": "ไข่"}, headers={"If-Match": '"1"'})
    assert (edit.status_code, edit.json()["product"]) == (200, "ไข่")
    assert edit.json()["title"] == FORM["title"]  # what was not named stays
    assert edit.headers["etag"] == '"2"'
    late = await agent.patch(path, json={"product": "หมู"}, headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["type"]) == (412, "changed-meanwhile")
    bare = await agent.patch(path, json={"product": "หมู"})
    assert bare.status_code == 428
    stale = await agent.post(f"{path}/propose", json={}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412


WHY, AGENCY = {"reason": "x"}, {"agency": "dit"}
GUARDED = {
    "agent": {
        "propose": {}, "reopen": WHY, "cancel": {"why": "duplicate", "note": "x"},
        "close": {"how": "voice"},
    },
    "director": {
        "return": WHY, "assign": {"agencies": ["dbd"], "instruction": "x"}, "settle": {"text": "x"},
        "release": {**WHY, **AGENCY}, "send-back": {**WHY, **AGENCY}, "accept": {},
        "grant-extension": AGENCY, "refuse-extension": {"note": "x", **AGENCY},
    },
    "dit": {"answer": {"text": "x"}, "decline": WHY, "ask-extension": {**WHY, "working_days": 5}},
}  # fmt: skip
"""Every act that changes a case's state or its assignments, by who does it, and what it is sent."""


async def test_an_act_names_the_version_it_is_based_on(agent, director, dit):
    ticket = await assigned(agent, director)
    browsers = {"agent": agent, "director": director, "dit": dit}
    for who, acts in GUARDED.items():
        for name, body in acts.items():
            path = f"/api/v1/cases/{ticket}/{name}"
            bare = await browsers[who].post(path, json=body)
            assert bare.status_code == 428, (name, bare.text)
            stale = await browsers[who].post(path, json=body, headers={"If-Match": '"1"'})
            assert stale.status_code in {409, 412}, (name, stale.text)
    case = (await director.get(f"/api/v1/cases/{ticket}")).json()
    assert (case["state"], case["version"]) == ("assigned", 3)  # nothing was done
    told = await agent.post(f"/api/v1/cases/{ticket}/tell", json={"how": "voice"})
    assert told.status_code == 200  # says only what happened


async def test_a_form_of_somebody_elses_is_not_saved_again(house, agent):
    other = await house.browser(Role.AGENT)
    assert (await agent.post("/api/v1/cases", json={**FORM, "key": "1"})).status_code == 201
    taken = await other.post("/api/v1/cases", json={**FORM, "key": "1"})
    assert (taken.status_code, taken.json()["type"]) == (409, "form-taken")


@pytest.mark.parametrize("field", ["person_id", "subject_id"])
async def test_a_case_names_persons_and_subjects_that_are_there(agent, field):
    wrong = await agent.post("/api/v1/cases", json={**FORM, field: "nobody"})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, [field])
    case = await recorded(agent)
    path, match = f"/api/v1/cases/{case['ticket']}", {"If-Match": '"1"'}
    edited = await agent.patch(path, json={field: "nobody"}, headers=match)
    assert (edited.status_code, list(edited.json()["fields"])) == (422, [field])


async def test_a_second_click_sends_no_second_message(agent):
    ticket = (await recorded(agent))["ticket"]
    await act(agent, ticket, "tell", how="sms")
    assert (await act(agent, ticket, "tell", 409, how="sms"))["type"] == "message-waiting"


@pytest.mark.parametrize("text", ["081-234-5678", "0812345678", "๐๘๑ ๒๓๔ ๕๖๗๘", "+66812345678"])
async def test_a_case_is_found_by_the_number_as_people_write_it(agent, text):
    ticket = (await recorded(agent))["ticket"]
    await recorded(agent, complainant_number="0899999999")
    found = (await agent.get("/api/v1/cases", params={"text": text})).json()["items"]
    assert [case["ticket"] for case in found] == [ticket]


async def test_a_telephone_that_reads_as_a_ticket_is_found_as_a_telephone(agent):
    number = "023500004"
    assert parse(number)
    ticket = (await recorded(agent, complainant_number=number))["ticket"]
    found = (await agent.get("/api/v1/cases", params={"text": number})).json()["items"]
    assert [case["ticket"] for case in found] == [ticket]


async def test_an_act_that_is_not_allowed_says_why(agent, director):
    ticket = (await recorded(agent))["ticket"]
    refused = await act(director, ticket, "return", 409, reason="x")
    assert refused["type"] == "act-not-now"
    assert "บันทึกเรื่องแล้ว" in refused["detail"]
    assert (await act(agent, ticket, "settle", 403, text="x"))["type"] == "not-allowed"
    lost = await agent.get("/api/v1/cases/69-000009-9")
    assert lost.status_code == 404
    assert "ตัวเลขผิด" in lost.json()["detail"]


async def test_the_page_says_why_an_act_is_not_possible(agent, director, dit):
    ticket = await assigned(agent, director)
    await act(dit, ticket, "ask-extension", working_days=5, reason="รอ")
    page = (await dit.get(f"/cases/{ticket}")).text
    assert "มีคำขอขยายเวลาที่รอพิจารณาอยู่" in page
    assert f'data-act="POST /api/v1/cases/{ticket}/answer"' in page
    assert f'data-act="POST /api/v1/cases/{ticket}/ask-extension"' not in page
    page = (await director.get(f"/cases/{ticket}")).text
    assert "ยังไม่มีคำตอบที่รอพิจารณา" in page
    assert f'data-act="POST /api/v1/cases/{ticket}/grant-extension"' in page


async def test_the_steps_of_a_cancelled_case_stand_still(house, agent, director):
    ticket = await assigned(agent, director)
    house.clock.forward(minutes=2)
    await act(director, ticket, "cancel", why="withdrawn", note="ขอถอน")
    house.clock.forward(days=60)
    auditor = await house.browser(Role.AUDITOR)  # the others' sessions are over
    case = (await auditor.get(f"/api/v1/cases/{ticket}")).json()
    steps = {s["step"]: (s["state"], s["elapsed_seconds"]) for s in case["steps"]}
    assert steps["resolve"] == steps["tell_ticket"] == ("open", 120.0)


async def test_another_agency_finds_nothing(house, agent, director):
    ticket = await assigned(agent, director)
    other = await house.browser(await house.account(Role.PROVINCIAL_OFFICER, "other", agency="dbd"))
    assert (await other.get("/api/v1/cases")).json() == {"items": [], "next": None}
    for path in ("", "/events", "/attachments"):
        assert (await other.get(f"/api/v1/cases/{ticket}{path}")).status_code == 404
    await act(other, ticket, "answer", 404, text="x")
    files = {"file": ("a.pdf", PDF)}
    answer = await other.post(f"/api/v1/cases/{ticket}/attachments", files=files)
    assert answer.status_code == 404
    assert (await other.get(f"/cases/{ticket}")).status_code == 404
    page = await other.get("/agency")
    assert page.status_code == 200
    assert ticket not in page.text


async def test_an_agency_is_not_shown_who_is_concealed(agent, director, dit):
    ticket = await assigned(agent, director, identity="concealed", consent=None, consent_how=None)
    for path in (f"/api/v1/cases/{ticket}", f"/cases/{ticket}", "/agency", "/api/v1/cases"):
        text = (await dit.get(path)).text
        assert ticket in text
        assert "สมหมาย" not in text
        assert "81234567" not in re.sub(r"\D", "", text.replace(ticket, ""))
    assert "สมหมาย" in (await agent.get(f"/cases/{ticket}")).text


async def test_lists_come_a_page_at_a_time(house, agent):
    tickets = []
    for _ in range(5):
        house.clock.forward(minutes=1)
        tickets.append((await recorded(agent))["ticket"])
    found, cursor = [], None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await agent.get("/api/v1/cases", params=query)).json()
        found += [c["ticket"] for c in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert found == tickets[::-1]
    assert (await agent.get("/api/v1/cases?cursor=xx")).status_code == 422
    by_number = await agent.get("/api/v1/cases", params={"text": tickets[1].replace("-", "")})
    assert [c["ticket"] for c in by_number.json()["items"]] == [tickets[1]]
    assert (await agent.get("/api/v1/cases", params={"text": "a\0b"})).status_code == 422


async def test_a_batch_is_ordered_at_once(agent, director):
    tickets = []
    for _ in range(3):
        proposed = await act(agent, (await recorded(agent))["ticket"], "propose")
        tickets.append({"ticket": proposed["ticket"], "version": proposed["version"]})
    page = unescape((await director.get("/director", headers={"accept": "text/html"})).text)
    boxes = re.findall(r'name="tickets" value=\'([^\']*)\' data-type="list" data-json', page)
    assert sorted(map(json.loads, boxes), key=str) == sorted(tickets, key=str)
    stale = {"tickets": [tickets[0], {**tickets[1], "version": 1}], "agencies": ["dit"]}
    late = await director.post(
        "/api/v1/director/assignments", json={**stale, "instruction": "ตรวจ"}
    )
    assert (late.status_code, late.json()["type"]) == (412, "changed-meanwhile")
    body = {"tickets": tickets, "agencies": ["dit", "dbd"], "instruction": "ตรวจ"}
    done = await director.post("/api/v1/director/assignments", json=body)
    assert done.status_code == 200
    assert [(c["state"], sorted(c["agencies"])) for c in done.json()] == [
        ("assigned", ["dbd", "dit"])
    ] * 3
    again = await director.post("/api/v1/director/assignments", json=body)
    assert again.status_code == 412
    now = [{**one, "version": one["version"] + 1} for one in tickets]
    again = await director.post("/api/v1/director/assignments", json={**body, "tickets": now})
    assert again.status_code == 409
    none = await director.post("/api/v1/director/assignments", json={**body, "tickets": []})
    assert none.status_code == 422


async def test_a_file_goes_in_and_comes_out_as_a_download(agent, director, dit):
    ticket = await assigned(agent, director)
    path = f"/api/v1/cases/{ticket}/attachments"
    name = 'ใบเสร็จ "1"\u202e;.pdf'
    made = await agent.post(path, files={"file": (name, PDF, "text/html")})
    assert made.status_code == 201, made.text
    assert (made.json()["type"], made.json()["size"]) == ("application/pdf", len(PDF))
    internal = await agent.post(path, files={"file": ("b.docx", DOCX)}, data={"internal": "true"})
    assert internal.json()["internal"] is True
    given = await dit.get(f"{path}/{made.json()['id']}")
    assert given.content == PDF
    assert given.headers["content-type"] == "application/pdf"
    assert given.headers["x-content-type-options"] == "nosniff"
    assert given.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert "\u202e" not in given.headers["content-disposition"]
    assert "%E2%80%AE" not in given.headers["content-disposition"]
    assert "sandbox" in given.headers["content-security-policy"]
    assert (await dit.get(f"{path}/{internal.json()['id']}")).status_code == 404
    assert len((await dit.get(path)).json()) == 1
    assert len((await agent.get(path)).json()) == 2


@pytest.mark.parametrize(
    ("files", "status", "code"),
    [
        ({"file": ("a.pdf", EXE)}, 422, "file-unlike"),
        ({"file": ("a.exe", EXE)}, 422, "file-type"),
        ({"other": ("a.pdf", PDF)}, 422, "file-missing"),
        ({"file": ("a.pdf", PDF + b"x" * (10 * 1024 * 1024))}, 413, "file-size"),
        ({"file": ("a.pdf", b"x" * (13 * 1024 * 1024))}, 413, "too-large"),
    ],
)
async def test_a_file_that_is_not_taken_is_refused_with_the_reason(
    house, agent, tmp_path, files, status, code
):
    ticket = (await recorded(agent))["ticket"]
    answer = await agent.post(f"/api/v1/cases/{ticket}/attachments", files=files)
    assert (answer.status_code, answer.json()["type"]) == (status, code)
    assert [p for p in (tmp_path / "data").rglob("*") if p.is_file()] == []
    assert (await agent.get(f"/api/v1/cases/{ticket}/attachments")).json() == []


async def test_a_body_that_is_no_form_is_refused(agent):
    ticket = (await recorded(agent))["ticket"]
    path = f"/api/v1/cases/{ticket}/attachments"
    assert (await agent.post(path, json={})).status_code == 422
    broken = await agent.post(
        path, content=b"xx", headers={"content-type": "multipart/form-data; boundary=a"}
    )
    assert broken.status_code == 422


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://x")',
    "{{ 7*7 }}",
    "a\r\nSet-Cookie: x=1",
    "\u202egnp.exe\u2066",
    "']; DROP TABLE cases; --",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_text_on_every_page(house, agent, director, dit, text):
    ticket = await assigned(
        agent, director, title=text, facts=text, respondent=text, place=text, product=text,
        complainant_name=text,
    )  # fmt: skip
    await act(dit, ticket, "note", text=text)
    waiting = (await recorded(agent, title=text, facts=text))["ticket"]
    await act(agent, waiting, "propose", note=text)
    shown = re.sub(r"[\u202e\u2066]", "", text).replace("\r\n", "\n")
    pages = [
        (agent, f"/cases/{ticket}"), (dit, f"/cases/{ticket}"), (dit, "/agency"),
        (agent, "/cases?view=all"), (director, "/director"), (agent, f"/cases/{waiting}"),
    ]  # fmt: skip
    for browser, path in pages:
        answer = await browser.get(path)
        assert answer.status_code == 200
        assert "alert(1)</script>" not in answer.text
        assert "<img src=x" not in answer.text
        assert "\u202e" not in answer.text
        assert " ".join(shown.split()) in " ".join(unescape(answer.text).split()), path
        assert "set-cookie" not in answer.headers
    supervisor = await house.browser(Role.SUPERVISOR)
    edit = await supervisor.get(f"/cases/{ticket}/edit")
    assert "alert(1)</script>" not in edit.text


@pytest.mark.parametrize("language", ["th", "en"])
async def test_every_page_opens_for_whom_it_is(house, agent, director, dit, language):
    ticket = await assigned(agent, director)
    await act(dit, ticket, "ask-extension", working_days=5, reason="รอ")
    admin = await house.browser(Role.ADMINISTRATOR)
    auditor = await house.browser(Role.AUDITOR)
    for browser in (agent, director, dit, admin, auditor):
        await browser.put("/api/v1/language", json={"language": language})
    pages = {
        agent: ["/cases", *(f"/cases?view={v}" for v in ("propose", "open", "overdue", "all")),
                "/cases/new", "/cases/form", "/cases?text=12345678901", f"/cases/{ticket}"],
        director: ["/director", "/cases", f"/cases/{ticket}/edit", "/admin/calendar?year=2027"],
        dit: ["/agency", f"/cases/{ticket}", "/notifications"],
        admin: ["/admin/calendar", "/cases"],
        auditor: ["/cases", f"/cases/{ticket}", "/admin/calendar"],
    }  # fmt: skip
    for browser, paths in pages.items():
        for path in paths:
            answer = await browser.get(path, headers={"accept": "text/html"})
            assert answer.status_code == 200, (path, answer.text[:300])
            assert 'style="' not in answer.text
            assert "<script>" not in answer.text
    assert (await agent.get("/director", headers={"accept": "text/html"})).status_code == 403
    assert (await dit.get("/cases", headers={"accept": "text/html"})).status_code == 403
    page = await agent.get(f"/cases/{ticket}/edit", headers={"accept": "text/html"})
    assert page.status_code == 409


async def test_a_new_form_is_filled_with_what_the_call_tells(house, agent):
    call = served(1, house.clock.at, service="complaint")
    hidden = served(2, house.clock.at, presented=None)
    await save(house.database, call, hidden)
    for path in ("/cases/new", "/cases/form"):
        page = (await agent.get(path, params={"call": call.call_id})).text
        assert f'name="call_id" value="{call.call_id}"' in page
        assert 'value="081 234 5678"' in page
        page = (await agent.get(path, params={"call": hidden.call_id})).text
        assert "81 234 5678" not in page
    person = {"name": "สมหมาย ใจดี", "province": "กระบี่"}
    async with house.database.writing() as connection:
        await persons.create(
            connection, house.clock, AGENT, fields=person, numbers=["+66812345678"]
        )
    page = (await agent.get("/cases/new", params={"call": call.call_id})).text
    assert 'name="complainant_name" data-empty="text" maxlength="300" value="สมหมาย ใจดี"' in page
    assert 'name="person_id"' in page


async def test_saving_forgets_the_draft(agent):
    path = "/api/v1/drafts/case:new"
    await agent.put(path, json={"title": "ร่าง"})
    assert (await agent.get(path)).status_code == 200
    await recorded(agent)
    assert (await agent.get(path)).status_code == 404


async def test_the_bell_rings_for_whom_it_concerns(agent, director, dit):
    ticket = await assigned(agent, director)
    for browser, kind in ((director, "proposed"), (dit, "assigned")):
        bell = (await browser.get("/api/v1/notifications")).json()
        assert bell["unseen"] == 1
        assert [(n["kind"], n["ticket"], n["seen"]) for n in bell["items"]] == [
            (kind, ticket, False)
        ]
    seen = await dit.post("/api/v1/notifications/seen", json={"ids": [bell["items"][0]["id"]]})
    assert seen.json() == {"seen": 1}
    assert (await dit.get("/api/v1/notifications")).json()["unseen"] == 0
    assert (await director.get("/api/v1/notifications")).json()["unseen"] == 1


async def test_the_calendar_is_the_administrators(house, agent, director):
    admin = await house.browser(Role.ADMINISTRATOR)
    now = await admin.get("/api/v1/calendar")
    assert now.headers["etag"] == '"0"'
    assert {"day": "2026-12-31", "closed": True} in [
        {"day": d["day"], "closed": d["closed"]} for d in now.json()["days"]
    ]
    day = {"closed": True, "name_th": "หยุดพิเศษ มติ ครม."}
    path = "/api/v1/calendar/days/2026-12-01"
    put = await admin.put(path, json=day, headers={"If-Match": '"0"'})
    assert (put.status_code, put.json()["version"]) == (200, 2)
    assert (await agent.put(path, json=day, headers={"If-Match": '"2"'})).status_code == 403
    late = await admin.put(path, json=day, headers={"If-Match": '"0"'})
    assert late.status_code == 412
    far = await admin.put("/api/v1/calendar/days/2050-01-03", json=day, headers={"If-Match": '"2"'})
    assert far.status_code == 422
    reckoned = await agent.get("/api/v1/calendar/reckon?start=2026-11-23")
    assert reckoned.json() == {
        "version": 2, "start": "2026-11-23", "working_days": 15, "last_day": "2026-12-17",
    }  # fmt: skip
    ticket = await assigned(agent, director)
    case = (await agent.get(f"/api/v1/cases/{ticket}")).json()
    assert (case["due_day"], case["calendar_version"]) == ("2026-12-17", 2)
    back = await admin.delete(path, headers={"If-Match": '"2"'})
    assert back.json()["version"] == 3
    assert (await admin.delete(path, headers={"If-Match": '"3"'})).status_code == 404
    case = (await agent.get(f"/api/v1/cases/{ticket}")).json()
    assert case["due_day"] == "2026-12-17"  # an old deadline never moves
    assert len((await agent.get("/api/v1/calendar/versions")).json()) == 3
    assert (await agent.get("/api/v1/calendar/reckon?start=9999-12-31")).status_code == 422
