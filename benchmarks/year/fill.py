"""The year's calls as rows, and a migrated SQLite database filled with them.

What the one writer would have written, row for row, by the shorter way that is open to whoever has
the database to himself: plain inserts in large batches, the index by caller and the table of
callers made at the end. Figures are counted and written by the bridge's own code, so many calls at
once. While this process writes, another makes the next calls.
"""

from __future__ import annotations

import gc
import marshal
import multiprocessing
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from itertools import islice
from multiprocessing.connection import Connection
from typing import Final

from sqlalchemy import StaticPool, Table, create_engine

from benchmarks.year.calls import calls
from benchmarks.year.office import directory as the_office
from crm_bridge.cases.working_days import start_of
from crm_bridge.figures.counting import count_call
from crm_bridge.figures.tallies import Tallies
from crm_bridge.records import tables
from crm_bridge.records.callback_figures import NUMBERS
from crm_bridge.records.database import driver_url
from crm_bridge.records.figure_sources import recount
from crm_bridge.records.figures import Figures
from crm_bridge.records.rows import CallRows, Row, snapshot
from crm_bridge.records.tables import CHILDREN
from ivr.calls.call import Micros
from ivr.calls.directory import Directory
from ivr.steps.standards import Standards, load_standards
from ivr.steps.timeline import timeline

BATCH: Final = 5_000
"""Calls of one transaction."""
_COUNTED_AT_ONCE: Final = 20
"""So many batches are in the figures with one writing."""
_ALONE: Final = 20_000
"""Up to so many calls a second process is not worth its start."""

_IN_ORDER: Final = ("ix_calls_entered_us", "ix_calls_open", "ix_call_linkedids_linkedid")
"""Indexes that grow at their end while calls come in order; any other is made when all are in."""

_CALLERS: Final = (
    "INSERT INTO callers (e164, calls, first_seen_us, last_seen_us) "
    "SELECT caller_e164, count(*), min(entered_us), max(entered_us) FROM calls "
    "WHERE caller_e164 IS NOT NULL GROUP BY caller_e164"
)
_NAMES: Final = (
    "UPDATE callers SET name = newest.caller_name, name_us = newest.entered_us, "
    "name_call_id = newest.call_id FROM (SELECT caller_e164, caller_name, entered_us, call_id, "
    "row_number() OVER (PARTITION BY caller_e164 ORDER BY entered_us DESC, call_id DESC) AS place "
    "FROM calls WHERE caller_name IS NOT NULL AND caller_e164 IS NOT NULL) AS newest "
    "WHERE newest.place = 1 AND newest.caller_e164 = callers.e164"
)

Lists = tuple[list[Row], tuple[list[Row], ...]]
"""Rows of `calls`, and of each table of `CHILDREN`."""


def rows(
    seed: int, count: int, year: int, directory: Directory, standards: Standards
) -> Iterator[CallRows]:
    """The calls with their steps as the writer takes them, in order of entering."""
    for call in calls(seed, count, year):
        yield snapshot(call, timeline(call, directory, standards))


def saved_at(year: int) -> Micros:
    """`updated_us` of every call: the moment the year was over in Bangkok."""
    return start_of(date(year + 1, 1, 1))


def fill(url: str, *, seed: int, count: int, year: int) -> None:
    """Writes the year into a migrated SQLite database that holds no call yet; prints nothing.

    ValueError where the URL is of another engine or the database holds calls. Whatever is
    interrupted half-way leaves a file to be thrown away: nothing is synced before the end.
    """
    where = driver_url(url)
    if where.get_backend_name() != "sqlite" or where.database is None:
        raise ValueError("only a SQLite database can be filled")
    with closing(sqlite3.connect(where.database, isolation_level=None)) as connection:
        if connection.execute("SELECT 1 FROM calls LIMIT 1").fetchone() is not None:
            raise ValueError("the database holds calls already")
        for pragma in ("journal_mode=MEMORY", "synchronous=OFF", "cache_size=-131072"):
            connection.execute(f"PRAGMA {pragma}")
        _write(connection, seed, count, year)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_mode=WAL")


