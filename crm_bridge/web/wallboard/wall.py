"""The wall of the moment: one state for all screens, kept only while somebody looks.

What changes is marked; at most four times a second a frame is made of it, the first change at once.
Of a call only what has changed is looked at again. A frame is published under one key, so that of
those a slow screen has not taken only the newest waits for it. Figures of today are read from the
database beside this, a few seconds apart; while they cannot be, those of before stand with their
time.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog

from crm_bridge.alerts import keeper
from crm_bridge.clock import Clock
from crm_bridge.config import Config
from crm_bridge.desk import kept_places
from crm_bridge.desk.agent_states import Seat
from crm_bridge.desk.floor import Floor
from crm_bridge.desk.wall_frames import Frame, Sections
from crm_bridge.desk.wall_rows import (
    CALLS,
    IN_CALL,
    MENU,
    WAITING,
    Part,
    Placed,
    Row,
    Wording,
    Words,
    agent_row,
    millis,
    placed,
)
from crm_bridge.live.hub import Hub, Listener
from crm_bridge.web.agent.screen import sse
from crm_bridge.web.health import Ask
from crm_bridge.web.wallboard.alert_rows import Active, alert_rows
from crm_bridge.web.wallboard.health_rows import health_rows, node_rows
from crm_bridge.web.wallboard.kept_rows import Places, StillWaiting
from crm_bridge.web.wallboard.reading import Reading
from crm_bridge.web.wallboard.today import Today, queue_cells, today_rows
from ivr.calls.call import Call, Micros
from ivr.events.types import Event
from ivr.steps.standards import Standards
from ivr.steps.timeline import timeline

_log = structlog.get_logger(__name__)

TOPIC: Final = "wallboard"
"""The hub's topic of the frames."""

