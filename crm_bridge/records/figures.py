"""The figures kept beside the calls, in the transaction of the calls themselves.

What a call added is taken back by counting its stored rows once more, so that after any order of
late data and corrections a figure is what counting all calls anew gives, to the byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Final

import structlog
from sqlalchemy import Dialect, delete, update
from sqlalchemy.engine import Connection

from crm_bridge.figures.counting import LISTS, Row, count_call
from crm_bridge.figures.forms import REPEATS, Form, times
from crm_bridge.figures.histogram import changed
from crm_bridge.figures.tallies import Key, Tallies, Tally, rows_to_add
from crm_bridge.records.figure_tables import COUNTED, FIGURES, figures_state
from crm_bridge.records.tables import CHILDREN, calls

_log = structlog.get_logger(__name__)

_RESUME: Final = "run `hotline figures resume`; the next `hotline run` does it too"
_GENERATION: Final = "SELECT generation FROM figures_state"


class Figures:
    """Reads and writes the tables of figures on a connection of the writer's."""

    def __init__(self, dialect: Dialect) -> None:
        self._sqlite = dialect.name == "sqlite"
        self._quote = dialect.identifier_preparer.quote  # `left` is a word of SQL
        which = self._which()
        heads = ", ".join(self._quote(c.name) for c in calls.c)
        self._heads = f"SELECT {heads} FROM calls WHERE call_id IN ({which})"  # noqa: S608  constants only
        self._lists = {
            n: f"SELECT {', '.join(self._quote(c.name) for c in CHILDREN[n].c)} "  # noqa: S608  constants only
            f"FROM {CHILDREN[n].name} WHERE call_id IN ({which}) "
            f"ORDER BY {', '.join(c.name for c in CHILDREN[n].primary_key)}"
            for n in LISTS
        }
        self._stored = {form: self._stored_sql(form) for form in FIGURES}
        self._upsert = {form: self._upsert_sql(form) for form in FIGURES}
        self._callers = self._callers_sql()
        marks = self._marks(3)
        self._caller = (
            f"INSERT INTO figures_callers (month_us, e164, calls) VALUES ({marks}) "  # noqa: S608  constants only
            "ON CONFLICT (month_us, e164) DO UPDATE SET calls = excluded.calls"
        )
        month, number = self._marks(2).split(", ")
        self._caller_gone = (
            f"DELETE FROM figures_callers WHERE month_us = {month} AND e164 = {number}"  # noqa: S608  constants only
        )
        self._delete = {form: self._delete_sql(form) for form in FIGURES}

    def generation(self, connection: Connection) -> int:
        """What `calls.counted` of a call is that is in the figures."""
        return int(connection.exec_driver_sql(_GENERATION).scalar_one())

    def count_stored(
        self, connection: Connection, tallies: Tallies, call_ids: Sequence[str], sign: int
    ) -> None:
        """Adds these calls as they are on disk; with `sign` -1 takes them back."""
        if not call_ids:
            return
        given = self._given(list(call_ids))
        heads = self._rows(connection, self._heads, given)
        lists: dict[str, list[list[Row]]] = {i: [[] for _ in CHILDREN] for i in call_ids}
        for n, sql in self._lists.items():
            for row in self._rows(connection, sql, given):
                lists[row[0]][n].append(row)
        for head in heads:
            count_call(tallies, head, lists[head[0]], sign)

    def begin_anew(self, connection: Connection) -> None:
        """Empties the figures; `Walk` then counts every call again."""
        for table in COUNTED:
            connection.execute(delete(table))
        connection.execute(
            update(figures_state).values(
                generation=figures_state.c.generation + 1, walked_us=None, walked_kind=None,
                walked_id=None, whole=0,
            )
        )  # fmt: skip

    def add(self, connection: Connection, tallies: Tallies) -> int:
        """Adds differences to what is stored; how many rows were written.

        Where what is stored cannot have been counted by this rule, counting anew is begun: what is
        counted is saved whatever the figures hold, they can be made of it again.
        """
        try:
            return self.apply(connection, tallies)
        except ValueError:
            _log.error("figures do not add up: to be counted anew", mend=_RESUME)
            self.begin_anew(connection)
            return 0

    def apply(self, connection: Connection, tallies: Tallies) -> int:
        """Adds these differences to what is stored; how many rows were written.

        ValueError where a stored histogram is damaged, or was counted by another rule.
        """
        self._repeat(connection, tallies)
        written = 0
        for form, rows in rows_to_add(tallies):
            if not rows:
                continue
            keys = sorted(rows)
            spans = self._spans(connection, form, rows, keys)
            upserts = [(*key, *rows[key].counts, *spans[key]) for key in keys]
            self._write(connection, self._upsert[form], upserts)
            written += len(keys)
            less = [key for key in keys if min(rows[key].counts) < 0]
            if less:  # only what was taken back can have left nothing
                self._write(connection, self._delete[form], less)
        return written

    def _repeat(self, connection: Connection, tallies: Tallies) -> None:
        """Makes `REPEATS` of how many calls more each caller has made."""
        changed = {caller: calls for caller, calls in tallies.callers.items() if calls}
        if not changed:
            return
        callers = sorted(changed)
        given: tuple[Any, ...] = (json.dumps(callers),)
        if not self._sqlite:
            given = tuple(list(column) for column in zip(*callers, strict=True))
        stored = {
            (month, number): calls
            for month, number, calls in self._rows(connection, self._callers, given)
        }
        rows: list[Row] = []
        gone: list[Row] = []
        for caller in callers:
            before = stored.get(caller, 0)
            now = before + changed[caller]
            for made, sign in ((before, -1), (now, 1)):
                if made:
                    tally = tallies.at(REPEATS, (caller[0], times(made)))
                    tally.counts[0] += sign
                    tally.counts[1] += sign * made
            if now:
                rows.append((*caller, now))
            else:
                gone.append(caller)
        for statement, entries in ((self._caller, rows), (self._caller_gone, gone)):
            if entries:
                self._write(connection, statement, entries)

    def _spans(
        self, connection: Connection, form: Form, rows: Mapping[Key, Tally], keys: list[Key]
    ) -> dict[Key, Sequence[bytes]]:
        """The histograms of these rows with their differences applied."""
        if not form.spans:
            return dict.fromkeys(keys, ())
        given: tuple[Any, ...] = (json.dumps(keys),)
        if not self._sqlite:
            given = tuple(list(column) for column in zip(*keys, strict=True))
        width = 2 + len(form.keys)
        stored = {
            tuple(row[:width]): row[width:]
            for row in self._rows(connection, self._stored[form], given)
        }
        nothing = [b""] * len(form.spans)
        return {
            key: [
                changed(data, more) if more else bytes(data)
                for data, more in zip(stored.get(key, nothing), rows[key].spans, strict=True)
            ]
            for key in keys
        }

    # a call takes some twenty statements; SQLAlchemy's way to one costs more than SQLite's work

    def _rows(self, connection: Connection, sql: str, given: tuple[Any, ...]) -> Sequence[Row]:
        if not self._sqlite:
            return [tuple(row) for row in connection.exec_driver_sql(sql, given).all()]
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(sql, given)
            return cursor.fetchall()

    def _write(self, connection: Connection, sql: str, rows: list[Row]) -> None:
        if not self._sqlite:
            connection.exec_driver_sql(sql, rows)
            return
        with closing(connection.connection.cursor()) as cursor:
            cursor.executemany(sql, rows)

    def _given(self, ids: list[str]) -> tuple[Any, ...]:
        return (json.dumps(ids),) if self._sqlite else (ids,)

    def _which(self) -> str:
        return "SELECT value FROM json_each(?)" if self._sqlite else "SELECT unnest($1::text[])"

    def _callers_sql(self) -> str:
        given, names = "unnest($1::bigint[], $2::text[]) AS j(month, number)", "j.month, j.number"
        if self._sqlite:
            given = "json_each(?) AS j"
            names = "json_extract(j.value, '$[0]'), json_extract(j.value, '$[1]')"
        return (
            f"SELECT t.month_us, t.e164, t.calls FROM {given} JOIN figures_callers AS t "  # noqa: S608  constants only
            f"ON (t.month_us, t.e164) = ({names})"
        )

    def _stored_sql(self, form: Form) -> str:
        keys = _keys(form)
        columns = ", ".join(f"t.{self._quote(name)}" for name in (*keys, *form.spans))
        if self._sqlite:
            given = "json_each(?) AS j"
            matches = [f"t.{name} = json_extract(j.value, '$[{n}]')" for n, name in enumerate(keys)]
        else:
            kinds = ["bigint" if name == "from_us" else "text" for name in keys]
            arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(kinds, 1))
            names = ", ".join(f"k{n}" for n in range(len(kinds)))
            given = f"unnest({arrays}) AS j({names})"
            matches = [f"t.{name} = j.k{n}" for n, name in enumerate(keys)]
        return f"SELECT {columns} FROM {given} JOIN {form.name} AS t ON {' AND '.join(matches)}"  # noqa: S608  constants only

    def _upsert_sql(self, form: Form) -> str:
        keys = _keys(form)
        counts = [self._quote(name) for name in form.counts]
        columns = (*keys, *counts, *form.spans)
        sums = [f"{name} = {form.name}.{name} + excluded.{name}" for name in counts]
        return (
            f"INSERT INTO {form.name} ({', '.join(columns)}) "  # noqa: S608  constants only
            f"VALUES ({self._marks(len(columns))}) ON CONFLICT ({', '.join(keys)}) DO UPDATE SET "
            + ", ".join([*sums, *(f"{name} = excluded.{name}" for name in form.spans)])
        )

    def _delete_sql(self, form: Form) -> str:
        keys = _keys(form)
        matches = [
            f"{name} = {mark}"
            for name, mark in zip(keys, self._marks(len(keys)).split(", "), strict=True)
        ]
        nothing = [f"{self._quote(name)} = 0" for name in form.counts]
        nothing += [f"length({name}) = 0" for name in form.spans]
        return f"DELETE FROM {form.name} WHERE {' AND '.join(matches + nothing)}"  # noqa: S608  constants only

    def _marks(self, count: int) -> str:
        return ", ".join("?" if self._sqlite else f"${n}" for n in range(1, count + 1))


def _keys(form: Form) -> tuple[str, ...]:
    return ("level", "from_us", *form.keys)
