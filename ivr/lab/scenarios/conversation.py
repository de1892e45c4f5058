"""In conversation with an officer: hold, who the caller is, parking, pick-up, three together."""

from __future__ import annotations

from ivr.lab.scenarios.acts import consulted_by_code, let_go, served_by_1001
from ivr.lab.sipua import Identity, Leg, talk
from ivr.lab.stage import Headers, Stage


async def hold(stage: Stage) -> None:
    """1001 holds the caller three times (sendonly, inactive, sendonly) and takes him back."""
    officer = await stage.officer(1001)
    caller, leg = await stage.served_by(officer, "information")
    for direction in ("sendonly", "inactive", "sendonly"):
        await talk(0.4)
        await leg.hold(direction)
        await talk(0.6)
        await leg.unhold()
    await talk(0.4)
    caller.hang_up()
    await leg.ended()


async def hold_hangup(stage: Stage) -> None:
    """1001 holds the caller, who hangs up while on hold."""
    officer = await stage.officer(1001)
    caller, leg = await stage.served_by(officer, "information")
    await talk(0.4)
    await leg.hold()
    await talk(0.8)
    caller.hang_up()
    await leg.ended()


async def thai_name(stage: Stage) -> None:
    """A caller with a Thai name of 40 letters, longer than Asterisk keeps; 1001 answers."""
    officer = await stage.officer(1001)
    name = "นางสาวกรุงเทพมหานคร อมรรัตนโกสินทร์มหินทรายุธยา"
    caller, leg = await stage.served_by(officer, "information", Identity("021234567", name))
    await talk(0.6)
    caller.hang_up()
    await leg.ended()


async def withheld(stage: Stage) -> None:
    """A caller who withholds his number; 1001 answers."""
    officer = await stage.officer(1001)
    caller, leg = await stage.served_by(
        officer, "complaint", Identity("0812345678", "", withheld=True)
    )
    await talk(0.6)
    caller.hang_up()
    await leg.ended()


async def withheld_asserted(stage: Stage) -> None:
    """A caller who withholds his number, which the carrier tells all the same; 1001 answers."""
    officer = await stage.officer(1001)
    caller, leg = await stage.served_by(
        officer, "complaint", Identity("0812345678", "", withheld=True, asserted=True)
    )
    await talk(0.6)
    caller.hang_up()
    await leg.ended()


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
    caller, leg = await served_by_1001(stage)
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
    caller, leg = await served_by_1001(stage)
    await _parked(stage, leg)
    again = await leg.phone.rung(30)
    await again.answer()
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
    await let_go(leg)
    return event["ParkingSpace"]


async def conference(stage: Stage) -> None:
    """1001 speaks with 2001 (*2) and makes it a conference (*3); the caller is left last."""
    caller, leg = await served_by_1001(stage)
    far = await consulted_by_code(stage, leg)
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
    caller, leg = await served_by_1001(stage)
    agency = await stage.agency(2001)
    since = stage.witness.mark()
    leg.refer(stage.house.conference)
    await let_go(leg)
    await _in_the_room(stage, since, 1)
    own = await leg.phone.call(stage.house.conference)
    await own.up()
    await _in_the_room(stage, since, 2)
    await talk(0.4)
    invited = await leg.phone.call("2001")
    far = await agency.rung()
    await talk(0.3)
    joined = stage.witness.mark()
    await far.answer()
    await invited.up()
    await stage.bridged(since=joined)
    await talk(0.4)
    invited.refer(stage.house.conference)
    await _in_the_room(stage, since, 3)
    await let_go(invited)
    await talk(1.0)
    far.hang_up()
    own.hang_up()
    await talk(0.4)
    caller.hang_up()


async def _in_the_room(stage: Stage, since: int, parties: int) -> None:
    """Waits until so many have come into the conference room."""
    await stage.witness.seen(
        f"{parties} in the room",
        lambda event: event.get("Event") == "ConfbridgeJoin",
        since=since,
        times=parties,
    )
