"""Appointments over HTTP: the acts, the pages, who may see what, hostile text shown as text."""

from __future__ import annotations

import re
from datetime import date

import pytest
from icalendar import Calendar

from crm_bridge.access.roles import Role
from crm_bridge.appointments.offices import offices
from crm_bridge.config import AgencySection
from tests.support.desk_calls import save, served
from tests.support.desk_clock import NOW
from tests.support.people import person
from tests.support.web import Desk

PROVINCE = "pco-krabi"
UNIT = "dip"
WISH = {
    "name": "สมชาย",
    "surname": "ใจดี",
    "phone": "081 234 5678",
    "email": "somchai@example.th",
    "topic": "จดทะเบียนเครื่องหมายการค้า",
    "unit": UNIT,
    "province": PROVINCE,
}
HOSTILE = '<script>alert(1)</script>\r\n=HYPERLINK("x")\u202e"><img src=x onerror=alert(1)>'
TUESDAY = "2026-11-24T10:00"


@pytest.fixture
async def place(desk: Desk):
    """An officer and a room, and the browser of an agent."""
    config = desk.context.config
    provinces = {
        "pco-krabi": AgencySection(name_th="สำนักงานพาณิชย์จังหวัดกระบี่", name_en="Krabi PCO"),
        "pco-nan": AgencySection(name_th="สำนักงานพาณิชย์จังหวัดน่าน", name_en="Nan PCO"),
    }
    desk.context.config = config.model_copy(update={"agency": {**config.agency, **provinces}})
    boss = await desk.browser(Role.SUPERVISOR)
    officer = await boss.post(
        "/api/v1/officers",
        json={"unit": UNIT, "name_th": "อรทัย", "email": "orathai@moc.example"},
    )
    room = await boss.post(
        "/api/v1/rooms", json={"province": PROVINCE, "name_th": "ห้อง 1", "capacity": 4}
    )
    assert (officer.status_code, room.status_code) == (201, 201), (officer.text, room.text)
    return await desk.browser(Role.AGENT), boss, officer.json()["id"], room.json()["id"]


async def act(browser, answer, what, body=None, *, etag=None):
    ref = answer.json()["ref"]
    return await browser.post(
        f"/api/v1/appointments/{ref}/{what}",
        json={} if body is None else body,
        headers={"If-Match": etag or answer.headers["ETag"]},
    )


def time(place, starts=TUESDAY, **more):
    return {"officer": place[2], "room": place[3], "starts_at": starts, "minutes": 60, **more}


