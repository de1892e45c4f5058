"""The figures of a seeded year, counted while it is made, are those of its calls."""

from __future__ import annotations

from benchmarks.year.fill import fill
from crm_bridge.figures.forms import CALLBACKS, CALLS
from crm_bridge.records.database import Database
from crm_bridge.reports.reading import added_up
from tests.support.figures import counted_anew, figures, is_whole
from tests.support.migrated import sqlite_url


async def test_a_year_is_counted_while_it_is_made(tmp_path):
    url = await sqlite_url(tmp_path / "year.db")
    fill(url, seed=7, count=400, year=2026)
    database = Database(url)
    try:
        kept = await figures(database)
        assert await is_whole(database)
        async with database.reading() as connection:
            (every,) = (await added_up(connection, CALLS, ())).values()
            lost = await added_up(connection, CALLBACKS, ("state",))
        assert every.counts[0] == 400
        assert sum(tally.counts[0] for tally in lost.values()) > 10
        assert await counted_anew(database) == kept
    finally:
        await database.close()
