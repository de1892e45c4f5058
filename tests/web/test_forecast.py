"""The forecast's page, files and API; campaigns; weeks of shifts, and hostile files of them."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from crm_bridge.access.roles import Role
from crm_bridge.records.figure_tables import figures_state
from tests.support.busy_weeks import busy_weeks
from tests.support.web import Desk, desk

__all__ = ["desk"]

TODAY = date(2026, 11, 23)
"""The desk's clock is held at ten in the morning of this Monday."""
READERS = [Role.SUPERVISOR, Role.DIRECTOR, Role.ADMINISTRATOR, Role.AUDITOR]
OTHERS = [Role.AGENT, Role.AGENCY_OFFICER, Role.PROVINCIAL_OFFICER]
PLANNERS = [Role.SUPERVISOR, Role.ADMINISTRATOR]


@pytest.fixture
async def history(desk: Desk) -> None:
    await busy_weeks(desk.database, TODAY - timedelta(days=1), 84)


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.replace("&nbsp;", " ")))


async def english(desk: Desk, role: Role = Role.SUPERVISOR):
    browser = await desk.browser(role)
    await browser.put("/api/v1/language", json={"language": "en"})
    return browser


@pytest.mark.parametrize("role", READERS)
async def test_managers_see_the_week_ahead(desk, history, role):
    text = words((await (await desk.browser(role)).get("/figures/forecast")).text)
    assert "พยากรณ์สายและกำลังคน" in text
    assert "อ. 24 พ.ย." in text
    assert "จ. 30 พ.ย." in text
    assert "ยังไม่มีแผนเวรในวันเหล่านี้" in text


@pytest.mark.parametrize("role", OTHERS)
async def test_others_are_shown_neither_forecast_nor_shifts(desk, role):
    browser = await desk.browser(role)
    for path in ("/figures/forecast", "/figures/shifts", "/api/v1/forecast",
                 "/api/v1/shifts/2026-11-23", "/figures/forecast/file",
                 "/figures/shifts/file?week=2026-11-23", "/api/v1/campaign-days"):  # fmt: skip
        assert (await browser.get(path)).status_code == 403, path


async def test_the_same_in_the_api(desk, history):
    browser = await desk.browser(Role.AUDITOR)
    found = (await browser.get("/api/v1/forecast")).json()
    assert (found["first"], found["last"]) == ("2026-11-24", "2026-11-30")
    assert found["learnt"]["days_used"] == 84
    assert found["learnt"]["handling_seconds"] == 180
    # (28 × 10 s + 60 s) ÷ one who gave up; who hung up after three seconds was nobody to serve
    assert found["learnt"]["patience_seconds"] == pytest.approx(340, rel=0.01)
    assert found["learnt"]["short_share"] == pytest.approx(1 / 30)
    tuesday = found["days"][0]
    assert tuesday["kind"] == "working"
    assert tuesday["calls"] == pytest.approx(16 * 29, rel=0.03)
    nine = tuesday["half_hours"][18]
    assert nine["calls"] == pytest.approx(29, rel=0.03)
    assert nine["low"] < 29 < nine["high"]
    assert nine["need"]["needed"] == 5  # 2.9 erlangs, busy for no more than 85 %
    assert nine["need"]["present"] == 7  # a quarter of their time is for other things
    assert tuesday["half_hours"][10]["need"] is None
    assert found["days"][4]["kind"] == "weekend"
    assert found["days"][4]["outcome"] is None


async def test_what_if(desk, history):
    browser = await desk.browser(Role.DIRECTOR)

    async def outcome(query: str):
        return (await browser.get(f"/api/v1/forecast?{query}")).json()["outcome"]

    plain = await outcome("")
    more = await outcome("calls=50")
    assert more["calls"] == pytest.approx(1.5 * plain["calls"])
    assert more["needed_hours"] > plain["needed_hours"]
    longer = await outcome("handling=50")
    assert longer["needed_hours"] == more["needed_hours"]
    strict = await outcome("target=99&within=5")
    assert strict["needed_hours"] > plain["needed_hours"]
    few, many = await outcome("agents=3"), await outcome("agents=12")
    assert few["service_level"] < 0.5 < 0.99 < many["service_level"]
    assert few["abandoning"] > many["abandoning"]
    assert few["planned_hours"] == 5 * 8 * 3
    assert (await outcome("agents=0"))["service_level"] == 0
    endless = await outcome("agents=3&method=c")
    assert endless["asa"] is None  # the queue has no end
    assert (await outcome("hours=all"))["needed_hours"] > plain["needed_hours"]
    page = words((await (await english(desk)).get("/figures/forecast?calls=50")).text)
    assert "as usual" in page