async def test_from_the_form_to_the_meeting(desk, place):
    agent = place[0]
    opened = "2026-11-23T02:58:00Z"
    made = await agent.post("/api/v1/appointments", json={**WISH, "opened_at": opened})
    assert made.status_code == 201
    ref = made.json()["ref"]
    assert made.headers["Location"] == f"/api/v1/appointments/{ref}"
    assert made.json()["acts"] == ["edit", "agree", "cancel"]
    assert made.json()["steps"][0] == {
        "step": "intake", "started_at": "2026-11-23T02:58:00.000000Z",
        "ended_at": "2026-11-23T03:00:00.000000Z", "elapsed_seconds": 120.0,
        "standard_seconds": 300, "state": "within", "evidence": "declared",
    }  # fmt: skip
    early = await agent.get(f"/api/v1/appointments/{ref}/invitation.ics")
    assert early.status_code == 409

    slots = await agent.get(
        "/api/v1/slots", params={"date": "2026-11-24", "unit": UNIT, "province": PROVINCE}
    )
    (ten,) = [s for s in slots.json()["slots"] if s["time"] == "10:00"]
    assert ten["free"]
    assert (ten["officers"], ten["rooms"]) == ([place[2]], [place[3]])
    agreed = await act(agent, made, "agree", time(place, ten["starts_at"]))
    assert agreed.json()["state"] == "agreed"
    slots = await agent.get(
        "/api/v1/slots", params={"date": "2026-11-24", "unit": UNIT, "province": PROVINCE}
    )
    taken = {s["time"] for s in slots.json()["slots"] if not s["free"]}
    assert taken == {"09:30", "10:00", "10:30"}
    moving = await agent.get(
        "/api/v1/slots",
        params={"date": "2026-11-24", "unit": UNIT, "province": PROVINCE, "without": ref},
    )
    assert all(s["free"] for s in moving.json()["slots"])

    told = await act(agent, agreed, "notify", {"ways": ["voice", "sms", "email"]})
    assert (told.json()["state"], told.json()["acts"]) == (
        "notified", ["edit", "move", "notify", "cancel", "held", "missed"],
    )  # fmt: skip
    file = await agent.get(f"/api/v1/appointments/{ref}/invitation.ics")
    assert file.headers["Content-Type"].startswith("text/calendar")
    (event,) = Calendar.from_ical(file.content).walk("VEVENT")
    assert event.decoded("DTSTART").isoformat() == "2026-11-24T10:00:00+07:00"
    week = await agent.get("/api/v1/appointments/calendar", params={"from": "2026-11-23"})
    assert [a["ref"] for a in week.json()] == [ref]
    desk.clock.forward(days=1, hours=2)
    krabi = await desk.account(Role.PROVINCIAL_OFFICER, "krabi", agency=PROVINCE)
    there = await desk.browser(krabi)
    done = await act(there, told, "held")
    assert done.json()["state"] == "held"
    seen = await there.get(f"/api/v1/appointments/{ref}")
    assert [line["act"] for line in seen.json()["history"]] == ["create", "agree", "notify", "held"]


async def test_an_act_names_the_version_it_saw(desk, place):
    agent = place[0]
    made = await agent.post("/api/v1/appointments", json=WISH)
    bare = await agent.post(f"/api/v1/appointments/{made.json()['ref']}/agree", json=time(place))
    assert bare.status_code == 428
    await act(agent, made, "agree", time(place))
    late = await act(agent, made, "cancel")
    assert late.status_code == 412
    assert late.json()["type"] == "changed-meanwhile"


async def test_a_taken_time_is_refused_with_the_field(desk, place):
    agent = place[0]
    first, second = [await agent.post("/api/v1/appointments", json=WISH) for _ in range(2)]
    await act(agent, first, "agree", time(place))
    refused = await act(agent, second, "agree", time(place, "2026-11-24T10:45"))
    assert refused.status_code == 409
    assert refused.json()["type"] == "slot-taken"
    assert set(refused.json()["fields"]) == {"officer"}
    moved = await act(agent, second, "agree", time(place, "2026-11-24T11:00"))
    assert moved.json()["state"] == "agreed"


async def test_the_same_form_is_one_appointment(desk, place):
    agent = place[0]
    given = {**WISH, "form_key": "a" * 32}
    once, twice = [await agent.post("/api/v1/appointments", json=given) for _ in range(2)]
    assert once.json()["ref"] == twice.json()["ref"]


@pytest.mark.parametrize("field", ["person_id", "call_id"])
async def test_a_request_names_a_person_and_a_call_that_are_there(desk, place, field):
    made = await place[0].post("/api/v1/appointments", json={**WISH, field: "nobody"})
    assert (made.status_code, list(made.json()["fields"])) == (422, [field])
    assert (await place[0].get("/api/v1/appointments")).json()["items"] == []


async def test_rooms_and_officers_of_others_are_not_for_those_outside(desk, place):
    officers, rooms = "/api/v1/officers", "/api/v1/rooms"
    for role, agency, path in [
        (Role.AGENCY_OFFICER, UNIT, officers),
        (Role.PROVINCIAL_OFFICER, PROVINCE, rooms),
        (Role.AGENCY_OFFICER, "dit", None),
        (Role.PROVINCIAL_OFFICER, "pco-nan", None),
    ]:
        browser = await desk.browser(await desk.account(role, agency, agency=agency))
        for asked in (officers, rooms, f"{officers}?unit={UNIT}", f"{rooms}?province={PROVINCE}"):
            found = await browser.get(asked)
            assert len(found.json()) == (path == asked.split("?")[0]), (agency, asked)
    assert "orathai@moc.example" in (await place[0].get(officers)).text