def _write(connection: sqlite3.Connection, seed: int, count: int, year: int) -> None:
    filled = {table.name for table in (tables.calls, *CHILDREN)}
    later = [
        (name, sql)
        for name, table, sql in connection.execute(
            "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        )
        if table in filled and name not in _IN_ORDER
    ]
    for name, _ in later:
        connection.execute(f"DROP INDEX {name}")
    into_calls = _insert(tables.calls)
    into_children = [_insert(table) for table in CHILDREN]
    made = _beside if count > _ALONE else _batches
    counting = _Counting(connection)
    for heads, children in made(seed, count, year):
        counting.add(heads, children)
        connection.execute("BEGIN")
        connection.executemany(into_calls, [(*head, counting.generation) for head in heads])
        for statement, entries in zip(into_children, children, strict=True):
            if entries:
                connection.executemany(statement, entries)
        connection.execute("COMMIT")
    counting.write()
    for _, sql in later:
        connection.execute(sql)
    connection.execute("BEGIN")
    connection.execute(_CALLERS)
    connection.execute(_NAMES)
    connection.execute("COMMIT")
    counting.lost_callers()


class OwnFigures:
    """The tables of figures of a database that nobody else has open."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.engine = create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)
        self._figures = Figures(self.engine.dialect)
        with self.engine.connect() as opened:
            self.generation = self._figures.generation(opened)

    def add(self, tallies: Tallies) -> None:
        """Adds them, in a transaction of their own."""
        self._connection.execute("BEGIN")
        with self.engine.connect() as opened:
            self._figures.apply(opened, tallies)
            self._connection.execute("COMMIT")


class _Counting:
    """Counts calls as they are given, and keeps the figures of them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._figures = OwnFigures(connection)
        self.generation = self._figures.generation
        self._tallies = Tallies()
        self._batches = 0

    def add(self, heads: list[Row], children: tuple[list[Row], ...]) -> None:
        """Calls and their lists, these in the order of the calls."""
        places = [0] * len(children)
        for head in heads:
            call_id, lists = head[0], []
            for n, entries in enumerate(children):
                first = end = places[n]
                while end < len(entries) and entries[end][0] == call_id:
                    end += 1
                places[n] = end
                lists.append(entries[first:end])
            count_call(self._tallies, head, lists)
        self._batches += 1
        if self._batches % _COUNTED_AT_ONCE == 0:
            self.write()

    def write(self) -> None:
        """Adds what was counted to the tables of figures."""
        self._figures.add(self._tallies)
        self._tallies = Tallies()

    def lost_callers(self) -> None:
        """Counts them, for which callers and the index by caller must stand."""
        last = ""
        with self._figures.engine.connect() as opened:
            while numbers := NUMBERS.after(opened, last, BATCH):
                self._connection.execute("BEGIN")
                recount(opened, NUMBERS, numbers)
                self._connection.execute("COMMIT")
                last = numbers[-1]


def _insert(table: Table) -> str:
    given = [column.name for column in table.c]
    names = ", ".join(given)
    marks = ", ".join("?" for _ in given)
    return f"INSERT INTO {table.name} ({names}) VALUES ({marks})"


def _batches(seed: int, count: int, year: int) -> Iterator[Lists]:
    saved = saved_at(year)
    made = rows(seed, count, year, the_office(), load_standards())
    while batch := list(islice(made, BATCH)):
        heads = [(*one.call, one.digest, saved) for one in batch]
        children: tuple[list[Row], ...] = tuple([] for _ in CHILDREN)
        for one in batch:
            for table, entries in zip(children, one.children, strict=True):
                if entries:
                    table.extend(entries)
        yield heads, children


def _beside(seed: int, count: int, year: int) -> Iterator[Lists]:
    """The same batches, made by a process of their own; one waits while another is written."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    maker = context.Process(target=_make, args=(theirs, seed, count, year), daemon=True)
    maker.start()
    theirs.close()
    try:
        while batch := mine.recv_bytes():
            yield marshal.loads(batch)
    except EOFError as error:
        raise RuntimeError("the process that makes the calls ended too soon") from error
    finally:
        mine.close()
        maker.join()


def _make(pipe: Connection, seed: int, count: int, year: int) -> None:
    gc.disable()  # calls hold each other in no circle: what is let go is gone at once
    try:
        for batch in _batches(seed, count, year):
            pipe.send_bytes(marshal.dumps(batch, 2))
        pipe.send_bytes(b"")
    except BrokenPipeError:
        return  # nobody writes them down any more
    finally:
        pipe.close()
