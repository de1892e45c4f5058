"""Acts from the desk on real calls: what they do, what the record says of it, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ivr.calls.call import ConsultationOutcome, EndedBy, TransferKind, TransferOutcome
from ivr.calls.members import Presence
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
    config = bridge_config(tmp_path / "hotline.db", lab)
    async with floor(config) as made:
        yield made
        await caught_up(made.app)
    assert_sound(made.app)


async def served(running: Running, place: Stage) -> tuple[Leg, Leg, str]:
    """A caller in conversation with 1001: both legs and the call's id."""
    officer = await place.officer(1001)
    caller, leg = await place.served_by(officer)
    call_id = await running.in_call("1001")
    await talk(0.2)
    return caller, leg, call_id


async def over(running: Running, place: Stage, call_id: str, *legs: Leg) -> Any:
    """Everybody hangs up; the call's record as it ended."""
    live = running.floor.line.live(call_id)
    assert live is not None
    for leg in legs:
        leg.hang_up()
    await place.quiet()
    await until("the call is over at the bridge", lambda: live[1].call.closed)
    return live[1].call


async def test_hold_and_resume_are_the_telephones_own(running: Running, on_stage: Stage) -> None:
    caller, _leg, call_id = await served(running, on_stage)
    control = running.floor.control
    done = await asyncio.gather(control.hold("1001", call_id), control.hold("1001", call_id))
    assert [one.act for one in done] == ["hold", "hold"]
    await talk(0.3)
    assert not (await control.hold("1001", call_id)).changed
    assert (await control.resume("1001", call_id)).changed
    assert not (await control.resume("1001", call_id)).changed
    call = await over(running, on_stage, call_id, caller)
    (hold,) = call.holds
    assert hold.by == "1001"
    assert hold.ended_at - hold.started_at > 300_000


async def test_a_telephone_that_does_not_honour_it_is_refused_with_the_way_out(
    running: Running, on_stage: Stage
) -> None:
    caller, leg, call_id = await served(running, on_stage)
    leg.phone.remote_control = False
    assert await refused(running.floor.control.hold("1001", call_id)) == "use-the-telephone"
    await leg.hold()
    live = running.floor.line.live(call_id)
    assert live is not None
    await until("the bridge has heard of the hold", lambda: live[1].call.holds)
    assert await refused(running.floor.control.resume("1001", call_id)) == "use-the-telephone"
    await leg.unhold()
    call = await over(running, on_stage, call_id, caller)
    assert len(call.holds) == 1
    assert call.agents[0].released_at is not None


async def test_a_blind_transfer_goes_to_the_agency_and_is_on_the_record(
    running: Running, on_stage: Stage
) -> None:
    agency = await on_stage.agency(2001)
    caller, leg, call_id = await served(running, on_stage)
    done = await running.floor.control.blind_transfer("1001", call_id, "2001")
    assert done.changed
    far = await agency.rung()
    for act in ("hold", "hang_up"):
        code = await refused(getattr(running.floor.control, act)("1001", call_id))
        assert code == "transfer-under-way"
    await far.answer()
    await leg.ended()
    await talk(0.3)
    assert await refused(running.floor.control.hang_up("1001", call_id)) == "not-your-call"
    call = await over(running, on_stage, call_id, caller, far)
    (transfer,) = call.transfers
    assert (transfer.kind, transfer.by, transfer.target, transfer.agency) == (
        TransferKind.BLIND, "1001", "2001", "dit",
    )  # fmt: skip
    assert transfer.outcome is TransferOutcome.ANSWERED
    assert [one.agency for one in call.agency_legs] == ["dit"]


async def test_a_consultation_is_completed_into_a_transfer(
    running: Running, on_stage: Stage
) -> None:
    agency = await on_stage.agency(2001)
    caller, leg, call_id = await served(running, on_stage)
    control = running.floor.control
    assert await refused(control.complete("1001", call_id)) == "not-consulting"
    asked = await asyncio.gather(
        control.consult("1001", call_id, "2001"), control.consult("1001", call_id, "2001")
    )
    assert {one.act for one in asked} == {"consult"}
    far = await agency.rung()
    await far.answer()
    await talk(0.5)
    assert await refused(control.hold("1001", call_id)) == "consulting"
    assert await refused(control.hang_up("1001", call_id)) == "consulting"
    assert await refused(control.consult("1001", call_id, "2002")) == "consulting"
    await control.complete("1001", call_id)
    await leg.ended()
    await talk(0.4)
    call = await over(running, on_stage, call_id, caller, far)
    (consultation,) = call.consultations
    assert (consultation.target, consultation.agency) == ("2001", "dit")
    assert consultation.outcome is ConsultationOutcome.COMPLETED
    (transfer,) = call.transfers
    assert (transfer.kind, transfer.outcome) == (TransferKind.ATTENDED, TransferOutcome.ANSWERED)


