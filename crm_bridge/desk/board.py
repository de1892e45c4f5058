"""Every call in progress as the officers' screens show it, and who is told of what.

The pipeline tells each change at once (`changed`); what came of all changes of one turn of the
event loop is published together (`flush`), to the topic of each officer concerned and to nobody
else. Each publication is whole in itself and takes the place of the one before. Memory: calls in
progress, and the last few of each officer whose record is still to be saved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from crm_bridge.delivery.findings import Finding
from crm_bridge.desk.card import Card, Question
from crm_bridge.desk.pop import LIVE, CallView, Stage, Why, concerned, view_of, with_case
from crm_bridge.live.hub import Hub
from crm_bridge.records.callers import normalise
from ivr.calls.call import Call, Micros
from ivr.calls.directory import Directory
from ivr.events.types import Event
from ivr.steps.standards import Standards
from ivr.steps.timeline import timeline

_log = structlog.get_logger(__name__)

TO_FINISH: Final = 5
"""Calls of one officer that are over, kept on the screen until their record is saved."""

_FIRST: Final = {Stage.RINGING: 0, Stage.WRAPUP: 2}
"""A ringing call comes before the one on the line, one to be finished after it."""


def topic_of(agent: str) -> str:
    """The hub's topic for what concerns one officer."""
    return f"agent:{agent}"


@dataclass(slots=True)
class _Entry:
    """A call in progress and what each officer's screen shows of it."""

    call: Call
    asked: tuple[str | None, bool] | None = None
    card: Card | None = None
    found: dict[str, Finding] = field(default_factory=dict)
    """CRM → what it says of the caller; stays while our own card is made anew."""
    shown: dict[str, CallView] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    """Officers' screens that are another person's since their part was over."""
    at: Micros = 0


