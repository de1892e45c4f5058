"""Cases on both engines: from the record to the end, with number, deadline, steps and timeline."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from sqlalchemy import insert, select, update

from crm_bridge.cases import (
    answering,
    bell,
    calendars,
    case_steps,
    complaints,
    directing,
    finding,
    proceedings,
    reminders,
    rounds,
    timeline,
)
from crm_bridge.cases.attachments import Store
from crm_bridge.cases.case import assignments, extensions, find, masked
from crm_bridge.cases.directing import Order
from crm_bridge.cases.finding import Wanted
from crm_bridge.cases.ticket_number import parse
from crm_bridge.cases.workflow import Act, Assignment, State, allowed
from crm_bridge.cases.working_days import last_day
from crm_bridge.errors import Refused
from crm_bridge.people.merge import merge
from crm_bridge.records.desk_tables.messages import messages as messages_table
from tests.support.cases import KNOWN, Cast, bring_to, form
from tests.support.desk_clock import HeldClock
from tests.support.people import AGENT, person

ORDERS = [Order("dit", "ตรวจสอบ"), Order("dbd", "ตรวจทะเบียน")]


@pytest.fixture
def clock():
    return HeldClock("2026-11-23T10:00")


@pytest.fixture
async def cast(database, clock):
    return await Cast.of(database, clock)


async def steps_of(database, case):
    async with database.reading() as connection:
        return {(s.step, s.round): s for s in await case_steps.read(connection, case.id)}


async def test_a_complaint_from_record_to_end(database, clock, cast):
    opened = clock.now_us()
    clock.forward(minutes=4)
    async with database.writing() as connection:
        case = await complaints.record(
            connection, clock, cast.agent, form(), call_id="pbx1-1.1", opened_us=opened
        )
    assert str(parse(case.ticket)) == case.ticket
    assert case.ticket.startswith("69-000001-")
    clock.forward(minutes=1)
    async with database.writing() as connection:
        await complaints.tell(connection, clock, cast.agent, case.ticket, how="voice")
    clock.forward(minutes=20)
    async with database.writing() as connection:
        case = await proceedings.propose(connection, clock, cast.agent, case.ticket)
    # 7, 10 and 31 December 2026 are closed
    assert last_day(case.due_us) == date(2026, 12, 16)
    clock.forward(hours=2)
    async with database.writing() as connection:
        case = await directing.assign(
            connection, clock, cast.director, case.ticket, orders=ORDERS, known=KNOWN
        )
    assert case.state is State.ASSIGNED
    clock.forward(days=2)
    async with database.writing() as connection:
        case = await answering.answer(connection, clock, cast.dit, case.ticket, text="ปรับแล้ว")
    assert case.state is State.ASSIGNED  # one of two
    clock.forward(days=1)
    last = clock.now_us()
    async with database.writing() as connection:
        case = await answering.answer(connection, clock, cast.dbd, case.ticket, text="ถูกต้อง")
    assert case.state is State.ANSWERED
    clock.forward(days=30)  # nobody judged it in time; the agencies answered in time
    async with database.writing() as connection:
        case = await directing.accept(connection, clock, cast.director, case.ticket)
    assert (case.state, case.settled_us) == (State.SETTLED, last)
    assert case.settlement == "ปรับแล้ว\n\nถูกต้อง"
    async with database.writing() as connection:
        case = await proceedings.close(connection, clock, cast.agent, case.ticket, how="sms")
    assert case.state is State.CLOSED

    now = clock.now_us()
    steps = await steps_of(database, case)
    assert {
        step: (s.state(now), s.elapsed(now) // 60_000_000, str(s.evidence))
        for (step, _), s in steps.items()
        if step != "resolve"
    } == {
        "record": ("within", 4, "declared"),
        "tell_ticket": ("within", 1, "declared"),
        "propose": ("over", 21, "declared"),
    }
    assert steps["resolve", 1].state(now) == "within"
    assert steps["resolve", 1].due_us == case.due_us
    async with database.reading() as connection:
        told = await timeline.read(connection, case.id, cast.auditor)
        sent = (await connection.execute(select(messages_table.c.body))).scalars().all()
    assert [e.kind for e in told] == [
        "record", "tell", "propose", "assign", "assign", "answer", "answer", "accept", "close",
    ]  # fmt: skip
    assert [e.ordinal for e in told] == list(range(9))
    assert any(case.ticket in body for body in sent)
    assert not any("สมหมาย" in body for body in sent)


async def test_numbers_are_one_each_whoever_asks_at_once(database, clock, cast):
    async def one():
        async with database.writing() as connection:
            return (await complaints.record(connection, clock, cast.agent, form())).ticket

    tickets = await asyncio.gather(*(one() for _ in range(12)))
    assert sorted(parse(t).running for t in tickets) == list(range(1, 13))
    clock.set("2027-01-01T00:00")
    assert (await one()).startswith("70-000001-")


async def test_the_same_form_sent_twice_is_one_case(database, clock, cast):
    async with database.writing() as connection:
        one = await complaints.record(connection, clock, cast.agent, form(), made_key="k")
        same = await complaints.record(connection, clock, cast.agent, form(), made_key="k")
    assert one == same


async def test_the_form_opened_is_the_calls_own_mark(database, clock, cast):
    from crm_bridge.records.tables import calls, marks

    opened = clock.now_us() - 180_000_000
    values = {c.name: 0 for c in calls.c} | {
        "call_id": "pbx1-7.1", "node": "pbx1", "direction": "inbound", "dialled": "1203",
        "withheld": False, "times_inferred": False, "closed": False,
    }  # fmt: skip
    values |= {c.name: None for c in calls.c if c.nullable}
    async with database.writing() as connection:
        await connection.execute(insert(calls).values(**values))
        await connection.execute(
            insert(marks).values(
                call_id="pbx1-7.1", ordinal=0, name="form_opened", at_us=opened, value="",
                by_whom="1001",
            )
        )  # fmt: skip
        case = await complaints.record(
            connection, clock, cast.agent, form(), call_id="pbx1-7.1", opened_us=clock.now_us()
        )
        second = await complaints.record(
            connection, clock, cast.agent, form(), call_id="pbx1-7.1", opened_us=clock.now_us()
        )
    assert case.opened_us == opened
    assert second.opened_us == clock.now_us()  # the mark was the first form's
    step = (await steps_of(database, case))["record", 1]
    assert step.elapsed(clock.now_us()) == 180_000_000


async def test_a_record_whose_beginning_nobody_saw_says_unknown(database, clock, cast):
    case = await bring_to(database, clock, cast, State.RECORDED)
    step = (await steps_of(database, case))["record", 1]
    assert (step.started_us, str(step.evidence)) == (None, "unknown")
    assert step.state(clock.now_us()) == "open"


@pytest.mark.parametrize("state", list(State))
async def test_a_case_can_be_brought_to_every_state(database, clock, cast, state):
    case = await bring_to(database, clock, cast, state)
    async with database.reading() as connection:
        assert (await find(connection, cast.director, case.ticket)).state is state


async def do(connection, clock, by, act, ticket):
    """Any act, with all that it needs."""
    words = {"reason": "เหตุผล"}
    acts = {
        Act.EDIT: lambda: complaints.edit(
            connection, clock, by, ticket, form(title="แก้ไข"), based_on=found.version
        ),
        Act.TELL: lambda: complaints.tell(connection, clock, by, ticket, how="voice"),
        Act.NOTE: lambda: complaints.note(connection, clock, by, ticket, text="หมายเหตุ"),
        Act.PROPOSE: lambda: proceedings.propose(connection, clock, by, ticket),
        Act.RETURN: lambda: directing.return_(connection, clock, by, ticket, **words),
        Act.ASSIGN: lambda: directing.assign(
            connection, clock, by, ticket, orders=[Order("pco-krabi", "ตรวจ")], known=KNOWN
        ),
        Act.RELEASE: lambda: directing.release(
            connection, clock, by, ticket, agency="dit", **words
        ),
        Act.ANSWER: lambda: answering.answer(connection, clock, by, ticket, text="ตอบ"),
        Act.DECLINE: lambda: answering.decline(connection, clock, by, ticket, **words),
        Act.ASK_EXTENSION: lambda: answering.ask_extension(
            connection, clock, by, ticket, working_days=5, **words
        ),
        Act.GRANT_EXTENSION: lambda: directing.decide_extension(
            connection, clock, by, ticket, agency="dit", granted=True
        ),
        Act.REFUSE_EXTENSION: lambda: directing.decide_extension(
            connection, clock, by, ticket, agency="dit", granted=False, note="ไม่"
        ),
        Act.SEND_BACK: lambda: directing.send_back(
            connection, clock, by, ticket, agency="dit", **words
        ),
        Act.ACCEPT: lambda: directing.accept(connection, clock, by, ticket),
        Act.SETTLE: lambda: directing.settle(connection, clock, by, ticket, text="ยุติ"),
        Act.CLOSE: lambda: proceedings.close(connection, clock, by, ticket, how="voice"),
        Act.REOPEN: lambda: proceedings.reopen(connection, clock, by, ticket, **words),
        Act.CANCEL: lambda: proceedings.cancel(
            connection, clock, by, ticket, why="mistake", note="ผิด"
        ),
    }
    found = await find(connection, by, ticket)
    return await acts[act]()


async def outcome(connection, clock, by, act, case):
    try:
        done = await do(connection, clock, by, act, case.ticket)
    except Refused as refused:
        return refused.code
    return "done" if done.version > case.version else "nothing"


@pytest.mark.parametrize("state", list(State))
async def test_every_act_in_every_state_does_what_the_table_says(database, clock, cast, state):
    """Each act by each person around the case, on the real tables: done, or refused with why."""
    case = await bring_to(database, clock, cast, state)
    people = [cast.agent, cast.supervisor, cast.director, cast.auditor]
    if state not in {State.RECORDED, State.PROPOSED, State.RETURNED, State.CANCELLED}:
        people.append(cast.dit)
    for by in people:
        for act in set(Act) - {Act.ATTACH}:
            async with database.connection() as connection:
                await database.lock(connection)  # undone afterwards: each act meets the same case
                if act in allowed(state, by.role):
                    assert await outcome(connection, clock, by, act, case) in {
                        "done",
                        # the state allows it, but the assignment or request it needs is not there
                        "assignment-state", "nothing-asked", "nothing-to-accept",
                    }, act  # fmt: skip
                else:
                    with pytest.raises(Refused) as caught:
                        await do(connection, clock, by, act, case.ticket)
                    assert caught.value.code in {"act-not-now", "act-not-yours"}, (by.login, act)
                await connection.rollback()


async def test_an_agency_sees_and_touches_its_own_cases_only(database, clock, cast):
    mine = await bring_to(database, clock, cast, State.ASSIGNED, ("dit",))
    other = await bring_to(database, clock, cast, State.ASSIGNED, ("dbd", "pco-krabi"))
    nobodys = await bring_to(database, clock, cast, State.PROPOSED)
    async with database.reading() as connection:
        for by, sees in ((cast.dit, {mine.ticket}), (cast.krabi, {other.ticket})):
            found, _ = await finding.search(connection, by, Wanted(), limit=50, after=None)
            assert {c.ticket for c in found} == sees
            assert await finding.count(connection, by, Wanted()) == 1
            wanted = Wanted(agency="dbd")
            found, _ = await finding.search(connection, by, wanted, limit=50, after=None)
            assert {c.ticket for c in found} <= sees
        for ticket in (other.ticket, nobodys.ticket):
            with pytest.raises(Refused) as caught:
                await find(connection, cast.dit, ticket)
            assert caught.value.status == 404
        rows, _ = await finding.search(connection, cast.dbd, Wanted(), limit=50, after=None)
        shown = await finding.agencies_of(connection, cast.dbd, rows)
        assert [a.agency for a in shown[other.id]] == ["dbd"]
    for act in (Act.ANSWER, Act.DECLINE, Act.ASK_EXTENSION, Act.NOTE):
        async with database.writing() as connection:
            with pytest.raises(Refused) as caught:
                await do(connection, clock, cast.dit, act, other.ticket)
            assert caught.value.status == 404
    async with database.writing() as connection:
        await answering.answer(connection, clock, cast.dbd, other.ticket, text="ความลับของ dbd")
        await complaints.note(
            connection, clock, cast.agent, other.ticket, text="ภายใน", internal=True
        )
        krabi_sees = await timeline.read(connection, other.id, cast.krabi)
        centre_sees = await timeline.read(connection, other.id, cast.agent)
    assert {e.agency for e in krabi_sees} <= {None, "pco-krabi"}
    assert not any("ความลับ" in str(e.body) or "ภายใน" in str(e.body) for e in krabi_sees)
    assert any("ความลับ" in str(e.body) for e in centre_sees)


@pytest.mark.parametrize("how", ["release", "settle"])
async def test_an_agency_that_need_not_answer_any_more_is_told(database, clock, cast, how):
    case = await bring_to(database, clock, cast, State.ASSIGNED, ("dit", "dbd"))
    async with database.writing() as connection:
        if how == "release":
            await directing.release(
                connection, clock, cast.director, case.ticket, agency="dit", reason="ไม่เกี่ยวข้อง"
            )
        else:
            await answering.answer(connection, clock, cast.dbd, case.ticket, text="ปรับแล้ว")
            await directing.settle(connection, clock, cast.director, case.ticket, text="ยุติ")
        rung = {
            name: [n.kind for n in await bell.read(connection, getattr(cast, name))]
            for name in ("dit", "dbd")
        }
        sent = select(messages_table.c.recipient).where(messages_table.c.body.contains("ไม่ต้อง"))
        mailed = list(await connection.scalars(sent))
    assert {name: kinds.count("released") for name, kinds in rung.items()} == {"dit": 1, "dbd": 0}
    assert mailed == ["dit@example.go.th"]


async def test_the_year_of_a_number_is_the_offices_year(database, clock, cast):
    tickets = []
    for moment in ("2026-12-31T23:59", "2027-01-01T00:00", "2027-01-01T06:59"):
        clock.set(moment)  # all of them the last day of 2026 by UTC
        async with database.writing() as connection:
            case = await complaints.record(connection, clock, cast.agent, form())
        tickets.append(case.ticket[:9])
    assert tickets == ["69-000001", "70-000001", "70-000002"]


async def test_a_released_agency_sees_the_case_no_more(database, clock, cast):
    case = await bring_to(database, clock, cast, State.ASSIGNED, ("dit", "dbd"))
    async with database.writing() as connection:
        case = await directing.release(
            connection, clock, cast.director, case.ticket, agency="dit", reason="ไม่เกี่ยวข้อง"
        )
        assert case.state is State.ASSIGNED
        with pytest.raises(Refused, match="not one of yours"):
            await find(connection, cast.dit, case.ticket)
        # and is given it again
        await directing.assign(
            connection, clock, cast.director, case.ticket, orders=[Order("dit", "x")], known=KNOWN
        )
        assert await find(connection, cast.dit, case.ticket)


@pytest.mark.parametrize(
    ("changes", "hidden"),
    [
        ({}, False),
        ({"identity": "concealed", "consent": None, "consent_how": None}, True),
        ({"identity": "concealed"}, True),
        ({"identity": "anonymous"}, True),
    ],
)
async def test_agencies_know_the_complainant_only_with_consent(
    database, clock, cast, changes, hidden
):
    case = await bring_to(database, clock, cast, State.ASSIGNED, **changes)
    async with database.reading() as connection:
        case = await find(connection, cast.dit, case.ticket)
        if changes.get("identity") != "anonymous":
            found, _ = await finding.search(
                connection, cast.agent, Wanted(text="สมหมาย"), limit=5, after=None
            )
            assert len(found) == 1
        found, _ = await finding.search(
            connection, cast.dit, Wanted(text="สมหมาย"), limit=5, after=None
        )
        assert found == []  # nor can it be guessed by searching
    shown = masked(case, cast.dit)
    assert (shown.complainant_name, shown.complainant_number) == (
        ("", None) if hidden else ("สมหมาย ใจดี", "+66812345678")
    )
    assert shown.call_id is None
    assert masked(case, cast.agent) == case


async def test_a_withdrawn_case_hides_its_complainant(database, clock, cast):
    case = await bring_to(database, clock, cast, State.ASSIGNED)
    async with database.writing() as connection:
        case = await proceedings.cancel(
            connection, clock, cast.director, case.ticket, why="withdrawn", note="ขอถอนเรื่อง"
        )
        seen = masked(await find(connection, cast.dit, case.ticket), cast.dit)
    assert (seen.complainant_name, seen.complainant_number) == ("", None)


async def test_more_time_moves_one_agencys_deadline_and_not_the_standard(database, clock, cast):
    case = await bring_to(database, clock, cast, State.ASSIGNED, ("dit", "dbd"))
    clock.forward(days=3)
    async with database.writing() as connection:
        await answering.ask_extension(
            connection, clock, cast.dit, case.ticket, working_days=10, reason="รอผลตรวจ"
        )
        with pytest.raises(Refused, match="waiting already"):
            await answering.ask_extension(
                connection, clock, cast.dit, case.ticket, working_days=1, reason="อีก"
            )
        done = await directing.decide_extension(
            connection, clock, cast.director, case.ticket, agency="dit", granted=True,
            working_days=5,
        )  # fmt: skip
        dues = {a.agency: last_day(a.due_us) for a in await assignments(connection, done)}
        asked = (await extensions(connection, done))[0]
    # 16 December and five working days more
    assert dues == {"dit": date(2026, 12, 23), "dbd": date(2026, 12, 16)}
    assert last_day(done.due_us) == date(2026, 12, 23)
    assert (asked.state, asked.working_days, asked.old_due_us) == ("granted", 5, case.due_us)
    step = (await steps_of(database, case))["resolve", 1]
    assert step.due_us == case.due_us  # the published 15 working days stay what they are


async def test_more_time_granted_late_runs_from_today(database, clock, cast):
    case = await bring_to(database, clock, cast, State.ASSIGNED)
    clock.set("2027-02-01T10:00")
    async with database.writing() as connection:
        await answering.ask_extension(
            connection, clock, cast.dit, case.ticket, working_days=2, reason="ล่าช้า"
        )
        done = await directing.decide_extension(
            connection, clock, cast.director, case.ticket, agency="dit", granted=True
        )
    assert last_day(done.due_us) == date(2027, 2, 3)


async def test_a_request_lapses_when_the_agency_answers(database, clock, cast):
    case = await bring_to(database, clock, cast, State.ASSIGNED)
    async with database.writing() as connection:
        await answering.ask_extension(
            connection, clock, cast.dit, case.ticket, working_days=2, reason="รอ"
        )
        case = await answering.answer(connection, clock, cast.dit, case.ticket, text="เสร็จแล้ว")
        assert [e.state for e in await extensions(connection, case)] == ["lapsed"]


async def test_an_answer_sent_back_is_owed_again(database, clock, cast):
    case = await bring_to(database, clock, cast, State.ANSWERED)
    async with database.writing() as connection:
        case = await directing.send_back(
            connection, clock, cast.director, case.ticket, agency="dit", reason="ยังไม่ครบ"
        )
        assert case.state is State.ASSIGNED
        clock.forward(hours=1)
        await answering.answer(connection, clock, cast.dit, case.ticket, text="ครบแล้ว")
        settled = clock.now_us()
        clock.forward(hours=1)
        case = await directing.accept(connection, clock, cast.supervisor, case.ticket)
    assert (case.state, case.settlement, case.settled_us) == (State.SETTLED, "ครบแล้ว", settled)


async def test_a_matter_nobody_owns_goes_back_to_the_director(database, clock, cast):
    case = await bring_to(database, clock, cast, State.ASSIGNED)
    async with database.writing() as connection:
        case = await answering.decline(connection, clock, cast.dit, case.ticket, reason="ไม่ใช่")
        assert case.state is State.PROPOSED
        case = await directing.settle(
            connection, clock, cast.director, case.ticket, text="กองกลางตอบเอง"
        )
    assert (case.state, case.settlement) == (State.SETTLED, "กองกลางตอบเอง")


async def test_a_reopened_case_has_its_days_anew(database, clock, cast):
    case = await bring_to(database, clock, cast, State.CLOSED)
    clock.set("2026-12-25T10:00")
    async with database.writing() as connection:
        case = await proceedings.reopen(
            connection, clock, cast.agent, case.ticket, reason="ยังขายเกินราคา"
        )
        assert (case.state, case.round, case.settled_us) == (State.PROPOSED, 2, None)
        case = await directing.assign(
            connection, clock, cast.director, case.ticket, orders=ORDERS[:1], known=KNOWN
        )
        rounds = [(a.round, a.state) for a in await assignments(connection, case)]
    assert rounds == [(1, Assignment.ACCEPTED), (2, Assignment.OUTSTANDING)]
    # over New Year: 31 December and 1 January closed
    assert last_day(case.due_us) == date(2027, 1, 19)
    steps = await steps_of(database, case)
    assert steps["resolve", 1].ended_us is not None
    assert steps["resolve", 2].ended_us is None


async def test_returning_does_not_stop_the_days(database, clock, cast):
    case = await bring_to(database, clock, cast, State.PROPOSED)
    due = case.due_us
    clock.forward(days=5)
    async with database.writing() as connection:
        await directing.return_(connection, clock, cast.director, case.ticket, reason="ขอข้อมูล")
        case = await proceedings.propose(connection, clock, cast.agent, case.ticket)
    assert case.due_us == due
    assert len(await steps_of(database, case)) == 4


async def test_a_batch_is_all_or_nothing(database, clock, cast):
    one = await bring_to(database, clock, cast, State.PROPOSED)
    two = await bring_to(database, clock, cast, State.PROPOSED)
    recorded = await bring_to(database, clock, cast, State.RECORDED)
    with pytest.raises(Refused, match=f"nothing was assigned: {recorded.ticket}"):
        async with database.writing() as connection:
            await directing.assign_all(
                connection, clock, cast.director, {one.ticket: None, recorded.ticket: None},
                orders=ORDERS, known=KNOWN,
            )  # fmt: skip
    async with database.reading() as connection:
        assert (await find(connection, cast.director, one.ticket)).state is State.PROPOSED
    async with database.writing() as connection:
        done = await directing.assign_all(
            connection, clock, cast.director, {one.ticket: one.version, two.ticket: two.version},
            orders=ORDERS, known=KNOWN,
        )  # fmt: skip
    assert [c.state for c in done] == [State.ASSIGNED, State.ASSIGNED]


@pytest.mark.parametrize(
    ("orders", "why"),
    [
        ([], "at least one"),
        ([Order("nobody", "x")], "no such agency"),
        ([Order("dit", "x"), Order("dit", "y")], "named twice"),
        ([Order("dit", "  ")], "give the instruction"),
    ],
)
async def test_an_order_must_be_one_that_can_be_carried_out(database, clock, cast, orders, why):
    case = await bring_to(database, clock, cast, State.PROPOSED)
    async with database.writing() as connection:
        with pytest.raises(Refused, match=why):
            await directing.assign(
                connection, clock, cast.director, case.ticket, orders=orders, known=KNOWN
            )


async def test_an_edit_keeps_what_stood_before(database, clock, cast):
    case = await bring_to(database, clock, cast, State.RECORDED)
    async with database.writing() as connection:
        done = await complaints.edit(
            connection, clock, cast.agent, case.ticket, form(respondent="ร้านใหม่"),
            based_on=case.version,
        )  # fmt: skip
        with pytest.raises(Refused) as caught:
            await complaints.edit(
                connection, clock, cast.agent, case.ticket, form(), based_on=case.version
            )
        assert caught.value.status == 412
        event = (await timeline.read(connection, case.id, cast.agent))[-1]
        same = await complaints.edit(
            connection, clock, cast.agent, case.ticket, form(respondent="ร้านใหม่"),
            based_on=done.version,
        )  # fmt: skip
    assert event.body == {"fields": ["respondent"], "before": {"respondent": "ร้านตัวอย่างการค้า"}}
    assert same == done  # nothing changed, no entry


async def test_a_number_told_by_message_is_told_when_it_has_gone(database, clock, cast):
    case = await bring_to(database, clock, cast, State.RECORDED)
    async with database.writing() as connection:
        case = await complaints.tell(connection, clock, cast.agent, case.ticket, how="sms")
        assert case.told_us is None
        assert await complaints.confirm_told(connection, clock) == 0
        clock.forward(seconds=40)
        await connection.execute(
            update(messages_table)
            .where(messages_table.c.id == case.told_message)
            .values(state="sent", sent_us=clock.now_us())
        )
        gone = clock.now_us()
        clock.forward(minutes=1)
        assert await complaints.confirm_told(connection, clock) == 1
        assert await complaints.confirm_told(connection, clock) == 0
        case = await find(connection, cast.agent, case.ticket)
    assert case.told_us == gone
    step = (await steps_of(database, case))["tell_ticket", 1]
    assert (step.ended_us, str(step.evidence)) == (gone, "observed")


async def test_a_case_without_a_number_cannot_be_told_by_message(database, clock, cast):
    case = await bring_to(database, clock, cast, State.RECORDED, identity="anonymous")
    assert (case.complainant_name, case.complainant_number) == ("", None)
    async with database.writing() as connection:
        with pytest.raises(Refused, match="tell it by voice"):
            await complaints.tell(connection, clock, cast.agent, case.ticket, how="sms")


async def test_open_cases_of_a_caller(database, clock, cast):
    assigned = await bring_to(database, clock, cast, State.ASSIGNED)
    first = await person(database, "สมหมาย ใจดี")
    recorded = await bring_to(database, clock, cast, State.RECORDED, person_id=first.id)
    await bring_to(database, clock, cast, State.CLOSED)
    await bring_to(database, clock, cast, State.RECORDED, complainant_number="+66899999999")
    async with database.reading() as connection:
        lines = await complaints.open_cases(connection, ["+66812345678"], None, clock=clock)
        by_person = await complaints.open_cases(connection, [], first.id, clock=clock)
        nobody = await complaints.open_cases(connection, [], None, clock=clock)
    assert [(x.ticket, x.state, x.left) for x in lines] == [
        (assigned.ticket, State.ASSIGNED, 15),
        (recorded.ticket, State.RECORDED, None),
    ]
    assert [x.ticket for x in by_person] == [recorded.ticket]
    assert nobody == []
    kept = await person(database, "สมหมาย ใจดี")
    async with database.writing() as connection:
        await merge(connection, clock, AGENT, keep=kept.id, other=first.id)
        after = await complaints.open_cases(connection, [], kept.id, clock=clock)
        listed, _ = await finding.search(
            connection, cast.agent, Wanted(person_id=kept.id), limit=9, after=None
        )
    assert [x.ticket for x in after] == [x.ticket for x in listed] == [recorded.ticket]


async def test_cases_are_found_a_page_at_a_time(database, clock, cast):
    made = []
    for n in range(5):
        clock.forward(minutes=1)
        made.append(
            await bring_to(database, clock, cast, State.RECORDED, respondent=f"ร้าน 100% {n}_")
        )
    async with database.reading() as connection:
        for order, expected in (("newest", made[::-1]), ("due", sorted(made, key=lambda c: c.id))):
            found, place = [], None
            while True:
                wanted = Wanted(order=order)
                page, place = await finding.search(
                    connection, cast.agent, wanted, limit=2, after=place
                )
                found += page
                if place is None:
                    break
            assert [c.ticket for c in found] == [c.ticket for c in expected]

        async def tickets(**wanted):
            found, _ = await finding.search(
                connection, cast.agent, Wanted(**wanted), limit=50, after=None
            )
            return [c.ticket for c in found]

        assert await tickets(text=made[2].ticket.replace("-", " ")) == [made[2].ticket]
        assert len(await tickets(text="100%")) == 5
        assert await tickets(text="3_") == [made[3].ticket]
        assert await tickets(text="'; DROP TABLE cases; --") == []
        assert len(await tickets(owner=cast.agent.id)) == 5
        assert await tickets(owner=cast.other_agent.id) == []
        assert await tickets(states=frozenset({State.CLOSED})) == []
        assert len(await tickets(untold=True)) == 5


async def test_late_cases_are_late_by_the_agencys_own_deadline(database, clock, cast):
    case = await bring_to(database, clock, cast, State.ASSIGNED, ("dit", "dbd"))
    async with database.writing() as connection:
        await answering.ask_extension(
            connection, clock, cast.dit, case.ticket, working_days=5, reason="รอ"
        )
        await directing.decide_extension(
            connection, clock, cast.director, case.ticket, agency="dit", granted=True
        )
    clock.set("2026-12-17T09:00")
    late = Wanted(overdue_at=clock.now_us())
    async with database.reading() as connection:
        assert await finding.count(connection, cast.dbd, late) == 1
        assert await finding.count(connection, cast.dit, late) == 0
        assert await finding.count(connection, cast.director, late) == 0


async def test_reminders_come_once_each_on_working_days(database, clock, cast):
    case = await bring_to(database, clock, cast, State.ASSIGNED)  # due 16 December 2026

    every = {"before_3", "before_1", "last_day", "overdue"}

    async def told(moment):
        clock.set(moment)
        async with database.writing() as connection:
            count = await reminders.remind(connection, clock)
            entries = await bell.read(connection, cast.dit)
        kinds = [n.kind for n in entries if n.kind in every]
        return count, len(kinds), kinds[0] if kinds else None

    assert await told("2026-12-11T08:29") == (0, 0, None)
    assert await told("2026-12-11T08:30") == (2, 1, "before_3")  # Friday, 14, 15, Wednesday 16
    assert await told("2026-12-12T12:00") == (0, 1, "before_3")
    assert await told("2026-12-15T09:00") == (2, 2, "before_1")
    assert await told("2026-12-16T08:30") == (2, 3, "last_day")
    assert await told("2026-12-16T23:59") == (0, 3, "last_day")
    assert await told("2026-12-17T08:30") == (3, 4, "overdue")  # the Director too
    assert await told("2026-12-20T08:30") == (0, 4, "overdue")
    async with database.reading() as connection:
        rows = await connection.execute(
            select(messages_table.c.recipient, messages_table.c.subject).where(
                messages_table.c.dedupe.like("remind:%")
            )
        )
        sent = rows.all()
    assert len(sent) == 9
    assert all(case.ticket in subject for _, subject in sent)


async def test_rounds_remind_until_they_are_stopped(database, clock, cast, tmp_path):
    case = await bring_to(database, clock, cast, State.ASSIGNED)
    assert await rounds.go_round(database, clock) == 0
    clock.set("2026-12-16T09:00")
    stop = asyncio.Event()
    going = asyncio.create_task(
        rounds.keep_going(database, clock, Store(tmp_path, 1), stop, every=0.01)
    )
    try:
        async with asyncio.timeout(20):
            while True:
                async with database.reading() as connection:
                    entries = await bell.read(connection, cast.dit)
                if any(n.kind == "last_day" and n.ticket == case.ticket for n in entries):
                    break
                await asyncio.sleep(0.01)
    finally:
        stop.set()
        await going
    assert await rounds.go_round(database, clock) == 0


async def test_no_reminder_for_what_is_settled(database, clock, cast):
    await bring_to(database, clock, cast, State.SETTLED)
    clock.set("2026-12-16T09:00")
    async with database.writing() as connection:
        assert await reminders.remind(connection, clock) == 0


async def test_the_bell_is_ones_own(database, clock, cast):
    case = await bring_to(database, clock, cast, State.PROPOSED)
    async with database.writing() as connection:
        entries = await bell.read(connection, cast.director)
        assert [(n.kind, n.ticket) for n in entries] == [("proposed", case.ticket)]
        assert await bell.unseen(connection, cast.agent) == 0
        assert await bell.see(connection, clock, cast.agent, [entries[0].id]) == 0
        assert await bell.see(connection, clock, cast.director, []) == 0
        assert await bell.see(connection, clock, cast.director, None) == 1
        assert await bell.unseen(connection, cast.director) == 0


async def test_an_old_deadline_never_moves(database, clock, cast):
    case = await bring_to(database, clock, cast, State.PROPOSED)
    async with database.writing() as connection:
        calendar = await calendars.ensure(connection, clock)
        assert calendar.version == case.calendar_version == 1
        closed = await calendars.set_day(
            connection, clock, cast.supervisor, based_on=1, day=date(2026, 12, 1), closed=True,
            name_th="หยุดพิเศษตามมติคณะรัฐมนตรี", name_en="special",
        )  # fmt: skip
        assert (closed.version, closed.working(date(2026, 12, 1))) == (2, False)
        assert (await find(connection, cast.agent, case.ticket)).due_us == case.due_us
        again = await calendars.read(connection, 1)
        assert again.due(case.proposed_us, 15) == case.due_us
        assert closed.due(case.proposed_us, 15) > case.due_us
        with pytest.raises(Refused) as caught:
            await calendars.clear_day(
                connection, clock, cast.supervisor, based_on=1, day=date(2026, 12, 1)
            )
        assert caught.value.status == 412
        back = await calendars.clear_day(
            connection, clock, cast.supervisor, based_on=2, day=date(2026, 12, 1)
        )
        assert back.working(date(2026, 12, 1))
        assert [v.version for v in await calendars.versions(connection)] == [3, 2, 1]
    later = await bring_to(database, clock, cast, State.PROPOSED)
    assert (later.calendar_version, later.due_us) == (3, case.due_us)


async def test_a_new_year_makes_a_new_version_that_keeps_what_was_set(database, clock, cast):
    day = date(2028, 3, 6)
    async with database.writing() as connection:
        await calendars.set_day(
            connection, clock, cast.supervisor, based_on=0, day=day, closed=True,
            name_th="หยุดพิเศษ", name_en="",
        )  # fmt: skip
        clock.set("2027-01-04T09:00")
        made = await calendars.ensure(connection, clock)
        assert (made.version, made.last, made.working(day)) == (3, date(2029, 12, 31), False)
        assert (await calendars.ensure(connection, clock)).version == 3
        assert [s.day for s in calendars.overrides(made)] == [day]