async def test_officers_outside_see_their_own_alone(desk, place):
    agent = place[0]
    call, caller = served(1, NOW), await person(desk.database, "สมชาย ใจดี")
    await save(desk.database, call)
    given = {**WISH, "call_id": call.call_id, "person_id": caller.id}
    made = await agent.post("/api/v1/appointments", json=given)
    assert (made.json()["call_id"], made.json()["person_id"]) == (call.call_id, caller.id)
    ref = made.json()["ref"]
    agreed = await act(agent, made, "agree", time(place))
    for role, agency, sees in [
        (Role.PROVINCIAL_OFFICER, PROVINCE, True),
        (Role.PROVINCIAL_OFFICER, "pco-nan", False),
        (Role.AGENCY_OFFICER, UNIT, True),
        (Role.AGENCY_OFFICER, "dit", False),
    ]:
        officer = await desk.browser(
            await desk.account(role, f"{role.value}-{agency}", agency=agency)
        )
        code = 200 if sees else 404
        assert (await officer.get(f"/api/v1/appointments/{ref}")).status_code == code
        page = await officer.get(f"/appointments/{ref}", headers={"Accept": "text/html"})
        assert page.status_code == code
        assert ("สมชาย" in page.text) is sees
        assert ("สมชาย" in (await officer.get("/appointments?date=2026-11-24")).text) is sees
        listed = (await officer.get("/api/v1/appointments")).json()["items"]
        assert [a["ref"] for a in listed] == ([ref] if sees else [])
        assert all(a["call_id"] is a["person_id"] is None for a in listed)
        assert (await officer.get(f"/api/v1/appointments/{ref}/invitation.ics")).status_code == code
        assert (await officer.get("/admin/messages")).status_code == 403
        room = await officer.put(
            f"/api/v1/rooms/{place[3]}",
            json={"province": PROVINCE, "name_th": "x", "capacity": 3},
            headers={"If-Match": '"1"'},
        )
        mine = role == Role.PROVINCIAL_OFFICER and sees
        assert room.status_code == (200 if mine else 403)
    assert agreed.json()["state"] == "agreed"


@pytest.mark.parametrize("language", ["th", "en"])
async def test_hostile_text_is_shown_as_text(desk, place, language):
    agent, boss = place[:2]
    given = {**WISH, "name": HOSTILE, "surname": HOSTILE, "topic": HOSTILE, "wish_note": HOSTILE}
    made = await agent.post("/api/v1/appointments", json={**given, "language": language})
    assert made.status_code == 201, made.text
    agreed = await act(agent, made, "agree", time(place))
    told = await act(agent, agreed, "notify", {"ways": ["sms", "email"]})
    assert told.status_code == 200
    ref = made.json()["ref"]
    for browser, path in [
        (agent, "/appointments?date=2026-11-24"),
        (agent, "/appointments?view=day&date=2026-11-24"),
        (agent, f"/appointments/{ref}"),
        (boss, "/admin/messages"),
    ]:
        page = await browser.get(path)
        assert page.status_code == 200
        assert "&lt;script&gt;" in page.text
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "\u202e" not in page.text
    (event,) = Calendar.from_ical(
        (await agent.get(f"/api/v1/appointments/{ref}/invitation.ics")).content
    ).walk("VEVENT")
    assert "alert(1)" in event["DESCRIPTION"]