@pytest.mark.parametrize(
    "query",
    ["first=2026-11-22", "first=2028-01-01", "first=x", "days=0", "days=29", "calls=nan",
     "calls=1e9", "handling=-100", "target=100", "within=-1", "occupancy=0", "shrinkage=100",
     "patience=0", "agents=-1", "agents=99999", "method=z", "hours=z", "queue=none",
     "queue=%00"],
)  # fmt: skip
async def test_what_cannot_be_asked_is_refused(desk, query):
    browser = await desk.browser(Role.SUPERVISOR)
    assert (await browser.get(f"/api/v1/forecast?{query}")).status_code == 422
    answer = await browser.get(f"/figures/forecast?{query}", headers={"Accept": "text/html"})
    assert answer.status_code == 422
    assert "<html" in answer.text


async def test_empty_fields_of_the_form_are_none(desk, history):
    browser = await desk.browser(Role.SUPERVISOR)
    found = await browser.get("/figures/forecast?first=&queue=&patience=&agents=&target=&calls=0")
    assert found.status_code == 200


async def test_without_a_past_it_says_so(desk):
    browser = await english(desk)
    page = words((await browser.get("/figures/forecast")).text)
    assert "There are no past calls to learn from yet" in page
    assert "nan" not in page.lower().split()
    found = (await browser.get("/api/v1/forecast")).json()
    assert (found["terms"], found["outcome"], found["days"][0]["calls"]) == (None, None, None)


async def test_a_short_past_shows_what_it_can_and_says_so(desk):
    await busy_weeks(desk.database, TODAY - timedelta(days=3), 4)
    # Tuesday to Friday, and a weekend without a call
    browser = await english(desk)
    page = words((await browser.get("/figures/forecast")).text)
    assert "Only 6 days could be used (less than 4 weeks): a first guess, no more." in page
    found = (await browser.get("/api/v1/forecast")).json()
    assert found["days"][0]["calls"] == pytest.approx(16 * 29, rel=0.2)
    assert found["days"][4]["calls"] is None  # nobody ever called on a Saturday
    assert (await browser.get("/figures/forecast?day=2026-11-28")).status_code == 200


async def test_a_queue_that_nobody_calls(desk, history):
    browser = await english(desk)
    page = words((await browser.get("/figures/forecast?queue=complaint")).text)
    assert "There are no past calls to learn from yet" in page


async def test_figures_that_are_not_whole_say_so(desk, history):
    async with desk.database.writing() as connection:
        await connection.execute(update(figures_state).values(whole=0))
    page = (await (await desk.browser(Role.SUPERVISOR)).get("/figures/forecast")).text
    assert "ยังไม่สมบูรณ์" in page


@pytest.mark.parametrize("form, begins", [("csv", b"PK"), ("xlsx", b"PK")])
async def test_it_is_given_as_a_file(desk, history, form, begins):
    browser = await desk.browser(Role.SUPERVISOR)
    answer = await browser.get(f"/figures/forecast/file?format={form}")
    assert answer.status_code == 200
    assert answer.content.startswith(begins)
    assert "1203-forecast-2026-11-24_2026-11-30" in answer.headers["content-disposition"]


