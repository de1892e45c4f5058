"""Counting what is not in the figures: after an upgrade, or all of it anew.

First the calls, then what is counted beside them. A page is one short transaction, so that the line
and the desk write in between; calls that close or change meanwhile are counted by the writer.
Broken off, it goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, func, select, tuple_, update
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.figures.tallies import Tallies
from crm_bridge.records.database import Database
from crm_bridge.records.faults import storage_fault
from crm_bridge.records.figure_sources import Source, recount
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

    def __init__(self, database: Database, sources: Sequence[Source]) -> None:
        """`sources`: what is counted beside the calls, always the same in the same order."""
        self._database = database
        self._sources = sources
        self._figures = Figures(database.engine.dialect)
        self._session = database.writing_session()

    async def step(self, page: int = PAGE) -> int:
        """Counts the next page; how many things it looked at, 0 when all are. StorageError."""
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
        while not state.whole:
            if state.walked_kind is None:
                found = self._calls(connection, state, page)
            else:
                found = self._things(connection, state, page)
            if found:
                return found
            state = connection.execute(select(figures_state)).one()
        return 0

    def _things(self, connection: Connection, state: Row[Any], page: int) -> int:
        kinds = [source.kind for source in self._sources]
        at = kinds.index(state.walked_kind)
        ids = self._sources[at].after(connection, state.walked_id or "", page)
        recount(connection, self._sources[at], ids)
        if ids:
            self._now_at(connection, walked_id=ids[-1])
        else:
            self._next(connection, kinds[at + 1 :])
        return len(ids)

    def _next(self, connection: Connection, kinds: Sequence[str]) -> None:
        if kinds:
            self._now_at(connection, walked_kind=kinds[0], walked_id=None)
        else:
            self._now_at(connection, whole=1, walked_kind=None, walked_id=None)

    def _now_at(self, connection: Connection, **values: Any) -> None:
        connection.execute(update(figures_state).values(**values))

    def _calls(self, connection: Connection, state: Row[Any], page: int) -> int:
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
        if found:
            last = found[-1]
            self._now_at(connection, walked_us=last.entered_us, walked_id=last.call_id)
        else:
            self._next(connection, [source.kind for source in self._sources])
        return len(found)
