"""From figures to their lost calls, callers' calls, cases, records and time at the desk: the list
adds up to the figure to the last one, also after late data; on both engines.
"""

from __future__ import annotations

import asyncio
from datetime import date
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import text

from crm_bridge.access import accounts
from crm_bridge.access.roles import Role
from crm_bridge.cases import answering, directing, proceedings, subjects
from crm_bridge.cases.workflow import OPEN, State
from crm_bridge.desk import agent_states, sittings
from crm_bridge.desk.agent_states import Sitting, Source
from crm_bridge.desk.lost_calls import give_up
from crm_bridge.desk.wrapup import Entry
from crm_bridge.desk.wrapups import Wrapups
from crm_bridge.figures.forms import (
    AGENT_TIMES,
    CALLBACKS,
    CASES,
    REPEATS,
    SUBJECTS,
    SURVEYS,
    WAITS_TOLD,
)
from crm_bridge.figures.levels import DAY
from crm_bridge.records.erasure import erase_callers
from crm_bridge.reports.behind import OF_CALLS, behind
from crm_bridge.reports.behind_things import OF_THINGS, things_behind
from crm_bridge.reports.behind_times import TIMES, times_behind
from crm_bridge.reports.dashboards import callbacks, callers, officers, queues, survey
from crm_bridge.reports.dashboards import cases as case_board
from crm_bridge.reports.figure import Figure
from crm_bridge.reports.filters import Filters
from crm_bridge.reports.open_cases import Open, listed
from crm_bridge.reports.period import Period
from crm_bridge.reports.reading import added_up
from crm_bridge.reports.sheets import Cell
from ivr.calls.call import OUTBOUND, Mark, Outcome, PassageOutcome
from tests.support.cases import Cast, bring_to
from tests.support.desk_calls import SECOND, Line, lost, save, served
from tests.support.desk_clock import HeldClock
from tests.support.figures import figures
from tests.support.migrated import brought_to
from tests.support.scenario import config_of

MINUTE = 60 * SECOND
MONDAY = HeldClock("2026-11-23T10:00").at
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
BOUNDS = {"of", "first", "last", "count", "above", "upto"}


def links(shown):
    tables = (*shown.sheets, *(chart.table for chart in shown.charts))
    cells = [cell for table in tables for row in table.rows for cell in row]
    return [(c.value, c.href) for c in cells if isinstance(c, Cell) and c.href]


def asked(href):
    return dict(parse_qsl(urlsplit(href).query, keep_blank_values=True))


def figure_of(href):
    of = asked(href)
    limits = {k: int(of[k]) for k in ("above", "upto") if k in of}
    period = Period(date.fromisoformat(of["first"]), date.fromisoformat(of["last"]))
    form = {**OF_CALLS, **OF_THINGS, TIMES: AGENT_TIMES}[of["of"]]
    only = {k: v for k, v in of.items() if k not in BOUNDS}
    return Figure(form, period, tuple(of["count"].split(",")), only, **limits)


async def pages(database, read, *args, limit):
    """Every page of a list; no place comes twice."""
    found, after, seen = [], None, set()
    while True:
        async with database.reading() as connection:
            page = await read(connection, *args, after=after, limit=limit)
        found.append(page)
        if page.next is None:
            return found
        assert page.next not in seen
        after = page.next
        seen.add(after)


async def adds_up(database, figure, limit=3):
    """The figure and what its list adds up to, and the list."""
    if figure.form is AGENT_TIMES:
        found = await pages(database, times_behind, figure, limit=limit)
        every = [one for page in found for one in page.found]
        total = sum(one.counted for one in every)
    elif figure.form in OF_THINGS.values():
        found = await pages(database, things_behind, figure, limit=limit)
        every = [one for page in found for one in page.found]
        assert len({one.row["id"] for one in every}) == len(every)
        total = sum(one.times for one in every)
    else:
        found = await pages(database, behind, figure, limit=limit)
        every = [one for page in found for one in page.calls]
        assert len({one.stored.call.call_id for one in every}) == len(every)
        total = sum(one.times for one in every)
    assert {page.total for page in found} == {total}, figure
    return total, every


async def every_row_adds_up(database, form, period=NOVEMBER):
    """For every count of every row of the form; how many figures that were."""
    async with database.reading() as connection:
        sums = await added_up(
            connection, form, form.keys, since=period.since, until=period.until, spans=False
        )
    tried = 0
    for key, tally in sums.items():
        for count, value in zip(form.counts, tally.counts, strict=True):
            if (count.endswith("_us") and form is not AGENT_TIMES) or count == "callers":
                continue
            if not value:
                continue
            only = {k: str(v) for k, v in zip(form.keys, key, strict=True)}
            total, _ = await adds_up(database, Figure(form, period, (count,), only))
            assert total == value, (count, only)
            tried += 1
    for count in form.counts:
        if count not in {"callers", "after_us"}:
            total, _ = await adds_up(database, Figure(form, period, (count,), {}))
            place = form.counts.index(count)
            assert total == sum(tally.counts[place] for tally in sums.values())
    return tried


