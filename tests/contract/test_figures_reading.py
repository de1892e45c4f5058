"""Figures of any span are those of the calls that began in it, whatever rows they are read from."""

from __future__ import annotations

import random
from datetime import date

import pytest

from crm_bridge.figures.counting import add_timing, count_call
from crm_bridge.figures.forms import AGENTS, CALLS, QUEUES, STEPS, SURVEYS
from crm_bridge.figures.levels import (
    DAY,
    HOUR,
    QUARTER,
    day_of,
    month_of,
    quarter_of,
    week_of,
)
from crm_bridge.figures.tallies import Tallies, Tally
from crm_bridge.records.figures import Figures
from crm_bridge.records.rows import snapshot
from crm_bridge.records.writer import Writer, batch_of
from crm_bridge.reports.period import Period
from crm_bridge.reports.reading import added_up, series
from crm_bridge.reports.source import checksum
from ivr.steps.timeline import timeline
from tests.support.desk_calls import SECOND, STANDARDS, directory, lost, served

FIRST = 1_790_730_000 * SECOND  # 30 September 2026 07:00 in Bangkok
STARTS = {"quarter": quarter_of, "day": day_of, "week": week_of, "month": month_of}
BOUNDS = [
    (FIRST, FIRST + 80 * DAY),
    (day_of(FIRST), month_of(FIRST + 40 * DAY)),
    (FIRST + 3 * HOUR + QUARTER, FIRST + 5 * DAY + QUARTER),
    (FIRST + 9 * DAY, FIRST + 9 * DAY + 5 * HOUR),
    (FIRST + 4 * DAY, FIRST + 27 * DAY + 11 * HOUR),
    (FIRST + 6 * DAY, FIRST + 58 * DAY),
    (FIRST + 9 * DAY, FIRST + 9 * DAY),
]


@pytest.fixture
async def counted(database):
    """Calls over ten weeks on disk, and their tallies by the finest level."""
    chance = random.Random(1203)
    found, states = Tallies(), []
    for n in range(60):
        at = FIRST + chance.randrange(70 * DAY)
        call = served(n, at, agents=("1001", "1002")[: 1 + n % 2]) if n % 3 else lost(n, at)
        made = snapshot(call, timeline(call, directory(), STANDARDS))
        count_call(found, made.call, made.children)
        states.append(made)
    writer = Writer(database)
    await writer.commit(batch_of(calls=states))
    await writer.close()
    return found


def summed(found, form, by, since, until, start=None):
    sums = {}
    for key, tally in found.rows[form].items():
        if since <= key[0] < until:
            named = dict(zip(form.keys, key[1:], strict=True))
            place = tuple(named[name] for name in by)
            if start is not None:
                place = (start(key[0]), *place)
            sums.setdefault(place, Tally.of(form)).add(tally)
    return dict(sorted(sums.items()))


async def test_sums_are_those_of_the_finest_rows(database, counted):
    async with database.reading() as connection:
        for since, until in BOUNDS:
            for form, by in ((STEPS, ("service", "step")), (QUEUES, ()), (AGENTS, ("agent",))):
                read = await added_up(connection, form, by, since=since, until=until)
                assert read == summed(counted, form, by, since, until)
            one = await added_up(
                connection, AGENTS, ("agent",), since=since, until=until, only={"agent": "1001"}
            )
            every = summed(counted, AGENTS, ("agent",), since, until)
            assert one == {key: tally for key, tally in every.items() if key == ("1001",)}
        everything = await added_up(connection, CALLS, ("outcome",))
        assert everything == summed(counted, CALLS, ("outcome",), 0, FIRST + 100 * DAY)
        assert sum(tally.counts[0] for tally in everything.values()) == 60


async def test_series_are_those_of_the_finest_rows(database, counted):
    async with database.reading() as connection:
        for since, until in BOUNDS:
            for grain, start in STARTS.items():
                for by in ((), ("service", "step")):
                    read = await series(
                        connection, STEPS, by, since=since, until=until, grain=grain
                    )
                    assert read == summed(counted, STEPS, by, since, until, start)


async def test_only_some_names_and_without_histograms(database, counted):
    async with database.reading() as connection:
        (since, until), *_ = BOUNDS
        some = await added_up(
            connection, STEPS, ("step",), since=since, until=until,
            only={"queue": "information", "step": ["inform", "log"]}, spans=False,
        )  # fmt: skip
        whole = summed(counted, STEPS, ("step",), since, until)
        assert set(some) == {("inform",), ("log",)}
        for key, tally in some.items():
            assert tally.counts == whole[key].counts
            assert not any(tally.spans)
        assert await added_up(connection, STEPS, ("step",), only={"queue": "nobody"}) == {}


async def test_officers_are_not_kept_by_the_quarter(database):
    async with database.reading() as connection:
        with pytest.raises(ValueError, match="not kept by the quarter"):
            await series(
                connection, AGENTS, ("agent",), since=FIRST, until=FIRST + DAY, grain="quarter"
            )


async def test_the_same_figures_have_the_same_checksum_as_ever(database):
    """Reports are on paper: what is printed on them must be found again by every later program."""
    found = Tallies()
    for n, agent in enumerate(("1001", "1002", "")):
        add_timing(
            found, 1_795_498_200 * SECOND + n, ("information", "information", "greet"), "within",
            "observed", n * SECOND, agent=agent, agency="dit" if n else "",
        )  # fmt: skip
    async with database.writing() as connection:
        await connection.run_sync(lambda c: Figures(c.dialect).apply(c, found))
    async with database.reading() as connection:
        month = await checksum(connection, Period(date(2026, 11, 1), date(2026, 11, 30)))
    assert month == "9685982ca52df24b97a93b59396aa7f9ee619ee329ebd49527ef21fd9957f855"
    asked = Tallies()
    asked.at(SURVEYS, (day_of(1_795_498_200 * SECOND), "information", "1001")).counts[0] = 1
    async with database.writing() as connection:
        await connection.run_sync(lambda c: Figures(c.dialect).apply(c, asked))
    async with database.reading() as connection:
        assert await checksum(connection, Period(date(2026, 11, 1), date(2026, 11, 30))) != month
