"""Calls on a PBX that is not ours: what its dialplan does otherwise than our own."""

from __future__ import annotations

from ivr.lab.scenarios.acts import consulted_by_code, let_go, reject_with
from ivr.lab.sipua import Leg, talk
from ivr.lab.stage import Stage


async def _served(stage: Stage, service: str = "information") -> tuple[Leg, Leg]:
    officer = await stage.officer(1001)
    caller, leg = await stage.served_by(officer, service)
    await talk(0.6)
    return caller, leg


async def foreign_two_queues(stage: Stage) -> None:
    """Key 3 leads into two queues one after another; the caller presses 1 while with 1001."""
    officer = await stage.officer(1001)
    since = stage.witness.mark()
    caller = await stage.ask("two_queues")
    leg = await officer.rung(20)
    await talk(0.3)
    await leg.answer()
    await stage.bridged(since=since)
    await talk(0.4)
    await caller.press("1")
    await talk(0.6)
    caller.hang_up()
    await leg.ended()


async def foreign_transfer_busy(stage: Stage) -> None:
    """1001 hands the caller blind to 2001, who is busy: this dialplan then ends the call."""
    caller, leg = await _served(stage)
    agency = await stage.agency(2001)
    agency.on_call = reject_with(486)
    leg.refer("2001")
    await caller.ended()
    leg.hang_up()


async def foreign_caller_gone(stage: Stage) -> None:
    """1001 speaks with 2001 (*2); the caller hangs up meanwhile, 1001 a moment later."""
    caller, leg = await _served(stage)
    far = await consulted_by_code(stage, leg)
    await far.answer()
    await talk(0.8)
    caller.hang_up()
    await talk(0.6)
    leg.hang_up()
    await far.ended()


async def foreign_onward(stage: Stage) -> None:
    """1001 hands the caller to 2001 by REFER, who speaks with 2002 and joins them (Replaces)."""
    caller, leg = await _served(stage)
    first, second = await stage.agency(2001), await stage.agency(2002)
    leg.refer("2001")
    far = await first.rung()
    await far.answer()
    await let_go(leg)
    await talk(0.6)
    own = await first.call("2002")
    there = await second.rung()
    await talk(0.3)
    await there.answer()
    await own.up()
    await talk(0.6)
    far.refer_to(own)
    await let_go(far)
    await let_go(own)
    await talk(0.8)
    caller.hang_up()
    await there.ended()


async def foreign_two_agencies(stage: Stage) -> None:
    """1001 holds the caller and asks 2001, who is busy, then 2002, and joins the two."""
    caller, leg = await _served(stage)
    first, second = await stage.agency(2001), await stage.agency(2002)
    first.on_call = reject_with(486)
    await leg.hold()
    refused = await leg.phone.call("2001")
    await refused.ended()
    await talk(0.5)
    own = await leg.phone.call("2002")
    there = await second.rung()
    await talk(0.3)
    await there.answer()
    await own.up()
    await talk(0.6)
    leg.refer_to(own)
    await let_go(leg)
    await let_go(own)
    await talk(0.8)
    caller.hang_up()
    await there.ended()


async def foreign_redirect(stage: Stage) -> None:
    """A console sends the caller of 1001 on to 2001 (Redirect): no transfer event tells of it."""
    caller, leg = await _served(stage)
    agency = await stage.agency(2001)
    channels = await stage.lab.cli("core show channels concise")
    (name,) = [
        line.partition("!")[0]
        for line in channels.splitlines()
        if line.startswith("PJSIP/moc-carrier-")
    ]
    stage.note("the console sends the caller to 2001")
    await stage.lab.cli(f"channel redirect {name} staff,2001,1")
    await leg.ended()
    far = await agency.rung()
    await talk(0.3)
    await far.answer()
    await talk(0.8)
    far.hang_up()
    await caller.ended()