@pytest.mark.parametrize("role", PLANNERS)
async def test_a_campaign_raises_its_day(desk, history, role):
    browser = await desk.browser(role)
    plain = (await browser.get("/api/v1/forecast")).json()["days"][1]["calls"]
    body = {"name_th": "ธงฟ้า <b>", "name_en": "", "factor": 2.5}
    made = await browser.put("/api/v1/campaign-days/2026-11-25", json=body)
    assert made.status_code == 200
    found = (await browser.get("/api/v1/forecast")).json()["days"][1]
    assert found["calls"] == pytest.approx(2.5 * plain)
    assert found["campaign"]["name_en"] == "ธงฟ้า <b>"
    page = (await browser.get("/figures/forecast")).text
    assert "<b>" not in page.split("ธงฟ้า", 1)[1][:40]
    assert (await browser.delete("/api/v1/campaign-days/2026-11-25")).status_code == 204
    assert (await browser.delete("/api/v1/campaign-days/2026-11-25")).status_code == 404
    again = (await browser.get("/api/v1/forecast")).json()["days"][1]
    assert again["calls"] == pytest.approx(plain)


async def test_a_campaign_that_is_over_is_not_learnt_from(desk, history):
    browser = await desk.browser(Role.ADMINISTRATOR)
    body = {"name_th": "ธงฟ้า", "factor": 2}
    await browser.put("/api/v1/campaign-days/2026-11-18", json=body)
    learnt = (await browser.get("/api/v1/forecast")).json()["learnt"]
    assert (learnt["days_used"], learnt["campaign_days"]) == (83, 1)


@pytest.mark.parametrize("role", [Role.DIRECTOR, Role.AUDITOR])
async def test_readers_plan_nothing(desk, role):
    browser = await desk.browser(role)
    version = {"If-Match": '"0"'}
    week = "/api/v1/shifts/2026-11-23"
    body = {"name_th": "x", "factor": 2}
    assert (await browser.put("/api/v1/campaign-days/2026-11-25", json=body)).status_code == 403
    assert (await browser.put(week, json={}, headers=version)).status_code == 403
    copied = await browser.post(f"{week}/copy", json={"of": "2026-11-16"}, headers=version)
    assert copied.status_code == 403
    assert (await browser.post("/api/v1/shifts/file", files={"file": b""})).status_code == 403
    page = (await browser.get("/figures/shifts")).text
    assert "บันทึกทั้งสัปดาห์" not in page
    assert 'data-act="DELETE' not in (await browser.get("/figures/forecast")).text


async def test_a_week_is_planned_shown_and_held_against_the_forecast(desk, history):
    browser = await english(desk)
    body = {f"10{n:02}/2026-11-24": "08:30-12:00 13:00-16:30" for n in range(1, 8)}
    body["1001/2026-11-25"] = "08:30-16:30"
    made = await browser.put("/api/v1/shifts/2026-11-26", json=body, headers={"If-Match": '"0"'})
    assert made.status_code == 200
    assert made.headers["etag"] == '"1"'
    assert (made.json()["monday"], len(made.json()["shifts"])) == ("2026-11-23", 15)
    assert made.json()["shifts"][1] == {
        "day": "2026-11-24", "agent": "1001", "begins": "13:00", "ends": "16:30",
    }  # fmt: skip
    page = (await browser.get("/figures/shifts")).text
    assert 'name="1007/2026-11-24" value="08:30-12:00 13:00-16:30"' in page
    found = (await browser.get("/api/v1/forecast")).json()["days"]
    nine, noon = found[0]["half_hours"][18]["need"], found[0]["half_hours"][24]["need"]
    assert (nine["planned"], noon["planned"]) == (7, 0)
    assert nine["expected"]["service_level"] > 0.8
    assert noon["expected"]["service_level"] == 0
    assert found[2]["half_hours"][18]["need"]["planned"] == 0  # a day without anybody
    text = words((await browser.get("/figures/forecast")).text)
    assert "short in" in text


async def test_an_edit_of_an_older_plan_is_told(desk):
    browser = await desk.browser(Role.SUPERVISOR)
    week = "/api/v1/shifts/2026-11-23"
    assert (await browser.put(week, json={})).status_code == 428
    first = {"If-Match": '"0"'}
    assert (await browser.put(week, json={}, headers=first)).status_code == 200
    assert (await browser.put(week, json={}, headers=first)).status_code == 412


