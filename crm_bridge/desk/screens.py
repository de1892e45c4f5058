"""The officers' screens as one object: the board, who looks callers up, who sits where."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import structlog
from sqlalchemy import select

from crm_bridge.clock import Clock
from crm_bridge.desk.board import Board
from crm_bridge.desk.card import Reader
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.seats import Seats
from crm_bridge.errors import StorageError
from crm_bridge.live.hub import Hub
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.cases import cases
from ivr.calls.call import Call
from ivr.steps.standards import Standards

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Screens:
    """What the bridge feeds so that screens show it."""

    board: Board
    reader: Reader
    seats: Seats
    database: Database
    hub: Hub

    @classmethod
    def of(
        cls,
        floor: Floor,
        database: Database,
        hub: Hub,
        standards: Standards,
        clock: Clock,
    ) -> Self:
        """Screens that hear of the floor's calls and agents from here on."""
        board = Board(hub, floor.line.directory, standards)
        reader = Reader(database, clock, board.card)
        board.ask = reader.ask
        board.forget = reader.forget
        seats = Seats(hub, board.reseated)
        floor.line.on_call.append(board.changed)
        floor.agents.changed.append(seats.changed)
        return cls(board, reader, seats, database, hub)

    def take_up(self, calls: Iterable[Call]) -> None:
        """Calls that were in progress when the bridge started."""
        self.board.take_up(calls)

    async def run(self) -> None:
        """Looks callers up, and again when a case of theirs has changed, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.reader.run())
            group.create_task(self._watch_cases())

    async def _watch_cases(self) -> None:
        while not (listener := self.hub.listen(["cases"])).closed:
            # one that fell behind begins again: what it missed, a later change tells too
            async for happening in listener:
                await self._case_changed(str(happening.data.get("ticket", "")))

    async def _case_changed(self, ticket: str) -> None:
        shown = {view.call_id: view for view in self.board}
        if not shown:
            return
        query = select(cases.c.call_id, cases.c.complainant_number).where(cases.c.ticket == ticket)
        try:
            async with self.database.reading() as connection:
                row = (await connection.execute(query)).one_or_none()
        except StorageError as error:
            _log.warning("a case's change is not on the screens", error=str(error))
            return
        if row is not None:
            number = row.complainant_number
            self.board.refresh(
                [i for i, v in shown.items() if i == row.call_id or (number and v.e164 == number)]
            )
