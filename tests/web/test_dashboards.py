"""The pages of figures: who sees them, filters, and days of nothing, of one call, of gaps."""

from __future__ import annotations

import html
import re
from datetime import date

import pytest

from crm_bridge.access.roles import Role
from crm_bridge.reports.catalogue import CATALOGUE
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.period import Period
from crm_bridge.web.figures.readers import READERS
from crm_bridge.written import office_time
from ivr.calls.call import Gap, Mark, Transfer, TransferKind, TransferOutcome
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.desk_clock import NOW
from tests.support.web import Desk, desk

__all__ = ["desk"]

DAY = office_time(NOW).date()
MORNING = Period(DAY, DAY).since + 4 * 3600 * SECOND


def path_of(name: str) -> str:
    return "/figures" if name == "overview" else f"/figures/{name}"


async def english(desk: Desk, role: Role = Role.SUPERVISOR):
    browser = await desk.browser(role)
    await browser.put("/api/v1/language", json={"language": "en"})
    return browser


def text_of(page: str) -> str:
    bare = re.sub(r"<svg.*?</svg>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", bare)))


@pytest.fixture
async def calls(desk: Desk) -> None:
    """Two queues, two officers, one transfer to an agency, one who hung up; the day before one."""
    first = served(1, MORNING)
    asked = first.agents[0].connected_at + 60 * SECOND
    first.transfers.append(
        Transfer(TransferKind.BLIND, "1001", "2001", "dit", asked, asked + 90 * SECOND, None,
                 TransferOutcome.ANSWERED)
    )  # fmt: skip
    first.marks.append(Mark("logged", first.ended_at + 30 * SECOND, by="1001"))
    complaint = served(2, MORNING + 600 * SECOND, agents=("1002",), service="complaint")
    await save(
        desk.database, first, complaint, lost(3, MORNING),
        served(4, MORNING - 86_400 * SECOND, presented=None),
    )  # fmt: skip


@pytest.mark.parametrize("name", list(CATALOGUE))
async def test_managers_see_each_dashboard_and_nobody_else(desk, calls, name):
    for role in Role:
        answer = await (await desk.browser(role)).get(path_of(name))
        assert answer.status_code == (200 if role in READERS else 403), role
        if role in READERS:
            menu = re.findall(r'<nav class="tabs".*?</nav>', answer.text, re.DOTALL)[0]
            assert all(entry.menu[0] in menu for entry in CATALOGUE.values())
            assert "style=" not in answer.text
            assert "Traceback" not in answer.text


@pytest.mark.parametrize("lang", ["th", "en"])
@pytest.mark.parametrize("name", list(CATALOGUE))
async def test_a_day_of_nothing_says_so(desk, name, lang):
    browser = await desk.browser(Role.AUDITOR)
    await browser.put("/api/v1/language", json={"language": lang})
    answer = await browser.get(path_of(name), params={"first": "2020-02-29", "against": "year"})
    assert answer.status_code == 200
    assert CATALOGUE[name].nothing[lang == "en"] in answer.text
    assert "<svg" not in answer.text
    assert 'class="figures' not in answer.text


@pytest.mark.parametrize("name", list(CATALOGUE))
async def test_a_single_call_is_told_by_what_is_known_of_it(desk, name):
    await save(desk.database, served(1, MORNING))
    shown = await CATALOGUE[name].build(
        desk.database, desk.context.config, Filters(Period(DAY, DAY))
    )
    assert shown.whole
    assert name in {"cases", "callbacks", "survey"} or not shown.empty
    page = (await (await english(desk)).get(path_of(name))).text
    assert "nan" not in text_of(page).lower().split()
    for chart in shown.charts:
        if chart.table.rows:
            assert f'id="{chart.id}-title"' in page


@pytest.mark.parametrize("name", list(CATALOGUE))
async def test_a_day_of_gaps_says_how_much_is_not_observed(desk, name):
    """The node fell silent in each call: what was timed over it is unknown, never nothing."""
    unheard = [served(n, MORNING + n * 600 * SECOND) for n in range(3)]
    for call in unheard:
        call.gaps.append(Gap(call.entered_at + SECOND, call.ended_at, None))
        call.times_inferred = True
    await save(desk.database, *unheard)
    answer = await (await english(desk)).get(path_of(name))
    assert answer.status_code == 200
    text = text_of(answer.text)
    if name in {"overview", "steps"}:
        assert "100.0 %" in text
        assert "Not observed" in text
    if name == "callers":
        assert "Not wholly observed 3 100.0 %" in text


