"""A lost caller called back from the desk: the officer's telephone first, then the number."""

from __future__ import annotations

from ivr.lab.sipua import Leg, talk
from ivr.lab.stage import Stage

NUMBER = "0812345678"


async def calling_back(stage: Stage, lost: str = "") -> Leg:
    """1001's telephone rings for the desk and is answered; the number is dialled: 1001's leg."""
    officer = await stage.officer(1001)
    await stage.carrier()
    stage.note("the desk calls back")
    await stage.witness.act(
        "Originate", Channel="Local/1001@desk-ring/n", Context="desk-ring", Exten="s",
        Priority="1", CallerID=f"{NUMBER} <{NUMBER}>", Timeout="20000", Async="true",
        Variable=f"HOTLINE_TO={NUMBER},HOTLINE_FOR={lost}",
    )  # fmt: skip
    leg = await officer.rung()
    await talk(0.4)
    await leg.answer()
    return leg


async def called_back(stage: Stage) -> None:
    """A caller gives up after 7 s in the queue; 1001 calls back, they speak, 1001 hangs up."""
    since = stage.witness.mark()
    caller = await stage.queued("information")
    entered = await stage.witness.seen(
        "the caller's channel", lambda event: event.get("Mark") == "enter", since=since
    )
    await talk(7.0)
    caller.hang_up()
    await stage.quiet()
    since = stage.witness.mark()
    leg = await calling_back(stage, f"lab{stage.lab.number}-{entered['Linkedid']}")
    person = await (await stage.carrier()).rung()
    await talk(0.6)
    await person.answer()
    await stage.bridged(since=since)
    await talk(1.0)
    await leg.hold()
    await talk(0.6)
    await leg.unhold()
    await talk(0.6)
    leg.hang_up()
    await person.ended()


async def called_back_ended_there(stage: Stage) -> None:
    """1001 calls a number without a lost call; the person answers, speaks and hangs up."""
    since = stage.witness.mark()
    leg = await calling_back(stage)
    person = await (await stage.carrier()).rung()
    await talk(0.4)
    await person.answer()
    await stage.bridged(since=since)
    await talk(0.8)
    person.hang_up()
    await leg.ended()


async def called_back_busy(stage: Stage) -> None:
    """1001 calls back; the number is busy."""
    leg = await calling_back(stage)
    person = await (await stage.carrier()).rung()
    await talk(0.5)
    person.reject(486)
    await leg.ended()


async def called_back_given_up(stage: Stage) -> None:
    """1001 calls back; it rings, and 1001 hangs up before anybody answers."""
    leg = await calling_back(stage)
    person = await (await stage.carrier()).rung()
    await talk(1.2)
    leg.hang_up()
    await person.ended()
