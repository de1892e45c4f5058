"""Calls that are handed on: transfers, consultations, pick-up, parking, conference."""

from __future__ import annotations

from ivr.lab.sipua import Leg, talk
from ivr.lab.stage import CALLER, Headers, Stage

_DIGITS = 0.4
"""Seconds between a feature code and the number: Asterisk first takes the caller away."""


async def blind_refer(stage: Stage) -> None:
    """1001 hands the caller to agency 2001 by REFER; the agency answers, the caller hangs up."""
    caller, leg = await _served(stage)
    agency = await stage.agency(2001)
    leg.refer("2001")
    far = await agency.rung()
    await talk(0.4)
    await far.answer()
    await _let_go(leg)
    await talk(1.0)
    caller.hang_up()
    await far.ended()


async def blind_feature(stage: Stage) -> None:
    """1001 hands the caller to agency 2001 by the feature code (#1); the agency hangs up."""
    caller, leg = await _served(stage)
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
    caller, leg = await _served(stage, "complaint")
    agency = await stage.agency(2001)
    leg.refer("2001")
    far = await agency.rung()
    await far.answer()
    await _let_go(leg)
    await talk(0.8)
    far.hang_up()
    await caller.ended()


async def attended_refer(stage: Stage) -> None:
    """1001 holds the caller, speaks with 2001 and joins them (REFER, Replaces)."""
    caller, leg = await _served(stage)
    second, far = await _consulted(stage, leg)
    await talk(0.8)
    leg.refer_to(second)
    await _let_go(leg)
    await _let_go(second)
    await talk(1.0)
    caller.hang_up()
    await far.ended()


async def attended_early(stage: Stage) -> None:
    """1001 completes the attended transfer while 2001 still rings (REFER, Replaces)."""
    caller, leg = await _served(stage)
    agency = await stage.agency(2001)
    await leg.hold()
    second = await leg.phone.call("2001")
    far = await agency.rung()
    await second.until("ringing", lambda it: it.state == "ringing")
    await talk(0.4)
    leg.refer_to(second)
    await _let_go(leg)
    await talk(0.4)
    await far.answer()
    await talk(1.0)
    caller.hang_up()
    await far.ended()


async def attended_feature(stage: Stage) -> None:
    """1001 speaks with 2001 by the feature code (*2) and hangs up to join them."""
    caller, leg = await _served(stage)
    far = await _consulted_by_code(stage, leg)
    await far.answer()
    await talk(1.0)
    leg.hang_up()
    await talk(1.0)
    caller.hang_up()
    await far.ended()


async def attended_feature_early(stage: Stage) -> None:
    """1001 hangs up while 2001 still rings (*2); 2001 then answers."""
    caller, leg = await _served(stage)
    far = await _consulted_by_code(stage, leg)
    await talk(0.5)
    leg.hang_up()
    await talk(0.5)
    await far.answer()
    await talk(1.0)
    caller.hang_up()
    await far.ended()


async def attended_cancelled(stage: Stage) -> None:
    """1001 speaks with 2001 (*2), gives it up (*1) and has the caller back."""
    caller, leg = await _served(stage)
    far = await _consulted_by_code(stage, leg)
    await far.answer()
    await talk(0.8)
    await leg.press(stage.house.abort)
    await far.ended()
    await talk(0.8)
    caller.hang_up()
    await leg.ended()


async def attended_refused(stage: Stage) -> None:
    """1001 asks 2001 (*2), who is busy; 1001 has the caller back."""
    caller, leg = await _served(stage)
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
    caller, leg = await _served(stage)
    second, far = await _consulted(stage, leg)
    await talk(0.8)
    second.hang_up()
    await far.ended()
    await leg.unhold()
    await talk(0.8)
    caller.hang_up()
    await leg.ended()


async def consult_no_answer(stage: Stage) -> None:
    """1001 holds the caller, rings 2001 in vain for 2 s, gives up and goes back to the caller."""
    caller, leg = await _served(stage)
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


async def transfer_busy(stage: Stage) -> None:
    """Blind to 2001, who is busy: the caller goes back to 1001, who answers again."""
    caller, leg = await _served(stage)
    agency = await stage.agency(2001)
    agency.on_call = lambda far: far.reject(486)
    leg.refer("2001")
    await _let_go(leg)
    await _back(stage, caller, leg)


async def transfer_no_answer(stage: Stage) -> None:
    """Blind to 2001, who lets it ring: the caller goes back to 1001, who answers again."""
    caller, leg = await _served(stage)
    agency = await stage.agency(2001)
    leg.refer("2001")
    far = await agency.rung()
    await _let_go(leg)
    await far.ended(40)
    await _back(stage, caller, leg)


