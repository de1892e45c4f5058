"""The writer's statements, compiled once for an engine: what is sent thousands of times a minute.

Each takes plain tuples in the order of the table's columns, so that a row costs its insert and
nothing else.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Table, and_, bindparam, case, delete, func, or_, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.elements import ClauseElement

from crm_bridge.records import outbox
from crm_bridge.records.tables import CHILDREN, callers, calls, journal


class Statements:
    """SQL text by purpose, for `exec_driver_sql`."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        is_sqlite = dialect.name == "sqlite"
        self._insert: Any = sqlite.insert if is_sqlite else postgresql.insert
        self.journal = self._sql(
            self._insert(journal).on_conflict_do_nothing(), [c.name for c in journal.c]
        )
        self.call = self._upsert(calls, lambda new: new.revision >= calls.c.revision)
        self.children = tuple(self._upsert(table) for table in CHILDREN)
        self.clear = tuple(
            self._sql(delete(t).where(t.c.call_id == bindparam("call_id")), ["call_id"])
            for t in CHILDREN
        )
        which = "SELECT value FROM json_each(?)" if is_sqlite else "SELECT unnest($1::text[])"
        self.stored = (
            "SELECT calls.call_id, revision, digest, erased_calls.call_id IS NOT NULL, "  # noqa: S608  constants only
            "counted, closed, ended_us, caller_e164, caller_name, entered_us FROM calls "
            "LEFT JOIN erased_calls ON erased_calls.call_id = calls.call_id "
            f"WHERE calls.call_id IN ({which})"
        )
        self.outbox = self._sql(outbox.statement(dialect), list(outbox.COLUMNS))
        self.caller_seen = self._caller_seen()
        mark = "?" if is_sqlite else "$1"
        self.caller_left = f"UPDATE callers SET calls = calls - 1 WHERE e164 = {mark}"  # noqa: S608  constants only
        self.caller_gone = f"DELETE FROM callers WHERE calls <= 0 AND e164 = {mark}"  # noqa: S608  constants only
        newest = (
            "FROM calls WHERE caller_e164 = callers.e164 AND caller_name IS NOT NULL "
            "ORDER BY entered_us DESC, call_id DESC LIMIT 1"
        )
        self.caller_again = (
            "UPDATE callers SET "  # noqa: S608  constants only
            "first_seen_us = (SELECT min(entered_us) FROM calls WHERE caller_e164 = callers.e164), "
            "last_seen_us = (SELECT max(entered_us) FROM calls WHERE caller_e164 = callers.e164), "
            f"name = (SELECT caller_name {newest}), name_us = (SELECT entered_us {newest}), "
            f"name_call_id = (SELECT call_id {newest}) WHERE e164 = {mark}"
        )

    def _upsert(self, table: Table, condition: Any = None) -> str:
        statement = self._insert(table)
        keys = [c.name for c in table.primary_key]
        new = statement.excluded
        statement = statement.on_conflict_do_update(
            index_elements=keys,
            set_={c.name: new[c.name] for c in table.c if c.name not in keys},
            where=None if condition is None else condition(new),
        )
        return self._sql(statement, [c.name for c in table.c])

    def _caller_seen(self) -> str:
        """Count one call more: e164, 1, entered, entered, name, name's time, name's call."""
        statement = self._insert(callers)
        new = statement.excluded
        old = callers.c
        newer = and_(
            new.name.is_not(None),
            or_(
                old.name_us.is_(None),
                tuple_(new.name_us, new.name_call_id) > tuple_(old.name_us, old.name_call_id),
            ),
        )
        # on SQLite min and max of two are functions, on PostgreSQL least and greatest are
        least, greatest = (
            (func.min, func.max) if self._dialect.name == "sqlite" else (func.least, func.greatest)
        )
        statement = statement.on_conflict_do_update(
            index_elements=["e164"],
            set_={
                "calls": old.calls + new.calls,
                "first_seen_us": least(old.first_seen_us, new.first_seen_us),
                "last_seen_us": greatest(old.last_seen_us, new.last_seen_us),
                "name": case((newer, new.name), else_=old.name),
                "name_us": case((newer, new.name_us), else_=old.name_us),
                "name_call_id": case((newer, new.name_call_id), else_=old.name_call_id),
            },
        )
        return self._sql(statement, [c.name for c in callers.c])

    def _sql(self, statement: ClauseElement, order: list[str]) -> str:
        compiled: Any = statement.compile(dialect=self._dialect)
        if list(compiled.positiontup) != order:
            raise AssertionError(f"parameters of {statement} are not in the order of {order}")
        return str(compiled)
