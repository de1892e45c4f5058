"""The desk's side of self-service on both engines: whose case it is, what is told, how long."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import date

import pytest
from sqlalchemy import insert, update

from crm_bridge.cases.ticket_number import damm
from crm_bridge.cases.workflow import State
from crm_bridge.records.desk_tables.cases import cases
from crm_bridge.records.tables import calls
from crm_bridge.selfservice import case_status, guesses
from crm_bridge.selfservice.case_status import CaseStatus
from ivr.selfservice.port import Question, Slip, Status, Unanswered, Unproved
from tests.support.cases import Cast, bring_to
from tests.support.desk_clock import HeldClock

OWN, OTHER = "0812345678", "0891112222"
NOBODYS = f"99000001{damm('99000001')}"


@pytest.fixture
def clock():
    return HeldClock("2026-11-23T10:00")


@pytest.fixture
async def cast(database, clock):
    return await Cast.of(database, clock)


@pytest.fixture
async def desk(database, clock):
    desk = CaseStatus(database, clock, answer_within=20)
    reading = asyncio.create_task(desk.run())
    yield desk
    reading.cancel()
    await asyncio.wait({reading})


def keyed(case) -> str:
    return case.ticket.replace("-", "")


async def test_the_state_the_days_and_the_last_act(database, clock, cast, desk):
    case = await bring_to(database, clock, cast, State.ASSIGNED)
    found = await desk.status(Question(keyed(case), OWN))
    assert found == Status(
        "complaint", "assigned", found.days_left, False, "assign", date(2026, 11, 23)
    )
    # the director's limit of fifteen working days, less none
    assert found.days_left == 15
    clock.set("2026-11-30T10:00")
    assert (await desk.status(Question(keyed(case), "+66 81 234 5678"))).days_left == 10


async def test_every_state(database, clock, cast, desk):
    for state, kind, act in (
        (State.RECORDED, "advice", "record"),
        (State.PROPOSED, "complaint", "propose"),
        (State.RETURNED, "complaint", "propose"),  # sent back is the ministry's own affair
        (State.ANSWERED, "complaint", "answer"),
        (State.SETTLED, "advice", "accept"),
        (State.CLOSED, "complaint", "close"),
        (State.CANCELLED, "complaint", "cancel"),
    ):
        case = await bring_to(database, clock, cast, state, kind=kind)
        found = await desk.status(Question(keyed(case), OWN))
        assert (found.kind, found.state, found.last_act) == (kind, state, act)
        if state in {State.SETTLED, State.CLOSED, State.CANCELLED}:
            assert (found.days_left, found.overdue) == (None, False)


async def test_overdue_is_overdue_on_a_day_off_too(database, clock, cast, desk):
    case = await bring_to(database, clock, cast, State.ASSIGNED)
    left = (await desk.status(Question(keyed(case), OWN))).days_left
    assert left is not None
    seen = set()
    for _ in range(40):
        clock.forward(days=1)
        found = await desk.status(Question(keyed(case), OWN))
        assert found.overdue == (clock.now_us() >= (case.due_us or 0))
        assert (found.days_left < 0) <= found.overdue
        seen.add((found.days_left == 0, found.overdue))
    assert seen >= {(True, False), (False, True), (False, False)}


async def test_the_number_that_gave_the_case_is_proof_too(database, clock, cast, desk):
    async with database.writing() as connection:
        await connection.execute(
            insert(calls).values(
                call_id="pbx1-1.1", node="pbx1", revision=1, direction="inbound", dialled="1203",
                caller_e164="+6625074444", withheld=False, entered_us=1, times_inferred=False,
                closed=True, digest=1, updated_us=1,
            )
        )  # fmt: skip
    case = await bring_to(database, clock, cast, State.RECORDED, identity="anonymous")
    ticket = keyed(case)
    assert await desk.status(Question(ticket, "025074444")) == Unproved(True)
    async with database.writing() as connection:
        await connection.execute(
            update(cases).where(cases.c.id == case.id).values(call_id="pbx1-1.1")
        )
    assert isinstance(await desk.status(Question(ticket, "025074444")), Status)
    # nobody's number is written with it: no digits prove anything
    for four in ("4444", "0000", ""):
        assert await desk.status(Question(ticket, None, four)) == Unproved(True)


async def test_the_last_four_digits_prove_a_caller_from_elsewhere(database, clock, cast, desk):
    ticket = keyed(await bring_to(database, clock, cast, State.ASSIGNED))
    for number in (OTHER, None, "anonymous", "1203"):
        assert await desk.status(Question(ticket, number)) == Unproved(True)
        assert await desk.status(Question(ticket, number, "5679")) == Unproved(True)
        assert isinstance(await desk.status(Question(ticket, number, "5678")), Status)
    assert await desk.status(Question(NOBODYS, OWN)) == Unproved(False)
    assert await desk.status(Question(NOBODYS, OWN, "5678")) == Unproved(False)


async def test_four_digits_cannot_be_guessed_by_calling_again(database, clock, cast, desk):
    ticket = keyed(await bring_to(database, clock, cast, State.ASSIGNED))
    for n in range(guesses.TICKET):  # each from another telephone
        assert not (await desk.status(Question(ticket, f"08911122{n:02}", f"{n:04}"))).shut
    assert await desk.status(Question(ticket, OTHER, "5678")) == Unproved(True, shut=True)
    assert await desk.status(Question(ticket, None, "5678")) == Unproved(True, shut=True)
    assert isinstance(await desk.status(Question(ticket, OWN)), Status)  # known by his number
    clock.forward(hours=24)
    assert isinstance(await desk.status(Question(ticket, OTHER, "5678")), Status)


async def test_one_telephone_cannot_try_many_tickets(database, clock, desk):
    tickets = [f"990000{n:02}{damm(f'990000{n:02}')}" for n in range(10, 30)]
    shut = [(await desk.status(Question(t, OTHER, "0000"))).shut for t in tickets]
    assert shut == [False] * guesses.NUMBER + [True] * (20 - guesses.NUMBER)
    withheld = [(await desk.status(Question(t, None, "0000"))).shut for t in tickets]
    assert not any(withheld)


async def test_tries_at_the_same_moment_are_none_the_fewer(database, clock, cast, desk):
    ticket = keyed(await bring_to(database, clock, cast, State.ASSIGNED))
    answers = await asyncio.gather(
        *(desk.status(Question(ticket, f"08911122{n:02}", f"{n:04}")) for n in range(40))
    )
    assert sum(not answer.shut for answer in answers) == guesses.TICKET


async def test_a_hundred_who_ask_at_once_are_answered_from_few_readings(
    database, clock, cast, desk, monkeypatch
):
    tickets = [keyed(await bring_to(database, clock, cast, State.RECORDED)) for _ in range(2)]
    readings = []
    whole = desk._read
    monkeypatch.setattr(desk, "_read", lambda t: readings.append(t) or whole(t))
    found = await asyncio.gather(*(desk.status(Question(tickets[n % 2], OWN)) for n in range(100)))
    assert {answer.state for answer in found} == {"recorded"}
    assert len(readings) <= 3


async def test_a_database_that_stands_still_holds_nobody(database, clock, monkeypatch):
    desk = CaseStatus(database, clock, answer_within=0.2)
    opened = 0

    @contextlib.asynccontextmanager
    async def slow():
        nonlocal opened
        opened += 1
        await asyncio.sleep(5)
        yield None

    monkeypatch.setattr(database, "reading", slow)
    monkeypatch.setattr(case_status, "MOST", 60)
    reading = asyncio.create_task(desk.run())
    began = time.monotonic()
    answers = await asyncio.gather(
        *(desk.status(Question(NOBODYS, OWN)) for _ in range(100)), return_exceptions=True
    )
    assert time.monotonic() - began < 2
    assert {type(answer) for answer in answers} == {Unanswered}
    assert opened == 1
    reading.cancel()
    await asyncio.wait({reading})


def test_slips(database, clock):
    desk = CaseStatus(database, clock)
    assert desk.slip(NOBODYS) is None
    assert desk.slip(NOBODYS[:-1]) is Slip.LENGTH
    wrong = NOBODYS[:-1] + str((int(NOBODYS[-1]) + 1) % 10)
    assert desk.slip(wrong) is Slip.DIGIT
    assert desk.slip("690000000") is Slip.DIGIT