@pytest.mark.parametrize(
    "given",
    [
        {"name": "ก" * 101},
        {"topic": "ก" * 2001},
        {"email": "a@b.th\r\nBcc: c@d.th"},
        {"phone": "ไม่มี", "email": ""},
        {"name": "\u0000"},
        {"unit": "pco-krabi"},
        {"province": "../../etc"},
        {"wish_at": "0001-01-01T00:00:00+14:00"},
        {"wish_at": "9999-12-31T23:59:59-14:00"},
        {"form_key": "\u0000" * 32},
        {"call_id": "\u0000"},
        {"party": 10**30},
    ],
)
async def test_what_cannot_be_taken_is_refused_and_named(desk, place, given):
    answer = await place[0].post("/api/v1/appointments", json={**WISH, **given})
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["fields"]


async def test_half_a_character_breaks_nothing(desk, place):
    body = '{"name": "\\ud800", "surname": "x", "topic": "\\udfff", "phone": "0812345678",'
    body += f' "unit": "{UNIT}", "province": "{PROVINCE}"}}'
    made = await place[0].post(
        "/api/v1/appointments", content=body, headers={"Content-Type": "application/json"}
    )
    assert made.status_code in {201, 422}


@pytest.mark.parametrize(
    "query",
    [
        {"date": "0001-01-01"},
        {"date": "9999-12-31"},
        {"minutes": 7},
        {"party": 0},
        {"unit": "\u0000"},
        {"without": "69-000001-0"},
    ],
)
async def test_slots_of_nonsense_are_refused(desk, place, query):
    asked = {"date": "2026-11-24", "unit": UNIT, "province": PROVINCE, **query}
    answer = await place[0].get("/api/v1/slots", params=asked)
    assert answer.status_code in {404, 422}
    week = await place[0].get("/api/v1/appointments/calendar", params={"from": "9999-12-31"})
    assert week.status_code == 422


async def test_a_day_offices_do_not_work_has_no_slots(desk, place):
    for day in ("2026-11-28", "2026-12-07"):  # a Saturday; the King's birthday in lieu
        assert date.fromisoformat(day)
        answer = await place[0].get(
            "/api/v1/slots", params={"date": day, "unit": UNIT, "province": PROVINCE}
        )
        assert answer.json()["working_day"] is False
        assert answer.json()["slots"] == []


async def test_every_page_is_shown_in_both_languages(desk, place):
    agent, boss = place[:2]
    made = await agent.post("/api/v1/appointments", json=WISH)
    ref = made.json()["ref"]
    for th in (True, False):
        for browser in (agent, boss):
            await browser.put("/api/v1/language", json={"language": "th" if th else "en"})
        for browser, path, words in [
            (agent, "/appointments", ("รอดำเนินการ", "To be done")),
            (
                agent,
                "/appointments?view=day&date=2026-11-24",
                ("ไม่มีนัดหมายในวันนี้", "No appointments"),
            ),
            (agent, "/appointments?date=nonsense", ("รอดำเนินการ", "To be done")),
            (agent, "/appointments/new", ("ชื่อ", "Surname")),
            (agent, "/appointments/new?call=pbx1-1.2", ("ชื่อ", "Surname")),
            (agent, f"/appointments/{ref}", ("ประสานเจ้าหน้าที่ส่วนกลาง", "Agree the time")),
            (boss, "/admin/rooms", ("เจ้าหน้าที่ส่วนกลาง", "Central officers")),
            (boss, f"/admin/rooms?show={place[2]}", ("ไม่ให้นัดหมาย", "Not to be had")),
            (boss, f"/admin/rooms?show={place[3]}", ("ไม่ให้นัดหมาย", "Not to be had")),
            (boss, "/admin/messages", ("ข้อความที่ส่งออก", "Messages that go out")),
        ]:
            page = await browser.get(path)
            assert page.status_code == 200, (path, page.text[:500])
            assert words[0 if th else 1] in page.text, path
            assert "style=" not in page.text
            assert "onclick" not in page.text


