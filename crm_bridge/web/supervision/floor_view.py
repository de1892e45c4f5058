"""The floor now: who sits where in which state, at which call, who waits; told when it changes.

What all supervisors see is made once for each language and telling, however many look. On a busy
line changes are told together, at the most every `TOGETHER` seconds; whoever comes in between gets
what was made last, and then what has changed. While nobody looks nothing is made.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from crm_bridge.cases.subjects import SERVICES
from crm_bridge.clock import micros
from crm_bridge.config import Config
from crm_bridge.desk.agent_states import Seat
from crm_bridge.desk.board import Board
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.pop import LIVE, CallView, Stage
from crm_bridge.desk.ways import way_words
from crm_bridge.live.hub import Hub
from crm_bridge.web.agent.screen import STAGE_WORDS
from crm_bridge.web.pages import fragment
from ivr.calls.call import Call, Micros
from ivr.calls.supervising import Spying
from ivr.events.types import Event

FLOOR: Final = "floor"
"""The hub's topic of the floor, and the kind of its events."""

TOGETHER: Final = 0.4
"""Seconds for which changes are gathered."""


@dataclass(frozen=True, slots=True)
class OnFloor:
    """An officer's telephone as a supervisor sees it."""

    extension: str
    seat: dict[str, Any]
    since: int | None
    """Since when in this state, milliseconds."""
    call: CallView | None = None
    """The call it is in, or that it rings for."""
    supervised: tuple[tuple[str, str], ...] = ()
    """Who is at its call: the way, the supervisor's number."""

    @property
    def speaks(self) -> bool:
        """The officer is in conversation: somebody can listen."""
        call = self.call
        return call is not None and call.stage in LIVE and call.answered_at is not None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue: how many wait in it, since when the first of them."""

    queue: str
    th: str
    en: str
    callers: int
    since: int | None


@dataclass(frozen=True, slots=True)
class Made:
    """The floor in one language: each officer's row in order, and the queues."""

    rows: dict[str, str]
    queues: str


class FloorView:
    """What the supervisors' pages show; one for the whole desk."""

    def __init__(self, floor: Floor, board: Board, hub: Hub, config: Config) -> None:
        self._floor = floor
        self._board = board
        self._hub = hub
        self._config = config
        self._made: dict[str, Made] = {}
        self._due = False
        floor.agents.changed.append(self._seat_changed)
        floor.line.on_call.append(self._call_changed)

    def made(self, lang: str) -> Made:
        """The floor as it stands, or as it stood when changes that are yet to be told began."""
        if lang not in self._made:
            self._made[lang] = Made(
                {one.extension: self._row(one, lang) for one in self.officers()},
                fragment("supervision/queues.html", lang, queues=self.queues()),
            )
        return self._made[lang]

    def officers(self) -> list[OnFloor]:
        """Everybody who sits at a telephone, in order of the numbers."""
        views = self._views()
        at_calls: dict[str, list[Spying]] = {}
        for spying in self._floor.line.spyings():
            at_calls.setdefault(spying.spied, []).append(spying)
        return [
            self._officer(seat, views.get(seat.extension), at_calls)
            for seat in self._floor.agents.seats()
            if seat.sitting is not None or seat.extension in views
        ]

    def officer(self, extension: str) -> OnFloor | None:
        """One of them; `None` where nobody sits there."""
        return next((one for one in self.officers() if one.extension == extension), None)

    def _officer(
        self, seat: Seat, call: CallView | None, at_calls: dict[str, list[Spying]]
    ) -> OnFloor:
        told = self._floor.agents.view(seat)
        since = micros(told["since"]) // 1000 if told["since"] else None
        there = tuple(
            (spying.way, spying.by)
            for part in self._floor.line.parts(seat.extension)
            for spying in at_calls.get(part.uniqueid, ())
        )
        return OnFloor(seat.extension, told, since, call, there)

    def _views(self) -> dict[str, CallView]:
        """Officer → the call on the telephone: the one in conversation before one that rings."""
        found: dict[str, CallView] = {}
        for _call, views in self._board.live():
            for view in views:
                before = found.get(view.agent)
                if before is None or (view.stage in LIVE and before.stage is Stage.RINGING):
                    found[view.agent] = view
        return found

    def queues(self) -> list[Waiting]:
        """Every queue of the configuration, and whoever waits in another."""
        waiting: dict[str, list[Micros]] = {name: [] for name in self._config.queue}
        for _node, live in self._floor.line.lives():
            passage = live.passage
            if passage is not None and passage.left_at is None and passage.outcome is None:
                waiting.setdefault(passage.queue, []).append(passage.joined_at)
        return [
            Waiting(name, *self._queue_words(name), len(since),
                    min(since) // 1000 if since else None)
            for name, since in sorted(waiting.items())
        ]  # fmt: skip

    def _queue_words(self, name: str) -> tuple[str, str]:
        section = self._config.queue.get(name)
        return SERVICES[section.service] if section is not None else (name, name)

    @staticmethod
    def _row(one: OnFloor, lang: str) -> str:
        return fragment(
            "supervision/officer.html", lang, one=one, stages=STAGE_WORDS, ways=way_words,
            services=SERVICES,
        )  # fmt: skip

    # --- what changes ----------------------------------------------------------------------------

    def _seat_changed(self, _seat: Seat) -> None:
        self._soon()

    def _call_changed(self, _call: Call, _event: Event) -> None:
        self._soon()

    def _soon(self) -> None:
        if self._due:
            return
        if not self._hub.heard(FLOOR):
            self._made.clear()
            return
        self._due = True
        asyncio.get_running_loop().call_later(TOGETHER, self._tell)

    def _tell(self) -> None:
        self._due = False
        self._made.clear()
        self._hub.publish(FLOOR, FLOOR, {}, key=FLOOR)
