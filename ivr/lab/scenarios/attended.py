"""Attended transfers and consultations: completed, given up, refused, only asked."""

from __future__ import annotations

from ivr.lab.scenarios.acts import consulted, consulted_by_code, let_go, served_by_1001
from ivr.lab.sipua import talk
from ivr.lab.stage import Stage

_DIGITS = 0.4
"""Seconds between a feature code and the number: Asterisk first takes the caller away."""


async def attended_refer(stage: Stage) -> None:
    """1001 holds the caller, speaks with 2001 and joins them (REFER, Replaces)."""
    caller, leg = await served_by_1001(stage)
    second, far = await consulted(stage, leg)
    await talk(0.8)
    leg.refer_to(second)
    await let_go(leg)
    await let_go(second)
    await talk(1.0)
    caller.hang_up()
    await far.ended()


async def attended_early(stage: Stage) -> None:
    """1001 completes the attended transfer while 2001 still rings (REFER, Replaces)."""
    caller, leg = await served_by_1001(stage)
    agency = await stage.agency(2001)
    await leg.hold()
    second = await leg.phone.call("2001")
    far = await agency.rung()
    await second.until("ringing", lambda it: it.state == "ringing")
    await talk(0.4)
    leg.refer_to(second)
    await let_go(leg)
    await talk(0.4)
    await far.answer()
    await talk(1.0)
    caller.hang_up()
    await far.ended()


async def attended_feature(stage: Stage) -> None:
    """1001 speaks with 2001 by the feature code (*2) and hangs up to join them."""
    caller, leg = await served_by_1001(stage)
    far = await consulted_by_code(stage, leg)
    await far.answer()
    await talk(1.0)
    leg.hang_up()
    await talk(1.0)
    caller.hang_up()
    await far.ended()


async def attended_feature_early(stage: Stage) -> None:
    """1001 hangs up while 2001 still rings (*2); 2001 then answers."""
    caller, leg = await served_by_1001(stage)
    far = await consulted_by_code(stage, leg)
    await talk(0.5)
    leg.hang_up()
    await talk(0.5)
    await far.answer()
    await talk(1.0)
    caller.hang_up()
    await far.ended()


async def attended_cancelled(stage: Stage) -> None:
    """1001 speaks with 2001 (*2), gives it up (*1) and has the caller back."""
    caller, leg = await served_by_1001(stage)
    far = await consulted_by_code(stage, leg)
    await far.answer()
    await talk(0.8)
    await leg.press(stage.house.abort)
    await far.ended()
    await talk(0.8)
    caller.hang_up()
    await leg.ended()


async def attended_refused(stage: Stage) -> None:
    """1001 asks 2001 (*2), who is busy; 1001 has the caller back."""
    caller, leg = await served_by_1001(stage)
    agency = await stage.agency(2001)
    agency.on_call = lambda far: far.reject(486)
    since = stage.witness.mark()
    await leg.press(stage.house.attended)
    await talk(_DIGITS)
    await leg.press("2001")
    await stage.bridged(since=since)
    await talk(0.8)
    caller.hang_up()
    await leg.ended()


async def consult_return(stage: Stage) -> None:
    """1001 holds the caller, enquires of 2001 in a call of its own, and goes back to the caller."""
    caller, leg = await served_by_1001(stage)
    second, far = await consulted(stage, leg)
    await talk(0.8)
    second.hang_up()
    await far.ended()
    await leg.unhold()
    await talk(0.8)
    caller.hang_up()
    await leg.ended()


async def consult_no_answer(stage: Stage) -> None:
    """1001 holds the caller, rings 2001 in vain for 2 s, gives up and goes back to the caller."""
    caller, leg = await served_by_1001(stage)
    agency = await stage.agency(2001)
    await leg.hold()
    second = await leg.phone.call("2001")
    far = await agency.rung()
    await talk(2.0)
    second.hang_up()
    await far.ended()
    await leg.unhold()
    await talk(0.8)
    caller.hang_up()
    await leg.ended()
