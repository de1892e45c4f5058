"""A scenario as its books tell it, and as events tell it of which a stretch was not heard."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from ivr.books.cel import CelReader, CelRow
from ivr.books.ledger import BookCall, Ledger
from ivr.books.queue_log import QueueLogReader, QueueRow
from ivr.calls.call import Call
from ivr.calls.tracker import Tracker
from ivr.events import types as ev
from ivr.events.decode import decode
from ivr.events.markers import USER_EVENT
from tests.support.scenario import SCENARIOS, chunks_of, config_of, messages_of

_OF_THE_LINK = (
    ev.LinkUp, ev.LinkLost, ev.Booted, ev.StatusTold, ev.ChannelsListed, ev.SnapshotEnded,
    ev.BridgeMemberSeen, ev.MemberEvent, ev.PresenceTold,
)  # fmt: skip


@cache
def events_of(name: str) -> tuple[ev.Event, ...]:
    """Everything a scenario's events say."""
    decoded = (decode(raw) for raw, _ in messages_of(name)[1])
    return tuple(event for event in decoded if event is not None)


@cache
def cel_rows(name: str, *, marked: bool = False) -> tuple[CelRow, ...]:
    """The scenario's CEL; `marked`: as it is where the dialplan's markers are in it too.

    The captures were made before the dialplan wrote its markers into CEL; they are put there from
    the same run's events, in the form in which Asterisk writes them.
    """
    reader = CelReader()
    rows = reader.feed((SCENARIOS / f"{name}.cel.csv").read_bytes()) + reader.end()
    assert reader.garbage == 0
    if marked and not any(row.event == USER_EVENT for row in rows):
        for event in events_of(name):
            own = [row for row in rows if row.uniqueid == getattr(event, "uniqueid", None)]
            if isinstance(event, ev.Marked) and own:
                before = [row for row in own if row.at <= event.at] or own[:1]
                extra = json.dumps({"extra": f"{event.name}:{event.value}"})
                rows.append(replace(before[-1], at=event.at, event=USER_EVENT, extra=extra))
        rows.sort(key=lambda row: row.at)
    return tuple(rows)


def queue_rows(name: str) -> list[QueueRow]:
    """The scenario's queue_log."""
    reader = QueueLogReader()
    return reader.feed((SCENARIOS / f"{name}.queue_log").read_bytes()) + reader.end()


def calls_of(
    name: str, cel: Iterable[CelRow], queues: Iterable[QueueRow], *, of_queues: bool = False
) -> dict[str, BookCall]:
    """A scenario's calls as these rows tell them."""
    ledger = Ledger(chunks_of(name)[0], config_of(name).directory(), of_queues=of_queues)
    found = [call for row in queues for call in ledger.take_queue(row)]
    for row in cel:
        found += ledger.take(row)
    return {one.call.call_id: one for one in [*found, *ledger.end()]}


@cache
def book_calls(name: str, *, marked: bool = False, cel: bool = True) -> dict[str, BookCall]:
    """The scenario's calls as the books tell them; without `cel`, as queue_log alone does."""
    rows = cel_rows(name, marked=marked) if cel else ()
    return calls_of(name, rows, queue_rows(name), of_queues=not cel)


def span_of(name: str) -> tuple[int, int]:
    """From the first channel's start to the last one's end."""
    at = [e.at for e in events_of(name) if isinstance(e, ev.ChannelStarted | ev.ChannelEnded)]
    return min(at), max(at)


def heard_without(name: str, start: int, end: int) -> tuple[dict[str, Call], dict[str, Call]]:
    """The calls of events of which those from `start` to `end` were not heard; and of all of them.

    At `end` the connection is there again, with the snapshot that Asterisk would have answered.
    """
    node, directory = chunks_of(name)[0], config_of(name).directory()
    whole, broken = Tracker(node, directory), Tracker(node, directory)
    all_calls: dict[str, Call] = {}
    calls: dict[str, Call] = {}
    started: dict[str, ev.ChannelStarted] = {}
    told: list[ev.Event] = []
    lost = found = False
    for event in (*events_of(name), None):
        if event is not None and isinstance(event, _OF_THE_LINK):
            told += [] if lost else [event]
        else:
            at = end if event is None else event.at
            if not lost and at >= start:
                told.append(ev.LinkLost(start, True))
                lost = True
            if lost and not found and at >= end:
                told += _snapshot(whole, started, end)
                found = True
            if event is not None and (not lost or found):
                told.append(event)
        for one in told:
            calls.update((call.call_id, call) for call in broken.apply(one))
        told.clear()
        if event is not None:
            if isinstance(event, ev.ChannelStarted):
                started[event.uniqueid] = event
            all_calls.update((call.call_id, call) for call in whole.apply(event))
    return calls, all_calls


def _snapshot(whole: Tracker, started: dict[str, ev.ChannelStarted], at: int) -> list[ev.Event]:
    ringing = {key for live in whole.lives.values() for key in live.attempts}
    waiting = [
        live
        for live in whole.lives.values()
        if live.passage is not None and live.passage.left_at is None
    ]
    told: list[ev.Event] = [ev.LinkUp(at, True)]
    for channel in whole.net.channels.values():
        uniqueid, start = channel.uniqueid, started.get(channel.uniqueid)
        application = "Queue" if any(live.caller is channel for live in waiting) else None
        if channel.dialled_by or uniqueid in ringing:
            application = "AppDial"
        second = int(uniqueid.rpartition("-")[2].partition(".")[0]) * 1_000_000
        told.append(
            ev.ChannelStarted(
                second, True, uniqueid, channel.linkedid, channel.name,
                channel.up_at is not None, start.number if start else None,
                start.name if start else None, channel.context, channel.exten, True,
                channel.bridge, application,
            )
        )  # fmt: skip
    told.append(ev.ChannelsListed(at, True))
    for live in waiting:
        if (passage := live.passage) is not None:
            second = passage.joined_at // 1_000_000 * 1_000_000
            told.append(
                ev.QueueJoined(
                    second, True, live.caller.uniqueid, passage.queue, passage.position, True
                )
            )
    return [*told, ev.SnapshotEnded(at, True)]
