"""A caller and the line by themselves: menu, guide, an early end."""

from __future__ import annotations

from ivr.lab.sipua import talk
from ivr.lab.stage import Stage


async def abandoned_menu(stage: Stage) -> None:
    """The caller hears the menu for 2 s and hangs up without pressing a key."""
    since = stage.witness.mark()
    caller = await stage.dial()
    await stage.menu(since=since)
    await talk(2.0)
    caller.hang_up()


async def short_call(stage: Stage) -> None:
    """The caller hangs up 0.4 s after the line answered."""
    caller = await stage.dial()
    await talk(0.4)
    caller.hang_up()


async def cancelled_call(stage: Stage) -> None:
    """The caller's INVITE is cancelled at once, before or while the line answers."""
    carrier = await stage.carrier()
    leg = await carrier.call(stage.house.dialled, stage.caller)
    leg.hang_up()
    await leg.ended()


async def menu_faults(stage: Stage) -> None:
    """A wrong key, the other language, star to repeat, then information; 1001 answers."""
    officer = await stage.officer(1001)
    since = stage.witness.mark()
    caller = await stage.dial()
    await stage.menu(since=since)
    for keys in ("8", "9", "*"):
        since = stage.witness.mark()
        await caller.press(keys)
        await stage.menu(since=since)
    await caller.press("2")
    leg = await officer.rung()
    await leg.answer()
    await stage.bridged(since=since)
    await talk(0.8)
    caller.hang_up()
    await leg.ended()


async def no_key(stage: Stage) -> None:
    """The caller presses nothing until the line gives him to an officer; 1001 answers."""
    officer = await stage.officer(1001)
    since = stage.witness.mark()
    caller = await stage.dial()
    leg = await officer.rung(40)
    await leg.answer()
    await stage.bridged(since=since)
    await talk(0.8)
    caller.hang_up()
    await leg.ended()


async def guide(stage: Stage) -> None:
    """The marketing guide is read to its end; the caller then asks for an officer, 1001 answers."""
    officer = await stage.officer(1001)
    since = stage.witness.mark()
    caller = await stage.ask("guide")
    await stage.witness.seen(
        "the guide's end", lambda event: event.get("Mark") == "guide", since=since
    )
    await caller.press("1")
    leg = await officer.rung()
    await leg.answer()
    await stage.bridged(since=since)
    await talk(0.8)
    caller.hang_up()
    await leg.ended()
