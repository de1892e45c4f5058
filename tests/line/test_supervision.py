"""A supervisor at real calls: what Asterisk shows of it, what the record and the book say of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crm_bridge.access.account import Account
from crm_bridge.desk import supervision_log
from crm_bridge.desk.supervision_log import Act, Came, Line
from ivr.calls.call import Call, Role, TransferKind, TransferOutcome
from ivr.calls.members import Presence
from ivr.calls.supervising import supervisions
from ivr.lab.asterisk import Lab
from ivr.lab.scenarios.acts import answer_at_once
from ivr.lab.sipua import Leg, talk
from ivr.lab.stage import Stage
from tests.support.floor import Running, floor, refused
from tests.support.live import assert_sound, bridge_config, caught_up, until

pytestmark = pytest.mark.line


@pytest.fixture
async def running(lab: Lab, tmp_path: Path) -> AsyncIterator[Running]:
    """A bridge and its desk on the session's lab; at the end nothing odd has been seen."""
    async with floor(bridge_config(tmp_path / "hotline.db", lab)) as made:
        yield made
        await caught_up(made.app)
        assert made.floor.line.spyings() == []
    assert_sound(made.app)


async def seated(running: Running, place: Stage, extension: str = "1003") -> Account:
    """A supervisor who sits, paused, at a telephone that answers at once."""
    phone = await place.officer(int(extension))
    phone.on_call = answer_at_once
    account = await running.sign_in(extension, ready=False)
    await until("free", lambda: running.floor.line.presence(extension) is Presence.FREE)
    return account


async def served(running: Running, place: Stage) -> tuple[Leg, Leg, str]:
    """A caller in conversation with 1001: both legs and the call's id."""
    officer = await place.officer(1001)
    caller, leg = await place.served_by(officer)
    return caller, leg, await running.in_call("1001")


async def spies(lab: Lab) -> list[str]:
    """Channels that run ChanSpy at Asterisk, and with what: `PJSIP/1003 UNIQUEID,uqES`."""
    told = await lab.cli("core show channels concise")
    rows = [line.split("!") for line in told.splitlines()]
    return [
        f"{row[0].rpartition('-')[0]} {row[6]}" for row in rows if len(row) > 6 and "Spy" in row[5]
    ]


async def book(running: Running) -> list[Line]:
    """Every act that was written down, the oldest first."""
    async with running.app.database.reading() as connection:
        return (await supervision_log.page(connection))[::-1]


async def over(running: Running, place: Stage, call_id: str, *legs: Leg) -> Call:
    """Everybody hangs up; the call's record as it ended."""
    live = running.floor.line.live(call_id)
    assert live is not None
    for leg in legs:
        leg.hang_up()
    await place.quiet()
    await until("the call is over at the bridge", lambda: live[1].call.closed)
    return live[1].call


async def test_listen_whisper_barge_and_leave(running: Running, on_stage: Stage) -> None:
    lab, calls = on_stage.lab, running.floor.supervision.calls
    by = await seated(running, on_stage)
    caller, _leg, call_id = await served(running, on_stage)
    channel = running.floor.line.parts("1001")[0].uniqueid
    both = await asyncio.gather(
        calls.listen(by, Act.LISTEN, "1001", call_id), calls.listen(by, Act.LISTEN, "1001", call_id)
    )
    assert [one.changed for one in both] == [True, True]
    assert await spies(lab) == [f"PJSIP/1003 {channel},uqES"]
    assert not (await calls.listen(by, Act.LISTEN, "1001", call_id)).changed
    await calls.listen(by, Act.WHISPER, "1001", call_id)
    assert await spies(lab) == [f"PJSIP/1003 {channel},uqESw"]
    await calls.listen(by, Act.BARGE, "1001", call_id)
    assert await spies(lab) == [f"PJSIP/1003 {channel},uqESB"]
    assert (await calls.leave(by)).changed
    assert await spies(lab) == []
    assert not (await calls.leave(by)).changed
    call = await over(running, on_stage, call_id, caller)
    there = supervisions(call)
    assert [(s.by, s.way, s.agent) for s in there] == [
        ("1003", "listen", "1001"), ("1003", "whisper", "1001"), ("1003", "barge", "1001"),
    ]  # fmt: skip
    assert [part.agent for part in call.agents] == ["1001"]
    assert {leg.party for leg in call.legs if leg.role is Role.AGENT} == {"1001"}
    assert call.transfers == []
    await until("the book is closed", lambda: not running.floor.supervision.book.open)
    lines = await book(running)
    kept = [
        (li.act, li.started_us, li.ended_us) for li in lines if li.act in supervision_log.LASTING
    ]
    assert [row for row in kept if row[0] is not Act.LISTEN or row[1] == there[0].since] == [
        (Act(s.way), s.since, s.until) for s in there
    ]
    assert {li.outcome for li in lines} == {Came.DONE}
    assert {(li.by_account, li.by_extension) for li in lines} == {(by.id, "1003")}


async def test_who_listens_is_gone_when_the_call_is_over(running: Running, on_stage: Stage) -> None:
    by = await seated(running, on_stage)
    caller, _leg, call_id = await served(running, on_stage)
    await running.floor.supervision.calls.listen(by, Act.WHISPER, "1001", call_id)
    call = await over(running, on_stage, call_id, caller)
    (there,) = supervisions(call)
    await until("the book is closed", lambda: not running.floor.supervision.book.open)
    (line,) = await book(running)
    assert (line.started_us, line.ended_us) == (there.since, there.until)
    await until("free", lambda: running.floor.line.presence("1003") is Presence.FREE)