async def every_link_adds_up(database, shown, *pages_of):
    """Of these pages; what forms they were of."""
    tried = set()
    for value, href in dict.fromkeys(links(shown)):
        path = urlsplit(href).path
        if path not in pages_of:
            continue
        figure = figure_of(href)
        total, _ = await adds_up(database, figure)
        if isinstance(value, int):
            assert total == value, href
        tried.add(figure.form)
    return tried


async def office(database, clock):
    """Cases of several kinds, agencies and fates."""
    cast = await Cast.of(database, clock)
    async with database.writing() as connection:
        head = await subjects.add(connection, clock, name_th="ราคา")
        subject = await subjects.add(connection, clock, name_th="เกินราคา", parent_id=head.id)
    for state in (State.RECORDED, State.RETURNED, State.ASSIGNED, State.SETTLED, State.CANCELLED):
        await bring_to(database, clock, cast, state, ("dbd", "dit"), subject_id=subject.id)
    clock.forward(minutes=5)
    for state in (State.SETTLED, State.ASSIGNED, State.CLOSED, State.SETTLED):
        await bring_to(database, clock, cast, state, kind="advice", province=None)
    return cast


async def test_cases(database):
    clock = HeldClock("2026-11-02T10:00")
    cast = await office(database, clock)
    late = await bring_to(database, clock, cast, State.ASSIGNED, ("dit",), province="ตรัง")
    assert await every_row_adds_up(database, CASES) > 12
    filters = Filters(NOVEMBER)
    shown = await case_board.build(database, config_of("ours"), filters, clock=clock)
    assert await every_link_adds_up(database, shown, "/figures/behind") == {CASES}
    # what comes later: over the standard, reopened
    clock.set("2026-11-27T10:00")
    async with database.writing() as connection:
        await answering.answer(connection, clock, cast.dit, late.ticket, text="ตรวจแล้ว")
        await directing.accept(connection, clock, cast.director, late.ticket)
    total, found = await adds_up(database, Figure(CASES, NOVEMBER, ("settled_over",), {}))
    assert (total, [one.row["ticket"] for one in found]) == (1, [late.ticket])
    async with database.writing() as connection:
        await proceedings.close(connection, clock, cast.agent, late.ticket, how="voice")
        await proceedings.reopen(connection, clock, cast.agent, late.ticket, reason="ยังไม่แก้ไข")
    total, found = await adds_up(database, Figure(CASES, NOVEMBER, ("reopened",), {}))
    assert (total, [one.row["ticket"] for one in found]) == (1, [late.ticket])
    assert found[0].counted_as["agency"] == ""
    one_agency = await case_board.build(
        database, config_of("ours"), Filters(NOVEMBER, agency="dbd"), clock=clock
    )
    assert await every_link_adds_up(database, one_agency, "/figures/behind") == {CASES}


async def test_open_cases(database):
    clock = HeldClock("2026-09-01T10:00")
    cast = await office(database, clock)
    for day in ("2026-10-20", "2026-11-05", "2026-11-14", "2026-11-21"):
        clock.set(f"{day}T10:00")
        await bring_to(database, clock, cast, State.PROPOSED)
    clock.set("2026-11-23T10:00")
    shown = await case_board.build(database, config_of("ours"), Filters(NOVEMBER), clock=clock)
    tried = 0
    for value, href in dict.fromkeys(links(shown)):
        if urlsplit(href).path != "/figures/open-cases":
            continue
        of = asked(href)
        wanted = Open(
            State(of["state"]) if "state" in of else None,
            int(of["age"]) if "age" in of else None,
            "overdue" in of,
        )
        found = await pages(database, listed, wanted, clock.now_us(), limit=2)
        every = [row for page in found for row in page.found]
        assert len({row.id for row in every}) == len(every) == value == found[0].total, href
        assert all(State(row.state) in OPEN for row in every)
        tried += 1
    assert tried > 10


async def me(database, clock):
    async with database.writing() as connection:
        return await accounts.create(
            connection, clock, login="malee", role=Role.AGENT, name_th="มาลี", name_en="M"
        )


