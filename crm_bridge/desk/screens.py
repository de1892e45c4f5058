"""The officers' screens as one object: the board, who looks callers up, who sits where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from crm_bridge.clock import Clock
from crm_bridge.desk.board import Board
from crm_bridge.desk.card import Reader
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.seats import Seats
from crm_bridge.live.hub import Hub
from crm_bridge.records.database import Database
from ivr.calls.call import Call
from ivr.steps.standards import Standards


@dataclass(frozen=True, slots=True)
class Screens:
    """What the bridge feeds so that screens show it."""

    board: Board
    reader: Reader
    seats: Seats

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
        seats = Seats(hub)
        floor.line.on_call.append(board.changed)
        floor.agents.changed.append(seats.changed)
        return cls(board, reader, seats)

    def take_up(self, calls: Iterable[Call]) -> None:
        """Calls that were in progress when the bridge started."""
        self.board.take_up(calls)

    async def run(self) -> None:
        """Looks callers up until cancelled."""
        await self.reader.run()
