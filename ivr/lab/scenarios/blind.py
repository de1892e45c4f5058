"""Blind transfers: by REFER and by feature code, reached and not reached."""

from __future__ import annotations

from ivr.lab.scenarios.acts import back, let_go, served_by_1001
from ivr.lab.sipua import talk
from ivr.lab.stage import Stage

_DIGITS = 0.4
"""Seconds between a feature code and the number: Asterisk first takes the caller away."""


async def blind_refer(stage: Stage) -> None:
    """1001 hands the caller to agency 2001 by REFER; the agency answers, the caller hangs up."""
    caller, leg = await served_by_1001(stage)
    agency = await stage.agency(2001)
    leg.refer("2001")
    far = await agency.rung()
    await talk(0.4)
    await far.answer()
    await let_go(leg)
    await talk(1.0)
    caller.hang_up()
    await far.ended()


async def blind_feature(stage: Stage) -> None:
    """1001 hands the caller to agency 2001 by the feature code (#1); the agency hangs up."""
    caller, leg = await served_by_1001(stage)
    agency = await stage.agency(2001)
    await leg.press(stage.house.blind)
    await talk(_DIGITS)
    await leg.press("2001")
    far = await agency.rung()
    await leg.ended()
    await talk(0.4)
    await far.answer()
    await talk(1.0)
    far.hang_up()
    await caller.ended()


async def ended_by_agency(stage: Stage) -> None:
    """As blind_refer, a complaint, and the agency hangs up first."""
    caller, leg = await served_by_1001(stage, "complaint")
    agency = await stage.agency(2001)
    leg.refer("2001")
    far = await agency.rung()
    await far.answer()
    await let_go(leg)
    await talk(0.8)
    far.hang_up()
    await caller.ended()


async def transfer_busy(stage: Stage) -> None:
    """Blind to 2001, who is busy: the caller goes back to 1001, who answers again."""
    caller, leg = await served_by_1001(stage)
    agency = await stage.agency(2001)
    agency.on_call = lambda far: far.reject(486)
    leg.refer("2001")
    await let_go(leg)
    await back(stage, caller, leg)


async def transfer_no_answer(stage: Stage) -> None:
    """Blind to 2001, who lets it ring: the caller goes back to 1001, who answers again."""
    caller, leg = await served_by_1001(stage)
    agency = await stage.agency(2001)
    leg.refer("2001")
    far = await agency.rung()
    await let_go(leg)
    await far.ended(40)
    await back(stage, caller, leg)


async def transfer_unreachable(stage: Stage) -> None:
    """Blind to 2007, which has no telephone: the caller goes back to 1001, who answers again."""
    caller, leg = await served_by_1001(stage)
    leg.refer("2007")
    await let_go(leg)
    await back(stage, caller, leg)


async def transfer_abandoned(stage: Stage) -> None:
    """Blind to 2001, who rings; the caller hangs up meanwhile."""
    caller, leg = await served_by_1001(stage)
    agency = await stage.agency(2001)
    leg.refer("2001")
    far = await agency.rung()
    await let_go(leg)
    await talk(1.0)
    caller.hang_up()
    await far.ended()


async def transfer_back_abandoned(stage: Stage) -> None:
    """Blind to 2001, who is busy; the caller hangs up while 1001 is rung again."""
    caller, leg = await served_by_1001(stage)
    agency = await stage.agency(2001)
    agency.on_call = lambda far: far.reject(486)
    leg.refer("2001")
    await let_go(leg)
    again = await leg.phone.rung(20)
    await talk(0.8)
    caller.hang_up()
    await again.ended()


async def transfer_requeued(stage: Stage) -> None:
    """Blind to 2001, busy; 1001 declines the caller's return; the queue gives him to 1002."""
    caller, leg = await served_by_1001(stage)
    agency = await stage.agency(2001)
    agency.on_call = lambda far: far.reject(486)
    second = await stage.officer(1002)
    first = leg.phone
    first.on_call = lambda back: back.reject(603)
    leg.refer("2001")
    await let_go(leg)
    again = await second.rung(30)
    await again.answer()
    await talk(0.8)
    caller.hang_up()
    await again.ended()


async def transfer_to_queue(stage: Stage) -> None:
    """1001 (information) hands the caller into the queue of complaints; 1002 answers there."""
    caller, leg = await served_by_1001(stage)
    second = await stage.officer(1002)
    leg.phone.on_call = lambda far: far.reject(486)
    since = stage.witness.mark()
    leg.refer(stage.house.queue_numbers["complaint"])
    await let_go(leg)
    far = await second.rung(20)
    await talk(0.3)
    await far.answer()
    await stage.bridged(since=since)
    await talk(0.8)
    caller.hang_up()
    await far.ended()


async def transfer_to_officer(stage: Stage) -> None:
    """1001 hands the caller blind to officer 1002, who answers."""
    caller, leg = await served_by_1001(stage)
    second = await stage.officer(1002)
    leg.refer("1002")
    far = await second.rung()
    await talk(0.3)
    await far.answer()
    await let_go(leg)
    await talk(0.8)
    caller.hang_up()
    await far.ended()


async def local_transfer(stage: Stage) -> None:
    """1009, a Local member of the queue, hands the caller to 2001 by REFER."""
    officer = await stage.officer(1009)
    caller, leg = await stage.served_by(officer, "information")
    await talk(0.6)
    agency = await stage.agency(2001)
    leg.refer("2001")
    far = await agency.rung()
    await far.answer()
    await let_go(leg)
    await talk(0.8)
    caller.hang_up()
    await far.ended()
