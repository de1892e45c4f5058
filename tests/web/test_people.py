"""People over the real application: found, made, edited, merged, exported, erased; and by whom."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from crm_bridge.access.roles import OUTSIDE, Role
from crm_bridge.records.rows import snapshot
from crm_bridge.records.writer import Writer, batch_of
from tests.support.records import full_call, full_steps
from tests.support.web import Desk

API = "/api/v1/people"
HOSTILE = '<script>alert(1)</script> "=cmd|x"\u202e'


async def made(browser, **body):
    answer = await browser.post(API, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_person_is_made_found_and_edited(desk: Desk):
    agent = await desk.browser(Role.AGENT)
    person = await made(agent, name="นางสาวน้ำฝน จันทร์เพ็ญ", numbers=["081-234-5678"], province="ตรัง")
    assert [n["e164"] for n in person["numbers"]] == ["+66812345678"]
    for q in ("นำฝน", "5678", "น้ำฝน จันเพ็ญ"):
        found = (await agent.get(API, params={"q": q})).json()
        assert [hit["person_id"] for hit in found["items"]] == [person["id"]]
    one = await agent.get(f"{API}/{person['id']}")
    changed = await agent.patch(
        f"{API}/{person['id']}", json={"name": "น้ำฝน ใจดี", "address": None},
        headers={"If-Match": one.headers["ETag"]},
    )  # fmt: skip
    assert (changed.status_code, changed.json()["name"]) == (200, "น้ำฝน ใจดี")
    stale = await agent.patch(
        f"{API}/{person['id']}", json={"name": "อื่น"}, headers={"If-Match": one.headers["ETag"]}
    )
    assert (stale.status_code, stale.json()["type"]) == (412, "changed-meanwhile")
    blind = await agent.patch(f"{API}/{person['id']}", json={"name": "อื่น"})
    assert blind.status_code == 428


async def test_a_long_list_is_read_a_page_at_a_time(desk: Desk):
    agent = await desk.browser(Role.AGENT)
    want = {(await made(agent, name=f"สมชาย คนที่{n}"))["id"] for n in range(7)}
    got, cursor = [], None
    while True:
        params = {"q": "สมชาย", "limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await agent.get(API, params=params)).json()
        got += [hit["person_id"] for hit in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert len(got) == 7
    assert set(got) == want
    assert (await agent.get(API, params={"q": "ก", "cursor": "!"})).status_code == 422


async def test_what_is_wrong_is_named_beside_its_field(desk: Desk):
    agent = await desk.browser(Role.AGENT)
    answer = await agent.post(API, json={"name": "ก", "email": "x", "numbers": []})
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {"email"})
    assert (await agent.get(f"{API}/{'0' * 32}")).status_code == 404


async def test_numbers_and_notes_come_and_go(desk: Desk):
    agent = await desk.browser(Role.AGENT)
    person = await made(agent, name="สมชาย ใจดี")
    base = f"{API}/{person['id']}"
    added = await agent.post(f"{base}/numbers", json={"number": "๐๕๓-๑๒๓-๔๕๖", "label": "บ้าน"})
    assert added.json()["numbers"] == [{"e164": "+6653123456", "label": "บ้าน", "shared": 0}]
    note = await agent.post(f"{base}/notes", json={"text": "ขอให้โทรกลับ\nช่วงบ่าย"})
    assert note.status_code == 201
    (kept,) = (await agent.get(f"{base}/notes")).json()
    assert (kept["text"], kept["by_en"]) == ("ขอให้โทรกลับ\nช่วงบ่าย", "Test agent")
    gone = await agent.delete(f"{base}/numbers/%2B6653123456")
    assert (gone.status_code, gone.json()["numbers"]) == (200, [])


async def test_two_become_one_and_two_again(desk: Desk):
    agent = await desk.browser(Role.AGENT)
    one = await made(agent, name="สมชาย ใจดี", numbers=["0812345678"])
    two = await made(agent, name="นายสมชาย ใจดี", numbers=["0812345678", "053123456"])
    (pair,) = (await agent.get(f"{API}/{one['id']}/duplicates")).json()
    assert pair["second"] == two["id"]
    merged = await agent.post(f"{API}/{one['id']}/merges", json={"other": two["id"]})
    assert (await agent.get(f"{API}/{two['id']}")).json()["id"] == one["id"]
    moved = await agent.get(f"/people/{two['id']}")
    assert (moved.status_code, moved.headers["location"]) == (303, f"/people/{one['id']}")
    stranger = await made(agent, name="อื่น")
    wrong = await agent.delete(f"{API}/{stranger['id']}/merges/{merged.json()['id']}")
    assert wrong.status_code == 404
    undone = await agent.delete(f"{API}/{one['id']}/merges/{merged.json()['id']}")
    assert undone.status_code == 200
    assert (await agent.get(f"{API}/{two['id']}")).json()["name"] == "นายสมชาย ใจดี"


async def test_an_edit_begun_before_a_merge_does_not_land_on_the_other(desk: Desk):
    agent = await desk.browser(Role.AGENT)
    kept = await made(agent, name="สมชาย ใจดี", numbers=["0812345678"])
    gone = await made(agent, name="ชาย ใจดี", numbers=["0812345678"])
    path = f"{API}/{gone['id']}"
    opened = await agent.patch(path, json={"name": "ชาย"}, headers={"If-Match": '"1"'})
    merged = await agent.post(f"{API}/{kept['id']}/merges", json={"other": gone["id"]})
    late = await agent.patch(
        path, json={"name": "ทับ"}, headers={"If-Match": opened.headers["ETag"]}
    )
    assert late.status_code == 412
    # and the other way: begun on the one, it does not land on the other once they are two again
    edited = await agent.get(path)
    edited = await agent.patch(
        path, json={"name": "หนึ่งเดียว"}, headers={"If-Match": edited.headers["ETag"]}
    )
    await agent.delete(f"{API}/{kept['id']}/merges/{merged.json()['id']}")
    late = await agent.patch(
        path, json={"name": "ทับ"}, headers={"If-Match": edited.headers["ETag"]}
    )
    assert late.status_code == 412
    assert (await agent.get(path)).json()["name"] == "ชาย"


async def test_a_person_is_found_by_the_number_of_the_case(desk: Desk):
    agent = await desk.browser(Role.AGENT)
    person = await made(agent, name="สมหมาย ใจดี", numbers=["0812345678"])
    other = await made(agent, name="สมหวัง ใจงาม", numbers=["0899999999"])
    form = {
        "title": "ขายเกินราคา", "facts": "ป้าย 45 คิด 60", "complainant_name": "สมหมาย ใจดี",
        "identity": "concealed",
    }  # fmt: skip
    tickets = []
    for more in (
        {"person_id": person["id"]},
        {"complainant_number": "0899999999"},
        {"complainant_number": "0877777777"},
    ):
        answer = await agent.post("/api/v1/cases", json={**form, **more})
        assert answer.status_code == 201, answer.text
        tickets.append(answer.json()["ticket"])
    unnamed = await agent.post("/api/v1/cases", json={**form, "identity": "anonymous"})
    found = []
    for ticket in [*tickets, unnamed.json()["ticket"]]:
        asked = "เลขที่ " + ticket.replace("-", " ").translate(
            str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
        )
        items = (await agent.get(API, params={"q": asked})).json()["items"]
        found.append([(i["person_id"], i["by"], i["numbers"]) for i in items])
    assert found == [
        [(person["id"], "ticket", ["+66812345678"])],
        [(other["id"], "ticket", ["+66899999999"])],
        [(None, "ticket", ["+66877777777"])],
        [],
    ]
    page = await agent.get("/people", params={"q": tickets[0]})
    assert "สมหมาย ใจดี" in page.text


@pytest.mark.parametrize("language", ["th", "en"])
async def test_every_page_shows_hostile_words_as_words(desk: Desk, language):
    account = await desk.account(Role.ADMINISTRATOR, language=language)
    admin = await desk.browser(account)
    person = await made(admin, name=HOSTILE, numbers=["0812345678"], address=HOSTILE, notes=HOSTILE)
    await made(admin, name=HOSTILE, numbers=["0812345678"])
    await admin.post(f"{API}/{person['id']}/notes", json={"text": HOSTILE})
    await admin.post(f"{API}/{person['id']}/privacy", json={"kind": "erasure", "why": HOSTILE})
    for path in (
        "/people", "/people?q=script", "/people/found?q=5678", "/people/new",
        "/people/new?number=0812345678&name=%3Cb%3E", "/people/duplicates", "/people/requests",
        f"/people/{person['id']}",
    ):  # fmt: skip
        page = await admin.get(path)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text
        assert '<b>"' not in page.text
        assert "style=" not in page.text
        assert " onclick" not in page.text


async def test_a_person_has_a_copy_of_everything_and_is_erased_but_for_what_the_law_keeps(
    desk: Desk,
):
    agent = await desk.browser(Role.AGENT)
    person = await made(agent, name="สมชาย ใจดี", numbers=["0812345678"], email="s@example.com")
    writer = Writer(desk.database, desk.clock)
    call = full_call()
    await writer.commit(batch_of(calls=[snapshot(call, full_steps(call))]))
    await writer.close()
    base = f"{API}/{person['id']}"
    supervisor = await desk.browser(Role.SUPERVISOR)
    asked = await supervisor.post(f"{base}/privacy", json={"kind": "erasure", "why": "ขอทางโทรศัพท์"})
    assert (asked.status_code, asked.json()["state"]) == (201, "asked")
    assert (await supervisor.post(f"{base}/erase", json={"why": "x"})).status_code == 403
    admin = await desk.browser(Role.ADMINISTRATOR)
    assert [r["id"] for r in (await admin.get("/api/v1/privacy-requests")).json()] == [
        asked.json()["id"]
    ]
    copy = await admin.post(f"{base}/export", json={"why": "ขอสำเนา"})
    assert copy.headers["content-type"] == "application/zip"
    packed = zipfile.ZipFile(io.BytesIO(copy.content))
    data = json.loads(packed.read("data.json"))
    assert data["rooms"]["people"][0]["name"] == "สมชาย ใจดี"
    assert data["rooms"]["calls"][0]["call_id"] == call.call_id
    assert "สมชาย" in packed.read("record.html").decode()
    erased = await admin.post(f"{base}/erase", json={"request": asked.json()["id"]})
    assert (erased.status_code, erased.json()["done"]["calls"]) == (200, 1)
    assert (await agent.get(base)).status_code == 410
    assert (await agent.get(API, params={"q": "สมชาย"})).json()["items"] == []
    card = await admin.get(f"/people/{person['id']}")
    assert card.status_code == 410
    assert "สมชาย" not in card.text
    again = await admin.post(f"{base}/erase", json={"why": "x"})
    assert again.status_code == 410


async def test_a_request_may_be_declined_with_its_reason(desk: Desk):
    admin = await desk.browser(Role.ADMINISTRATOR)
    person = await made(admin, name="สมชาย ใจดี")
    asked = await admin.post(
        f"{API}/{person['id']}/privacy", json={"kind": "export", "why": "ขอสำเนา"}
    )
    path = f"/api/v1/privacy-requests/{asked.json()['id']}/decline"
    assert (await admin.post(path, json={"why": " "})).status_code == 422
    done = await admin.post(path, json={"why": "ยืนยันตัวตนไม่ได้"})
    assert done.json()["state"] == "declined"
    assert (await admin.post(path, json={"why": "x"})).status_code == 409


@pytest.mark.parametrize("role", sorted(OUTSIDE))
async def test_an_officer_outside_sees_no_person(desk: Desk, role):
    agent = await desk.browser(Role.AGENT)
    person = await made(agent, name="สมชาย ใจดี")
    outside = await desk.browser(role)
    for path in (API, f"{API}/{person['id']}", f"{API}/{person['id']}/notes", "/people",
                 "/people/found?q=5678", f"/people/{person['id']}"):  # fmt: skip
        assert (await outside.get(path)).status_code == 403, path
    assert (await outside.post(API, json={"name": "x"})).status_code == 403


async def test_who_only_reads_may_not_write(desk: Desk):
    auditor = await desk.browser(Role.AUDITOR)
    agent = await desk.browser(Role.AGENT)
    person = await made(agent, name="สมชาย ใจดี", numbers=["0812345678"])
    assert (await auditor.get(f"/people/{person['id']}")).status_code == 200
    assert (await auditor.post(API, json={"name": "x"})).status_code == 403
    assert (await agent.get("/people/requests")).status_code == 403