async def test_times_that_cannot_be_read_are_named(desk):
    browser = await desk.browser(Role.SUPERVISOR)
    refused = await browser.put(
        "/api/v1/shifts/2026-11-23",
        json={"1001/2026-11-24": "late", "1002/2026-11-24": "8:00-9:00"},
        headers={"If-Match": '"0"'},
    )
    assert refused.status_code == 422
    assert list(refused.json()["fields"]) == ["1001/2026-11-24"]


async def test_a_week_is_copied(desk):
    browser = await desk.browser(Role.SUPERVISOR)
    await browser.put(
        "/api/v1/shifts/2026-11-16", json={"1001/2026-11-17": "08:30-16:30"},
        headers={"If-Match": '"0"'},
    )  # fmt: skip
    path, first = "/api/v1/shifts/2026-11-23/copy", {"If-Match": '"0"'}
    made = await browser.post(path, json={"of": "2026-11-18"}, headers=first)
    assert made.json()["shifts"][0]["day"] == "2026-11-24"
    empty = await browser.post(path, json={"of": "2026-01-05"}, headers={"If-Match": '"1"'})
    assert empty.status_code == 409


async def test_a_file_goes_out_and_comes_in_again(desk):
    browser = await desk.browser(Role.SUPERVISOR)
    await browser.put(
        "/api/v1/shifts/2026-11-23", json={"1001/2026-11-24": "08:30-12:00 13:00-16:30"},
        headers={"If-Match": '"0"'},
    )  # fmt: skip
    out = await browser.get("/figures/shifts/file?week=2026-11-25")
    assert out.headers["content-type"].startswith("text/csv")
    assert out.text.splitlines()[1] == "1001,2026-11-24,08:30,12:00"
    changed = out.text.replace("1001", "1002").encode()
    taken = await browser.post("/api/v1/shifts/file", files={"file": ("plan.csv", changed)})
    assert taken.json() == {"shifts": 2, "days": 1, "weeks": 1}
    found = (await browser.get("/api/v1/shifts/2026-11-23")).json()
    assert (found["version"], {s["agent"] for s in found["shifts"]}) == (2, {"1002"})


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\x00" * 50, b"agent,day,from,to\n=HYPERLINK(1),2026-11-24,08:30,12:00\n",
        b"agent,day,from,to\n1001,2026-11-24,08:30,12:00\n1001,2026-11-24,11:00,13:00\n",
        b"agent,day,from,to\n" + b"1001,2026-11-24,08:30,12:00\n" * 30_000,
        "agent,day,from,to\n๑๐๐๑,2026-11-24,08:30,12:00\n".encode(),
        b"agent,day,from,to\n1001'; DROP TABLE shifts;--,2026-11-24,08:30,12:00\n",
    ],
    ids=["empty", "zeros", "formula", "overlap", "huge", "thai digits", "sql"],
)  # fmt: skip
async def test_hostile_files_change_nothing(desk, data):
    browser = await desk.browser(Role.SUPERVISOR)
    await browser.put(
        "/api/v1/shifts/2026-11-23", json={"1001/2026-11-24": "08:30-16:30"},
        headers={"If-Match": '"0"'},
    )  # fmt: skip
    answer = await browser.post("/api/v1/shifts/file", files={"file": ("plan.csv", data)})
    assert answer.status_code in {413, 422}
    found = (await browser.get("/api/v1/shifts/2026-11-23")).json()
    assert (found["version"], len(found["shifts"])) == (1, 1)


async def test_what_is_no_file_is_said(desk):
    browser = await desk.browser(Role.SUPERVISOR)
    for more in ({"json": {}}, {"data": {"file": "text"}}, {"content": b"--x"}):
        answer = await browser.post("/api/v1/shifts/file", **more)
        assert answer.status_code == 422, more


async def test_weeks_and_officers_that_cannot_be(desk):
    browser = await desk.browser(Role.SUPERVISOR)
    for path in ("week=1900-01-01", "week=9999-12-31", "week=x", "add=%3Cscript%3E", "add=../x"):
        assert (await browser.get(f"/figures/shifts?{path}")).status_code == 422, path
    assert "1055" in (await browser.get("/figures/shifts?add=1055")).text
