"""How SQLite goes about what it is asked: which index, or all rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import event
from sqlalchemy.engine import Connection


@contextmanager
def plans(connection: Connection) -> Iterator[list[str]]:
    """How SQLite goes about each statement that is executed meanwhile."""
    found: list[str] = []

    def explained(conn, _cursor, statement, parameters, _context, _many):
        if statement.startswith("EXPLAIN"):
            return
        with closing(conn.connection.cursor()) as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found.extend(row[3] for row in cursor.fetchall())

    event.listen(connection, "before_cursor_execute", explained)
    yield found