EVERY: Final = 0.25
"""Seconds between two frames at the least."""

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the health of line and bridge, and between two readings of the kept
places, where one of them has changed meanwhile."""

READ_EVERY: Final = 5.0
"""Seconds between two readings of the figures of today, where a call has ended meanwhile."""
READ_ANYWAY: Final = 30.0
"""And where none has."""

MOST: Final = {WAITING: 60, CALLS: 80, "agents": 160, "queues": 16}
"""Rows of a section that are sent; how many there are is said beside them."""


class Wall:
    """What every wallboard shows; one for the bridge."""

    def __init__(
        self,
        config: Config,
        hub: Hub,
        clock: Clock,
        standards: Standards,
        health: Ask,
        read: Callable[[], Awaitable[Today]],
        floor: Floor | None = None,
        alerts: Callable[[], Iterable[Active]] = tuple,
        places: Callable[[], Awaitable[Places]] | None = None,
    ) -> None:
        """`read` gives the figures of today; `alerts` those that are active now.

        `places` gives those that callers keep in queues; `None` where the line keeps none.
        """
        self._config = config
        self._hub = hub
        self._clock = clock
        self._standards = standards
        self._health = health
        self._floor = floor
        self._alerts = alerts
        self._wording = Wording(config.queue, self._officer)
        self._today = Reading(
            "figures of today", read, self._soon, every=READ_EVERY, anyway=READ_ANYWAY
        )
        self._places = places and Reading(
            "kept places", places, self._places_read, every=LOOK_EVERY, anyway=READ_ANYWAY
        )
        self._watchers = 0
        self._keeping: asyncio.Task[None] | None = None
        self._timer: asyncio.Handle | None = None
        self._made_at = 0.0
        self._forget()

    def _forget(self) -> None:
        self._dirty: dict[str, Call] = {}
        self._stale: set[str] = set()
        """Officers whose rows are to be made again."""
        self._placed: dict[str, Placed] = {}
        self._keys: dict[str, str] = {}
        """Call → what it is called on the wall, where its id has no place."""
        self._given = 0
        self._parts: dict[str, dict[str, Part]] = {}
        """Officer → the calls the officer stands in."""
        self._left: dict[str, Micros] = {}
        self._agents: dict[str, Row] = {}
        self._today.forget()
        if self._places is not None:
            self._places.forget()
        self._waiting = StillWaiting()
        self._frame: Frame | None = None
        self._number = 0

    # --- who looks -------------------------------------------------------------------------------

    def watch(self, topics: Iterable[str]) -> Listener:
        """A listener to the frames and to these topics; `leave` when it is closed."""
        self._watchers += 1
        if self._watchers == 1:
            self._begin()
        return self._hub.listen([TOPIC, *topics])

    def leave(self) -> None:
        """One that watched has gone; with the last one the state is let go."""
        self._watchers -= 1
        if not self._watchers:
            self._end()

    def _begin(self) -> None:
        self._forget()
        if self._floor is not None:
            line, agents = self._floor.line, self._floor.agents
            line.on_call.append(self._heard)
            line.on_members.append(self._told)
            agents.changed.append(self._seated)
            self._dirty = {live.call.call_id: live.call for _, live in line.lives()}
            self._stale = {seat.extension for seat in agents.seats()}
        self._keeping = asyncio.create_task(self._keep(), name="wallboard")

    def _end(self) -> None:
        if self._floor is not None:
            self._floor.line.on_call.remove(self._heard)
            self._floor.line.on_members.remove(self._told)
            self._floor.agents.changed.remove(self._seated)
        if self._keeping is not None:
            self._keeping.cancel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._forget()

    # --- what changes ----------------------------------------------------------------------------

    def _heard(self, call: Call, _event: Event) -> None:
        self._dirty[call.call_id] = call
        self._soon()

    def _seated(self, seat: Seat) -> None:
        self._stale.add(seat.extension)
        self._soon()

    def _told(self, _node: str, event: Event) -> None:
        # whether the line is heard at all decides what can be said of everybody
        self._stale.update(self._agents, self._parts)
        self._soon()

    def _soon(self) -> None:
        """A frame is due: now, or once the last one has stood long enough."""
        if self._timer is not None or not self._watchers:
            return
        loop = asyncio.get_running_loop()
        rest = self._made_at + EVERY - loop.time()
        self._timer = loop.call_later(rest, self._make) if rest > 0 else loop.call_soon(self._make)

    async def _keep(self) -> None:
        """Looks at what tells nobody of its changes, until cancelled."""
        topics = [keeper.TOPIC, kept_places.TOPIC]
        told = self._hub.listen(topics)
        try:
            while True:
                self._today.look()
                if self._places is not None:
                    self._places.look()
                self._soon()
                found = await told.next(LOOK_EVERY)
                while found is not None:
                    # alerts that are active are asked for, however often it was told of them
                    if self._places is not None and found.topic == kept_places.TOPIC:
                        self._places.due = True
                    found = told.take()
                if told.closed:
                    if not told.lagged:  # the desk stops
                        self._stop_reading()
                        return
                    told = self._hub.listen(topics)
        finally:
            told.close()

    def _stop_reading(self) -> None:
        self._today.stop()
        if self._places is not None:
            self._places.stop()

    def _places_read(self) -> None:
        if self._places is not None:
            lives = self._floor.line.lives() if self._floor is not None else ()
            self._waiting.read(self._places.value, (live.call for _, live in lives))
        self._soon()

    # --- the frame -------------------------------------------------------------------------------

    def frame(self) -> Frame:
        """The wall as it is now."""
        return self._make() or Frame(0, {}, None, sse)

    def _make(self) -> Frame | None:
        """The newest frame, published where it is another; `None` while nobody looks."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._watchers:
            return None
        self._made_at = asyncio.get_running_loop().time()
        self._take_in()
        sections = self._sections()
        before = self._frame
        had = before.sections if before is not None else None
        made = Frame(self._number + 1, sections, had, sse)
        if before is not None and not made.changed:
            return before
        self._frame = made
        self._number += 1
        if before is not None:
            self._hub.publish(TOPIC, "frame", {"frame": made}, key="frame")
        return made

    def _take_in(self) -> None:
        dirty, self._dirty = self._dirty, {}
        for call in dirty.values():
            try:
                self._place(call)
            except Exception:
                # a bug in one call's row must not take the wall of all others away
                _log.exception("call not on the wallboard", call=call.call_id)
        stale, self._stale = self._stale, set()
        for extension in stale:
            self._seat(extension)

    def _place(self, call: Call) -> None:
        self._waiting.heard(call)
        before = self._placed.pop(call.call_id, None)
        now = None
        if self._floor is not None and not call.closed:
            timings = timeline(call, self._floor.line.directory, self._standards)
            now = placed(call, timings, self._standards, self._wording, self._config.queue)
        was = before.parts if before is not None else {}
        parts = now.parts if now is not None else {}
        for extension in was.keys() - parts.keys():
            self._parts[extension].pop(call.call_id, None)
            if not self._parts[extension]:
                del self._parts[extension]
            if was[extension].stage in IN_CALL:
                ends = [p.released_at for p in call.agents if p.agent == extension]
                self._left[extension] = max((at for at in ends if at), default=0)
        for extension, part in parts.items():
            self._parts.setdefault(extension, {})[call.call_id] = part
        self._stale.update(was, parts)
        if now is None:
            self._keys.pop(call.call_id, None)
            self._today.due = True
            return
        self._placed[call.call_id] = now
        if call.call_id not in self._keys:
            self._given += 1
            self._keys[call.call_id] = str(self._given)

    def _seat(self, extension: str) -> None:
        if self._floor is None:
            return
        agents = self._floor.agents
        seat = agents.seat(extension)
        # on the telephone stands above ringing
        parts = sorted(self._parts.get(extension, {}).values(), key=lambda p: p.stage in IN_CALL)
        reason = agents.reason(seat.sitting.reason) if seat.sitting is not None else None
        name = self._officer(extension) or (extension, extension)
        row = agent_row(
            seat, parts[-1] if parts else None, self._left.get(extension, 0), reason, name,
            self._log_standard(),
        )  # fmt: skip
        if row is None:
            self._agents.pop(extension, None)
            self._left.pop(extension, None)
        else:
            self._agents[extension] = row

    def _log_standard(self) -> int | None:
        service = self._standards.on(self._clock.now_us()).services["information"]
        return service.steps["log"].seconds

    def _officer(self, extension: str) -> Words | None:
        sitting = self._floor.agents.at(extension) if self._floor is not None else None
        if sitting is None or not (sitting.name_th or sitting.name_en):
            return None
        return sitting.name_th or sitting.name_en, sitting.name_en or sitting.name_th

    def _sections(self) -> Sections:
        waiting = self._of(WAITING)
        calls = self._of(CALLS)
        health = self._health()
        gaps = sum(one.gap for one in self._placed.values())
        return {
            "totals": {"now": self._totals(waiting, calls)},
            "queues": self._queues(waiting),
            WAITING: self._rows(waiting, WAITING),
            CALLS: self._rows(calls, CALLS),
            "agents": {x: self._agents[x] for x in sorted(self._agents)[: MOST["agents"]]},
            "today": today_rows(self._today.value, failed=self._today.failed),
            **self._kept(),
            "nodes": node_rows(health),
            "health": {"bridge": health_rows(health, gaps)},
            "alerts": alert_rows(self._alerts()),
        }

    def _kept(self) -> Sections:
        if self._places is None:
            return {}
        row = self._waiting.row(self._clock.now_us(), failed=self._places.failed)
        return {"kept": {"now": row}}

    def _of(self, where: str) -> list[tuple[str, Placed]]:
        """Who waits longest first; of calls the one that is over its standard first."""
        found = [(self._keys[k], one) for k, one in self._placed.items() if one.where == where]
        return sorted(found, key=lambda pair: (pair[1].until, pair[1].since, pair[0]))

    def _rows(self, found: list[tuple[str, Placed]], name: str) -> dict[str, Row]:
        return {key: one.row for key, one in found[: MOST[name]]}

    def _totals(self, waiting: list[tuple[str, Placed]], calls: list[tuple[str, Placed]]) -> Row:
        states = Counter(str(row["state"]) for row in self._agents.values())
        return {
            "waiting": len(waiting),
            "since": millis(waiting[0][1].since) if waiting else None,
            "ringing": sum(one.ringing for _, one in waiting),
            "menu": sum(one.where == MENU for one in self._placed.values()),
            "calls": len(calls),
            "agents": len(self._agents),
            "ready": states["ready"],
            "busy": sum(states[state] for state in IN_CALL),
            "wrapup": states["wrapup"],
            "paused": states["paused"],
            "unknown": states["unknown"],
        }

    def _queues(self, waiting: list[tuple[str, Placed]]) -> dict[str, Row]:
        today = self._today.value
        figures = [q.queue for q in today.figures.queues] if today is not None else []
        since: dict[str, Micros] = {}
        for _, one in waiting:
            since.setdefault(one.queue or "", one.since)
        count = Counter(one.queue or "" for _, one in waiting)
        # those of the configuration in its order, then any other that callers wait in
        names = list(dict.fromkeys([*self._config.queue, *count, *figures]))[: MOST["queues"]]
        return {
            name: {
                "name": self._wording.queue(name),
                "waiting": count[name],
                "since": millis(since.get(name)),
                "seconds": self._config.queue[name].service_level_seconds
                if name in self._config.queue
                else None,
                **queue_cells(today, name),
            }
            for name in names
        }