async def test_lost_calls_and_callers(database):
    numbers = [f"08{n}2345678" for n in range(1, 6)]
    made = [lost(n, MONDAY + n * MINUTE, presented=number) for n, number in enumerate(numbers)]
    made += [
        lost(10, MONDAY, presented=None),
        lost(11, MONDAY + DAY, Outcome.QUEUE_TIMEOUT, presented=numbers[0]),
        lost(12, MONDAY, Outcome.ABANDONED_MENU, presented=numbers[1], queued=False),
        served(20, MONDAY + 30 * MINUTE, presented=numbers[0], direction=OUTBOUND),
        served(21, MONDAY + 40 * MINUTE, presented=numbers[1]),
    ]
    made += [served(30 + n, MONDAY - n * DAY, presented=numbers[4]) for n in range(10)]
    await save(database, *made)
    clock = HeldClock("2026-11-24T10:00")
    by = await me(database, clock)
    async with database.writing() as connection:
        await give_up(connection, clock, by, made[2].call_id, "ติดต่อไม่ได้")

    async def all_of_them():
        assert await every_row_adds_up(database, CALLBACKS) >= 4
        assert await every_row_adds_up(database, REPEATS) >= 3
        config, filters = config_of("ours"), Filters(NOVEMBER)
        shown = await callbacks.build(database, config, filters)
        assert await every_link_adds_up(database, shown, "/figures/calls") == {CALLBACKS}
        shown = await callers.build(database, config, filters)
        assert REPEATS in await every_link_adds_up(database, shown, "/figures/calls")

    await all_of_them()
    state = Figure(CALLBACKS, NOVEMBER, ("calls",), {"state": "called_back"})
    _, found = await adds_up(database, state)
    assert [one.stored.call.call_id for one in found] == [made[0].call_id]
    # the call back comes late, and another caller wants to be forgotten
    await save(
        database,
        served(40, MONDAY + 3 * DAY, presented=numbers[3], direction=OUTBOUND),
        lost(41, MONDAY - DAY, presented=numbers[3]),
    )
    assert (await adds_up(database, state))[0] == 3
    await all_of_them()
    async with database.writing() as connection:
        await erase_callers(connection, clock, [made[4].call_id, made[3].call_id])
    nobody = Figure(CALLBACKS, NOVEMBER, ("calls",), {"state": "no_number"})
    _, found = await adds_up(database, nobody)
    assert all(one.stored.call.caller_presented is None for one in found)
    assert len(found) == 3
    await all_of_them()


async def test_what_callers_say(database):
    def asked(number, agent, *answers):
        call = served(number, MONDAY + number * DAY, agents=(agent,))
        end = call.agents[-1].released_at
        call.marks = [Mark("survey_begin", end, "information"),
                      *(Mark(name, end, value) for name, value in answers)]  # fmt: skip
        return call

    await save(
        database,
        asked(0, "1001", ("survey_rating", "5"), ("survey_settled", "yes")),
        asked(1, "1001", ("survey_rating", "1"), ("survey_settled", "no")),
        asked(2, "1002", ("survey_rating", "4")),
        asked(3, "1002"),
        served(4, MONDAY),
    )
    assert await every_row_adds_up(database, SURVEYS) == 6
    for filters in (Filters(NOVEMBER), Filters(NOVEMBER, agent="1001", grain="month")):
        shown = await survey.build(database, config_of("ours"), filters)
        assert await every_link_adds_up(database, shown, "/figures/calls") == {SURVEYS}
    queue, when, officer = shown.sheets
    assert [row[1].value for row in (*queue.rows, *officer.rows)] == [2, 2]  # 1001 alone
    assert [row[1].value for row in when.rows] == [2]  # all of the month


async def test_told_and_real_waits(database):
    def told(number, value, waited, outcome=PassageOutcome.ANSWERED):
        call = served(number, MONDAY + number * DAY)
        call.marks = [Mark("wait", call.entered_at, value)]
        (passage,) = call.passages
        passage.left_at, passage.outcome = passage.joined_at + waited * SECOND, outcome
        return call

    await save(
        database,
        told(0, "1-3", 100), told(1, "1-3", 30), told(2, "1-3", 200), told(3, "10-", 700),
        told(4, "1-3", 100, PassageOutcome.ABANDONED), told(5, "now", 3), told(6, "0-1", 20),
        served(7, MONDAY),
    )  # fmt: skip
    assert await every_row_adds_up(database, WAITS_TOLD) == 7
    for filters in (Filters(NOVEMBER), Filters(NOVEMBER, queue="information")):
        shown = await queues.build(database, config_of("ours"), filters)
        assert WAITS_TOLD in await every_link_adds_up(database, shown, "/figures/calls")
        (sheet,) = [one for one in shown.sheets if one.id == "waits_told"]
        assert [(row[0][1], *(getattr(v, "value", v) for v in row[1:])) for row in sheet.rows] == [
            ("up to 1 min", 1, 1, 0, 0, 0, 1.0),
            ("1–3 min", 4, 1, 1, 1, 1, 1 / 3),
            ("more than 10 min", 1, 1, 0, 0, 0, 1.0),
            ("an officer is free (nothing said)", 1, 0, 0, 0, 1, None),
            ("All bands", 6, 3, 1, 1, 1, 0.6),
        ]


