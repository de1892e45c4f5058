"""Asterisk killed in mid-call, the AMI connection cut, a PBX that is not ours."""

from __future__ import annotations

from ivr.lab.scenarios.acts import let_go, served_by_1001
from ivr.lab.scenarios.queueing import answered_served
from ivr.lab.sipua import talk
from ivr.lab.stage import Stage


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
    caller, leg = await served_by_1001(stage)
    agency = await stage.agency(2001)
    if stage.proxy is not None:
        stage.note("the AMI connection is cut")
        stage.proxy.cut()
    leg.refer("2001")
    far = await agency.rung()
    await talk(0.5)
    await far.answer()
    await let_go(leg)
    await talk(1.0)
    if stage.proxy is not None:
        stage.note("the AMI connection can be made again")
        stage.proxy.mend()
    await stage.heard_again()
    await talk(1.0)
    caller.hang_up()
    await far.ended()


async def ami_cut_end(stage: Stage) -> None:
    """The AMI connection is lost while 1001 serves a caller, who hangs up before it is back."""
    caller, leg = await served_by_1001(stage)
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
    await stage.heard_again()


async def ami_cut_enter(stage: Stage) -> None:
    """A caller queues while the AMI connection is lost; 1001 serves him when it is back."""
    if stage.proxy is not None:
        stage.note("the AMI connection is cut")
        stage.proxy.cut()
    caller = await stage.queued("information")
    await talk(1.2)
    if stage.proxy is not None:
        stage.note("the AMI connection can be made again")
        stage.proxy.mend()
    await stage.heard_again()
    officer = await stage.officer(1001)
    since = stage.witness.mark()
    leg = await officer.rung()
    await talk(0.3)
    await leg.answer()
    await stage.bridged(since=since)
    await stage.greeted(since=since)
    await talk(0.6)
    caller.hang_up()
    await leg.ended()


async def foreign_served(stage: Stage) -> None:
    """Another PBX: the caller presses 2, 1001 answers in `q_info`, consults no one, hangs up."""
    await answered_served(stage)


async def foreign_transfer(stage: Stage) -> None:
    """Another PBX: 1001 answers in `q_complaints` and hands the caller to 2001 by REFER."""
    officer, agency = await stage.officer(1001), await stage.agency(2001)
    since = stage.witness.mark()
    caller = await stage.ask("complaint")
    leg = await officer.rung()
    await leg.answer()
    await stage.bridged(since=since)
    await talk(0.6)
    leg.refer("2001")
    far = await agency.rung()
    await far.answer()
    await leg.transferred()
    leg.hang_up()
    await talk(0.8)
    far.hang_up()
    await caller.ended()
