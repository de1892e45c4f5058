"""Calls are told as they happen: each moment once, in order, late ones given up and counted."""

from __future__ import annotations

import asyncio

from crm_bridge.config import Config
from crm_bridge.connectors import registry
from crm_bridge.connectors.memory import MemoryConnector, MemoryCrm
from crm_bridge.connectors.port import Busy, Moment
from crm_bridge.delivery.call_events import KEPT, WAITING, CallEvents
from ivr.calls.call import OUTBOUND
from ivr.events.types import Event
from tests.contract.test_delivery import SECTION
from tests.support.desk_calls import SECOND, lost, served
from tests.support.desk_clock import NOW, HeldClock


def told(clock: HeldClock) -> tuple[CallEvents, MemoryCrm]:
    crm = MemoryCrm()
    connector = MemoryConnector("office", crm, registry.mapping_of(SECTION), clock=clock)
    return CallEvents(connector, Config(), clock), crm


async def run(events: CallEvents, until) -> None:
    task = asyncio.create_task(events.run())
    try:
        for _ in range(1000):
            if until():
                return
            await asyncio.sleep(0)
        raise AssertionError("it never came to that")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_each_moment_is_told_once_and_in_order():
    clock = HeldClock(NOW + 20 * SECOND)
    events, crm = told(clock)
    call = served(1, NOW)
    ended, call.ended_at, call.closed = call.ended_at, None, False
    events.changed(call, Event(NOW + 20 * SECOND, False))
    events.changed(call, Event(NOW + 21 * SECOND, False))
    call.ended_at, call.closed = ended, True
    events.changed(call, Event(ended, False))
    clock.at = ended
    await run(events, lambda: events.sent + events.given_up == 3)
    assert [event.moment for event in crm.heard] == [
        Moment.ENDED
    ]  # the others were five minutes old
    assert events.given_up == 2
    assert events._told == {}


async def test_a_ring_is_told_while_it_is_fresh_with_who_calls_and_where_it_rings():
    clock = HeldClock(NOW + 11 * SECOND)
    events, crm = told(clock)
    call = served(1, NOW)
    call.ended_at, call.closed, call.outcome = None, False, None
    events.changed(call, Event(clock.at, False))
    await run(events, lambda: events.sent == 2)
    ring, answer = crm.heard
    assert (ring.moment, ring.agent, ring.number, ring.at) == (
        Moment.RINGING, "1001", "+66812345678", NOW + 3 * SECOND,
    )  # fmt: skip
    assert (answer.moment, answer.agent, answer.outcome) == (Moment.ANSWERED, "1001", None)


async def test_a_withheld_number_stays_withheld_also_where_it_was_dialled():
    clock = HeldClock(NOW + 60 * SECOND)
    events, crm = told(clock)
    call = lost(1, NOW, presented=None)
    call.direction, call.dialled, call.caller_name = OUTBOUND, "0812345678", "สมชาย"
    events.changed(call, Event(clock.at, False))
    await run(events, lambda: events.sent == 1)
    (event,) = crm.heard
    assert (event.number, event.name, event.dialled) == (None, None, "")


async def test_what_waits_is_bounded_and_counted():
    events, _ = told(HeldClock())
    for number in range(WAITING + 5):
        events.changed(lost(number, NOW), Event(NOW, False))
    assert len(events._waiting) == WAITING
    assert events.given_up == 5


async def test_a_crm_that_asks_for_an_hour_holds_nobody_up_for_it():
    clock = HeldClock(NOW + 60 * SECOND)
    events, crm = told(clock)

    async def busy() -> None:
        raise Busy("later", wait=3600.0)

    crm.around = busy
    events.changed(lost(1, NOW), Event(clock.at, False))
    await run(events, lambda: events.given_up == 1)
    assert clock.at - NOW < KEPT