@pytest.mark.parametrize("answered", [True, False], ids=["answered", "ringing"])
async def test_the_officer_comes_back_from_a_consultation(
    running: Running, on_stage: Stage, answered: bool
) -> None:
    agency = await on_stage.agency(2001)
    caller, leg, call_id = await served(running, on_stage)
    await running.floor.control.consult("1001", call_id, "2001")
    far = await agency.rung()
    if answered:
        await far.answer()
        await talk(0.4)
    await running.floor.control.back("1001", call_id)
    await far.ended()
    await talk(0.3)
    assert leg.state == caller.state == "up"
    call = running.call_of("1001").call
    await running.floor.control.hang_up("1001", call_id)
    await caller.ended()
    await until("the call is over at the bridge", lambda: call.closed)
    (consultation,) = call.consultations
    wanted = ConsultationOutcome.RETURNED if answered else ConsultationOutcome.CANCELLED
    assert consultation.outcome is wanted
    assert call.transfers == []
    assert call.ended_by is EndedBy.AGENT


async def test_what_cannot_be_is_refused_before_anything_is_sent(
    running: Running, on_stage: Stage
) -> None:
    caller, _leg, call_id = await served(running, on_stage)
    control = running.floor.control
    for number in ("0812345678", "9999", "1203", "2001#", "", "h", "*8", "2001&PJSIP/x@trunk"):
        assert (
            await refused(control.blind_transfer("1001", call_id, number)) == "not-in-the-directory"
        )
    assert await refused(control.consult("1001", call_id, "1001")) == "to-oneself"
    assert await refused(control.hang_up("1002", call_id)) == "not-your-call"
    assert await refused(control.hold("1001", "lab-0.0")) == "call-over"
    assert await refused(control.call_back("1001", "0812345678")) == "in-call"
    for number in ("191", "1900123456", "+14155550100", "0012345678", "081234567x", "08123456789"):
        assert await refused(control.call_back("1002", number)) == "number-not-allowed"
    call = await over(running, on_stage, call_id, caller)
    assert call.transfers == call.consultations == []


async def test_a_call_back_rings_the_officer_then_the_number(
    running: Running, on_stage: Stage
) -> None:
    control = running.floor.control
    officer = await on_stage.officer(1001)
    carrier = await on_stage.carrier()
    rings: list[Leg] = []

    def ring(leg: Leg) -> None:
        leg.ring()
        rings.append(leg)

    officer.on_call = ring
    await until("1001 free", lambda: running.floor.line.presence("1001") is Presence.FREE)
    done = await asyncio.gather(
        control.call_back("1001", "+66812345678", "lab1-1.7"),
        control.call_back("1001", "081-234-5678", "lab1-1.7"),
    )
    assert [one.act for one in done] == ["callback"] * 2
    assert await control.call_back("1001", "0812345678") == done[0]
    (leg,) = rings
    assert leg.caller == "0812345678"
    await leg.answer()
    person = await carrier.rung()
    assert person.caller == "1203"
    await person.answer()
    call_id = await running.in_call("1001")
    await talk(0.3)
    await control.hold("1001", call_id)
    await control.resume("1001", call_id)
    call = await over(running, on_stage, call_id, leg)
    assert call.direction == "outbound"
    assert [mark.value for mark in call.marks if mark.name == "callback"] == ["lab1-1.7"]
    assert len(call.holds) == 1
    assert len(rings) == 1


async def test_a_called_back_person_is_handed_to_an_agency(
    running: Running, on_stage: Stage
) -> None:
    officer, carrier = await on_stage.officer(1001), await on_stage.carrier()
    agency = await on_stage.agency(2001)
    officer.on_call = answer_at_once
    await until("1001 free", lambda: running.floor.line.presence("1001") is Presence.FREE)
    await running.floor.control.call_back("1001", "0812345678")
    person = await carrier.rung()
    await person.answer()
    call_id = await running.in_call("1001")
    await talk(0.3)
    await running.floor.control.blind_transfer("1001", call_id, "2001")
    far = await agency.rung()
    await far.answer()
    await talk(0.4)
    call = await over(running, on_stage, call_id, person, far)
    assert [(t.target, t.outcome) for t in call.transfers] == [("2001", TransferOutcome.ANSWERED)]


async def test_acts_are_refused_while_the_line_is_not_connected(
    running: Running, on_stage: Stage
) -> None:
    caller, _leg, call_id = await served(running, on_stage)
    (node,) = running.app.nodes
    node.link.drop("a test")
    await until("not connected", lambda: not running.floor.line.nodes[0].known)
    assert await refused(running.floor.control.hang_up("1001", call_id)) == "line-not-connected"
    assert running.floor.line.presence("1001") is Presence.UNKNOWN
    await until("connected again", lambda: running.floor.line.nodes[0].known)
    call = running.call_of("1001").call
    await running.floor.control.hang_up("1001", call_id)
    await caller.ended()
    await until("the call is over at the bridge", lambda: call.closed)