@pytest.mark.parametrize("listening", [False, True], ids=["from afar", "while listening"])
async def test_a_take_over_is_a_transfer_to_the_supervisor(
    running: Running, on_stage: Stage, listening: bool
) -> None:
    calls = running.floor.supervision.calls
    by = await seated(running, on_stage)
    caller, leg, call_id = await served(running, on_stage)
    if listening:
        await calls.listen(by, Act.LISTEN, "1001", call_id)
        await talk(0.3)
    await calls.take_over(by, "1001", call_id)
    await leg.ended()
    assert await running.in_call("1003") == call_id
    assert caller.state == "up"
    await talk(0.4)
    call = await over(running, on_stage, call_id, caller)
    (transfer,) = call.transfers
    assert (transfer.kind, transfer.by, transfer.target, transfer.outcome) == (
        TransferKind.BLIND, "1001", "1003", TransferOutcome.ANSWERED,
    )  # fmt: skip
    assert [part.agent for part in call.agents] == ["1001", "1003"]
    assert [(m.value, m.by) for m in call.marks if m.name == "taken_over"] == [("1001", "1003")]
    await until("the book is closed", lambda: not running.floor.supervision.book.open)
    line = (await book(running))[-1]
    assert (line.act, line.outcome, line.detail) == (Act.TAKE_OVER, Came.DONE, "answered")


async def test_a_take_over_that_is_not_picked_up_gives_the_caller_back(
    running: Running, on_stage: Stage
) -> None:
    by = await seated(running, on_stage)
    phone = await on_stage.officer(1003)
    caller, leg, call_id = await served(running, on_stage)
    phone.on_call = lambda rung: (rung.ring(), rung.reject(486))[0]
    await running.floor.supervision.calls.take_over(by, "1001", call_id)
    await leg.ended()
    again = await (await on_stage.officer(1001)).rung(20)
    await again.answer()
    await talk(0.4)
    call = await over(running, on_stage, call_id, caller, again)
    assert call.transfers[0].outcome is not TransferOutcome.ANSWERED
    assert [part.agent for part in call.agents] == ["1001", "1001"]


async def test_what_cannot_be_is_refused_and_kept(running: Running, on_stage: Stage) -> None:
    calls = running.floor.supervision.calls
    by, other = await seated(running, on_stage), await seated(running, on_stage, "1004")
    nobody = await running.account("nobody")
    caller, _leg, call_id = await served(running, on_stage)

    async def no(who: Account, agent: str = "1001", call: str = call_id) -> str:
        return await refused(calls.listen(who, Act.LISTEN, agent, call))

    assert await no(nobody) == "not-signed-in-at-a-telephone"
    assert await no(by, agent="1003") == "to-oneself"
    assert await no(by, agent="1002") == "officer-not-in-call"
    assert await no(by, call="lab-0.0") == "call-over"
    phone = await on_stage.officer(1003)
    phone.on_call = lambda rung: (rung.ring(), rung.reject(486))[0]
    assert await no(by) == "telephone-not-answered"
    phone.on_call = answer_at_once
    await until("free", lambda: running.floor.line.presence("1003") is Presence.FREE)
    await calls.listen(by, Act.LISTEN, "1001", call_id)
    assert await no(other) == "supervised-already"
    assert await spies(on_stage.lab) != []
    await over(running, on_stage, call_id, caller)
    lines = await book(running)
    assert [(li.outcome, li.refused_as) for li in lines] == [
        (Came.REFUSED, "not-signed-in-at-a-telephone"), (Came.REFUSED, "to-oneself"),
        (Came.REFUSED, "officer-not-in-call"), (Came.REFUSED, "call-over"),
        (Came.REFUSED, "telephone-not-answered"), (Came.DONE, None),
        (Came.REFUSED, "supervised-already"),
    ]  # fmt: skip


async def test_a_forced_pause_reaches_the_queues_and_says_whose_it_is(
    running: Running, on_stage: Stage
) -> None:
    officers = running.floor.supervision.officers
    await on_stage.officer(1001)
    await running.sign_in("1001")
    by = await running.account("head")
    await running.everywhere("1001", False)
    since = on_stage.witness.mark()
    await officers.pause(by, "1001", "meeting")
    told: Any = await on_stage.witness.seen(
        "Asterisk pauses 1001",
        lambda event: event.get("Event") == "QueueMemberPause" and event.get("Paused") == "1",
        since=since,
    )
    assert (told["MemberName"], told["PausedReason"]) == ("1001", "meeting")
    await running.everywhere("1001", True, "meeting")
    seat = running.floor.agents.view(running.floor.agents.seat("1001"))
    assert (seat["source"], seat["by_en"], seat["reason"]) == ("supervisor", "head", "meeting")
    await officers.ready(by, "1001")
    await running.everywhere("1001", False)
    await officers.sign_out(by, "1001")
    assert running.floor.agents.at("1001") is None
    await running.everywhere("1001", True, "signed_out")
    assert [(li.act, li.detail, li.to_extension) for li in await book(running)] == [
        (Act.PAUSE, "meeting", "1001"), (Act.READY, "", "1001"), (Act.SIGN_OUT, "", "1001"),
    ]  # fmt: skip
