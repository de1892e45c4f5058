"""The officers' screens as one object: the board, who looks callers up, who sits where."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Self

import structlog
from sqlalchemy import Select, select

from crm_bridge.clock import Clock
from crm_bridge.connectors.port import Connector
from crm_bridge.delivery.lookup import Lookup
from crm_bridge.desk.board import Board
from crm_bridge.desk.card import Question, Reader
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.pop import CallView
from crm_bridge.desk.seats import Seats
from crm_bridge.errors import StorageError
from crm_bridge.live.hub import Happening, Hub
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.appointments import appointments
from crm_bridge.records.desk_tables.cases import cases
from ivr.calls.call import Call
from ivr.steps.standards import Standards

_log = structlog.get_logger(__name__)

_CHANGES: Final = ("cases", "appointments", "people")
"""Topics of the hub that tell of what a card shows."""


@dataclass(frozen=True, slots=True)
class Screens:
    """What the bridge feeds so that screens show it."""

    board: Board
    reader: Reader
    lookup: Lookup
    """The other CRMs that are asked who is calling."""
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
        others: Iterable[tuple[Connector, float]] = (),
        left_alone: Callable[[str], bool] = lambda _name: False,
    ) -> Self:
        """Screens that hear of the floor's calls and agents from here on.

        `others`: CRMs to be asked for callers, each with the seconds an answer may take;
        `left_alone`: which of them, by name, is not to be asked now.
        """
        board = Board(hub, floor.line.directory, standards)
        reader = Reader(database, clock, board.card)
        lookup = Lookup.of(others, clock, board.foreign, left_alone)

        def ask_others(question: Question) -> None:
            try:
                lookup.ask(question.call_id, question.e164, question.withheld)
            except Exception as error:
                # a bug of it is no reason to lose the pop; its traceback could hold the number
                _log.error("no CRM asked", call=question.call_id, error=type(error).__name__)

        def forget(call_id: str) -> None:
            reader.forget(call_id)
            lookup.forget(call_id)

        board.ask = reader.ask
        board.ask_others = ask_others
        board.rings = lookup.hurry
        board.forget = forget
        seats = Seats(hub, board.reseated)
        floor.line.on_call.append(board.changed)
        floor.agents.changed.append(seats.changed)
        return cls(board, reader, lookup, seats, database, hub)

    def take_up(self, calls: Iterable[Call]) -> None:
        """Calls that were in progress when the bridge started."""
        self.board.take_up(calls)

    async def run(self) -> None:
        """Looks callers up, and again when something of theirs has changed, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.reader.run())
            group.create_task(self.lookup.run())
            group.create_task(self._watch())

    async def _watch(self) -> None:
        while not (listener := self.hub.listen([*_CHANGES])).closed:
            # one that fell behind begins again: what it missed, a later change tells too
            async for happening in listener:
                await self._changed(happening)

    async def _changed(self, happening: Happening) -> None:
        if happening.topic == "cases":
            await self._case_changed(str(happening.data.get("ticket", "")))
        elif happening.topic == "appointments":
            await self._appointment_changed(str(happening.data.get("ref", "")))
        else:
            self.lookup.wipe()  # somebody may have been erased
            # a person's numbers may be other ones now than those on the screens: all are asked
            self.board.refresh([view.call_id for view in self.board])

    async def _case_changed(self, ticket: str) -> None:
        table = cases.c
        await self._refresh(
            select(table.call_id, table.complainant_number, table.person_id).where(
                table.ticket == ticket
            )
        )

    async def _appointment_changed(self, ref: str) -> None:
        table = appointments.c
        await self._refresh(
            select(table.call_id, table.phone, table.person_id).where(table.ref == ref)
        )

    async def _refresh(self, query: Select[Any]) -> None:
        """Asks for the cards of that call, of that number and of that person again."""
        if not (shown := list(self.board)):
            return
        try:
            async with self.database.reading() as connection:
                row = (await connection.execute(query)).one_or_none()
        except StorageError as error:
            _log.warning("a change is not on the screens", error=str(error))
            return
        if row is None:
            return
        call_id, number, person_id = row
        self.board.refresh(
            dict.fromkeys(
                view.call_id
                for view in shown
                if view.call_id == call_id
                or (number and view.e164 == number)
                or (person_id and _shows(view, person_id))
            )
        )


def _shows(view: CallView, person_id: str) -> bool:
    return view.card is not None and any(p.id == person_id for p in view.card.match.persons)
