"""From a call to its events, each with how it is known."""

from __future__ import annotations

import re

from crm_bridge.access.roles import Role
from crm_bridge.reconciling.gap_book import keep_gap
from crm_bridge.web.wrapups.events import events
from ivr.calls.call import Gap, Leg, Mark
from ivr.calls.call import Role as LegRole
from tests.support.desk_calls import SECOND, save, served
from tests.support.desk_clock import NOW
from tests.support.web import Desk, desk

__all__ = ["desk"]


def call():
    made = served(1, NOW)
    made.legs.append(
        Leg("1.1", "PJSIP/trunk-01", LegRole.CALLER, None, NOW, NOW, made.ended_at, 16)
    )
    made.marks.append(Mark("informed", NOW + 100 * SECOND, by="1001"))
    return made


def evidence_of(made):
    told = events(made, lambda agency, target: agency or target)
    assert [e.moment.at for e in told] == sorted(e.moment.at for e in told)
    return {e.moment.en: e.evidence for e in told}


def test_acts_are_declared_and_the_telephone_is_observed():
    found = evidence_of(call())
    assert found["The information was given"] == "declared"
    assert found["The call came in"] == found["The caller's channel"] == "observed"


def test_what_lies_in_a_gap_is_not_known_until_a_book_fills_it():
    made = call()
    made.gaps.append(Gap(NOW + 2 * SECOND, NOW + 20 * SECOND))
    found = evidence_of(made)
    assert found["Joined the queue"] == found["With the officer"] == "unknown"
    assert found["The call came in"] == "observed"
    made.gaps[0].filled_by = "cel"
    assert evidence_of(made)["Joined the queue"] == "cel"


def test_times_of_arrival_are_inferred():
    made = call()
    made.times_inferred = True
    assert evidence_of(made)["Joined the queue"] == "inferred"


async def test_the_page_of_a_call_lists_them(desk: Desk):
    made = call()
    await save(desk.database, made)
    browser = await desk.browser(Role.DIRECTOR)
    await browser.put("/api/v1/language", json={"language": "en"})
    page = (await browser.get(f"/calls/{made.call_id}")).text
    table = re.findall(r'<table class="events">.*?</table>', page, re.DOTALL)[0]
    assert "PJSIP/trunk-01 · Q.850 16" in table
    assert "Declared" in table
    assert re.search(r"\d\d:\d\d:\d\d\.\d{3}", table)


async def gaps_of(desk: Desk, made, role=Role.SUPERVISOR, lang="en"):
    """The rows of what was not heard on the call's page, as text."""
    await save(desk.database, made)
    browser = await desk.browser(role)
    await browser.put("/api/v1/language", json={"language": lang})
    page = (await browser.get(f"/calls/{made.call_id}")).text
    card = re.search(r'<section class="card" id="unheard">(.*?)</section>', page, re.DOTALL)
    if card is None:
        return [], ""
    rows = re.findall(r"<tr>\s*<td.*?</tr>", card[1], re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows], card[1]


async def test_a_page_says_each_gap_what_filled_it_and_what_stays_unknown(desk: Desk):
    made = call()
    made.ended_at = made.ended_by = made.outcome = made.agents[0].released_at = None
    made.gaps = [
        Gap(NOW + 2 * SECOND, NOW + 4 * SECOND, "cel"),
        Gap(NOW + 5 * SECOND, NOW + 7 * SECOND, "queue_log"),
        Gap(NOW + 200 * SECOND, NOW + 86_400 * SECOND),
    ]
    async with desk.database.writing() as connection:
        await keep_gap(connection, made.node, NOW + 200 * SECOND, NOW + 86_400 * SECOND, "asterisk")
    (cel, queue_log, nothing), card = await gaps_of(desk, made)
    assert cel == "10:00:02 – 10:00:04 (0:02) Filled in from CEL ✓ nothing"
    assert "Filled in from queue_log menus, holds, consultations, agencies" in queue_log
    assert "24 Nov 2026 10:00:00" in nothing, "it ended on another day"
    assert "Asterisk was started anew nothing yet what happened meanwhile when the call ended" in (
        nothing
    )
    assert "until when officer 1001 spoke" in nothing
    assert 'href="/admin/gaps"' in card


async def test_a_gap_of_a_call_in_progress_is_not_yet_unknown_for_good(desk: Desk):
    made = call()
    made.closed = False
    made.ended_at = made.ended_by = made.outcome = made.agents[0].released_at = None
    made.gaps = [Gap(NOW + 200 * SECOND)]
    (row,), card = await gaps_of(desk, made, Role.AGENT, "th")
    assert "ยังไม่กลับมา" in row
    assert "ยังไม่ได้เติม" in row
    assert "เวลาที่สายจบ" not in row
    assert "/admin/gaps" not in card, "an officer may not open it"


async def test_a_whole_call_has_no_such_card(desk: Desk):
    assert await gaps_of(desk, call()) == ([], "")