async def transfer_unreachable(stage: Stage) -> None:
    """Blind to 2007, which has no telephone: the caller goes back to 1001, who answers again."""
    caller, leg = await _served(stage)
    leg.refer("2007")
    await _let_go(leg)
    await _back(stage, caller, leg)


async def transfer_abandoned(stage: Stage) -> None:
    """Blind to 2001, who rings; the caller hangs up meanwhile."""
    caller, leg = await _served(stage)
    agency = await stage.agency(2001)
    leg.refer("2001")
    far = await agency.rung()
    await _let_go(leg)
    await talk(1.0)
    caller.hang_up()
    await far.ended()


async def transfer_back_abandoned(stage: Stage) -> None:
    """Blind to 2001, who is busy; the caller hangs up while 1001 is rung again."""
    caller, leg = await _served(stage)
    agency = await stage.agency(2001)
    agency.on_call = lambda far: far.reject(486)
    leg.refer("2001")
    await _let_go(leg)
    again = await leg.phone.rung(20)
    await talk(0.8)
    caller.hang_up()
    await again.ended()


async def transfer_requeued(stage: Stage) -> None:
    """Blind to 2001, busy; 1001 declines the caller's return; the queue gives him to 1002."""
    caller, leg = await _served(stage)
    agency = await stage.agency(2001)
    agency.on_call = lambda far: far.reject(486)
    second = await stage.officer(1002)
    first = leg.phone
    first.on_call = lambda back: back.reject(603)
    leg.refer("2001")
    await _let_go(leg)
    again = await second.rung(30)
    await again.answer()
    await talk(0.8)
    caller.hang_up()
    await again.ended()


async def transfer_to_queue(stage: Stage) -> None:
    """1001 (information) hands the caller into the queue of complaints; 1002 answers there."""
    caller, leg = await _served(stage)
    second = await stage.officer(1002)
    leg.phone.on_call = lambda far: far.reject(486)
    since = stage.witness.mark()
    leg.refer(stage.house.queue_numbers["complaint"])
    await _let_go(leg)
    far = await second.rung(20)
    await talk(0.3)
    await far.answer()
    await stage.bridged(since=since)
    await talk(0.8)
    caller.hang_up()
    await far.ended()


async def transfer_to_officer(stage: Stage) -> None:
    """1001 hands the caller blind to officer 1002, who answers."""
    caller, leg = await _served(stage)
    second = await stage.officer(1002)
    leg.refer("1002")
    far = await second.rung()
    await talk(0.3)
    await far.answer()
    await _let_go(leg)
    await talk(0.8)
    caller.hang_up()
    await far.ended()


async def pickup(stage: Stage) -> None:
    """1001's telephone rings; 1002 takes the call with *8 and the caller."""
    officer = await stage.officer(1001)
    since = stage.witness.mark()
    caller = await stage.ask("information")
    rung = await officer.rung()
    second = await stage.officer(1002)
    await talk(0.5)
    leg = await second.call(stage.house.pickup)
    await leg.up()
    await rung.ended()
    await stage.bridged(since=since)
    await talk(1.0)
    caller.hang_up()
    await leg.ended()


async def park(stage: Stage) -> None:
    """1001 parks the caller (700); 1002 fetches him from his place after 1 s."""
    caller, leg = await _served(stage)
    second = await stage.officer(1002)
    place = await _parked(stage, leg)
    await talk(1.0)
    fetched = await second.call(place)
    await fetched.up()
    await talk(1.0)
    caller.hang_up()
    await fetched.ended()


async def park_timeout(stage: Stage) -> None:
    """1001 parks the caller; nobody fetches him, he goes back to 1001, who answers."""
    caller, leg = await _served(stage)
    await _parked(stage, leg)
    again = await leg.phone.rung(30)
    await again.answer()
    await talk(0.8)
    caller.hang_up()
    await again.ended()


async def conference(stage: Stage) -> None:
    """1001 speaks with 2001 (*2) and makes it a conference (*3); the caller is left last."""
    caller, leg = await _served(stage)
    far = await _consulted_by_code(stage, leg)
    await far.answer()
    await talk(0.6)
    since = stage.witness.mark()
    await leg.press(stage.house.three_way)
    await stage.bridged(since=since, parties=3)
    await talk(1.0)
    leg.hang_up()
    await talk(0.6)
    far.hang_up()
    await caller.ended()


async def conference_room(stage: Stage) -> None:
    """1001 sends the caller to room 6100 and calls it himself, as does 2001: three in a room."""
    caller, leg = await _served(stage)
    agency = await stage.agency(2001)
    since = stage.witness.mark()
    leg.refer(stage.house.conference)
    await _let_go(leg)
    own = await leg.phone.call(stage.house.conference)
    await own.up()
    await leg.phone.call("2001")
    far = await agency.rung()
    await far.answer()
    invited = leg.phone.legs[-1]
    await invited.up()
    invited.refer(stage.house.conference)
    await stage.witness.seen(
        "three in the room", lambda event: event.get("Event") == "ConfbridgeJoin",
        since=since, times=3,
    )  # fmt: skip
    await talk(1.0)
    far.hang_up()
    own.hang_up()
    await talk(0.4)
    caller.hang_up()


