"""What a mapping is given: everything that is known, and never what may not leave the house."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update

from crm_bridge.cases import complaints, directing, proceedings
from crm_bridge.cases.workflow import State
from crm_bridge.config import Config, WebSection
from crm_bridge.connectors.port import Status
from crm_bridge.delivery import case_contents, contents
from crm_bridge.delivery.case_contents import STATUS
from crm_bridge.people import merge, privacy
from crm_bridge.records.database import Database
from crm_bridge.records.desk_tables.cases import case_events, cases
from crm_bridge.records.desk_tables.wrapups import call_back_wishes, wrapups
from crm_bridge.records.erasure import erase_callers
from crm_bridge.records.rows import snapshot
from crm_bridge.records.writer import Writer, batch_of
from ivr.calls.call import OUTBOUND, AgencyLeg, Gap, Hold, MenuChoice
from ivr.steps.timeline import timeline
from tests.support.cases import Cast, bring_to, form
from tests.support.desk_calls import SECOND, STANDARDS, directory, lost, served
from tests.support.desk_clock import NOW, HeldClock
from tests.support.people import ADMINISTRATOR, person
from tests.support.scenario import config_of

NUMBER, NATIONAL = "+66812345678", "0812345678"
NAME, EMAIL = "นางสาวพิสมัย รักไทย", "Pisamai@example.com"


def config() -> Config:
    return config_of("ours").model_copy(update={"web": WebSection(address="https://desk.example/")})


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
async def cast(database, clock) -> Cast:
    return await Cast.of(database, clock)


async def save(database: Database, *calls) -> None:
    writer = Writer(database, HeldClock())
    made = [snapshot(c, timeline(c, directory(), STANDARDS)) for c in calls]
    await writer.commit(batch_of(calls=made))
    await writer.close()


async def call_of(database, call_id):
    async with database.reading() as connection:
        return await contents.call_facts(connection, config(), call_id)


async def case_of(database, case_id, ordinal=None):
    async with database.reading() as connection:
        if ordinal is None:
            return await case_contents.case_facts(connection, config(), case_id)
        return await case_contents.event_facts(connection, config(), case_id, ordinal)


# --- calls ---------------------------------------------------------------------------------------


async def test_a_call_is_told_whole(database):
    call = served(1, NOW, agents=("1001", "1002"))
    call.holds = [Hold("1001", NOW + 20 * SECOND, NOW + 30 * SECOND)]
    call.menu = [MenuChoice("service", "2", NOW), MenuChoice("service", "1", NOW)]
    call.agency_legs = [AgencyLeg("dit", "2001", NOW, NOW), AgencyLeg("dit", "2001", NOW, NOW)]
    await save(database, call)
    facts = await call_of(database, call.call_id)
    told = facts.call
    assert told.key == f"call:{call.call_id}"
    assert (told.number, told.presented, told.withheld) == (NUMBER, NATIONAL, False)
    assert told.agents == ("1001", "1002")
    assert (told.wait_seconds, told.talk_seconds, told.total_seconds) == (8.0, 280.0, 300.0)
    assert told.menu == "2 1"
    assert told.outcome_name == ("ได้รับบริการ", "Served")
    assert told.service_name[1] == "Information and advice"
    assert len(told.transfers) == 1
    assert told.steps[0].name[0] != told.steps[0].step
    assert told.observed
    assert told.link == f"https://desk.example/calls/{call.call_id}"
    assert facts.contact.key == f"number:{NUMBER}"
    assert (await call_of(database, "nobody")) is None


async def test_a_call_that_was_not_heard_whole_says_so(database):
    call = lost(1, NOW)
    call.gaps = [Gap(NOW, NOW + SECOND)]
    await save(database, call)
    told = (await call_of(database, call.call_id)).call
    assert not told.observed
    assert told.talk_seconds is None
    assert told.wait_seconds == 59.0


@pytest.mark.parametrize("direction", ["inbound", OUTBOUND])
async def test_of_a_withheld_call_neither_number_nor_name_is_told(database, direction):
    call = served(1, NOW, direction=direction)
    call.withheld, call.caller_name = True, NAME
    if direction == OUTBOUND:
        call.dialled = NATIONAL
    await save(database, call)
    facts = await call_of(database, call.call_id)
    assert facts.contact is None
    assert facts.call.withheld
    assert_none_of(facts, NUMBER, NATIONAL, "812345678", NAME, "พิสมัย")


async def test_a_number_of_one_person_is_that_person_and_of_two_is_a_number(database, clock):
    call = served(1, NOW)
    await save(database, call)
    who = await person(database, NAME, NUMBER, email="a@example.com", province="กระบี่")
    facts = await call_of(database, call.call_id)
    assert facts.contact.key == f"person:{who.id}"
    assert (facts.contact.name, facts.contact.province) == (NAME, "กระบี่")
    assert facts.contact.link == f"https://desk.example/people/{who.id}"
    other = await person(database, "วิภาดา แก้วมณี", NUMBER)
    assert (await call_of(database, call.call_id)).contact.key == f"number:{NUMBER}"
    async with database.writing() as connection:
        await merge.merge(connection, clock, ADMINISTRATOR, keep=who.id, other=other.id)
    assert (await call_of(database, call.call_id)).contact.key == f"person:{who.id}"
    async with database.reading() as connection:
        merged = await contents.person_facts(connection, config(), other.id)
    assert merged.contact.key == f"person:{who.id}"


async def test_nothing_is_told_of_an_erased_call_or_person(database, clock, cast):
    call = served(1, NOW)
    await save(database, call)
    who = await person(database, NAME, NUMBER)
    async with database.writing() as connection:
        await connection.execute(
            wrapups.insert().values(
                call_id=call.call_id, agent="1001", account_id=cast.agent.id,
                service="information", summary=NAME, outcome="answered", follow_up="",
                follow_up_done=False, informed=False, asked_agency=False, saved_us=NOW,
                updated_us=NOW, version=1,
            )
        )  # fmt: skip
        recorded = await complaints.record(
            connection, clock, cast.agent, form(person_id=who.id, complainant_name=NAME),
            call_id=call.call_id,
        )  # fmt: skip
        await connection.execute(update(cases).values(state="closed", closed_us=1))
    async with database.reading() as connection:
        before = await contents.wrapup_facts(connection, config(), call.call_id, "1001")
    assert before is not None
    assert before.wrapup.summary == NAME
    assert before.wrapup.officer == "agent"
    assert before.wrapup.key == f"wrapup:{call.call_id}/1001/1"
    async with database.writing() as connection:
        await privacy.erase(connection, clock, ADMINISTRATOR, who.id, "ขอลบ")
    assert await call_of(database, call.call_id) is None
    assert await case_of(database, recorded.id) is None
    assert await case_of(database, recorded.id, 0) is None
    async with database.reading() as connection:
        assert await contents.person_facts(connection, config(), who.id) is None
        assert await contents.wrapup_facts(connection, config(), call.call_id, "1001") is None


async def test_an_erased_call_is_not_told_though_nobody_was_known(database, clock):
    call = served(1, NOW)
    await save(database, call)
    async with database.writing() as connection:
        await erase_callers(connection, clock, [call.call_id])
    assert await call_of(database, call.call_id) is None


# --- cases ---------------------------------------------------------------------------------------


async def test_an_open_case_is_told_with_who_complains_and_its_call(database, clock, cast):
    call = served(1, NOW)
    await save(database, call)
    async with database.writing() as connection:
        case = await complaints.record(
            connection, clock, cast.agent, form(complainant_name=NAME), call_id=call.call_id
        )
    facts = await case_of(database, case.id)
    assert facts.case.key == f"case:{case.ticket}"
    assert facts.case.complainant == facts.contact
    assert (facts.contact.key, facts.contact.name) == (f"number:{NUMBER}", NAME)
    assert facts.case.call_key == f"call:{call.call_id}"
    assert facts.case.officer == "agent"
    assert facts.case.status is Status.NEW
    assert facts.case.link == f"https://desk.example/cases/{case.ticket}"
    assert (await call_of(database, call.call_id)).call.cases == (case.ticket,)


SAID = f"{NAME} โทร {NATIONAL} หรือ 081-234-5678, pisamai@EXAMPLE.com, {NUMBER} แจ้งว่า พิสมัย ซื้อน้ำมันพืช"


@pytest.mark.parametrize(
    "hidden",
    [
        {"identity": "concealed"},
        {"identity": "anonymous", "consent": None, "consent_how": None, "notice_version": None},
        {"consent": False},
    ],
    ids=["concealed", "anonymous", "no consent"],
)
async def test_nobody_learns_who_complains_where_it_is_not_to_be_known(
    database, clock, cast, hidden
):
    """Over every field of the case, of each entry of its timeline, and of its call."""
    call = served(1, NOW)
    await save(database, call)
    who = await person(database, NAME, NUMBER, email=EMAIL)
    written = form(
        complainant_name=NAME, complainant_number=NUMBER, complainant_email=EMAIL,
        person_id=who.id, title=SAID[:100], facts=SAID, wanted=SAID, respondent=SAID[:100],
        place=SAID[:100], product=SAID[:100],
    )  # fmt: skip
    async with database.writing() as connection:
        case = await complaints.record(connection, clock, cast.agent, written, call_id=call.call_id)
        # set as it is kept: an anonymous form has no name, an old or edited row may
        await connection.execute(update(cases).values(**hidden))
        ticket = case.ticket
        await complaints.note(connection, clock, cast.agent, ticket, text=SAID)
        await complaints.note(connection, clock, cast.agent, ticket, text=SAID, internal=True)
        await proceedings.propose(connection, clock, cast.agent, ticket, note=SAID)
        await directing.assign(
            connection, clock, cast.director, ticket, orders=[directing.Order("dit", SAID)],
            known={"dit"},
        )  # fmt: skip
        await directing.settle(connection, clock, cast.director, ticket, text=SAID)
        ordinals = (await connection.execute(select(case_events.c.ordinal))).scalars().all()
    secrets = (NAME, "พิสมัย", "รักไทย", NUMBER, NATIONAL, "812345678", "081-234", EMAIL,
               who.id, call.call_id)  # fmt: skip
    for ordinal in (None, *ordinals):
        facts = await case_of(database, case.id, ordinal)
        assert facts.contact is None
        assert facts.case.complainant is None
        assert facts.case.call_key is None
        assert_none_of(facts, *secrets)
    assert "ซื้อน้ำมันพืช" in facts.case.facts
    assert (await call_of(database, call.call_id)).call.cases == ()


async def test_a_cancelled_case_tells_no_more_who_complained(database, clock, cast):
    case = await bring_to(database, clock, cast, State.CANCELLED, complainant_name=NAME)
    facts = await case_of(database, case.id)
    assert facts.case.status is Status.CANCELLED
    assert_none_of(facts, NAME, "พิสมัย", NUMBER, NATIONAL)


async def test_internal_entries_never_leave_and_of_the_centre_only_that_it_was_done(
    database, clock, cast
):
    async with database.writing() as connection:
        case = await complaints.record(connection, clock, cast.agent, form())
        ticket = case.ticket
        await complaints.note(connection, clock, cast.agent, ticket, text="เปิดเผยได้")
        await complaints.note(
            connection, clock, cast.agent, ticket, text="ความลับภายใน", internal=True
        )
        await proceedings.propose(connection, clock, cast.agent, ticket, note="ถึงท่าน ผอ.")
        await directing.assign(
            connection, clock, cast.director, ticket,
            orders=[directing.Order("dit", "ตรวจสอบร้าน")], known={"dit"},
        )  # fmt: skip
    told = [await case_of(database, case.id, n) for n in range(5)]
    assert told[2].event is None
    assert [t.event.text for t in told if t.event is not None] == [
        "", "เปิดเผยได้", "", "ตรวจสอบร้าน",
    ]  # fmt: skip
    assert all(t.case is not None for t in told)
    assert_none_of(told, "ความลับภายใน", "ถึงท่าน")
    assert told[4].event.agency is not None
    assert told[4].event.key == f"event:{ticket}/4"
    assert await case_of(database, case.id, 9) is None


async def test_each_state_is_one_status_and_an_entry_says_whether_it_moved(database, clock, cast):
    assert set(STATUS) == set(State)
    case = await bring_to(database, clock, cast, State.ASSIGNED)
    async with database.reading() as connection:
        moves = [await case_contents.move(connection, case.id, n) for n in range(4)]
    assert [(m.status, m.moved, m.first) for m in moves if m is not None] == [
        (Status.NEW, True, True), (Status.OPEN, True, False), (Status.WAITING, True, False),
    ]  # fmt: skip
    assert moves[3] is None


def assert_none_of(facts: object, *secrets: str) -> None:
    text = repr(facts).casefold()
    found = [secret for secret in secrets if secret.casefold() in text]
    assert not found


@pytest.mark.parametrize("presented", [NATIONAL, None])
async def test_who_asked_the_line_to_be_called_back(database, clock, presented):
    """Told with the call, whose number a withheld caller keyed is told nobody."""
    call = lost(1, NOW - 60 * SECOND, presented=presented)
    await save(database, call)
    assert (await call_of(database, call.call_id)).call.call_back_asked_at is None
    async with database.writing() as connection:
        await connection.execute(
            insert(call_back_wishes).values(call_id=call.call_id, number=NUMBER, asked_us=NOW)
        )
    told = (await call_of(database, call.call_id)).call
    assert told.call_back_asked_at == NOW
    assert told.call_back_number == (NUMBER if presented else None)
