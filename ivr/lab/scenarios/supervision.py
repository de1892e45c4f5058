"""A supervisor at an officer's call: 1003's telephone is rung for the desk and sent to it."""

from __future__ import annotations

from ivr.lab.sipua import Leg, talk
from ivr.lab.stage import Headers, Stage

SUPERVISOR = "1003"
_CONTEXT = "desk-supervise"


async def _officers_channel(stage: Stage, since: int) -> Headers:
    """The event by which 1001's channel came into conversation."""
    return await stage.witness.seen(
        "1001 in conversation",
        lambda event: (
            event.get("Event") == "BridgeEnter"
            and event.get("Channel", "").startswith("PJSIP/1001")
        ),
        since=since,
    )


async def _spying(stage: Stage, since: int, event: str = "ChanSpyStart") -> Headers:
    return await stage.witness.seen(event, lambda seen: seen.get("Event") == event, since=since)


async def _supervised(stage: Stage, way: str, officer: str) -> tuple[Leg, Headers]:
    """1003's telephone rings, is answered, and is at the officer's channel of this uniqueid."""
    since = stage.witness.mark()
    supervisor = await stage.officer(SUPERVISOR)
    stage.note(f"the desk lets {SUPERVISOR} {way}")
    await stage.witness.act(
        "Originate", Channel=f"Local/{SUPERVISOR}@desk-ring/n", Context="desk-ring", Exten="s",
        Priority="1", CallerID="1203 <1203>", Timeout="20000", Async="true",
        Variable=f"HOTLINE_TO={way},HOTLINE_SPIED={officer},HOTLINE_SUPERVISOR={SUPERVISOR}",
    )  # fmt: skip
    leg = await supervisor.rung()
    await talk(0.3)
    await leg.answer()
    return leg, await _spying(stage, since)


async def _another_way(stage: Stage, way: str, spying: Headers) -> None:
    since = stage.witness.mark()
    stage.note(f"the desk lets {SUPERVISOR} {way}")
    await stage.witness.act(
        "Redirect", Channel=spying["SpyerChannel"], Context=_CONTEXT, Exten=way, Priority="1"
    )
    await _spying(stage, since)


async def supervised(stage: Stage) -> None:
    """1001 serves a caller; 1003 listens, whispers, barges in and hangs up; the caller hangs up."""
    officer = await stage.officer(1001)
    since = stage.witness.mark()
    caller, leg = await stage.served_by(officer)
    channel = await _officers_channel(stage, since)
    await talk(0.6)
    supervisor, spying = await _supervised(stage, "listen", channel["Uniqueid"])
    await talk(0.8)
    await _another_way(stage, "whisper", spying)
    await talk(0.8)
    await _another_way(stage, "barge", spying)
    await talk(0.8)
    since = stage.witness.mark()
    supervisor.hang_up()
    await _spying(stage, since, "ChanSpyStop")
    await talk(0.6)
    caller.hang_up()
    await leg.ended()


async def supervised_to_the_end(stage: Stage) -> None:
    """1001 serves a caller; 1003 listens until the caller hangs up."""
    officer = await stage.officer(1001)
    since = stage.witness.mark()
    caller, leg = await stage.served_by(officer)
    channel = await _officers_channel(stage, since)
    supervisor, _ = await _supervised(stage, "listen", channel["Uniqueid"])
    await talk(1.0)
    caller.hang_up()
    await leg.ended()
    await supervisor.ended()