async def local_transfer(stage: Stage) -> None:
    """1009, a Local member of the queue, hands the caller to 2001 by REFER."""
    officer = await stage.officer(1009)
    caller, leg = await stage.served_by(officer, "information")
    await talk(0.6)
    agency = await stage.agency(2001)
    leg.refer("2001")
    far = await agency.rung()
    await far.answer()
    await _let_go(leg)
    await talk(0.8)
    caller.hang_up()
    await far.ended()


async def killed(stage: Stage) -> None:
    """Asterisk is killed while 1001 serves a caller, and started again; a new call is served."""
    officer = await stage.officer(1001)
    await stage.served_by(officer, "information")
    await talk(0.6)
    await stage.crash()
    caller, leg = await stage.served_by(officer, "complaint")
    await talk(0.6)
    caller.hang_up()
    await leg.ended()


async def killed_waiting(stage: Stage) -> None:
    """Asterisk is killed while a caller waits in the queue; nothing more happens."""
    await stage.queued("information")
    await talk(1.0)
    await stage.crash()
    await talk(0.5)


async def ami_cut(stage: Stage) -> None:
    """The AMI connection is lost for 1.5 s while 1001 hands the caller to 2001."""
    caller, leg = await _served(stage)
    agency = await stage.agency(2001)
    if stage.proxy is not None:
        stage.note("the AMI connection is cut")
        stage.proxy.cut()
    leg.refer("2001")
    far = await agency.rung()
    await talk(0.5)
    await far.answer()
    await _let_go(leg)
    await talk(1.0)
    if stage.proxy is not None:
        stage.note("the AMI connection can be made again")
        stage.proxy.mend()
    await talk(1.0)
    caller.hang_up()
    await far.ended()


async def ami_cut_end(stage: Stage) -> None:
    """The AMI connection is lost while 1001 serves a caller, who hangs up before it is back."""
    caller, leg = await _served(stage)
    if stage.proxy is not None:
        stage.note("the AMI connection is cut")
        stage.proxy.cut()
    await talk(0.5)
    caller.hang_up()
    await leg.ended()
    await stage.quiet()
    if stage.proxy is not None:
        stage.note("the AMI connection can be made again")
        stage.proxy.mend()


async def _served(stage: Stage, service: str = "information") -> tuple[Leg, Leg]:
    """A caller in conversation with 1001 for 0.6 s."""
    officer = await stage.officer(1001)
    caller, leg = await stage.served_by(officer, service, CALLER)
    await talk(0.6)
    return caller, leg


async def _let_go(leg: Leg) -> None:
    """Waits until the transfer is done with the one who asked; hangs up as a telephone does."""
    if await leg.transferred(40) < 300:
        leg.hang_up()
    await leg.ended()


async def _consulted(stage: Stage, leg: Leg) -> tuple[Leg, Leg]:
    """The officer holds the caller and speaks with 2001: (his second call, the agency's leg)."""
    agency = await stage.agency(2001)
    await leg.hold()
    since = stage.witness.mark()
    second = await leg.phone.call("2001")
    far = await agency.rung()
    await talk(0.4)
    await far.answer()
    await second.up()
    await stage.bridged(since=since)
    return second, far


async def _consulted_by_code(stage: Stage, leg: Leg) -> Leg:
    """The officer asks for 2001 by the feature code; 2001 rings."""
    agency = await stage.agency(2001)
    await leg.press(stage.house.attended)
    await talk(_DIGITS)
    await leg.press("2001")
    far = await agency.rung()
    await talk(0.5)
    return far


async def _back(stage: Stage, caller: Leg, leg: Leg) -> None:
    """The caller comes back to the officer, they speak, the caller hangs up."""
    since = stage.witness.mark()
    again = await leg.phone.rung(20)
    await talk(0.3)
    await again.answer()
    await stage.bridged(since=since)
    await talk(0.8)
    caller.hang_up()
    await again.ended()


async def _parked(stage: Stage, leg: Leg) -> str:
    """The officer parks the caller by REFER; the place where he is."""
    since = stage.witness.mark()
    leg.refer(stage.house.park)
    event: Headers = await stage.witness.seen(
        "the caller parked", lambda it: it.get("Event") == "ParkedCall", since=since
    )
    stage.note(f"the caller is parked at {event['ParkingSpace']}")
    await _let_go(leg)
    return event["ParkingSpace"]
