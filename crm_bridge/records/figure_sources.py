"""What is counted beside the calls: cases, officers' records, sittings, lost callers.

Each such thing is counted as it stands. What it added last is kept, so that it is taken back to the
last one when it is counted again, at the end of the transaction in which it changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import structlog
from sqlalchemy import Dialect
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from crm_bridge.figures.tallies import Tallies, read_again, written
from crm_bridge.records.before_commit import before_commit
from crm_bridge.records.figures import Figures

_STATE: Final = "SELECT whole, walked_kind FROM figures_state"

_log = structlog.get_logger(__name__)


class Source(Protocol):
    """A kind of things that are counted; works on a connection of the writers'."""

    kind: str

    def after(self, connection: Connection, last: str, page: int) -> Sequence[str]:
        """The next ids behind this one, in the order of their bytes."""
        ...

    def count(self, connection: Connection, ids: Sequence[str]) -> Mapping[str, Tallies]:
        """What these things add as they stand; one that is not there may be left out."""
        ...


def changed(connection: AsyncConnection, source: Source, *ids: str) -> None:
    """These things are counted again before this transaction (`Database.writing`) is saved."""

    def work(given: Connection, wanted: Sequence[str]) -> None:
        recount(given, source, wanted)

    before_commit(connection, source.kind, work, ids)


def recount(connection: Connection, source: Source, ids: Sequence[str]) -> None:
    """Takes back what these things added, and adds what they are now.

    While all is counted anew and has not come to such things, it does nothing: they are counted
    then.
    """
    whole, walked_kind = connection.exec_driver_sql(_STATE).one()
    if ids and (whole or walked_kind is not None):
        _Added(connection.dialect).recount(connection, source, ids)


class _Added:
    def __init__(self, dialect: Dialect) -> None:
        self._sqlite = dialect.name == "sqlite"
        self._figures = Figures(dialect)

    def recount(self, connection: Connection, source: Source, ids: Sequence[str]) -> None:
        wanted = sorted(set(ids))
        before = self._read(connection, source.kind, wanted)
        now = source.count(connection, wanted)
        difference = Tallies()
        kept, gone = [], []
        for one in wanted:
            text = written(now[one]) if one in now else ""
            if text == before.get(one, ""):
                continue
            try:
                difference.add(read_again(before.get(one, "")), -1)
            except (ValueError, LookupError, TypeError):
                # as `Figures.add`: what is counted is saved whatever the figures hold
                _log.error("figures are damaged: to be counted anew", kind=source.kind)
                self._figures.begin_anew(connection)
                return
            difference.add(read_again(text))
            if text:
                kept.append((source.kind, one, text))
            else:
                gone.append((source.kind, one))
        for statement, rows in ((self._put(), kept), (self._drop(), gone)):
            if rows:
                connection.exec_driver_sql(statement, rows)
        self._figures.add(connection, difference)

    def _read(self, connection: Connection, kind: str, ids: list[str]) -> dict[str, str]:
        given = json.dumps(ids) if self._sqlite else ids
        which = "SELECT value FROM json_each(?)" if self._sqlite else "SELECT unnest($2::text[])"
        where = f"kind = {self._mark(1)} AND id IN ({which})"
        sql = f"SELECT id, tallies FROM figures_added WHERE {where}"  # noqa: S608  constants only
        rows = connection.exec_driver_sql(sql, (kind, given))
        return {row[0]: row[1] for row in rows}

    def _put(self) -> str:
        marks = ", ".join(self._mark(n) for n in (1, 2, 3))
        return (
            f"INSERT INTO figures_added (kind, id, tallies) VALUES ({marks}) "  # noqa: S608  constants only
            "ON CONFLICT (kind, id) DO UPDATE SET tallies = excluded.tallies"
        )

    def _drop(self) -> str:
        return f"DELETE FROM figures_added WHERE kind = {self._mark(1)} AND id = {self._mark(2)}"  # noqa: S608  constants only

    def _mark(self, number: int) -> str:
        return "?" if self._sqlite else f"${number}"
