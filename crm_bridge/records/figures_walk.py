"""Counting the calls that are not in the figures: after an upgrade, or all of them anew.

A page of calls is one short transaction, so that the line and the desk write in between; calls
that close or change meanwhile are counted by the writer. Broken off, it goes on where it was.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.figures.tallies import Tallies
from crm_bridge.records.database import Database
from crm_bridge.records.faults import storage_fault
from crm_bridge.records.figure_tables import figures_state
from crm_bridge.records.figures import Figures
from crm_bridge.records.tables import calls

PAGE: Final = 200
"""Calls a transaction."""


async def whole(connection: AsyncConnection) -> bool:
    """Whether every call that is over is in the figures."""
    return bool(await connection.scalar(select(figures_state.c.whole)))


async def begin_anew(database: Database) -> None:
    """Empties the figures; `Walk` then counts every call again."""
    figures = Figures(database.engine.dialect)
    async with database.writing() as connection:
        await connection.run_sync(figures.begin_anew)


async def calls_on_record(database: Database) -> int:
    """How many calls there are to be walked, for whoever shows how far it is."""
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).select_from(calls)) or 0


class Walk:
    """Counts a page at a time; close it when done."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._figures = Figures(database.engine.dialect)
        self._session = database.writing_session()

    async def step(self, page: int = PAGE) -> int:
        """Looks at the next page of calls; how many, 0 when all are counted. StorageError."""
        try:
            return await self._session.run(lambda connection: self._step(connection, page))
        except Exception as error:
            await self._session.close()
            if (fault := storage_fault(error, self._database.where)) is None:
                raise
            raise fault from error

    async def close(self) -> None:
        """Gives the connection back."""
        await self._session.close()

    def _step(self, connection: Connection, page: int) -> int:
        state = connection.execute(select(figures_state)).one()
        if state.whole:
            return 0
        place = (calls.c.entered_us, calls.c.call_id)
        query = select(*place, calls.c.closed, calls.c.counted).order_by(*place).limit(page)
        if state.walked_us is not None:
            query = query.where(tuple_(*place) > (state.walked_us, state.walked_id))
        found = connection.execute(query).all()
        new = [row.call_id for row in found if row.closed and row.counted != state.generation]
        tallies = Tallies()
        self._figures.count_stored(connection, tallies, new, 1)
        self._figures.apply(connection, tallies)
        connection.execute(
            update(calls).where(calls.c.call_id.in_(new)).values(counted=state.generation)
        )
        now_at = {"whole": 1}
        if found:
            last = found[-1]
            now_at = {"walked_us": last.entered_us, "walked_id": last.call_id, "whole": 0}
        connection.execute(update(figures_state).values(**now_at))
        return len(found)
