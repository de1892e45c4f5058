"""Calls, their records, drafts and lost calls over HTTP, and the pages that show them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import insert

from crm_bridge.access.account import Account
from crm_bridge.access.roles import Role
from crm_bridge.desk.wrapup import OUTCOMES
from crm_bridge.records.desk_tables.agents import agent_sessions
from crm_bridge.selfservice.office import Office
from ivr.calls.call import OUTBOUND, Call, Gap, Mark, Outcome
from ivr.selfservice.port import CallBack
from tests.support.desk_calls import SECOND, Line, lost, save, served
from tests.support.web import Desk

HOSTILE = "<script>alert(1)</script>\"'&\u202egnp.exe =cmd"
GOOD = {
    "service": "information",
    "outcome": "answered",
    "subject_id": "fta",
    "summary": "ถามเรื่องสิทธิประโยชน์ FTA",
}


@pytest.fixture
async def line(desk: Desk) -> AsyncIterator[Line]:
    """A line without nodes behind the pages; the commit loop runs."""
    desk.clock.forward(days=-3)  # the desk's first day
    await desk.account(Role.ADMINISTRATOR, "first")
    desk.clock.forward(days=3)
    made = Line(desk.database, desk.clock)
    desk.context.declare = made.declare
    running = asyncio.create_task(made.loop.run())
    yield made
    made.loop.stop()
    await running


async def sit(desk: Desk, me: Account, extension: str = "1001", hours: float = 3) -> None:
    """The person has sat at the extension for so long."""
    async with desk.database.writing() as connection:
        await connection.execute(
            insert(agent_sessions).values(
                id=f"{me.id}-{extension}", account_id=me.id, extension=extension, queues="",
                started_us=desk.clock.now_us() - int(hours * 3600) * SECOND,
            )
        )  # fmt: skip


async def agent(desk: Desk, extension: str = "1001") -> tuple[Account, httpx.AsyncClient]:
    me = await desk.account(Role.AGENT, f"agent{extension}")
    await sit(desk, me, extension)
    return me, await desk.browser(me)


def hour_ago(desk: Desk, minutes: float = 60) -> int:
    return desk.clock.now_us() - int(minutes * 60) * SECOND


async def a_call(desk: Desk, number: int = 1, minutes: float = 60, **more) -> Call:
    call = served(number, hour_ago(desk, minutes), **more)
    await save(desk.database, call)
    return call


# --- the record of a call


async def test_an_agent_saves_a_record_and_the_step_log_ends(desk: Desk, line: Line):
    call = await a_call(desk)
    me, browser = await agent(desk)
    path = f"/api/v1/calls/{call.call_id}/wrapup"
    assert (await browser.get(path)).json()["type"] == "nothing-saved"
    answer = await browser.put(path, json=GOOD)
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == '"1"'
    told = answer.json()
    assert (told["agent"], told["account_id"], told["subject_id"]) == ("1001", me.id, "fta")
    assert (await browser.get(path)).json() == told
    whole = (await browser.get(f"/api/v1/calls/{call.call_id}")).json()
    assert [m["name"] for m in whole["marks"]] == ["logged"]
    assert whole["wrapups"] == [told]
    (log,) = [s for s in whole["steps"] if s["step"] == "log"]
    assert (log["evidence"], log["ended_at"]) == ("declared", told["saved_at"])


async def test_a_correction_names_what_it_has_seen(desk: Desk, line: Line):
    call = await a_call(desk)
    _, browser = await agent(desk)
    path = f"/api/v1/calls/{call.call_id}/wrapup"
    await browser.put(path, json=GOOD)
    changed = {**GOOD, "follow_up": "โทรกลับ", "follow_up_on": "2026-11-30"}
    answers = [
        await browser.put(path, json=changed),
        await browser.put(path, json=changed, headers={"If-Match": '"x"'}),
        await browser.put(path, json=changed, headers={"If-Match": '"1"'}),
        await browser.put(path, json=changed, headers={"If-Match": '"1"'}),
    ]
    assert [a.status_code for a in answers] == [428, 428, 200, 412]
    assert answers[2].json()["version"] == 2


async def test_what_is_missing_is_said_beside_the_field(desk: Desk, line: Line):
    call = await a_call(desk)
    _, browser = await agent(desk)
    answer = await browser.put(f"/api/v1/calls/{call.call_id}/wrapup", json={"service": "x"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()["fields"]) == {"service", "outcome", "subject_id"}


async def test_a_saved_record_makes_its_officer_ready(desk: Desk, line: Line):
    call = await a_call(desk)
    _, browser = await agent(desk)
    told: list[tuple[str, str]] = []

    async def record_saved(extension: str, call_id: str) -> None:
        told.append((extension, call_id))

    desk.context.agents = SimpleNamespace(record_saved=record_saved)  # type: ignore[assignment]  # only this is asked
    await browser.put(f"/api/v1/calls/{call.call_id}/wrapup", json=GOOD)
    assert told == [("1001", call.call_id)]


async def test_nobody_logs_or_marks_the_calls_of_others(desk: Desk, line: Line):
    call = await a_call(desk)
    _, other = await agent(desk, "1003")
    for answer in (
        await other.put(f"/api/v1/calls/{call.call_id}/wrapup", json=GOOD),
        await other.put(f"/api/v1/calls/{call.call_id}/wrapup", json={**GOOD, "agent": "1001"}),
        await other.post(f"/api/v1/calls/{call.call_id}/marks", json={"mark": "informed"}),
        await other.put("/api/v1/calls/lab1-1.1/wrapup", json=GOOD),
    ):
        assert (answer.status_code, answer.json()["type"]) == (404, "no-part-in-call")


async def test_who_sat_there_later_is_not_who_took_the_call(desk: Desk, line: Line):
    call = await a_call(desk)
    later = await desk.account(Role.AGENT, "later")
    await sit(desk, later, "1001", hours=0.5)
    browser = await desk.browser(later)
    answer = await browser.put(f"/api/v1/calls/{call.call_id}/wrapup", json=GOOD)
    assert answer.status_code == 404
    assert (await browser.get("/api/v1/calls/unlogged")).json()["items"] == []


async def test_a_supervisor_logs_for_an_officer(desk: Desk, line: Line):
    call = await a_call(desk)
    browser = await desk.browser(Role.SUPERVISOR)
    path = f"/api/v1/calls/{call.call_id}/wrapup"
    assert (await browser.put(path, json=GOOD)).status_code == 404
    answer = await browser.put(path, json={**GOOD, "agent": "1001"})
    assert (answer.status_code, answer.json()["agent"]) == (200, "1001")
    page = await browser.get(f"/calls/{call.call_id}?agent=1001")
    assert "data-etag='\"1\"'" in page.text


async def test_without_a_line_nothing_is_saved_and_the_reason_is_said(desk: Desk):
    call = await a_call(desk)
    _, browser = await agent(desk)
    answer = await browser.put(f"/api/v1/calls/{call.call_id}/wrapup", json=GOOD)
    assert (answer.status_code, answer.json()["type"]) == (503, "no-line")
    assert (await browser.get(f"/calls/{call.call_id}")).status_code == 200


# --- marks


async def test_acts_are_on_the_record(desk: Desk, line: Line):
    call = await a_call(desk, minutes=6)
    _, browser = await agent(desk)
    for mark, value in (
        ("enquire_begin", "dit\r\nBy: x"), ("enquire_end", ""), ("form_opened", ""),
    ):  # fmt: skip
        desk.clock.forward(seconds=10)
        answer = await browser.post(
            f"/api/v1/calls/{call.call_id}/marks", json={"mark": mark, "value": value}
        )
        assert (answer.status_code, answer.json()["by"]) == (201, "1001"), answer.text
    whole = (await browser.get(f"/api/v1/calls/{call.call_id}")).json()
    assert [m["name"] for m in whole["marks"]] == ["enquire_begin", "enquire_end", "form_opened"]
    (enquire,) = [s for s in whole["steps"] if s["step"] == "enquire"]
    assert (enquire["elapsed_seconds"], enquire["evidence"]) == (10, "declared")


async def test_a_mark_that_is_not_the_desks_is_refused(desk: Desk, line: Line):
    call = await a_call(desk)
    _, browser = await agent(desk)
    for mark in ("logged", "greeting_end", ""):
        answer = await browser.post(f"/api/v1/calls/{call.call_id}/marks", json={"mark": mark})
        assert answer.status_code == 422


# --- drafts


async def test_drafts_are_kept_given_back_and_forgotten(desk: Desk, line: Line):
    call = await a_call(desk)
    _, browser = await agent(desk)
    path = f"/api/v1/drafts/wrapup:{call.call_id}"
    assert (await browser.get(path)).status_code == 404
    body = {"summary": HOSTILE, "outcome": "answered", "service": "complaint", "informed": True}
    assert (await browser.put(path, json=body)).status_code == 200
    assert (await browser.get(path)).json()["body"] == body
    page = (await browser.get(f"/calls/{call.call_id}")).text
    assert "&lt;script&gt;alert(1)" in page
    assert '<option value="complaint" selected>' in page
    other = await desk.browser(Role.SUPERVISOR)
    assert (await other.get(path)).status_code == 404
    assert (await browser.delete(path)).status_code == 204
    assert (await browser.get(path)).status_code == 404


async def test_a_draft_is_an_object_of_limited_size(desk: Desk):
    browser = await desk.browser(Role.AGENT)
    answers = [
        await browser.put("/api/v1/drafts/wrapup:1", json=[1]),
        await browser.put("/api/v1/drafts/wrapup:1", json={"x": "ก" * 40_000}),
        await browser.put("/api/v1/drafts/Wrapup", json={}),
        await browser.put("/api/v1/drafts/wrapup:1", content=b'{"x": NaN}'),
        await browser.put("/api/v1/drafts/wrapup:1", content=b'{"x": ' + b"[" * 50_000),
    ]
    assert [a.status_code // 100 for a in answers] == [4] * 5
    assert all(a.headers["content-type"] == "application/problem+json" for a in answers)


# --- lists


async def test_unlogged_calls_go_page_by_page_and_a_supervisor_sees_all(desk: Desk, line: Line):
    made = [await a_call(desk, n, 100 - n) for n in range(5)]
    other = await a_call(desk, 9, 30, agents=("1003",))
    _, browser = await agent(desk)
    seen, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = (await browser.get("/api/v1/calls/unlogged", params={"limit": 2, **more})).json()
        seen += [item["call_id"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == [call.call_id for call in reversed(made)]
    page = await browser.get("/calls/unlogged")
    assert page.text.count("#wrapup") == 5
    boss = await desk.browser(Role.SUPERVISOR)
    assert (await boss.get("/api/v1/calls/unlogged")).json()["items"] == []
    found = (await boss.get("/api/v1/calls/unlogged?everybody=true")).json()["items"]
    assert {item["call_id"] for item in found} == {*seen, other.call_id}
    assert (await boss.get("/calls/unlogged?everybody=true")).text.count("#wrapup") == 6
    counted = await boss.get(
        "/api/v1/calls/counts",
        params={"since": "2026-11-23T00:00:00Z", "until": "2026-11-24T00:00:00Z"},
    )
    assert counted.json() == [
        {"agent": "1001", "handled": 5, "logged": 0}, {"agent": "1003", "handled": 1, "logged": 0},
    ]  # fmt: skip


async def test_calls_are_found_by_what_is_asked(desk: Desk, line: Line):
    one = await a_call(desk, 1, 50)
    two = await a_call(desk, 2, 40, presented="0899999999", service="complaint", agents=("1003",))
    out = await a_call(desk, 3, 30, direction=OUTBOUND)
    gone = lost(4, hour_ago(desk, 20), presented=None)
    await save(desk.database, gone)
    _, browser = await agent(desk)
    await browser.put(f"/api/v1/calls/{one.call_id}/wrapup", json=GOOD)

    async def found(**asked: object) -> list[str]:
        answer = await browser.get("/api/v1/calls", params={k: str(v) for k, v in asked.items()})
        assert answer.status_code == 200, answer.text
        return [item["call_id"] for item in answer.json()["items"]]

    assert await found() == [c.call_id for c in (gone, out, two, one)]
    assert await found(number="081-234-5678") == [out.call_id, one.call_id]
    assert await found(direction="outbound") == [out.call_id]
    assert await found(service="complaint") == [two.call_id]
    assert await found(outcome="abandoned_queue") == [gone.call_id]
    assert await found(agent="1003") == [two.call_id]
    assert await found(subject="privileges") == await found(subject="fta") == [one.call_id]
    assert await found(since="2026-11-23T02:25:00Z", until="2026-11-23T02:35:00Z") == [out.call_id]
    first = (await browser.get("/api/v1/calls?limit=3")).json()
    rest = (await browser.get("/api/v1/calls", params={"cursor": first["next"]})).json()
    assert [c["call_id"] for c in rest["items"]] == [one.call_id]
    assert rest["next"] is None
    for bad in ("since=x", "cursor=x", "service=x", "limit=0", "number=%00", "direction=up"):
        answer = await browser.get(f"/api/v1/calls?{bad}")
        assert (answer.status_code, answer.headers["content-type"]) == (
            422, "application/problem+json",
        ), bad  # fmt: skip


async def test_lost_calls_are_listed_called_back_and_given_up(desk: Desk, line: Line):
    gone = lost(1, hour_ago(desk))
    await save(desk.database, gone, lost(2, hour_ago(desk, 30), presented="0899999999"))
    _, browser = await agent(desk)
    (first, _) = (await browser.get("/api/v1/lost-calls")).json()
    assert (first["number"], first["state"], first["times"]) == ("+66812345678", "open", 1)
    page = (await browser.get("/calls/lost")).text
    assert page.count("POST /api/v1/line/call-back") == 2
    path = f"/api/v1/lost-calls/{gone.call_id}/give-up"
    assert (await browser.post(path, json={"reason": " "})).status_code == 422
    assert (await browser.post(path, json={"reason": HOSTILE})).status_code == 204
    assert len((await browser.get("/api/v1/lost-calls")).json()) == 1
    whole = (await browser.get("/calls/lost?settled=true")).text
    assert "&lt;script&gt;alert(1)" in whole
    auditor = await desk.browser(Role.AUDITOR)
    assert "call-back" not in (await auditor.get("/calls/lost")).text


async def test_who_asked_to_be_called_back_is_marked_and_called_where_he_asked(
    desk: Desk, line: Line
):
    gone = lost(1, hour_ago(desk), Outcome.ABANDONED_MENU, queued=False)
    gone.marks = [Mark("closed", gone.entered_at + SECOND, "after")]
    silent = lost(2, hour_ago(desk, 30), Outcome.ABANDONED_MENU, presented="0899999999",
                  queued=False)  # fmt: skip
    silent.marks = [Mark("closed", silent.entered_at + SECOND, "holiday")]
    await save(desk.database, gone, silent)
    office = Office(desk.database, desk.clock, None)
    await office.call_back(CallBack(gone.call_id, "+6625074444"))
    _, browser = await agent(desk)
    first, second = (await browser.get("/api/v1/lost-calls")).json()
    assert (first["number"], first["out_of_hours"]) == ("+6625074444", True)
    assert first["asked_at"] is not None
    assert (second["number"], second["asked_at"]) == ("+66899999999", None)
    page = (await browser.get("/calls/lost")).text
    for words in ("ขอให้โทรกลับ", "โทรมาจาก", "081 234 5678", "โทรมานอกเวลาทำการ"):
        assert words in page
    assert '"number": "+6625074444"' in page
    told = (await browser.get(f"/calls/{silent.call_id}")).text
    assert "แจ้งว่าอยู่นอกเวลาทำการ" in told
    assert "วันหยุดราชการ" in told


# --- pages


@pytest.mark.parametrize("language", ["th", "en"])
async def test_the_page_of_a_call_tells_it_whole(desk: Desk, line: Line, language: str):
    call = served(1, hour_ago(desk), agents=("1001", "1003"))
    call.caller_name = HOSTILE
    call.marks = [Mark("informed", call.entered_at + 60 * SECOND, "", "1001")]
    call.gaps = [Gap(call.entered_at + 20 * SECOND, call.entered_at + 25 * SECOND)]
    await save(desk.database, call)
    _, browser = await agent(desk)
    await browser.put("/api/v1/language", json={"language": language})
    page = await browser.get(f"/calls/{call.call_id}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert page.text.count('<span class="num soft">') == 8
    for words in {
        "th": ("ให้ข้อมูลแก่ผู้ติดต่อแล้ว", "เจ้าหน้าที่ศูนย์บริการฯ ให้ข้อมูลแก่ประชาชน", "รอบันทึกของเจ้าหน้าที่"),
        "en": ("The information was given", "Observed", "Waits for the record of officer"),
    }[language]:
        assert words in page.text or words == "Observed"
    fragment = await browser.get(f"/calls/{call.call_id}/wrapup-form")
    assert fragment.text.lstrip().startswith("<form")
    for word in OUTCOMES.values():
        assert word[language == "en"] in fragment.text


async def test_every_outcome_has_a_page(desk: Desk, line: Line):
    _, browser = await agent(desk)
    for n, outcome in enumerate(Outcome):
        call = lost(n, hour_ago(desk, 90 - n), outcome)
        await save(desk.database, call)
        assert (await browser.get(f"/calls/{call.call_id}")).status_code == 200
    out = served(50, hour_ago(desk, 5), direction=OUTBOUND)
    out.marks = [Mark("callback", out.entered_at, call.call_id, "1001")]
    await save(desk.database, out)
    assert f"/calls/{call.call_id}" in (await browser.get(f"/calls/{out.call_id}")).text
    page = await browser.get("/calls?number=081 234 5678")
    assert page.text.count("<tr>") == len(Outcome) + 2
    missing = await browser.get("/calls/lab1-0.0", headers={"Accept": "text/html"})
    assert (missing.status_code, "text/html" in missing.headers["content-type"]) == (404, True)
