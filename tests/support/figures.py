"""The figures as they lie in a database, and counting them anew."""

from __future__ import annotations

from sqlalchemy import select

from crm_bridge.desk.desk_figures import SOURCES
from crm_bridge.records.figure_tables import COUNTED, FIGURES
from crm_bridge.records.figures_walk import Walk, begin_anew, whole


async def figures(database):
    """Every row of every table of figures, as it lies there."""
    async with database.reading() as connection:
        return {
            table.name: [
                tuple(map(_plain, row))
                for row in await connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in COUNTED
        }


def _plain(value):
    return bytes(value) if isinstance(value, memoryview) else value


async def walk(database, page=200):
    walking = Walk(database, SOURCES)
    try:
        while await walking.step(page):
            pass
    finally:
        await walking.close()
    assert await is_whole(database)


async def is_whole(database):
    async with database.reading() as connection:
        return await whole(connection)


async def counted_anew(database, page=200):
    await begin_anew(database)
    assert not any((await figures(database)).values())
    assert not await is_whole(database)
    await walk(database, page)
    return await figures(database)


async def counts(database, form, **where):
    table = FIGURES[form]
    where = {"level": form.levels[0], **where}
    query = select(table).where(*(table.c[name] == value for name, value in where.items()))
    async with database.reading() as connection:
        rows = [row._mapping for row in await connection.execute(query)]
    return {name: sum(row[name] for row in rows) for name in form.counts}
