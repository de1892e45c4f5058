"""Callers, queues and officers: who rings, who answers, who waits in vain."""

from __future__ import annotations

import asyncio

from ivr.lab.scenarios.acts import answer_at_once, dial_ended, reject_with, rung_by
from ivr.lab.sipua import Identity, talk
from ivr.lab.stage import Stage


async def answered_served(stage: Stage) -> None:
    """A caller asks for information, 1001 answers after 0.5 s, they speak, the caller hangs up."""
    officer = await stage.officer(1001)
    since = stage.witness.mark()
    caller = await stage.ask("information")
    leg = await officer.rung()
    await talk(0.5)
    await leg.answer()
    await stage.bridged(since=since)
    await talk(1.5)
    caller.hang_up()
    await leg.ended()


async def ended_by_officer(stage: Stage) -> None:
    """A complaint; 1001 answers and hangs up first."""
    officer = await stage.officer(1001)
    caller, leg = await stage.served_by(officer, "complaint")
    await talk(0.8)
    leg.hang_up()
    await caller.ended()


async def abandoned_queue(stage: Stage) -> None:
    """Nobody is in; the caller waits 7 s in the queue and hangs up."""
    caller = await stage.queued("information")
    await talk(7.0)
    caller.hang_up()


async def abandoned_ringing(stage: Stage) -> None:
    """1001's telephone rings for 6 s unanswered; the caller hangs up meanwhile."""
    officer = await stage.officer(1001)
    caller = await stage.ask("complaint")
    leg = await officer.rung()
    await talk(6.5)
    caller.hang_up()
    await leg.ended()


async def ring_no_answer(stage: Stage) -> None:
    """1001 lets it ring until the queue gives up on him; 1002 answers."""
    first = await stage.officer(1001)
    since = stage.witness.mark()
    caller = await stage.ask("information")
    unanswered = await first.rung()
    second = await stage.officer(1002)
    await unanswered.ended(20)
    stage.note("1001 has stopped ringing")
    answered = await rung_by(second, first)
    await answered.answer()
    await stage.bridged(since=since)
    await talk(1.0)
    caller.hang_up()
    await answered.ended()


async def agent_rejects(stage: Stage) -> None:
    """1001 declines (603), 1002 is busy (486) on his telephone, then 1003 answers."""
    since = stage.witness.mark()
    first = await stage.officer(1001)
    first.on_call = reject_with(603)
    caller = await stage.ask("information")
    await stage.witness.seen("1001's refusal", dial_ended("PJSIP/1001-"), since=since)
    second = await stage.officer(1002)
    second.on_call = reject_with(486)
    await stage.witness.seen("1002's refusal", dial_ended("PJSIP/1002-"), since=since)
    third = await stage.officer(1003)
    leg = await third.rung()
    await leg.answer()
    await stage.bridged(since=since)
    await talk(0.8)
    caller.hang_up()
    await leg.ended()


async def queue_timeout(stage: Stage) -> None:
    """The only officer is in a call; a second caller waits until the queue gives up (8 s)."""
    officer = await stage.officer(1001)
    busy_caller, busy = await stage.served_by(officer, "information")
    since = stage.witness.mark()
    caller = await stage.queued("information", Identity("0899999999", "สมหญิง รอนาน"))
    await stage.witness.seen(
        "the queue giving up",
        lambda event: event.get("Event") == "QueueCallerLeave",
        since=since,
    )
    stage.note("the queue has given up")
    await caller.ended()
    busy_caller.hang_up()
    await busy.ended()


async def queue_reentry(stage: Stage) -> None:
    """1001 answers and sends the caller back into the same queue (6002); 1002 answers."""
    officer = await stage.officer(1001)
    caller, leg = await stage.served_by(officer, "information")
    second = await stage.officer(1002)
    await talk(0.5)
    leg.refer(stage.house.queue_numbers["information"])
    await leg.transferred()
    leg.hang_up()
    again = await rung_by(second, officer)
    await again.answer()
    await talk(0.8)
    caller.hang_up()
    await again.ended()


async def same_number_twice(stage: Stage) -> None:
    """Two calls from one number at once: 1001 has the first, 1002 the second."""
    first, second = await stage.officer(1001), await stage.officer(1002)
    first.on_call = second.on_call = answer_at_once
    since = stage.witness.mark()
    one = await stage.ask("information")
    await stage.bridged(since=since)
    since = stage.witness.mark()
    two = await stage.ask("complaint")
    await stage.bridged(since=since)
    await talk(0.6)
    one.hang_up()
    await talk(0.6)
    two.hang_up()


async def same_second(stage: Stage) -> None:
    """Two callers dial in the same moment; 1001 and 1002 answer them."""
    first, second = await stage.officer(1001), await stage.officer(1002)
    first.on_call = second.on_call = answer_at_once
    since = stage.witness.mark()
    carrier = await stage.carrier()
    one = await carrier.call(stage.house.dialled, Identity("0811111111", "หนึ่ง"))
    await stage.witness.seen(
        "the first caller's channel",  # else Asterisk may give the second caller the first channel
        lambda event: event.get("Event") == "Newchannel",
        since=since,
    )
    two = await carrier.call(stage.house.dialled, Identity("0822222222", "สอง"))
    await asyncio.gather(one.up(), two.up())
    await stage.menu(since=since, times=2)
    await one.press(stage.house.keys["information"])
    await two.press(stage.house.keys["complaint"])
    await stage.bridged(since=since, times=2)
    await talk(0.6)
    one.hang_up()
    two.hang_up()


async def two_devices(stage: Stage) -> None:
    """Officer 1008 has two telephones; both ring, the second answers."""
    first, second = await stage.officer("1008a"), await stage.officer("1008b")
    since = stage.witness.mark()
    caller = await stage.ask("information")
    other = await first.rung()
    leg = await second.rung()
    await talk(0.4)
    await leg.answer()
    await other.ended()
    await stage.bridged(since=since)
    await stage.greeted(since=since)
    await talk(0.8)
    caller.hang_up()
    await leg.ended()


async def local_member(stage: Stage) -> None:
    """Officer 1009 is a Local channel in the queue; he answers."""
    officer = await stage.officer(1009)
    caller, leg = await stage.served_by(officer, "information")
    await talk(0.8)
    leg.hang_up()
    await caller.ended()
