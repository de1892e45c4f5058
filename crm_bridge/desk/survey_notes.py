"""What callers answered to the survey while nobody heard: from Asterisk's note onto the record.

The dialplan notes each answer in Asterisk's own database (`dialplan/survey.conf`). A call that has
a gap may have answers of which no event came: once it is over, its note is asked for. What the
record has already stands, so that a note read twice, or heard of in part, counts once.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from typing import Final

import structlog
from sqlalchemy import exists, select

from crm_bridge.clock import Clock
from crm_bridge.desk.declare import Declare
from crm_bridge.desk.line import Line, LineNode
from crm_bridge.errors import Refused, StorageError
from crm_bridge.records.database import Database
from crm_bridge.records.tables import agent_parts, calls, gaps
from ivr.calls.call import Call, Mark, Micros
from ivr.events.markers import MARKS
from ivr.events.types import Event

_log = structlog.get_logger(__name__)

AGAIN: Final = 5.0
"""Seconds after which a line, or a database, that could not be asked is tried again."""
KEPT: Final = 3
"""Days for which Asterisk has a note at least."""

_DAY: Final = 86_400_000_000
_MOST: Final = 1_000
"""Calls that are waited for; more have no gap at a time unless something else is wrong."""
_THURSDAY: Final = 4
"""The first day of the epoch, in a week that begins with Sunday as 0."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9._-]{1,80}")
_NOTED: Final = re.compile(r"(survey_[a-z]+)@([0-9]{16})@([a-z0-9_]{1,40})")


class SurveyNotes:
    """Asks for the notes of calls with a gap; `run` until cancelled."""

    def __init__(self, database: Database, line: Line, declare: Declare, clock: Clock) -> None:
        self._database = database
        self._line = line
        self._declare = declare
        self._clock = clock
        self.wanted: dict[str, Micros] = {}
        """Call whose note is still to be asked for → when it began."""
        self._wake = asyncio.Event()
        line.on_call.append(self.heard)

    def heard(self, call: Call, _event: Event) -> None:
        """Takes in a call that is over and has a gap. Never waits or raises."""
        if call.closed and call.gaps and call.agents:
            self._want(call.call_id, call.entered_at)
            self._wake.set()

    async def run(self) -> None:
        """Asks again and again for what is wanted; first for what an earlier bridge left."""
        looked = False
        while True:
            with contextlib.suppress(StorageError):  # the next turn tries again
                if not looked:
                    await self._look_back()
                    looked = True
                await self.turn()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN if self.wanted or not looked else None):
                    await self._wake.wait()
            self._wake.clear()

    async def turn(self) -> None:
        """One look for every call that is wanted. Raises StorageError."""
        for call_id, entered_at in list(self.wanted.items()):
            node = self._node_of(call_id)
            if node is None:
                continue
            try:
                marks = await self._noted(node, call_id.removeprefix(f"{node.name}-"), entered_at)
            except Refused:
                continue
            if marks and await self._declare.taken_in(call_id, marks):
                _log.info("answers to the survey were brought in", call=call_id)
            self.wanted.pop(call_id, None)

    def _want(self, call_id: str, entered_at: Micros) -> None:
        if _PLAIN.fullmatch(call_id) and len(self.wanted) < _MOST:
            self.wanted[call_id] = entered_at

    async def _look_back(self) -> None:
        """Calls with a gap that ended lately: the bridge may have gone before it asked."""
        query = (
            select(calls.c.call_id, calls.c.entered_us)
            .where(
                calls.c.entered_us > self._clock.now_us() - KEPT * _DAY, calls.c.closed,
                exists().where(gaps.c.call_id == calls.c.call_id),
                exists().where(agent_parts.c.call_id == calls.c.call_id),
            )
            .order_by(calls.c.entered_us.desc())
            .limit(_MOST)
        )  # fmt: skip
        async with self._database.reading() as connection:
            for call_id, entered_us in (await connection.execute(query)).all():
                self._want(call_id, entered_us)

    def _node_of(self, call_id: str) -> LineNode | None:
        for node in self._line.nodes:
            if call_id.startswith(f"{node.name}-"):
                return node if node.known else None
        return None

    async def _noted(self, node: LineNode, uniqueid: str, entered_at: Micros) -> list[Mark]:
        """The marks of a call's note, of the day it began or the next; raises Refused."""
        for day in (entered_at // _DAY, entered_at // _DAY + 1):
            family = f"survey-{(day + _THURSDAY) % 7}"
            if marks := list(noted(await self._line.stored(node, family, uniqueid))):
                return marks
        return []


def noted(note: str) -> Iterator[Mark]:
    """The marks of a note, in their order; what is no mark of a survey is left out."""
    for one in note.split("/"):
        found = _NOTED.fullmatch(one)
        if found is not None and found[1] in MARKS:
            yield Mark(found[1], int(found[2]), found[3], None)