async def test_the_calls_that_were_counted_before_are_in_it_too(database):
    """What the migration makes is what counting makes of the same calls."""
    call = served(0, MONDAY)
    call.marks = [Mark("wait", call.entered_at, "0-1"), Mark("wait", call.ended_at, "9-")]
    await save(database, call, served(1, MONDAY + DAY))
    counted = await figures(database)
    assert counted["figures_waits_told"]
    async with database.writing() as connection:
        await connection.execute(text("DROP TABLE figures_waits_told"))
        await connection.execute(text("UPDATE alembic_version SET version_num = '0031'"))
    await brought_to(database, "0032")
    assert (await figures(database))["figures_waits_told"] == counted["figures_waits_told"]


async def test_officers_records(database):
    clock = HeldClock("2026-11-23T10:00")
    line = Line(database, clock)
    running = asyncio.create_task(line.loop.run())
    wrapups = Wrapups(database, clock, line.declare)
    by = await me(database, clock)
    calls = [served(n, MONDAY - (20 - n) * MINUTE, agents=("1001", "1002")) for n in range(5)]
    await save(database, *calls)
    for n, call in enumerate(calls):
        for agent in ("1001", "1002")[: 1 + n % 2]:
            said = ("answered", "fta") if n % 2 == 0 else ("cut_off", None)
            entry = Entry("information", *said, "")
            await wrapups.save(by, call.call_id, agent, entry)
    line.loop.stop()
    await running
    assert await every_row_adds_up(database, SUBJECTS) == 2
    shown = await callers.build(database, config_of("ours"), Filters(NOVEMBER))
    assert SUBJECTS in await every_link_adds_up(database, shown, "/figures/behind")
    _, found = await adds_up(database, Figure(SUBJECTS, NOVEMBER, ("records",), {"subject": "fta"}))
    assert {one.row["call_id"] for one in found} == {calls[n].call_id for n in (0, 2, 4)}


async def test_time_at_the_desk(database):
    clock = HeldClock("2026-11-23T20:30")
    by = await me(database, clock)
    for n, agent in enumerate(("1001", "1002")):
        seat = Sitting(f"s{n}", by.id, agent, ("information",), clock.at, f"t{n}",
                       agent_states.State.READY, clock.at)  # fmt: skip
        async with database.writing() as connection:
            await sittings.begin(connection, seat)
        paused = seat.to(agent_states.State.PAUSED, clock.at + 3 * 60 * MINUTE, Source.DESK,
                         f"p{n}", reason="lunch")  # fmt: skip
        async with database.writing() as connection:
            await sittings.change(connection, seat, paused)
        again = paused.to(
            agent_states.State.READY, clock.at + 5 * 60 * MINUTE, Source.DESK, f"r{n}"
        )
        async with database.writing() as connection:
            await sittings.change(connection, paused, again)
        if n:  # the other one sits there still: that is in no figure
            async with database.writing() as connection:
                await sittings.end(connection, again, clock.at + 6 * 60 * MINUTE, "desk")
    assert await every_row_adds_up(database, AGENT_TIMES) == 4
    days = [Period(date(2026, 11, day), date(2026, 11, day)) for day in (22, 23, 24)]
    found = [
        (await adds_up(database, Figure(AGENT_TIMES, day, ("time_us",), {"state": "paused"})))[0]
        for day in days
    ]
    assert found == [0, 60 * MINUTE, 3 * 60 * MINUTE]
    shown = await officers.build(database, config_of("ours"), Filters(days[1]), clock=clock)
    assert await every_link_adds_up(database, shown, "/figures/behind") == {AGENT_TIMES}


@pytest.mark.parametrize("form", [CASES, SUBJECTS, AGENT_TIMES, CALLBACKS, REPEATS])
async def test_nothing_is_behind_a_figure_of_nothing(database, form):
    count = "calls" if form is REPEATS else form.counts[0]
    assert await adds_up(database, Figure(form, NOVEMBER, (count,), {})) == (0, [])