class Board:
    """The calls in progress of all nodes, as the officers see them."""

    def __init__(self, hub: Hub, directory: Directory, standards: Standards) -> None:
        self.ask: Callable[[Question], None] | None = None
        """Where the caller's card is asked for; the answer comes to `card`, however late."""
        self.forget: Callable[[str], None] | None = None
        """Told of a call that has ended, whose card nobody needs any more."""
        self.ask_others: Callable[[Question], None] | None = None
        """Where the other CRMs are asked; their answers come to `foreign`."""
        self.rings: Callable[[str], None] | None = None
        """Told of a call for which an officer's telephone begins to ring."""
        self._hub = hub
        self._directory = directory
        self._standards = standards
        self._entries: dict[str, _Entry] = {}
        self._desks: dict[str, dict[str, CallView]] = {}
        """Officer → what is on the screen, by call."""
        self._dirty: dict[str, _Entry] = {}
        self._scheduled = False

    def changed(self, call: Call, event: Event) -> None:
        """Takes in that a call has changed; never waits or raises (`NodePipeline.on_change`)."""
        self._touch(call, event.at)

    def take_up(self, calls: Iterable[Call]) -> None:
        """Calls that were in progress when the bridge started."""
        for call in calls:
            self._touch(call, call.entered_at)

    def _touch(self, call: Call, at: Micros) -> None:
        entry = self._entries.get(call.call_id)
        if entry is None:
            entry = self._entries[call.call_id] = _Entry(call)
        entry.at = at
        who = (call.caller_presented, call.withheld)
        if entry.asked != who:
            entry.asked = who
            entry.card = None
            entry.found = {}
            self._ask(entry)
            if self.ask_others is not None:
                self.ask_others(_question(call))
        self._schedule(entry)

    def card(self, call_id: str, card: Card) -> None:
        """The caller's card has been found; it goes out with the pop, or after it."""
        entry = self._entries.get(call_id)
        if entry is not None:
            entry.card = card
            self._schedule(entry)
            return
        for desk in list(self._desks.values()):
            if (view := desk.get(call_id)) is not None:
                steps = with_case(view.steps, card)
                self._show(replace(view, card=card, steps=steps), 0)

    def card_of(self, call_id: str) -> Card | None:
        """The card of a caller in progress; None while it is looked up, or could not be."""
        entry = self._entries.get(call_id)
        return entry.card if entry is not None else None

    def foreign(self, call_id: str, finding: Finding) -> None:
        """Another CRM has said, or not said, who the caller is; never waits or raises."""
        entry = self._entries.get(call_id)
        if entry is not None:
            entry.found[finding.connector] = finding
            self._schedule(entry)
            return
        for desk in list(self._desks.values()):
            if (view := desk.get(call_id)) is not None:
                found = {one.connector: one for one in view.found} | {finding.connector: finding}
                self._show(replace(view, found=_by_name(found)), 0)

    def refresh(self, call_ids: Iterable[str]) -> None:
        """What is known of these callers has changed: asks for their cards again."""
        for call_id in call_ids:
            if (entry := self._entries.get(call_id)) is not None:
                self._ask(entry)
                continue
            view = next((d[call_id] for d in self._desks.values() if call_id in d), None)
            if view is not None and self.ask is not None:
                self.ask(Question(call_id, view.e164, view.withheld))

    def amended(self, call: Call) -> None:
        """An act was put on the record of a call that is over."""
        if call.call_id in self._entries:
            self._touch(call, call.entered_at)
            return
        for agent, desk in list(self._desks.items()):
            view = desk.get(call.call_id)
            if view is not None:
                steps = timeline(call, self._directory, self._standards)
                made = view_of(call, agent, steps, self._standards, view.card, view.found)
                self._show(made, 0)

    def reseated(self, agent: str) -> None:
        """Another person sits there, or nobody: what is to be finished is not theirs to see.

        Whoever took the calls finds them among those that wait for a record.
        """
        self.flush()
        for view in list(self._desks.get(agent, {}).values()):
            if view.stage is not Stage.WRAPUP:
                continue
            if (entry := self._entries.get(view.call_id)) is not None:
                entry.left.add(agent)
                entry.shown.pop(agent, None)
            self._show(replace(view, stage=Stage.GONE, why=Why.DONE), 0)

    def desk(self, agent: str) -> list[CallView]:
        """What is on the officer's screen now: ringing, on the line, to be finished."""
        self.flush()
        views = self._desks.get(agent, {}).values()
        return sorted(views, key=lambda v: (_FIRST.get(v.stage, 1), v.waiting_since))

    def __iter__(self) -> Iterator[CallView]:
        """Every view on any screen."""
        for desk in list(self._desks.values()):
            yield from list(desk.values())

    def live(self) -> list[tuple[Call, tuple[CallView, ...]]]:
        """Every call in progress, the oldest first, and how officers stand in it."""
        self.flush()
        return [
            (entry.call, tuple(v for v in entry.shown.values() if v.stage in LIVE or
                               v.stage is Stage.RINGING))
            for entry in sorted(self._entries.values(), key=lambda e: e.call.entered_at)
        ]  # fmt: skip

    def view(self, call_id: str) -> CallView | None:
        """Any officer's view of this call; `None` where it is on no screen."""
        return next((view for view in self if view.call_id == call_id), None)

    def _ask(self, entry: _Entry) -> None:
        if self.ask is not None:
            self.ask(_question(entry.call))

    def _schedule(self, entry: _Entry) -> None:
        self._dirty[entry.call.call_id] = entry
        if not self._scheduled:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                return  # a replay: whoever wants to see calls `flush`
            self._scheduled = True
            loop.call_soon(self.flush)

    def flush(self) -> None:
        """Publishes what has changed since the last time."""
        self._scheduled = False
        if not self._dirty:
            return
        dirty, self._dirty = self._dirty, {}
        for entry in dirty.values():
            try:
                self._compose(entry)
            except Exception:
                # a bug in one call's view must not take the screens of all others away
                _log.exception("call not shown", call=entry.call.call_id)

    def _compose(self, entry: _Entry) -> None:
        call = entry.call
        agents = concerned(call)
        agents.update(entry.shown)
        if agents:
            timings = timeline(call, self._directory, self._standards)
            found = _by_name(entry.found)
            for agent in agents:
                before = entry.shown.get(agent)
                view = view_of(call, agent, timings, self._standards, entry.card, found)
                if view.stage is Stage.WRAPUP and agent in entry.left:
                    continue
                if view.stage is Stage.GONE and before is None:
                    continue
                if view != before:
                    self._show(view, entry.at)
                if view.stage is Stage.RINGING and before is None and self.rings is not None:
                    self.rings(call.call_id)
                if view.stage is Stage.GONE:
                    entry.shown.pop(agent, None)
                else:
                    entry.shown[agent] = view
        if call.closed:
            del self._entries[call.call_id]
            if self.forget is not None:
                self.forget(call.call_id)

    def _show(self, view: CallView, at: Micros) -> None:
        desk = self._desks.setdefault(view.agent, {})
        if view.stage is Stage.GONE:
            desk.pop(view.call_id, None)
            if not desk:
                del self._desks[view.agent]
        else:
            desk[view.call_id] = view
        told = _gone(view) if view.stage is Stage.GONE else view
        self._hub.publish(topic_of(view.agent), "call", {"view": told, "at": at}, key=view.call_id)
        if view.stage is Stage.WRAPUP:
            self._put_away_oldest(view.agent)

    def _put_away_oldest(self, agent: str) -> None:
        desk = self._desks.get(agent, {})
        over = sorted(
            (v for v in desk.values() if v.stage is Stage.WRAPUP and
             v.call_id not in self._entries),
            key=lambda v: v.released_at or 0,
        )  # fmt: skip
        for view in over[:-TO_FINISH]:
            self._show(replace(view, stage=Stage.GONE, why=Why.DONE), 0)


def _question(call: Call) -> Question:
    number = normalise(call.caller_presented)
    return Question(call.call_id, number.e164, call.withheld or number.withheld)


def _by_name(found: dict[str, Finding]) -> tuple[Finding, ...]:
    """In an order that does not change with who answered first."""
    return tuple(found[name] for name in sorted(found))


def _gone(view: CallView) -> CallView:
    """Of a call that is gone the hub keeps only that it is."""
    return replace(view, steps=(), menu=(), card=None, others=(), other=None, name=None,
                   found=())  # fmt: skip