async def test_one_step_is_shown_in_every_light(desk, calls):
    page = await (await english(desk)).get(
        "/figures/steps", params={"service": "information", "step": "transfer"}
    )
    text = text_of(page.text)
    for title in ("How long it took", "Within standard", "By queue", "By officer", "By agency",
                  "The time of a transfer", "day and hour"):  # fmt: skip
        assert title in text, title
    assert "Standard 1:00" in page.text
    assert "Department of Internal Trade" in text or "dit" in text
    assert "1 longer than 1:00 (hatched)" in page.text


async def test_filters_narrow_what_is_shown(desk, calls):
    browser = await english(desk)

    async def greets(**params: str) -> str:
        text = text_of((await browser.get("/figures/steps", params=params)).text)
        return text.split("Steps of the published guideline")[1]

    assert "Complaints" in await greets()
    assert "Complaints" not in await greets(queue="information")
    assert "Information and advice" not in await greets(agent="1002")
    assert "transfers the call" in await greets(agency="dit")
    assert "gives the information" not in await greets(agency="dit")
    queues = text_of((await browser.get("/figures/queues", params={"queue": "complaint"})).text)
    assert "complaint 1 1 0" in queues
    officer = text_of((await browser.get("/figures/officers", params={"agent": "1002"})).text)
    assert re.search(r"1002 1 ", officer)
    assert not re.search(r"1001 1 ", officer)


async def test_the_choice_stays_in_the_address(desk, calls):
    browser = await english(desk)
    page = (
        await browser.get(
            "/figures/queues",
            params={"queue": "complaint", "against": "year", "grain": "week", "first": str(DAY)},
        )
    ).text
    assert '<option value="complaint" selected>' in page
    assert '<option value="year" selected>' in page
    assert '<option value="week" selected>' in page
    assert f"against {DAY.day}" in text_of(page)
    again = html.unescape(re.findall(r'href="(/figures/queues\?[^"]+)"[^>]*>Yesterday', page)[0])
    assert "queue=complaint" in again
    assert "against=year" in again


async def test_days_are_set_beside_those_before(desk, calls):
    text = text_of((await (await english(desk)).get("/figures/callers")).text)
    assert "3 inbound calls over" in text
    assert re.search(r"against [^:]*: 1 ", text)
    assert "Served 2 66.7 % 1 ▲" in text


async def test_a_definition_opens_beside_its_figure(desk, calls):
    page = (await (await english(desk)).get("/figures")).text
    for metric in re.findall(r'popovertarget="metric-([a-z_]+)"', page):
        assert f'popover class="definition" id="metric-{metric}"' in page
    assert "timings within the standard ÷ timings with a verdict" in page


async def test_what_no_filter_can_be_is_refused(desk):
    browser = await desk.browser(Role.SUPERVISOR)
    assert (await browser.get("/figures/steps?grain=hour")).status_code == 422
    assert (await browser.get(f"/figures/steps?queue={'x' * 81}")).status_code == 422
    strange = await browser.get("/figures/steps", params={"queue": "<script>alert(1)</script>"})
    assert strange.status_code == 200
    assert "<script>alert" not in strange.text
    assert (await browser.get("/figures/nothing")).status_code == 404


def test_long_spans_are_drawn_by_the_week_and_the_month():
    year = Period(date(2026, 1, 1), date(2026, 12, 31))
    assert Filters(year).drawn_by == "month"
    assert Filters(year, grain="day").drawn_by == "day"
    long = Period(date(2000, 1, 1), date(2199, 12, 31))
    assert Filters(long, grain="day").drawn_by == "month"
    assert Filters(Period(date(2026, 1, 1), date(2026, 3, 31))).drawn_by == "week"
    assert Filters(Period(date(2026, 1, 1), date(2026, 1, 31))).drawn_by == "day"
    assert Filters(year, queue="a b").query(grain="week") == (
        "first=2026-01-01&last=2026-12-31&queue=a+b&grain=week"
    )
