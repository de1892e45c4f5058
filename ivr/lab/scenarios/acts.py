"""Parts that several scenarios are made of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ivr.lab.sipua import Leg, Phone, talk
from ivr.lab.stage import Headers, Stage

_DIGITS = 0.4
"""Seconds between a feature code and the number: Asterisk first takes the caller away."""


async def served_by_1001(stage: Stage, service: str = "information") -> tuple[Leg, Leg]:
    """A caller in conversation with 1001 for 0.6 s."""
    officer = await stage.officer(1001)
    caller, leg = await stage.served_by(officer, service)
    await talk(0.6)
    return caller, leg


async def let_go(leg: Leg) -> None:
    """Waits until the transfer is done with the one who asked; hangs up as a telephone does."""
    if await leg.transferred(40) < 300:
        leg.hang_up()
    await leg.ended()


async def consulted(stage: Stage, leg: Leg) -> tuple[Leg, Leg]:
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


async def consulted_by_code(stage: Stage, leg: Leg) -> Leg:
    """The officer asks for 2001 by the feature code; 2001 rings."""
    agency = await stage.agency(2001)
    await leg.press(stage.house.attended)
    await talk(_DIGITS)
    await leg.press("2001")
    far = await agency.rung()
    await talk(0.5)
    return far


async def back(stage: Stage, caller: Leg, leg: Leg) -> None:
    """The caller comes back to the officer, they speak, the caller hangs up."""
    since = stage.witness.mark()
    again = await leg.phone.rung(20)
    await talk(0.3)
    await again.answer()
    await stage.bridged(since=since)
    await talk(0.8)
    caller.hang_up()
    await again.ended()


async def rung_by(wanted: Phone, other: Phone) -> Leg:
    """The next call at `wanted`; meanwhile `other` rings in vain again, should it be rung."""
    other.on_call = Leg.ring
    try:
        return await wanted.rung(25)
    finally:
        other.on_call = None


def reject_with(status: int) -> Callable[[Leg], None]:
    """For `Phone.on_call`: rings and refuses at once."""

    def refuse(leg: Leg) -> None:
        leg.ring()
        leg.reject(status)

    return refuse


def dial_ended(channel: str) -> Callable[[Headers], bool]:
    """For `Witness.seen`: the ringing of a channel of this name has ended."""
    return lambda event: (
        event.get("Event") == "DialEnd" and event.get("DestChannel", "").startswith(channel)
    )


def answer_at_once(leg: Leg) -> None:
    """For `Phone.on_call`: rings and answers at once."""
    leg.ring()
    leg.phone.spawn(asyncio.create_task(leg.answer()))
