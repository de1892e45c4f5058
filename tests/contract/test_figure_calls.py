"""From any figure of any dashboard to its calls: as many as the figure says, page by page."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qsl, urlsplit

import pytest

from crm_bridge.figures.forms import STEPS
from crm_bridge.records.rows import snapshot
from crm_bridge.records.writer import Writer, batch_of
from crm_bridge.reports.behind import OF_CALLS, behind
from crm_bridge.reports.catalogue import CATALOGUE
from crm_bridge.reports.figure import Figure
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.period import Period, month_of
from crm_bridge.reports.reading import added_up
from crm_bridge.reports.sheets import Cell
from crm_bridge.web.figures.behind import KEYS
from crm_bridge.written import office_time
from ivr.calls.call import Transfer, TransferKind, TransferOutcome
from ivr.steps.timeline import timeline
from tests.support.desk_calls import SECOND, lost, save, served
from tests.support.scenario import SCENARIOS, config_of, records_of

MIDNIGHT = Period(date(2026, 11, 23), date(2026, 11, 23)).since
REAL = sorted(path.name.removesuffix(".capture") for path in SCENARIOS.glob("*.capture"))
NOT_PLAYED = {"surveys", "waits_told"}
"""Forms of which no scenario has anything."""
BOUNDS = {"of", "first", "last", "count", "above", "upto"}


@pytest.fixture(scope="module")
def real():
    """The records of every scenario, and the days that they are of."""
    calls = [
        (call, snapshot(call, timeline(call, pipeline.directory, pipeline.standards)))
        for made, pipeline in map(records_of, REAL)
        for call in made.values()
    ]
    days = [office_time(call.entered_at).date() for call, _ in calls]
    return [rows for _, rows in calls], Period(min(days), max(days))


def figure_of(href: str, period: Period) -> Figure:
    asked = dict(parse_qsl(urlsplit(href).query, keep_blank_values=True))
    if asked["of"] == "repeats":  # callers are counted in whole months
        period = Period(month_of(period.first).first, month_of(period.last).last)
    assert (asked["first"], asked["last"]) == (str(period.first), str(period.last))
    limits = {k: int(asked[k]) for k in ("above", "upto") if k in asked}
    only = {k: v for k, v in asked.items() if k not in BOUNDS}
    return Figure(OF_CALLS[asked["of"]], period, tuple(asked["count"].split(",")), only, **limits)


async def all_of(database, figure, limit):
    """Every call behind a figure, by pages; and the figure."""
    found, after = [], None
    while True:
        async with database.reading() as connection:
            page = await behind(connection, figure, after=after, limit=limit)
        assert len(page.calls) <= limit
        found += page.calls
        if page.next is None:
            return found, page.total
        assert page.next != after
        after = page.next


def links(shown):
    tables = (*shown.sheets, *(chart.table for chart in shown.charts))
    cells = [cell for table in tables for row in table.rows for cell in row]
    return [
        (cell.value, cell.href)
        for cell in cells
        if isinstance(cell, Cell) and cell.href and cell.href.startswith("/figures/calls?")
    ]


@pytest.mark.parametrize("name", list(CATALOGUE))
async def test_the_calls_behind_every_figure_are_as_many_as_it_says(database, real, name):
    rows, period = real
    writer = Writer(database)
    await writer.commit(batch_of(calls=rows))
    await writer.close()
    shown = await CATALOGUE[name].build(database, config_of("ours"), Filters(period))
    asked = dict.fromkeys(links(shown))
    for n, (value, href) in enumerate(asked):
        found, total = await all_of(database, figure_of(href, period), limit=(3, 50)[n % 2])
        assert sum(one.times for one in found) == total, href
        if isinstance(value, int):
            assert total == value, href
        assert len({one.stored.call.call_id for one in found}) == len(found), href


async def test_what_is_left_of_a_call_of_the_day_before_is_found(database):
    """Entered a minute before midnight: its log begins on the next day, and is that day's."""
    await save(database, served(1, MIDNIGHT - 60 * SECOND), served(2, MIDNIGHT + 3600 * SECOND))
    day = Period(date(2026, 11, 23), date(2026, 11, 23))
    logs = Figure(STEPS, day, ("open",), {"service": "information", "step": "log"})
    found, total = await all_of(database, logs, limit=1)
    assert total == 2
    assert [one.stored.call.entered_at for one in found] == [
        MIDNIGHT + 3600 * SECOND, MIDNIGHT - 60 * SECOND,
    ]  # fmt: skip
    greets = Figure(STEPS, day, ("within",), {"step": "greet"})
    assert len((await all_of(database, greets, limit=50))[0]) == 1


async def test_a_call_counts_as_often_as_it_adds_to_the_figure(database):
    call = served(1, MIDNIGHT)
    for n in (0, 1):
        asked = call.agents[0].connected_at + (60 + 60 * n) * SECOND
        call.transfers.append(
            Transfer(TransferKind.BLIND, "1001", "2001", "dit", asked, None, asked + 20 * SECOND,
                     TransferOutcome.BUSY)
        )  # fmt: skip
    await save(database, call, lost(2, MIDNIGHT))
    day = Period(date(2026, 11, 23), date(2026, 11, 23))
    for name, only in (("steps", {}), ("agency_steps", {"agency": "dit"}),
                       ("agent_steps", {"agent": "1001"})):  # fmt: skip
        figure = Figure(
            OF_CALLS[name], day, ("within", "over", "open"), {"step": "transfer"} | only
        )
        found, total = await all_of(database, figure, limit=50)
        assert (total, [one.times for one in found]) == (2, [2])


async def test_nothing_is_behind_a_figure_of_nothing(database):
    day = Period(date(2026, 11, 23), date(2026, 11, 23))
    assert await all_of(database, Figure(STEPS, day, ("over",), {}), limit=5) == ([], 0)


def test_a_figure_that_no_form_has_is_refused():
    day = Period(date(2026, 11, 23), date(2026, 11, 23))
    with pytest.raises(ValueError, match="no counts"):
        Figure(STEPS, day, ("parts",), {})
    with pytest.raises(ValueError, match="no keys"):
        Figure(STEPS, day, ("over",), {"agent": "1001"})


# nobody is asked how it was in a scenario: test_figure_things.py has such calls
@pytest.mark.parametrize("name", [name for name in OF_CALLS if name not in NOT_PLAYED])
async def test_the_calls_behind_every_row_of_every_form_are_found(database, real, name):
    rows, period = real
    writer = Writer(database)
    await writer.commit(batch_of(calls=rows))
    await writer.close()
    form = OF_CALLS[name]
    if name == "repeats":
        period = Period(month_of(period.first).first, month_of(period.last).last)
    async with database.reading() as connection:
        sums = await added_up(
            connection, form, form.keys, since=period.since, until=period.until, spans=False
        )
    assert sums
    for key, tally in sums.items():
        for count, value in zip(form.counts, tally.counts, strict=True):
            if value and not count.endswith("_us"):
                only = {k: str(v) for k, v in zip(form.keys, key, strict=True)}
                found, total = await all_of(database, Figure(form, period, (count,), only), 50)
                assert (sum(one.times for one in found), total) == (value, value), (count, only)


def test_a_page_of_calls_takes_every_key_of_every_form():
    assert {key for form in OF_CALLS.values() for key in form.keys} <= set(KEYS)
