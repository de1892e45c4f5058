"""`hotline reconcile`: the records against Asterisk's own books, and repaired by them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy import select

from crm_bridge.clock import SystemClock
from crm_bridge.commands import logs
from crm_bridge.commands.exits import FOUND, run
from crm_bridge.commands.opened import opened
from crm_bridge.commands.options import DEFAULT_CONFIG, ConfigFile, Since, load, moment
from crm_bridge.config import Config
from crm_bridge.errors import ConfigMistake
from crm_bridge.reconciling.books import Books, books_of
from crm_bridge.reconciling.comparing import Compared, as_json, compare, repaired
from crm_bridge.records.database import Database
from crm_bridge.records.tables import calls
from crm_bridge.records.writer import Writer, batch_of
from ivr.books.differences import Difference
from ivr.books.ledger import BookCall
from ivr.books.reading import Reading
from ivr.calls.call import INBOUND, Micros
from ivr.calls.directory import Directory
from ivr.steps.standards import load_standards

_AT_ONCE: Final = 200
"""Calls that are compared by one query a table, and repaired in one commit."""
_SETTLED: Final = 2_000_000
"""Microseconds after a call's end in which a running bridge may not have written it yet."""


def reconcile(
    config: ConfigFile = DEFAULT_CONFIG,
    cel: Annotated[
        Path | None,
        typer.Option(
            "--cel",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
            envvar="HOTLINE_CEL",
            help="Asterisk's CEL, this file alone; else the node's cel_file with its rotated ones.",
        ),
    ] = None,
    queue_log: Annotated[
        Path | None,
        typer.Option(
            "--queue-log",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            readable=True,
            envvar="HOTLINE_QUEUE_LOG",
            help="Its queue_log, this file alone; else the node's, with its rotated ones.",
        ),
    ] = None,
    node: Annotated[
        str | None,
        typer.Option(
            envvar="HOTLINE_NODE_NAME",
            help="Only this node; needed where FILE is given and there are several.",
        ),
    ] = None,
    since: Since = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", envvar="HOTLINE_REPAIR", help="Fill and put right the records by the books."
        ),
    ] = False,
) -> None:
    """Compare the records with Asterisk's own books; each difference is a JSON line.

    Calls that are still going on are left alone. Times differ from 10 ms on. Exit code 1 where
    there is a difference; after --repair a second run finds none. What no book knows stays null.

    Example:  hotline reconcile --since 2026-11-23 --repair
    """  # fmt: skip
    loaded = load(config, nodes=True)
    logs.set_up(level=logs.LogLevel.WARNING)
    found = run(
        _reconcile(
            loaded, books_of(loaded, cel, queue_log, node), moment(since, "--since"), repair=repair
        )
    )
    if found:
        raise typer.Exit(FOUND)


@dataclass(slots=True)
class Count:
    """What a run has seen and done."""

    calls: int = 0
    differences: int = 0
    repaired: int = 0
    told: set[str] = field(default_factory=set)
    """Ids of the calls in the books."""


async def _reconcile(
    config: Config, books: Sequence[Books], since: Micros | None, *, repair: bool
) -> bool:
    async with opened(config.database.url) as database:
        count = await reconcile_books(database, config, books, since, repair=repair)
    typer.echo(
        f"{count.calls} calls in the books, {count.differences} differences"
        + (f", {count.repaired} records repaired" if repair else ""),
        err=True,
    )
    return count.differences > 0


async def reconcile_books(
    database: Database, config: Config, books: Sequence[Books], since: Micros | None, *,
    repair: bool,
) -> Count:  # fmt: skip
    """Prints what differs and repairs it where that is asked for; raises StorageError."""
    count = Count()
    tells = bool(config.connector)
    writer = Writer(database, tells=tells, act="calls.repaired") if repair else None
    try:
        for one in books:
            await _Run(config, database, writer, one, since, count).run()
    finally:
        if writer is not None:
            await writer.close()
    sys.stdout.flush()
    return count


class _Run:
    """One node's books against its records."""

    def __init__(
        self, config: Config, database: Database, writer: Writer | None, books: Books,
        since: Micros | None, count: Count,
    ) -> None:  # fmt: skip
        self._database = database
        self._writer = writer
        self._books = books
        self._since = since
        self._count = count
        self._directory: Directory = config.directory()
        self._standards = load_standards()
        self._clock = SystemClock()

    async def run(self) -> None:
        try:
            reading = Reading(
                self._books.node, self._directory, self._books.cel, self._books.queue_log,
                rotated=(self._books.cel_rotated, self._books.queue_log_rotated),
            )  # fmt: skip
            waiting: list[BookCall] = []
            for calls_of_piece in reading.calls():
                waiting += [c for c in calls_of_piece if self._wanted(c)]
                if len(waiting) >= _AT_ONCE:
                    await self._compare(waiting)
                    waiting = []
            await self._compare(waiting)
        except OSError as error:
            raise ConfigMistake(
                f"cannot read {error.filename}: {error.strerror}",
                where=f"the books of {self._books.node}",
                mend="name a file that this user may read",
            ) from error
        await self._look_for_others(reading)

    def _wanted(self, told: BookCall) -> bool:
        self._count.told.add(told.call.call_id)
        return self._since is None or told.call.entered_at >= self._since

    async def _compare(self, told: list[BookCall]) -> None:
        self._count.calls += len(told)
        compared = await compare(self._database, told)
        fresh = [c.told for c in compared if c.found and self._may_be_written_yet(c)]
        if fresh:
            await asyncio.sleep(_SETTLED / 1_000_000)
            again = {c.told.call.call_id: c for c in await compare(self._database, fresh)}
            compared = [again.get(c.told.call.call_id, c) for c in compared]
        for one in compared:
            if one.record is not None:
                self._count.told.add(one.record.call_id)
            for difference in one.found:
                self._print(difference)
        await self._repair([c for c in compared if c.found])

    def _may_be_written_yet(self, compared: Compared) -> bool:
        ended = compared.told.call.ended_at
        return ended is not None and self._clock.now_us() - ended < _SETTLED

    async def _repair(self, wrong: list[Compared]) -> None:
        while self._writer is not None and wrong:
            rows = [repaired(one, self._directory, self._standards) for one in wrong]
            done = await self._writer.commit(batch_of(calls=rows))
            self._count.repaired += done.written
            # of a record that the bridge has changed since it was read, that one is repaired
            again = [one.told for one in wrong if one.call_id in done.overtaken]
            wrong = [one for one in await compare(self._database, again) if one.found]

    async def _look_for_others(self, reading: Reading) -> None:
        """Records of the books' time that are in no book: said, and never taken away."""
        first, last = reading.ledger.first_at, reading.ledger.last_at
        if self._books.cel is None or first is None or last is None:
            return
        query = select(calls.c.call_id, calls.c.entered_us).where(
            calls.c.node == self._books.node,
            calls.c.direction == INBOUND,
            calls.c.closed,
            calls.c.entered_us >= max(first, self._since or 0),
            calls.c.entered_us <= last,
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.order_by(calls.c.entered_us))).all()
        for call_id, entered in rows:
            if call_id not in self._count.told and call_id not in reading.ledger.open_calls:
                self._print(Difference(call_id, "call", entered, None, is_time=True))

    def _print(self, difference: Difference) -> None:
        self._count.differences += 1
        line = json.dumps(as_json(difference), ensure_ascii=False, separators=(",", ":"))
        sys.stdout.write(line + "\n")
