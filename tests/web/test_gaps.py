"""The page of what was not heard: which minutes and calls, what filled them, what is unknown."""

from __future__ import annotations

import io
import json
import re

import pytest
from rich.console import Console

from crm_bridge.access.roles import Role
from crm_bridge.commands.gaps import as_json, gap_table
from crm_bridge.commands.words import Lang
from crm_bridge.reconciling.gap_book import keep_gap, keep_places, line_gaps_of
from crm_bridge.web.gaps.routes import READERS
from ivr.calls.call import Gap
from tests.support.desk_calls import SECOND, save, served
from tests.support.desk_clock import NOW
from tests.support.web import Desk

PATH = "/admin/gaps"
AT = NOW - 7_200 * SECOND


@pytest.fixture
async def gaps(desk: Desk) -> None:
    """A stop with a call that was filled and one that was not; a lost link at night, no calls."""
    filled, unknown = served(1, AT), served(2, AT)
    filled.gaps = [Gap(filled.entered_at + SECOND, AT + 600 * SECOND, "cel")]
    unknown.gaps = [Gap(unknown.entered_at + SECOND, AT + 600 * SECOND)]
    unknown.ended_at = None
    await save(desk.database, filled, unknown)
    async with desk.database.writing() as connection:
        await keep_gap(connection, filled.node, AT, None, "stopped")
        await keep_gap(connection, filled.node, AT, AT + 600 * SECOND, "stopped")
        await keep_gap(connection, filled.node, AT, AT + 900 * SECOND, "link")  # told twice
        await keep_gap(connection, filled.node, AT - 3600 * SECOND, AT - 3500 * SECOND, "link")


async def page(desk: Desk, lang: str) -> str:
    browser = await desk.browser(Role.SUPERVISOR)
    await browser.put("/api/v1/language", json={"language": lang})
    answer = await browser.get(PATH)
    assert answer.status_code == 200
    return answer.text


async def printed(desk: Desk) -> str:
    """The command's table in English."""
    async with desk.database.reading() as connection:
        found = await line_gaps_of(connection)
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(gap_table(found, Lang.EN))
    return " ".join(console.export_text().split("\n")[-2].split())


@pytest.mark.usefixtures("gaps")
async def test_each_gap_says_its_minutes_its_calls_and_what_is_unknown(desk: Desk):
    text = await page(desk, "en")
    assert text.count("<tr>") == 1 + 2
    assert "the bridge did not run" in text
    assert "the connection to Asterisk was lost" in text
    assert text.count('href="/calls/') == 3, "two touched, one of them again as unknown"
    assert "Asterisk&#39;s CEL" in text
    assert "end not known" in text
    assert "ระบบบันทึกหยุดทำงาน" in await page(desk, "th")


@pytest.mark.usefixtures("gaps")
async def test_the_command_says_the_same(desk: Desk):
    async with desk.database.reading() as connection:
        first, second = [as_json(gap) for gap in await line_gaps_of(connection)]
    assert json.loads(json.dumps(first)) == first
    assert (first["cause"], second["cause"]) == ("stopped", "link")
    assert [(c["filled_by"], c["end_known"]) for c in first["calls"]] == [
        (None, False),
        ("cel", True),
    ]
    assert second["calls"] == []


async def test_nothing_missed_and_no_books(desk: Desk):
    text = await page(desk, "en")
    assert "Nothing was missed" in text


async def test_who_may_see_it(desk: Desk):
    for role in Role:
        answer = await (await desk.browser(role)).get(PATH)
        assert (answer.status_code == 200) == (role in READERS), role


@pytest.mark.usefixtures("gaps")
async def test_a_span_whose_books_were_not_read_is_no_span_without_calls(desk: Desk):
    text = await page(desk, "en")
    assert text.count("books not read yet") == 1, "of the night's, no call is known"
    assert text.count("whether there were calls") == 1
    assert "books not read yet ?" in await printed(desk), "the command says the same"
    async with desk.database.writing() as connection:
        await keep_places(connection, "lab1", 0, None, None, NOW, NOW)
    text = await page(desk, "en")
    assert "books read: no calls" in text
    assert "whether there were" not in text


@pytest.mark.usefixtures("gaps")
async def test_times_are_to_the_second_and_only_who_may_open_a_call_has_a_link(desk: Desk):
    assert re.search(r"08:00:00</span> – <span class=\"num\">08:10:00", await page(desk, "en"))
    administrator = await desk.browser(Role.ADMINISTRATOR)
    text = (await administrator.get(PATH)).text
    assert "08:00:00" in text
    assert 'href="/calls/' not in text


async def test_a_call_in_progress_has_no_end_to_know(desk: Desk):
    going = served(3, AT)
    going.gaps, going.ended_at, going.closed = [Gap(AT + SECOND)], None, False
    await save(desk.database, going)
    async with desk.database.reading() as connection:
        (gap,) = await line_gaps_of(connection)
    assert [call.end_known for call in gap.touched] == [True]