async def test_closed_times_and_versions_of_rooms(desk, place):
    boss = place[1]
    path = f"/api/v1/officers/{place[2]}"
    closed = await boss.post(
        f"{path}/blocks", json={"starts_at": TUESDAY, "ends_at": "2026-11-24T11:00"}
    )
    assert closed.status_code == 201
    slots = await boss.get(
        "/api/v1/slots", params={"date": "2026-11-24", "unit": UNIT, "province": PROVINCE}
    )
    assert {s["time"] for s in slots.json()["slots"] if not s["free"]} == {
        "09:30",
        "10:00",
        "10:30",
    }
    assert (await boss.delete(f"{path}/blocks/{closed.json()['id']}")).status_code == 204
    assert (await boss.delete(f"{path}/blocks/{closed.json()['id']}")).status_code == 404
    given = {"unit": UNIT, "name_th": "อรทัย", "hours": ["tue 08:30-12:00"]}
    changed = await boss.put(path, json=given, headers={"If-Match": '"1"'})
    assert changed.json()["hours"] == ["tue 08:30-12:00"]
    assert (await boss.put(path, json=given, headers={"If-Match": '"1"'})).status_code == 412
    bad = await boss.put(
        path, json={**given, "hours": ["tue 29:30-12:00"]}, headers={"If-Match": '"2"'}
    )
    assert bad.status_code == 422
    filled = await boss.post("/api/v1/rooms/fill")
    assert filled.json()["made"] == len(offices(desk.context.config).provinces) - 1


async def test_messages_are_listed_and_sent_again_by_those_who_may(desk, place):
    agent, boss = place[:2]
    agreed = await act(
        agent, await agent.post("/api/v1/appointments", json=WISH), "agree", time(place)
    )
    await act(agent, agreed, "notify", {"ways": ["sms", "email"]})
    page = (await boss.get("/api/v1/messages", params={"limit": 2})).json()
    rest = (await boss.get("/api/v1/messages", params={"cursor": page["next"]})).json()
    found = page["items"] + rest["items"]
    assert [m["kind"] for m in found] == ["sms", "email", "email", "sms"]
    assert found[-1]["parts"] >= 1
    again = await boss.post(f"/api/v1/messages/{found[0]['id']}/again")
    assert again.status_code == 409
    assert (await boss.post("/api/v1/messages/none/again")).status_code == 404
    assert (await agent.get("/api/v1/messages")).status_code == 403


async def test_a_form_closed_before_it_was_saved_comes_back_with_its_time(desk, place):
    agent = place[0]
    call = served(1, NOW)
    await save(desk.database, call)
    form, draft = (
        f"/appointments/new?call={call.call_id}",
        f"/api/v1/drafts/appointment:{call.call_id}",
    )
    page = (await agent.get(form)).text
    key = re.search(r'name="form_key" value="([0-9a-f]{32})"', page)[1]
    opened = re.search(r'name="opened_at" value="([^"]+)"', page)[1]
    typed = {**WISH, "form_key": key, "opened_at": opened, "call_id": call.call_id}
    kept = await agent.put(draft, json=typed)
    assert kept.status_code == 200
    desk.clock.forward(minutes=3)
    again = (await agent.get(form)).text
    for value in (key, opened, "สมชาย", "จดทะเบียนเครื่องหมายการค้า"):
        assert value in again
    assert f'<option value="{PROVINCE}" selected>' in again
    made = await agent.post("/api/v1/appointments", json=typed)
    assert made.json()["steps"][0]["elapsed_seconds"] == 180
    assert key not in (await agent.get(form)).text
    assert (await agent.get(draft)).status_code == 404


async def test_what_was_taken_down_is_corrected(desk, place):
    agent = place[0]
    made = await agent.post("/api/v1/appointments", json={**WISH, "wish_at": "2026-11-25T10:00"})
    ref = made.json()["ref"]
    assert made.json()["wish_at"] == "2026-11-25T03:00:00.000000Z"
    assert 'value="2026-11-25T10:00"' in (await agent.get(f"/appointments/{ref}")).text
    changed = await agent.put(
        f"/api/v1/appointments/{ref}",
        json={**WISH, "surname": "ใจงาม"},
        headers={"If-Match": made.headers["ETag"]},
    )
    assert (changed.json()["surname"], changed.json()["version"]) == ("ใจงาม", 2)
